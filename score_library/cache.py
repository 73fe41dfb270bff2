"""Scores that were read before, kept as JSON in the user's cache folder.

The key is what is in the file, not where it is. Nothing here is needed: a cache that cannot be
read or written is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

import platformdirs

from accompanist.score.model import Score
from accompanist.score.serial import SERIAL_VERSION, score_from_plain, score_to_plain

__all__ = ["ScoreCache"]

_MOST_FILES = 300


class ScoreCache:
    """A folder of scores by content.

    Parameters
    ----------
    folder : Path or None
        Where it is; None for the user's cache folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or platformdirs.user_cache_path("accompanist") / "scores"

    def key(self, data: bytes, name: str) -> str:
        """Name of the entry for a file's contents as these importers read them."""
        digest = hashlib.sha256(f"{SERIAL_VERSION}/{name}/".encode())
        # The importers' own text is part of the key: what an older version has read is read anew.
        for source in sorted((Path(__file__).parent / "importers").glob("*.py")):
            digest.update(source.read_bytes())
        digest.update(data)
        return digest.hexdigest()

    def get(self, key: str) -> Score | None:
        """Fetch an entry; None where there is none that can be read."""
        try:
            text = (self.folder / f"{key}.json").read_text(encoding="utf-8")
            return score_from_plain(json.loads(text))
        except (OSError, ValueError, RecursionError):
            return None

    def put(self, key: str, score: Score) -> None:
        """Keep a score, written beside and renamed; the oldest entries make room."""
        temporary = ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(suffix=".part", dir=self.folder)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(score_to_plain(score), file, separators=(",", ":"))
            os.replace(temporary, self.folder / f"{key}.json")
            self._make_room()
        except OSError:
            if temporary:
                Path(temporary).unlink(missing_ok=True)

    def _make_room(self) -> None:
        entries = sorted(self.folder.glob("*.json"), key=lambda p: p.stat().st_mtime)
        for entry in entries[: max(0, len(entries) - _MOST_FILES)]:
            entry.unlink(missing_ok=True)
