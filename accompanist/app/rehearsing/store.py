"""What was learned of pieces, kept in the user's data: a folder a piece, a file a take.

A file is written whole or not at all. One that cannot be read is left where it is and does not
count; the others do.
"""

from __future__ import annotations

import json
import logging
import os
import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from accompanist.app.rehearsing.takes import LearnedTake, take_from_plain, take_to_plain
from accompanist.errors import AccompanistError

__all__ = ["RehearsalStore", "rehearsals_folder"]

_LOG = logging.getLogger(__name__)

_MOST_TAKES = 48
_MOST_BYTES = 8 << 20
_PREFIX, _SUFFIX = "take-", ".json"
_ABOUT = "piece.json"
_PICTURE = "rehearsal.svg"


def rehearsals_folder() -> Path:
    """Where it is kept by default, beside the user's pieces; may not exist yet."""
    from platformdirs import user_data_path

    return user_data_path("accompanist", appauthor=False) / "rehearsals"


class RehearsalStore:
    """The takes that were learned from of one solo part of one piece. Safe to share.

    Parameters
    ----------
    key : str
        Of the solo part (`accompanist.app.rehearsing.takes.line_key`).
    root : Path, optional
        `rehearsals_folder` by default.
    """

    def __init__(self, key: str, root: Path | None = None) -> None:
        self.folder = (root or rehearsals_folder()) / key

    @property
    def picture(self) -> Path:
        """Where the picture of it is kept."""
        return self.folder / _PICTURE

    def takes(self, complain: Callable[[str], None] = _LOG.warning) -> list[LearnedTake]:
        """All that were learned from, the oldest first.

        Parameters
        ----------
        complain : callable
            Told in a line of each file that cannot be read.
        """
        found = []
        for file in self._files():
            try:
                found.append(_read(file))
            except (OSError, ValueError, RecursionError) as error:
                complain(
                    f"{file}: what was learned of a take cannot be read ({_reason(error)}) and "
                    "does not count; rehearse that take again"
                )
        return sorted(found, key=lambda take: (take.when, take.id))

    def add(self, take: LearnedTake, about: dict[str, Any]) -> None:
        """Keep a take; the soloist's oldest goes where there are too many.

        Parameters
        ----------
        take : LearnedTake
            One of the same id is replaced.
        about : dict
            What a human knows the piece by, for `describe`.

        Raises
        ------
        AccompanistError
            The folder cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self.folder / _ABOUT, about)
            _write(self._file(take.id), take_to_plain(take))
        except OSError as error:
            raise AccompanistError(
                f"{self.folder}: cannot be written ({_reason(error)}); what was learned of "
                f"{take.name} is not kept"
            ) from error
        known = sorted(self.takes(_LOG.info), key=lambda one: not one.own)  # others' go last
        for old in known[: max(len(known) - _MOST_TAKES, 0)]:
            self._file(old.id).unlink(missing_ok=True)

    def forget(self, names: Sequence[str] | None = None) -> list[str]:
        """Remove takes, by their names or ids; all of them, unreadable files too, unless told.

        Returns
        -------
        list of str
            Names of those that were removed.

        Raises
        ------
        AccompanistError
            The folder cannot be written to.
        """
        wanted = None if names is None else {_plain_name(name) for name in names} | set(names)
        gone = []
        try:
            for file in self._files():
                try:
                    take = _read(file)
                    known = {take.id, take.name, Path(take.name).name}
                except (OSError, ValueError, RecursionError):
                    take, known = None, {file.name}
                if wanted is None or known & wanted:
                    file.unlink(missing_ok=True)
                    gone.append(file.name if take is None else take.name)
            if not self._files():
                for name in (_ABOUT, _PICTURE):
                    (self.folder / name).unlink(missing_ok=True)
                with suppress(OSError):
                    self.folder.rmdir()
        except OSError as error:
            raise AccompanistError(
                f"{self.folder}: cannot be written ({_reason(error)}); nothing more is forgotten"
            ) from error
        return gone

    def _files(self) -> list[Path]:
        try:
            return sorted(self.folder.glob(f"{_PREFIX}*{_SUFFIX}"))
        except OSError:
            return []

    def _file(self, take_id: str) -> Path:
        safe = re.sub(r"[^0-9A-Za-z]", "", take_id)[:64]
        return self.folder / f"{_PREFIX}{safe}{_SUFFIX}"


def _read(file: Path) -> LearnedTake:
    with file.open("rb") as opened:
        text = opened.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise ValueError("too large")
    return take_from_plain(json.loads(text.decode("utf-8")))


def _write(file: Path, content: dict[str, Any]) -> None:
    beside = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        beside.write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")
        os.replace(beside, file)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _plain_name(name: str) -> str:
    """Make the many ways to write a path one."""
    return os.path.abspath(os.path.expanduser(name)) if name else name


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)
