"""Whether a follower's confidence can be believed: how often it is right when it says so.

Confidence is the probability that the position is right within a beat. The reliability diagram
[1]_ sets the share that is right against the confidence given, in ten bins; the *expected
calibration error* is the mean distance between the two, weighted by how often each bin occurs.

References
----------
.. [1] M. H. DeGroot and S. E. Fienberg: The comparison and evaluation of forecasters. The
   Statistician 32, 1983.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BINS", "Reliability"]

Array = npt.NDArray[np.float64]

BINS = 10
_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Confidence against the outcome, in `BINS` bins of equal width; adds up over takes.

    Attributes
    ----------
    count, confidence, right : ndarray [shape=(10,)]
        Instants in each bin, the sum of their confidences, and how many of them were right.
    squared : float
        Sum of the squared differences between confidence and outcome (Brier).
    """

    count: Array
    confidence: Array
    right: Array
    squared: float = 0.0

    @classmethod
    def of(
        cls,
        time_s: Array,
        confidence: Array,
        right: npt.NDArray[np.bool_],
        counted: npt.NDArray[np.bool_],
    ) -> Reliability:
        """Take an instant every 100 ms out of a take's hops, of those that are ``counted``."""
        tick = np.floor(time_s / _EVERY_S)
        chosen = np.concatenate(([True], np.diff(tick) > 0))[: len(time_s)] & counted
        said = np.clip(np.nan_to_num(confidence[chosen], nan=0.0), 0.0, 1.0)
        came = right[chosen].astype(np.float64)
        number = np.minimum((said * BINS).astype(np.intp), BINS - 1)
        return cls(
            count=np.bincount(number, minlength=BINS).astype(np.float64),
            confidence=np.asarray(np.bincount(number, said, BINS), dtype=np.float64),
            right=np.asarray(np.bincount(number, came, BINS), dtype=np.float64),
            squared=float(np.sum((said - came) ** 2)),
        )

    @classmethod
    def together(cls, parts: Iterable[Reliability]) -> Reliability:
        """Add up over takes; of none it is empty."""
        count, confidence, right, squared = np.zeros(BINS), np.zeros(BINS), np.zeros(BINS), 0.0
        for part in parts:
            count += part.count
            confidence += part.confidence
            right += part.right
            squared += part.squared
        return cls(count, confidence, right, squared)

    @property
    def total(self) -> float:
        """Instants in all."""
        return float(self.count.sum())

    @property
    def mean_confidence(self) -> Array:
        """Of each bin; NaN where it is empty."""
        return _shares(self.confidence, self.count)

    @property
    def share_right(self) -> Array:
        """Of each bin; NaN where it is empty."""
        return _shares(self.right, self.count)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error, 0–1; NaN of nothing."""
        if not self.total:
            return float("nan")
        return float(np.sum(np.abs(self.confidence - self.right)) / self.total)

    @property
    def brier(self) -> float:
        """Mean squared difference between confidence and outcome; NaN of nothing."""
        return self.squared / self.total if self.total else float("nan")


def _shares(part: Array, whole: Array) -> Array:
    return np.where(whole > 0, part / np.maximum(whole, 1.0), np.nan)
