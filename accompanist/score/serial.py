"""Scores as plain values (dicts, lists, numbers, text) and back: for files, not for eyes.

Notes and controllers, of which there are thousands, are rows instead of records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from accompanist.score.model import (
    Articulation,
    ControlChange,
    Fermata,
    Key,
    Level,
    Mark,
    Measure,
    Metre,
    Note,
    Ornament,
    OscCue,
    Part,
    Passage,
    Score,
    TempoMark,
    TempoSpan,
)

__all__ = ["SERIAL_VERSION", "score_from_plain", "score_to_plain"]

SERIAL_VERSION = 5
"""Grows with every change of the layout or of the model's fields."""

_T = TypeVar("_T")
_ROWS: dict[str, type[Any]] = {
    "measures": Measure, "tempo_marks": TempoMark, "tempo_spans": TempoSpan, "metres": Metre,
    "keys": Key, "marks": Mark, "fermatas": Fermata, "passages": Passage,
}  # fmt: skip
_NOTE_COLUMNS = [field.name for field in fields(Note)]
_ORNAMENT_COLUMN = _NOTE_COLUMNS.index("ornament")
_ARTICULATION_COLUMN = _NOTE_COLUMNS.index("articulation")
_WORDS = ("title", "composer", "licence", "suggested_solo", "recording_s")


def score_to_plain(score: Score) -> dict[str, Any]:
    """Turn a score into values that JSON can hold; `score_from_plain` undoes it exactly."""
    plain: dict[str, Any] = {"version": SERIAL_VERSION}
    plain.update({name: getattr(score, name) for name in _WORDS})
    plain.update({name: [_row(value) for value in getattr(score, name)] for name in _ROWS})
    plain["parts"] = [_part_to_plain(part) for part in score.parts]
    plain["cues"] = [[cue.quarter, cue.address, *cue.arguments] for cue in score.cues]
    return plain


def score_from_plain(plain: Any) -> Score:
    """Build a score from what `score_to_plain` made.

    Raises
    ------
    ValueError
        The values are of another version, or not a score at all.
    """
    try:
        if plain["version"] != SERIAL_VERSION:
            raise ValueError(f"score layout {plain['version']!r}, expected {SERIAL_VERSION}")
        values: dict[str, Any] = {name: plain[name] for name in _WORDS}
        values.update({name: _rows(kind, plain[name]) for name, kind in _ROWS.items()})
        values["parts"] = tuple(_part_from_plain(part) for part in plain["parts"])
        values["cues"] = tuple(OscCue(at, address, tuple(a)) for at, address, *a in plain["cues"])
        return Score(**values)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"not a score: {error!r}") from error


def _row(value: Any) -> list[Any]:
    return [getattr(value, field.name) for field in fields(value)]


def _rows(kind: Callable[..., _T], rows: Sequence[Sequence[Any]]) -> tuple[_T, ...]:
    return tuple(kind(*row) for row in rows)


def _note(row: Sequence[Any]) -> Note:
    values = list(row)
    values[_ORNAMENT_COLUMN] = Ornament(values[_ORNAMENT_COLUMN])
    values[_ARTICULATION_COLUMN] = Articulation(values[_ARTICULATION_COLUMN])
    return Note(*values)


def _part_to_plain(part: Part) -> dict[str, Any]:
    plain = {field.name: getattr(part, field.name) for field in fields(part)}
    plain["notes"] = [_row(note) for note in part.notes]
    plain["controls"] = [_row(change) for change in part.controls]
    plain["levels"] = [_row(level) for level in part.levels]
    return plain


def _part_from_plain(plain: dict[str, Any]) -> Part:
    values = dict(plain)
    values["notes"] = tuple(_note(row) for row in plain["notes"])
    values["controls"] = _rows(ControlChange, plain["controls"])
    values["levels"] = _rows(Level, plain["levels"])
    return Part(**values)
