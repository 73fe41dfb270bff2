"""Compiled: belief in tenths of a second of the whole recording × tempi, a slice at a time."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["advance", "densest"]

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

_CLOSE: Final = 6.0
"""A close place is likelier to be gone to, up to so many times more."""
_HOLD: Final = 0.05
"""Share of the belief that stands still for a tenth of a second."""
_TEMPO_MIX: Final = 0.02
"""What goes over to each neighbouring tempo meanwhile."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def advance(
    belief: Float32Array,
    scale: float,
    fresh: Float32Array,
    tempi: FloatArray,
    prior: Float32Array,
    leak: float,
    here: float,
    reach: float,
    looks: Float32Array,
    heard: Float32Array,
    weight: float,
    first: int,
    end: int,
    fits: Float32Array,
    marginal: Float32Array,
) -> float:
    """Move and weigh the rows [first, end) of ``belief`` into ``fresh``; their sum."""
    count = belief.shape[1]
    places = belief.shape[0]
    jump = np.float32(leak / places)
    total = 0.0
    keep = np.float32((1.0 - leak) * scale)
    for i in range(first, end):
        fit = np.float32(0.0)
        for k in range(len(heard)):
            fit += heard[k] * looks[i, k]
        fits[i] = fit
        likely = np.float32(np.exp(weight * fit))
        close = max(0.0, 1.0 - abs(i - here) / reach)
        come = jump * np.float32(1.0 + _CLOSE * close)
        row = fresh[i]
        for v in range(count):
            whole = int(tempi[v])
            part = np.float32(tempi[v] - whole)
            m = np.float32(0.0)
            if i >= whole:
                m += belief[i - whole, v] * (np.float32(1.0) - part)
            if i >= whole + 1:
                m += belief[i - whole - 1, v] * part
            row[v] = np.float32(1.0 - _HOLD) * m + np.float32(_HOLD) * belief[i, v]
        previous = row[0]
        summed = np.float32(0.0)
        for v in range(count):
            current = row[v]
            following = row[v + 1] if v < count - 1 else current
            m = current + np.float32(_TEMPO_MIX) * (previous + following - 2 * current)
            previous = current
            row[v] = (m * keep + come * prior[v]) * likely
            summed += row[v]
        marginal[i] = summed
        total += float(summed)
    return total


@nb.njit(cache=True, nogil=True, fastmath=True)
def densest(marginal: Float32Array, half: int) -> tuple[int, float]:
    """Find the middle of the stretch of 2 · half + 1 rows with the most belief, and that belief."""
    count = len(marginal)
    inside = 0.0
    for i in range(min(half, count)):
        inside += marginal[i]
    best, most = 0, -1.0
    for i in range(count):
        if i + half < count:
            inside += marginal[i + half]
        if i - half - 1 >= 0:
            inside -= marginal[i - half - 1]
        if inside > most:
            best, most = i, inside
    return best, most
