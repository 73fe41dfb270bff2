"""Under a stick: every tap is a beat, and the ensemble goes from one beat to the next."""

from __future__ import annotations

from math import exp, log

from accompanist.conducting.beats import Beats
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.planner import Knots, fill
from accompanist.conducting.tempo_model import FASTEST, SLOWEST
from accompanist.conducting.timeline import Timeline

__all__ = ["Stick"]

_AT_ONCE_S = 0.001
_NEW_SHARE = 0.6
"""So much of the tempo is that of the last beat, the rest that of those before."""
_HELD = 2.5
"""A beat that is longer than expected by this was held; it says nothing of the tempo."""


class Stick:
    """Follows a hand that beats time. It waits for every beat: with no beat there is no music.

    A beat that comes late is waited for, one that comes early is joined at once; in between the
    ensemble goes at the tempo of the last beats, written changes of tempo included.

    Parameters
    ----------
    grid : SoloGrid
        For its written seconds.
    beats : Beats
    end_quarter : float
        End of the score.

    Attributes
    ----------
    ratio : float
        Played seconds for each written second.
    """

    def __init__(self, grid: SoloGrid, beats: Beats, end_quarter: float) -> None:
        self._grid = grid
        self._beats = beats
        self._end_quarter = end_quarter
        self.ratio = 1.0
        self._learned = False
        self.stand(0.0, 1.0)

    def stand(self, quarter: float, ratio: float) -> None:
        """Wait for the first beat at or behind ``quarter``; until there, play on at this ratio."""
        self._next = self._beats.first_from(quarter)
        self.ratio = ratio
        self._learned = False
        self._last: tuple[float, float, float] | None = None

    def begin(self, quarter: float, ratio: float, time_s: float, sound_s: float) -> None:
        """Begin at ``quarter`` with the beat at ``time_s``, wherever in the bar that is."""
        self.stand(quarter, ratio)
        self._next = quarter
        self.beat(time_s, sound_s)

    def beat(self, time_s: float, sound_s: float) -> float:
        """Take a beat that was given at ``time_s``; answer where the ensemble is to be now.

        Infinite behind the last beat of the piece.
        """
        here = self._next
        if here == float("inf"):
            return here
        if self._last is not None:
            quarter, last_s, _ = self._last
            written_s = self._grid.to_written(here) - self._grid.to_written(quarter)
            self._learn(max(time_s - last_s, 0.01) / written_s)
        self._last = (here, time_s, sound_s)
        self._next = self._beats.after(here)
        return here

    def timeline(self, quarter: float, sound_s: float) -> Timeline:
        """Lead from ``quarter`` at ``sound_s`` to the next beat, and no further."""
        grid, knots = self._grid, Knots(sound_s, quarter)
        from_quarter, from_s = quarter, sound_s
        if self._last is not None:
            from_quarter, _, from_s = self._last
            knots.add(sound_s + _AT_ONCE_S, from_quarter)
        end = min(self._next, max(self._end_quarter, knots.quarter + 1.0))
        if end > knots.quarter:
            length_s = (grid.to_written(end) - grid.to_written(from_quarter)) * self.ratio
            fill(knots, grid, end, max(from_s + length_s, knots.time_s + _AT_ONCE_S))
        rate = grid.written_rate(knots.quarter) / self.ratio
        gate = max(self._next, quarter)
        return Timeline(tuple(knots.times), tuple(knots.quarters), rate, gate)

    def _learn(self, ratio: float) -> None:
        if ratio > _HELD * self.ratio:
            return
        share = _NEW_SHARE if self._learned else 1.0
        level = (1.0 - share) * log(self.ratio) + share * log(ratio)
        self.ratio = exp(min(max(level, FASTEST), SLOWEST))
        self._learned = True
