"""Onsets of a take made more exact in hindsight: its sound is aligned with the solo part.

What the follower reported at once says what was played, and where somebody went back; the
alignment, which has heard the whole take, says better when; what they disagree about is left out.
(Error of the time between two onsets, root mean square, at most 200 ms counted: a piano 22 ms at
once, 21 in hindsight; melodies in pianists' rubato 67, 25 ms; a violin 40, 30; bowed and blown
chorales 59, 40 with `accompanist.app.rehearsing.loudness`. A twentieth is left out at most.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accompanist.app.aligning.listening import hear_file
from accompanist.app.rehearsing.stretches import played_on
from accompanist.errors import AccompanistError, BadInputError
from accompanist.score.model import Part, Score
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

if TYPE_CHECKING:
    from accompanist.recordings.aligning.features import Features

__all__ = ["aligned_onsets", "in_hindsight", "recording_onsets"]

FloatArray = npt.NDArray[np.float64]
Events = npt.NDArray[np.intp]

_FAR_S, _NEAR_S = 0.5, 0.15
_LEAST_AGREEING = 0.5
_AROUND = 6
_MOST_MISSING = 3
"""Behind more events in a row that cannot be relied on another stretch begins."""


def aligned_onsets(score: Score, solo: Part, sound: Path) -> FloatArray | None:
    """When each event of the solo begins in a recording of it alone [shape=(n_events,)].

    NaN for what is not in it; None where the two cannot be aligned.
    """
    try:
        return _aligned(replace(score, parts=(solo,)), solo, hear_file(sound), str(sound))
    except AccompanistError:
        return None


def recording_onsets(score: Score, solo: Part, recording: Path) -> FloatArray:
    """When each event of the solo begins in a recording of the piece, or of the solo alone.

    Raises
    ------
    BadInputError
        It cannot be read, or is of another piece.
    """
    heard = hear_file(recording)
    try:
        return _aligned(score, solo, heard, str(recording))
    except BadInputError:
        if len(score.parts) == 1:
            raise
        return _aligned(replace(score, parts=(solo,)), solo, heard, str(recording))


def _aligned(score: Score, solo: Part, heard: Features, name: str) -> FloatArray:
    from accompanist.recordings.aligning.alignment import align_features
    from accompanist.recordings.aligning.notes import LEAD_S, score_features, score_onsets_s

    alignment = align_features(
        score_features(score),
        heard,
        onsets_s=score_onsets_s(score),
        first_name=score.title or "the score",
        second_name=name,
    )
    places_s = written_tempo(score).to_seconds(solo_line(solo).onsets_quarter) + LEAD_S
    return alignment.map.second_s(places_s)


def in_hindsight(
    written_s: FloatArray, reported: Sequence[tuple[Events, FloatArray]], aligned_s: FloatArray
) -> list[tuple[Events, FloatArray]] | None:
    """Put the alignment in place of the reports wherever these bear it out.

    Parameters
    ----------
    written_s : ndarray [shape=(n_events,)]
        Written seconds of the events.
    reported : sequence of (ndarray, ndarray)
        Stretches: events and the seconds at which they were reported to have begun.
    aligned_s : ndarray [shape=(n_events,)]
        When each event begins by the alignment; NaN where it has none.

    Returns
    -------
    list of (ndarray, ndarray) or None
        As ``reported``: what was aligned, and what was reported besides, of a passage that was
        played again. None where the two have too little in common.
    """
    agreeing = _agreeing(reported, aligned_s)
    if sum(int(a.sum()) for a in agreeing) < _LEAST_AGREEING * sum(len(a) for a in agreeing):
        return None
    heard = np.zeros(len(aligned_s))
    agreed = np.zeros(len(aligned_s))
    for (events, _), agrees in zip(reported, agreeing, strict=True):
        np.add.at(heard, events, 1.0)
        np.add.at(agreed, events[agrees], 1.0)
    around = np.ones(2 * _AROUND + 1)
    sums = [np.convolve(x, around)[_AROUND : _AROUND + len(x)] for x in (agreed, heard)]
    sure = np.isfinite(aligned_s) & (sums[0] >= np.maximum(_LEAST_AGREEING * sums[1], 1.0))
    sure &= (heard == 0) | (agreed > 0)  # where the two differ neither is to be trusted
    found: list[tuple[Events, FloatArray]] = []
    sure_events = np.flatnonzero(sure).astype(np.intp)
    for part in np.split(sure_events, np.flatnonzero(np.diff(sure_events) > _MOST_MISSING) + 1):
        order = part[np.argsort(aligned_s[part], kind="stable")]
        found += played_on(written_s, order, aligned_s[order])
    again = [
        stretch
        for stretch, agrees in zip(reported, agreeing, strict=True)
        if agrees.mean() < 1.0 - _LEAST_AGREEING
    ]
    return sorted(found + again, key=lambda stretch: float(stretch[1][0]))


def _agreeing(
    reported: Sequence[tuple[Events, FloatArray]], aligned_s: FloatArray
) -> list[npt.NDArray[np.bool_]]:
    """Whether each report is borne out by the alignment, and the other way round."""
    apart = [aligned_s[events] - times_s for events, times_s in reported]
    every = np.concatenate(apart) if apart else np.zeros(0)
    # A follower and an alignment call different moments of a soft beginning the onset.
    near = every[np.abs(every) < _FAR_S]
    usual = float(np.median(near)) if len(near) else 0.0
    return [np.abs(a - usual) < _NEAR_S for a in apart]
