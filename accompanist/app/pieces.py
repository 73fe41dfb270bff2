"""Pieces of any kind: of the library by their ids, scores and recordings by their paths."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from accompanist.app.analysing.cache import stamp_of
from accompanist.app.analysing.listen import (
    Bar,
    Heard,
    Tell,
    analyse_recording,
    listen_to,
    read_heard,
)
from accompanist.app.progress import progress_bar
from accompanist.errors import BadInputError, UsageError
from accompanist.followers.registry import DEFAULT_FOLLOWER
from accompanist.recordings.recorded_score import ORCHESTRA_NAME
from accompanist.recordings.reference import Reference, load_reference
from accompanist.recordings.rests import with_rests
from accompanist.score.model import Score
from accompanist.score.serial import score_from_plain
from score_library.catalogue import Piece, open_piece, recording_piece
from score_library.index import PieceInfo, find_info, user_pieces_dir
from score_library.load import is_recording

__all__ = [
    "RECORDING_FOLLOWER",
    "analyse_recording",
    "check_has_notes",
    "check_stretched",
    "default_follower",
    "has_notes",
    "heard_again",
    "heard_of",
    "open_any",
    "recording_file",
    "reference_of",
]

RECORDING_FOLLOWER = "recording"


def open_any(piece: str, tell: Tell | None = None, *, bar: Bar = progress_bar) -> Piece:
    """Open a piece of the library by its id, or a score or a recording by its path.

    A recording is listened to the first time, with a progress bar; that takes a hundredth of its
    length or so.

    Parameters
    ----------
    piece : str
        An id; else a path.
    tell : callable, optional
        Is told what is wrong with a recording that is listened to, a line each.
    bar : callable
        Shows the progress.

    Raises
    ------
    UsageError
        No piece of that id, and no file either.
    BadInputError
        It cannot be read.
    """
    user_dir = user_pieces_dir()
    found = find_info(piece, user_dir)
    if found is not None:
        info = found[0]
        if info.recording is None:
            return open_piece(piece)
        heard = heard_of(info, tell, bar=bar)
        score = _rested(heard)
        if info.file is not None:
            score = _tied_score(user_dir / info.id / info.file)
        return recording_piece(score, heard.recording, info)
    path = Path(piece)
    if not piece or not is_recording(path):
        return open_piece(piece)
    heard = listen_to(path, tell, bar=bar)
    # The cache goes by contents: the same recording may have come under another name.
    title = heard.title if heard.tagged else path.stem
    return recording_piece(
        replace(_rested(heard), title=title), heard.recording, piece_id=path.stem
    )


def heard_of(info: PieceInfo, tell: Tell | None = None, *, bar: Bar = progress_bar) -> Heard:
    """Give what was found out about a recording of the library, listening to it if need be.

    Raises
    ------
    BadInputError
        Its file is gone, or cannot be read.
    """
    file = recording_file(info)
    if not file.is_file():
        raise BadInputError(
            f"{info.id}: its recording {file} is gone; bring it back, or remove the piece with "
            f"'accompanist pieces remove {info.id}' and add it again"
        )
    known = info.recording_key if stamp_of(file) == info.recording_stamp else None
    return listen_to(file, tell, bar=bar, known_key=known)


def recording_file(info: PieceInfo) -> Path:
    """Place of the recording of a piece of the user's library."""
    return user_pieces_dir() / info.id / str(info.recording)


def check_has_notes(piece: Piece, purpose: str) -> None:
    """Refuse a recording without a score where notes are needed.

    Parameters
    ----------
    purpose : str
        What for, as in "to simulate".

    Raises
    ------
    BadInputError
        It is one.
    """
    if not has_notes(piece):
        raise BadInputError(
            f"{piece.title}: a recording has no notes {purpose}; record yourself, or tie its "
            "score to it with 'accompanist pieces add RECORDING --score FILE'"
        )


def has_notes(piece: Piece) -> bool:
    """Whether notes are known: of a score, or of a recording that a score is tied to."""
    if piece.recording is None:
        return True
    return all(part.name != ORCHESTRA_NAME for part in piece.score.parts)


def heard_again(piece: Piece) -> Heard | None:
    """Give what was found out about the recording that an open piece is; None for a score."""
    return None if piece.recording is None else read_heard(piece.recording)


def default_follower(piece: Piece) -> str:
    """Name of the follower that is used where none is asked for."""
    return DEFAULT_FOLLOWER if piece.recording is None else RECORDING_FOLLOWER


def check_stretched(piece: Piece) -> None:
    """Raise UsageError if nothing of a piece can be stretched, where a stretcher was asked for."""
    if piece.recording is None:
        raise UsageError(
            f"--stretcher is for recordings that play, and {piece.title!r} is a score, "
            "whose instruments play at any tempo; leave it out"
        )


def reference_of(piece: Piece) -> Reference | None:
    """Open what the soloist is followed by where a piece is a recording; None for a score.

    Raises
    ------
    BadInputError
        It is not there, or not whole.
    """
    return None if piece.recording is None else load_reference(piece.recording.folder)


def _rested(heard: Heard) -> Score:
    """Give the score of a recording, with the soloist's rests as far as they are known."""
    from accompanist.app.separating.place import read_facts

    facts = read_facts(heard.recording.folder) or {}
    return with_rests(heard.score, [(float(a), float(b)) for a, b in facts.get("rests_s", ())])


def _tied_score(path: Path) -> Score:
    try:
        return score_from_plain(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{path}: the score of the recording cannot be read ({error}); add the piece again"
        ) from error
