"""Where the beats of a piece are, as a stick shows them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from accompanist.score.model import Measure, Metre, Score

__all__ = ["Beats"]

_EDGE_QUARTER = 1e-6
_NO_METRE = Metre(0.0, 4, 4)
_FASTEST_UNIT = 150.0
"""Notes in threes that are quicker than this a minute are beaten as one."""


class Beats:
    """Beats of the metre, bar by bar.

    Compound metres (6/8, 9/8, 12/8, a quick 3/8) are beaten in threes where their eighths are
    faster than 150 a minute. A pickup's beats are counted back from its end.

    Parameters
    ----------
    score : Score
    end_quarter : float
        Beats reach up to here; without bars every quarter is a beat.
    """

    def __init__(self, score: Score, end_quarter: float) -> None:
        self._metres = tuple(sorted(score.metres, key=lambda m: m.quarter)) or (_NO_METRE,)
        self._metre_starts = [m.quarter for m in self._metres]
        self._marks = tuple(sorted(score.tempo_marks, key=lambda m: m.quarter))
        self._mark_starts = [m.quarter for m in self._marks]
        bars = score.measures or (Measure(0.0, max(end_quarter, 1.0), "1"),)
        found: list[float] = []
        for i, bar in enumerate(bars):
            step, whole = self.length_quarter(bar.start_quarter), self._bar(bar.start_quarter)
            short = i == 0 and bar.length_quarter < whole - _EDGE_QUARTER
            at = bar.start_quarter
            if short:
                at += bar.length_quarter % step
                if at > bar.start_quarter + _EDGE_QUARTER and not found:
                    found.append(bar.start_quarter)
            while at < bar.end_quarter - _EDGE_QUARTER:
                found.append(at)
                at += step
        self._quarters = tuple(found)

    def length_quarter(self, quarter: float) -> float:
        """Length of the beat in force at ``quarter``."""
        small, large = self.units_quarter(quarter)
        i = bisect_right(self._mark_starts, quarter + _EDGE_QUARTER)
        qpm = self._marks[max(i - 1, 0)].qpm if self._marks else 0.0
        return large if qpm / small > _FASTEST_UNIT else small

    def units_quarter(self, quarter: float) -> tuple[float, float]:
        """Give the printed beat at ``quarter`` and the one that somebody may beat instead."""
        metre = self._metre(quarter)
        small = 4.0 / metre.denominator
        compound = metre.denominator >= 8 and metre.numerator % 3 == 0
        return small, 3.0 * small if compound else small

    def first_from(self, quarter: float) -> float:
        """Give the first beat at or behind ``quarter``; infinite if there is none."""
        return self._at(bisect_left(self._quarters, quarter - _EDGE_QUARTER))

    def after(self, quarter: float) -> float:
        """Give the first beat behind ``quarter``; infinite if there is none."""
        return self._at(bisect_right(self._quarters, quarter + _EDGE_QUARTER))

    def _at(self, i: int) -> float:
        return self._quarters[i] if i < len(self._quarters) else float("inf")

    def _metre(self, quarter: float) -> Metre:
        return self._metres[max(bisect_right(self._metre_starts, quarter + _EDGE_QUARTER) - 1, 0)]

    def _bar(self, quarter: float) -> float:
        metre = self._metre(quarter)
        return 4.0 * metre.numerator / metre.denominator
