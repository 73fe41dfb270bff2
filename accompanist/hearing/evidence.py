"""From the bank's magnitudes to the evidence that followers weigh: a spectrum and its rise."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.hearing.bank import FilterBank

__all__ = ["Ear"]

Float32Array = npt.NDArray[np.float32]

_PEAK_DECAY_S: Final = 8.0
_FLOOR_GAIN: Final = 10.0 ** (-45.0 / 20.0)
"""The noise floor is taken to lie 45 dB under the decaying peak of the level."""

_LEAST_FLOOR: Final = 1e-5
_RISE_S: Final = 0.03
"""Flux compares the spectrum with that of this long ago."""

_RISE_FLOOR: Final = 8.0
"""Floors added to a band before its logarithm: what rises below this is hiss, not a stroke."""

_PRESENT: Final = 5.6
"""Somebody plays if the level is well over the floor by this factor (30 dB under the peak)."""

_NOISE_PEAKINESS: Final = 2.0
_TONE_PEAKINESS: Final = 3.5
"""bands · Σ y²: 1 for a flat spectrum, about 1.5 for noise, 4 and more for a played note."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def _listen(
    magnitudes: Float32Array,
    history: Float32Array,
    state: npt.NDArray[np.float64],
    position: int,
    heard: int,
    spectrum: Float32Array,
    rise: Float32Array,
    decay: float,
) -> None:
    bands = len(magnitudes)
    total = 0.0
    for k in range(bands):
        total += magnitudes[k]
    state[0] = max(state[0] * decay, total)
    floor = max(state[0] * _FLOOR_GAIN, _LEAST_FLOOR)
    scale = 1.0 / (total + floor)
    peakiness = 0.0
    for k in range(bands):
        spectrum[k] = magnitudes[k] * scale
        peakiness += magnitudes[k] * magnitudes[k]
    spectrum[bands] = floor * scale
    peakiness *= bands / (total * total + 1e-30)
    tonal = (peakiness - _NOISE_PEAKINESS) / (_TONE_PEAKINESS - _NOISE_PEAKINESS)
    state[1] = total / (total + _PRESENT * floor) * min(1.0, max(0.0, tonal))
    little = np.float32(_RISE_FLOOR * floor / bands)
    lag = history.shape[0] - 1
    now = history[position]
    then = history[(position + 1) % (lag + 1)]
    for k in range(bands):
        now[k] = np.log(magnitudes[k] + little)
        rise[k] = max(np.float32(0.0), now[k] - then[k]) if heard >= lag else np.float32(0.0)


class Ear:
    """Turns hops of samples into evidence; causal, from the first sample, at any level.

    Attributes
    ----------
    spectrum : ndarray [shape=(bands + 1,)]
        Share of the sound in each band; the last bin is the share of silence. Sums to 1.
    rise : ndarray [shape=(bands,)]
        Half-wave rectified log flux over 30 ms.
    presence : float
        0–1: how sure it is that somebody plays; energy over the floor times tonality.
    level_db : float
        RMS of the last hop, dB below full scale.
    """

    def __init__(self, bank: FilterBank, hop_s: float) -> None:
        self.bank = bank
        bands = len(bank)
        lag = max(1, round(_RISE_S / hop_s))
        self._history = np.zeros((lag + 1, bands), dtype=np.float32)
        self._magnitudes = np.zeros(bands, dtype=np.float32)
        self._state = np.array([1e-4, 0.0])
        self._decay = float(np.exp(-hop_s / _PEAK_DECAY_S))
        self._heard = 0
        self.spectrum = np.zeros(bands + 1, dtype=np.float32)
        self.rise = np.zeros(bands, dtype=np.float32)
        self.level_db = -120.0
        self.presence = 0.0

    def hear(self, samples: Float32Array) -> None:
        """Hear one hop [shape=(n,)] of finite samples; updates `spectrum` and `rise`."""
        self.bank.push(samples, self._magnitudes)
        position = self._heard % self._history.shape[0]
        _listen(
            self._magnitudes, self._history, self._state, position, self._heard,
            self.spectrum, self.rise, self._decay,
        )  # fmt: skip
        self._heard += 1
        self.presence = float(self._state[1])
        power = float(samples @ samples) / max(len(samples), 1)
        self.level_db = 10.0 * float(np.log10(power + 1e-12))
