"""What players do on the whole with notes like these: a ridge regression on the features.

Fitted on the melodies of real performances of Chopin, Mozart and Schubert by many pianists (log
ratio of an interval to the mean of its neighbours); the coefficients are the result. A piece of
which nothing was in the fit has a fifth of its players' variance explained by it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.conducting.expecting.features import NAMES

__all__ = ["expected_deviations", "standardised"]

FloatArray = npt.NDArray[np.float64]

_TABLE: Final[dict[str, tuple[float, float, float]]] = {
    "long": (0.01214, 0.09998, 0.49223),
    "long_squared": (-0.00012, 0.19011, 0.55248),
    "after_longer": (0.01209, 0.0, 0.60045),
    "before_longer": (0.05156, 0.00205, 0.60215),
    "log_s": (-0.01036, -1.40571, 0.76838),
    "group_end": (0.01679, 0.05124, 0.22048),
    "after_long": (0.01988, 0.16799, 0.37386),
    "rest": (0.00631, 0.02641, 0.13032),
    "end_1": (0.01554, 0.00312, 0.03578),
    "end_3": (-0.00513, 0.01149, 0.07063),
    "end_8": (-0.00092, 0.03422, 0.12139),
    "start": (0.00328, 0.00916, 0.07074),
    "leap": (0.01593, 0.28461, 0.27921),
    "rise": (0.01378, 0.00099, 0.3987),
    "inside": (-0.00304, 0.05575, 0.16703),
    "crowded": (0.00164, 0.12597, 0.34323),
    "high": (0.00232, 0.00963, 0.4117),
    "fast": (-0.00207, 0.34437, 0.47516),
}
"""Coefficient, mean and sd of each feature."""
_TRUST: Final = 0.6
"""Players that were not in the fit do less of it."""
_MOST_SD: Final = 3.0


def standardised(features: FloatArray) -> FloatArray:
    """Bring features [shape=(n, len(NAMES))] to mean 0 and sd 1, none beyond 3."""
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
