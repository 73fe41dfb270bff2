"""Compiled: a slice of one step of the overview (see `accompanist.followers.bayes.overview`)."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["FLOOR", "advance", "gather_belief", "match"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

FLOOR: Final = 12.0
"""No sound of one step costs more than this."""

_LEAST_ADVANCE: Final = 0.01
_MOST_ADVANCE: Final = 0.8
_CLOSE: Final = 6.0
_CLOSE_S: Final = 30.0
"""A place as close as this is likelier to be gone to, up to seven times."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def match(
    looks: Float32Array, heard: Float32Array, first: int, end: int, fit: Float32Array
) -> None:
    """How well each picture in [first, end) fits; all bands but silence."""
    for u in range(first, end):
        row = looks[u]
        total = np.float32(0.0)
        for k in range(len(heard)):
            total += heard[k] * row[k]
        fit[u] = total


@nb.njit(cache=True, nogil=True, fastmath=True)
def advance(
    first: int, end: int, step: int, scale: float, advance_per_s: float,
    jump: float, here_s: float, near_first: int, near_end: int,
    alpha: Float32Array, came: IntArray, came_from: IntArray, trail: IntArray,
    fresh: Float32Array, fresh_came: IntArray, fresh_from: IntArray, fresh_trail: IntArray,
    start_s: FloatArray, duration_s: FloatArray, landing: Float32Array, unique_of: IntArray,
    likely: Float32Array, out: FloatArray,
) -> None:  # fmt: skip
    """Move the belief in segments [first, end) on by a step and weigh it.

    ``likely`` is that of each picture; ``out``: sum of all, sum near the fine position, best
    elsewhere and its place.
    """
    keep = 1.0 - jump
    arrives = 0.0
    if first > 0:
        arrives = min(
            _MOST_ADVANCE, max(_LEAST_ADVANCE, advance_per_s / max(duration_s[first - 1], 1e-4))
        )
    for i in range(first, end):
        leave = min(_MOST_ADVANCE, max(_LEAST_ADVANCE, advance_per_s / max(duration_s[i], 1e-4)))
        stay = alpha[i] * scale * (1.0 - leave)
        moved = alpha[i - 1] * scale * arrives if i > 0 else 0.0
        arrives = leave
        close = max(0.0, 1.0 - abs(start_s[i] - here_s) / _CLOSE_S)
        lands = jump * landing[i] * (1.0 + _CLOSE * close)
        if lands > stay and lands > moved:
            fresh_came[i] = step
            fresh_from[i] = i
            fresh_trail[0, i] = fresh_trail[1, i] = i
        elif moved > stay:
            fresh_came[i] = came[i - 1]
            fresh_from[i] = came_from[i - 1]
            fresh_trail[0, i], fresh_trail[1, i] = trail[0, i - 1], trail[1, i - 1]
        else:
            fresh_came[i] = came[i]
            fresh_from[i] = came_from[i]
            fresh_trail[0, i], fresh_trail[1, i] = trail[0, i], trail[1, i]
        m = ((stay + moved) * keep + lands) * likely[unique_of[i]] + 1e-30
        fresh[i] = m
        out[0] += m
        if near_first <= i < near_end:
            out[1] += m
        elif m > out[2]:
            out[2] = m
            out[3] = i


@nb.njit(cache=True, nogil=True, fastmath=True)
def gather_belief(
    row_mass: Float32Array, first: int, end: int, cell_segment: IntArray, weights: Float32Array
) -> int:
    """Sum the fine belief of cells [first, end) by segment; how many segments that are."""
    mask = len(row_mass) - 1
    base = cell_segment[first]
    count = min(cell_segment[end - 1] - base + 1, len(weights))
    weights[:count] = 0.0
    for x in range(first, end):
        i = cell_segment[x] - base
        if i < count:
            weights[i] += row_mass[x & mask]
    return int(count)
