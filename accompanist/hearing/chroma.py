"""Twelve-bin chroma of a stream: how much sounds in each pitch class, octaves and timbre folded.

Two ears give it, alike from outside:

``folded``
    The constant-Q resonators that the default follower hears by (`accompanist.hearing.bank`),
    sampled every 20 ms and summed over octaves. Costs about 0.1 ms in a hop of 5.8 ms.
``librosa``
    ``librosa.feature.chroma_cqt`` on a sliding window, once in 46 ms: a constant-Q transform whose
    kernels are built anew in every call. Costs about 40 ms a call, which is most of the time there
    is; for comparison, and for takes that are not live.
"""

from __future__ import annotations

import warnings
from math import log2
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from accompanist.hearing.bank import FilterBank

__all__ = ["CLASSES", "ChromaFrames", "FoldedChroma", "LibrosaChroma", "chroma_frames", "harmless"]

Float32Array = npt.NDArray[np.float32]

CLASSES: Final = 12

_FRAME_S: Final = 0.02
_A4_HZ: Final = 440.0
_A4_PITCH: Final = 69.0
_LOUDEST: Final = 16.0
"""Samples are cut here: a broken driver's 1e30 would leave the resonators ringing for good."""

_FOLDED_LATENCY_S: Final = 0.02
"""When a band two octaves above middle C to one below it has risen to half its height, on the
mean; the widths are the bank's."""

_WINDOW_BLOCKS: Final = 3
_BLOCK_S: Final = 2048 / 44_100
_LOWEST_HZ: Final = 65.40639132514966
_OCTAVES: Final = 6
_BINS_PER_OCTAVE: Final = 36
"""librosa's own default; three of them make a class."""

_HIGHEST_OF_RATE: Final = 0.4


class ChromaFrames(Protocol):
    """Sound in, rows of chroma out, whatever the size of the blocks.

    Row ``i`` is given with the sample that completes ``(i + 1) · frame_s`` and depends on nothing
    later. Not thread-safe: one stream, one instance.
    """

    @property
    def frame_s(self) -> float:
        """Time from one row to the next."""
        ...

    @property
    def latency_s(self) -> float:
        """How much older than its row the sound is that the row shows, on the mean."""
        ...

    def feed(self, samples: Float32Array) -> Float32Array:
        """Hear samples [shape=(n,)], any length; give the rows they complete [shape=(k, 12)].

        Magnitudes, not normalised, the first column C; a full-scale sine gives about 1. Anything
        that is no number is heard as silence. Never raises.
        """
        ...


class FoldedChroma:
    """The resonator bank's magnitudes, folded; implements `ChromaFrames`.

    Each band counts for the pitch class nearest to it, in power: a class is the root of the sum of
    its bands' squares, relative to what one sine in the middle of a semitone gives.

    Parameters
    ----------
    sample_rate : int
        Hz.
    a4_hz : float, optional
        How the soloist is tuned; the classes lie about it.
    """

    def __init__(self, sample_rate: int, a4_hz: float | None = None) -> None:
        self._bank = FilterBank(sample_rate)
        self._frame = max(1, round(_FRAME_S * sample_rate))
        self._rate = sample_rate
        pitches = 12.0 * np.log2(self._bank.frequencies_hz / (a4_hz or _A4_HZ)) + _A4_PITCH
        # A band exactly between two classes must not fall to either by rounding noise.
        classes = np.mod(np.floor(pitches + 0.5 + 1e-9), CLASSES).astype(np.intp)
        fold = np.zeros((CLASSES, len(self._bank)), dtype=np.float32)
        fold[classes, np.arange(len(self._bank))] = 1.0
        alone = fold @ np.square(self._bank.response(np.array([_A4_HZ]))[0])
        self._fold = (fold / alone.max()).astype(np.float32)
        self._magnitudes = np.zeros(len(self._bank), dtype=np.float32)
        self._left = self._frame

    @property
    def frame_s(self) -> float:
        return self._frame / self._rate

    @property
    def latency_s(self) -> float:
        return _FOLDED_LATENCY_S

    def feed(self, samples: Float32Array) -> Float32Array:
        samples = harmless(samples)
        rows = np.empty((_completed(len(samples), self._left, self._frame), CLASSES), np.float32)
        start = 0
        for row in rows:
            end = start + self._left
            self._bank.push(samples[start:end], self._magnitudes)
            row[:] = np.sqrt(self._fold @ np.square(self._magnitudes))
            start, self._left = end, self._frame
        if start < len(samples):
            self._bank.push(samples[start:], self._magnitudes)
            self._left -= len(samples) - start
        return rows


