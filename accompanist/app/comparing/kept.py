"""Alignments kept for the next time, by the contents of what was aligned."""

from __future__ import annotations

import hashlib
import logging
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from accompanist.errors import BadInputError
from accompanist.recordings.aligning.warping import Stretch, TimeMap

__all__ = ["AlignmentCache", "Known", "contents_key"]

_VERSION = "1"
"""To be raised when alignments come out differently."""
_HASH_BYTES = 1 << 20
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is kept of an alignment."""

    map: TimeMap
    transposed: int


def contents_key(file: Path) -> str:
    """Name for the contents of a file.

    Raises
    ------
    BadInputError
        It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while block := opened.read(_HASH_BYTES):
                digest.update(block)
    except OSError as error:
        said = (error.strerror or "cannot be read").lower()
        raise BadInputError(f"{file}: {said}; check the path") from error
    return digest.hexdigest()[:40]


class AlignmentCache:
    """A folder of alignments. What cannot be read is made again, what cannot be kept is not.

    Parameters
    ----------
    root : Path, optional
        By default in the user's cache.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or platformdirs.user_cache_path("accompanist") / "alignments"

    def get(self, first: str, second: str) -> Known | None:
        """Give the alignment of two contents, if it is known."""
        try:
            with np.load(self._file(first, second)) as data:
                stretches = tuple(
                    Stretch(data[f"first_{i}"], data[f"second_{i}"])
                    for i in range(int(data["count"]))
                )
                return Known(TimeMap(stretches), int(data["transposed"]))
        except (OSError, ValueError, KeyError, EOFError):
            return None
        except Exception as error:  # zip files fail in many ways
            _LOG.info("a kept alignment cannot be read: %s", error)
            return None

    def put(self, first: str, second: str, known: Known) -> None:
        """Keep an alignment, whole or not at all."""
        file = self._file(first, second)
        beside = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.npz")
        arrays: dict[str, np.ndarray] = {
            "count": np.array(len(known.map.stretches)),
            "transposed": np.array(known.transposed),
        }
        for i, stretch in enumerate(known.map.stretches):
            arrays[f"first_{i}"] = stretch.first_s
            arrays[f"second_{i}"] = stretch.second_s
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            np.savez(beside, **arrays)  # type: ignore[arg-type]
            os.replace(beside, file)
        except OSError as error:
            _LOG.warning("%s: the alignment cannot be kept (%s)", self.root, error)
            beside.unlink(missing_ok=True)

    def _file(self, first: str, second: str) -> Path:
        both = hashlib.sha256(f"{_VERSION} {first} {second}".encode()).hexdigest()[:40]
        return self.root / f"{both}.npz"
