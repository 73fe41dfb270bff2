"""Warping one line along another in time: paths through costs, within a band, coarse to fine.

Costs come from a table [shape=(kinds, columns), dtype=int8]: what it costs to see a kind (a pitch,
silence, the start of a pitch) in a frame of the mixture, less what it costs by chance; a row of the
solo is a weighted set of kinds. So an hour against an hour needs a table of some 50 MB and a band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = [
    "UNIT",
    "Rows",
    "WarpingPath",
    "along",
    "coarser",
    "coarser_rows",
    "quantised",
    "warp",
    "warp_near",
]

Int8Array = npt.NDArray[np.int8]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]

UNIT = 1.0 / 79.0
"""Cost of one in a table."""

_DENSE_CELLS = 16_000_000
_FACTOR = 4
_MARGIN_CELLS = 6
_MARGIN_FRAMES = 86
_NEVER = np.float32(1e30)
_DOUBT, _DOUBTFUL = 0.3, 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The line that is warped: row i is kinds ``kind[start[i]:start[i + 1]]``, weighted."""

    start: IntArray
    kind: IntArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.start) - 1


@dataclass(frozen=True, slots=True, eq=False)
class WarpingPath:
    """Pairs (row, column), both never falling [each shape=(n,)], and what it cost in all."""

    row: IntArray
    column: IntArray
    cost: float


def quantised(cost: FloatArray) -> Int8Array:
    """Make a table of costs between −1.6 and 1.6."""
    return np.asarray(np.clip(np.rint(cost / UNIT), -127, 127), dtype=np.int8)