class LibrosaChroma:
    """``librosa.feature.chroma_cqt`` on the last 139 ms; implements `ChromaFrames`.

    A row is the chroma in the middle of the window (70 ms ago), one in every 46 ms, six octaves
    from C2; blocks of 2048 samples at 44.1 kHz, as in the talk on accompaniment in Python.

    Parameters
    ----------
    sample_rate : int
        Hz.
    a4_hz : float, optional
        How the soloist is tuned; librosa's own estimate from so short a window is not used.
    """

    def __init__(self, sample_rate: int, a4_hz: float | None = None) -> None:
        from librosa.feature import chroma_cqt

        self._chroma_cqt = chroma_cqt
        self._rate = sample_rate
        self._frame = max(1, round(_BLOCK_S * sample_rate))
        self._octaves = max(
            1, min(_OCTAVES, int(log2(_HIGHEST_OF_RATE * sample_rate / _LOWEST_HZ)))
        )
        # The recursion halves the step in every octave, so it has to be divisible.
        step = int(2 ** (self._octaves - 1))
        self._half = max(1, round(_WINDOW_BLOCKS * self._frame / 2 / step)) * step
        a4_hz = a4_hz or _A4_HZ
        self._tuning = _BINS_PER_OCTAVE * log2(a4_hz / _A4_HZ)
        self._window = np.zeros(2 * self._half, dtype=np.float32)
        self._left = self._frame
        self._gain = 1.0
        t = np.arange(len(self._window)) / sample_rate
        sine = np.sin(2.0 * np.pi * a4_hz * t).astype(np.float32)
        self._gain = 1.0 / max(float(self._row(sine).max()), 1e-9)

    @property
    def frame_s(self) -> float:
        return self._frame / self._rate

    @property
    def latency_s(self) -> float:
        return self._half / self._rate

    def feed(self, samples: Float32Array) -> Float32Array:
        samples = harmless(samples)
        rows = np.empty((_completed(len(samples), self._left, self._frame), CLASSES), np.float32)
        start = 0
        for row in rows:
            end = start + self._left
            self._shift(samples[start:end])
            row[:] = self._row(self._window)
            start, self._left = end, self._frame
        self._shift(samples[start:])
        self._left -= len(samples) - start
        return rows

    def _shift(self, samples: Float32Array) -> None:
        count = min(len(samples), len(self._window))
        if count:
            self._window[:-count] = self._window[count:]
            self._window[-count:] = samples[len(samples) - count :]

    def _row(self, window: Float32Array) -> Float32Array:
        with warnings.catch_warnings():
            # That the window is shorter than the lowest kernels is known.
            warnings.simplefilter("ignore")
            chroma = self._chroma_cqt(
                y=window, sr=self._rate, hop_length=self._half, fmin=_LOWEST_HZ, norm=None,
                n_octaves=self._octaves, bins_per_octave=_BINS_PER_OCTAVE, tuning=self._tuning,
            )  # fmt: skip
        return (self._gain * chroma[:, 1]).astype(np.float32)


def chroma_frames(name: str, sample_rate: int, a4_hz: float | None = None) -> ChromaFrames:
    """Make a chroma front end: ``folded`` or ``librosa``.

    Raises
    ------
    ValueError
        If there is no front end of that name.
    """
    if name == "folded":
        return FoldedChroma(sample_rate, a4_hz)
    if name == "librosa":
        return LibrosaChroma(sample_rate, a4_hz)
    raise ValueError(f"no chroma is called {name!r}; there are folded and librosa")


def _completed(count: int, left: int, frame: int) -> int:
    """Rows that ``count`` more samples complete, when ``left`` are missing from the next."""
    return 0 if count < left else 1 + (count - left) // frame


def harmless(samples: Float32Array) -> Float32Array:
    """Give the samples within ±16, and silence for what is no number."""
    if np.isfinite(samples).all():
        return np.clip(samples, -_LOUDEST, _LOUDEST)
    return np.clip(np.nan_to_num(samples, posinf=0.0, neginf=0.0), -_LOUDEST, _LOUDEST)
