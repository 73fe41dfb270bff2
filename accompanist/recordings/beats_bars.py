"""Bars of a recording, an estimate: accents and changes of harmony every 3 or 4 beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.recordings.onsets import Novelty

__all__ = ["USUAL_BEATS_A_BAR", "Bars", "find_bars"]

FloatArray = npt.NDArray[np.float64]

USUAL_BEATS_A_BAR = 4

_METRES = (4, 3)
_NEAR_S = 0.05
_HARMONY_WEIGHT, _FLUX_WEIGHT, _BASS_WEIGHT = 1.0, 0.3, 0.3
_IRREGULAR = 8.0
"""What it costs to begin a bar on another beat than it is time for."""
_TRIPLE_LEAD = 1.05
"""Three beats a bar have to fit by so much better than four."""


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """An estimate of the bars.

    Attributes
    ----------
    beats_a_bar : int
        3 or 4.
    downbeats : ndarray [shape=(n,)]
        Which beats begin a bar, ascending; now and then a bar may be longer or shorter.
    clarity : float
        How much more downbeats are accented than other beats, in standard deviations.
    """

    beats_a_bar: int
    downbeats: npt.NDArray[np.intp]
    clarity: float


def find_bars(novelty: Novelty, beats_s: FloatArray) -> Bars:
    """Find the downbeats among beats.

    Parameters
    ----------
    novelty : Novelty
    beats_s : ndarray [shape=(n,)]
        Strictly increasing.
    """
    if len(beats_s) < 8:
        return Bars(USUAL_BEATS_A_BAR, np.arange(0, len(beats_s), USUAL_BEATS_A_BAR), 0.0)
    accents = _accents(novelty, beats_s)
    best: tuple[float, int, npt.NDArray[np.intp]] | None = None
    for beats in _METRES:
        gained, downbeats = _best_bars(accents, beats)
        gained *= 1.0 if best is None else 1.0 / _TRIPLE_LEAD
        if best is None or gained > best[0]:
            best = gained, beats, downbeats
    assert best is not None
    _, beats, downbeats = best
    on = np.zeros(len(accents), dtype=bool)
    on[downbeats] = True
    clarity = float(accents[on].mean() - accents[~on].mean()) if 0 < on.sum() < len(on) else 0.0
    return Bars(beats, downbeats, clarity)


def _accents(novelty: Novelty, beats_s: FloatArray) -> FloatArray:
    """How much each beat sounds like a downbeat, standardised (also in the long run)."""
    hop_s = novelty.hop_s
    near = round(_NEAR_S / hop_s)
    flux = _around(novelty.flux, beats_s / hop_s, near)
    bass = _around(novelty.bass, beats_s / hop_s, near)
    harmony = _harmonic_change(novelty, beats_s)
    total = (
        _HARMONY_WEIGHT * _standard(harmony)
        + _FLUX_WEIGHT * _standard(flux)
        + _BASS_WEIGHT * _standard(bass)
    )
    return _standard(np.clip(_standard(total), -2.0, 2.5))


def _around(values: npt.NDArray[np.float32], frames: FloatArray, near: int) -> FloatArray:
    """Highest value within ``near`` frames of each place."""
    at = np.round(frames).astype(int)[:, None] + np.arange(-near, near + 1)
    padded = np.concatenate((values, [0.0]))
    return np.asarray(padded[np.clip(at, 0, len(values))].max(axis=1), dtype=np.float64)


def _harmonic_change(novelty: Novelty, beats_s: FloatArray) -> FloatArray:
    """1 − the likeness of the pitch classes of the beat before and the beat behind."""
    sums = np.concatenate((np.zeros((1, 12)), np.cumsum(novelty.chroma, axis=0, dtype=np.float64)))
    period = np.diff(beats_s, append=2 * beats_s[-1] - beats_s[-2])
    edges = np.concatenate(([beats_s[0] - period[0]], beats_s, [beats_s[-1] + period[-1]]))
    at = np.clip(np.round(edges / novelty.chroma_hop_s).astype(int), 0, len(novelty.chroma))
    spans = np.sqrt(np.maximum(sums[at[1:]] - sums[at[:-1]], 0.0))
    length = np.sqrt(np.square(spans).sum(axis=1, keepdims=True))
    unit = spans / np.maximum(length, 1e-9)
    return np.asarray(1.0 - (unit[1:] * unit[:-1]).sum(axis=1))


def _standard(values: FloatArray) -> FloatArray:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / spread if spread > 1e-9 else np.zeros(len(values)))


def _best_bars(accents: FloatArray, beats: int) -> tuple[float, npt.NDArray[np.intp]]:
    """Viterbi over the beat within the bar; gives what is earned a beat, and the downbeats."""
    count = len(accents)
    share = np.where(np.arange(beats) == 0, 1.0, -1.0 / (beats - 1)) / np.sqrt(beats / (beats - 1))
    earned = np.zeros(beats)
    came_from = np.zeros((count, beats), dtype=np.int8)
    regular = np.roll(np.arange(beats), 1)  # which beat comes before each
    for i, accent in enumerate(accents):
        if i:
            other = int(earned.argmax())
            irregular = earned[other] - _IRREGULAR > earned[regular]
            came_from[i] = np.where(irregular, other, regular)
            earned = np.where(irregular, earned[other] - _IRREGULAR, earned[regular])
        earned = earned + accent * share
    state = int(earned.argmax())
    total = float(earned[state])
    states = np.empty(count, dtype=np.int8)
    for i in range(count - 1, -1, -1):
        states[i] = state
        state = int(came_from[i, state])
    return total / count, np.flatnonzero(states == 0)
