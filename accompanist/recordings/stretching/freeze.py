"""A sound held: its spectrum goes on, in slow motion, for as long as is wanted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import Sound
from accompanist.recordings.stretching.frames import (
    Spectrum,
    frame_size,
    hann,
    to_samples,
    to_spectra,
)
from accompanist.recordings.stretching.locking import regions_of

__all__ = ["Freeze"]

FloatArray = npt.NDArray[np.float32]

_FRAME_S = 0.14
"""Twice a stretcher's frame: what is held has time to be told apart."""
_FRAMES = 4
_APART_S = 0.02
"""So far from one another the frames end that are averaged."""
_DRIFT_RAD = 0.12
"""Standard deviation of the wandering of a phase, a hop: without it a held sound rings."""
_WANDER = 0.15
"""How much of the loudness of single frames comes and goes, a hop."""
_LONGEST_S = 12.0
"""Then what is held dies away,"""
_FADE_S = 4.0
"""within this time."""


class Freeze:
    """Holds what sounded just before a place: the held sound never hears what comes behind it.

    The phases of the peaks go on at their own frequencies, wandering a little, and take their
    surroundings along; the magnitudes are a mixture, ever changing a little, of several frames.

    Parameters
    ----------
    sound : Sound
    """

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._size = frame_size(sound.rate, _FRAME_S)
        self._hop = self._size // 4
        self._window = hann(self._size)
        self.locate(0.0, 0.0)

    @property
    def lookahead(self) -> int:
        return 0

    @property
    def position(self) -> float:
        return self._place

    @property
    def head(self) -> float:
        return self._place

    def locate(self, position: float, rate: float) -> None:
        """Hold what sounds before ``position``; the rate is left aside."""
        del rate
        self._place = position
        self._ready = np.zeros((self._sound.channels, 0), dtype=np.float32)
        self._sum = np.zeros((self._sound.channels, self._size), dtype=np.float32)
        self._spectra: Spectrum | None = None
        self._given = 0

    def render(self, count: int, rate: float) -> FloatArray:
        """Give the next samples of the held sound."""
        del rate
        if self._spectra is None:
            self._listen()
        while self._ready.shape[1] < count:
            self._add_frame()
        out = self._ready[:, :count].T.copy()
        self._ready = self._ready[:, count:]
        self._given += count
        over_s = self._given / self._sound.rate - _LONGEST_S
        if over_s > 0.0:
            ages_s = over_s + np.arange(1 - count, 1) / self._sound.rate
            out *= np.clip(1.0 - ages_s / _FADE_S, 0.0, 1.0).astype(np.float32)[:, None]
        return out

    def _listen(self) -> None:
        """Take the spectra from which the held sound is made."""
        size, hop = self._size, self._hop
        apart = max(1, round(_APART_S * self._sound.rate))
        most = size + hop + (_FRAMES - 1) * apart
        heard = self._sound.read(round(self._place) - most, most).T
        ends = most - apart * np.arange(_FRAMES)
        frames = np.stack([heard[:, end - size : end] for end in ends])
        earlier = heard[:, most - size - hop : most - hop]
        spectra = to_spectra(np.concatenate((frames, earlier[None])) * self._window)
        last, before = spectra[0], spectra[_FRAMES]
        self._magnitudes = np.abs(spectra[:_FRAMES])
        self._peak_of = regions_of(np.square(np.abs(last)).sum(axis=0).astype(np.float32))
        advance = np.angle((last * before.conj()).sum(axis=0))
        self._advance = advance[self._peak_of]
        self._spectra = last
        self._angles = np.zeros(last.shape[-1])
        self._weights = np.ones(_FRAMES)
        self._chance = np.random.default_rng(round(self._place) & 0xFFFFFFFF)
        for _ in range(3):  # from the fourth frame on the windows add up
            self._add_frame()
        self._ready = self._ready[:, :0]

    def _add_frame(self) -> None:
        assert self._spectra is not None
        chance, hop = self._chance, self._hop
        shares = np.abs(self._weights)
        shares = shares / np.sqrt(np.square(shares).sum())
        magnitudes = np.sqrt(np.tensordot(np.square(shares), np.square(self._magnitudes), axes=1))
        own = np.abs(self._spectra)
        turned = self._spectra * np.exp(1j * self._angles)
        spectrum = turned * (magnitudes / np.maximum(own, 1e-12))
        frame = to_samples(spectrum.astype(np.complex64), self._size) * self._window
        self._sum += frame / np.float32(1.5)
        self._ready = np.concatenate((self._ready, self._sum[:, :hop]), axis=1)
        self._sum = np.concatenate((self._sum[:, hop:], np.zeros_like(self._sum[:, :hop])), axis=1)
        wander = chance.standard_normal(len(self._angles)) * _DRIFT_RAD
        self._angles += self._advance + wander[self._peak_of]
        self._weights += _WANDER * (chance.standard_normal(_FRAMES) + 1.0 - self._weights)
