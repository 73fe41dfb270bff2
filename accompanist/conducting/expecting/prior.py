"""What players do on the whole with notes like these: a ridge regression on the features.

Fitted on the melodies of real performances of Chopin, Mozart and Brahms by many pianists (log ratio
of an interval to the median of its neighbours); the coefficients are the result.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.conducting.expecting.features import NAMES

__all__ = ["expected_deviations", "standardised"]

FloatArray = npt.NDArray[np.float64]

_TABLE: Final[dict[str, tuple[float, float, float]]] = {
    "long": (0.00246, 0.09998, 0.49223),
    "long_squared": (0.00985, 0.19011, 0.55248),
    "after_longer": (-0.00242, 0.0, 0.60045),
    "before_longer": (0.04733, 0.00205, 0.60215),
    "log_s": (0.01449, -1.40571, 0.76838),
    "group_end": (0.01291, 0.05124, 0.22048),
    "after_long": (0.01076, 0.16799, 0.37386),
    "rest": (0.01383, 0.02641, 0.13032),
    "end_1": (0.01383, 0.00312, 0.03578),
    "end_3": (0.00133, 0.01149, 0.07063),
    "end_8": (-0.00079, 0.03422, 0.12139),
    "start": (-0.00058, 0.00916, 0.07074),
    "leap": (0.01173, 0.28461, 0.27921),
    "rise": (0.01128, 0.00099, 0.3987),
    "inside": (-0.00386, 0.05575, 0.16703),
    "crowded": (0.00609, 0.12597, 0.34323),
    "high": (-0.0053, 0.00963, 0.4117),
    "fast": (-0.00406, 0.34437, 0.47516),
    "returns_next": (0.02642, 0.18956, 0.9),
    "returns_next_squared": (0.02281, 0.10713, 0.9),
    "returns_after": (0.00808, 0.15697, 0.9),
    "returns_after_squared": (0.01677, 0.08468, 0.9),
    "rhythm_next": (0.00922, 0.75768, 0.84093),
    "rhythm_after": (0.00648, 0.6867, 0.80776),
    "returns_here": (0.01058, 0.15825, 0.9),
}
"""Coefficient, mean and scale (about the sd) of each feature."""
_TRUST: Final = 0.8
"""Players that were not in the fit do less of it."""
_MOST_SD: Final = 3.0


def standardised(features: FloatArray) -> FloatArray:
    """Bring features [shape=(n, len(NAMES))] to mean 0 and sd about 1, none beyond 3."""
    table = np.array([_TABLE[name] for name in NAMES])
    scaled: FloatArray = np.clip((features - table[:, 1]) / table[:, 2], -_MOST_SD, _MOST_SD)
    return scaled


def expected_deviations(rows: FloatArray) -> FloatArray:
    """Give the expected log ratio [shape=(n,)] of each interval to an even tempo.

    Parameters
    ----------
    rows : ndarray [shape=(n, len(NAMES))]
        `standardised` features.
    """
    weights = np.array([_TABLE[name][0] for name in NAMES])
    expected: FloatArray = _TRUST * (rows @ weights)
    return expected
