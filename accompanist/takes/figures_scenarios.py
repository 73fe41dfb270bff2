"""What became of a take in which something happened: jumps, pauses, another piece.

Metrics
-------
* *back*: from the first note after a jump (a pause, another piece) until the belief is on track
  and stays there for a second (`accompanist.takes.figures_course`); infinite if it never is
  before the next event.
* *start*: the same from the first note of the take.
* *right bar*: whether the bar believed 2 s after the first note is the one being played, or a
  place at which the music so far is the same.
* *false jumps*: leaps of more than a quarter within a hop, while the piece is being played,
  which land where it is not.
* *false lost*: how often the follower declares itself lost while it is right within a beat, and
  not within 3 s of an event.
* *declared*, *taken back*: from the moment the soloist has left the piece (or the follower has
  begun to follow them there; at once, if it never does) until it says that it is lost; from their
  first note in the piece again until it no longer does and is on track.
* *early*: whether it left the beginning before the first note, or without any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accompanist.takes.figures_course import Course, back_after_s
from accompanist.takes.figures_reliability import Reliability

__all__ = ["Belief", "Outcome", "Truths", "outcome_of", "summarise_outcomes"]

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAP_QUARTER = 1.0
START_S = 1.5
"""The aim is to be right so soon after the first note."""
BAR_S = 2.0
_SETTLING_S = 3.0
_BEFORE_S = 0.05
_TOLD_S = 0.1
"""By then a follower is where it has been told to wait."""


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What a follower said, a row a hop [all shape=(n_hops,)]."""

    time_s: Array
    quarter: Array
    confidence: Array
    lost: Flags
    waiting: Flags
    """Armed: it waits for the first note."""


@dataclass(frozen=True, slots=True, eq=False)
class Truths:
    """What happened. Times in seconds of the take; see `accompanist.takes.figures_course`.

    ``jumps``, ``resumed`` and ``returned`` are the moments of first notes; ``astray`` those at
    which the piece is left; ``anywhere`` says that the beginning was not told.
    """

    quarter: Array
    time_s: Array
    leg: npt.NDArray[np.intp]
    away: tuple[tuple[float, float], ...] = ()
    jumps: tuple[float, ...] = ()
    resumed: tuple[float, ...] = ()
    astray: tuple[float, ...] = ()
    returned: tuple[float, ...] = ()
    anywhere: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Raw outcomes of one take, from which figures of many are made.

    Attributes
    ----------
    playing_s : float
        How long the piece was played.
    back_s, resumed_s, declared_s, taken_back_s : tuple of float
        One for each event; infinite: never.
    start_s : float
        NaN where the piece is not played.
    right_bar : float
        1 or 0; NaN where the bar was told or cannot be known.
    false_jumps, false_lost : int
    early : bool
    believed : Reliability
    """

    playing_s: float
    back_s: tuple[float, ...] = ()
    resumed_s: tuple[float, ...] = ()
    declared_s: tuple[float, ...] = ()
    taken_back_s: tuple[float, ...] = ()
    start_s: float = float("nan")
    right_bar: float = float("nan")
    false_jumps: int = 0
    false_lost: int = 0
    early: bool = False
    believed: Reliability = field(default_factory=lambda: Reliability.together(()))


def outcome_of(truth: Truths, belief: Belief, right_bar: float = float("nan")) -> Outcome:
    """Measure one take; ``right_bar`` is passed on (bars are not known here)."""
    course = Course.of(
        truth.quarter, truth.time_s, truth.leg, belief.time_s, belief.quarter, truth.away
    )
    time_s, playing = belief.time_s, course.playing
    events = sorted((*truth.jumps, *truth.resumed, *truth.astray, *truth.returned))
    hop_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    begins_s = float(truth.time_s[0]) if len(truth.time_s) else float("nan")
    leaps = np.abs(np.diff(belief.quarter, prepend=belief.quarter[:1])) > LEAP_QUARTER
    entered = belief.lost & ~np.concatenate(([False], belief.lost[:-1]))
    settled = np.ones(len(time_s), dtype=bool)
    for event in events:
        settled &= ~((time_s >= event) & (time_s < event + _SETTLING_S))
    elsewhere = _within(time_s, truth.away)
    return Outcome(
        playing_s=float(playing.sum()) * hop_s,
        back_s=tuple(_back(course, events, t) for t in truth.jumps),
        resumed_s=tuple(_back(course, events, t) for t in truth.resumed),
        declared_s=tuple(_declared(belief, events, t) for t in truth.astray),
        taken_back_s=tuple(_back(_found(course, belief), events, t) for t in truth.returned),
        start_s=_back(course, events, begins_s) if len(truth.time_s) else float("nan"),
        right_bar=right_bar,
        false_jumps=int(np.sum(leaps & playing & ~course.right)),
        false_lost=int(np.sum(entered & course.right & settled)),
        early=_early(truth, belief, begins_s),
        believed=Reliability.of(
            time_s, belief.confidence, course.right, (playing | elsewhere) & ~belief.waiting
        ),
    )


def summarise_outcomes(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Figures of one take or several together; shares are 0–1, times in seconds.

    Keys, where there is anything to say: ``playing_h``, ``{back,resumed,declared,taken_back}_n``,
    ``…_median_s``, ``…_p95_s``, ``…_never`` (share), ``start_median_s``, ``start_within`` (share
    within 1.5 s), ``right_bar``, ``false_jumps_per_h``, ``false_lost_per_h``, ``early``,
    ``calibration_error``, ``brier``, ``confidence``.
    """
    hours = sum(o.playing_s for o in outcomes) / 3600.0
    figures: dict[str, float] = {"playing_h": hours}
    for name in ("back", "resumed", "declared", "taken_back"):
        figures |= _times(name, [s for o in outcomes for s in getattr(o, f"{name}_s")])
    starts = [o.start_s for o in outcomes if not np.isnan(o.start_s)]
    if starts:
        figures["start_median_s"] = float(np.median(starts))
        figures["start_within"] = float(np.mean(np.array(starts) <= START_S))
    bars = [o.right_bar for o in outcomes if not np.isnan(o.right_bar)]
    if bars:
        figures["right_bar"] = float(np.mean(bars))
    if hours > 0:
        figures["false_jumps_per_h"] = sum(o.false_jumps for o in outcomes) / hours
        figures["false_lost_per_h"] = sum(o.false_lost for o in outcomes) / hours
    figures["early"] = float(np.mean([o.early for o in outcomes])) if outcomes else 0.0
    believed = Reliability.together(o.believed for o in outcomes)
    if believed.total:
        figures["confidence"] = float(believed.confidence.sum() / believed.total)
        figures["calibration_error"] = believed.calibration_error
        figures["brier"] = believed.brier
    return figures


