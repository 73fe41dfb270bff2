"""The list of takes to be evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan
from pathlib import Path

from accompanist.errors import BadInputError
from accompanist.takes.tables import read_rows

__all__ = ["ManifestTake", "read_manifest"]

_COLUMNS = ("score", "solo", "audio", "truth")


@dataclass(frozen=True, slots=True)
class ManifestTake:
    """A row of a manifest, paths made absolute. ``row`` counts from 1 without the header."""

    id: str
    group: str
    score: Path
    solo: str
    audio: Path
    truth: Path
    start_quarter: float | None
    row: int


def read_manifest(path: Path) -> list[ManifestTake]:
    """Read ``score,solo,audio,truth[,id,group,start_quarter]`` rows, paths relative to the file.

    Raises
    ------
    BadInputError
        The manifest has no rows, lacks a column, or names a file that is not there; the message
        names the row and the remedy.
    """
    rows = read_rows(path, _COLUMNS)
    if not rows:
        raise BadInputError(f"{path}: no rows below the header; add a row for each take")
    takes: list[ManifestTake] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        files = {}
        for column in ("score", "audio", "truth"):
            if not row[column]:
                raise BadInputError(f"{path}: row {number}: {column} is empty; name a file there")
            files[column] = path.parent / row[column]
            if not files[column].is_file():
                raise BadInputError(
                    f"{path}: row {number}: {column} {row[column]} is not there; "
                    "paths are relative to the manifest"
                )
        name = row.get("id") or files["audio"].stem
        while name in seen:
            name = f"{name}-{number}"
        seen.add(name)
        start = row.get("start_quarter") or None
        try:
            start_quarter = float(start) if start else None
        except ValueError:
            start_quarter = nan
        if start_quarter is not None and not 0.0 <= start_quarter < inf:
            raise BadInputError(
                f"{path}: row {number}: start_quarter {start!r} is not a number of quarters"
            )
        takes.append(
            ManifestTake(
                id=name,
                group=row.get("group") or "all",
                score=files["score"],
                solo=row["solo"],
                audio=files["audio"],
                truth=files["truth"],
                start_quarter=start_quarter,
                row=number,
            )
        )
    return takes
