"""What is compared of two sounds: whitened spectra and their rises, made alike on both sides.

*Whitening* divides a spectrum by its own envelope along frequency, which takes most of timbre,
room and equalisation out and leaves partials. The rise (flux) of the logarithm marks strokes; it
is kept for a moment after the stroke by a decayed maximum, so that two recordings need not strike
within the same hundredth of a second.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = [
    "FLOOR_GAIN",
    "POOL",
    "RISE_MOST",
    "envelope_kernel",
    "pool_bands",
    "rise_unit",
    "whiten",
]

Float32Array = npt.NDArray[np.float32]

FLOOR_GAIN: Final = 10.0 ** (-45.0 / 20.0)
"""The noise floor is taken to lie 45 dB under the loud level."""

RISE_MOST: Final = 1.5
"""A louder stroke than this (natural logarithm in 30 ms) counts no more."""

POOL: Final = 2
"""Bands pooled into one for a coarse look: two thirds of a semitone."""

_ENVELOPE_BANDS: Final = 8.0
_ENVELOPE_REACH: Final = 3.0
_LEAST_ENVELOPE: Final = 0.1
"""Of the envelope's maximum; below this there is only hiss, not to be blown up."""

_RISE_COMPRESSION: Final = 0.5


def envelope_kernel() -> Float32Array:
    """Give the Gaussian [shape=(2r + 1,)] that smooths a spectrum into its envelope."""
    reach = round(_ENVELOPE_BANDS * _ENVELOPE_REACH)
    bells = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _ENVELOPE_BANDS) ** 2)
    return np.asarray(bells / bells.sum(), dtype=np.float32)


@nb.njit(cache=True, nogil=True, fastmath=True)
def whiten(
    magnitudes: Float32Array, kernel: Float32Array, padded: Float32Array, out: Float32Array
) -> np.float32:
    """Divide a spectrum by its envelope; its sum.

    ``padded`` [shape=(bands + len(kernel) − 1,)] is room to work in: the spectrum is mirrored at
    its ends, so that the outermost bands have an envelope too.
    """
    bands = len(magnitudes)
    reach = len(kernel) // 2
    total = np.float32(0.0)
    for k in range(bands):
        padded[reach + k] = magnitudes[k]
        total += magnitudes[k]
    for k in range(reach):
        padded[reach - 1 - k] = magnitudes[min(k, bands - 1)]
        padded[reach + bands + k] = magnitudes[max(bands - 1 - k, 0)]
    top = np.float32(0.0)
    for k in range(bands):
        smooth = np.float32(0.0)
        for j in range(len(kernel)):
            smooth += kernel[j] * padded[k + j]
        out[k] = smooth
        top = max(top, smooth)
    least = np.float32(_LEAST_ENVELOPE) * top + np.float32(1e-20)
    for k in range(bands):
        out[k] = magnitudes[k] / (out[k] + least)
    return total


@nb.njit(cache=True, nogil=True, fastmath=True)
def rise_unit(white: Float32Array, rise: Float32Array, out: Float32Array) -> float:
    """Weigh rises by the whitened spectrum, at most of unit length; the squared length."""
    squared = np.float32(0.0)
    for k in range(len(white)):
        out[k] = white[k] * rise[k]
        squared += out[k] * out[k]
    scale = np.float32(1.0) / (np.sqrt(squared) + np.float32(_RISE_COMPRESSION))
    for k in range(len(white)):
        out[k] *= scale
    return float(squared * scale * scale)


@nb.njit(cache=True, nogil=True, fastmath=True)
def pool_bands(white: Float32Array, out: Float32Array) -> None:
    """Add the power of whitened bands to their pools, ``out`` [shape=(bands // POOL,)]."""
    for p in range(len(out)):
        summed = np.float32(0.0)
        for j in range(POOL):
            value = white[p * POOL + j]
            summed += value * value
        out[p] += summed
