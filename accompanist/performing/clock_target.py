"""Where the clock ought to be: a cue as the clock reads it, counted in ticks."""

from __future__ import annotations

from dataclasses import dataclass

from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue

__all__ = ["TICKS_A_QUARTER", "ClockTarget"]

TICKS_A_QUARTER = 24
_AT_GATE_QUARTER = 2e-4
"""The ensemble stands this close before its gate when it waits there."""
_GLANCE_S = 0.005
_DWELLING_SHARE = 0.25
"""Going slower than this share of the believed tempo is waiting and no tempo of its own."""
_RESTING_STATES = frozenset({"", "idle", "loading", "armed", "waiting", "paused", "ended", "error"})
_SILENT_STATES = frozenset({"", "idle", "loading", "error"})
_AFTER_STATES = _SILENT_STATES | {"ended"}


@dataclass(frozen=True, slots=True)
class ClockTarget:
    """A `Cue`, moved in time by the clock's offset.

    Times are those at which the clock sends; a tick is a 24th of a quarter, and positions are
    counted in ticks from the beginning of the piece.
    """

    cue: Cue
    offset_s: float = 0.0

    @property
    def timeline(self) -> Timeline:
        return self.cue.timeline

    @property
    def closed(self) -> bool:
        """Nothing moves, and the timeline's rate means nothing."""
        return self.timeline.gate_quarter == float("-inf")

    @property
    def resting(self) -> bool:
        """In this state nobody's transport runs."""
        return self.closed or self.cue.state in _RESTING_STATES

    @property
    def idle(self) -> bool:
        """Nobody waits for anything: the stream of ticks itself may end."""
        return self.cue.state in _SILENT_STATES

    @property
    def over(self) -> bool:
        """There is no place at which it would go on."""
        return self.cue.state in _AFTER_STATES

    @property
    def first_tick(self) -> float:
        """What lies before is only counted."""
        return max(self.cue.plays_from, 0.0) * TICKS_A_QUARTER

    def tick(self, time_s: float) -> float:
        """Position of the ensemble, the gate respected."""
        timeline = self.timeline
        if self.closed:
            return timeline.quarters[0] * TICKS_A_QUARTER
        quarter = timeline.to_quarter(time_s - self.offset_s)
        return min(quarter, timeline.gate_quarter) * TICKS_A_QUARTER

    def due_s(self, tick: float) -> float:
        """When a position comes; infinite while the gate forbids it."""
        return self.timeline.due_s(tick / TICKS_A_QUARTER) + self.offset_s

    def dwells(self, time_s: float) -> bool:
        """Whether the ensemble stands, or all but stands, at this moment."""
        if self.closed:
            return True
        timeline, at_s = self.timeline, time_s - self.offset_s
        quarter = timeline.to_quarter(at_s)
        if quarter >= timeline.gate_quarter - _AT_GATE_QUARTER:
            return True
        advance = timeline.to_quarter(at_s + _GLANCE_S) - quarter
        return advance < _DWELLING_SHARE * timeline.rate_quarter_s * _GLANCE_S
