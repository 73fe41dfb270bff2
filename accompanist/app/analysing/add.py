"""Putting a recording into the user's library."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accompanist.app.analysing.cache import RecordingCache, stamp_of
from accompanist.app.analysing.listen import Heard, Tell, listen_to
from accompanist.errors import AccompanistError, BadInputError
from accompanist.score.choose import choose_solo
from accompanist.score.model import Score
from accompanist.score.serial import score_to_plain
from bridges.recording_file import RecordingFile
from score_library.catalogue import Piece
from score_library.index import PieceInfo, list_pieces
from score_library.load import load_score
from score_library.own_pieces import RecordingEntry, add_recording, free_id, remove_piece

__all__ = ["AddRequest", "add_recording_piece", "remove_any", "take_soloist_out"]


@dataclass(frozen=True, slots=True)
class AddRequest:
    """What is to become of a recording; see `accompanist pieces add --help`."""

    file: Path
    piece_id: str | None = None
    title: str | None = None
    link: bool = False
    replace: bool = False
    score: Path | None = None
    """The score to be tied to it."""
    solo_part: str | None = None
    """Of that score."""
    solos: Sequence[Path] = ()
    """Recordings of the soloist, by which they are taken out."""


def add_recording_piece(request: AddRequest, tell: Tell) -> PieceInfo:
    """Listen to a recording and put it into the user's library.

    Raises
    ------
    UsageError
        An id that cannot be one or is taken; no such solo part.
    BadInputError
        A file cannot be read, or the score is not that of the recording.
    AccompanistError
        There is no room for it.
    """
    file = request.file
    piece_id = free_id(file, request.piece_id, replace=request.replace)
    for path in request.solos:
        with RecordingFile(path):  # before the long work
            pass
    score = load_score(request.score) if request.score is not None else None
    if score is not None:
        choose_solo(score, request.solo_part)
    heard = listen_to(file, tell)
    tied = None if score is None else _tied(heard, score, tell)
    solo = choose_solo(tied or heard.score, request.solo_part if tied else None).part
    # The cache goes by contents: the same recording may have come under another name.
    title = request.title or (heard.title if heard.tagged else "")
    if not title and tied is not None and request.score is not None:
        title = tied.title if tied.title != request.score.stem else ""
    entry = RecordingEntry(
        title=title or file.stem,
        composer=(tied.composer if tied else "") or heard.composer,
        minutes=round(heard.analysis.duration_s / 60.0, 3),
        key=RecordingCache.key_of(heard.recording.folder),
        solo=solo.number,
        instrument=solo.instrument.lower(),
        score=None if tied is None else json.dumps(score_to_plain(tied), separators=(",", ":")),
    )
    return add_recording(file, piece_id, entry, stamp_of, link=request.link)


def take_soloist_out(piece: Piece, request: AddRequest, tell: Tell) -> None:
    """Take the soloist out of a recording that has just been added.

    Its score shows the solo too. Without anything that does only the weaker ways are left; where
    even they cannot be gone, the piece keeps its soloist, and ``tell`` hears why.

    Raises
    ------
    AccompanistError
        One of the sound files cannot be used, or there is no room for what they would give.
    """
    from accompanist.app.separating.separate import separate_piece

    shows = [*request.solos, *([request.score] if request.score is not None else [])]
    try:
        separate_piece(piece, shows, part=request.solo_part, tell=tell)
    except AccompanistError as error:  # the piece has been added: no failure without being asked
        if request.solos:
            raise
        why = str(error).removeprefix(f"{piece.id}: ")
        tell(f"The soloist stays in it for now: {why}")


def remove_any(piece_id: str) -> None:
    """Take a piece of the user's out of the library, and forget what was found out about it.

    Raises
    ------
    UsageError
        There is no such piece, or it is a bundled one.
    """
    keys = {info.id: info.recording_key for info in list_pieces() if info.recording_key}
    remove_piece(piece_id)
    key = keys.pop(piece_id, None)
    if key is not None and key not in keys.values():
        RecordingCache().remove(key)


def _tied(heard: Heard, score: Score, tell: Tell) -> Score:
    """Tie a score to a recording: its written seconds become those of the recording."""
    from accompanist.app.aligning.score_of_recording import align_piece_score

    name = heard.recording.file.name
    with RecordingFile(heard.recording.sound_file) as sound:
        tied = align_piece_score(sound, score, name=name, tell=tell)
    if tied.recording_s is None:
        raise BadInputError(f"{name}: the score could not be tied to it")
    return tied
