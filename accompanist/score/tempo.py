"""The written tempo: a map quarter ↔ seconds as the score's marks have it.

Followers work in written seconds, so that a marked change of tempo is expected and an unmarked
one is a deviation from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Score

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
    """Build the map from the score's tempo marks and spans."""
    marks = sorted(score.tempo_marks, key=lambda m: m.quarter)
    starts = [0.0] + [m.quarter for m in marks if m.quarter > 0]
    for span in score.tempo_spans:
        starts.extend(np.linspace(span.start_quarter, span.end_quarter, _SPAN_STEPS + 1).tolist())
    knots = np.unique(np.round(np.array([s for s in starts if s >= 0.0]), 6))
    rates = np.empty(len(knots))
    for i, knot in enumerate(knots):
        middle = (knot + knots[i + 1]) / 2 if i + 1 < len(knots) else knot
        before = [m.qpm for m in marks if m.quarter <= middle + 1e-6]
        qpm = before[-1] if before else (marks[0].qpm if marks else DEFAULT_QPM)
        for span in score.tempo_spans:
            if span.start_quarter <= middle < span.end_quarter:
                through = (middle - span.start_quarter) / (span.end_quarter - span.start_quarter)
                qpm *= span.factor**through
        rates[i] = qpm / 60.0
    seconds = np.concatenate(([0.0], np.cumsum(np.diff(knots) / rates[:-1])))
    return WrittenTempo(knots, seconds, float(rates[0]), float(rates[-1]))
