"""The index of pieces: what the library knows of each without reading a note of it.

A piece is a folder named by its id, with a ``piece.toml`` and usually a score:

=============== ==================================================================
``title``       text
``composer``    text
``licence``     text, under which terms the work and its encoding may be used
``source``      text, where the encoding comes from (optional)
``file``        the score's file name in this folder; or
``corpus``      path below the corpus folder of the installed music21; or
``recording``   a recording: its file name in this folder, or the absolute path of a file
                elsewhere; ``file`` then is the score (``.json``) that is tied to it, if any
``recording_key``, ``recording_stamp``  what the recording's contents were when it was
                listened to, and size and time of its file (optional)
``solo``        name or number of the solo part
``instrument``  what the soloist plays, in lower case (optional)
``difficulty``  1 (first year) to 5 (concert) for the soloist (optional)
``minutes``     length at the written tempo, repeats included; of a recording
``note``        a line to the player (optional)
``qpm``         tempo in place of the opening one, where the source has a wrong one
                or none (optional)
``parts``       names of the parts, where the source has none (optional)
``programs``    General MIDI programs 0–127 of the parts, likewise (optional)
=============== ==================================================================
"""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from accompanist.errors import BadInputError

__all__ = [
    "INDEX_NAME",
    "PieceInfo",
    "find_info",
    "is_piece_id",
    "list_pieces",
    "read_info",
    "user_pieces_dir",
]

INDEX_NAME = "piece.toml"

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_INDEX_LIMIT_BYTES = 65_536

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PieceInfo:
    """What the catalogue knows of a piece before its score is read."""

    id: str
    title: str
    composer: str
    licence: str
    source: str
    solo: str | int | None
    """Name or number of the solo part; None leaves it to the guess."""
    instrument: str
    difficulty: int | None
    """1 (first year) to 5 (concert)."""
    minutes: float | None
    """At the written tempo, repeats included."""
    note: str
    bundled: bool
    """Shipped with the package; else one of the user's own."""
    file: str | None = None
    corpus: str | None = None
    qpm: float | None = None
    parts: tuple[str, ...] = ()
    programs: tuple[int, ...] = ()
    recording: str | None = None
    """File name in the piece's folder, or absolute path, of the recording that is the piece."""
    recording_key: str | None = None
    recording_stamp: str | None = None


def user_pieces_dir() -> Path:
    """Where the user's own pieces are kept; it may not exist yet."""
    return user_data_path("accompanist", appauthor=False) / "pieces"


def is_piece_id(text: str) -> bool:
    """Whether this could be the id of a piece: no separators, no leading dot, lower case.

    >>> is_piece_id("ode-to-joy"), is_piece_id("../ode"), is_piece_id(".hidden")
    (True, False, False)
    """
    return _ID.fullmatch(text) is not None


def list_pieces(user_dir: Path | None = None) -> list[PieceInfo]:
    """All pieces, the bundled first, each group by difficulty and title.

    A folder of the user's that cannot be read is passed over with a warning in the log.
    """
    found = list(_bundled())
    for entry in _subfolders(user_dir or user_pieces_dir()):
        try:
            found.append(read_info(entry, bundled=False))
        except BadInputError as error:
            _log.warning("%s", error)
    return sorted(found, key=lambda p: (not p.bundled, p.difficulty or 9, p.title.casefold()))


def find_info(piece_id: str, user_dir: Path) -> tuple[PieceInfo, Traversable] | None:
    """Find the entry of an id and its folder, the bundled pieces first; None if there is none."""
    if not is_piece_id(piece_id):
        return None
    for info in _bundled():
        if info.id == piece_id:
            return info, _bundled_dir() / piece_id
    folder = user_dir / piece_id
    if folder.is_dir():
        return read_info(folder, bundled=False), folder
    return None


def read_info(folder: Traversable, *, bundled: bool) -> PieceInfo:
    """Read the ``piece.toml`` of a folder; BadInputError where it is missing or wrong."""
    try:
        raw = (folder / INDEX_NAME).read_bytes()
        if len(raw) > _INDEX_LIMIT_BYTES:
            raise BadInputError(f"piece {folder.name}: its {INDEX_NAME} is too large")
        table = tomllib.loads(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInputError(
            f"piece {folder.name}: cannot read its {INDEX_NAME} ({error}); "
            f"remove it with 'accompanist pieces remove {folder.name}' and add it again"
        ) from error
    return _checked_info(folder.name, table, bundled=bundled)


def _checked_info(piece_id: str, table: dict[str, Any], *, bundled: bool) -> PieceInfo:
    fields: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _FIELD_TYPES:
            raise BadInputError(f"piece {piece_id}: unknown key {key!r} in its {INDEX_NAME}")
        if not isinstance(value, _FIELD_TYPES[key]) or isinstance(value, bool):
            raise BadInputError(f"piece {piece_id}: {key} in its {INDEX_NAME} is of a wrong type")
        fields[key] = tuple(value) if isinstance(value, list) else value
    _check_places(piece_id, fields, bundled=bundled)
    return PieceInfo(
        id=piece_id,
        title=fields.pop("title", piece_id),
        composer=fields.pop("composer", ""),
        licence=fields.pop("licence", ""),
        source=fields.pop("source", ""),
        solo=fields.pop("solo", None),
        instrument=fields.pop("instrument", ""),
        difficulty=fields.pop("difficulty", None),
        minutes=fields.pop("minutes", None),
        note=fields.pop("note", ""),
        bundled=bundled,
        **fields,
    )


def _check_places(piece_id: str, fields: dict[str, Any], *, bundled: bool) -> None:
    """Refuse an entry without a source, and sources out of the library (but own recordings)."""
    recorded = "recording" in fields
    if not recorded and ("file" in fields) == ("corpus" in fields):
        raise BadInputError(f"piece {piece_id}: its {INDEX_NAME} needs one of file and corpus")
    for name in ("file", "corpus", "recording"):
        place = str(fields.get(name, ""))
        linked = name == "recording" and not bundled and Path(place).is_absolute()
        if linked or not place:
            continue
        inside = name == "corpus" or "/" not in place
        if place.startswith(("/", "\\")) or ".." in place or not inside:
            raise BadInputError(f"piece {piece_id}: {place!r} leads out of the library")


_FIELD_TYPES: dict[str, type | tuple[type, ...]] = {
    "title": str,
    "composer": str,
    "licence": str,
    "source": str,
    "solo": (str, int),
    "instrument": str,
    "difficulty": int,
    "minutes": (int, float),
    "note": str,
    "file": str,
    "corpus": str,
    "qpm": (int, float),
    "parts": list,
    "programs": list,
    "recording": str,
    "recording_key": str,
    "recording_stamp": str,
}


def _bundled_dir() -> Traversable:
    return files("score_library") / "pieces"


@lru_cache(maxsize=1)
def _bundled() -> tuple[PieceInfo, ...]:
    return tuple(read_info(entry, bundled=True) for entry in _subfolders(_bundled_dir()))


def _subfolders(folder: Traversable) -> Iterator[Traversable]:
    """List the folders of pieces in a folder by name; those being written begin with a dot."""
    try:
        entries = sorted(folder.iterdir(), key=lambda e: e.name)
    except OSError:
        return
    for entry in entries:
        if is_piece_id(entry.name) and entry.is_dir() and (entry / INDEX_NAME).is_file():
            yield entry
