"""Where sounds begin in a recording: spectral flux, block by block, and its peaks.

The flux is the SuperFlux of Böck & Widmer (DAFx 2013): the rise of the logarithmic spectrum in
bands of half a semitone against the loudest of the neighbouring bands two frames before, so that
vibrato makes no onsets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Novelty", "NoveltyMeter", "pick_onsets"]

FloatArray = npt.NDArray[np.float32]

_FRAME_S = 0.01
_WINDOW_S = 0.046
_LAG = 2
_BANDS_AN_OCTAVE = 24
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 16_000.0
_BASS_HZ = 200.0
_KNEE = 1000.0
"""Magnitudes below 1 / knee of a full-scale sine count linearly, those above logarithmically."""
_AHEAD_S = 0.0
"""The flux is highest this long after a sound has begun (clicks and struck notes)."""
_CHROMA_EVERY = 10
_CHROMA_WINDOW_S = 0.19
_CHROMA_LOW_HZ, _CHROMA_HIGH_HZ = 60.0, 2000.0

_CLOSEST_S = 0.1
_PEAK_WITHIN_S = 0.03
_AROUND_S = 0.12
_OVER_MEAN = 1.2
_LOUD_WITHIN_S = 4.0
_OVER_LOUD = 0.06
_LEAST_FLUX = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """What changes in a recording, a value a frame.

    Attributes
    ----------
    hop_s : float
        From frame to frame.
    flux : ndarray [shape=(frames,), dtype=float32]
        How much sound begins at i · ``hop_s``; ≥ 0, in no unit.
    bass : ndarray [shape=(frames,), dtype=float32]
        The same of the lowest bands.
    chroma_hop_s : float
    chroma : ndarray [shape=(n, 12), dtype=float32]
        Energy of the pitch classes (from C) around i · ``chroma_hop_s``, of length 1 or 0.
    """

    hop_s: float
    flux: FloatArray
    bass: FloatArray
    chroma_hop_s: float
    chroma: FloatArray


class NoveltyMeter:
    """Takes a mono recording in blocks of any length.

    Parameters
    ----------
    rate : int
        Samples a second.
    """

    def __init__(self, rate: int) -> None:
        self._hop = max(round(rate * _FRAME_S), 1)
        self._hop_s = self._hop / rate
        size = max(round(rate * _WINDOW_S), 16)
        self._fft = _power_of_two(size)
        window = np.hanning(size + 1)[:-1]
        self._window = (window * (2.0 / window.sum())).astype(np.float32)
        bands, centres = _filter_bank(rate, self._fft)
        self._bands, self._in_bass = bands, centres < _BASS_HZ
        wide = max(round(rate * _CHROMA_WINDOW_S), 16)
        self._chroma_window = np.hanning(wide + 1)[:-1].astype(np.float32)
        self._chroma_fft = _power_of_two(wide)
        self._classes = _chroma_bank(rate, self._chroma_fft)
        self._room = max(wide, size)
        """Samples that every frame has on each side of it."""
        self._rest = np.zeros(self._room, dtype=np.float32)
        self._frames = 0
        self._past = np.zeros((_LAG, len(centres)), dtype=np.float32)
        self._found: list[tuple[FloatArray, FloatArray, FloatArray]] = []

    def feed(self, block: FloatArray) -> None:
        """Take the next samples [shape=(n,)]."""
        self._rest = np.concatenate((self._rest, block))
        count = (len(self._rest) - 2 * self._room) // self._hop
        if count > 0:
            self._take(count)
            self._rest = self._rest[count * self._hop :]

    def result(self) -> Novelty:
        """Give what was found; the recording ends here."""
        self.feed(np.zeros(2 * self._room + self._hop, dtype=np.float32))
        empty = np.zeros(0, dtype=np.float32)
        flux = np.concatenate([empty, *(f for f, _, _ in self._found)])
        bass = np.concatenate([empty, *(b for _, b, _ in self._found)])
        chroma = np.concatenate([np.zeros((0, 12), np.float32), *(c for _, _, c in self._found)])
        early = round(_AHEAD_S / self._hop_s)
        return Novelty(
            self._hop_s,
            np.concatenate((flux[early:], np.zeros(early, np.float32))),
            np.concatenate((bass[early:], np.zeros(early, np.float32))),
            self._hop_s * _CHROMA_EVERY,
            chroma,
        )

    def _take(self, count: int) -> None:
        """Take frames whose middles stand at the room's end, a hop apart."""
        from scipy.fft import rfft
        from scipy.ndimage import maximum_filter1d

        size = len(self._window)
        from_here = self._rest[self._room - size // 2 :]
        framed = np.lib.stride_tricks.sliding_window_view(from_here, size)
        magnitude = np.abs(rfft(framed[: count * self._hop : self._hop] * self._window, self._fft))
        level = np.log1p(_KNEE * (magnitude @ self._bands))
        known = np.concatenate((self._past, level))
        rise = np.maximum(level - maximum_filter1d(known[:-_LAG], 3, axis=1), 0.0)
        self._past = known[-_LAG:]
        flux = rise.mean(axis=1, dtype=np.float32)
        bass = rise[:, self._in_bass].mean(axis=1, dtype=np.float32)

        wide = len(self._chroma_window)
        first = -self._frames % _CHROMA_EVERY
        from_here = self._rest[self._room - wide // 2 + first * self._hop :]
        step = _CHROMA_EVERY * self._hop
        framed = np.lib.stride_tricks.sliding_window_view(from_here, wide)
        framed = framed[: max(count - first, 0) * self._hop : step] * self._chroma_window
        chroma = np.square(np.abs(rfft(framed, self._chroma_fft))) @ self._classes
        length = np.sqrt(np.square(chroma).sum(axis=1, keepdims=True))
        chroma = np.where(length > 1e-6, chroma / np.maximum(length, 1e-6), 0.0)
        self._found.append((flux, bass, chroma.astype(np.float32)))
        self._frames += count


def pick_onsets(flux: FloatArray, hop_s: float) -> npt.NDArray[np.float64]:
    """Seconds at which sounds begin: peaks of the flux, ascending, at least 0.1 s apart.

    A peak is the highest value within 30 ms, stands out of the mean around it and is not
    far below the highest within 4 s. Of peaks that are too close the higher one stays.
    """
    from scipy.ndimage import maximum_filter1d, uniform_filter1d
    from scipy.signal import find_peaks

    if not len(flux) or float(flux.max()) <= 0.0:
        return np.zeros(0)
    near = 2 * round(_LOUD_WITHIN_S / hop_s) + 1
    loud = maximum_filter1d(flux, near, mode="nearest")
    within = 2 * round(_PEAK_WITHIN_S / hop_s) + 1
    around = 2 * round(_AROUND_S / hop_s) + 1
    mean = uniform_filter1d(flux, around, mode="nearest")
    least = np.maximum(_OVER_MEAN * mean + _OVER_LOUD * loud, _LEAST_FLUX)
    highest = maximum_filter1d(flux, within, mode="nearest")
    padded = np.concatenate(([0.0], np.where((flux >= highest) & (flux > least), flux, 0.0), [0.0]))
    peaks, _ = find_peaks(padded, distance=max(round(_CLOSEST_S / hop_s), 1))
    peaks -= 1
    return np.asarray((peaks + _between_frames(flux, peaks)) * hop_s, dtype=np.float64)


def _between_frames(flux: FloatArray, peaks: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Places of peaks beside their frames, −0.5…0.5, by a parabola through three values."""
    padded = np.concatenate(([0.0], flux, [0.0])).astype(np.float64)
    before, at, behind = padded[peaks], padded[peaks + 1], padded[peaks + 2]
    bend = np.maximum(2.0 * at - before - behind, 1e-12)
    beside = np.clip((behind - before) / (2.0 * bend), -0.5, 0.5)
    return np.asarray(np.where(peaks > 0, beside, np.maximum(beside, 0.0)))


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def _filter_bank(rate: int, fft: int) -> tuple[FloatArray, npt.NDArray[np.float64]]:
    """Triangles of half a semitone (wider where bins are) [shape=(bins, bands)], and centres."""
    top = min(_HIGHEST_HZ, 0.48 * rate)
    count = int(np.log2(top / _LOWEST_HZ) * _BANDS_AN_OCTAVE) + 1
    edges = _LOWEST_HZ * 2.0 ** (np.arange(count) / _BANDS_AN_OCTAVE)
    bins = np.unique(np.round(edges * fft / rate)).astype(int)
    bins = bins[bins > 0]
    bank = np.zeros((fft // 2 + 1, len(bins) - 2), dtype=np.float32)
    for band, (low, middle, high) in enumerate(zip(bins, bins[1:], bins[2:], strict=False)):
        rising = np.arange(low, middle + 1)
        bank[rising, band] = (rising - low) / (middle - low)
        falling = np.arange(middle, high + 1)
        bank[falling, band] = (high - falling) / (high - middle)
        bank[:, band] /= bank[:, band].sum()
    return bank, bins[1:-1] * rate / fft


def _chroma_bank(rate: int, fft: int) -> FloatArray:
    """Which pitch class a bin belongs to [shape=(bins, 12)]."""
    hz = np.arange(fft // 2 + 1) * rate / fft
    heard = (hz >= _CHROMA_LOW_HZ) & (hz <= min(_CHROMA_HIGH_HZ, 0.48 * rate))
    pitch = 69.0 + 12.0 * np.log2(np.maximum(hz, 1.0) / 440.0)
    bank = np.zeros((len(hz), 12), dtype=np.float32)
    bank[np.arange(len(hz)), np.round(pitch).astype(int) % 12] = heard / np.sqrt(np.maximum(hz, 1))
    return bank
