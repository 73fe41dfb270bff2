"""What the notes alone say of how a player will time them: a row of numbers for each interval.

An *interval* leads from one solo event to the next. The features are those that studies of
expressive timing keep finding (Todd 1985 on phrase ends, Friberg, Bresin & Sundberg 2006 on the
rules of duration contrast and leaps): how long a note is beside its neighbours, how near an end is,
what the melody does, how much the others play in it, and whether behind it something returns (a
phrase that has been heard or will be heard again: `accompanist.conducting.expecting.grouping`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.conducting.expecting.grouping import returning
from accompanist.conducting.grid import SoloGrid
from accompanist.score.solo import SoloLine

__all__ = ["NAMES", "interval_features"]

FloatArray = npt.NDArray[np.float64]

NAMES: Final = (
    "long", "long_squared", "after_longer", "before_longer", "log_s", "group_end", "after_long",
    "rest", "end_1", "end_3", "end_8", "start", "leap", "rise", "inside", "crowded", "high", "fast",
    "returns_next", "returns_next_squared", "returns_after", "returns_after_squared",
    "rhythm_next", "rhythm_after", "returns_here",
)  # fmt: skip
_BACK, _AHEAD = 12, 4
"""A note's length is compared with so many intervals before and behind it."""
_LONG, _SHORTER = 0.9, -0.5
"""Log ratios: a note much longer than usual, and a neighbour clearly shorter."""
_EDGE_QUARTER = 0.02
_MELODY, _RHYTHM = 4, 6
"""So many intervals have to return."""


def interval_features(grid: SoloGrid, solo: SoloLine) -> FloatArray:
    """Describe each interval of a solo.

    Parameters
    ----------
    grid : SoloGrid
        In the tempo that the player is expected to take on the whole.
    solo : SoloLine
        Its notes.

    Returns
    -------
    ndarray [shape=(len(grid) - 1, len(NAMES))]
        Plain numbers, none beyond ±4.
    """
    seconds = np.array(grid.seconds)
    count = max(len(seconds) - 1, 0)
    rows = np.zeros((count, len(NAMES)))
    if not count:
        return rows
    lengths = np.maximum(np.diff(seconds), 1e-3)
    logs = np.log(lengths)
    pitch = np.array([max(n.pitch for n in notes) for notes in solo.notes], dtype=np.float64)
    returns = _returns(grid, solo)
    for k in range(count):
        usual = float(np.median(logs[max(0, k - _BACK) : k + _AHEAD]))
        long = float(np.clip(logs[k] - usual, -1.5, 2.0))
        before = float(np.clip(logs[k] - logs[k - 1], -2.0, 2.0)) if k else 0.0
        behind = float(np.clip(logs[k + 1] - logs[k], -2.0, 2.0)) if k + 1 < count else 1.0
        ends = max(note.end_quarter for note in solo.notes[k])
        rest = max(0.0, seconds[k + 1] - grid.to_written(ends)) / lengths[k]
        left_s, since_s = seconds[-1] - seconds[k], seconds[k] - seconds[0]
        leap = pitch[k + 1] - pitch[k]
        inside = grid.notes_between(
            grid.quarters[k] + _EDGE_QUARTER, grid.quarters[k + 1] - _EDGE_QUARTER
        )
        usual_pitch = float(np.mean(pitch[max(0, k - 8) : k + 1]))
        rows[k] = (
            long, max(long, 0.0) ** 2, before, behind, logs[k],
            float(long > _LONG and behind < _SHORTER), float(k > 0 and before < _SHORTER),
            min(rest, 1.0), np.exp(-left_s), np.exp(-left_s / 3.0), np.exp(-left_s / 8.0),
            np.exp(-since_s / 2.0), min(abs(leap), 12.0) / 12.0, np.clip(leap, -12.0, 12.0) / 12.0,
            min(inside, 4) / 4.0, np.log1p(inside), np.clip((pitch[k] - usual_pitch) / 12.0, -1, 1),
            float(lengths[k] < 0.15), *returns[k],
        )  # fmt: skip
    return np.clip(rows, -4.0, 4.0)


def _returns(grid: SoloGrid, solo: SoloLine) -> FloatArray:
    """How long what begins with, one or no event behind each interval is known from elsewhere.

    Logarithms of seconds [shape=(n_intervals, 7)], as `NAMES` has them.
    """
    seconds = np.array(grid.seconds)
    count = len(seconds) - 1
    logs = np.zeros((2, count + 3))
    pitches = [max(note.pitch for note in notes) for notes in solo.notes]
    for row, (melody, least) in enumerate(((pitches, _MELODY), (None, _RHYTHM))):
        lengths = np.array(returning(grid.quarters, melody, least))
        ends = np.minimum(np.arange(count + 1) + lengths, count)
        logs[row, : count + 1] = np.log1p(seconds[ends] - seconds)
    melody_s, rhythm_s = logs
    here = melody_s[:count].copy()
    here[0] = 0.0
    following, after = melody_s[1 : count + 1], melody_s[2 : count + 2]
    return np.stack(
        [
            following, following**2 / 3.0, after, after**2 / 3.0,
            rhythm_s[1 : count + 1], rhythm_s[2 : count + 2], here,
        ], axis=1,
    )  # fmt: skip
