"""How the ensemble ends a piece alone: broadening, if the score says nothing of it.

Behind the soloist's last note nobody is there to follow. The ensemble goes on in the tempo that
the soloist has left behind and slows down towards its own last chord, as a runner comes to a
stop: with x from 0 to 1 along the last stretch of the score its tempo is v = (1 + (w³ − 1)·x)^⅓ of
what it was, and w at the end (Friberg and Sundberg, "Does music performance allude to locomotion?
A model of final ritardandi", J. Acoust. Soc. Am. 105, 1999). Theirs is about 0.5; this one is
moderate.
"""

from __future__ import annotations

from math import exp, log

from accompanist.conducting.grid import SoloGrid

__all__ = ["Ending"]

_LAST_TEMPO = 0.75
_LONGEST_S, _SHORTEST_S = 2.0, 0.5
"""Of written time, along which it broadens …"""
_SHARE = 0.6
"""… and no more than this of what it plays alone."""
_SLOWER = 0.95
"""A score that is this much slower at the end has said what it wants."""
_BENDS = 6
_EDGE_QUARTER = 1e-6


class Ending:
    """The broadening of a piece, on the written seconds that are in force now.

    Parameters
    ----------
    grid : SoloGrid
    """

    def __init__(self, grid: SoloGrid) -> None:
        self._grid = grid
        self._end_s = self._length_s = 0.0
        if not len(grid) or not grid.onsets or grid.continuous:
            return
        first, last = grid.quarters[-1], grid.onsets[-1]
        start_s, self._end_s = grid.to_written(first), grid.to_written(last)
        length_s = min(_LONGEST_S, _SHARE * (self._end_s - start_s))
        slower = grid.written_rate(last - _EDGE_QUARTER) < _SLOWER * grid.written_rate(first)
        if length_s >= _SHORTEST_S and not slower:
            self._length_s = length_s

    def late_s(self, quarter: float) -> float:
        """How much later than in an even tempo a position comes, in written seconds."""
        if self._length_s <= 0.0:
            return 0.0
        into_s = self._grid.to_written(quarter) - (self._end_s - self._length_s)
        if into_s <= 0.0:
            return 0.0
        x = min(into_s / self._length_s, 1.0)
        cube = _LAST_TEMPO**3 - 1.0
        lasts = 1.5 * (exp(log(1.0 + cube * x) * 2.0 / 3.0) - 1.0) / cube
        behind_s = max(into_s - self._length_s, 0.0)
        return self._length_s * (lasts - x) + behind_s * (1.0 / _LAST_TEMPO - 1.0)

    def places(self, quarter: float) -> list[float]:
        """Positions behind ``quarter`` at which the line bends."""
        if self._length_s <= 0.0:
            return []
        begin, end = self._quarter(self._end_s - self._length_s), self._grid.onsets[-1]
        places = (begin + i / _BENDS * (end - begin) for i in range(_BENDS + 1))
        return [place for place in places if place > quarter + _EDGE_QUARTER]

    def _quarter(self, written_s: float) -> float:
        """Position of a written second behind the soloist's last note."""
        grid = self._grid
        line = [grid.quarters[-1], *grid.knots_between(grid.quarters[-1], grid.onsets[-1])]
        left = max(q for q in line if grid.to_written(q) <= written_s or q == line[0])
        return left + (written_s - grid.to_written(left)) * grid.written_rate(left)
