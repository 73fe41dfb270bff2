"""A block of a recording as solo plus orchestra: partials where the line is, columns for the rest.

Magnitudes V ≈ S + G·W: S are partials of the slots (pitches that the solo may have in a frame),
amplitude = gain of the slot × envelope of its pitch, in the end with a freedom of its own; G·W is a
harmonic column a semitone and some noise. Multiplicative updates for the Kullback–Leibler
divergence (Lee and Seung 2001), priors as added counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.recordings.separation.harmonic_kernels import (
    draw,
    gather,
    lobes,
    weigh_envelopes,
    weigh_gains,
)
from accompanist.recordings.separation.harmonic_salience import frequency_of
from accompanist.recordings.separation.harmonic_timbre import (
    BROADBAND,
    ORCHESTRA_PITCHES,
    Columns,
    Envelopes,
    maximised,
)

__all__ = ["BlockModel", "Fitting", "Slots", "fit_block", "scaled"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_FLOOR = 1e-6
_FIRST_GAIN = 0.3
_VIBRATO = 0.6
_FIXED_COLUMNS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """Pitches that the solo may have, of a block [each shape=(slots,)].

    Attributes
    ----------
    frame : ndarray
        Counted from the block's first.
    pitch : ndarray
        MIDI number.
    exact : ndarray
        The pitch as it is found in the mixture.
    glide : ndarray
        Semitones from frame to frame.
    doubt : ndarray
        0 where every line agrees, up to 1.
    """

    frame: IntArray
    pitch: IntArray
    exact: FloatArray
    glide: FloatArray
    doubt: FloatArray

    def __len__(self) -> int:
        return len(self.frame)

    def roll(self, frames: int) -> npt.NDArray[np.bool_]:
        """Whether a pitch is allowed in a frame [shape=(frames, 128)]."""
        out = np.zeros((frames, 128), dtype=np.bool_)
        out[self.frame, self.pitch] = True
        return out


@dataclass(frozen=True, slots=True)
class Fitting:
    """How a block is fitted.

    Attributes
    ----------
    iterations : int
    partials, templates : int
    crowding : float
        Added to what an orchestra's column costs where the solo may have its pitch.
    freedom : float
        Counts by which partials are held to gain × envelope in the last third; 0: held fast.
    doubting : float
        What a slot costs that only some of the lines show.
    seed : int
    """

    iterations: int = 50
    partials: int = 40
    templates: int = 2
    crowding: float = 8.0
    freedom: float = 10.0
    doubting: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class BlockModel:
    """What was fitted: loudness of solo and orchestra [shape=(frames, bins)], and of each slot."""

    solo: FloatArray
    orchestra: FloatArray
    strength: FloatArray


def scaled(magnitude: FloatArray) -> FloatArray | None:
    """Bring a block to the level that the priors are counted in; None where it is silent."""
    level = float(np.quantile(magnitude.max(axis=1), 0.8))
    if level < 1e-7:
        return None
    return np.asarray(magnitude * np.float32(100.0 / level) + np.float32(1e-3), dtype=np.float32)


def fit_block(
    spectrum: FloatArray,
    bin_hz: float,
    hops_a_window: float,
    slots: Slots,
    block: int,
    envelopes: Envelopes,
    columns: Columns,
    fitting: Fitting,
) -> BlockModel:
    """Fit a block.

    Parameters
    ----------
    spectrum : ndarray [shape=(frames, bins)]
        As `scaled` gives it.
    bin_hz, hops_a_window : float
    slots : Slots
        At least one.
    block : int
        Its number; what it leaves in ``envelopes`` is counted under it.
    envelopes, columns
        Start of the fit; changed by it.
    fitting : Fitting
    """
    frames, bins = spectrum.shape
    rng = np.random.default_rng([fitting.seed, block])
    at = (frequency_of(slots.exact) / bin_hz).astype(np.float32)
    glide = np.abs(slots.glide) * np.float32(0.0578 * hops_a_window * _VIBRATO) * at
    shape, first = lobes(at, glide, fitting.partials, bins)
    pitches, owner = np.unique(slots.pitch, return_inverse=True)
    envelope = envelopes.values[pitches]
    gain = np.full((len(slots), fitting.templates), spectrum.max(axis=1).mean(), dtype=np.float32)
    gain *= np.float32(_FIRST_GAIN)
    below = gather(shape, first, slots.frame, np.ones_like(spectrum))
    penalty = (fitting.doubting * slots.doubt).astype(np.float32)
    others = tuple(part[pitches] for part in envelopes.others(block))
    freedom = np.ones_like(below)

    column = columns.for_block(block)
    played = np.full(
        (frames, len(column)), spectrum.sum(axis=1).mean() / len(column), dtype=np.float32
    )
    played *= (0.9 + 0.2 * rng.random(played.shape)).astype(np.float32)
    crowded = np.zeros_like(played)
    crowded[:, :-BROADBAND] = slots.roll(frames)[:, ORCHESTRA_PITCHES] * fitting.crowding

    solo, orchestra = np.empty_like(spectrum), np.empty_like(spectrum)
    ratio = np.empty_like(spectrum)
    free_from = 0.7 * fitting.iterations if fitting.freedom else fitting.iterations
    left: tuple[FloatArray, FloatArray] | None = None
    for iteration in range(fitting.iterations):
        bound = _amplitudes(gain, envelope, owner)
        draw(shape, first, slots.frame, bound * freedom, solo)
        np.matmul(played, column, out=orchestra)
        np.add(solo, orchestra, out=ratio)
        ratio += np.float32(_FLOOR)
        np.divide(spectrum, ratio, out=ratio)
        up, down = gather(shape, first, slots.frame, ratio), below
        if iteration >= free_from:
            held = np.float32(fitting.freedom)
            freedom = (freedom * bound * up + held) / (bound * down + held)
            up, down = up * freedom, down * freedom
        weigh_gains(gain, envelope, owner, up, down, penalty)
        if iteration % 2:
            own = weigh_envelopes(gain, owner, up, down, len(pitches))
            above = envelope * own[0]
            envelope, growth = maximised(envelope, own, (others[0], others[1]), len(slots))
            gain *= growth[owner]
            left = (above, own[1] * growth[:, None, :])
        played *= (ratio @ column.T) / (column.sum(axis=1) + crowded)
        np.maximum(played, np.float32(_FLOOR), out=played)
        if iteration >= _FIXED_COLUMNS:
            column = column * (played.T @ ratio) / (played.sum(axis=0)[:, None] + 1e-6)
            total = column.sum(axis=1, keepdims=True) + np.float32(1e-9)
            column = column / total
            column[column < 1e-8] = 0.0  # denormal numbers are slow
            played *= total.T
    if left is not None:
        whole = np.zeros((2, *envelopes.values.shape), dtype=np.float32)
        whole[0, pitches], whole[1, pitches] = left
        envelopes.leave(block, whole[0], whole[1])
        envelopes.values[pitches] = envelope
    columns.leave(column, played.sum(axis=0))
    bound = _amplitudes(gain, envelope, owner)
    return BlockModel(solo, orchestra, bound.sum(axis=1))


def _amplitudes(gain: FloatArray, envelope: FloatArray, owner: IntArray) -> FloatArray:
    """Gain times envelope, templates added up [shape=(slots, partials)]."""
    out = gain[:, :1] * envelope[owner, :, 0]
    for template in range(1, gain.shape[1]):
        out += gain[:, template, None] * envelope[owner, :, template]
    return np.asarray(out)
