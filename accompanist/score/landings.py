"""Where somebody who goes elsewhere in a piece rather goes to: bar lines, marks, repeats.

A performer who skips, goes back or begins in the middle may do so at any note, but rather begins
where the page offers a place to begin.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Score

__all__ = ["landing_places", "weights_at"]

FloatArray = npt.NDArray[np.float64]

_BAR_LINE: Final = 1.5
_BREAK: Final = 2.0
_MARK: Final = 3.0
_AT_QUARTER: Final = 0.05


def landing_places(score: Score) -> FloatArray:
    """Positions and how much likelier each is than any other note [shape=(n, 2)].

    Bar lines count 1.5; a new tempo, the end of a fermata, the beginning and the end of a repeat 2;
    rehearsal marks 3: more of it delays who goes anywhere else. Sorted by position, in quarters.
    """
    weights: dict[float, float] = {}

    def likelier(quarter: float, weight: float) -> None:
        weights[quarter] = max(weight, weights.get(quarter, 0.0))

    before = 1
    for measure in score.measures:
        # Where the count of visits changes, somebody has gone back or on, by the page's own order.
        likelier(measure.start_quarter, _BAR_LINE if measure.visit == before else _BREAK)
        before = measure.visit
    for tempo in score.tempo_marks:
        if tempo.written:
            likelier(tempo.quarter, _BREAK)
    for fermata in score.fermatas:
        likelier(fermata.end_quarter, _BREAK)
    for mark in score.marks:
        likelier(mark.quarter, _MARK)
    return np.array(sorted(weights.items()), dtype=np.float64).reshape(-1, 2)


def weights_at(onsets_quarter: FloatArray, places: FloatArray) -> FloatArray:
    """How likely it is [shape=(n_events,)] to land on each event: 1, or more at a place.

    Parameters
    ----------
    onsets_quarter : ndarray [shape=(n_events,)]
    places : ndarray [shape=(n, 2)]
        See `landing_places`. One without an event counts for nothing.
    """
    weights = np.ones(len(onsets_quarter))
    at = np.searchsorted(onsets_quarter, places[:, 0] - _AT_QUARTER)
    near = at < len(onsets_quarter)
    near[near] = onsets_quarter[at[near]] <= places[near, 0] + _AT_QUARTER
    np.maximum.at(weights, at[near], places[near, 1])
    return weights
