"""A receiver of MIDI clock as the specification has it, strict about everything it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from accompanist.conducting.timeline import Timeline
from accompanist.performing.clock import ClockEvent, ClockKind, ClockPlan
from accompanist.performing.clock_line import ClockLine
from accompanist.performing.cue import Cue

CLOSED = float("-inf")


def armed(quarter: float = 0.0, time_s: float = 0.0, jumps: int = 0) -> Cue:
    """Wait at a place, as the conductor says it."""
    return Cue(time_s, Timeline((time_s,), (quarter,), 1.0, CLOSED), "armed", jumps, quarter)


def going(
    time_s: float,
    quarter: float,
    qpm: float,
    state: str = "following",
    *,
    jumps: int = 0,
    plays_from: float = 0.0,
    gate: float = float("inf"),
) -> Cue:
    """Go on from a place in a tempo."""
    line = Timeline((time_s,), (quarter,), qpm / 60.0, gate)
    return Cue(time_s, line, state, jumps, plays_from)


def perform(
    line: ClockLine, cues: Iterable[Cue], until_s: float, step_s: float = 0.005
) -> list[ClockEvent]:
    """Hand every cue over in its time and ask for what is due in even steps."""
    waiting = sorted(cues, key=lambda c: c.time_s)
    events = list(line.due(0.0))
    steps = round(until_s / step_s)
    for step in range(steps):
        while waiting and waiting[0].time_s <= step * step_s + 1e-9:
            line.take(waiting.pop(0))
        events.extend(line.due((step + 1) * step_s))
    return events


class Receiver:
    """Counts ticks; asserts the order and the distances that the contract promises.

    Attributes
    ----------
    ticks_s : list of float
        Every tick.
    counted : list of (float, float)
        Time and quarter of every tick that was counted.
    """

    def __init__(self, events: Sequence[ClockEvent]) -> None:
        self.ticks_s: list[float] = []
        self.counted: list[tuple[float, float]] = []
        self.starts: list[ClockEvent] = []
        self.stops_s: list[float] = []
        self.places: list[tuple[float, int]] = []
        self.label: int | None = None
        self._place = 0
        self._pending: ClockEvent | None = None
        self._last_stop_s = self._last_place_s = float("-inf")
        assert list(events) == sorted(events, key=lambda e: e.time_s), "never back in time"
        for event in events:
            self._take(event)

    def _take(self, event: ClockEvent) -> None:
        match event.kind:
            case ClockKind.TICK:
                self._tick(event.time_s)
            case ClockKind.STOP:
                self.label = self._pending = None
                self._last_stop_s = event.time_s
                self.stops_s.append(event.time_s)
            case ClockKind.POSITION:
                assert self.label is None, "no position while running"
                assert self._last_stop_s > float("-inf"), "a stop before the first position"
                assert 0 <= event.sixteenth <= 16383
                assert event.time_s - self._last_place_s >= 0.020
                self._place, self._last_place_s = event.sixteenth, event.time_s
                self.places.append((event.time_s, event.sixteenth))
            case _:
                assert self.label is None, "no start or continue while running"
                assert event.time_s - self._last_place_s >= 0.020, "time to settle"
                assert event.time_s - self._last_stop_s >= 0.020
                top = event.kind is ClockKind.START
                assert top or self._last_place_s > float("-inf"), "continue from nowhere"
                self.label = 0 if top else self._place * 6
                self._pending = event
                self.starts.append(event)

    def _tick(self, time_s: float) -> None:
        if self._pending is not None:
            assert time_s - self._pending.time_s >= 0.001, "told in time"
            assert time_s - self._pending.time_s <= 0.010, "and right before its tick"
            self._pending = None
        self.ticks_s.append(time_s)
        if self.label is not None:
            self.counted.append((time_s, self.label / 24.0))
            self.label += 1

    @property
    def intervals_s(self) -> list[float]:
        return [b - a for a, b in pairwise(self.ticks_s)]

    def beat_ratios(
        self, beat_quarter: float = 1.0, without: Iterable[tuple[float, float]] = ()
    ) -> list[float]:
        """Mean tempo of each stretch of a beat over that of the stretch before, ≥ 1.

        Stretches that touch one ``without`` (from, to, in quarters) are left out.
        """
        n, t = round(24 * beat_quarter), self.ticks_s
        out = {s for s, q in self.counted if any(a - 0.05 <= q <= b + 0.05 for a, b in without)}
        marked = [0, *accumulate(s in out for s in t)]
        ratios = []
        for i in range(len(t) - 2 * n):
            if marked[i + 2 * n + 1] == marked[i]:
                ratio = (t[i + 2 * n] - t[i + n]) / (t[i + n] - t[i])
                ratios.append(max(ratio, 1.0 / ratio))
        return ratios


def follow(
    cues: Iterable[Cue], until_s: float, plan: ClockPlan | None = None, step_s: float = 0.005
) -> Receiver:
    """Let a fresh clock line go by the cues, and a receiver listen to it."""
    return Receiver(perform(ClockLine(plan or ClockPlan()), cues, until_s, step_s))
