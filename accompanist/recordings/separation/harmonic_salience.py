"""How strongly each pitch sounds in spectra: partials of a whitened magnitude, added up.

After Klapuri, "Multiple fundamental frequency estimation by summing harmonic amplitudes" (2006).
All spectra here are [shape=(frames, bins)].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["PitchGrid", "frequency_of", "partial_weights", "whiten"]

FloatArray = npt.NDArray[np.float32]

_SMOOTH_HZ = 650.0
_FLOOR = 1e-3
_CEILING = 6.0
_COMPRESSION = 0.7


def frequency_of(pitch: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give frequencies (Hz) of MIDI pitches, fractions allowed."""
    return np.asarray(440.0 * 2.0 ** ((np.asarray(pitch, dtype=np.float64) - 69.0) / 12.0))


@dataclass(frozen=True, slots=True)
class PitchGrid:
    """Pitches from ``low`` on, ``step`` semitones apart."""

    low: float
    step: float
    count: int

    @classmethod
    def spanning(cls, low: float, high: float, step: float) -> PitchGrid:
        return cls(low, step, round((high - low) / step) + 1)

    def pitches(self) -> npt.NDArray[np.float64]:
        """All of them [shape=(count,)]."""
        return np.asarray(self.low + self.step * np.arange(self.count))

    def nearest(self, pitch: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Index of the nearest; may lie outside."""
        return np.asarray(np.rint((np.asarray(pitch) - self.low) / self.step), dtype=np.int64)


def partial_weights(
    pitches: npt.ArrayLike, bin_hz: float, bins: int, *, partials: int, decay: float, top_hz: float
) -> FloatArray:
    """Weigh bins for pitches: ``weights @ spectrum`` is their salience [shape=(pitches, bins)].

    Partial h weighs decay^(h − 1), shared by the two bins that it lies between; each pitch's
    weights add up to one. A pitch without a partial below ``top_hz`` weighs nothing.
    """
    hz = frequency_of(pitches)
    weights = np.zeros((len(hz), bins), dtype=np.float32)
    rows = np.arange(len(hz))
    for number in range(1, partials + 1):
        at = hz * number / bin_hz
        low = at.astype(np.int64)
        inside = (hz * number < top_hz) & (low + 1 < bins)
        part = (at - low)[inside]
        weight = decay ** (number - 1)
        weights[rows[inside], low[inside]] += (1.0 - part) * weight
        weights[rows[inside], low[inside] + 1] += part * weight
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9))


def whiten(magnitude: FloatArray, bin_hz: float) -> FloatArray:
    """Divide by what is loud around each bin, then compress [shape=(frames, bins)]."""
    from scipy.ndimage import uniform_filter1d

    width = max(3, round(_SMOOTH_HZ / bin_hz))
    power = magnitude**2
    around = uniform_filter1d(power, width, axis=1)
    around += _FLOOR * uniform_filter1d(power.mean(axis=0), width)[None]
    ratio = np.minimum(magnitude / np.sqrt(np.maximum(around, 0.0) + 1e-12), _CEILING)
    return np.asarray(ratio**_COMPRESSION, dtype=np.float32)
