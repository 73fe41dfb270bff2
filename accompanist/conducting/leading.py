"""Who leads where the soloist rests: the ensemble, in the tempo of the performance.

Before a rest soloists slow down, as the phrase ends. What the ensemble then plays alone is not to
be played in the tempo of that last bar: it goes back to that in which the piece has gone of late,
and the soloist takes it from there.
"""

from __future__ import annotations

from collections import deque

from accompanist.conducting.grid import SoloGrid

__all__ = ["Leading"]

_LOOKED_BACK_S = 20.0
_LEAST_S = 4.0
"""Of so much at least a tempo is made …"""
_MOST = 128
_LEAST_REST_S = 0.6
"""… and a shorter rest (written) is none in which to take the lead."""


class Leading:
    """Keeps the tempo of the last while, and says where it is to be taken up.

    Parameters
    ----------
    grid : SoloGrid
    """

    def __init__(self, grid: SoloGrid) -> None:
        self._grid = grid
        self._intervals: deque[tuple[float, float]] = deque(maxlen=_MOST)
        self._last: tuple[int, float] | None = None
        self._led = -1

    def heard(self, event: int, time_s: float) -> None:
        """Take in a solo note."""
        grid = self._grid
        if self._last is not None and event == self._last[0] + 1:
            written_s = grid.seconds[event] - grid.seconds[event - 1]
            taken_s = time_s - self._last[1]
            rested = grid.led[event] or grid.general_pause[event] or grid.fermata_s[event - 1] > 0
            if written_s > 0.0 and taken_s > 0.0 and not rested:
                self._intervals.append((taken_s, taken_s / written_s))
        self._last = (event, time_s)
        self._led = -1

    def takes_over(self, upcoming: int, quarter: float) -> bool:
        """Whether the ensemble, at ``quarter``, has just come to lead towards a solo entry."""
        grid = self._grid
        if grid.continuous or upcoming >= len(grid) or upcoming == self._led or upcoming < 1:
            return False
        begins, entry = grid.rests_from[upcoming], grid.quarters[upcoming]
        if not grid.led[upcoming] or not begins <= quarter < entry:
            return False
        self._led = upcoming
        return grid.to_written(entry) - grid.to_written(begins) >= _LEAST_REST_S

    @property
    def event(self) -> int:
        """The last one taken in; −1 for none."""
        return -1 if self._last is None else self._last[0]

    @property
    def ratio(self) -> float | None:
        """Played over written time of the last while: its median; None if that is too little."""
        recent: list[tuple[float, float]] = []
        whole_s = 0.0
        for taken_s, ratio in reversed(self._intervals):
            recent.append((ratio, taken_s))
            whole_s += taken_s
            if whole_s >= _LOOKED_BACK_S:
                break
        if whole_s < _LEAST_S:
            return None
        recent.sort()
        so_far_s = 0.0
        for ratio, taken_s in recent:
            so_far_s += taken_s
            if so_far_s >= 0.5 * whole_s:
                return ratio
        return None
