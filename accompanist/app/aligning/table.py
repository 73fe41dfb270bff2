"""The table of an alignment: a row a place of the piece, a column a take."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError, UsageError

__all__ = ["AlignmentTable", "check_out", "column_names", "rows_at", "write_table"]

FloatArray = npt.NDArray[np.float64]

_CLOSE = 1e-3
"""Places closer than this are one row."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentTable:
    """Where places of a piece are in takes of it.

    Attributes
    ----------
    unit : str
        What positions are counted in: ``quarters`` or ``seconds``.
    names : tuple of str
        A name a take.
    positions : ndarray [shape=(n,)]
        Strictly increasing.
    times_s : ndarray [shape=(n, takes)]
        Seconds into each take, strictly increasing down each column; NaN where a take has not
        got the place.
    """

    unit: str
    names: tuple[str, ...]
    positions: FloatArray
    times_s: FloatArray

    def text(self) -> str:
        """Give the table as CSV."""
        lines = [f"# position: {self.unit}", ",".join(("quarter", *self.names))]
        for position, times in zip(self.positions, self.times_s, strict=True):
            cells = ["" if np.isnan(t) else f"{t:.4f}" for t in times]
            lines.append(",".join((f"{position:.10g}", *cells)))
        return "\n".join(lines) + "\n"


def column_names(files: Sequence[Path]) -> tuple[str, ...]:
    """Name a column for each file: its stem, made fit for a table and unlike the others.

    >>> column_names([Path("a/x.wav"), Path("b/x.wav"), Path("my, take.wav"), Path("quarter.wav")])
    ('x', 'x-2', 'my take', 'quarter-2')
    """
    taken = {"quarter"}
    names = []
    for file in files:
        stem = " ".join(re.sub(r'[,"#\s]+', " ", file.stem).split()) or "take"
        name, count = stem, 1
        while name in taken:
            count += 1
            name = f"{stem}-{count}"
        taken.add(name)
        names.append(name)
    return tuple(names)


def rows_at(end: float, step: float, onsets: FloatArray) -> FloatArray:
    """Choose the places of the rows: every step from 0 to the end, and every onset.

    >>> rows_at(2.0, 1.0, np.array([0.5, 0.9999, 1.75])).tolist()
    [0.0, 0.5, 0.9999, 1.75, 2.0]
    """
    grid = np.round(np.arange(int(np.floor(end / step + 1e-9)) + 1) * step, 9)
    exact = np.unique(np.round(onsets, 9))
    if len(exact):
        exact = exact[np.append(True, np.diff(exact) >= _CLOSE)]
        after = np.searchsorted(exact, grid)
        ahead = np.abs(exact[np.minimum(after, len(exact) - 1)] - grid)
        behind = np.abs(exact[np.maximum(after - 1, 0)] - grid)
        grid = grid[np.minimum(ahead, behind) >= _CLOSE]
    return np.sort(np.concatenate((grid, exact)))


def check_out(out: Path, sources: Sequence[Path]) -> None:
    """See early that a table can be written.

    Raises
    ------
    UsageError
        ``out`` is a folder, in no folder, or one of the files that are read.
    """
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; name the table with --out FILE.csv")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out.absolute().parent}: there is no such folder; make it first")
    if any(out.resolve() == source.resolve() for source in sources):
        raise UsageError(f"{out}: is one of the files to be read; give another --out")


def write_table(out: Path, table: AlignmentTable) -> None:
    """Write a table, whole or not at all.

    Raises
    ------
    AccompanistError
        It cannot be written.
    """
    beside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        beside.write_text(table.text(), encoding="utf-8")
        os.replace(beside, out)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise AccompanistError(f"{out}: cannot be written ({error.strerror})") from error
