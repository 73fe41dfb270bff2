"""Tempo-aware on-line time warping, a column a frame, past decisions taken again.

After A. Arzt, G. Widmer, S. Dixon: Automatic page turning for musicians via real-time machine
listening, ECAI 2008 (backward-forward strategy), and A. Arzt, G. Widmer: Simple tempo models for
real-time music tracking, SMC 2010 (the score stretched by the tempo of the latest onsets, so that
the path keeps to the diagonal). Written from the papers' descriptions; constants that they leave
open are ours.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["Stretched", "retrace"]

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

BACK: Final = 250
AHEAD: Final = 250
"""Cells kept behind and ahead of the position: five seconds each, at the believed tempo."""

REVISED: Final = 250
REVISE_EVERY: Final = 10
"""Every fifth of a second the last five seconds are aligned backwards, then forwards again."""

_REMEMBERED: Final = 1500
_ONSETS: Final = 20
_SLOPE_FRAMES: Final = 75
"""A local tempo is the path's slope over three seconds, this many frames to either side."""

_SETTLED_FRAMES: Final = 50
"""Onsets of the last second are not yet certain."""

_TEMPI: Final = (0.33, 3.0)
_WORTH_IT: Final = 0.03
"""The score is stretched anew when the tempo has changed by this share."""

STRAIGHT: Final = 0.45
"""Added to a step along one side only: with the score stretched the diagonal is what is to be
expected, and where the sound does not change nothing else would keep the path to it."""

FASTEST: Final = 3
"""Cells a frame that the position may go forward."""

_FAR: Final = 1e12


@nb.njit(cache=True, nogil=True, fastmath=False)
def _advance(costs: FloatArray, lengths: FloatArray, distances: FloatArray) -> None:
    """One more column of the path-cost matrix, in place; diagonal steps cost twice."""
    diagonal_cost, diagonal_length = _FAR, 1.0
    for k in range(len(costs)):
        d = distances[k]
        straight = d + STRAIGHT
        old_cost, old_length = costs[k], lengths[k]
        best, length = diagonal_cost + 2.0 * d, diagonal_length + 2.0
        if old_cost + straight < best:
            best, length = old_cost + straight, old_length + 1.0
        if k > 0 and costs[k - 1] + straight < best:
            best, length = costs[k - 1] + straight, lengths[k - 1] + 1.0
        costs[k], lengths[k] = min(best, _FAR), length
        diagonal_cost, diagonal_length = old_cost, old_length


@nb.njit(cache=True, nogil=True, fastmath=True)
def _distances(rows: Float32Array, score: Float32Array, out: FloatArray) -> None:
    """Euclidean, of unit vectors [shape=(r, n)], [shape=(c, n)] into [shape=(r, c)]."""
    for i in range(len(rows)):
        for k in range(len(score)):
            dot = np.float32(0.0)
            for n in range(rows.shape[1]):
                dot += rows[i, n] * score[k, n]
            out[i, k] = np.sqrt(max(np.float32(0.0), np.float32(2.0) - np.float32(2.0) * dot))


@nb.njit(cache=True, nogil=True, fastmath=False)
def retrace(distances: FloatArray, end: int, path: npt.NDArray[np.int64]) -> int:
    """Align backwards from the last row and cell ``end``, the other end open.

    Parameters
    ----------
    distances : ndarray [shape=(r, c)]
        Of the rows heard, the latest last, from the cells of the score.
    end : int
        Cell of the last row.
    path : ndarray [shape=(r,)]
        Gets the first cell that each row is aligned with.

    Returns
    -------
    int
        Cell of the first row.
    """
    rows = len(distances)
    width = end + 1
    costs = np.full((rows, width), _FAR)
    lengths = np.ones((rows, width))
    steps = np.zeros((rows, width), dtype=np.int8)
    for i in range(rows - 1, -1, -1):
        for k in range(width - 1, -1, -1):
            d = distances[i, k]
            if i == rows - 1 and k == end:
                costs[i, k] = d
                continue
            best, length, step = _FAR, 1.0, 0
            if i + 1 < rows and k + 1 < width:
                best, length, step = costs[i + 1, k + 1] + 2 * d, lengths[i + 1, k + 1] + 2, 1
            straight = d + STRAIGHT
            if i + 1 < rows and costs[i + 1, k] + straight < best:
                best, length, step = costs[i + 1, k] + straight, lengths[i + 1, k] + 1, 2
            if k + 1 < width and costs[i, k + 1] + straight < best:
                best, length, step = costs[i, k + 1] + straight, lengths[i, k + 1] + 1, 3
            costs[i, k], lengths[i, k], steps[i, k] = min(best, _FAR), length, step
    k = int(np.argmin(costs[0] / lengths[0]))
    first = k
    i = 0
    path[0] = k
    while i < rows - 1 or k < end:
        step = steps[i, k]
        if step == 0:
            break
        if step != 3:
            i += 1
        if step != 2:
            k += 1
        if step != 3:
            path[i] = k
    return first


