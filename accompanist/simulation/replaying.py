"""A performance whose times are known, predicted and accompanied without sound.

A virtual clock goes from hop to hop, a list of positions stands for the scheduler: what the real
conductor, told of the onsets by exact ears or by a follower, would have had the ensemble play.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.tempo_model import TempoModel
from accompanist.followers.protocol import Estimate
from accompanist.score.model import Score
from accompanist.score.solo import BUCKET_QUARTER, SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["Cue", "Predicted", "TimedTake", "asynchronies_s", "next_onsets", "play_along"]

FloatArray = npt.NDArray[np.float64]

_TEMPO_SD = 0.2
"""How far the written tempo is trusted at first."""


@dataclass(frozen=True, slots=True, eq=False)
class TimedTake:
    """A performance and what there is to play with it.

    Attributes
    ----------
    name, group : str
    piece : str
        The same for takes of the same piece and part.
    times_s : ndarray [shape=(n_events,)]
        When each solo event began; NaN for those that were not played.
    ensemble_quarters : tuple of float
        Where the ensemble has notes, increasing.
    played_s : dict of float to float
        When a human ensemble played them, where there was one.
    """

    name: str
    group: str
    piece: str
    score: Score
    solo: SoloLine
    tempo: WrittenTempo
    times_s: FloatArray
    ensemble_quarters: tuple[float, ...]
    played_s: dict[float, float]

    @property
    def grid(self) -> SoloGrid:
        """The solo's events, made anew."""
        return SoloGrid(self.solo, self.tempo, self.score, self.ensemble_quarters)

    def performance(self, *, own: bool = False) -> Performance:
        """Turn it into an earlier performance for a take to come."""
        there = np.isfinite(self.times_s)
        return Performance(self.solo.onsets_quarter[there], self.times_s[there], own)


@dataclass(frozen=True, slots=True, eq=False)
class Cue:
    """A report: which solo event, and when it is believed to have begun."""

    event: int
    time_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """Predictions of next onsets [both shape=(n,)]: true less predicted time, and the sd."""

    error_s: FloatArray
    sd_s: FloatArray


def next_onsets(take: TimedTake, model: TempoModel, reports: Iterable[Cue]) -> Predicted:
    """Predict every solo onset from the reports of those before it.

    ``reports`` come in the order of their events; those of an event that is not later than one
    reported already do not count.
    """
    grid = take.grid
    model.set_ratio(1.0, _TEMPO_SD)
    errors, sds, heard = [], [], -1
    coming = iter(reports)
    report = next(coming, None)
    for event, true_s in enumerate(take.times_s.tolist()):
        while report is not None and report.event < event:
            if report.event > heard:
                if heard < 0:
                    model.begin(grid.quarters[report.event], report.time_s)
                else:
                    model.report(report.event, report.time_s)
                heard = report.event
            report = next(coming, None)
        if heard >= 0 and np.isfinite(true_s):
            expected = model.predict(grid.quarters[event])
            errors.append(true_s - expected.time_s)
            sds.append(expected.sd_s)
    return Predicted(np.array(errors), np.array(sds))


def play_along(
    take: TimedTake, conductor: Conductor, heard: Iterable[Estimate], hop_s: float
) -> dict[float, float]:
    """When the ensemble's positions are sounded, by the conductor told what is heard."""
    sent: dict[float, float] = {}
    cursor, quarters = 0, take.ensemble_quarters
    for estimate in heard:
        direction = conductor.hear(estimate)
        if direction.jumped:
            cursor = int(np.searchsorted(quarters, direction.quarter - 1e-9))
        until_s = estimate.time_s + hop_s
        while cursor < len(quarters):
            due_s = direction.timeline.due_s(quarters[cursor])
            if due_s >= until_s:
                break
            sent[quarters[cursor]] = max(due_s, estimate.time_s)
            cursor += 1
    return sent


def asynchronies_s(take: TimedTake, sent: dict[float, float]) -> tuple[FloatArray, FloatArray, int]:
    """Compare what was sounded with the soloist.

    Returns
    -------
    (ndarray, ndarray, int)
        Late (positive) or early: positions that coincide with a solo onset; those between,
        against the times in between; and how many of the former were never played.
    """
    there = np.isfinite(take.times_s)
    onsets, times = take.solo.onsets_quarter[there], take.times_s[there]
    together, between, unplayed = [], [], 0
    for quarter in take.ensemble_quarters:
        if not onsets[0] - BUCKET_QUARTER < quarter < onsets[-1] + BUCKET_QUARTER:
            continue
        event = int(np.argmin(np.abs(onsets - quarter)))
        coincides = abs(float(onsets[event]) - quarter) < BUCKET_QUARTER
        if quarter not in sent:
            unplayed += coincides
        elif coincides:
            together.append(sent[quarter] - float(times[event]))
        else:
            between.append(sent[quarter] - float(np.interp(quarter, onsets, times)))
    return np.array(together), np.array(between), unplayed
