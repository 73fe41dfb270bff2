"""CSV tables of numbers, read with errors that name file, row and remedy."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError

__all__ = ["read_numbers", "read_rows", "read_truth"]

Array = npt.NDArray[np.float64]
_MOST_BYTES = 64 * 2**20


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a CSV file with a header, as text; empty lines and lines with ``#`` left out.

    Raises
    ------
    BadInputError
        The file cannot be read, or one of ``columns`` is missing.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadInputError(f"{path}: cannot be read ({reason}); give a CSV file") from error
    if len(data) > _MOST_BYTES:
        raise BadInputError(f"{path}: too large for a table of a take; give a CSV file")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if "\0" in text or not lines:
        raise BadInputError(f"{path}: it is not a table; give a CSV file with a header line")
    reader = csv.DictReader(lines, skipinitialspace=True)
    have = [name.strip() for name in reader.fieldnames or ()]
    missing = [name for name in columns if name not in have]
    if missing:
        raise BadInputError(
            f"{path}: there is no column {', '.join(missing)}; "
            f"the first line has to name {','.join(columns)}"
        )
    reader.fieldnames = have
    return [{k: (v or "").strip() for k, v in row.items() if isinstance(k, str)} for row in reader]


def read_numbers(path: Path, columns: Sequence[str]) -> Array:
    """Columns of a CSV file as numbers [shape=(n_rows, n_columns)]; other columns are ignored.

    Raises
    ------
    BadInputError
        As `read_rows`, or a cell that is not a finite number.
    """
    rows = read_rows(path, columns)
    table = np.empty((len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, name in enumerate(columns):
            try:
                table[i, j] = float(row[name])
            except ValueError:
                table[i, j] = np.nan
            if not np.isfinite(table[i, j]):
                raise BadInputError(
                    f"{path}: row {i + 1}: {name} is {row[name]!r}; a number has to stand there"
                )
    return table


def read_truth(path: Path) -> tuple[Array, Array]:
    """Positions and times of the true onsets, sorted by time [both shape=(n,)].

    Raises
    ------
    BadInputError
        As `read_numbers`, or fewer than two onsets at rising positions.
    """
    table = read_numbers(path, ("quarter", "time"))
    table = table[np.argsort(table[:, 1], kind="stable")]
    if not (np.diff(table[:, 0]) > 0).any():
        raise BadInputError(
            f"{path}: {len(table)} rows; a truth file needs two onsets at rising positions"
        )
    return table[:, 0], table[:, 1]
