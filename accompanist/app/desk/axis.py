"""Positions as the desk tells them: quarters, or seconds where the piece is a recording.

What `accompanist.score.outer` is in the engine, without numpy.
"""

from __future__ import annotations

from bisect import bisect_right

from accompanist.performing.clock import ClockPlan
from accompanist.score.model import Score

__all__ = ["DeskAxis"]


class DeskAxis:
    """Turns positions inside into positions outside and back. Immutable.

    Parameters
    ----------
    score : Score, optional
    clock : ClockPlan, optional
        Its written tempo is that of the recording; without it positions are quarters.

    >>> from accompanist.score.model import Score
    >>> clock = ClockPlan(written_quarter_s=((0.0, 2.0), (4.0, 1.0)), rate_quarter_s=2.0)
    >>> axis = DeskAxis(Score("", (), (), recording_s=10.0), clock)
    >>> axis.outer(6.0), axis.quarter(4.0), axis.outer(-1.0)
    (4.0, 6.0, -0.5)
    >>> DeskAxis().outer(6.0)
    6.0
    """

    def __init__(self, score: Score | None = None, clock: ClockPlan | None = None) -> None:
        self.recorded = score is not None and clock is not None and score.recording_s is not None
        self.unit = "seconds" if self.recorded else "quarters"
        pieces = () if clock is None else clock.written_quarter_s
        first_rate = 1.0 if clock is None else clock.rate_quarter_s
        if not pieces or pieces[0][0] > 0.0:
            pieces = ((0.0, pieces[0][1] if pieces else first_rate), *pieces)
        self._quarters = [quarter for quarter, _ in pieces]
        self._rates = [rate for _, rate in pieces]
        self._seconds = [0.0]
        for i in range(1, len(pieces)):
            rise = self._quarters[i] - self._quarters[i - 1]
            self._seconds.append(self._seconds[-1] + rise / self._rates[i - 1])

    def outer(self, quarter: float) -> float:
        """Position as told, of one in quarters."""
        if not self.recorded:
            return quarter
        i = max(bisect_right(self._quarters, quarter) - 1, 0)
        return self._seconds[i] + (quarter - self._quarters[i]) / self._rates[i]

    def quarter(self, outer: float) -> float:
        """Position in quarters, of one as told: the inverse of `outer`."""
        if not self.recorded:
            return outer
        i = max(bisect_right(self._seconds, outer) - 1, 0)
        return self._quarters[i] + (outer - self._seconds[i]) * self._rates[i]
