"""Whether a soloist who begins anywhere is found at the right bar.

Music that comes again cannot be told apart before it goes on differently: a place at which the
solo so far would have been the very same counts as right.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Measure
from accompanist.score.solo import BUCKET_QUARTER, SoloLine

__all__ = ["measure_number", "right_place", "same_music"]

Array = npt.NDArray[np.float64]

_ON_THE_LINE_QUARTER = 0.05


def measure_number(measures: tuple[Measure, ...], quarter: float) -> int:
    """Which measure, from 0, a position lies in; −1 before the first (or where there are none)."""
    starts = [m.start_quarter for m in measures]
    return int(np.searchsorted(starts, quarter + _ON_THE_LINE_QUARTER, side="right")) - 1


def same_music(line: SoloLine, here: float, there: float, heard_quarter: float) -> bool:
    """Whether the solo up to ``there`` is the same as up to ``here``, as far back as was heard.

    Compared are the places and pitches of all events, from ``heard_quarter`` quarters back on.
    """
    ours = _events(line, here - heard_quarter, here)
    theirs = _events(line, there - heard_quarter, there)
    if not len(ours) or len(ours) != len(theirs):
        return False
    places = line.onsets_quarter
    apart = (places[theirs] - there) - (places[ours] - here)
    if np.abs(apart).max() > BUCKET_QUARTER:
        return False
    return all(_pitches(line, a) == _pitches(line, b) for a, b in zip(ours, theirs, strict=True))


def right_place(
    measures: tuple[Measure, ...],
    line: SoloLine,
    true_quarter: float,
    believed_quarter: float,
    heard_quarter: float,
) -> bool:
    """Whether a belief is in the bar that is played, or in one which sounds the same so far.

    Parameters
    ----------
    measures, line
        The score's measures and the solo.
    true_quarter, believed_quarter : float
    heard_quarter : float
        How much has been played, quarters.
    """
    if measures:
        here = measure_number(measures, true_quarter)
        if here == measure_number(measures, believed_quarter):
            return True
    # A belief between two notes is held to the place of the last one.
    step = true_quarter - _last_onset(line, true_quarter)
    there = _last_onset(line, believed_quarter) + step
    return same_music(line, true_quarter, there, heard_quarter)


def _events(line: SoloLine, first: float, last: float) -> npt.NDArray[np.intp]:
    places = line.onsets_quarter
    inside = (places >= first - BUCKET_QUARTER) & (places <= last + BUCKET_QUARTER)
    return np.flatnonzero(inside)


def _last_onset(line: SoloLine, quarter: float) -> float:
    i = int(np.searchsorted(line.onsets_quarter, quarter + BUCKET_QUARTER, side="right")) - 1
    return float(line.onsets_quarter[max(i, 0)])


def _pitches(line: SoloLine, event: int) -> frozenset[int]:
    return frozenset(note.pitch for note in line.notes[event])
