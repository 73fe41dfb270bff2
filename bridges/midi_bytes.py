"""MIDI 1.0 on the wire: the bytes of our messages, and what silences whatever listens."""

from __future__ import annotations

from collections.abc import Iterable

from accompanist.performing.clock import ClockEvent, ClockKind
from accompanist.performing.messages import Kind, Message

__all__ = ["clock_bytes", "lets_go", "message_bytes", "panics", "wire_bytes"]

HOLD_PEDAL, SOSTENUTO = 64, 66
ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 120, 121, 123
_BEND_MIDDLE = 8192
_STATUS = {Kind.OFF: 0x80, Kind.ON: 0x90, Kind.CC: 0xB0, Kind.PROGRAM: 0xC0, Kind.BEND: 0xE0}
_CLOCK = {
    ClockKind.TICK: b"\xf8",
    ClockKind.START: b"\xfa",
    ClockKind.CONTINUE: b"\xfb",
    ClockKind.STOP: b"\xfc",
}
_LAST_SIXTEENTH = 0x3FFF


def message_bytes(message: Message) -> bytes:
    """Give the bytes of a channel message; values out of range are brought to its ends.

    >>> message_bytes(Message(Kind.ON, 1, 60, 100)).hex(" ")
    '90 3c 64'
    >>> message_bytes(Message(Kind.PROGRAM, 16, 73)).hex(" ")
    'cf 49'
    >>> message_bytes(Message(Kind.BEND, 2, 0, -8192)).hex(" ")
    'e1 00 00'
    """
    kind = message.kind
    status = _STATUS[kind] | (message.channel - 1) & 0x0F
    if kind is Kind.PROGRAM:
        return bytes((status, _seven(message.number)))
    if kind is Kind.BEND:
        bend = min(max(message.value + _BEND_MIDDLE, 0), 2 * _BEND_MIDDLE - 1)
        return bytes((status, bend & 0x7F, bend >> 7))
    return bytes((status, _seven(message.number), _seven(message.value)))


def clock_bytes(event: ClockEvent) -> bytes:
    """Give the bytes of a message of the clock port.

    Positions beyond the last one that MIDI can name (16 383 sixteenths) stay there.

    >>> clock_bytes(ClockEvent(0.0, ClockKind.TICK)).hex()
    'f8'
    >>> clock_bytes(ClockEvent(0.0, ClockKind.POSITION, 130)).hex(" ")
    'f2 02 01'
    """
    if event.kind is ClockKind.POSITION:
        at = min(max(event.sixteenth, 0), _LAST_SIXTEENTH)
        return bytes((0xF2, at & 0x7F, at >> 7))
    return _CLOCK[event.kind]


def wire_bytes(what: Message | ClockEvent | bytes) -> bytes:
    """Give the bytes of anything that a port can send; what is bytes already stays as it is."""
    match what:
        case Message():
            return message_bytes(what)
        case ClockEvent():
            return clock_bytes(what)
    return what


def lets_go(keys: Iterable[tuple[int, int]], channels: Iterable[int]) -> tuple[Message, ...]:
    """Note-offs of these keys (channel, pitch), then the pedals of these channels up.

    CC 123 alone would not do: it leaves alone what a pedal holds.
    """
    offs = tuple(Message(Kind.OFF, channel, pitch) for channel, pitch in keys)
    return offs + tuple(Message(Kind.CC, channel, HOLD_PEDAL, 0) for channel in channels)


def panics(keys: Iterable[tuple[int, int]], *, tails: bool = False) -> tuple[Message, ...]:
    """Everything that MIDI has for silence, on all channels; ``tails`` cuts the sound off too.

    Note-offs, hold and sostenuto pedal up, all notes off, controllers reset, bend centre.
    """
    out = [Message(Kind.OFF, channel, pitch) for channel, pitch in keys]
    for channel in range(1, 17):
        out += (
            Message(Kind.CC, channel, number, 0)
            for number in (HOLD_PEDAL, SOSTENUTO, ALL_NOTES_OFF, RESET_CONTROLLERS)
        )
        out.append(Message(Kind.BEND, channel, 0, 0))
        if tails:
            out.append(Message(Kind.CC, channel, ALL_SOUND_OFF, 0))
    return tuple(out)


def _seven(value: int) -> int:
    return min(max(value, 0), 127)
