"""The user's own pieces: putting scores and recordings into their library, and taking them out."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from accompanist.errors import AccompanistError, BadInputError, UsageError
from accompanist.score.choose import choose_solo
from score_library.catalogue import length_minutes
from score_library.index import (
    INDEX_NAME,
    PieceInfo,
    find_info,
    is_piece_id,
    read_info,
    user_pieces_dir,
)
from score_library.load import SCORE_SUFFIXES, is_recording, load_score

__all__ = ["RecordingEntry", "add_piece", "add_recording", "free_id", "remove_piece"]

Entry = Mapping[str, str | int | float]

_SPARE_BYTES = 5_000_000
_TIED_SCORE = "score.json"


@dataclass(frozen=True, slots=True)
class RecordingEntry:
    """What the library keeps of a recording that has been listened to."""

    title: str
    composer: str
    minutes: float
    key: str
    """Of its contents, in the cache of what was found out."""
    solo: int = 1
    instrument: str = ""
    score: str | None = None
    """The score that is tied to it, as JSON."""


def add_piece(
    file: Path,
    *,
    piece_id: str | None = None,
    title: str | None = None,
    solo: str | int | None = None,
    replace: bool = False,
    user_dir: Path | None = None,
) -> PieceInfo:
    """Copy a score into the user's library, after it has been read and found playable.

    Parameters
    ----------
    file : Path
        A score file.
    piece_id, title : str, optional
        By default from the file name and from the score.
    solo : str or int, optional
        Name or number of the solo part; by default the sensible guess, which is then kept.
    replace : bool
        Whether a piece of this id that the user has already may be overwritten.
    user_dir : Path, optional
        `user_pieces_dir` by default.

    Raises
    ------
    BadInputError
        The file is no score, or no part of it has notes.
    UsageError
        No such solo part, an id that cannot be one or is taken.
    """
    if is_recording(file):
        raise BadInputError(f"{file}: is a recording, not a score")
    folder = user_dir or user_pieces_dir()
    chosen_id = free_id(file, piece_id, replace=replace, user_dir=folder)
    score = load_score(file)
    choice = choose_solo(score, solo)
    entry: Entry = {
        "title": title or score.title or file.stem,
        "composer": score.composer,
        "licence": score.licence,
        "source": f"added from {file.name}",
        "file": "score" + (suffix if (suffix := file.suffix.lower()) in SCORE_SUFFIXES else ""),
        "solo": choice.part.number,
        "instrument": choice.part.instrument.lower(),
        "minutes": round(length_minutes(score), 2),
    }

    def fill(fresh: Path) -> Entry:
        shutil.copyfile(file, fresh / str(entry["file"]))
        return entry

    _write_folder(folder, chosen_id, fill)
    return read_info(folder / chosen_id, bundled=False)


def add_recording(
    file: Path,
    piece_id: str,
    entry: RecordingEntry,
    stamp_of: Callable[[Path], str | None],
    *,
    link: bool = False,
    user_dir: Path | None = None,
) -> PieceInfo:
    """Copy a recording that has been listened to into the user's library.

    Parameters
    ----------
    file : Path
    piece_id : str
        See `free_id`; a piece of this id is replaced.
    stamp_of : callable
        Tells by what a file is known again (its size and time).
    link : bool
        Refer to the file where it is instead of copying it.

    Raises
    ------
    AccompanistError
        The library cannot be written to, or the disk is too full.
    """
    folder = user_dir or user_pieces_dir()
    place = str(file.resolve()) if link else "recording" + file.suffix.lower()
    if not link:
        _check_room(folder, file)

    def fill(fresh: Path) -> Entry:
        if not link:
            shutil.copyfile(file, fresh / place)
        told: dict[str, str | int | float] = {
            "title": entry.title,
            "composer": entry.composer,
            "source": f"{'refers to' if link else 'added from'} {file.name}",
            "recording": place,
            "recording_key": entry.key,
            "recording_stamp": stamp_of(fresh / place) or "",
            "solo": entry.solo,
            "instrument": entry.instrument,
            "minutes": entry.minutes,
        }
        if entry.score is not None:
            (fresh / _TIED_SCORE).write_text(entry.score, "utf-8")
            told["file"] = _TIED_SCORE
        return told

    _write_folder(folder, piece_id, fill)
    return read_info(folder / piece_id, bundled=False)


def free_id(
    file: Path, wanted: str | None, *, replace: bool = False, user_dir: Path | None = None
) -> str:
    """Give the id that a file will have in the library, made of its name if none is wanted.

    Raises
    ------
    UsageError
        It cannot be an id, or is taken.
    """
    chosen = _chosen_id(file, wanted)
    _refuse_taken(chosen, user_dir or user_pieces_dir(), replace=replace)
    return chosen


def remove_piece(piece_id: str, user_dir: Path | None = None) -> None:
    """Take one of the user's own pieces out of their library.

    Raises
    ------
    UsageError
        There is no such piece, or it is a bundled one.
    """
    folder = (user_dir or user_pieces_dir()) / piece_id
    if not is_piece_id(piece_id) or not (folder / INDEX_NAME).is_file():
        if is_piece_id(piece_id) and _is_bundled(piece_id, folder.parent):
            raise UsageError(f"{piece_id} comes with the program; only your own can be removed")
        raise UsageError(
            f"you have no piece {piece_id!r} of your own; 'accompanist pieces list' shows all"
        )
    try:
        # the rename takes it out at once, whatever becomes of the rest
        rubbish = Path(tempfile.mkdtemp(prefix=".removed-", dir=folder.parent))
        folder.rename(rubbish / piece_id)
        shutil.rmtree(rubbish)
    except OSError as error:
        raise AccompanistError(f"{folder}: cannot remove it ({error.strerror})") from error


def _is_bundled(piece_id: str, folder: Path) -> bool:
    try:
        found = find_info(piece_id, folder)
    except BadInputError:
        return False
    return found is not None and found[0].bundled


def _chosen_id(file: Path, wanted: str | None) -> str:
    if wanted is not None:
        if not is_piece_id(wanted):
            raise UsageError(
                f"{wanted!r} cannot be an id: use a–z, 0–9, dots, dashes and underscores, "
                "64 characters at most"
            )
        return wanted
    plain = unicodedata.normalize("NFKD", file.stem).encode("ascii", "ignore").decode("ascii")
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:64].strip("-")
    if not is_piece_id(slug):
        raise UsageError(f"{file.name}: no id can be made of this name; give one with --id")
    return slug


def _refuse_taken(piece_id: str, folder: Path, *, replace: bool) -> None:
    if _is_bundled(piece_id, folder):
        raise UsageError(f"{piece_id} is the id of a bundled piece; give another with --id")
    if (folder / piece_id).exists() and not replace:
        raise UsageError(
            f"you have a piece {piece_id} already; give another id with --id, or use --replace"
        )


def _check_room(folder: Path, file: Path) -> None:
    """Refuse to begin to copy what there is no room for."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        need, free = file.stat().st_size + _SPARE_BYTES, shutil.disk_usage(folder).free
        if need > free:
            raise AccompanistError(
                f"{folder}: the disk is too full to copy {file.name}: {need / 1e6:.0f} MB are "
                f"needed, {free / 1e6:.0f} MB are free; make room, or use --link, which leaves "
                "the file where it is"
            )


def _write_folder(folder: Path, piece_id: str, fill: Callable[[Path], Entry]) -> None:
    """Write the piece's folder beside its place, then rename: never half a piece.

    ``fill`` puts the piece's files into a fresh folder and gives its entry in the index.
    """
    beside: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".adding-", dir=folder))
        fresh = beside / "new"
        fresh.mkdir()
        (fresh / INDEX_NAME).write_text(_toml(fill(fresh)), "utf-8")
        if (folder / piece_id).exists():
            (folder / piece_id).rename(beside / "old")
        fresh.rename(folder / piece_id)
    except OSError as error:
        if beside is not None and (beside / "old").exists():
            with suppress(OSError):
                (beside / "old").rename(folder / piece_id)
        raise AccompanistError(f"{folder}: cannot write the piece ({error.strerror})") from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def _toml(entry: Entry) -> str:
    lines = []
    for key, value in entry.items():
        if isinstance(value, str):
            clean = "".join(c if c.isprintable() else " " for c in value)
            value = json.dumps(clean.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False)
        lines.append(f"{key} = {value}\n")
    return "".join(lines)
