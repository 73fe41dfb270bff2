"""What a human sets at the mixing desk, put upon the messages on their way out."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from accompanist.performing.channels import PERCUSSION_CHANNEL
from accompanist.performing.expression import Expression, scaled
from accompanist.performing.messages import Kind, Message, TimedMessage

__all__ = ["Mixer", "Strip", "fader"]

VOLUME, PAN, EXPRESSION = 7, 10, 11
_USUAL_VOLUME, _MIDDLE, _FULL = 100, 64, 127
_SILENT_DB = -60.0


def fader(volume: int, gain_db: float) -> int:
    """Give the value of CC 7 that is ``gain_db`` away from another.

    By the General MIDI convention the gain is 40 log10 (value / 127) dB.

    >>> fader(100, 0.0), fader(100, -6.0), fader(100, 6.0), fader(100, -60.0)
    (100, 71, 127, 0)
    """
    if gain_db <= _SILENT_DB:
        return 0
    return min(127, max(0, scaled(volume, gain_db)))


@dataclass(slots=True)
class Strip:
    """One part's controls; None leaves it to the score."""

    channel: int
    mute: bool = False
    solo: bool = False
    gain_db: float = 0.0
    pan: float | None = None
    """−1 left … 1 right."""
    program: int | None = None


class Mixer:
    """One `Strip` a part, and the volumes and seats that the score asks for.

    Parts that share a channel share its volume, pan and program.

    Parameters
    ----------
    channels : mapping of int to int
        Channel of each part, as in the plan.
    sustained : collection of int
        Those of the channels whose instruments sustain.

    Attributes
    ----------
    expression : Expression
        What leaning to the soloist does to velocities and to CC 11.
    strips : dict of int to Strip
        The controls of each part.
    fade : float
        Share of the loudness that the score asks for, 0–1, of all parts.
    """

    def __init__(self, channels: Mapping[int, int], sustained: Collection[int] = ()) -> None:
        self.expression = Expression(sustained)
        self.strips = {part: Strip(channel) for part, channel in channels.items()}
        self._planned = dict(channels)
        self._volumes: dict[int, int] = {}
        self._pans: dict[int, int] = {}
        self._programs: dict[int, int] = {}
        self._expressions: dict[int, int] = {}
        self._loose: set[int] = set()
        """Channels that have been given their full CC 11 back while nothing sounds."""
        self.fade = 1.0

    def silent(self, part: int) -> bool:
        """Whether a part is not to be heard: muted, or another one is on solo."""
        strip = self.strips[part]
        return strip.mute or (not strip.solo and any(s.solo for s in self.strips.values()))

    def put_through(self, timed: TimedMessage) -> TimedMessage:
        """Give the message as it leaves, the part's controls put upon it."""
        strip = self.strips.get(timed.part)
        if strip is None:
            return timed
        message = timed.message
        if message.kind is Kind.CC and message.number == VOLUME:
            self._volumes[timed.part] = message.value
            message = replace(message, value=fader(message.value, strip.gain_db))
        elif message.kind is Kind.CC and message.number == PAN:
            self._pans[timed.part] = message.value
            if strip.pan is not None:
                message = replace(message, value=_seat(strip.pan))
        elif message.kind is Kind.CC and message.number == EXPRESSION:
            self._expressions[timed.part] = message.value
            self._loose.discard(self._planned[timed.part])
            message = replace(message, value=self._expression(timed.part))
        elif message.kind is Kind.PROGRAM:
            self._programs[timed.part] = message.number
            if strip.program is not None:
                message = replace(message, number=strip.program)
        elif message.kind is Kind.ON:
            velocity = self.expression.velocity(self._planned[timed.part], message.value)
            if velocity != message.value:
                message = replace(message, value=velocity)
        if strip.channel != message.channel:
            message = replace(message, channel=strip.channel)
        return timed if message is timed.message else replace(timed, message=message)

    def setting(self, part: int, control: str) -> Message | None:
        """Give the message that brings gain, pan, expression or program to the synthesiser."""
        strip = self.strips[part]
        match control:
            case "gain":
                volume = self._volumes.get(part, _USUAL_VOLUME)
                value = fader(volume, strip.gain_db)
                return Message(Kind.CC, strip.channel, VOLUME, value)
            case "pan":
                seat = self._pans.get(part, _MIDDLE) if strip.pan is None else _seat(strip.pan)
                return Message(Kind.CC, strip.channel, PAN, seat)
            case "expression":
                return Message(Kind.CC, strip.channel, EXPRESSION, self._expression(part))
            case "program":
                program = self._programs.get(part) if strip.program is None else strip.program
                if program is None:
                    return None
                return Message(Kind.PROGRAM, strip.channel, program)
        return None

    def all_settings(self, part: int) -> tuple[Message, ...]:
        """Everything that a channel needs to know before the part plays on it."""
        moved = self._expression(part) != _FULL
        controls = ("program", "gain", "pan", *(("expression",) if moved else ()))
        found = (self.setting(part, control) for control in controls)
        return tuple(message for message in found if message is not None)

    def before(self, timed: TimedMessage) -> Message | None:
        """Count a key down or up; give what has to be sent ahead of it."""
        channel = self._planned.get(timed.part)
        if channel is None:
            return None
        match timed.message.kind:
            case Kind.ON:
                changed = self.expression.strike(channel, timed.message.value)
                if channel in self._loose:
                    self._loose.discard(channel)
                    changed |= self._expression(timed.part) != _FULL
                return self.setting(timed.part, "expression") if changed else None
            case Kind.OFF:
                self.expression.release(channel)
        return None

    def rest(self) -> dict[int, Message]:
        """Give every channel its full CC 11 back, until a note is struck there: by a part on it."""
        out: dict[int, Message] = {}
        for part, channel in self._planned.items():
            if channel not in self._loose and self._expression(part) != _FULL:
                out[part] = Message(Kind.CC, self.strips[part].channel, EXPRESSION, _FULL)
                self._loose.add(channel)
        self.expression.rest()
        return out

    def glide(self, time_s: float) -> dict[int, Message]:
        """Let what sounds follow the lean: CC 11 of each channel that changes, by a part on it."""
        changed = self.expression.glide(time_s)
        parts = {channel: part for part, channel in reversed(self._planned.items())}
        found = {parts[channel]: self.setting(parts[channel], "expression") for channel in changed}
        return {part: message for part, message in found.items() if message is not None}

    def _expression(self, part: int) -> int:
        """CC 11 of a part as it leaves: the score's, what the lean makes of it, the fade."""
        written = self._expressions.get(part, _FULL)
        return round(self.expression.value(self._planned[part], written) * self.fade)

    def drums(self, part: int) -> bool:
        """Whether a part is percussion, whose channel stays where it is."""
        return self._planned[part] == PERCUSSION_CHANNEL


def _seat(pan: float) -> int:
    """Give the CC 10 of a position.

    >>> [_seat(pan) for pan in (-1.0, 0.0, 1.0)]
    [0, 64, 127]
    """
    return min(127, max(0, math.floor(64 + 64 * pan)))
