"""The folder of the latest takes: what nobody asked to be kept goes when others need its room."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from accompanist.app.keeping.journal import JOURNAL_FILE

__all__ = ["TakeRing", "journal_seconds", "ring_folder"]

_LOG = logging.getLogger(__name__)
_TAIL_BYTES = 4096


def journal_seconds(folder: Path) -> float:
    """Length of a journal as its trace has it; 0 where there is none."""
    try:
        with (folder / "trace.csv").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL_BYTES, 0))
            lines = file.read().split(b"\n")
        return float(lines[-2].split(b",")[0])
    except (OSError, ValueError, IndexError):
        return 0.0


def ring_folder(warn: Callable[[str], None] = _LOG.info) -> Path:
    """Give the user's folder of latest takes; a temporary one where that cannot be written.

    Parameters
    ----------
    warn : callable
        Told in a line if it is a temporary one.
    """
    from platformdirs import user_state_path

    folder = user_state_path("accompanist", appauthor=False) / "takes"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
        reason = "not allowed"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    instead = Path(tempfile.mkdtemp(prefix="accompanist-takes-"))
    warn(f"{folder}: cannot be written ({reason}); the latest takes are recorded in {instead}")
    return instead


class TakeRing:
    """Journals of the latest takes. Not thread-safe.

    Parameters
    ----------
    folder : Path
    minutes : float
        So much is kept …
    takes : int
        … and so many.
    """

    def __init__(self, folder: Path, *, minutes: float = 60.0, takes: int = 50) -> None:
        self.folder = folder
        self._seconds = 60.0 * minutes
        self._takes = takes

    def new_folder(self, piece_id: str) -> Path:
        """Name a folder that is not there yet."""
        piece = re.sub(r"[^\w.-]+", "-", piece_id).strip("-.")[:60] or "piece"
        return self.folder / f"{datetime.now():%Y%m%d-%H%M%S-%f}-{piece}"

    def journals(self) -> list[Path]:
        """All that there are, the oldest first."""
        try:
            found = [path for path in self.folder.iterdir() if (path / JOURNAL_FILE).is_file()]
        except OSError:
            return []
        return sorted(found)

    def newest(self) -> Path | None:
        """Give the latest one with anything in it."""
        return next((j for j in reversed(self.journals()) if journal_seconds(j) > 0.0), None)

    def trim(self, spared: Collection[Path] = ()) -> None:
        """Remove the oldest until the rest is within the limits; those ``spared`` stay."""
        seconds = 0.0
        for takes, journal in enumerate(reversed(self.journals()), 1):
            seconds += journal_seconds(journal)
            if (seconds > self._seconds or takes > self._takes) and journal not in spared:
                self.remove(journal)

    def remove(self, journal: Path) -> None:
        """Remove one."""
        shutil.rmtree(journal, ignore_errors=True)
        if journal.exists():
            _LOG.warning("%s: cannot be removed", journal)
