"""The catalogue: open a piece of the library by its id, or any score by its path."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

from accompanist.errors import BadInputError, UsageError
from accompanist.score.choose import choose_solo
from accompanist.score.model import Part, Score, TempoMark
from accompanist.score.tempo import DEFAULT_QPM, written_tempo
from score_library.index import PieceInfo, find_info, list_pieces, user_pieces_dir
from score_library.load import is_recording, load_score
from score_library.recordings import Recording

__all__ = [
    "DEMO_PIECE_ID",
    "Piece",
    "PieceInfo",
    "length_minutes",
    "list_pieces",
    "open_piece",
    "recording_piece",
    "unknown_piece",
    "user_pieces_dir",
]

DEMO_PIECE_ID = "londonderry-air"
"""The piece of ``accompanist demo``: a minute long, with room for rubato."""

_SHOWN_LIMIT = 80
"""Characters of a wrong name that are repeated in the error."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece ready to play. ``score.suggested_solo`` is the number of its solo part."""

    id: str
    title: str
    composer: str
    licence: str
    difficulty: int | None
    solo_part: Part
    score: Score
    source: str = ""
    instrument: str = ""
    note: str = ""
    from_library: bool = True
    """False for a file that was opened by its path."""
    recording: Recording | None = None
    """Where the ensemble is a recording."""

    @property
    def minutes(self) -> float:
        """Length at the written tempo."""
        return length_minutes(self.score)


def length_minutes(score: Score) -> float:
    """Length of a score at its written tempo."""
    return float(written_tempo(score).to_seconds(score.end_quarter)) / 60.0


def open_piece(id_or_path: str, user_dir: Path | None = None) -> Piece:
    """Read a piece of the library by its id, or any score by its path.

    Recordings are pieces too, but they have to be listened to: `accompanist.app.pieces` does.

    Parameters
    ----------
    id_or_path : str
        The id of a piece; else the path of a score file.
    user_dir : Path, optional
        The user's pieces; `user_pieces_dir` by default.

    Raises
    ------
    UsageError
        No piece of that id, and no file either; the message has the nearest ids.
    BadInputError
        The score cannot be read, or it is a recording.
    """
    found = find_info(id_or_path, user_dir or user_pieces_dir())
    if found is not None:
        return _open_listed(*found)
    path = Path(id_or_path)
    if is_recording(path):
        raise BadInputError(f"{path}: is a recording; here a score is needed")
    if not id_or_path or not (path.suffix or len(path.parts) > 1 or os.path.exists(path)):
        raise unknown_piece(id_or_path, user_dir)
    score = load_score(path)
    solo = choose_solo(score).part
    return Piece(
        id=path.stem,
        title=score.title or path.stem,
        composer=score.composer,
        licence=score.licence,
        difficulty=None,
        solo_part=solo,
        score=score,
        instrument=solo.instrument,
        from_library=False,
    )


def recording_piece(
    score: Score, recording: Recording, info: PieceInfo | None = None, piece_id: str = ""
) -> Piece:
    """Make a piece of a recording: its score is the one that is tied to it.

    ``info`` is its entry in the library, if it is in there; else ``piece_id`` names it.
    """
    if info is not None:
        score = replace(score, title=info.title, composer=info.composer)
    solo = choose_solo(score, info.solo if info is not None else None).part
    return Piece(
        id=info.id if info is not None else piece_id,
        title=score.title,
        composer=score.composer,
        licence=info.licence if info is not None else "",
        difficulty=info.difficulty if info is not None else None,
        solo_part=solo,
        score=replace(score, suggested_solo=solo.number),
        source=info.source if info is not None else "",
        instrument=info.instrument if info is not None else "",
        note=info.note if info is not None else "",
        from_library=info is not None,
        recording=recording,
    )


def unknown_piece(wanted: str, user_dir: Path | None = None) -> UsageError:
    """Say that there is no such piece, with the nearest ids."""
    ids = [info.id for info in list_pieces(user_dir)]
    words = {word: i for i in reversed(ids) for word in i.split("-")}
    near = get_close_matches(wanted.casefold(), ids, n=3, cutoff=0.5)
    for word in get_close_matches(wanted.casefold(), list(words), n=2, cutoff=0.75):
        if words[word] not in near:
            near.append(words[word])
    hint = f"did you mean {' or '.join(near)}?" if near else "see 'accompanist pieces list'"
    shown = wanted if len(wanted) <= _SHOWN_LIMIT else wanted[:_SHOWN_LIMIT] + "…"
    return UsageError(f"there is no piece and no file {shown!r}; {hint}")


def _open_listed(info: PieceInfo, folder: Traversable) -> Piece:
    if info.recording is not None:
        raise BadInputError(f"{info.id}: is a recording; here a score is needed")
    if info.file is not None:
        with as_file(folder / info.file) as path:
            score = load_score(path)
    else:
        score = load_score(_corpus_path(info))
    score = _corrected(score, info)
    solo = choose_solo(score, info.solo).part
    return Piece(
        id=info.id,
        title=info.title,
        composer=info.composer,
        licence=info.licence,
        difficulty=info.difficulty,
        solo_part=solo,
        score=replace(score, suggested_solo=solo.number),
        source=info.source,
        instrument=info.instrument,
        note=info.note,
    )


def _corpus_path(info: PieceInfo) -> Path:
    """Place of a corpus file; music21 is looked up, not imported."""
    spec = find_spec("music21")
    for root in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(root, "corpus", *str(info.corpus).split("/"))
        if path.is_file():
            return path
    raise BadInputError(
        f"{info.id}: the installed music21 has no corpus file {info.corpus}; "
        "install music21 from PyPI, with its corpus"
    )


def _corrected(score: Score, info: PieceInfo) -> Score:
    """Put in what the catalogue knows better than the source: titles, names, a tempo."""
    parts = list(score.parts)
    for i, name in enumerate(info.parts[: len(parts)]):
        parts[i] = replace(parts[i], name=name)
    for i, program in enumerate(info.programs[: len(parts)]):
        parts[i] = replace(parts[i], program=program)
    marks = score.tempo_marks or (TempoMark(0.0, DEFAULT_QPM, written=False),)
    if info.qpm is not None:
        opening = marks[0].qpm
        marks = tuple(
            replace(mark, qpm=float(info.qpm), written=True) if mark.qpm == opening else mark
            for mark in marks
        )
    return replace(
        score,
        title=info.title,
        composer=info.composer,
        licence=info.licence,
        parts=tuple(parts),
        tempo_marks=marks,
    )
