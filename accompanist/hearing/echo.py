"""A known sound taken out of the microphone: the ensemble, as a room gives it back.

The way from loudspeaker to microphone is a filter that is learned while both play: a partitioned
block frequency-domain Kalman filter (F. Kuech, E. Mabande and G. Enzner, "State-space architecture
of the partitioned-block-based acoustic echo controller", ICASSP 2014; G. Enzner and P. Vary,
"Frequency-domain adaptive Kalman filter for acoustic echo control in hands-free telephones",
Signal Processing 86, 2006). Its gain follows from how uncertain the filter still is against how
much else is heard, so that a soloist who plays all the time does not spoil it.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["EchoCanceller"]

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex64]

LONGEST_S: Final = 0.4
"""Delay and reverberation that can be made up for."""

_FORGET_S: Final = 60.0
"""A room changes in about this time: someone moves, a door opens."""

_FIRST_GAIN: Final = 1.0
"""Power of the way back that is thought possible at first, spread over the whole response."""

_USELESS: Final = 0.02
_USE_S: Final = 0.5
"""Where the microphone loses hardly any power there is nothing to take out, and nothing is."""

_ASTRAY: Final = 4.0
"""Where the microphone has so much more power than before, what was learned is wrong."""

_OTHERS_S: Final = 0.05
"""Smoothing of what else is heard."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def _estimate(
    filters: ComplexArray,
    sent: ComplexArray,
    at: int,
    out: ComplexArray,
    loud: Float32Array,
    doubt: Float32Array,
) -> None:
    """Sum of filters × sent in ``out``, and of |sent|² × doubt in ``loud``."""
    parts, bins = filters.shape
    out[:] = 0.0
    loud[:] = 0.0
    for p in range(parts):
        row = sent[(at + p) % parts]
        for k in range(bins):
            x = row[k]
            out[k] += filters[p, k] * x
            loud[k] += (x.real * x.real + x.imag * x.imag) * doubt[p, k]


@nb.njit(cache=True, nogil=True, fastmath=True)
def _correct(
    filters: ComplexArray,
    sent: ComplexArray,
    at: int,
    error: ComplexArray,
    total: Float32Array,
    doubt: Float32Array,
    keep: np.float32,
) -> None:
    """Kalman's correction of every filter and of the doubt about it."""
    parts, bins = filters.shape
    one = np.float32(1.0)
    half = np.float32(0.5)
    lose = one - keep * keep
    for p in range(parts):
        row = sent[(at + p) % parts]
        for k in range(bins):
            x = row[k]
            gain = doubt[p, k] / total[k]
            filters[p, k] = keep * (filters[p, k] + gain * np.conj(x) * error[k])
            power = x.real * x.real + x.imag * x.imag
            w = filters[p, k]
            d = doubt[p, k] * (one - half * gain * power)
            doubt[p, k] = keep * keep * d + lose * (w.real * w.real + w.imag * w.imag)


class EchoCanceller:
    """Takes what is known to sound out of what is heard, a hop at a time. Not thread-safe.

    Parameters
    ----------
    sample_rate, hop : int
        Hz, and samples a hop.

    Attributes
    ----------
    hop : int
        Samples a call.
    echo : ndarray [shape=(hop,)]
        What was taken out of the latest hop.
    """

    def __init__(self, sample_rate: int, hop: int) -> None:
        parts = max(2, -(-round(LONGEST_S * sample_rate) // hop))
        bins = hop + 1
        self.hop = hop
        self._at = 0
        self._turn = 0
        self._filters: ComplexArray = np.zeros((parts, bins), dtype=np.complex64)
        self._sent: ComplexArray = np.zeros((parts, bins), dtype=np.complex64)
        self._doubt: Float32Array = np.full((parts, bins), _FIRST_GAIN / parts, dtype=np.float32)
        self._last: FloatArray = np.zeros(hop)
        self._others: FloatArray = np.zeros(bins)
        self._sum: ComplexArray = np.zeros(bins, dtype=np.complex64)
        self._loud: Float32Array = np.zeros(bins, dtype=np.float32)
        self._keep = np.float32(np.exp(-hop / sample_rate / _FORGET_S))
        self._smooth = float(np.exp(-hop / sample_rate / _OTHERS_S))
        self._slow = 1.0 - float(np.exp(-hop / sample_rate / _USE_S))
        self._powers: FloatArray = np.zeros(2)
        self.echo: Float32Array = np.zeros(hop, dtype=np.float32)

    def hear(self, heard: Float32Array, sent: Float32Array) -> Float32Array:
        """Give ``heard`` without what came of ``sent`` [shape=(hop,)] in it.

        Both of the same hop; what came back too early to have been sent is left.
        """
        hop, parts = self.hop, len(self._filters)
        window = np.concatenate((self._last, sent.astype(np.float64)))
        self._last = window[hop:]
        self._at = (self._at - 1) % parts
        self._sent[self._at] = np.fft.rfft(window)
        _estimate(self._filters, self._sent, self._at, self._sum, self._loud, self._doubt)
        echo = np.fft.irfft(self._sum, 2 * hop)[hop:]
        error = heard - echo
        spectrum = np.fft.rfft(np.concatenate((np.zeros(hop), error)))
        power = spectrum.real**2 + spectrum.imag**2
        self._others += (1 - self._smooth) * (power - self._others)
        total = self._loud + np.maximum(self._others, power * 0.5) + 1e-12
        _correct(
            self._filters, self._sent, self._at, spectrum.astype(np.complex64),
            total.astype(np.float32), self._doubt, self._keep,
        )  # fmt: skip
        self._constrain()
        self._powers += self._slow * ((heard @ heard, error @ error) - self._powers)
        if self._powers[1] > _ASTRAY * self._powers[0] + 1e-20:
            self._forget()
        saved = 1.0 - self._powers[1] / (self._powers[0] + 1e-20)
        share = np.float32(min(1.0, max(0.0, (saved - _USELESS) / _USELESS)))
        self.echo = share * echo.astype(np.float32)
        return heard - self.echo

    def _forget(self) -> None:
        """Begin to learn anew: what was learned adds more than it takes out."""
        self._filters[:] = 0.0
        self._doubt[:] = _FIRST_GAIN / len(self._filters)
        self._powers[1] = self._powers[0]

    def _constrain(self) -> None:
        """Let two of the filters have no more than ``hop`` taps: all in turn."""
        hop, parts = self.hop, len(self._filters)
        for _ in range(2):
            taps = np.fft.irfft(self._filters[self._turn], 2 * hop)
            taps[hop:] = 0.0
            self._filters[self._turn] = np.fft.rfft(taps)
            self._turn = (self._turn + 1) % parts
