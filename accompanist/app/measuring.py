"""The errors of a take against its truth, in the units in which the truth is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from accompanist.app.offline import Take
from accompanist.errors import BadInputError
from accompanist.performing.messages import Kind
from accompanist.score.outer import OuterAxis
from accompanist.takes.continuous import SAME_S, continuous_asynchronies_s
from accompanist.takes.figures import SAME_QUARTER, TakeErrors, measure

__all__ = ["Measured", "errors_of"]

Array = npt.NDArray[np.float64]


class Measured:
    """What is measured of a take, positions as they are told outside.

    Attributes
    ----------
    trace : ndarray [shape=(n, 2)]
        Time and believed position, a row a hop.
    onsets : ndarray [shape=(n, 2)]
        When an event was reported, and its position.
    sent : ndarray [shape=(n, 2)]
        Time and position of the notes sent; of a recording the time and place of each hop.
    """

    def __init__(self, take: Take) -> None:
        axis = OuterAxis(take.score)
        record = take.record
        self.trace = np.column_stack((record.times_s, axis.outer(record.quarters)))
        onsets = _table([(o.reported_s, o.quarter) for o in record.onsets])
        if take.score.recording_s is None:
            sent = _table([(m.time_s, m.quarter) for m in record.struck])
        else:
            sent = np.column_stack((record.times_s, record.played_quarters))
        for table in (onsets, sent):
            table[:, 1] = axis.outer(table[:, 1])
        self.onsets, self.sent = onsets, sent


def errors_of(
    take: Take,
    truth_position: Array,
    truth_time_s: Array,
    output_latency_s: float = 0.0,
    tables: Measured | None = None,
) -> TakeErrors:
    """All errors of a take.

    Parameters
    ----------
    take : Take
    truth_position, truth_time_s : ndarray [shape=(n,)]
        True onsets of the soloist; positions in quarters, of a recording piece in its seconds.
    output_latency_s : float
        From sending to hearing.
    tables : Measured, optional
        Of this take, if at hand.

    Raises
    ------
    BadInputError
        The truth does not fit a take.
    """
    told = tables or Measured(take)
    recorded = take.score.recording_s is not None
    sent = np.empty((0, 2)) if recorded else told.sent
    expected = [e.quarter for e in take.plan.events if e.message.kind is Kind.ON]
    try:
        errors = measure(
            truth_quarter=truth_position,
            truth_time_s=truth_time_s,
            trace_time_s=told.trace[:, 0],
            trace_quarter=told.trace[:, 1],
            reported_s=told.onsets[:, 0],
            reported_quarter=told.onsets[:, 1],
            sent_s=sent[:, 0],
            sent_quarter=sent[:, 1],
            output_latency_s=output_latency_s,
            expected_quarter=None if recorded else np.array(expected),
            same_quarter=SAME_S if recorded else SAME_QUARTER,
        )
    except ValueError as error:
        raise BadInputError(f"the truth file does not fit this take: {error}") from error
    if not recorded:
        return errors
    together = continuous_asynchronies_s(
        truth_position,
        truth_time_s,
        told.sent[:, 0],
        told.sent[:, 1],
        output_latency_s=output_latency_s,
    )
    return replace(errors, asynchrony_s=together)


def _table(rows: list[tuple[float, float]]) -> Array:
    return np.array(rows, dtype=np.float64).reshape(-1, 2)