class Stretched:
    """Aligns what is heard with the score, stretched to the believed tempo.

    Attributes
    ----------
    position : float
        Score frames from the first row.
    tempo : float
        Score frames a frame heard.

    Parameters
    ----------
    score : ndarray [shape=(rows, n)]
        Expected features, unit vectors.
    onsets : ndarray [shape=(m,)]
        Where events begin, score frames.
    """

    def __init__(self, score: Float32Array, onsets: FloatArray) -> None:
        self._score = score
        self._onsets = onsets
        cells = BACK + AHEAD + 1
        self._costs = np.full(cells, _FAR)
        self._lengths = np.ones(cells)
        self._heard = np.zeros((REVISED, score.shape[1]), dtype=np.float32)
        self._past = np.zeros(_REMEMBERED)
        self._best = BACK
        self._one: FloatArray = np.zeros((1, cells))
        self._many: FloatArray = np.zeros((REVISED, cells))
        self._path = np.zeros(REVISED, dtype=np.int64)
        self.restart(0)

    def restart(self, row: int) -> None:
        """Begin at a row of the score, at the written tempo."""
        self.tempo = 1.0
        self.position = float(row)
        self._count = 0
        self._grid(float(row))
        self._costs[:] = _FAR
        self._lengths[:] = 1.0

    def add(self, row: Float32Array) -> None:
        """Hear one frame [shape=(n,)], a unit vector."""
        self._heard[:-1] = self._heard[1:]
        self._heard[-1] = row
        self._past[:-1] = self._past[1:]
        self._count += 1
        _distances(self._heard[-1:], self._looks, self._one)
        if self._count == 1:
            self._costs[BACK], self._lengths[BACK] = self._one[0, BACK], 1.0
        else:
            _advance(self._costs, self._lengths, self._one[0])
        self._settle()
        if self._count % REVISE_EVERY == 0 and self._count > 2 * REVISE_EVERY:
            self._revise()
        self._recentre()

    def evidence(self) -> tuple[FloatArray, int, float]:
        """Path costs of the cells, the cell of the position, and score frames a cell."""
        return self._costs, self._best, self._step

    def _settle(self) -> None:
        inside = self._rows <= len(self._score) - 1.0
        least = int(np.argmin(np.where(inside, self._costs / self._lengths, np.inf)))
        self._best = min(least, self._best + FASTEST)
        self.position = float(self._rows[self._best])
        self._past[-1] = self.position

    def _revise(self) -> None:
        """Backward-forward: the path that leads here, and where it leads if begun there."""
        count = min(self._count, REVISED)
        heard, distances = self._heard[-count:], self._many[:count]
        _distances(heard, self._looks, distances)
        first = retrace(distances, self._best, self._path[:count])
        self._past[-count:] = self._rows[self._path[:count]]
        self._costs[:] = _FAR
        self._lengths[:] = 1.0
        self._costs[first] = distances[0, first]
        for i in range(1, count):
            _advance(self._costs, self._lengths, distances[i])
        self._settle()
        self._measure()

    def _measure(self) -> None:
        """Tempo of the latest onsets that are certain, the latest weighing most."""
        count = min(self._count, _REMEMBERED)
        path = np.maximum.accumulate(self._past[-count:])
        last = count - 1 - _SETTLED_FRAMES
        if last < _SLOPE_FRAMES // 3:
            return
        first, behind = np.searchsorted(self._onsets, [path[0], path[last]], side="right")
        at = np.searchsorted(path, self._onsets[max(first, behind - _ONSETS) : behind])
        if not len(at):
            return
        low, high = np.maximum(at - _SLOPE_FRAMES, 0), np.minimum(at + _SLOPE_FRAMES, count - 1)
        slopes = (path[high] - path[low]) / np.maximum(high - low, 1)
        weights = np.arange(1.0, len(at) + 1.0)
        self.tempo = float(np.clip(weights @ slopes / weights.sum(), *_TEMPI))

    def _recentre(self) -> None:
        """Let the cells lie about the position, as far apart as the tempo says."""
        changed = abs(np.log(self.tempo / self._step)) > _WORTH_IT
        if not changed and abs(self._best - BACK) < BACK // 10:
            return
        rows, costs, lengths = self._rows, self._costs, self._lengths
        self._grid(self.position if changed else float(rows[self._best]))
        known = (self._rows >= rows[0]) & (self._rows <= rows[-1])
        self._costs = np.where(known, np.interp(self._rows, rows, costs), _FAR)
        self._lengths = np.where(known, np.interp(self._rows, rows, lengths), 1.0)
        self._best = BACK

    def _grid(self, centre: float) -> None:
        self._step = self.tempo
        self._rows: FloatArray = np.asarray(
            centre + self._step * np.arange(-BACK, AHEAD + 1), dtype=np.float64
        )
        nearest = np.clip(np.round(self._rows).astype(np.intp), 0, len(self._score) - 1)
        self._looks = self._score[nearest]
        self._best = BACK
