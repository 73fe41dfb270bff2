"""The written tempo in the order of performance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accompanist.score.model import TempoMark, TempoSpan
from score_library.importers.printed import Run
from score_library.importers.printed_tempo import TempoPlan

__all__ = ["performed_tempo"]


def performed_tempo(
    plan: TempoPlan, starts: Sequence[float], runs: Sequence[Run], end_quarter: float
) -> tuple[tuple[TempoMark, ...], tuple[TempoSpan, ...]]:
    """Put marks and spans at their performed places; a jump restates the tempo in force.

    Parameters
    ----------
    plan : TempoPlan
        Marks and spans at printed positions.
    starts : sequence of float
        Position of each printed measure.
    end_quarter : float
        End of the performance.
    """
    marks, spans = plan.marks, plan.spans
    marks_in = _by_measure([m.quarter for m in marks], starts)
    spans_in = _by_measure([s.start_quarter for s in spans], starts)
    performed: list[TempoMark] = []
    changes: list[TempoSpan] = []
    for run in runs:
        shift = run.start - starts[run.index]
        if not run.contiguous:
            in_force = plan.mark_at(starts[run.index])
            if changes and changes[-1].end_quarter > run.start:
                changes[-1] = replace(changes[-1], end_quarter=run.start)
            if performed[-1].qpm != in_force.qpm:
                performed.append(replace(in_force, quarter=run.start))
        for i in marks_in.get(run.index, ()):
            mark = replace(marks[i], quarter=marks[i].quarter + shift)
            if performed and performed[-1].qpm == mark.qpm and not mark.text:
                continue
            if performed and performed[-1].quarter == mark.quarter:
                performed.pop()
            performed.append(mark)
        for i in spans_in.get(run.index, ()):
            span = spans[i]
            end = min(span.end_quarter + shift, end_quarter)
            changes.append(TempoSpan(span.start_quarter + shift, end, span.factor, span.text))
    kept = tuple(s for s in changes if s.end_quarter > s.start_quarter)
    return tuple(performed), kept


def _by_measure(quarters: Sequence[float], starts: Sequence[float]) -> dict[int, list[int]]:
    """Sort positions by the printed measure they stand in."""
    found: dict[int, list[int]] = {}
    measure = 0
    for i, quarter in enumerate(quarters):
        while measure + 1 < len(starts) and starts[measure + 1] <= quarter + 1e-6:
            measure += 1
        found.setdefault(measure, []).append(i)
    return found
