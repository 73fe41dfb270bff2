"""Which events are sure enough to be reported. A report cannot be taken back: somebody has played.

The position may be a guess (the likeliest place, half of the belief behind it and half before);
a report is a claim. A new pitch says itself that it has begun. A pitch that is played again says
so by its stroke alone, and while a player dwells on the first of two such notes the belief that
the second has begun grows with every moment in which it would have been due: that is no stroke.
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

    def passed(
        self, sure_s: float, fine: PositionFilter, audible: float, *, relocated: bool
    ) -> range:
        """Give the events to be reported now that ``sure_s`` (written seconds) is reached.

        ``audible`` (0–1) says how far the stroke of a repeated note is to be expected. After a
        jump that is the one event jumped into, however little is known of it yet.
        """
        passed = self._event_at(sure_s)
        if relocated:
            due = range(passed, passed + 1) if passed > self.last_event else range(0)
            self.last_event = passed
            return due
        while passed > self.last_event and not self._sure(passed, fine, audible):
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

    def _sure(self, event: int, fine: PositionFilter, audible: float) -> bool:
        settings, cells = self._settings, self._grid.event_cell
        low, high = settings.sure_repeat
        wanted = low + audible * (high - low) if self._repeats(event) else 0.0
        if event == len(cells) - 1:
            wanted = max(wanted, settings.sure_last)
        return wanted == 0.0 or fine.mass_from(int(cells[event])) >= wanted

    def _refuted(self, fine: PositionFilter) -> bool:
        """Tell whether what was reported last has become unlikely."""
        cell = int(self._grid.event_cell[self.last_event])
        return fine.mass_from(cell) < self._settings.doubted

    def _repeats(self, event: int) -> bool:
        """Tell whether an event strikes nothing but what the one before has struck."""
        pointer, index = self._grid.segments.new_pointer, self._grid.segments.new_index
        if event < 1:
            return False
        before = index[pointer[event - 1] : pointer[event]]
        return bool(np.isin(index[pointer[event] : pointer[event + 1]], before).all())
