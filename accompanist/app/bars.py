"""Bars as people count them: printed numbers, beats of the metre."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from accompanist.errors import UsageError
from accompanist.score.model import Measure, Score

__all__ = ["BarCounter", "BarPosition"]


@dataclass(frozen=True, slots=True)
class BarPosition:
    """A place as a musician says it: bar number on paper and beat, from 1."""

    bar: str
    beat: float
    beats: int
    """Beats in a full bar of the metre."""
    visit: int = 1


@dataclass(frozen=True)
class BarCounter:
    """Finds bars in a score."""

    score: Score

    @cached_property
    def _starts(self) -> list[float]:
        return [measure.start_quarter for measure in self.score.measures]

    def position(self, quarter: float) -> BarPosition:
        """Bar and beat of a position; before the first bar counts as its first beat."""
        measures = self.score.measures
        if not measures:
            return BarPosition("1", quarter + 1.0, 4)
        i = max(bisect_right(self._starts, quarter + 1e-6) - 1, 0)
        measure = measures[i]
        beat_quarter, beats = self.metre(measure.start_quarter)
        into = max(quarter - measure.start_quarter, 0.0)
        if i == 0 and measure.length_quarter < beats * beat_quarter - 1e-6:  # a pickup
            into += beats * beat_quarter - measure.length_quarter
        return BarPosition(measure.printed, into / beat_quarter + 1.0, beats, measure.visit)

    def metre(self, quarter: float) -> tuple[float, int]:
        """Length of a beat in quarters and beats a bar, at a position."""
        current = [m for m in self.score.metres if m.quarter <= quarter + 1e-6]
        if not current:
            return 1.0, 4
        return 4.0 / current[-1].denominator, current[-1].numerator

    def bar_length(self, quarter: float) -> float:
        """Length in quarters of the bar at a position; of a whole one where a pickup stands."""
        ahead = [m.length_quarter for m in self.score.measures if m.end_quarter > quarter]
        return max(ahead[:2], default=4.0)

    def find(self, bar: str) -> Measure:
        """Give the bar of a printed number, the first time that it is played.

        Raises
        ------
        UsageError
            There is no such bar.
        """
        wanted = bar.strip()
        for measure in self.score.measures:
            if measure.printed == wanted:
                return measure
        measures = self.score.measures
        there = (
            f"bars go from {measures[0].printed} to {measures[-1].printed}"
            if measures
            else ("the score has no bars")
        )
        raise UsageError(f"there is no bar {wanted}; {there}")
