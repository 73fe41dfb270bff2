"""Places of the loaded piece as the desk names them: bars, marks, beats, all on one score."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from accompanist.app.bars import BarCounter
from accompanist.app.desk.axis import DeskAxis
from accompanist.app.desk.protocol import DeskError
from accompanist.score.model import Measure, Score

__all__ = ["Beat", "Places"]

_HERE_QUARTER = 1e-6
_JUST_PASSED_QUARTER = 2.0
"""Whoever goes back this soon after a mark means the mark before it."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat of the metre. ``bar`` as printed, 0 and below before the first."""

    quarter: float
    bar: int
    beat: int


class Places:
    """Finds bars, beats and marks. Pure; positions are quarters.

    Parameters
    ----------
    score : Score
    axis : DeskAxis, optional
        How positions are told outside; as quarters unless told.
    """

    def __init__(self, score: Score, axis: DeskAxis | None = None) -> None:
        self.score = score
        self.axis = axis or DeskAxis()
        self._bars = BarCounter(score)
        self._numbers = tuple(_number(m, i) for i, m in enumerate(score.measures))
        self._starts = [m.start_quarter for m in score.measures]
        self._beats = self._all_beats()
        self._beat_quarters = [b.quarter for b in self._beats]
        self._marks = tuple(sorted(score.marks, key=lambda m: m.quarter))
        self.end_quarter = score.end_quarter
        """Where the piece ends. The score looks through all its notes for it: once will do."""

    @property
    def bars(self) -> int:
        """How many bars are played, repeats counted."""
        return len(self.score.measures)

    @property
    def mark_names(self) -> tuple[str, ...]:
        """The rehearsal marks in their order."""
        return tuple(m.text for m in self._marks)

    def bar(self, quarter: float) -> int:
        """Give the printed number of the bar at a position."""
        if not self._starts:
            return 1
        return self._numbers[self._index(quarter)]

    def beat(self, quarter: float) -> float:
        """Beat of the metre at a position, from 1."""
        return self._bars.position(quarter).beat

    def mark(self, quarter: float) -> str:
        """Give the last rehearsal mark at or before a position; empty before the first."""
        passed = [m.text for m in self._marks if m.quarter <= quarter + _HERE_QUARTER]
        return passed[-1] if passed else ""

    def page(self, quarter: float) -> int:
        """Give the page of the printed score at a position, from 1."""
        return self.score.measures[self._index(quarter)].page if self._starts else 1

    def bar_span(self, quarter: float) -> tuple[float, float]:
        """Give where the bar at a position begins, and how long a whole bar is there."""
        length, beats = self._bars.metre(quarter)
        if not self._starts:
            return 0.0, length * beats
        return self.score.measures[self._index(quarter)].start_quarter, length * beats

    def bar_quarter(self, number: int) -> float:
        """Where a printed bar begins, the first time that it is played.

        Raises
        ------
        DeskError
            422: there is no such bar.
        """
        return self._measure(number).start_quarter

    def span(self, first: int, last: int) -> tuple[float, float]:
        """First and last position of a row of bars.

        Raises
        ------
        DeskError
            422: no such bars, or in the wrong order.
        """
        begin = self._measure(first)
        after = [
            m
            for m, n in zip(self.score.measures, self._numbers, strict=True)
            if n == last and m.end_quarter > begin.start_quarter
        ]
        if not after:
            self._measure(last)
            raise DeskError(422, f"bars {first} to {last}: the last comes before the first")
        return begin.start_quarter, after[0].end_quarter

    def mark_quarter(self, name: str) -> float:
        """Where a rehearsal mark stands; case does not matter.

        Raises
        ------
        DeskError
            422: there is no such mark.
        """
        for mark in self._marks:
            if mark.text.casefold() == name.strip().casefold():
                return mark.quarter
        there = ", ".join(self.mark_names) or "none"
        raise DeskError(422, f"there is no mark {name!r}; there are: {there}")

    def checked(self, position: float) -> float:
        """Give the quarter of a position as told outside, if it lies in the piece.

        Raises
        ------
        DeskError
            422: it does not.
        """
        quarter = self.axis.quarter(position)
        if not 0.0 <= quarter < self.end_quarter:
            what = "second" if self.axis.recorded else "quarter"
            end = self.axis.outer(self.end_quarter)
            raise DeskError(422, f"{what} {position:g} is not in the piece: 0 to {end:g}")
        return quarter

    def next_mark(self, quarter: float) -> float:
        """Where the next rehearsal mark stands, or the next bar in a piece without marks.

        Raises
        ------
        DeskError
            422: there is none any more.
        """
        for at in self._stations():
            if at > quarter + _HERE_QUARTER:
                return at
        raise DeskError(422, "there is no further mark")

    def previous_mark(self, quarter: float) -> float:
        """Where the mark before stands (or the bar), at last the beginning."""
        stations = [at for at in self._stations() if at <= quarter + _HERE_QUARTER]
        if stations and quarter - stations[-1] < _JUST_PASSED_QUARTER:
            stations.pop()
        return stations[-1] if stations else 0.0

    def beats(self, after_quarter: float, until_quarter: float) -> list[Beat]:
        """Beats in (after, until], in order; before the first bar they are counted backwards."""
        found = self._counted(after_quarter, min(until_quarter, -_HERE_QUARTER))
        i = bisect_right(self._beat_quarters, after_quarter)
        while i < len(self._beats) and self._beats[i].quarter <= until_quarter:
            found.append(self._beats[i])
            i += 1
        return found

    def _index(self, quarter: float) -> int:
        return max(bisect_right(self._starts, quarter + _HERE_QUARTER) - 1, 0)

    def _stations(self) -> list[float]:
        return [m.quarter for m in self._marks] or self._starts

    def _measure(self, number: int) -> Measure:
        for measure, n in zip(self.score.measures, self._numbers, strict=True):
            if n == number:
                return measure
        if not self._numbers:
            raise DeskError(422, "the piece has no bars")
        low, high = min(self._numbers), max(self._numbers)
        raise DeskError(422, f"there is no bar {number}; bars go from {low} to {high}")

    def _counted(self, after_quarter: float, until_quarter: float) -> list[Beat]:
        """Beats of a count-in before the first bar."""
        if until_quarter <= after_quarter:
            return []
        length, beats = self._bars.metre(0.0)
        first = round(self.beat(0.0)) - 1  # a pickup begins in the middle of a bar
        found = []
        back = 1
        while -back * length > after_quarter and back <= 16 * beats:
            if -back * length <= until_quarter:
                place = first - back
                found.append(
                    Beat(-back * length, self.bar(0.0) + place // beats, place % beats + 1)
                )
            back += 1
        return found[::-1]

    def _all_beats(self) -> list[Beat]:
        found = []
        for measure, number in zip(self.score.measures, self._numbers, strict=True):
            length, _ = self._bars.metre(measure.start_quarter)
            first = self._bars.position(measure.start_quarter).beat
            at = measure.start_quarter
            if abs(first - round(first)) > _HERE_QUARTER:  # a pickup of half a beat
                at += (1.0 - first % 1.0) * length
            while at < measure.end_quarter - _HERE_QUARTER:
                beat = self._bars.position(at).beat
                found.append(Beat(at, number, round(beat)))
                at += length
        return found


def _number(measure: Measure, index: int) -> int:
    """Give the printed number as OSC has it: ``17a`` is 17; without one the bar is counted."""
    digits = re.match(r"\d+", measure.printed)
    return int(digits.group()) if digits else index + 1
