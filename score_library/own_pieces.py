"""The user's own pieces: putting a score into their library and taking it out again."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from accompanist.errors import AccompanistError, BadInputError, UsageError
from accompanist.score.choose import choose_solo
from score_library.catalogue import length_minutes, refusal_of_recording
from score_library.index import (
    INDEX_NAME,
    PieceInfo,
    find_info,
    is_piece_id,
    read_info,
    user_pieces_dir,
)
from score_library.load import RECORDING_SUFFIXES, SCORE_SUFFIXES, load_score

__all__ = ["add_piece", "remove_piece"]


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
    if file.suffix.lower() in RECORDING_SUFFIXES:
        raise BadInputError(refusal_of_recording(file))
    folder = user_dir or user_pieces_dir()
    chosen_id = _chosen_id(file, piece_id)
    _refuse_taken(chosen_id, folder, replace=replace)
    score = load_score(file)
    choice = choose_solo(score, solo)
    entry: dict[str, str | int | float] = {
        "title": title or score.title or file.stem,
        "composer": score.composer,
        "licence": score.licence,
        "source": f"added from {file.name}",
        "file": "score" + (suffix if (suffix := file.suffix.lower()) in SCORE_SUFFIXES else ""),
        "solo": choice.part.number,
        "instrument": choice.part.instrument.lower(),
        "minutes": round(length_minutes(score), 2),
    }
    _write_folder(folder, chosen_id, file, entry)
    return read_info(folder / chosen_id, bundled=False)


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


def _write_folder(
    folder: Path, piece_id: str, file: Path, entry: Mapping[str, str | int | float]
) -> None:
    """Write the piece's folder beside its place, then rename: never half a piece."""
    beside: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".adding-", dir=folder))
        fresh = beside / "new"
        fresh.mkdir()
        shutil.copyfile(file, fresh / str(entry["file"]))
        (fresh / INDEX_NAME).write_text(_toml(entry), "utf-8")
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


def _toml(entry: Mapping[str, str | int | float]) -> str:
    lines = []
    for key, value in entry.items():
        if isinstance(value, str):
            clean = "".join(c if c.isprintable() else " " for c in value)
            value = json.dumps(clean.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False)
        lines.append(f"{key} = {value}\n")
    return "".join(lines)
