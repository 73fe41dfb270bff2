"""Where in the recording the line of the solo is: its pitch followed through the mixture.

The recording holds much else, so frames are not compared with frames: the line's pitch is looked up
in the mixture's salience, and the cheapest path in time wins (dynamic time warping, ends free).
The line may be in another tempo (up to 1 : 2), in another octave or key, and show only a part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError
from accompanist.recordings.separation.solo_listening import (
    KINDS,
    Listened,
    line_kinds,
    listen,
)
from accompanist.recordings.separation.solo_pitch import PitchTrack
from accompanist.recordings.separation.solo_search import (
    PENALTY,
    fit_of,
    in_tune,
    likely_tempi,
    paced,
    unusual_interval,
)
from accompanist.recordings.separation.solo_warping import (
    Rows,
    along,
    quantised,
    warp,
    warp_near,
)

__all__ = ["Listened", "SoloAlignment", "align_line", "line_kinds", "listen", "realign_line"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_REALIGN_PENALTY = 0.2
_LEAST_FIT, _LEAST_FIT_OCTAVE, _LEAST_FIT_KEY = 1.0, 1.25, 1.4
_LEAST_FIT_TUNED = 1.12
"""A semitone off is another key as often as another pitch of A."""
_FEW_NOTES, _LEAST_FIT_FEW = 12, 0.8
"""A few notes are much the same backwards: little can be said against them where they stand, and
nothing for them where they would have to be moved."""


@dataclass(frozen=True, slots=True, eq=False)
class SoloAlignment:
    """Where the line is in the mixture.

    Attributes
    ----------
    line : ndarray [shape=(rows,), dtype=float32]
        The line's pitch as it is looked for: in the mixture's octave and about its tempo.
    row_s : float
        Duration of a row in the sound that shows the solo.
    row, frame : ndarray [shape=(n,)]
        Row of the line at frame of the mixture, both never falling.
    transposed : int
        Semitones that the line was moved by to fit.
    fit : float
        See `fit_of`.
    """

    line: FloatArray
    row_s: float
    row: IntArray
    frame: IntArray
    transposed: int
    fit: float

    def rows_at(self, frames: int) -> npt.NDArray[np.float64]:
        """Row at each frame of the mixture, nan where the line is not [shape=(frames,)]."""
        first = np.unique(self.frame, return_index=True)[1]
        at = np.arange(frames)
        found = np.interp(at, self.frame[first], self.row[first])
        found[(at < self.frame[0]) | (at > self.frame[-1])] = np.nan
        return found


def align_line(listened: Listened, track: PitchTrack) -> SoloAlignment:
    """Find a line in the mixture.

    Coarsely first, for all tempi and transpositions; then finely for the best of them, by how much
    better than by chance it fits: partials make octaves look alike, but not its notes in order.

    Raises
    ------
    BadInputError
        If the line fits no better than the same notes in another order: another piece.
    """
    track = in_tune(listened, track)
    lines = [
        (paced(track, listened.hop_s, tempo) + np.float32(moved), tempo, moved)
        for tempo, moved in likely_tempi(listened, track)
    ]
    fits = [fit_of(listened, line) for line, _, _ in lines]
    earned = [
        more - unusual_interval(moved) for (more, _), (_, _, moved) in zip(fits, lines, strict=True)
    ]
    best = int(np.argmax(earned))
    fit, (line, tempo, transposed) = fits[best][1], lines[best]
    rows = line_kinds(line)
    if fit < _least_fit(transposed, few=len(rows.kind) - len(line) < _FEW_NOTES):
        raise BadInputError(
            "the sound that should show the solo does not fit the recording: another piece?"
        )
    path = warp(listened.table, rows, PENALTY, kinds=KINDS)
    row_s = listened.hop_s / tempo
    return SoloAlignment(line, row_s, path.row, path.column, transposed, fit)


def _least_fit(transposed: int, *, few: bool) -> float:
    """Say how well a line must fit that is moved by so many semitones."""
    if not transposed:
        return _LEAST_FIT_FEW if few else _LEAST_FIT
    if abs(transposed) == 1 and not few:
        return _LEAST_FIT_TUNED
    return _LEAST_FIT_KEY if transposed % 12 else _LEAST_FIT_OCTAVE


def realign_line(
    alignment: SoloAlignment,
    strength: npt.NDArray[np.float16],
    tolerance_frames: float,
) -> SoloAlignment:
    """Align a line again, by where a first model has heard each of its pitches.

    Parameters
    ----------
    alignment : SoloAlignment
        The first one; the new one stays near.
    strength : ndarray [shape=(128, frames)]
        Of the solo's semitones, 0 … 1.
    tolerance_frames : float
        A distance from the first alignment that is a reason to doubt.
    """
    heard = ~np.isnan(alignment.line)
    table = np.empty((129, strength.shape[1]), dtype=np.int8)
    for pitch in range(128):
        table[pitch] = quantised(0.5 - strength[pitch].astype(np.float32))
    table[128] = quantised(0.6 * strength.max(axis=0).astype(np.float32) - 0.4)
    semitone = np.clip(np.rint(np.where(heard, alignment.line, 0.0)), 0, 127).astype(np.int64)
    count = len(semitone)
    rows = Rows(
        np.arange(count + 1), np.where(heard, semitone, 128), np.ones(count, dtype=np.float32)
    )
    middle = along(alignment.row, alignment.frame, count)
    path = warp_near(table, rows, _REALIGN_PENALTY, middle, tolerance_frames)
    return replace(alignment, row=path.row, frame=path.column)
