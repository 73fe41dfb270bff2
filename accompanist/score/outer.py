"""How the outside world counts positions: quarters, or seconds of the recording.

Inside, a position is always in quarters: for a recording without a score a quarter is a beat that
was found in it. Files, OSC and commands count seconds of a recording instead (the contract's
``# position: seconds``). This is the one place where the two are turned into one another.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Score
from accompanist.score.tempo import written_tempo

__all__ = ["OuterAxis"]

FloatArray = npt.NDArray[np.float64]

_SLOPE_QUARTER = 1e-5


class OuterAxis:
    """Positions of a piece as they are told outside. Immutable; safe to share.

    Attributes
    ----------
    unit : str
        ``quarters``, or ``seconds`` for a recording piece.
    """

    def __init__(self, score: Score) -> None:
        self._tempo = None if score.recording_s is None else written_tempo(score)
        self.unit = "quarters" if self._tempo is None else "seconds"

    def outer(self, quarter: npt.ArrayLike) -> FloatArray:
        """Positions as told outside, of positions in quarters; arrays keep their shape."""
        inner = np.asarray(quarter, dtype=np.float64)
        return inner if self._tempo is None else self._tempo.to_seconds(inner)

    def quarter(self, outer: npt.ArrayLike) -> FloatArray:
        """Positions in quarters, of positions as told outside: the inverse of `outer`."""
        told = np.asarray(outer, dtype=np.float64)
        return told if self._tempo is None else self._tempo.to_quarter(told)

    def outer_rate(self, quarter: float, quarters_per_s: float) -> float:
        """Speed as told outside: quarters, or seconds of the recording, a second."""
        if self._tempo is None:
            return quarters_per_s
        return quarters_per_s / self._tempo.rate_at(quarter)

    def outer_rates(self, quarters: npt.ArrayLike, quarters_per_s: npt.ArrayLike) -> FloatArray:
        """`outer_rate` of many positions at once [same shape]."""
        rates = np.asarray(quarters_per_s, dtype=np.float64)
        if self._tempo is None:
            return rates
        at = np.asarray(quarters, dtype=np.float64)
        ahead = self._tempo.to_seconds(at + _SLOPE_QUARTER) - self._tempo.to_seconds(at)
        return np.asarray(rates * ahead / _SLOPE_QUARTER)
