"""Which tempo, octave and key a line has in a mixture, and whether it is there at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from accompanist.recordings.separation.solo_listening import (
    GRID,
    KINDS,
    SILENCE,
    Listened,
    line_kinds,
)
from accompanist.recordings.separation.solo_pitch import PitchTrack
from accompanist.recordings.separation.solo_warping import (
    Rows,
    WarpingPath,
    coarser,
    coarser_rows,
    warp,
)

__all__ = ["PENALTY", "fit_of", "in_tune", "likely_tempi", "paced", "unusual_interval"]

FloatArray = npt.NDArray[np.float32]

PENALTY = 0.4
"""What a step costs more in which only one of line and mixture goes on."""

_TEMPI = 2.0 ** (np.arange(-6, 7) / 6.0)
_TRANSPOSITIONS = (*range(-12, 13), -24, 24)
_SEARCH_CELLS = 1_000_000
_FIT_CELLS = 4_000_000
_SURE_LINE, _SURE_MIXTURE = 0.4, 0.15
_OUT_OF_TUNE = 0.25
"""Semitones; less does no harm, and lines wander by as much."""
_UNUSUAL_TEMPO = 0.2
_UNUSUAL_OCTAVE, _UNUSUAL_KEY = 0.01, 0.1
"""How much better a line must fit to be taken for another tempo (an octave of it), pitch, key."""


def in_tune(listened: Listened, track: PitchTrack) -> PitchTrack:
    """Bring a line that lies between the mixture's semitones into its tuning.

    Whole semitones are left to the search for octave and key.
    """
    sounding = track.pitch[~np.isnan(track.pitch)].astype(np.float64)
    turns = np.exp(2j * np.pi * sounding).mean() if len(sounding) else 0j
    if abs(turns) < _SURE_LINE or abs(listened.tuning) < _SURE_MIXTURE:
        return track
    shift = float(np.angle(listened.tuning / turns)) / (2.0 * np.pi)
    if abs(shift) < _OUT_OF_TUNE:
        return track
    return replace(track, pitch=track.pitch + np.float32(shift))


def paced(track: PitchTrack, hop_s: float, tempo: float) -> FloatArray:
    """Give the line with rows of the mixture's hop after it has been slowed down by ``tempo``."""
    count = max(2, round(track.duration_s * tempo / hop_s))
    at = np.rint(np.arange(count) * hop_s / (tempo * track.hop_s)).astype(np.int64)
    return np.asarray(track.pitch[np.clip(at, 0, len(track.pitch) - 1)])


def likely_tempi(listened: Listened, track: PitchTrack) -> list[tuple[float, int]]:
    """Give tempo and transposition of the best coarse path, and the octaves above and below."""
    whole = listened.frames * listened.hop_s / track.duration_s
    tempi = [*_TEMPI, *([whole] if 0.5 <= whole <= 2.0 else [])]
    factor = 4
    while (listened.frames / factor) * (track.duration_s / listened.hop_s / factor) > _SEARCH_CELLS:
        factor *= 2
    small = coarser(listened.table[:KINDS], factor)
    scores = np.empty((len(_TRANSPOSITIONS), len(tempi)))
    slopes = np.empty_like(scores)
    usual = [1.0, *([whole] if 0.5 <= whole <= 2.0 else [])]
    for t, tempo in enumerate(tempi):
        line = paced(track, listened.hop_s, tempo)
        rows = coarser_rows(line_kinds(line), factor, KINDS)
        unusual = _UNUSUAL_TEMPO * min(abs(np.log2(tempo / one)) for one in usual)
        for k, moved in enumerate(_TRANSPOSITIONS):
            path = warp(small, _moved(rows, moved), PENALTY, kinds=KINDS)
            cells = min(len(line), listened.frames) / factor
            scores[k, t] = -path.cost / cells - unusual - unusual_interval(moved)
            slopes[k, t] = tempo * _slope(path)
    best = _TRANSPOSITIONS[int(np.argmax(scores.max(axis=1)))]
    found = []
    for k, moved in enumerate(_TRANSPOSITIONS):
        if abs(moved - best) in (0, 12):
            t = int(np.argmax(scores[k]))
            found.append((float(np.clip(slopes[k, t], 0.45, 2.2)), moved))
    return found


def _moved(rows: Rows, semitones: int) -> Rows:
    """Transpose what is looked for."""
    steps = round(semitones / GRID.step)
    kind = np.where(rows.kind < SILENCE, np.clip(rows.kind + steps, 0, GRID.count - 1), rows.kind)
    return Rows(rows.start, kind, rows.weight)


def unusual_interval(semitones: int) -> float:
    """Say how much better a line must fit that is moved by an interval."""
    if semitones % 12:
        return _UNUSUAL_KEY
    return _UNUSUAL_OCTAVE * abs(semitones // 12)


def fit_of(listened: Listened, line: FloatArray) -> tuple[float, float]:
    """Say how well a line fits, against itself backwards and with its phrases in another order.

    Gives how much more it earns a row than the best of these, and how many times as much.

    1: no better than these. On chorales and singers' clips, 7–35 s, lines that are really there had
    1.06 (an inner voice) to 1.9; lines of other pieces mostly less than 1.1.
    """
    finest = 1
    while len(line) * listened.frames / finest**2 > _FIT_CELLS:
        finest *= 2

    def score(one: FloatArray) -> float:
        return -warp(
            listened.table,
            line_kinds(one),
            PENALTY,
            kinds=KINDS if finest > 1 else len(listened.table),
            coarsest=finest,
            finest=finest,
        ).cost

    phrases = np.array_split(line, max(4, int(len(line) * listened.hop_s / 4.0)))
    rng = np.random.default_rng(0)
    others = [line[::-1]]
    for _ in range(3):
        others.append(np.concatenate([phrases[at] for at in rng.permutation(len(phrases))]))
    chance = max(*(score(np.ascontiguousarray(one)) for one in others), 1e-6)
    found = score(line)
    return (found - chance) * finest / min(len(line), listened.frames), found / chance


def _slope(path: WarpingPath) -> float:
    """Columns a row over the whole path."""
    rows = int(path.row[-1] - path.row[0])
    return float(path.column[-1] - path.column[0]) / rows if rows else 1.0
