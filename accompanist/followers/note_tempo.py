"""Tempo of a row of struck events: a regression of played on written time.

The player's tempo is a factor on the written one: 1.2 takes 1.2 times as long. The line is fitted
to the last events with weights that fade, and leans to the factor it had; an interval far from
what it promises is a pause or a stumble and starts the line afresh, at the same factor.
"""

from __future__ import annotations

import math
from collections import deque

from accompanist.score.tempo import WrittenTempo

__all__ = ["NoteTempo"]

KEEP_EVENTS = 10
FADE = 0.8
"""Weight of an event against that of the next younger one."""
PRIOR_S = 0.8
"""The old factor counts like an interval of about this many written seconds."""
PAUSE_RATIO = 2.2
"""An interval this many times as long, or as short, as expected tells nothing of the tempo."""
SLOWEST, FASTEST = 4.0, 0.25


class NoteTempo:
    """Regression line through (written seconds, played seconds) of the last events."""

    def __init__(self, written: WrittenTempo) -> None:
        self._written = written
        self._points: deque[tuple[float, float]] = deque(maxlen=KEEP_EVENTS)
        self.factor = 1.0
        """Played over written duration."""
        self.anchor_s = math.nan
        """When the last event was struck; NaN while there is none."""
        self._anchor_written_s = 0.0
        self._certain = False

    def wait(self) -> None:
        """Forget where the player is, keep how fast they are."""
        self._points.clear()
        self.anchor_s = math.nan

    def strike(self, time_s: float, written_s: float, *, moved: bool = False) -> None:
        """Take in that an event was struck at ``time_s``; ``moved``: after a jump."""
        if moved or (self._points and written_s <= self._points[-1][0]):
            self._points.clear()
        if self._points:
            before_written_s, before_s = self._points[-1]
            expected_s = (written_s - before_written_s) * self.factor
            ratio = max(time_s - before_s, 1e-6) / expected_s
            surprise = abs(math.log(ratio))
            if self._certain and surprise > math.log(PAUSE_RATIO):
                self._points.clear()
        self._points.append((written_s, time_s))
        self.anchor_s, self._anchor_written_s = time_s, written_s
        if len(self._points) > 1:
            self.factor = self._fit()
            self._certain = self._certain or len(self._points) > 3

    def _fit(self) -> float:
        """Slope of the weighted line with a prior on it."""
        weights = [FADE**age for age in range(len(self._points))][::-1]
        total = sum(weights)
        pairs = list(zip(weights, self._points, strict=True))
        mean_x = sum(w * x for w, (x, _) in pairs) / total
        mean_y = sum(w * y for w, (_, y) in pairs) / total
        xx = sum(w * (x - mean_x) ** 2 for w, (x, _) in pairs)
        xy = sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in pairs)
        prior = (PRIOR_S if self._certain else 0.3 * PRIOR_S) ** 2 / 4
        slope = (xy + prior * self.factor) / (xx + prior)
        return min(max(slope, FASTEST), SLOWEST)

    def position(
        self, time_s: float, limit_quarter: float, *, passing: bool
    ) -> tuple[float, float]:
        """Quarter at ``time_s`` and by how many seconds the limit is overdue (negative: not yet).

        Short of ``limit_quarter`` unless ``passing``, when the limit itself is reached.
        """
        limit_s = self.anchor_s + self.factor * (
            float(self._written.to_seconds(limit_quarter)) - self._anchor_written_s
        )
        late_s = time_s - limit_s
        if late_s >= 0.0:
            return (limit_quarter if passing else math.nextafter(limit_quarter, -1.0)), late_s
        written_s = self._anchor_written_s + max(time_s - self.anchor_s, 0.0) / self.factor
        quarter = float(self._written.to_quarter(written_s))
        return min(quarter, math.nextafter(limit_quarter, -1.0)), late_s

    def quarters_per_s(self, quarter: float) -> float:
        """Give the player's tempo at a position."""
        return self._written.rate_at(quarter) / self.factor
