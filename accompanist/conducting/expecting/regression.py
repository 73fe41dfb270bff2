"""What this soloist does otherwise than others with notes like these, learned while they play.

Recursive least squares (a Kalman filter on constant coefficients; Ljung & Söderström 1983) on what
the prior has not explained.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["Regression"]

FloatArray = npt.NDArray[np.float64]

_NOISE_SD = 0.12
"""Of a single interval's log ratio, beside what the report's own error makes."""
_REPORT_SD_S = 0.015
_SHORTEST_S = 0.05
_MOST_SD = 2.5
"""A surprise counts up to so many times its sd."""


class Regression:
    """Coefficients on features, with their covariance.

    Parameters
    ----------
    count : int
        Features.
    sd : float
        Of each coefficient beforehand; their mean is 0.
    """

    def __init__(self, count: int, sd: float) -> None:
        self._weights: FloatArray = np.zeros(count)
        self._spread: FloatArray = np.eye(count) * sd**2

    def copy(self) -> Self:
        """Make an independent twin."""
        twin = type(self).__new__(type(self))
        twin._weights, twin._spread = self._weights, self._spread  # replaced, never written to
        return twin

    def of(self, row: FloatArray) -> float:
        """Give what the features [shape=(count,)] of an interval add to its expected log ratio."""
        return float(row @ self._weights)

    def learn(self, row: FloatArray, surprise: float, length_s: float) -> None:
        """Take into account by how much the log ratio of an interval was other than expected."""
        along = self._spread @ row
        noise = _NOISE_SD**2 + 2.0 * (_REPORT_SD_S / max(length_s, _SHORTEST_S)) ** 2
        variance = float(row @ along) + noise
        most = _MOST_SD * variance**0.5
        surprise = min(max(surprise, -most), most)
        self._weights = self._weights + along * (surprise / variance)
        self._spread = self._spread - np.outer(along, along) / variance
