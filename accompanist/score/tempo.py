"""The written tempo: a map quarter ↔ seconds as the score's marks have it.

Followers work in written seconds, so that a marked change of tempo is expected and an unmarked
one is a deviation from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Score, TempoMark

__all__ = ["DEFAULT_QPM", "WrittenTempo", "written_tempo"]

DEFAULT_QPM = 100.0
"""Where a score says nothing at all."""

_SPAN_STEPS = 8
"""A ritardando or accelerando is drawn with this many straight pieces."""


@dataclass(frozen=True, slots=True, eq=False)
class WrittenTempo:
    """Piecewise linear bijection between quarters and written seconds.

    ``quarters`` and ``seconds`` [same shape=(k,)] are strictly increasing and start at 0.0;
    outside them the first and last rates go on.
    """

    quarters: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]
    first_rate: float
    last_rate: float

    def to_seconds(self, quarter: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Written seconds of positions, array in, array out."""
        q = np.asarray(quarter, dtype=np.float64)
        inside = np.interp(q, self.quarters, self.seconds)
        before = np.minimum(q - self.quarters[0], 0.0) / self.first_rate
        after = np.maximum(q - self.quarters[-1], 0.0) / self.last_rate
        return np.asarray(inside + before + after)

    def to_quarter(self, seconds: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Positions of written seconds, array in, array out."""
        s = np.asarray(seconds, dtype=np.float64)
        inside = np.interp(s, self.seconds, self.quarters)
        before = np.minimum(s - self.seconds[0], 0.0) * self.first_rate
        after = np.maximum(s - self.seconds[-1], 0.0) * self.last_rate
        return np.asarray(inside + before + after)

    def rate_at(self, quarter: float) -> float:
        """Written quarters a second just behind ``quarter``."""
        i = int(np.searchsorted(self.quarters, quarter, side="right"))
        if i == 0:
            return self.first_rate
        if i >= len(self.quarters):
            return self.last_rate
        rise = self.quarters[i] - self.quarters[i - 1]
        return float(rise / (self.seconds[i] - self.seconds[i - 1]))


def written_tempo(score: Score) -> WrittenTempo:
    """Build the map from the score's tempo marks and spans, in O(n log n) of their number."""
    marks = sorted((m for m in score.tempo_marks if m.qpm > 0), key=lambda m: m.quarter)
    spans = [s for s in score.tempo_spans if s.end_quarter > s.start_quarter and s.factor > 0]
    starts = [np.array([0.0] + [m.quarter for m in marks if m.quarter > 0])]
    starts += [np.linspace(s.start_quarter, s.end_quarter, _SPAN_STEPS + 1) for s in spans]
    knots = np.concatenate(starts)
    knots = np.unique(np.round(knots[knots >= 0.0], 6))
    middles = np.append((knots[:-1] + knots[1:]) / 2, knots[-1])
    rates = _marked_qpm(marks, middles) / 60.0
    for span in spans:
        first, behind = np.searchsorted(middles, [span.start_quarter, span.end_quarter])
        through = middles[first:behind] - span.start_quarter
        rates[first:behind] *= span.factor ** (through / (span.end_quarter - span.start_quarter))
    seconds = np.concatenate(([0.0], np.cumsum(np.diff(knots) / rates[:-1])))
    return WrittenTempo(knots, seconds, float(rates[0]), float(rates[-1]))


def _marked_qpm(
    marks: Sequence[TempoMark], quarters: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Look up the mark in force at each position; the first mark holds before itself too."""
    if not marks:
        return np.full(len(quarters), DEFAULT_QPM)
    places = np.array([m.quarter for m in marks])
    in_force = np.searchsorted(places, quarters + 1e-6, side="right") - 1
    return np.array([m.qpm for m in marks])[np.maximum(in_force, 0)]
