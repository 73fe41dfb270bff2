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

_FIRST_GAINS: Final = (300.0, 30.0, 3.0, 0.3, 0.03, 0.003)
"""Power of the way back that is thought possible at first. Nobody knows how a loudspeaker and a
microphone are set, so all are tried side by side: what is thought possible decides how much is
learned from the first note, which is often heard with nobody else playing."""

_TRIED_S: Final = 1.0
"""Every so many seconds of sound the one that foretells worst is given up, until one is left."""

_DIRECT_S: Final = 0.16
_DECAY_DB_S: Final = 75.0
"""The direct sound comes within so long; what comes later is the softer the later."""

_AUDIBLE: Final = 1e-8
"""Mean square of what counts as sound."""

_MOST_SURPRISE: Final = 20.0
_LOUDER: Final = 1.0
"""A guess of ten times the power has to have foretold so much better at first (nats a bin): where a
soloist plays in unison with the ensemble, whoever thinks much possible takes one for the other."""
_TOLD_S: Final = 0.5
"""Which one foretells best is seen over so long."""

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


class _Way:
    """One filter that is learned, from one guess at how loud the sound comes back."""

    def __init__(self, parts: int, hop: int, sample_rate: int, gain: float) -> None:
        bins = hop + 1
        late_s = np.maximum(np.arange(parts) * hop / sample_rate - _DIRECT_S, 0.0)
        shape = 10.0 ** (-_DECAY_DB_S / 10.0 * late_s)
        first = (gain * shape / shape.sum()).astype(np.float32)
        self.filters: ComplexArray = np.zeros((parts, bins), dtype=np.complex64)
        self.doubt: Float32Array = np.repeat(first[:, None], bins, axis=1)
        self.others: FloatArray = np.zeros(bins)
        self.echo: FloatArray = np.zeros(hop)
        self.error: FloatArray = np.zeros(hop)
        self.told = 0.0
        """Minus the log likelihood of what was heard in the latest hop, a bin …"""
        self.surprise = _LOUDER * max(0.0, float(np.log10(gain)))
        """… and smoothed, while anything sounds."""
        self._turn = 0
        self._sum: ComplexArray = np.zeros(bins, dtype=np.complex64)
        self._loud: Float32Array = np.zeros(bins, dtype=np.float32)

    def hear(
        self, heard: Float32Array, sent: ComplexArray, at: int, keep: np.float32, smooth: float
    ) -> None:
        """Foretell what comes back of ``sent``, then learn from what is heard."""
        hop = len(heard)
        _estimate(self.filters, sent, at, self._sum, self._loud, self.doubt)
        self.echo = np.fft.irfft(self._sum, 2 * hop)[hop:]
        self.error = heard - self.echo
        spectrum = np.fft.rfft(np.concatenate((np.zeros(hop), self.error)))
        power = spectrum.real**2 + spectrum.imag**2
        noise = self.others + 1e-12
        self.others += (1 - smooth) * (power - self.others)
        total = self._loud + np.maximum(self.others, power * 0.5) + 1e-12
        expected = self._loud + noise
        told = np.log(expected) + np.minimum(power / expected, _MOST_SURPRISE)
        self.told = float(np.mean(told))
        _correct(
            self.filters, sent, at, spectrum.astype(np.complex64),
            total.astype(np.float32), self.doubt, keep,
        )  # fmt: skip
        self._constrain(hop)

    def _constrain(self, hop: int) -> None:
        """Let two of the filters have no more than ``hop`` taps: all in turn."""
        for _ in range(2):
            taps = np.fft.irfft(self.filters[self._turn], 2 * hop)
            taps[hop:] = 0.0
            self.filters[self._turn] = np.fft.rfft(taps)
            self._turn = (self._turn + 1) % len(self.filters)


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
        self.hop = hop
        self._rate = sample_rate
        self._at = 0
        self._sent: ComplexArray = np.zeros((parts, hop + 1), dtype=np.complex64)
        self._last: FloatArray = np.zeros(hop)
        self._keep = np.float32(np.exp(-hop / sample_rate / _FORGET_S))
        self._smooth = float(np.exp(-hop / sample_rate / _OTHERS_S))
        self._slow = 1.0 - float(np.exp(-hop / sample_rate / _USE_S))
        self._telling = 1.0 - float(np.exp(-hop / sample_rate / _TOLD_S))
        self._powers: FloatArray = np.zeros(2)
        self._ways: list[_Way] = []
        self._tried = 0
        self._begin()
        self.echo: Float32Array = np.zeros(hop, dtype=np.float32)

    def hear(self, heard: Float32Array, sent: Float32Array) -> Float32Array:
        """Give ``heard`` without what came of ``sent`` [shape=(hop,)] in it.

        Both of the same hop; what came back too early to have been sent is left.
        """
        hop = self.hop
        window = np.concatenate((self._last, sent.astype(np.float64)))
        self._last = window[hop:]
        self._at = (self._at - 1) % len(self._sent)
        self._sent[self._at] = np.fft.rfft(window)
        sounds = float(sent @ sent) > _AUDIBLE * hop
        for way in self._ways:
            way.hear(heard, self._sent, self._at, self._keep, self._smooth)
            if sounds:
                way.surprise += self._telling * (way.told - way.surprise)
        best = min(self._ways, key=lambda way: way.surprise)
        self._give_up(sounds)
        self._powers += self._slow * ((heard @ heard, best.error @ best.error) - self._powers)
        if self._powers[1] > _ASTRAY * self._powers[0] + 1e-20:
            self._begin()
            self._powers[1] = self._powers[0]
        saved = 1.0 - self._powers[1] / (self._powers[0] + 1e-20)
        share = np.float32(min(1.0, max(0.0, (saved - _USELESS) / _USELESS)))
        self.echo = share * best.echo.astype(np.float32)
        return heard - self.echo

    def _begin(self) -> None:
        """Begin to learn anew: nothing is known, or what was learned adds more than it takes."""
        parts = len(self._sent)
        self._ways = [_Way(parts, self.hop, self._rate, gain) for gain in _FIRST_GAINS]
        self._tried = 0

    def _give_up(self, sounds: bool) -> None:
        """Leave out the guess that has proved the worst, every so often."""
        if not sounds or len(self._ways) == 1:
            return
        self._tried += 1
        if self._tried * self.hop >= _TRIED_S * self._rate:
            self._tried = 0
            self._ways.remove(max(self._ways, key=lambda way: way.surprise))
