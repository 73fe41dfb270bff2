"""The ensemble's time: an immutable, strictly increasing map between quarters and seconds.

The idea of beats ↔ time as one small immutable bijection is Ableton Link's (``Timeline.hpp``).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Timeline"]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Piecewise linear map quarter ↔ seconds, with an optional gate.

    ``times_s`` and ``quarters`` [same length ≥ 1] are strictly increasing knots; beyond the last
    knot (and before the first) it goes on with ``rate_quarter_s`` quarters a second.
    ``gate_quarter`` is the position that must not be reached before a newer timeline opens it:
    what lies at or beyond it is not due, however late it gets.
    """

    times_s: tuple[float, ...]
    quarters: tuple[float, ...]
    rate_quarter_s: float
    gate_quarter: float = float("inf")

    def __post_init__(self) -> None:
        if len(self.times_s) != len(self.quarters) or not self.times_s:
            raise ValueError("a timeline wants as many times as quarters, and at least one")
        if not self.rate_quarter_s > 0:
            raise ValueError(f"rate_quarter_s must be positive, not {self.rate_quarter_s}")
        for knots in (self.times_s, self.quarters):
            if any(b <= a for a, b in pairwise(knots)):
                raise ValueError("knots of a timeline must increase")

    def to_quarter(self, time_s: float) -> float:
        """Position at ``time_s``, the gate left aside."""
        return self._map(time_s, self.times_s, self.quarters, self.rate_quarter_s)

    def to_time(self, quarter: float) -> float:
        """When ``quarter`` comes, the gate left aside; the inverse of `to_quarter`."""
        return self._map(quarter, self.quarters, self.times_s, 1.0 / self.rate_quarter_s)

    def due_s(self, quarter: float) -> float:
        """When what stands at ``quarter`` is to sound: infinite at or behind the gate."""
        return float("inf") if quarter >= self.gate_quarter else self.to_time(quarter)

    @staticmethod
    def _map(x: float, xs: tuple[float, ...], ys: tuple[float, ...], slope: float) -> float:
        if x <= xs[0]:
            return ys[0] + (x - xs[0]) * slope
        if x >= xs[-1]:
            return ys[-1] + (x - xs[-1]) * slope
        i = bisect_right(xs, x)
        return ys[i - 1] + (x - xs[i - 1]) * (ys[i] - ys[i - 1]) / (xs[i] - xs[i - 1])
