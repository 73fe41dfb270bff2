"""Where messages go in the end, each place with a count of the keys that are down there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from accompanist.app.processes.board import SoundingTable
from accompanist.performing.clock import ClockEvent
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.timecode import TimecodeEvent
from bridges.midi_bytes import lets_go, panics

__all__ = ["Outlet", "Rig", "Sink"]


class Sink(Protocol):
    """A MIDI port or a synthesiser; one thread sends."""

    @property
    def name(self) -> str:
        """As the human sees it."""
        ...

    @property
    def kind(self) -> str:
        """One of jack, coremidi, alsa, port, synth."""
        ...

    @property
    def latency_s(self) -> float:
        """From the time of a message to its sound."""
        ...

    @property
    def ahead_s(self) -> float:
        """How long before its time a message is to be handed over; 0: at its time."""
        ...

    @property
    def gone(self) -> str:
        """Why nothing leaves any more; empty while all is well."""
        ...

    def send(self, message: Message | ClockEvent | bytes, at_s: float, tag: object = None) -> None:
        """Have a message leave at a monotonic time, or at once if it has come.

        Never raises: once something has gone wrong, ``gone`` says so and nothing happens here.
        A sink whose ``ahead_s`` is 0 sends at once.
        """
        ...

    def sent(self) -> list[tuple[object, float]]:
        """Take (tag, seconds too late) of what has left; nothing from one that sends at once."""
        ...

    def close(self) -> None:
        """Give the device back; closing twice does no harm."""
        ...


@dataclass(frozen=True, slots=True)
class _Tag:
    """What comes back from a sink that sends later: a message of ours and whom to tell of it."""

    message: Message
    timed: TimedMessage | None


class Outlet:
    """A sink and the keys that are down at it.

    A pitch that is struck while it is down is released first; it is let go when all who struck
    it have let it go. Not thread-safe.

    Parameters
    ----------
    sink : Sink
    port : int, optional
        Its row in the table of what sounds; None for what dies with this process.
    table : SoundingTable, optional
        Where to write it for whoever comes after us.
    """

    def __init__(
        self, sink: Sink, port: int | None = None, table: SoundingTable | None = None
    ) -> None:
        self.sink = sink
        self._port = port
        self._table = None if port is None else table
        self._down: Counter[tuple[int, int]] = Counter()
        self._channels: set[int] = set()
        self._pending = 0

    @property
    def waits(self) -> bool:
        """Whether the sink has messages that have not left yet."""
        return self._pending > 0 and not self.sink.gone

    def send(self, message: Message, at_s: float, timed: TimedMessage | None = None) -> None:
        """Send one message; ``timed`` is given back by `left` if the sink sends later."""
        key = (message.channel, message.number)
        if message.kind is Kind.ON:
            if self._down[key]:
                self._hand_over(Message(Kind.OFF, *key), at_s, None)
            self._down[key] += 1
        elif message.kind is Kind.OFF:
            if self._down[key] > 1:
                self._down[key] -= 1
                return
            self._down.pop(key, None)
        self._hand_over(message, at_s, timed)

    def clock(self, event: ClockEvent | TimecodeEvent, at_s: float) -> None:
        """Send a message of the clock or of time code."""
        self.sink.send(event if isinstance(event, ClockEvent) else event.data, at_s)

    def left(self) -> list[tuple[TimedMessage, float]]:
        """Take what a sink that sends later has sent, and how late."""
        out: list[tuple[TimedMessage, float]] = []
        for tag, late_s in self.sink.sent():
            if isinstance(tag, _Tag):
                self._pending -= 1
                self._account(tag.message)
                if tag.timed is not None:
                    out.append((tag.timed, late_s))
        return out

    def let_go(self, at_s: float) -> None:
        """Release every key that is down here, then lift the pedals."""
        self._send_all(lets_go(self._keys(), sorted(self._channels)), at_s)

    def inherit(self, at_s: float) -> int:
        """Release what our predecessor left sounding at this port; give the number of keys."""
        if self._table is None or self._port is None:
            return 0
        keys, channels = list(self._table.keys(self._port)), self._table.channels(self._port)
        self._send_all(lets_go(keys, channels), at_s)
        return len(keys)

    def panic(self, at_s: float, *, tails: bool) -> None:
        """Silence it by every means MIDI has; ``tails`` cuts the sound off too."""
        self._send_all(panics(self._keys(), tails=tails), at_s)

    def abandon(self) -> None:
        """Take everything for released: the port has gone, and what hung on it with it."""
        self._down.clear()
        self._pending = 0
        if self._table is not None and self._port is not None:
            self._table.clear(self._port)

    def _keys(self) -> list[tuple[int, int]]:
        keys = list(self._down)
        self._down.clear()
        return keys

    def _send_all(self, messages: tuple[Message, ...], at_s: float) -> None:
        for message in messages:
            self._hand_over(message, at_s, None)

    def _hand_over(self, message: Message, at_s: float, timed: TimedMessage | None) -> None:
        if self.sink.gone:
            return
        if message.channel not in self._channels:
            self._channels.add(message.channel)
            if self._table is not None and self._port is not None:
                self._table.used(self._port, message.channel)
        # Counted down before it is struck and up after it has left, so that whoever comes after
        # us may release a key too many but none too few.
        if self._table is not None and self._port is not None and message.kind is Kind.ON:
            self._table.struck(self._port, message.channel, message.number)
        if self.sink.ahead_s > 0.0:
            self._pending += 1
            self.sink.send(message, at_s, _Tag(message, timed))
        else:
            self.sink.send(message, at_s)
            self._account(message)

    def _account(self, message: Message) -> None:
        if self._table is not None and self._port is not None and message.kind is Kind.OFF:
            self._table.released(self._port, message.channel, message.number)


@dataclass(slots=True)
class Rig:
    """All that is open."""

    midi: Outlet | None = None
    """``accompanist parts``."""
    parts: dict[int, Outlet] = field(default_factory=dict)
    """A port of its own for each part, by part number."""
    synth: Outlet | None = None
    clock: Outlet | None = None

    def __iter__(self) -> Iterator[Outlet]:
        """Every outlet for notes."""
        if self.midi is not None:
            yield self.midi
        yield from self.parts.values()
        if self.synth is not None:
            yield self.synth

    @property
    def ahead_s(self) -> float:
        """How long before its time the earliest of them wants a message."""
        outlets = [*self] if self.clock is None else [*self, self.clock]
        return max((outlet.sink.ahead_s for outlet in outlets), default=0.0)

    def route(self, part: int, output: str) -> tuple[Outlet, ...]:
        """Where a part's notes go: ``midi``, ``synth``, ``both`` or ``none``."""
        midi = self.parts.get(part, self.midi) if output in ("midi", "both") else None
        synth = self.synth if output in ("synth", "both") else None
        return tuple(outlet for outlet in (midi, synth) if outlet is not None)
