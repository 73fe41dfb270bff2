"""What the clock has to know of a score."""

from __future__ import annotations

from accompanist.performing.clock import ClockPlan
from accompanist.score.model import Metre, Score
from accompanist.score.tempo import WrittenTempo, written_tempo

__all__ = ["beat_quarter", "clock_plan"]


def beat_quarter(metre: Metre) -> float:
    """Length of the metre's beat: three of its units where it is compound (6/8, 9/8, 12/16 …).

    >>> [beat_quarter(Metre(0.0, n, d)) for n, d in ((4, 4), (2, 2), (3, 8), (6, 8), (12, 16))]
    [1.0, 2.0, 0.5, 1.5, 0.75]
    """
    unit = 4.0 / metre.denominator
    compound = metre.denominator >= 8 and metre.numerator > 3 and metre.numerator % 3 == 0
    return 3.0 * unit if compound else unit


def clock_plan(score: Score, tempo: WrittenTempo | None = None) -> ClockPlan:
    """Read metres, written changes of tempo, end and first tempo out of a score.

    Parameters
    ----------
    score : Score
    tempo : WrittenTempo, optional
        Of this score, if it is at hand.
    """
    tempo = tempo or written_tempo(score)
    beats: list[tuple[float, float]] = [(0.0, 1.0)]
    for metre in sorted(score.metres, key=lambda m: m.quarter):
        if metre.quarter <= beats[-1][0]:
            beats.pop()
        if not beats or beats[-1][1] != beat_quarter(metre):
            beats.append((max(metre.quarter, 0.0), beat_quarter(metre)))
    spans: list[tuple[float, float]] = []
    for span in sorted(score.tempo_spans, key=lambda s: s.start_quarter):
        if span.end_quarter <= span.start_quarter:
            continue
        if spans and span.start_quarter <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], span.end_quarter))
        else:
            spans.append((span.start_quarter, span.end_quarter))
    return ClockPlan(
        beats_quarter=tuple(beats),
        gradual_quarter=tuple(spans),
        end_quarter=score.end_quarter,
        rate_quarter_s=tempo.rate_at(0.0),
        written_quarter_s=_written(tempo),
    )


def _written(tempo: WrittenTempo) -> tuple[tuple[float, float], ...]:
    """List the places at which the written tempo changes, with what it is from there on."""
    quarters = [float(quarter) for quarter in tempo.quarters]
    rates = [(quarter, tempo.rate_at(quarter)) for quarter in quarters]
    return tuple(r for i, r in enumerate(rates) if i == 0 or r[1] != rates[i - 1][1])
