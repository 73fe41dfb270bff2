"""MIDI time code that rolls with the ensemble. Pure."""

from __future__ import annotations

from accompanist.performing.clock import ClockPlan
from accompanist.performing.cue import Cue
from accompanist.performing.timecode import TimecodeEvent, TimecodeLine

__all__ = ["TakeTimecode", "written_seconds"]

_ROLLING = frozenset({"following", "holding", "waiting", "vamping", "lost"})


def written_seconds(plan: ClockPlan, quarter: float) -> float:
    """Time of a position at the written tempi.

    >>> plan = ClockPlan(written_quarter_s=((0.0, 2.0), (4.0, 1.0)))
    >>> written_seconds(plan, 2.0), written_seconds(plan, 6.0), written_seconds(plan, -1.0)
    (1.0, 4.0, 0.0)
    """
    rates = plan.written_quarter_s or ((0.0, plan.rate_quarter_s),)
    seconds = 0.0
    for i, (begins, rate) in enumerate(rates):
        ends = rates[i + 1][0] if i + 1 < len(rates) else float("inf")
        seconds += max(min(quarter, ends) - max(begins, 0.0), 0.0) / rate
    return seconds


class TakeTimecode:
    """Starts where the ensemble begins to play, with the written time of that place, and runs on.

    Time code is linear: it does not follow the soloist's tempo. A jump of the ensemble moves it to
    the written time of the new place, rest stops it.
    """

    def __init__(self) -> None:
        self._line = TimecodeLine()
        self._plan = ClockPlan()
        self._cue: Cue | None = None
        self.enabled = False

    @property
    def next_s(self) -> float:
        """Take time of the next bytes; infinite while it stands."""
        return self._line.next_s if self.enabled else float("inf")

    def load(self, plan: ClockPlan) -> None:
        """Take another piece; the code stands."""
        self._plan = plan
        self.stop()

    def stop(self) -> None:
        """Stand still until the next cue."""
        self._line.halt()
        self._cue = None

    def shift(self, by_s: float) -> None:
        """Move with the origin of take time."""
        self._line.shift(by_s)

    def take(self, cue: Cue, now_s: float) -> None:
        """Go by a newer cue."""
        before, self._cue = self._cue, cue
        jumped = before is not None and before.jumps != cue.jumps
        if cue.state not in _ROLLING:
            self._line.halt()
            if jumped:
                self._line.locate(now_s, written_seconds(self._plan, cue.plays_from))
        elif not self._line.rolling or jumped:
            at = min(cue.timeline.to_quarter(now_s), cue.timeline.gate_quarter)
            self._line.roll(now_s, written_seconds(self._plan, max(at, cue.plays_from)))

    def due(self, until_s: float) -> tuple[TimecodeEvent, ...]:
        """Give the bytes due before ``until_s``."""
        return self._line.due(until_s) if self.enabled else ()

    def skip(self, time_s: float) -> None:
        """Leave out what was not asked for in time."""
        self._line.skip(time_s)
