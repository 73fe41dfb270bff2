"""Partials of the solo drawn into spectra, and spectra gathered back under them.

A slot is a pitch that the solo may have in a frame; its partials are lobes of the Hann window,
wider where the pitch glides. All spectra are [shape=(frames, bins)].
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["REACH", "draw", "gather", "lobes", "weigh_envelopes", "weigh_gains"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

REACH = 5
"""Bins to either side that a partial is drawn into."""

_WIDEST = 2.2


@nb.njit(cache=True, nogil=True, fastmath=True)
def _lobe(distance: float) -> float:  # pragma: no cover
    """Magnitude of the Hann window's transform, one in the middle."""
    d = abs(distance)
    if d < 1e-4:
        return 1.0
    if abs(d - 1.0) < 1e-4:
        return 0.5
    if d >= 2.6:
        return 0.0
    x = np.pi * d
    return float(abs(np.sin(x) / (x * (1.0 - d * d))))


@nb.njit(cache=True, nogil=True, fastmath=True)
def lobes(
    at: FloatArray, glide: FloatArray, partials: int, bins: int
) -> tuple[FloatArray, IntArray]:  # pragma: no cover
    """Lay out the partials of slots.

    Parameters
    ----------
    at, glide : ndarray [shape=(slots,)]
        Fundamental, and how far it moves within a window; both in bins.
    partials, bins : int

    Returns
    -------
    shape : ndarray [shape=(slots, partials, 2 · REACH + 1)]
    first : ndarray [shape=(slots, partials)]
        Bin of the first value of each shape; −1 for partials that are beyond the bins.
    """
    slots, size = len(at), 2 * REACH + 1
    shape = np.zeros((slots, partials, size), dtype=np.float32)
    first = np.full((slots, partials), -1, dtype=np.int64)
    for s in range(slots):
        for h in range(partials):
            middle = at[s] * (h + 1)
            low = int(np.round(middle)) - REACH
            if low < 0 or middle > bins - REACH - 2:
                continue
            first[s, h] = low
            wide = min(np.sqrt(1.0 + (glide[s] * (h + 1) / 2.0) ** 2), _WIDEST)
            for j in range(size):
                shape[s, h, j] = _lobe((low + j - middle) / wide) / wide
    return shape, first


@nb.njit(cache=True, nogil=True, fastmath=True)
def draw(
    shape: FloatArray, first: IntArray, frame: IntArray, amplitude: FloatArray, out: FloatArray
) -> None:  # pragma: no cover
    """Draw partials of an amplitude [shape=(slots, partials)] into ``out``, over zeros."""
    out[:] = 0.0
    for s in range(amplitude.shape[0]):
        row = out[frame[s]]
        for h in range(amplitude.shape[1]):
            low = first[s, h]
            if low >= 0:
                a = amplitude[s, h]
                for j in range(shape.shape[2]):
                    row[low + j] += a * shape[s, h, j]


@nb.njit(cache=True, nogil=True, fastmath=True)
def gather(
    shape: FloatArray, first: IntArray, frame: IntArray, ratio: FloatArray
) -> FloatArray:  # pragma: no cover
    """Sum a spectrum under each partial [shape=(slots, partials)]."""
    out = np.zeros(first.shape, dtype=np.float32)
    for s in range(first.shape[0]):
        row = ratio[frame[s]]
        for h in range(first.shape[1]):
            low = first[s, h]
            if low >= 0:
                a = np.float32(0.0)
                for j in range(shape.shape[2]):
                    a += shape[s, h, j] * row[low + j]
                out[s, h] = a
    return out


@nb.njit(cache=True, nogil=True, fastmath=True)
def weigh_gains(
    gain: FloatArray,
    envelope: FloatArray,
    owner: IntArray,
    above: FloatArray,
    below: FloatArray,
    penalty: FloatArray,
) -> None:  # pragma: no cover
    """Update gains [shape=(slots, templates)] in place for envelopes [(pitches, partials, …)].

    ``above`` and ``below`` are the two sides of the multiplicative update for every partial.
    """
    for s in range(gain.shape[0]):
        shape = envelope[owner[s]]
        for k in range(gain.shape[1]):
            up, down = np.float32(0.0), np.float32(1e-6) + penalty[s]
            for h in range(above.shape[1]):
                up += shape[h, k] * above[s, h]
                down += shape[h, k] * below[s, h]
            gain[s, k] = max(gain[s, k] * up / down, np.float32(1e-6))


@nb.njit(cache=True, nogil=True, fastmath=True)
def weigh_envelopes(
    gain: FloatArray, owner: IntArray, above: FloatArray, below: FloatArray, pitches: int
) -> tuple[FloatArray, FloatArray]:  # pragma: no cover
    """Add up both sides of the update over each pitch's slots [(pitches, partials, templates)]."""
    size = (pitches, above.shape[1], gain.shape[1])
    up, down = np.zeros(size, dtype=np.float32), np.zeros(size, dtype=np.float32)
    for s in range(gain.shape[0]):
        p = owner[s]
        for h in range(above.shape[1]):
            for k in range(gain.shape[1]):
                up[p, h, k] += gain[s, k] * above[s, h]
                down[p, h, k] += gain[s, k] * below[s, h]
    return up, down
