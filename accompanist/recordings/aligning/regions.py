"""Where two recordings of a piece run together: the rough alignment, its ends and its gaps.

Local alignment after Smith and Waterman with affine gaps after Gotoh (J. Mol. Biol. 162, 1982) on
smoothed chroma: it begins and ends where the two begin and end to agree, and may pass over a
stretch that only one of them has (a repeat left out, a cadenza, applause) at a fixed price.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.recordings.aligning.features import FRAMES_PER_S

__all__ = ["Coarse", "Region", "Rough", "coarse", "coarse_hop", "rough_alignment"]

FloatArray = npt.NDArray[np.float32]

_HOPS = (10, 25, 50, 100, 200, 400)
"""Frames from row to row of the rough alignment; the finest that fits is taken."""
_MOST_CELLS = 30_000_000
_LIKENESS = 0.35
"""Two moments that are more alike than this speak for one another."""
_BENT = 0.04
"""Price of a row out of step."""
_GAP_S = 6.0
"""A gap costs as much as so many seconds of good likeness bring."""
_GOOD = 0.35

_STOP, _DIAGONAL, _SECOND, _FIRST, _SKIP_FIRST, _SKIP_SECOND = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class Coarse:
    """Smoothed chroma less their mean, rows of length 1 or 0 [shape=(rows, 12)]."""

    rows: FloatArray
    hop: int

    @property
    def hop_s(self) -> float:
        """Seconds from row to row."""
        return self.hop / FRAMES_PER_S

    def turned(self, semitones: int) -> Coarse:
        """Give the same, transposed up."""
        return Coarse(np.roll(self.rows, semitones, axis=1), self.hop)


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of the first that runs together with a stretch of the second, in seconds."""

    first_start_s: float
    first_end_s: float
    second_start_s: float
    second_end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Rough:
    """The rough alignment.

    Attributes
    ----------
    gain : float
        How much the two agree, in seconds of full likeness.
    path_s : ndarray [shape=(n, 2)]
        Places of the first and the second that belong together, in seconds.
    regions : tuple of Region
        The path without its gaps.
    hop_s : float
        Distance of its places in the second.
    """

    gain: float
    path_s: npt.NDArray[np.float64]
    regions: tuple[Region, ...]
    hop_s: float


def coarse_hop(frames_first: int, frames_second: int, most_cells: int = _MOST_CELLS) -> int:
    """Finest hop at which the two can be compared row by row."""
    for hop in _HOPS:
        if (frames_first / hop) * (frames_second / hop) <= most_cells:
            return hop
    return _HOPS[-1]


def coarse(chroma: FloatArray, loudness: FloatArray, hop: int, speed: float = 1.0) -> Coarse:
    """Smooth chroma over two hops; ``speed`` above 1 makes it shorter."""
    from scipy.ndimage import uniform_filter1d

    width = max(int(2 * hop * speed), 1)
    weighted = chroma * (loudness > 0.0)[:, None]
    smooth = uniform_filter1d(weighted, width, axis=0, mode="constant")
    at = np.arange(0.0, len(chroma), hop * speed).astype(np.intp)
    rows = smooth[at]
    sounding = np.linalg.norm(rows, axis=1) > 0.2
    if sounding.any():
        rows = rows - rows[sounding].mean(axis=0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.where(sounding[:, None], rows / np.maximum(lengths, 1e-6), 0.0)
    return Coarse(np.ascontiguousarray(rows, dtype=np.float32), hop)


def rough_alignment(first: Coarse, second: Coarse) -> Rough | None:
    """Find the stretches that run together; None where nothing agrees.

    Time and one byte of memory for every pair of rows.
    """
    gap = _GAP_S / second.hop_s * _GOOD
    back, best, end_i, end_j = _fill(first.rows, second.rows, _LIKENESS, _BENT, gap)
    if best <= 0.0:
        return None
    steps = _trace(back, end_i, end_j)
    path = steps[:, :2]
    cuts = np.flatnonzero(steps[1:, 2] >= _SKIP_FIRST) + 1
    regions = []
    for piece in np.split(path, cuts):
        # What stands still at the ends of a stretch says nothing.
        if len(piece) > 1 and (piece[-1] > piece[0]).all():
            (a, b), (c, d) = piece[0], piece[-1]
            regions.append(Region(*(float(v) * first.hop_s for v in (a, c, b, d))))
    if not regions:
        return None
    return Rough(best * second.hop_s, path * first.hop_s, tuple(regions), second.hop_s)


@nb.njit(cache=True, nogil=True, fastmath=True)
def _fill(
    first: FloatArray, second: FloatArray, likeness: float, bent: float, gap: float
) -> tuple[npt.NDArray[np.uint8], float, int, int]:
    """Accumulate gains; ``back`` holds the step and, in higher bits, whether gaps go on.

    Bits 0–2: step into the match state. Bit 3: the gap in the first began here. Bit 4: the gap in
    the second began here.
    """
    n, m = first.shape[0], second.shape[0]
    classes = first.shape[1]
    back = np.zeros((n, m), dtype=np.uint8)
    before = np.zeros(m + 1, dtype=np.float64)
    now = np.zeros(m + 1, dtype=np.float64)
    over_first = np.full(m + 1, -1e30)
    best, end_i, end_j = 0.0, 0, 0
    for i in range(n):
        over_second = -1e30
        now[0] = 0.0
        for j in range(m):
            like = 0.0
            for k in range(classes):
                like += first[i, k] * second[j, k]
            gain = like - likeness
            code = 0
            # A gap in the first: it goes on without the second.
            opened = before[j + 1] - gap
            if opened > over_first[j + 1]:
                over_first[j + 1] = opened
                code |= 8
            opened = now[j] - gap
            if opened > over_second:
                over_second = opened
                code |= 16
            value, step = 0.0, 0
            here = before[j] + gain
            if here > value:
                value, step = here, 1
            here = now[j] + gain - bent
            if here > value:
                value, step = here, 2
            here = before[j + 1] - bent + min(gain, 0.0)
            if here > value:
                value, step = here, 3
            here = over_first[j + 1]
            if here > value:
                value, step = here, 4
            here = over_second
            if here > value:
                value, step = here, 5
            now[j + 1] = value
            back[i, j] = code | step
            if value > best:
                best, end_i, end_j = value, i, j
        before, now = now, before
    return back, best, end_i, end_j


@nb.njit(cache=True, nogil=True)
def _trace(back: npt.NDArray[np.uint8], end_i: int, end_j: int) -> npt.NDArray[np.int64]:
    """Follow the steps back: rows of (i, j, step that led there)."""
    found = np.empty((end_i + end_j + 2, 3), dtype=np.int64)
    count = 0
    i, j = end_i, end_j
    while i >= 0 and j >= 0:
        step = back[i, j] & 7
        if step == 0:
            break
        found[count, 0], found[count, 1], found[count, 2] = i, j, step
        count += 1
        if step == 1:
            i, j = i - 1, j - 1
        elif step == 2:
            j -= 1
        elif step == 3:
            i -= 1
        elif step == 4:
            while i >= 0 and not back[i, j] & 8:
                i -= 1
            i -= 1
        else:
            while j >= 0 and not back[i, j] & 16:
                j -= 1
            j -= 1
    return found[:count][::-1].copy()
