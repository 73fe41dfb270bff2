"""A mixture as lines are looked for in it, and what is looked for: pitches, silence, starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.recordings.separation.harmonic_salience import (
    PitchGrid,
    partial_weights,
    whiten,
)
from accompanist.recordings.separation.solo_pitch import magnitudes
from accompanist.recordings.separation.solo_warping import UNIT, Int8Array, Rows, quantised
from accompanist.recordings.separation.stft import Frames, plan_blocks
from accompanist.recordings.sound import Sound

__all__ = ["GRID", "KINDS", "SILENCE", "Listened", "line_kinds", "listen"]

FloatArray = npt.NDArray[np.float32]

GRID = PitchGrid.spanning(35.0, 91.0, 1.0 / 3.0)
SILENCE = GRID.count
"""Kind of a row in which the line is silent; starts of pitches come after it."""

KINDS = GRID.count + 1
"""Pitches and silence: all that coarse levels look at."""

_PARTIALS, _DECAY, _TOP_HZ = 6, 0.85, 6000.0
_SCALE = 3.0
_START_REWARD = 0.5
_START_FRAMES = 3
_CLEAR = 2.5
"""Salience, in standard deviations, of what certainly sounds."""
_BLOCK = 1800


@dataclass(frozen=True, slots=True, eq=False)
class Listened:
    """The mixture as lines are looked for in it.

    Attributes
    ----------
    hop_s : float
    table : ndarray [shape=(kinds, frames), dtype=int8]
        See `solo_warping`: a kind for each pitch of the grid, one for silence, one for the start of
        each pitch.
    tuning : complex
        Mean of turns around the semitone of what sounds: its angle says how far it lies above the
        semitones of A = 440, its length how sure that is. 0: nothing is known.
    """

    hop_s: float
    table: Int8Array
    tuning: complex = 0.0

    @property
    def frames(self) -> int:
        return int(self.table.shape[1])


def listen(mixture: Sound, frames: Frames, told: Callable[[float], None] | None = None) -> Listened:
    """Hear how strongly every pitch sounds in the mixture, frame by frame.

    ``frames`` give the hop; the window is twice as long as theirs: inner voices need it. ``told``
    is told which part of the work is done.
    """
    long = Frames(frames.window * 2, frames.hop)
    count = long.count(mixture.length)
    table = np.zeros((KINDS + GRID.count, count), dtype=np.int8)
    loud = np.empty(count, dtype=np.float32)
    turn = np.exp(2j * np.pi * GRID.pitches())
    turns, weighed = 0j, 1e-9
    weights: FloatArray | None = None
    bin_hz = mixture.rate / long.window
    for block in plan_blocks(count, _BLOCK, 0):
        found = magnitudes(mixture, long, block.first, block.end - block.first, _TOP_HZ)
        if weights is None:
            weights = partial_weights(
                GRID.pitches(),
                bin_hz,
                found.shape[1],
                partials=_PARTIALS,
                decay=_DECAY,
                top_hz=_TOP_HZ,
            )
        salience = whiten(found, bin_hz) @ weights.T
        salience -= salience.mean(axis=1, keepdims=True)
        salience /= salience.std(axis=1, keepdims=True) + 1e-6
        clear = np.maximum(salience - _CLEAR, 0.0).sum(axis=0, dtype=np.float64)
        turns += complex(clear @ turn)
        weighed += float(clear.sum())
        wide = salience.copy()  # a third of a semitone to either side: nobody is in tune
        wide[:, 1:] = np.maximum(wide[:, 1:], salience[:, :-1])
        wide[:, :-1] = np.maximum(wide[:, :-1], salience[:, 1:])
        cost = np.clip(1.0 - wide.T / _SCALE, 0.0, 1.6)
        table[: GRID.count, block.first : block.end] = quantised(cost)
        loud[block.first : block.end] = np.sqrt((found**2).sum(axis=1))
        if told:
            told((block.end - block.first) / count)
    middle = float(np.median(loud))
    quiet = np.clip(4.0 * loud / max(middle, 1e-9), 0.0, 1.0)
    table[SILENCE] = quantised(0.55 * quiet + 0.05)
    around = _START_FRAMES
    for kind in range(GRID.count):
        cost = table[kind].astype(np.float32)
        rise = np.zeros_like(cost)
        rise[around:-around] = cost[: -2 * around] - cost[2 * around :]
        reward = np.clip(rise * UNIT, -0.5, 1.0)
        table[KINDS + kind] = quantised(-_START_REWARD * reward)
    # By chance nothing is lost or won: what is beyond the line's ends costs nothing either.
    chance = int(np.rint(table[: GRID.count].mean(dtype=np.float64)))
    for kind in range(KINDS):
        table[kind] = np.clip(table[kind].astype(np.int16) - chance, -127, 127)
    return Listened(long.hop / mixture.rate, table, turns / weighed)


def line_kinds(line: FloatArray) -> Rows:
    """Say what is looked for, row by row: the line's pitch, silence, starts of pitches."""
    heard = ~np.isnan(line)
    pitch = np.where(heard, line, 0.0)
    index = np.clip(GRID.nearest(pitch), 0, GRID.count - 1)
    kind = np.where(heard, index, SILENCE)
    before = np.concatenate([[-9.0], np.where(heard, line, -9.0)[:-1]])
    begins = np.flatnonzero(heard & (np.abs(pitch - before) > 0.6))
    settled = np.minimum(begins + 2, len(line) - 1)
    begins, settled = begins[heard[settled]], settled[heard[settled]]
    rows = np.concatenate([np.arange(len(line)), begins])
    kinds = np.concatenate([kind, KINDS + index[settled]])
    order = np.argsort(rows, kind="stable")
    start = np.searchsorted(rows[order], np.arange(len(line) + 1))
    return Rows(start, kinds[order], np.ones(len(rows), dtype=np.float32))
