"""Where the soloist truly is between the onsets, and how far off a belief about it is.

Conventions are those of `accompanist.takes.figures`. Between two onsets nobody can say where a
soloist is: under a fermata the one who counts on is as right as the one who waits. So the truth
there is an interval: from the position interpolated between the two onsets to the one reached in
the local tempo (at most the next onset), whichever way round they lie. A belief within it has no
error; the error of another is its distance from the nearer end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.takes.figures import local_seconds_per_quarter

__all__ = ["NEAR_S", "RIGHT_QUARTER", "Course", "back_after_s", "run_right"]

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

RIGHT_QUARTER = 1.0
"""A belief this near to the truth is right within a beat."""
NEAR_S = 0.3
"""A belief this near to the truth, in seconds of the local tempo, is on track."""
_STAYS_S = 1.0
_RINGS_ON_QUARTER = 1.0
"""So much of the piece is known behind the last onset, and before a jump."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The truth at every hop of a take, and the belief against it.

    Attributes
    ----------
    error_quarter : ndarray [shape=(n_hops,)]
        Believed less true position; NaN where nothing is true: before the first onset, behind the
        last, and while the piece is not played.
    error_s : ndarray [shape=(n_hops,)]
        The same in seconds of the local tempo.
    """

    time_s: Array
    error_quarter: Array
    error_s: Array

    @classmethod
    def of(
        cls,
        truth_quarter: Array,
        truth_time_s: Array,
        leg: npt.NDArray[np.intp],
        time_s: Array,
        quarter: Array,
        away: tuple[tuple[float, float], ...] = (),
    ) -> Course:
        """Hold a belief against the truth.

        Parameters
        ----------
        truth_quarter, truth_time_s, leg : ndarray [shape=(m,)]
            True onsets by time; within a leg the soloist plays on. May be empty.
        time_s, quarter : ndarray [shape=(n_hops,)]
            The belief at rising times.
        away : tuple of (float, float)
            From when until when the soloist does not play the piece.
        """
        error = np.full(len(time_s), np.nan)
        tempo = np.ones(len(time_s))
        if len(truth_time_s) > 1:
            per_quarter = _tempo_by_leg(truth_quarter, truth_time_s, leg)
            row = np.searchsorted(truth_time_s, time_s, side="right") - 1
            known = row >= 0
            row = np.maximum(row, 0)
            ahead = np.minimum(row + 1, len(truth_time_s) - 1)
            on = (leg[ahead] == leg[row]) & (ahead > row)
            since = time_s - truth_time_s[row]
            tempo = per_quarter[row]
            gap_s = np.maximum(truth_time_s[ahead] - truth_time_s[row], 1e-9)
            end = np.where(on, truth_quarter[ahead], truth_quarter[row] + _RINGS_ON_QUARTER)
            drawn = truth_quarter[row] + (end - truth_quarter[row]) * since / gap_s
            counted = np.minimum(truth_quarter[row] + since / tempo, end)
            drawn = np.where(on, drawn, truth_quarter[row])
            low, high = np.minimum(drawn, counted), np.maximum(drawn, counted)
            known &= on | (ahead > row) | (since <= _RINGS_ON_QUARTER * tempo)
            found = np.where(quarter < low, quarter - low, np.maximum(quarter - high, 0.0))
            error = np.where(known, found, np.nan)
        for first_s, end_s in away:
            error[(time_s >= first_s) & (time_s < end_s)] = np.nan
        return cls(time_s, error, error * tempo)

    @property
    def playing(self) -> Flags:
        """Hops at which the truth is known [shape=(n_hops,)]."""
        return np.isfinite(self.error_quarter)

    @property
    def right(self) -> Flags:
        """Hops at which the belief is right within a beat [shape=(n_hops,)]."""
        return np.abs(np.nan_to_num(self.error_quarter, nan=np.inf)) <= RIGHT_QUARTER

    @property
    def on_track(self) -> Flags:
        """Hops at which an ensemble could play along [shape=(n_hops,)]."""
        return self.right & (np.abs(np.nan_to_num(self.error_s, nan=np.inf)) <= NEAR_S)


def run_right(time_s: Array, right: Flags, stays_s: float = _STAYS_S) -> Flags:
    """Hops from which on a belief stays right for ``stays_s``, or to the end of the take."""
    wrong_at = np.where(right, np.inf, time_s)
    next_wrong = np.minimum.accumulate(wrong_at[::-1])[::-1]
    return np.asarray(next_wrong - time_s >= stays_s)


def back_after_s(course: Course, event_s: float, until_s: float = np.inf) -> float:
    """Seconds from an event until the belief is on track and stays there for a second.

    Infinite if that does not come before ``until_s`` (the next event). Hops at which nothing is
    true do not count against it.
    """
    fine = course.on_track | ~course.playing
    stays = run_right(course.time_s, fine) & course.on_track
    found = np.flatnonzero(stays & (course.time_s >= event_s) & (course.time_s < until_s))
    return float(course.time_s[found[0]] - event_s) if len(found) else float("inf")


def _tempo_by_leg(quarter: Array, time_s: Array, leg: npt.NDArray[np.intp]) -> Array:
    """Local seconds a quarter at every onset, never taken across a jump."""
    overall = local_seconds_per_quarter(quarter, time_s)
    out = np.empty(len(quarter))
    for number in np.unique(leg):
        mine = np.flatnonzero(leg == number)
        here = local_seconds_per_quarter(quarter[mine], time_s[mine])
        out[mine] = np.where(np.isfinite(here), here, overall[mine])
    return np.asarray(np.where(np.isfinite(out) & (out > 0), out, 0.5))
