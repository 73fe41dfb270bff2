"""The pitch of a sound that shows the solo: one line, hummed, sung, played or rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError
from accompanist.recordings.separation.harmonic_salience import (
    PitchGrid,
    frequency_of,
    partial_weights,
)
from accompanist.recordings.separation.stft import Frames, plan_blocks, spectra
from accompanist.recordings.sound import Sound

__all__ = [
    "HOP_S",
    "WINDOW_S",
    "PitchTrack",
    "best_path",
    "bins_below",
    "magnitudes",
    "track_pitch",
]

FloatArray = npt.NDArray[np.float32]

WINDOW_S = 4096 / 44100
HOP_S = 1024 / 44100

_GRID = PitchGrid.spanning(33.0, 93.0, 0.1)
_PARTIALS, _DECAY, _TOP_HZ = 16, 0.8, 6000.0
_BETWEEN = 0.35
_PER_STEP = 0.0012
_QUIETEST = 0.03
_BLOCK, _OVERLAP = 1800, 60
_LEAST_S = 0.25
_SILENT = 1e-5
_PIECE = 256


@dataclass(frozen=True, slots=True, eq=False)
class PitchTrack:
    """A line, frame by frame.

    Attributes
    ----------
    hop_s : float
        Frame i stands around i · hop_s.
    pitch : ndarray [shape=(frames,), dtype=float32]
        MIDI pitch with fractions, nan where nothing sounds.
    """

    hop_s: float
    pitch: FloatArray

    @property
    def duration_s(self) -> float:
        return len(self.pitch) * self.hop_s


def bins_below(top_hz: float, frames: Frames, rate: int) -> int:
    """Give how many bins there are up to a frequency."""
    return min(frames.bins, int(top_hz * frames.window / rate) + 2)


def magnitudes(sound: Sound, frames: Frames, first: int, count: int, top_hz: float) -> FloatArray:
    """Give loudness over frequency, channels together [shape=(count, bins up to top_hz)]."""
    bins = bins_below(top_hz, frames, sound.rate)
    out = np.empty((count, bins), dtype=np.float32)
    for done in range(0, count, _PIECE):  # spectra of a whole block would be large
        number = min(_PIECE, count - done)
        found = spectra(sound, frames, first + done, number)[:, :bins]
        out[done : done + number] = np.sqrt((found.real**2 + found.imag**2).mean(axis=0)).T
    return out


def track_pitch(sound: Sound, told: Callable[[float], None] | None = None) -> PitchTrack:
    """Find the pitch of a single line.

    Salience of a tenth of a semitone, what lies half-way between partials counted against it (else
    the octave below is as good); the best path through it. ``told`` is told which part of the work
    is done.

    Raises
    ------
    BadInputError
        If nothing with a pitch is heard in it.
    """
    frames = Frames.lasting(sound.rate, WINDOW_S, HOP_S)
    count = frames.count(sound.length)
    weights: FloatArray | None = None
    pitches = _GRID.pitches()
    pitch = np.empty(count, dtype=np.float32)
    level = np.empty(count, dtype=np.float32)
    clear = np.empty(count, dtype=np.float32)
    for block in plan_blocks(count, _BLOCK, _OVERLAP):
        found = magnitudes(sound, frames, block.first, block.end - block.first, _TOP_HZ)
        loud = np.sqrt((found**2).sum(axis=1))
        found = np.sqrt(found / np.maximum(loud, 1e-6)[:, None])
        if weights is None:
            weights = _line_weights(pitches, sound.rate / frames.window, found.shape[1])
        salience = found @ weights.T
        path = best_path(salience, np.float32(_PER_STEP))
        skip = _OVERLAP // 2 if block.first else 0
        here = slice(block.first + skip, block.end)
        pitch[here] = pitches[path[skip:]]
        level[here] = loud[skip:]
        best = salience[np.arange(len(path)), path]
        clear[here] = ((best - salience.mean(axis=1)) / (salience.std(axis=1) + 1e-6))[skip:]
        if told:
            told((block.end - block.first - skip) / count)
    sounding = (level > _QUIETEST * np.quantile(level, 0.95)) & (level > _SILENT * frames.window)
    hop_s = frames.hop / sound.rate
    if np.count_nonzero(sounding & (clear > 2.0)) * hop_s < _LEAST_S:
        raise BadInputError("nothing with a pitch is heard in the sound that should show the solo")
    return PitchTrack(hop_s, np.where(sounding, pitch, np.nan).astype(np.float32))


def _line_weights(pitches: npt.NDArray[np.float64], bin_hz: float, bins: int) -> FloatArray:
    """Weigh the partials of a line, less what lies half-way between them."""
    weights = partial_weights(
        pitches, bin_hz, bins, partials=_PARTIALS, decay=_DECAY, top_hz=_TOP_HZ
    )
    hz = frequency_of(pitches)
    for row, one in enumerate(hz):
        between = ((np.arange(1, 8) - 0.5) * one / bin_hz).astype(np.int64)
        between = between[between < bins - 2]
        np.subtract.at(weights[row], between, _BETWEEN / max(1, len(between)))
    return weights


@nb.njit(cache=True, nogil=True, fastmath=True)
def best_path(salience: FloatArray, per_step: float) -> npt.NDArray[np.int64]:  # pragma: no cover
    """Find the path of largest salience less ``per_step`` a step of its index.

    Viterbi with the cost of a move linear in its length: two sweeps a frame do.

    Parameters
    ----------
    salience : ndarray [shape=(frames, states)]
    per_step : float

    Returns
    -------
    ndarray [shape=(frames,)]
        State at each frame.
    """
    count, states = salience.shape
    value = salience[0].astype(np.float64)
    back = np.empty((count, states), dtype=np.int16)
    for t in range(1, count):
        for p in range(states):
            back[t, p] = p
        for p in range(1, states):
            if value[p - 1] - per_step > value[p]:
                value[p] = value[p - 1] - per_step
                back[t, p] = back[t, p - 1]
        for p in range(states - 2, -1, -1):
            if value[p + 1] - per_step > value[p]:
                value[p] = value[p + 1] - per_step
                back[t, p] = back[t, p + 1]
        for p in range(states):
            value[p] += salience[t, p]
    path = np.empty(count, dtype=np.int64)
    path[count - 1] = np.argmax(value)
    for t in range(count - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return path
