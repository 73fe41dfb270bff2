"""Where the ensemble stands and goes: the plan in force, its gate, what it has sounded."""

from __future__ import annotations

from dataclasses import replace

from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.timeline import Timeline

__all__ = ["EnsembleLine"]

_CLOSED = float("-inf")
_TOUCH_QUARTER = 2e-4
_HAIR_QUARTER = 1e-6
_KEPT_RELEASES = 8


class EnsembleLine:
    """The ensemble's own line, in the time at which it sounds.

    Attributes
    ----------
    plan : Timeline
        In force now; times are those of the sound.
    sent : Timeline
        The same in times of sending, ``latency_s`` earlier.
    released_s : dict of int to float
        When the last few coincident solo events were sounded by the ensemble.
    """

    def __init__(self, grid: SoloGrid, latency_s: float) -> None:
        self._grid = grid
        self._latency_s = latency_s
        self._next_event = 0
        self._told = 0.0
        self.released_s: dict[int, float] = {}
        self.follow(Timeline((0.0,), (0.0,), 1.0, _CLOSED))

    @property
    def closed(self) -> bool:
        """Nothing is due until further notice."""
        return self.plan.gate_quarter == _CLOSED

    def position(self, sound_s: float) -> float:
        """Quarter that sounds at ``sound_s``, the gate respected."""
        if self.closed:
            return self.plan.quarters[0]
        return min(self.plan.to_quarter(sound_s), self.plan.gate_quarter)

    def told(self, sound_s: float) -> float:
        """Position as others are told it.

        A plan made anew at the gate where it stands begins a hair before; that is not told.
        """
        quarter = self.position(sound_s)
        if not 0.0 < self._told - quarter < _HAIR_QUARTER:
            self._told = quarter
        return self._told

    def at_gate(self, quarter: float) -> bool:
        """Whether ``quarter`` is as far as the gate allows."""
        return quarter >= self.plan.gate_quarter - _TOUCH_QUARTER

    def follow(self, plan: Timeline) -> None:
        """Go on by another plan; it begins where the ensemble stands."""
        self.plan = plan
        self.sent = replace(plan, times_s=tuple(t - self._latency_s for t in plan.times_s))

    def put(
        self, quarter: float, sound_s: float, rate_quarter_s: float, lead_quarter: float = 0.0
    ) -> None:
        """Stand at ``quarter``, or so much before it, wherever the ensemble was before.

        What lies in the lead is counted and not played.
        """
        self.follow(Timeline((sound_s,), (quarter - lead_quarter,), rate_quarter_s))
        self._next_event = self._grid.event_from(quarter)
        self.released_s.clear()

    def close(self, quarter: float, sound_s: float) -> None:
        """Stand at ``quarter`` and let nothing be due."""
        self.put(quarter, sound_s, 1.0)
        self.follow(replace(self.plan, gate_quarter=_CLOSED))

    def delay(self, latency_s: float) -> None:
        """Take another latency for what has not been sent yet: sound is moved, sending is not."""
        shift_s = latency_s - self._latency_s
        self._latency_s = latency_s
        self.plan = replace(self.plan, times_s=tuple(t + shift_s for t in self.plan.times_s))

    def note_releases(self, quarter: float) -> None:
        """Keep the times at which coincident notes before ``quarter`` have sounded."""
        grid = self._grid
        while self._next_event < len(grid) and grid.release_quarter[self._next_event] < quarter:
            event, self._next_event = self._next_event, self._next_event + 1
            if grid.coincident[event]:
                self.released_s[event] = self.plan.to_time(grid.release_quarter[event])
                if len(self.released_s) > _KEPT_RELEASES:
                    del self.released_s[min(self.released_s)]
