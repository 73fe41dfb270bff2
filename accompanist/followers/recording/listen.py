"""The soloist's side of the comparison: what a hop of them shows."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.hearing.bank import FilterBank
from accompanist.recordings.reference import SCALE
from accompanist.recordings.reference_features import (
    FLOOR_GAIN,
    RISE_MOST,
    envelope_kernel,
    rise_unit,
    whiten,
)

__all__ = ["SoloEar"]

Float32Array = npt.NDArray[np.float32]

_PEAK_DECAY_S: Final = 8.0
_SILENT_DECAY: Final = 0.05
_LEAST_PEAK: Final = 1e-3 * SCALE
"""Sum over the bands of a sound some 90 dB under full scale: nobody plays more softly."""

_RISE_S: Final = 0.03
_RISE_KEPT: Final = 0.8
"""A rise is remembered, this much of it after 10 ms."""

_RISE_FLOOR: Final = 4.0
_SOUNDING: Final = 0.5
"""A band of a whitened spectrum sounds when it is well over this."""

_DELAY_MEMORY_S: Final = 1.0
_NOISE_PEAKINESS: Final = 2.0
_TONE_PEAKINESS: Final = 3.5
"""bands · Σ y²: what is as flat as noise is nobody's tone."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def _listen(
    magnitudes: Float32Array,
    kernel: Float32Array,
    padded: Float32Array,
    white: Float32Array,
    history: Float32Array,
    kept: Float32Array,
    position: int,
    heard: int,
    peak_decay: float,
    rise_decay: float,
    state: npt.NDArray[np.float64],
    power: Float32Array,
    rise: Float32Array,
    band_delay: Float32Array,
    sounding: Float32Array,
) -> None:
    """State: decaying peak, presence, length of the rise, delay."""
    bands = len(magnitudes)
    total = whiten(magnitudes, kernel, padded, white)
    # Slowly where nobody plays: a room's noise is not to pass for playing after a long rest.
    fall = (np.float32(1.0) - peak_decay) * (_SILENT_DECAY + (1.0 - _SILENT_DECAY) * state[1])
    state[0] = max(state[0] * (np.float32(1.0) - fall), total, _LEAST_PEAK)
    floor = state[0] * FLOOR_GAIN
    summed, cubed = np.float32(1e-20), np.float32(1e-20)
    peakiness = np.float32(0.0)
    for k in range(bands):
        square = white[k] * white[k]
        summed += square
        peakiness += square * square
        power[k] = square * white[k]
        cubed += power[k]
        ratio = white[k] / (white[k] + np.float32(_SOUNDING))
        sounding[k] = ratio * ratio
    peakiness *= bands / (summed * summed)
    tonal = (peakiness - _NOISE_PEAKINESS) / (_TONE_PEAKINESS - _NOISE_PEAKINESS)
    state[1] = total / (total + floor) * min(1.0, max(0.0, tonal))
    little = np.float32(_RISE_FLOOR * floor / bands)
    lag = history.shape[0] - 1
    now = history[position]
    then = history[(position + 1) % (lag + 1)]
    delay = np.float32(0.0)
    for k in range(bands):
        power[k] /= cubed
        now[k] = np.log(magnitudes[k] + little)
        fresh = np.float32(0.0)
        if heard >= lag:
            fresh = min(max(now[k] - then[k], np.float32(0.0)), np.float32(RISE_MOST))
        kept[k] = max(kept[k] * np.float32(rise_decay), fresh)
        delay += power[k] * band_delay[k]
    state[2] = np.sqrt(rise_unit(white, kept, rise))
    state[3] = delay


class SoloEar:
    """Turns hops of the soloist into what is compared with a recording.

    Parameters
    ----------
    sample_rate, hop : int
    bands : int
        Of the recording; where the two rates differ, only bands that both have are compared.

    Attributes
    ----------
    power : ndarray [shape=(bands,)]
        Share of the whitened spectrum in each band, the third power of it, so that the strongest
        partials tell most; sums to 1.
    rise : ndarray [shape=(bands,)]
        What has begun to sound just now; at most of unit length.
    sounding : ndarray [shape=(bands,)]
        0–1: where the soloist sounds.
    presence : float
        0–1: how sure it is that somebody plays.
    level_db : float
        RMS of the last hop, dB below full scale.
    """

    def __init__(self, sample_rate: int, hop: int, bands: int) -> None:
        hop_s = hop / sample_rate
        self.bank = FilterBank(sample_rate)
        self.bands = bands = min(bands, len(self.bank))
        lag = max(1, round(_RISE_S / hop_s))
        self._magnitudes = np.zeros(len(self.bank), dtype=np.float32)
        self._scaled = np.zeros(bands, dtype=np.float32)
        self._kernel = envelope_kernel()
        self._padded = np.zeros(bands + len(self._kernel) - 1, dtype=np.float32)
        self._white = np.zeros(bands, dtype=np.float32)
        self._history = np.zeros((lag + 1, bands), dtype=np.float32)
        self._kept = np.zeros(bands, dtype=np.float32)
        self._state = np.zeros(4)
        self._band_delay = (2.0 * self.bank.rise_s[:bands]).astype(np.float32)
        self._hop_s = hop_s
        self._peak_decay = float(np.exp(-hop_s / _PEAK_DECAY_S))
        self._rise_decay = float(_RISE_KEPT ** (hop_s / 0.01))
        self._heard = 0
        self.power = np.zeros(bands, dtype=np.float32)
        self.rise = np.zeros(bands, dtype=np.float32)
        self.sounding = np.zeros(bands, dtype=np.float32)
        self.presence = 0.0
        self.level_db = -120.0
        self.delay_s = 0.02
        """Delay of the bands that sound, on the average of the last second."""

    @property
    def white(self) -> Float32Array:
        """The whitened spectrum [shape=(bands,)]."""
        return self._white

    @property
    def stroke(self) -> float:
        """How strongly something begins just now, 0–1."""
        return float(self._state[2]) * self.presence

    def hear(self, samples: Float32Array) -> None:
        """Hear one hop [shape=(n,)] of finite samples."""
        self.bank.push(samples, self._magnitudes)
        self.look(self._magnitudes)
        loudness = float(samples @ samples) / max(len(samples), 1)
        self.level_db = 10.0 * float(np.log10(loudness + 1e-12))

    def look(self, magnitudes: Float32Array) -> None:
        """Take the bank's magnitudes [shape=(≥ bands,)] of one hop."""
        np.multiply(magnitudes[: self.bands], np.float32(SCALE), out=self._scaled)
        _listen(
            self._scaled, self._kernel, self._padded, self._white, self._history, self._kept,
            self._heard % len(self._history), self._heard, self._peak_decay, self._rise_decay,
            self._state, self.power, self.rise, self._band_delay, self.sounding,
        )  # fmt: skip
        self._heard += 1
        self.presence = float(self._state[1])
        memory = self._hop_s / _DELAY_MEMORY_S * self.presence
        self.delay_s += memory * (float(self._state[3]) - self.delay_s)
