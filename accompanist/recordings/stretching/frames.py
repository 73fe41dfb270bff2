"""The phase vocoder's frame: spectra taken at any place, overlapped and added at a steady pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import Sound

__all__ = [
    "FrameStretcher",
    "PhaseRule",
    "Spectrum",
    "frame_size",
    "hann",
    "to_samples",
    "to_spectra",
]

FloatArray = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.complex64]
"""[shape=(channels, bins)] of a frame whose middle is the origin of its phases."""

PhaseRule = Callable[[Spectrum, Spectrum, Spectrum, float], Spectrum]
"""Gives the spectrum to be sounded, of four things: the one sounded a hop before, that of the
sound a hop before the new place, that of the new place, and the rate."""

_OVERLAP = 4
_FRAME_S = 3072 / 44_100
"""70 ms: longer frames part more partials, shorter ones keep attacks and turn round sooner. Half
of it is how long a new rate waits until it is heard."""


def frame_size(rate: int, frame_s: float = _FRAME_S) -> int:
    """Give the samples of a frame: a multiple of 8 for which the transform is fast."""
    from scipy.fft import next_fast_len

    return 8 * int(next_fast_len(max(8, round(frame_s * rate / 8))))


def hann(size: int) -> FloatArray:
    """Give a window whose squares, a quarter of it apart, add up to 1.5 everywhere."""
    phase = 2.0 * np.pi * np.arange(size) / size
    return np.asarray(0.5 - 0.5 * np.cos(phase), dtype=np.float32)


def to_spectra(frames: FloatArray) -> Spectrum:
    """Spectra of windowed frames [shape=(..., size)], the origin of phases in their middle."""
    from scipy.fft import rfft

    size = frames.shape[-1]
    turned = np.concatenate((frames[..., size // 2 :], frames[..., : size // 2]), axis=-1)
    return np.asarray(rfft(turned, axis=-1), dtype=np.complex64)


def to_samples(spectra: Spectrum, size: int) -> FloatArray:
    """Undo `to_spectra`."""
    from scipy.fft import irfft

    turned = irfft(spectra, n=size, axis=-1)
    half = size // 2
    return np.concatenate((turned[..., half:], turned[..., :half]), axis=-1)


class FrameStretcher:
    """A phase vocoder: what it does with the phases is said by a rule.

    The output is a row of windowed frames at equal distances. Each is taken from the sound around
    the place at which the output will be at the frame's middle, wherever that is: rates, even
    standing still, need no arithmetic of hops. How far the phases go on from frame to frame is
    read from a second frame, one hop earlier in the sound, so that no phase has to be unwrapped
    (J. Laroche and M. Dolson, "Improved phase vocoder time-scale modification of audio", IEEE
    Trans. Speech and Audio Processing 7, 1999). At rate 1 from the start the sound comes out as it
    went in.

    Parameters
    ----------
    sound : Sound
    rule : callable
        See `PhaseRule`.
    size : int
        Samples of a frame, a multiple of 8.
    """

    def __init__(self, sound: Sound, rule: PhaseRule, size: int) -> None:
        self._sound = sound
        self._rule = rule
        self._size = size
        self._hop = size // _OVERLAP
        self._analysis = hann(size)
        self._synthesis = self._analysis / np.float32(1.5)
        self._sum = np.zeros((sound.channels, 0), dtype=np.float32)
        self.locate(0.0, 1.0)

    @property
    def lookahead(self) -> int:
        return self._size // 2

    @property
    def position(self) -> float:
        return self._at(self._now)

    @property
    def head(self) -> float:
        return self._way[-1][1]

    def locate(self, position: float, rate: float) -> None:
        half = self._size // 2
        self._now = 0
        self._way = deque(((-half, position - rate * half), (half, position + rate * half)))
        self._sum = np.zeros((self._sound.channels, self._size), dtype=np.float32)
        self._sounded: Spectrum | None = None
        self._middle = self._hop - half
        self._last_place = position + rate * (self._middle - self._hop)

    def render(self, count: int, rate: float) -> FloatArray:
        half, end = self._size // 2, self._now + count
        self._way.append((end + half, self.head + rate * count))
        while self._middle < end + half:
            self._add_frame()
        out = self._sum[:, :count].T.copy()
        self._sum = self._sum[:, count:]
        self._now = end
        while len(self._way) > 2 and self._way[1][0] <= end:
            self._way.popleft()
        return out

    def _add_frame(self) -> None:
        """Sound the next frame."""
        place = self._at(self._middle)
        rate = (place - self._last_place) / self._hop
        self._last_place = place
        size, hop = self._size, self._hop
        heard = self._sound.read(round(place) - size // 2 - hop, size + hop).T
        both = np.stack((heard[:, :size], heard[:, hop:])) * self._analysis
        before, there = to_spectra(both)
        sounded = self._sounded
        self._sounded = there if sounded is None else self._rule(sounded, before, there, rate)
        frame = to_samples(self._sounded, size) * self._synthesis
        start = self._middle - size // 2 - self._now
        short = max(start, 0) + size - self._sum.shape[1]
        if short > 0:
            silence = np.zeros((len(self._sum), short), dtype=np.float32)
            self._sum = np.concatenate((self._sum, silence), axis=1)
        self._sum[:, max(start, 0) : start + size] += frame[:, max(-start, 0) :]
        self._middle += hop

    def _at(self, time: float) -> float:
        """Place in the sound at a moment of the output, both in samples."""
        way = self._way
        for i in range(len(way) - 1, 0, -1):
            earlier, later = way[i - 1], way[i]
            if time >= earlier[0]:
                share = (time - earlier[0]) / (later[0] - earlier[0])
                return earlier[1] + share * (later[1] - earlier[1])
        return way[0][1]
