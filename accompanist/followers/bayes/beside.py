"""What a soloist looks like with somebody else sounding beside them."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["mix"]

Float32Array = npt.NDArray[np.float32]

_C0, _C1, _C2 = np.float32(-1.93675974), np.float32(3.51408730), np.float32(-2.44002976)
_C3, _C4, _C5 = np.float32(1.11609003), np.float32(-0.28382685), np.float32(0.03044900)
"""Logarithm of 1…2 by a polynomial: nodes of Chebyshev's, within 2e-5."""
_LN2: Final = np.float32(np.log(2.0))


@nb.njit(cache=True, nogil=True, fastmath=True)
def _logarithms(values: Float32Array) -> None:
    """Replace positive values [shape=(n,)] by their logarithms, in three loops without a branch."""
    bits = values.view(np.int32)
    exponent = np.empty(len(values), dtype=np.int32)
    for k in range(len(values)):
        exponent[k] = (bits[k] >> 23) - 127
        bits[k] = (bits[k] & 0x7FFFFF) | 0x3F800000
    for k in range(len(values)):
        m = values[k]
        p = _C0 + m * (_C1 + m * (_C2 + m * (_C3 + m * (_C4 + m * _C5))))
        values[k] = p + _LN2 * np.float32(exponent[k])


@nb.njit(cache=True, nogil=True, fastmath=True)
def mix(
    pictures: Float32Array,
    waiting: Float32Array,
    others: Float32Array,
    first: int,
    last: int,
    shift: int,
    out: Float32Array,
    waiting_out: Float32Array,
) -> None:
    """Log pictures of segments ``first`` to ``last`` as they are seen beside others.

    Parameters
    ----------
    pictures : ndarray [shape=(slots, looks, bands + 1)]
        Each sums to 1.
    waiting : ndarray [shape=(bands + 1,)]
        Log picture of nobody playing.
    others : ndarray [shape=(bands,)]
        Share of all that is heard in each band that is others'; sums to less than 1.
    first, last : int
    shift : int
        Bands by which what is heard lies above the pictures.
    out, waiting_out : ndarray
        Like ``pictures`` and ``waiting``, logarithms.
    """
    slots, looks, bins = pictures.shape
    bands = bins - 1
    share = np.float32(0.0)
    theirs = np.zeros(bins, dtype=np.float32)
    for k in range(bands):
        share += others[k]
        if 0 <= k + shift < bands:
            theirs[k] = others[k + shift]
    solo = np.float32(1.0) - share
    for s in range(first, last + 1):
        for j in range(looks):
            look = pictures[s % slots, j]
            row = out[s % slots, j]
            for k in range(bins):
                row[k] = look[k] * solo + theirs[k]
            _logarithms(row)
    for k in range(bins):
        waiting_out[k] = np.exp(waiting[k]) * solo + theirs[k]
    _logarithms(waiting_out)
