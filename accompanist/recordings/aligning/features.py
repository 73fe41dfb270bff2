"""What an alignment compares: harmony and onsets, fifty times a second.

Chroma say where in the piece a moment may be, decaying chroma onsets say when exactly
(S. Ewert, M. Müller, P. Grosche: High resolution audio synchronization using chroma onset
features, ICASSP 2009). Both are computed from spectra of a recording, block by block; those of a
score are drawn from its notes (`accompanist.recordings.aligning.notes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accompanist.recordings.sound import Sound

__all__ = [
    "FLUX_PER_FRAME",
    "FRAMES_PER_S",
    "Features",
    "folded",
    "normalised_onsets",
    "sound_features",
    "unit_rows",
]

FloatArray = npt.NDArray[np.float32]

FRAMES_PER_S = 50
FLUX_PER_FRAME = 2
"""Onsets are looked for at twice that rate, for the last refinement."""

_RATE = 20_000
"""All recordings are brought to it: nothing above 10 kHz tells harmonies apart."""
_HOP = _RATE // FRAMES_PER_S
_FINE_HOP = _HOP // FLUX_PER_FRAME
_BLOCK_S = 20
_LOWEST, _HIGHEST = 36, 108
"""MIDI pitches of the bands."""
_CHROMA_WINDOW = 4096
_ONSET_WINDOWS = ((2048, 36, 76), (1024, 76, 109))
"""Window, first pitch, pitch behind the last: short ones where a semitone is wide enough."""
_MARGIN = _CHROMA_WINDOW // 2
_WHITENING_SEMITONES = 6.0
_FLOOR_DB = -60.0
"""Below the loudest frames by this much, a frame counts as silence."""
_DECAY = 1.0 / np.sqrt(np.arange(1, 11))
_LOCAL_S = 0.8
"""Onsets count relative to the strongest one within this long."""
_FLUX_FRAMES = 2
"""A rise is measured over this many fine frames."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A recording or a score as the alignment sees it. Row i is the moment i / `FRAMES_PER_S`.

    Attributes
    ----------
    chroma : ndarray [shape=(frames, 12), dtype=float32]
        Energy of the pitch classes, rows of length 1; all equal in silence.
    onsets : ndarray [shape=(frames, 12), dtype=float32]
        Decaying, locally normalised onsets of the pitch classes, 0–1.
    loudness : ndarray [shape=(frames,), dtype=float32]
        Mean magnitude, 0 in silence.
    flux : ndarray [shape=(frames · FLUX_PER_FRAME, 12), dtype=float32]
        Onset strength of the pitch classes before all normalising; for the last refinement.
    """

    chroma: FloatArray
    onsets: FloatArray
    loudness: FloatArray
    flux: FloatArray

    def __len__(self) -> int:
        return len(self.chroma)

    @property
    def duration_s(self) -> float:
        """Length of what was heard."""
        return len(self.chroma) / FRAMES_PER_S


def sound_features(sound: Sound, advance: Callable[[float], None] | None = None) -> Features:
    """Hear a whole recording, block by block.

    Memory: 150 floats a second of it. ``advance`` is told the seconds done since the last call.
    """
    tuning = _tuning(sound)
    chroma_bank = _Bank(_CHROMA_WINDOW, _LOWEST, _HIGHEST + 1, tuning)
    onset_banks = [_Bank(n, first, behind, tuning) for n, first, behind in _ONSET_WINDOWS]
    chroma_rows, loudness_rows, flux_rows = [], [], []
    before = np.zeros((_FLUX_FRAMES, _HIGHEST + 1 - _LOWEST), dtype=np.float32)
    for block in _blocks(sound):
        magnitudes = chroma_bank.magnitudes(block, _HOP)
        chroma_rows.append(folded(_whitened(magnitudes), _LOWEST))
        loudness_rows.append(magnitudes.mean(axis=1))
        fine = np.hstack([bank.magnitudes(block, _FINE_HOP) for bank in onset_banks])
        history = np.vstack((before, fine))
        flux_rows.append(folded(_rise(history), _LOWEST))
        before = history[-_FLUX_FRAMES:]
        if advance is not None:
            advance(len(magnitudes) / FRAMES_PER_S)
    loudness = np.concatenate(loudness_rows)
    silence = np.quantile(loudness, 0.98) * 10.0 ** (_FLOOR_DB / 20.0)
    loudness = np.where(loudness > max(silence, 1e-7), loudness, 0.0).astype(np.float32)
    flux = np.concatenate(flux_rows)
    flux *= np.repeat(loudness > 0.0, FLUX_PER_FRAME)[:, None]
    pooled = flux.reshape(len(loudness), FLUX_PER_FRAME, 12).max(axis=1)
    chroma = unit_rows(np.concatenate(chroma_rows) * (loudness > 0.0)[:, None])
    return Features(chroma, normalised_onsets(pooled), loudness, flux)


def folded(bands: FloatArray, lowest: int) -> FloatArray:
    """Sum bands [shape=(frames, pitches)] over octaves [shape=(frames, 12)]."""
    out = np.zeros((len(bands), 12), dtype=np.float32)
    for i in range(bands.shape[1]):
        out[:, (lowest + i) % 12] += bands[:, i]
    return out


def unit_rows(chroma: FloatArray) -> FloatArray:
    """Bring rows to length 1; a row without anything in it becomes flat."""
    lengths = np.linalg.norm(chroma, axis=1, keepdims=True)
    flat = np.float32(12.0**-0.5)
    return np.asarray(
        np.where(lengths > 1e-9, chroma / np.maximum(lengths, 1e-9), flat), dtype=np.float32
    )


def normalised_onsets(strength: FloatArray) -> FloatArray:
    """Make decaying, locally normalised onsets of onset strengths [both shape=(frames, 12)]."""
    from scipy.ndimage import maximum_filter1d

    length = np.linalg.norm(strength, axis=1)
    local = maximum_filter1d(length, int(_LOCAL_S * FRAMES_PER_S) + 1, mode="constant")
    least = 0.1 * float(np.quantile(length, 0.95)) if len(length) else 0.0
    even = strength / np.maximum(local, max(least, 1e-9))[:, None]
    out = even.copy()
    for age, left in enumerate(_DECAY[1:], start=1):
        if age < len(even):
            np.maximum(out[age:], even[:-age] * np.float32(left), out=out[age:])
    return np.asarray(out, dtype=np.float32)


def _rise(history: FloatArray) -> FloatArray:
    """Give how much each band has risen [shape=(frames − _FLUX_FRAMES, bands)]."""
    level = np.log1p(1000.0 * history)
    rise = level[_FLUX_FRAMES:] - level[:-_FLUX_FRAMES]
    return np.asarray(np.maximum(rise, 0.0), dtype=np.float32)


def _whitened(magnitudes: FloatArray) -> FloatArray:
    """Even out the spectral slope, so that bass, timbre and room count for less."""
    from scipy.ndimage import gaussian_filter1d

    around = gaussian_filter1d(magnitudes, _WHITENING_SEMITONES, axis=1, mode="nearest")
    loudest = around.max(axis=1, keepdims=True)
    white = magnitudes / np.maximum(around + 0.1 * loudest, 1e-9)
    return np.asarray(white * white, dtype=np.float32)


class _Bank:
    """Semitone bands of spectra, each window centred on its moment."""

    def __init__(self, window: int, first: int, behind: int, tuning: float) -> None:
        from scipy.sparse import csr_matrix

        self._size = window
        self._window = np.hanning(window + 2)[1:-1].astype(np.float32)
        self._window /= self._window.sum()
        hertz = np.arange(1, window // 2 + 1) * (_RATE / window)
        pitch = 69.0 + 12.0 * np.log2(hertz / 440.0) - tuning
        weights = np.zeros((window // 2 + 1, behind - first), dtype=np.float32)
        for i, p in enumerate(range(first, behind)):
            # A band is at least as wide as the window's own lobe.
            width = max(0.6, 12.0 * np.log2(1.0 + _RATE / window / (440.0 * 2 ** ((p - 69) / 12))))
            weights[1:, i] = np.maximum(1.0 - np.abs(pitch - p) / width, 0.0)
        self._weights: Any = csr_matrix(weights)

    def magnitudes(self, block: FloatArray, hop: int) -> FloatArray:
        """Magnitudes [shape=(frames, bands)] of a block that has `_MARGIN` samples at each end."""
        from scipy.fft import rfft

        frames = np.lib.stride_tricks.sliding_window_view(
            block[_MARGIN - self._size // 2 : len(block) - _MARGIN + self._size // 2], self._size
        )[::hop]
        count = (len(block) - 2 * _MARGIN) // hop
        power = np.abs(rfft(frames[:count] * self._window, axis=1)) ** 2
        return np.asarray(np.sqrt(power @ self._weights), dtype=np.float32)


def _blocks(sound: Sound) -> Iterator[FloatArray]:
    """Mono blocks at `_RATE`, each of whole frames, overlapping by twice `_MARGIN`."""
    import soxr

    resampler = soxr.ResampleStream(sound.rate, _RATE, 1, dtype="float32")
    kept = np.zeros(_MARGIN, dtype=np.float32)
    total = -(-sound.length * _RATE // sound.rate)
    frames_left = -(-total // _HOP)
    count = _BLOCK_S * sound.rate
    whole = _BLOCK_S * FRAMES_PER_S
    start = 0
    while frames_left > 0:
        wanted = min(whole, frames_left) * _HOP + 2 * _MARGIN
        while len(kept) < wanted:
            last = start + count >= sound.length
            if start >= sound.length:
                kept = np.concatenate((kept, np.zeros(wanted - len(kept), dtype=np.float32)))
                break
            mono = sound.read(start, min(count, sound.length - start)).mean(axis=1)
            kept = np.concatenate((kept, resampler.resample_chunk(mono, last=last)))
            start += count
        yield kept[:wanted]
        kept = kept[wanted - 2 * _MARGIN :]
        frames_left -= min(whole, frames_left)


def _tuning(sound: Sound, excerpts: int = 24) -> float:
    """Estimate how far above 440 Hz it is tuned, in semitones, −0.5 … 0.5.

    Peaks of long spectra vote with their height; the circular mean of their distance from the
    nearest semitone is taken.
    """
    from scipy.fft import rfft

    size = int(2 ** np.ceil(np.log2(0.35 * sound.rate)))
    window = np.hanning(size).astype(np.float32)
    hertz = np.fft.rfftfreq(size, 1.0 / sound.rate)
    low, high = np.searchsorted(hertz, [150.0, 2000.0])
    votes = 0j
    for start in np.linspace(0, max(sound.length - size, 0), excerpts):
        spectrum = np.abs(rfft(sound.read(int(start), size).mean(axis=1) * window))
        s = spectrum[low - 1 : high + 1]
        inner = s[1:-1]
        peaks = np.flatnonzero((inner > s[:-2]) & (inner >= s[2:]) & (inner > 0.05 * s.max())) + 1
        if len(peaks) == 0 or s.max() < 1e-6 * size:
            continue
        a, b, c = (np.log(np.maximum(s[peaks + d], 1e-12)) for d in (-1, 0, 1))
        place = peaks + 0.5 * (a - c) / np.minimum(a - 2.0 * b + c, -1e-9)
        cents = 12.0 * np.log2((place + low - 1) * sound.rate / size / 440.0)
        votes += np.sum(np.sqrt(s[peaks] / s.max()) * np.exp(2j * np.pi * cents))
    return float(np.angle(votes) / (2.0 * np.pi))
