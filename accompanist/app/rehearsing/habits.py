"""Where a soloist usually breathes or dwells, by takes of a piece."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.app.rehearsing.takes import LearnedTake, events_at
from accompanist.conducting.grid import SoloGrid
from accompanist.score.solo import SoloLine

__all__ = ["Habit", "habits_of", "interval_table"]

FloatArray = npt.NDArray[np.float64]

_AROUND = 6
"""The tempo of a place is that of so many intervals to either side."""
_LEAST_EXTRA_S = 0.2
_LEAST_RATIO = 1.35
_LEAST_SHARE = 0.5
_BREATH_S = 0.12


@dataclass(frozen=True, slots=True)
class Habit:
    """A place where the soloist takes time.

    Attributes
    ----------
    quarter : float
        Of the note that is held, or before which a breath is taken.
    breath : bool
        Nothing is heard meanwhile; else a note is held.
    extra_s : float
        So much longer than the tempo there says, in the median.
    takes, of : int
        In so many of the takes in which the place was played.
    """

    quarter: float
    breath: bool
    extra_s: float
    takes: int
    of: int


def interval_table(
    quarters: FloatArray, takes: Sequence[LearnedTake]
) -> tuple[FloatArray, FloatArray]:
    """Played length of each interval of each take, and the silence at its end.

    Parameters
    ----------
    quarters : ndarray [shape=(n_events,)]
    takes : sequence of LearnedTake

    Returns
    -------
    (ndarray, ndarray) [both shape=(n_takes, n_events - 1)]
        Seconds; NaN where the two notes were not played one after the other. Of a passage that
        was played several times the last counts.
    """
    played = np.full((len(takes), max(len(quarters) - 1, 0)), np.nan)
    silent = np.full(played.shape, np.nan)
    for row, take in enumerate(takes):
        for stretch in take.stretches:
            events = events_at(stretch.quarters, quarters)
            together = np.flatnonzero((np.diff(events) == 1) & (events[:-1] >= 0))
            played[row, events[together]] = np.diff(stretch.times_s)[together]
            if stretch.silences_s is not None:
                silent[row, events[together]] = stretch.silences_s[together + 1]
    return played, silent


def habits_of(grid: SoloGrid, solo: SoloLine, takes: Sequence[LearnedTake]) -> list[Habit]:
    """Find the places where at least half of the takes dwell, in the order of the score."""
    quarters = np.array(grid.quarters)
    if len(quarters) < 2 or not takes:
        return []
    written = np.maximum(np.diff(np.array(grid.seconds)), 1e-3)
    played, silent = interval_table(quarters, takes)
    usual = written * _pace(played / written)
    extra = played - usual
    dwelt = (extra > _LEAST_EXTRA_S) & (played > _LEAST_RATIO * usual)
    there = np.isfinite(played).sum(axis=0)
    count = dwelt.sum(axis=0)
    found = []
    for i in np.flatnonzero((there > 0) & (count >= np.maximum(_LEAST_SHARE * there, 1))):
        mine = dwelt[:, i]
        silence = silent[mine, i][np.isfinite(silent[mine, i])]
        rests = quarters[i + 1] - max(n.end_quarter for n in solo.notes[i])
        silent_there = float(np.median(silence)) > _BREATH_S if len(silence) else False
        breath = bool(silent_there or rests * written[i] / np.diff(quarters)[i] > _BREATH_S)
        found.append(
            Habit(
                quarter=float(quarters[i + 1] if breath else quarters[i]),
                breath=breath,
                extra_s=float(np.median(extra[mine, i])),
                takes=int(count[i]),
                of=int(there[i]),
            )
        )
    return found


def _pace(ratios: FloatArray) -> FloatArray:
    """Played to written time around each interval [shape as ratios]; NaN where nothing is known."""
    out = np.full(ratios.shape, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of slices without a number
        for i in range(ratios.shape[1]):
            first = max(i - _AROUND, 0)
            around = np.delete(ratios[:, first : i + _AROUND + 1], i - first, axis=1)
            out[:, i] = np.nanmedian(around, axis=1) if around.shape[1] else np.nan
    return out