def coarser(table: Int8Array, factor: int) -> Int8Array:
    """Average columns of a table, ``factor`` to one."""
    if factor == 1:
        return table
    columns = -(-table.shape[1] // factor)
    out = np.empty((len(table), columns), dtype=np.int8)
    for kind, row in enumerate(table):  # row by row: a float copy of all would be large
        padded = np.pad(row, (0, columns * factor - len(row)), mode="edge")
        out[kind] = np.rint(padded.reshape(columns, factor).mean(axis=1, dtype=np.float32))
    return out


def coarser_rows(rows: Rows, factor: int, kinds: int) -> Rows:
    """Join ``factor`` rows to one; kinds from ``kinds`` on (starts) are left to the fine level."""
    count = -(-len(rows) // factor)
    owner = np.repeat(np.arange(len(rows)), np.diff(rows.start)) // factor
    kept = rows.kind < kinds
    key = owner[kept] * kinds + rows.kind[kept]
    found, inverse = np.unique(key, return_inverse=True)
    weight = np.bincount(inverse, rows.weight[kept], minlength=len(found))
    owner = found // kinds
    total = np.maximum(np.bincount(owner, weight, minlength=count), 1e-9)
    start = np.searchsorted(owner, np.arange(count + 1))
    return Rows(start, found % kinds, (weight / total[owner]).astype(np.float32))


def warp(
    table: Int8Array, rows: Rows, penalty: float, *, kinds: int, coarsest: int = 1, finest: int = 1
) -> WarpingPath:
    """Find the cheapest path of the rows through the columns, its ends free on either side.

    Dynamic time warping; a step that is not diagonal costs ``penalty`` more. Where rows times
    columns are too many, a coarse path comes first and a band around it is searched finely.

    Parameters
    ----------
    table : ndarray [shape=(kinds, columns), dtype=int8]
    rows : Rows
    penalty : float
    kinds : int
        Kinds of the table that coarse levels look at.
    coarsest, finest : int
        Frames to a cell at the coarsest level at least, at the last level.

    Returns
    -------
    WarpingPath
        In cells of the last level.
    """
    factor = max(coarsest, finest)
    while len(rows) * table.shape[1] / factor**2 > _DENSE_CELLS:
        factor *= _FACTOR
    path: WarpingPath | None = None
    while True:
        small = coarser(table[:kinds], factor) if factor > 1 else table
        line = coarser_rows(rows, factor, kinds) if factor > 1 else rows
        low, width = _band(path, len(line), small.shape[1], factor)
        path = _through(small, line, low, width, penalty)
        if factor <= finest:
            return path
        factor = max(finest, factor // _FACTOR)


def warp_near(
    table: Int8Array,
    rows: Rows,
    penalty: float,
    middle: npt.NDArray[np.float64],
    tolerance: float,
) -> WarpingPath:
    """Find the cheapest path that stays near another.

    ``middle`` is the column of each row there [shape=(rows,)]; ``tolerance`` columns away from it
    cost a little, much more than that is not looked at.
    """
    columns = table.shape[1]
    margin = max(_MARGIN_FRAMES, int(4 * tolerance))
    width = min(columns, 2 * margin + 1)
    low = np.clip(np.rint(middle).astype(np.int64) - margin, 0, columns - width)
    return _through(table, rows, np.maximum.accumulate(low), width, penalty, middle, tolerance)


def _band(path: WarpingPath | None, count: int, columns: int, factor: int) -> tuple[IntArray, int]:
    """Lay a band around a path of a coarser level, or over everything."""
    if path is None:
        return np.zeros(count, dtype=np.int64), columns
    middle = along(path.row * _FACTOR + 2, path.column * _FACTOR + 2, count)
    margin = max(_MARGIN_CELLS * _FACTOR, -(-_MARGIN_FRAMES // factor))
    width = min(columns, 2 * margin + 1)
    low = np.clip(np.rint(middle).astype(np.int64) - margin, 0, columns - width)
    return np.maximum.accumulate(low), width


def along(row: IntArray, column: IntArray, count: int) -> npt.NDArray[np.float64]:
    """Give the column of each row along a path; beyond its ends, a column a row."""
    first = np.unique(row, return_index=True)[1]
    at = np.arange(count)
    middle = np.interp(at, row[first], column[first])
    middle = np.where(at < row[0], column[0] + (at - row[0]), middle)
    return np.asarray(np.where(at > row[-1], column[-1] + (at - row[-1]), middle))


def _through(
    table: Int8Array,
    rows: Rows,
    low: IntArray,
    width: int,
    penalty: float,
    middle: npt.NDArray[np.float64] | None = None,
    tolerance: float = 1.0,
) -> WarpingPath:
    row, column, cost = _search(
        table,
        rows.start,
        rows.kind,
        rows.weight,
        low,
        width,
        np.float32(penalty),
        np.zeros(0) if middle is None else middle,
        tolerance,
    )
    return WarpingPath(row, column, float(cost))


@nb.njit(cache=True, nogil=True, fastmath=True)
def _search(
    table: Int8Array,
    start: IntArray,
    kind: IntArray,
    weight: FloatArray,
    low: IntArray,
    width: int,
    penalty: float,
    middle: npt.NDArray[np.float64],
    tolerance: float,
) -> tuple[IntArray, IntArray, np.float32]:  # pragma: no cover
    rows, columns = len(start) - 1, table.shape[1]
    back = np.empty((rows, width), dtype=np.uint8)
    above = np.full(width, _NEVER, dtype=np.float32)
    here = np.empty(width, dtype=np.float32)
    cell = np.empty(width, dtype=np.float32)
    best, best_row, best_column = _NEVER, 0, 0
    for i in range(rows):
        shift = low[i] - low[i - 1] if i else 0
        for j in range(width):
            cell[j] = 0.0
        for e in range(start[i], start[i + 1]):
            w = weight[e] * np.float32(UNIT)
            line = table[kind[e]]
            for j in range(width):
                cell[j] += w * np.float32(line[low[i] + j])
        if len(middle):
            for j in range(width):
                far = (low[i] + j - middle[i]) / tolerance
                cell[j] += np.float32(_DOUBT * min(far * far, _DOUBTFUL))
        for j in range(width):
            cost = cell[j]
            aside = np.float32(0.5) * cost + penalty
            value, step = _NEVER, 3
            if i == 0 or low[i] + j == 0:
                value = cost
            k = j + shift
            if i and 0 < k <= width and above[k - 1] + cost < value:
                value, step = above[k - 1] + cost, 0
            if i and k < width and above[k] + aside < value:
                value, step = above[k] + aside, 1
            if j and here[j - 1] + aside < value:
                value, step = here[j - 1] + aside, 2
            here[j] = value
            back[i, j] = step
            if (i == rows - 1 or low[i] + j == columns - 1) and value < best:
                best, best_row, best_column = value, i, low[i] + j
        for j in range(width):
            above[j] = here[j]
    i, column = best_row, best_column
    path_row = np.empty(rows + columns, dtype=np.int64)
    path_column = np.empty(rows + columns, dtype=np.int64)
    at = rows + columns
    while True:
        at -= 1
        path_row[at] = i
        path_column[at] = column
        step = back[i, column - low[i]]
        if step == 3:
            break
        if step != 2:
            i -= 1
        if step != 1:
            column -= 1
    return path_row[at:].copy(), path_column[at:].copy(), best
