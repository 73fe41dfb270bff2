"""What commands print about pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from accompanist.app.analysing.about import clock_time, known_facts, recording_facts
from accompanist.app.analysing.cache import RecordingCache
from accompanist.app.pieces import recording_file
from accompanist.score.checks import bar_at

if TYPE_CHECKING:
    from accompanist.app.analysing.listen import Heard
    from score_library.catalogue import Piece
    from score_library.index import PieceInfo

__all__ = [
    "info_json",
    "key_name",
    "length_text",
    "piece_json",
    "printed_bar",
    "tempo_words",
    "unique",
]

_INTERNAL = (
    "file", "corpus", "qpm", "parts", "programs", "recording", "recording_key", "recording_stamp",
)  # fmt: skip
_KEYS_MAJOR = ("C♭", "G♭", "D♭", "A♭", "E♭", "B♭", "F", "C", "G", "D", "A", "E", "B", "F♯", "C♯")
_KEYS_MINOR = ("a♭", "e♭", "b♭", "f", "c", "g", "d", "a", "e", "b", "f♯", "c♯", "g♯", "d♯", "a♯")


def info_json(info: PieceInfo) -> dict[str, Any]:
    """Give an entry of the library for scripts."""
    shown = asdict(info)
    for internal in _INTERNAL:
        del shown[internal]
    shown["kind"] = "score" if info.recording is None else "recording"
    if info.recording is not None and info.recording_key is not None:
        folder = RecordingCache().folder(info.recording_key)
        shown["recording"] = known_facts(folder, recording_file(info))
    return shown


def piece_json(piece: Piece, heard: Heard | None) -> dict[str, Any]:
    """Give a piece for scripts; ``heard`` where it is a recording."""
    score = piece.score
    shown: dict[str, Any] = {
        "id": piece.id,
        "title": piece.title,
        "composer": piece.composer,
        "licence": piece.licence,
        "source": piece.source,
        "difficulty": piece.difficulty,
        "minutes": round(piece.minutes, 3),
        "note": piece.note,
        "solo": piece.solo_part.number,
        "bars": len(score.measures),
        "quarters": score.end_quarter,
        "parts": [
            {
                "number": part.number,
                "name": part.name,
                "instrument": part.instrument,
                "program": part.program,
                "percussion": part.percussion,
                "transposition": part.transposition,
                "notes": len(part.notes),
            }
            for part in score.parts
        ],
        "tempo": [asdict(mark) for mark in score.tempo_marks],
        "metres": [asdict(metre) for metre in score.metres],
        "keys": [asdict(key) for key in score.keys],
        "marks": [asdict(mark) for mark in score.marks],
        "fermatas": [asdict(fermata) for fermata in score.fermatas],
    }
    if heard is not None:
        shown["recording"] = recording_facts(heard)
    return shown


def tempo_words(piece: Piece) -> list[str]:
    """Each tempo once, as far as they differ from the one before."""
    words: list[str] = []
    for mark in piece.score.tempo_marks:
        text = f"{mark.text} " if mark.text.isprintable() and mark.text else ""
        text += f"♩ = {mark.qpm:g}" + ("" if mark.written else " (not written, assumed)")
        if not words or words[-1] != text:
            words.append(text)
    return [*words[:8], "…"] if len(words) > 8 else words


def printed_bar(piece: Piece, quarter: float) -> str:
    """Give the printed number of the bar at a position."""
    measure = bar_at(piece.score, quarter)
    return measure.printed if measure is not None else "?"


def key_name(fifths: int, minor: bool) -> str:
    """Name a key signature."""
    if not -7 <= fifths <= 7:
        return f"{abs(fifths)} {'sharps' if fifths > 0 else 'flats'}"
    return _KEYS_MINOR[fifths + 7] + " minor" if minor else _KEYS_MAJOR[fifths + 7] + " major"


def unique(words: Iterable[str]) -> list[str]:
    """Give each word once, in order."""
    return list(dict.fromkeys(words))


def length_text(minutes: float | None) -> str:
    """Write minutes as on a watch."""
    if minutes is None:
        return "–"
    return clock_time(minutes * 60.0)
