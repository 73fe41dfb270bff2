"""Where a piece is begun, and the bars that are counted before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from accompanist.conducting.grid import SoloGrid
from accompanist.score.model import Measure

__all__ = ["Beginnings", "Entry"]

_SAME_QUARTER = 1e-6
_NO_BARS_QUARTER = 4.0


class Entry(NamedTuple):
    """Where and when everybody begins after a count-in."""

    quarter: float
    time_s: float
    """Of the sound."""
    event: int
    """The solo event that falls on it; −1 if there is none."""
    lead_quarter: float
    """Length of the count-in."""


class Beginnings:
    """Finds the first event and the count-in for any place of the piece.

    Parameters
    ----------
    grid : SoloGrid
    measures : iterable of Measure
        In the order of performance.
    """

    def __init__(self, grid: SoloGrid, measures: Iterable[Measure]) -> None:
        self._grid = grid
        self._bars = tuple((m.end_quarter, m.length_quarter) for m in measures)

    def first_event(self, quarter: float) -> int:
        """Give the event with which a soloist begins at ``quarter``; the last one at the end."""
        return max(min(self._grid.event_from(quarter), len(self._grid) - 1), 0)

    def entry(self, quarter: float, bars: float, sound_s: float, ratio: float) -> Entry:
        """Count ``bars`` from ``sound_s`` on, at ``ratio`` times the written length."""
        grid, event = self._grid, self._grid.event_from(quarter)
        together = event < len(grid) and grid.quarters[event] <= quarter + _SAME_QUARTER
        start = min(quarter, grid.release_quarter[event]) if together else quarter
        lead = bars * self._bar_length(quarter)
        time_s = sound_s + lead / grid.written_rate(start) * ratio
        return Entry(start, time_s, event if together else -1, lead)

    def _bar_length(self, quarter: float) -> float:
        lengths = [length for end, length in self._bars if end > quarter]
        # A pickup is counted in with a whole bar.
        return max(lengths[:2], default=_NO_BARS_QUARTER)
