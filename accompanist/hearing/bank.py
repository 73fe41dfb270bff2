"""A bank of constant-Q resonators: the ear of every audio follower.

Each band is two cascaded complex one-pole resonators; its magnitude answers within its own
bandwidth, so a flute's high partials are seen after a few milliseconds and a bassoon's low ones
as soon as physics lets them. The bank runs at the take's own sample rate: nothing is resampled,
so nothing is delayed, and templates made through `FilterBank.response` fit by construction.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["BANDS_PER_SEMITONE", "LOWEST_HZ", "FilterBank"]

FloatArray = npt.NDArray[np.float64]

LOWEST_HZ: Final = 55.0
SEMITONES: Final = 84
BANDS_PER_SEMITONE: Final = 3
BANDWIDTH_SEMITONES: Final = 0.85
NARROWEST_HZ: Final = 8.0
"""Below this a band would answer too late to be of use."""

_HIGHEST_OF_RATE: Final = 0.45
"""Bands above this share of the sample rate are left out."""

_BLOCK_HZ: Final = 10.0
"""Corner of the high-pass in front, against offsets."""

_CASCADE: Final = 1.55
"""Two cascaded poles are narrower than one: each is made wider by this much."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def _resonate(
    samples: npt.NDArray[np.float32],
    cos_r: npt.NDArray[np.float32],
    sin_r: npt.NDArray[np.float32],
    gain: npt.NDArray[np.float32],
    state: npt.NDArray[np.float32],
    blocked: npt.NDArray[np.float64],
    keep: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Push samples through all bands; ``out`` gets the magnitudes after the last one."""
    a_re, a_im, b_re, b_im = state[0], state[1], state[2], state[3]
    bands = len(gain)
    for sample in samples:
        # An offset is no sound, but it would leak into the lowest bands.
        blocked[1] = sample - blocked[0] + keep * blocked[1]
        blocked[0] = sample
        x = np.float32(blocked[1])
        for k in range(bands):
            c = cos_r[k]
            s = sin_r[k]
            p = x + c * a_re[k] - s * a_im[k]
            q = c * a_im[k] + s * a_re[k]
            a_re[k] = p
            a_im[k] = q
            u = p + c * b_re[k] - s * b_im[k]
            v = q + c * b_im[k] + s * b_re[k]
            b_re[k] = u
            b_im[k] = v
    for k in range(bands):
        out[k] = gain[k] * np.sqrt(b_re[k] * b_re[k] + b_im[k] * b_im[k])


class FilterBank:
    """Log-frequency magnitudes of a stream, one frame a call.

    Attributes
    ----------
    frequencies_hz : ndarray [shape=(bands,)]
        Centres, three a semitone from A1 up.
    rise_s : ndarray [shape=(bands,)]
        Time constant τ with which a band charges: 1 − (1 + t/τ)·exp(−t/τ).

    radius, angle : ndarray [shape=(bands,)]
        Of each band's pole.

    Not thread-safe: one stream, one bank.
    """

    def __init__(self, sample_rate: float) -> None:
        count = SEMITONES * BANDS_PER_SEMITONE
        centres = LOWEST_HZ * 2.0 ** (np.arange(count) / (12 * BANDS_PER_SEMITONE))
        self.frequencies_hz: FloatArray = centres[centres < _HIGHEST_OF_RATE * sample_rate]
        self.sample_rate = float(sample_rate)
        width = np.maximum(
            self.frequencies_hz * (2 ** (1 / 12) - 1) * BANDWIDTH_SEMITONES, NARROWEST_HZ
        )
        self.radius: FloatArray = np.exp(-np.pi * width / sample_rate * _CASCADE)
        self.angle: FloatArray = 2 * np.pi * self.frequencies_hz / sample_rate
        self.rise_s: FloatArray = -1.0 / (np.log(self.radius) * sample_rate)
        self._cos = (self.radius * np.cos(self.angle)).astype(np.float32)
        self._sin = (self.radius * np.sin(self.angle)).astype(np.float32)
        self._gain = (2 * (1 - self.radius) ** 2).astype(np.float32)
        self._state = np.zeros((4, len(self.frequencies_hz)), dtype=np.float32)
        self._blocked = np.zeros(2)
        self._keep = float(np.exp(-2 * np.pi * _BLOCK_HZ / sample_rate))

    def __len__(self) -> int:
        return len(self.frequencies_hz)

    def push(self, samples: npt.NDArray[np.float32], out: npt.NDArray[np.float32]) -> None:
        """Hear ``samples`` [shape=(n,)] and write the magnitudes [shape=(bands,)] to ``out``.

        A full-scale sine in the middle of a band gives 1.0. Allocates nothing.
        """
        _resonate(
            samples, self._cos, self._sin, self._gain, self._state, self._blocked, self._keep, out
        )

    def response(self, partials_hz: FloatArray) -> FloatArray:
        """Magnitude [shape=(len(partials_hz), bands)] with which each band answers each sine."""
        turn = self.angle[None, :] - 2 * np.pi * partials_hz[:, None] / self.sample_rate
        single = (1 - self.radius) / np.abs(1 - self.radius * np.exp(1j * turn))
        return np.asarray(single**2)
