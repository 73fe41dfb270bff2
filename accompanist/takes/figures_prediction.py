"""Figures of predictions and of what is played by them: how near, and how honest about it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["calibration", "spread_ms"]

FloatArray = npt.NDArray[np.float64]

_NORMAL_MEDIAN = 0.6745
"""Median of the absolute value of a standard normal variable."""


def spread_ms(errors_s: FloatArray) -> dict[str, float]:
    """Mean and median of the absolute value, bias (mean) and sd in ms, shares within 50, 100 ms.

    Empty where there is nothing.

    >>> spread_ms(np.array([0.02, -0.06]))["mean_abs_ms"]
    40.0
    """
    if not len(errors_s):
        return {}
    size_ms = np.abs(errors_s) * 1000.0
    return {
        "count": float(len(size_ms)),
        "mean_abs_ms": float(np.mean(size_ms)),
        "median_abs_ms": float(np.median(size_ms)),
        "bias_ms": float(np.mean(errors_s)) * 1000.0,
        "sd_ms": float(np.std(errors_s)) * 1000.0,
        "within_50": float(np.mean(size_ms <= 50.0)),
        "within_100": float(np.mean(size_ms <= 100.0)),
    }


def calibration(errors_s: FloatArray, sds_s: FloatArray) -> dict[str, float]:
    """Whether predictions err by as much as they say.

    ``z_scale`` is the median of ``|error| / sd`` over that of a normal variable: 1 is honest, less
    is too modest, more too sure of itself. ``within_1sd`` and ``within_2sd`` are the shares of
    errors that small (normal: 0.68 and 0.95).
    """
    if not len(errors_s):
        return {}
    z = np.abs(errors_s) / np.maximum(sds_s, 1e-6)
    return {
        "z_scale": float(np.median(z)) / _NORMAL_MEDIAN,
        "within_1sd": float(np.mean(z <= 1.0)),
        "within_2sd": float(np.mean(z <= 2.0)),
    }