def _times(name: str, seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    values = np.array(seconds)
    return {
        f"{name}_n": float(len(values)),
        f"{name}_median_s": float(np.quantile(values, 0.5, method="inverted_cdf")),
        f"{name}_p95_s": float(np.quantile(values, 0.95, method="inverted_cdf")),
        f"{name}_never": float(np.mean(np.isinf(values))),
    }


def _next_event(events: Sequence[float], event_s: float) -> float:
    return next((other for other in events if other > event_s), float("inf"))


def _back(course: Course, events: Sequence[float], event_s: float) -> float:
    return back_after_s(course, event_s, _next_event(events, event_s))


def _found(course: Course, belief: Belief) -> Course:
    """Count as wrong wherever the follower still says that it is lost."""
    far = np.where(belief.lost, np.inf, 0.0)
    return Course(course.time_s, course.error_quarter + far, course.error_s + far)


def _declared(belief: Belief, events: Sequence[float], event_s: float) -> float:
    until = _next_event(events, event_s)
    after = (belief.time_s >= event_s) & (belief.time_s < until)
    following = np.flatnonzero(after & ~belief.waiting)
    if not len(following):
        return 0.0
    lost = np.flatnonzero(after & belief.lost)
    return float((belief.time_s[lost] - belief.time_s[following[0]])[0]) if len(lost) else np.inf


def _early(truth: Truths, belief: Belief, begins_s: float) -> bool:
    """Whether a belief has moved, by a leap or by playing, before there was anything to follow."""
    if truth.anywhere or (np.isnan(begins_s) and truth.astray):
        return False
    before = ~(belief.time_s >= begins_s - _BEFORE_S) & (belief.time_s > _TOLD_S)
    places = belief.quarter[before]
    return bool(len(places)) and bool((np.abs(places - places[0]) > LEAP_QUARTER).any())


def _within(time_s: Array, stretches: Sequence[tuple[float, float]]) -> Flags:
    inside = np.zeros(len(time_s), dtype=bool)
    for first_s, end_s in stretches:
        inside |= (time_s >= first_s) & (time_s < end_s)
    return inside
