"""Where the solo may be, and its exact pitch there: from aligned lines to slots of a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accompanist.recordings.separation.harmonic_model import Slots
from accompanist.recordings.separation.harmonic_salience import partial_weights
from accompanist.recordings.separation.solo_alignment import SoloAlignment
from accompanist.recordings.separation.solo_pitch import best_path

__all__ = ["Run", "Tuning", "Votes", "exact_pitches", "runs_in", "slots_of"]

FloatArray = npt.NDArray[np.float32]

_SHORTEST_ROWS = 4
_SHORTEST_RUN = 3
_SPAN, _STEP = 0.7, 0.04
_PARTIALS, _DECAY, _TOP_HZ = 14, 0.9, 7000.0
_IN_TUNE, _PULL = 0.35, 0.15
_PER_STEP = 0.03
_CONTEXT = 2
_ENOUGH = 20_000


class Votes:
    """How many of the lines may have a pitch in a frame, and how many are there at all.

    Parameters
    ----------
    alignments : sequence of SoloAlignment
    frames : int
        Of the mixture.
    tolerance_frames : int
        By which a line may be early or late.
    """

    def __init__(
        self, alignments: Sequence[SoloAlignment], frames: int, tolerance_frames: int
    ) -> None:
        self.roll = np.zeros((128, frames), dtype=np.uint8)
        self.lines = np.zeros(frames, dtype=np.uint8)
        for alignment in alignments:
            line = steady_semitones(alignment.line)
            here = np.zeros((128, frames), dtype=np.bool_)
            pitch = line[alignment.row]
            sounding = pitch >= 0
            here[pitch[sounding], alignment.frame[sounding]] = True
            self.roll += _dilated(here, tolerance_frames)
            first = max(0, int(alignment.frame[0]) - tolerance_frames)
            self.lines[first : int(alignment.frame[-1]) + tolerance_frames + 1] += 1


def steady_semitones(line: FloatArray) -> npt.NDArray[np.int64]:
    """Round a line to semitones, −1 where it is silent or there for a moment only."""
    heard = ~np.isnan(line)
    pitch = np.where(heard, np.rint(np.where(heard, line, 0.0)), -1.0).astype(np.int64)
    edges = np.flatnonzero(np.diff(pitch)) + 1
    for part in np.split(np.arange(len(pitch)), edges):
        if len(part) < _SHORTEST_ROWS:
            pitch[part] = -1
    return np.clip(pitch, -1, 127)


def _dilated(roll: npt.NDArray[np.bool_], by: int) -> npt.NDArray[np.bool_]:
    """Spread every row to either side."""
    out = np.zeros_like(roll)
    for row in np.flatnonzero(roll.any(axis=1)):
        count = np.cumsum(np.pad(roll[row], (by + 1, by)))
        out[row] = count[2 * by + 1 :] > count[: -2 * by - 1]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A pitch that is allowed from a frame on, with the exact pitch and its salience.

    Frames are the mixture's.
    """

    pitch: int
    first: int
    end: int
    exact: FloatArray = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    clear: FloatArray = field(default_factory=lambda: np.zeros(0, dtype=np.float32))


def runs_in(votes: Votes, first: int, end: int) -> list[Run]:
    """Find what is allowed within some frames."""
    runs = []
    for pitch in range(128):
        allowed = votes.roll[pitch, first:end] > 0
        if not allowed.any():
            continue
        edges = np.flatnonzero(np.diff(np.concatenate([[0], allowed.astype(np.int8), [0]])))
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            if b - a >= _SHORTEST_RUN:
                runs.append(Run(pitch, first + int(a), first + int(b)))
    return runs


class Tuning:
    """How far the recording's pitches are from A = 440 Hz, learnt as it is heard, in semitones."""

    def __init__(self) -> None:
        self._off: list[FloatArray] = []
        self._clear: list[FloatArray] = []
        self.value = 0.0

    @property
    def open(self) -> bool:
        """Whether there is still something to learn."""
        return sum(map(len, self._off)) < _ENOUGH

    def learn(self, runs: Sequence[Run]) -> None:
        """Take the clearest half of all that has been heard."""
        self._off += [run.exact - run.pitch for run in runs]
        self._clear += [run.clear for run in runs]
        if self._off:
            off, clear = np.concatenate(self._off), np.concatenate(self._clear)
            best = off[clear >= np.median(clear)]
            self.value = float(np.clip(np.median(best), -0.5, 0.5))


def exact_pitches(
    runs: Sequence[Run], white: FloatArray, first: int, bin_hz: float, tuning: float
) -> list[Run]:
    """Find the exact pitch of runs in the mixture.

    Parameters
    ----------
    runs : sequence of Run
    white : ndarray [shape=(frames, bins)]
        Whitened spectra from frame ``first`` on.
    first : int
    bin_hz : float
    tuning : float
        Semitones.
    """
    off = np.arange(round(2 * _SPAN / _STEP) + 1) * _STEP - _SPAN
    pull = (-_PULL * (off / _IN_TUNE) ** 2).astype(np.float32)
    level = float(white.mean()) + 1e-6
    known: dict[int, FloatArray] = {}
    found = []
    for run in runs:
        pitches = run.pitch + tuning + off
        if run.pitch not in known:
            known[run.pitch] = partial_weights(
                pitches,
                bin_hz,
                white.shape[1],
                partials=_PARTIALS,
                decay=_DECAY,
                top_hz=_TOP_HZ,
            )
        a = max(0, run.first - first - _CONTEXT)
        b = min(len(white), run.end - first + _CONTEXT)
        salience = (white[a:b] @ known[run.pitch].T) / level
        path = best_path(salience + pull, np.float32(_PER_STEP))
        here = slice(run.first - first - a, run.end - first - a)
        found.append(
            Run(
                run.pitch,
                run.first,
                run.end,
                pitches[path][here].astype(np.float32),
                salience.max(axis=1)[here],
            )
        )
    return found


def slots_of(runs: Sequence[Run], votes: Votes, first: int) -> Slots:
    """Lay out runs frame by frame."""
    frame = np.concatenate([np.arange(run.first, run.end) for run in runs])
    pitch = np.concatenate([np.full(run.end - run.first, run.pitch) for run in runs])
    exact = np.concatenate([run.exact for run in runs])
    glide = np.concatenate([np.gradient(run.exact) for run in runs])
    share = votes.roll[pitch, frame] / np.maximum(votes.lines[frame], 1)
    doubt = np.clip(1.0 - share, 0.0, 1.0)
    return Slots(
        frame - first,
        pitch,
        exact.astype(np.float32),
        glide.astype(np.float32),
        doubt.astype(np.float32),
    )
