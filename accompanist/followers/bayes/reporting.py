"""Which events are sure enough to be reported. A report cannot be taken back: somebody has played.

The position may be a guess (the likeliest place, half of the belief behind it and half before);
a report is a claim, and the last of all is one that nothing behind it can contradict. To want more
belief of repeated notes as well was tried: those of a soft tongue were missed, and none was better.
"""

from __future__ import annotations

import numpy as np

from accompanist.followers.bayes.grid import FilterSettings, PositionFilter, ScoreGrid

__all__ = ["Reporting"]


class Reporting:
    """Remembers what has been reported last. Not thread-safe.

    Attributes
    ----------
    last_event : int
        The last event that was reported, or passed over by a jump; −1 before the first.
    """

    def __init__(self, grid: ScoreGrid, settings: FilterSettings) -> None:
        self.last_event = -1
        self._grid = grid
        self._settings = settings

    def passed(self, sure_s: float, fine: PositionFilter, *, relocated: bool) -> range:
        """Give the events to be reported now that ``sure_s`` (written seconds) is reached.

        After a jump that is the one event jumped into, however little is known of it yet.
        """
        passed = self._event_at(sure_s)
        if relocated:
            due = range(passed, passed + 1) if passed > self.last_event else range(0)
            self.last_event = passed
            return due
        last = len(self._grid.event_cell) - 1
        if passed == last > self.last_event and not self._ends(fine):
            passed -= 1
        if passed < self.last_event and not self._refuted(fine):
            return range(0)
        due = range(self.last_event + 1, passed + 1)
        self.last_event = passed
        return due

    def go_back(self, position_s: float) -> None:
        """Be ready to report the event at that place (written seconds) again."""
        self.last_event = min(self.last_event, self._event_at(position_s) - 1)

    def _event_at(self, position_s: float) -> int:
        events = self._grid.segments.event_s
        return int(np.searchsorted(events, position_s - 1e-9, side="right")) - 1

    def _ends(self, fine: PositionFilter) -> bool:
        """Tell whether the last event is sure enough to have begun."""
        return fine.mass_from(int(self._grid.event_cell[-1])) >= self._settings.sure_last

    def _refuted(self, fine: PositionFilter) -> bool:
        """Tell whether what was reported last has become unlikely."""
        cell = int(self._grid.event_cell[self.last_event])
        return fine.mass_from(cell) < self._settings.doubted
