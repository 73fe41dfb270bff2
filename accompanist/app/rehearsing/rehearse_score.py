"""``accompanist rehearse`` of a score: learn, forget, list and draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accompanist.app.pieces import recording_file
from accompanist.app.rehearsing.kept import store_of
from accompanist.app.rehearsing.learning import Learned, keep_learned, look_at
from accompanist.app.rehearsing.reading import read_recording, read_take
from accompanist.app.rehearsing.store import RehearsalStore
from accompanist.app.rehearsing.takes import LearnedTake
from accompanist.app.rehearsing.telling import draw, facts_of, take_facts
from accompanist.errors import AccompanistError, BadInputError, UsageError
from accompanist.score.model import Part
from score_library.catalogue import Piece
from score_library.index import find_info, user_pieces_dir

__all__ = ["ScoreWish", "rehearse_score"]

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ScoreWish:
    """What is to be done.

    Attributes
    ----------
    takes, recordings : tuple of Path
        To learn from: take folders, and recordings of the piece (files, or ids of the library).
    others : bool
        The takes were played by somebody else, as recordings are.
    forget : bool
        Forget ``takes``, or all there is if none are named.
    plot : Path or None
        Where the picture goes besides the piece's own folder.
    """

    takes: tuple[Path, ...] = ()
    recordings: tuple[Path, ...] = ()
    others: bool = False
    forget: bool = False
    plot: Path | None = None


def rehearse_score(piece: Piece, solo: Part, wish: ScoreWish, tell: Tell) -> dict[str, Any]:
    """Learn from takes of a score, or forget them, and see what is known then.

    Returns
    -------
    dict
        ``takes``: of each that was named whether it is used and why not; ``learned``: all there
        are; ``forgotten``; ``figures``; ``picture``.

    Raises
    ------
    BadInputError
        None of what was named is of any use.
    UsageError
        Nothing was learned from any of those that are to be forgotten.
    AccompanistError
        What was learned cannot be written.
    """
    store = store_of(solo)
    forgotten: list[str] = []
    named: list[_Named] = []
    if wish.forget:
        forgotten = _forget(store, wish.takes, tell) if wish.takes else store.forget()
    else:
        named = _learn(piece, solo, wish)
    takes = store.takes(tell)
    learned = look_at(piece.score, solo, takes)
    known = {
        take.id: take_facts(piece.score, take, reason)
        for take, reason in zip(takes, learned.reasons, strict=True)
    }
    picture = _draw(piece, solo, wish, learned, store.picture) if takes else None
    return {
        "piece": piece.id,
        "title": piece.title,
        "solo": {"part": solo.number, "name": solo.name},
        "forgotten": forgotten,
        "takes": [_told(one, known) for one in named],
        "learned": list(known.values()),
        "figures": facts_of(piece.score, learned),
        "picture": None if picture is None else str(picture),
    }


def _forget(store: RehearsalStore, takes: Sequence[Path], tell: Tell) -> list[str]:
    """Forget those that are named, and say which of them nobody knows.

    Raises
    ------
    UsageError
        None of them was learned from.
    """
    forgotten, unknown = [], []
    for take in dict.fromkeys(map(str, takes)):
        gone = store.forget([take])
        forgotten += gone
        if not gone:
            unknown.append(f"{take}: nothing was learned from it; --list names what is known")
    if not forgotten:
        raise UsageError(unknown[0])
    for line in unknown:
        tell(line)
    return forgotten


@dataclass(frozen=True, slots=True)
class _Named:
    """A take that was named: what it is known by, or why it was not learned from."""

    path: Path
    id: str = ""
    reason: str = ""


def _told(one: _Named, known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    if one.id in known:
        return {**known[one.id], "take": str(one.path)}
    reason = one.reason or "is the same performance as another one that was named"
    return {"take": str(one.path), "used": False, "reason": reason}


def _learn(piece: Piece, solo: Part, wish: ScoreWish) -> list[_Named]:
    """Learn from what was named.

    Raises
    ------
    BadInputError
        Nothing could be learned from.
    """
    named = []
    about = {"id": piece.id, "title": piece.title, "composer": piece.composer}
    for path in (*wish.takes, *wish.recordings):
        try:
            learned = _read(path, piece, solo, wish)
        except BadInputError as error:
            named.append(_Named(path, reason=_without_name(path, str(error))))
            continue
        keep_learned(learned, solo, about)
        named.append(_Named(path, id=learned.id))
    if named and not any(one.id for one in named):
        more = f" (and {len(named) - 1} more)" if len(named) > 1 else ""
        raise BadInputError(f"{named[0].path}: {named[0].reason}{more}")
    return named


def _without_name(path: Path, text: str) -> str:
    for name in (path, path.resolve()):
        text = text.removeprefix(f"{name}: ")
    return text


def _read(path: Path, piece: Piece, solo: Part, wish: ScoreWish) -> LearnedTake:
    if path in wish.recordings:
        return read_recording(_sound_of(path), piece.score, solo)
    return read_take(path, piece.score, solo, own=not wish.others)


def _sound_of(recording: Path) -> Path:
    """Give the file of a recording of the library, where its id is named."""
    found = None if recording.exists() else find_info(str(recording), user_pieces_dir())
    return recording if found is None or found[0].recording is None else recording_file(found[0])


def _draw(piece: Piece, solo: Part, wish: ScoreWish, learned: Learned, usual: Path) -> Path | None:
    """Draw the picture beside what was learned, or where it is wished for.

    Raises
    ------
    AccompanistError
        It cannot be written where it is wished for.
    """
    place = wish.plot or usual
    count = len(learned.takes)
    try:
        draw(
            place,
            piece.score,
            learned,
            title=piece.title,
            subtitle=f"{solo.name} · {count} take{'' if count == 1 else 's'}",
        )
    except AccompanistError:
        if wish.plot is not None:
            raise
        return None
    return place
