"""Dixon's on-line time warping: rows and columns of the path-cost matrix, a band of it kept.

S. Dixon: Live tracking of musical performances using on-line time warping. DAFx 2005; An on-line
time warping algorithm for tracking musical performances. IJCAI 2005. Here ``t`` counts frames of
the input and ``j`` frames of the score.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["Band", "Increment"]

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

_BOTH: Final = 0
_INPUT: Final = 1
_SCORE: Final = 2


class Increment(IntEnum):
    """Which way the band grows next."""

    BOTH = _BOTH
    INPUT = _INPUT
    SCORE = _SCORE


@nb.njit(cache=True, nogil=True, fastmath=False)
def _distance(a: Float32Array, b: Float32Array) -> float:
    total = 0.0
    for k in range(len(a)):
        total += (a[k] - b[k]) ** 2
    return float(np.sqrt(total))


@nb.njit(cache=True, nogil=True, fastmath=False)
def _cell(costs: FloatArray, t: int, j: int, distance: float) -> None:
    """EvaluatePathCost: a diagonal step costs twice, so that no path is cheaper for its shape."""
    wide = costs.shape[0] - 1
    best = np.inf
    if t > 0 and j > 0:
        best = costs[(t - 1) & wide, (j - 1) & wide] + 2.0 * distance
    if t > 0:
        best = min(best, costs[(t - 1) & wide, j & wide] + distance)
    if j > 0:
        best = min(best, costs[t & wide, (j - 1) & wide] + distance)
    if t == 0 and j == 0:
        best = distance
    costs[t & wide, j & wide] = best


@nb.njit(cache=True, nogil=True, fastmath=False)
def _add_row(
    costs: FloatArray, heard: Float32Array, score: Float32Array, t: int, j: int, width: int
) -> None:
    wide = costs.shape[0] - 1
    costs[t & wide, :] = np.inf
    for k in range(max(0, j - width + 1), j + 1):
        _cell(costs, t, k, _distance(heard[t & wide], score[k]))


@nb.njit(cache=True, nogil=True, fastmath=False)
def _add_column(
    costs: FloatArray, heard: Float32Array, score: Float32Array, t: int, j: int, width: int
) -> None:
    wide = costs.shape[0] - 1
    costs[:, j & wide] = np.inf
    for k in range(max(0, t - width + 1), t + 1):
        _cell(costs, k, j, _distance(heard[k & wide], score[j]))


@nb.njit(cache=True, nogil=True, fastmath=False)
def _frontier(costs: FloatArray, t: int, j: int, width: int) -> tuple[int, int, int, float]:
    """Where the normalised cost is least: (t, j) on the frontier, j within row t, and that cost."""
    wide = costs.shape[0] - 1
    best, at_t, at_j = np.inf, t, j
    in_row, row_j = np.inf, j
    # From the corner outwards: of equals, the nearest to the corner.
    for k in range(j, max(0, j - width + 1) - 1, -1):
        cost = costs[t & wide, k & wide] / (t + k + 1)
        if cost < in_row:
            in_row, row_j = cost, k
    best, at_j = in_row, row_j
    for k in range(t - 1, max(0, t - width + 1) - 1, -1):
        cost = costs[k & wide, j & wide] / (k + j + 1)
        if cost < best:
            best, at_t, at_j = cost, k, j
    return at_t, at_j, row_j, in_row


class Band:
    """Aligns what is heard with the score, from one row of it on.

    Attributes
    ----------
    t, j : int
        The corner: the last frame of the input and the last row of the score that are in.
    best : int
        The row of the score with which the last frame is aligned, at the least normalised cost.

    Parameters
    ----------
    score : ndarray [shape=(rows, n)]
        Expected features, Euclidean distances between them meaningful.
    width : int
        Search width c, frames.
    longest_run : int
        MaxRunCount: after more than this many steps one way the other side has its turn.
    """

    def __init__(self, score: Float32Array, width: int = 500, longest_run: int = 3) -> None:
        self._score = score
        self._width = width
        self._longest_run = longest_run
        size = 1 << width.bit_length()
        self._costs: FloatArray = np.full((size, size), np.inf)
        self._heard = np.zeros((size, score.shape[1]), dtype=np.float32)
        self.restart(0)

    def restart(self, row: int) -> None:
        """Forget everything heard; begin at a row of the score."""
        self._costs[:] = np.inf
        self._first = row
        self._rest = self._score[row:]
        self.t = -1
        self._j = 0
        self._at = 0
        self._next = Increment.INPUT
        self._previous: Increment | None = None
        self._run = 0

    @property
    def j(self) -> int:
        return self._first + self._j

    @property
    def best(self) -> int:
        return self._first + self._at

    def add(self, row: Float32Array) -> None:
        """Hear one frame [shape=(n,)]; the score's side follows as far as it should."""
        self.t += 1
        self._heard[self.t & (len(self._heard) - 1)] = row
        _add_row(self._costs, self._heard, self._rest, self.t, self._j, self._width)
        if self._next is Increment.BOTH:
            self._grow_score()
        while True:
            self._next = self._increment()
            if self._next is not Increment.SCORE:
                break
            self._grow_score()

    def costs(self) -> tuple[int, FloatArray]:
        """Path costs of the last frame [shape=(k,)] over rows of the score, and the first row."""
        first = max(0, self._j - self._width + 1)
        wide = len(self._costs) - 1
        columns = np.arange(first, self._j + 1) & wide
        return self._first + first, np.asarray(self._costs[self.t & wide, columns])

    def _grow_score(self) -> None:
        if self._j + 1 < len(self._rest):
            self._j += 1
            _add_column(self._costs, self._heard, self._rest, self.t, self._j, self._width)

    def _increment(self) -> Increment:
        """GetInc, with the run count kept."""
        at_t, at_j, self._at, _ = _frontier(self._costs, self.t, self._j, self._width)
        if self._j + 1 >= len(self._rest):
            return Increment.INPUT
        if self.t < self._width:
            chosen = Increment.BOTH
        elif self._run > self._longest_run:
            turned = self._previous is Increment.INPUT
            chosen = Increment.SCORE if turned else Increment.INPUT
        elif at_t < self.t:
            chosen = Increment.SCORE
        elif at_j < self._j:
            chosen = Increment.INPUT
        else:
            chosen = Increment.BOTH
        self._run = self._run + 1 if chosen is self._previous else 1
        if chosen is not Increment.BOTH:
            self._previous = chosen
        return chosen
