"""Beats made steady enough for a clock: jitter taken off, changes of tempo kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["steadied"]

FloatArray = npt.NDArray[np.float64]

_STIFFNESS = 1.0
_UNHEARD_WEIGHT = 0.05
_ROUNDS = 6
_STEADY_CHANGE = 0.03
"""Changes from one interval to the next (a share of it) below this are jitter; larger ones are
more and more taken for what they are."""


def steadied(times_s: npt.ArrayLike, weights: npt.ArrayLike) -> FloatArray:
    """Smooth beat times so that the tempo changes little from beat to beat.

    Minimises Σ w (t − beat)² + stiffness · Σ v (second difference of t)², a Whittaker smoother,
    with v going down where the tempo really changes (reweighted as for a Cauchy loss).

    Parameters
    ----------
    times_s : array_like [shape=(n,)]
        Strictly increasing.
    weights : array_like [shape=(n,)]
        How well each beat is heard, 0…1.

    Returns
    -------
    ndarray [shape=(n,)]
        Strictly increasing.
    """
    from scipy.linalg import solveh_banded

    beats = np.asarray(times_s, dtype=np.float64)
    if len(beats) < 4:
        return beats
    usual = float(np.median(np.diff(beats)))
    heard = _UNHEARD_WEIGHT + np.clip(np.asarray(weights, dtype=np.float64), 0.0, 1.0)
    smooth, loose = beats, np.ones(len(beats) - 2)
    for _ in range(_ROUNDS):
        bands = _penalty(_STIFFNESS * loose, len(beats))
        bands[-1] += heard
        smooth = solveh_banded(bands, heard * beats)
        change = np.diff(smooth, 2) / usual
        loose = 1.0 / (1.0 + np.square(change / _STEADY_CHANGE))
    if np.diff(smooth).min() < 0.3 * np.diff(beats).min():
        return beats
    return np.asarray(smooth)


def _penalty(loose: FloatArray, count: int) -> FloatArray:
    """Upper bands [shape=(3, n)] of Dᵀ·diag(v)·D, D taking second differences."""
    bands = np.zeros((3, count))
    bands[2, :-2] += loose
    bands[2, 1:-1] += 4.0 * loose
    bands[2, 2:] += loose
    bands[1, 1:-1] -= 2.0 * loose
    bands[1, 2:] -= 2.0 * loose
    bands[0, 2:] += loose
    return bands
