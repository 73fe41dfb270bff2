"""Figures of merit of a take, against the true onsets of the soloist.

Conventions
-----------
The *truth* is a row ``(quarter, time_s)`` for each solo onset, in order of time. Positions may
fall where the soloist went back, and leap where they skipped. The *trace* is a row for each hop:
at ``time_s`` the soloist is believed to be at ``quarter``. *Reports* say when a solo event was
recognised. *Sent* are the note-ons of the accompaniment, at the time they were sent. All times
are seconds since the first sample of the take. All arrays are one-dimensional.

Metrics
-------
* `position_errors_s`: the believed position at each true onset, held (the last row of the trace
  not later than the onset), less the true position, times the local seconds a quarter: positive
  is ahead. Every onset counts.
* `report_delays_s`: report less true onset. An event without a report of its own within
  `MISSED_S` either way is *missed*, as in the score following task of MIREX [1]_.
* `false_reports`: reports of an event whose true onset does not come within `MISSED_S` before
  them, or `EARLY_S` after. Those of events that the truth knows nothing of are not counted.
* `is_lost`: over the last quarter of the onsets the median position error exceeds `LOST_S`.
* `asynchronies_s`: what the accompaniment sounds late (positive) or early, for notes which
  coincide in the score with a solo onset and for the notes between (against the truth
  interpolated). Notes that were to be played and never were count as outside every limit.

`accompanist.takes.pooling` puts takes together.

References
----------
.. [1] A. Cont, D. Schwarz, N. Schnell, C. Raphael: Evaluation of real-time audio-to-score
   alignment. ISMIR 2007.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.score.solo import BUCKET_QUARTER
from accompanist.takes.pooling import TakeErrors, bootstrap, summarise

__all__ = [
    "EARLY_S",
    "LOST_S",
    "MISSED_S",
    "TakeErrors",
    "asynchronies_s",
    "bootstrap",
    "evaluate",
    "false_reports",
    "is_lost",
    "local_seconds_per_quarter",
    "measure",
    "position_errors_s",
    "report_delays_s",
    "summarise",
    "validate",
]

Array = npt.NDArray[np.float64]

MISSED_S = 0.3
EARLY_S = 0.05
"""A report may come so much before the true onset: truths are that inexact."""
LOST_S = 2.0

SAME_QUARTER = BUCKET_QUARTER + 0.005
"""Positions this near are the same event (a bucket, and the rounding of files)."""

_NEIGHBOURS = 4
"""Intervals on either side from which the local tempo is taken."""


def validate(
    truth_quarter: Array,
    truth_time_s: Array,
    trace_time_s: Array,
    trace_quarter: Array,
    *others: Array,
) -> None:
    """Check shapes, order and finiteness; ``others`` are checked for shape and finiteness only.

    Raises
    ------
    ValueError
        With one line that says which array is wrong and how.
    """
    pairs = {
        "truth": (truth_quarter, truth_time_s),
        "trace": (trace_quarter, trace_time_s),
    }
    for name, (quarter, time_s) in pairs.items():
        if quarter.ndim != 1 or quarter.shape != time_s.shape:
            raise ValueError(f"{name}: as many positions as times are wanted, in one dimension")
        if not (np.isfinite(quarter).all() and np.isfinite(time_s).all()):
            raise ValueError(f"{name}: a position or time is not a finite number")
        if (np.diff(time_s) < 0).any():
            raise ValueError(f"{name}: times must not fall")
    if not (np.diff(truth_quarter) > 0).any():
        raise ValueError("truth: at least two onsets at rising positions are wanted")
    if not len(trace_time_s):
        raise ValueError("trace: it is empty")
    for array in others:
        if array.ndim != 1 or not np.isfinite(array).all():
            raise ValueError("reports or sent notes: one dimension of finite numbers is wanted")


def local_seconds_per_quarter(truth_quarter: Array, truth_time_s: Array) -> Array:
    """Find the true local tempo at every onset: the median over the intervals around it.

    The median over up to four intervals on each side leaves fermatas, breaths, skips and the few
    ms of the truth's own error aside, which the slope of the nearest interval alone would not.

    >>> local_seconds_per_quarter(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.5, 1.0])).tolist()
    [0.5, 0.5, 0.5]
    """
    rise, run = np.diff(truth_quarter), np.diff(truth_time_s)
    usable = (rise > 1e-6) & (run > 0)
    slopes = np.where(usable, run / np.where(usable, rise, 1.0), np.nan)
    overall = float(np.nanmedian(slopes)) if usable.any() else np.nan
    local = np.empty(len(truth_quarter))
    for i in range(len(local)):
        near = slopes[max(i - _NEIGHBOURS, 0) : i + _NEIGHBOURS]
        near = near[np.isfinite(near)]
        local[i] = np.median(near) if len(near) else overall
    return local


def position_errors_s(
    truth_quarter: Array, truth_time_s: Array, trace_time_s: Array, trace_quarter: Array
) -> Array:
    """Take believed less true position at every true onset, in seconds of the local tempo.

    An onset before the first row of the trace is held against that row.
    """
    row = np.searchsorted(trace_time_s, truth_time_s, side="right") - 1
    believed = trace_quarter[np.maximum(row, 0)]
    tempo = local_seconds_per_quarter(truth_quarter, truth_time_s)
    return np.asarray((believed - truth_quarter) * tempo)


def report_delays_s(
    truth_quarter: Array,
    truth_time_s: Array,
    reported_s: Array,
    reported_quarter: Array,
    same_quarter: float = SAME_QUARTER,
) -> Array:
    """Nearest report of the same event less the true onset; NaN where there is none.

    Positions that differ by no more than ``same_quarter`` are the same event.
    """
    delays = np.full(len(truth_quarter), np.nan)
    order = np.argsort(reported_s, kind="stable")
    times, quarters = reported_s[order], reported_quarter[order]
    for i, (quarter, time_s) in enumerate(zip(truth_quarter, truth_time_s, strict=True)):
        first = np.searchsorted(times, time_s - MISSED_S - 1e-9)
        last = np.searchsorted(times, time_s + MISSED_S + 1e-9)
        same = np.abs(quarters[first:last] - quarter) <= same_quarter
        found = times[first:last][same] - time_s
        if len(found):
            delays[i] = found[np.argmin(np.abs(found))]
    return delays


def false_reports(
    truth_quarter: Array,
    truth_time_s: Array,
    reported_s: Array,
    reported_quarter: Array,
    same_quarter: float = SAME_QUARTER,
) -> tuple[int, int]:
    """Count the reports of true events, and those among them that come at a wrong time.

    >>> truth = np.array([0.0, 1.0]), np.array([0.0, 0.5])
    >>> false_reports(*truth, np.array([0.02, 0.4, 0.52]), np.array([0.0, 1.0, 7.0]))
    (2, 1)
    """
    counted = wrong = 0
    for quarter, time_s in zip(reported_quarter, reported_s, strict=True):
        true_s = truth_time_s[np.abs(truth_quarter - quarter) <= same_quarter]
        if len(true_s):
            counted += 1
            late = time_s - true_s
            wrong += not bool(((late >= -EARLY_S - 1e-9) & (late <= MISSED_S + 1e-9)).any())
    return counted, wrong


def is_lost(position_s: Array) -> bool:
    """Whether the last quarter of the onsets lies more than `LOST_S` off (in the median)."""
    tail = position_s[-max(len(position_s) // 4, 1) :]
    return bool(np.median(np.abs(tail)) > LOST_S)


def _true_times_s(truth_quarter: Array, truth_time_s: Array, quarter: float) -> tuple[Array, bool]:
    """All times at which the soloist truly was at ``quarter``, and whether an onset stands there.

    Empty where the soloist has never been: before the first, behind the last onset.
    """
    same = np.abs(truth_quarter - quarter) <= SAME_QUARTER
    if same.any():
        return truth_time_s[same], True
    before, after = truth_quarter[:-1], truth_quarter[1:]
    within = (before < quarter) & (quarter < after)
    share = (quarter - before[within]) / (after[within] - before[within])
    return truth_time_s[:-1][within] + share * np.diff(truth_time_s)[within], False


def asynchronies_s(
    truth_quarter: Array,
    truth_time_s: Array,
    sent_s: Array,
    sent_quarter: Array,
    *,
    output_latency_s: float = 0.0,
    expected_quarter: Array | None = None,
) -> tuple[Array, Array]:
    """Sounding less true time of accompaniment notes on solo onsets, and of those between.

    Parameters
    ----------
    truth_quarter, truth_time_s, sent_s, sent_quarter : ndarray
        See the module's conventions.
    output_latency_s : float
        From sending a note to hearing it.
    expected_quarter : ndarray [shape=(n,)], optional
        Score positions of all accompaniment notes (one a note). Those which the soloist came by
        and which were never sent come out as infinite; without it only sent notes are judged.

    Returns
    -------
    (ndarray, ndarray)
        Coincident notes and notes between. Notes sent from places where the soloist has never
        been (before the first, behind the last onset) are in neither.
    """
    on_onset: list[float] = []
    between: list[float] = []
    for sent, quarter in zip(sent_s, sent_quarter, strict=True):
        true_s, coincides = _true_times_s(truth_quarter, truth_time_s, float(quarter))
        if len(true_s):
            late = sent + output_latency_s - true_s
            (on_onset if coincides else between).append(float(late[np.argmin(np.abs(late))]))
    if expected_quarter is not None:
        for quarter in np.unique(np.round(expected_quarter, 4)):
            true_s, coincides = _true_times_s(truth_quarter, truth_time_s, float(quarter))
            wanted = int(np.sum(np.abs(expected_quarter - quarter) < 1e-4)) * len(true_s)
            played = int(np.sum(np.abs(sent_quarter - quarter) < 1e-3))
            absent = [float("inf")] * max(wanted - played, 0)
            (on_onset if coincides else between).extend(absent)
    return np.array(on_onset), np.array(between)


def measure(
    *,
    truth_quarter: Array,
    truth_time_s: Array,
    trace_time_s: Array,
    trace_quarter: Array,
    reported_s: Array,
    reported_quarter: Array,
    sent_s: Array | None = None,
    sent_quarter: Array | None = None,
    output_latency_s: float = 0.0,
    expected_quarter: Array | None = None,
    same_quarter: float = SAME_QUARTER,
) -> TakeErrors:
    """All errors of one take; ``sent_*`` are left out where nothing was accompanied.

    ``same_quarter`` is that of `report_delays_s`.

    Raises
    ------
    ValueError
        From `validate`.
    """
    sent_s = np.empty(0) if sent_s is None else sent_s
    sent_quarter = np.empty(0) if sent_quarter is None else sent_quarter
    validate(
        truth_quarter,
        truth_time_s,
        trace_time_s,
        trace_quarter,
        *(reported_s, reported_quarter, sent_s, sent_quarter),
    )
    position = position_errors_s(truth_quarter, truth_time_s, trace_time_s, trace_quarter)
    together, between = asynchronies_s(
        truth_quarter,
        truth_time_s,
        sent_s,
        sent_quarter,
        output_latency_s=output_latency_s,
        expected_quarter=expected_quarter,
    )
    reports, wrong = false_reports(
        truth_quarter, truth_time_s, reported_s, reported_quarter, same_quarter
    )
    return TakeErrors(
        position_s=position,
        delay_s=report_delays_s(
            truth_quarter, truth_time_s, reported_s, reported_quarter, same_quarter
        ),
        asynchrony_s=together,
        between_s=between,
        lost=is_lost(position),
        reports=reports,
        false_reports=wrong,
    )


def evaluate(
    *,
    truth_quarter: Array,
    truth_time_s: Array,
    trace_time_s: Array,
    trace_quarter: Array,
    reported_s: Array,
    reported_quarter: Array,
    sent_s: Array | None = None,
    sent_quarter: Array | None = None,
    output_latency_s: float = 0.0,
    expected_quarter: Array | None = None,
) -> dict[str, float]:
    """`measure` one take and `summarise` it."""
    errors = measure(
        truth_quarter=truth_quarter,
        truth_time_s=truth_time_s,
        trace_time_s=trace_time_s,
        trace_quarter=trace_quarter,
        reported_s=reported_s,
        reported_quarter=reported_quarter,
        sent_s=sent_s,
        sent_quarter=sent_quarter,
        output_latency_s=output_latency_s,
        expected_quarter=expected_quarter,
    )
    return summarise([errors])
