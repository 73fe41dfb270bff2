"""A score of what is really played: passages of it left out, and bars of nothing put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from accompanist.score.model import ControlChange, Measure, Note, Part, Score

__all__ = ["Kept", "Nothing", "rearranged"]

_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Kept:
    """A passage of the score, from and to a position."""

    start_quarter: float
    end_quarter: float

    @property
    def length_quarter(self) -> float:
        return self.end_quarter - self.start_quarter


@dataclass(frozen=True, slots=True)
class Nothing:
    """A bar in which the score has nothing; ``printed`` stands for its number."""

    length_quarter: float
    printed: str


def rearranged(score: Score, passages: Sequence[Kept | Nothing]) -> Score:
    """Put passages of a score one behind the other.

    What lies across an edge is cut there. Metre, key and controllers in force at the start of a
    passage are stated there. Written ritardandi are left out: this is for scores whose tempo
    comes from a recording.
    """
    taken = [
        _Passage(score, passage, at)
        for passage, at in zip(passages, _starts(passages), strict=True)
    ]
    measures = [m for p in taken for m in p.measures()]
    return replace(
        score,
        parts=tuple(
            replace(
                part,
                notes=tuple(n for p in taken for n in p.notes(part)),
                controls=tuple(c for p in taken for c in p.controls(part)),
            )
            for part in score.parts
        ),
        measures=tuple(_visits(measures)),
        tempo_marks=tuple(x for p in taken for x in p.in_force(score.tempo_marks, "quarter")),
        tempo_spans=(),
        metres=tuple(x for p in taken for x in p.in_force(score.metres, "quarter")),
        keys=tuple(x for p in taken for x in p.in_force(score.keys, "quarter")),
        marks=tuple(x for p in taken for x in p.moved(score.marks, "quarter")),
        cues=tuple(x for p in taken for x in p.moved(score.cues, "quarter")),
        fermatas=tuple(
            replace(f, end_quarter=f.quarter + (old.end_quarter - old.quarter))
            for p in taken
            for f, old in p.moved_with_source(score.fermatas, "quarter")
        ),
    )


def _starts(passages: Sequence[Kept | Nothing]) -> list[float]:
    starts, at = [], 0.0
    for passage in passages:
        starts.append(at)
        at += passage.length_quarter
    return starts


def _visits(measures: Sequence[Measure]) -> list[Measure]:
    """Count anew which time each printed bar is played."""
    seen: dict[str, int] = {}
    out = []
    for measure in measures:
        if measure.printed in seen and measure.visit == 1:  # the other half of a cut bar
            out.append(measure)
            continue
        seen[measure.printed] = seen.get(measure.printed, 0) + 1
        out.append(replace(measure, visit=seen[measure.printed]))
    return out


class _Passage:
    """What of a score lies in one passage, moved to its new place."""

    def __init__(self, score: Score, passage: Kept | Nothing, at: float) -> None:
        self._score = score
        self._at = at
        self._filler: Nothing | None
        if isinstance(passage, Kept):
            self._filler = None
            self._start, self._end = passage.start_quarter, passage.end_quarter
        else:
            self._filler = passage
            self._start = self._end = 0.0
        self._move = at - self._start

    def measures(self) -> list[Measure]:
        if self._filler is not None:
            return [Measure(self._at, self._filler.length_quarter, self._filler.printed)]
        out = []
        for measure in self._score.measures:
            start = max(measure.start_quarter, self._start)
            length = min(measure.end_quarter, self._end) - start
            if length > _EDGE:
                moved = round(start + self._move, 9)
                out.append(replace(measure, start_quarter=moved, length_quarter=length))
        return out

    def notes(self, part: Part) -> list[Note]:
        return [
            replace(
                note,
                onset_quarter=round(note.onset_quarter + self._move, 9),
                duration_quarter=min(note.duration_quarter, self._end - note.onset_quarter),
            )
            for note in part.notes
            if self._holds(note.onset_quarter)
        ]

    def controls(self, part: Part) -> list[ControlChange]:
        if self._filler is not None:
            return []
        chased: dict[tuple[str, int], ControlChange] = {}
        for change in part.controls:
            if change.onset_quarter < self._start - _EDGE:
                chased[change.kind, change.number] = change
        inside = [c for c in part.controls if self._holds(c.onset_quarter)]
        return [replace(c, onset_quarter=self._at) for c in chased.values()] + [
            replace(c, onset_quarter=round(c.onset_quarter + self._move, 9)) for c in inside
        ]

    def moved(self, things: Sequence[Any], name: str) -> list[Any]:
        return [thing for thing, _ in self.moved_with_source(things, name)]

    def moved_with_source(self, things: Sequence[Any], name: str) -> list[tuple[Any, Any]]:
        return [
            (replace(thing, **{name: round(getattr(thing, name) + self._move, 9)}), thing)
            for thing in things
            if self._holds(getattr(thing, name))
        ]

    def in_force(self, things: Sequence[Any], name: str) -> list[Any]:
        """Give what changes within, headed by what is in force at the start."""
        if self._filler is not None:
            before = things[:1] if self._at == 0.0 else ()
            return [replace(thing, **{name: 0.0}) for thing in before]
        inside = self.moved(things, name)
        if inside and getattr(inside[0], name) <= self._at + _EDGE:
            return inside
        before = [thing for thing in things if getattr(thing, name) < self._start - _EDGE]
        return [replace(thing, **{name: self._at}) for thing in before[-1:]] + inside

    def _holds(self, quarter: float) -> bool:
        return self._start - _EDGE <= quarter < self._end - _EDGE
