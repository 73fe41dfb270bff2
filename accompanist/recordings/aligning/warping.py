"""The exact alignment: multi-scale dynamic time warping within the stretches that run together.

The warping is `synctoolbox`'s memory-restricted multi-scale one (M. Müller, Y. Özer, M. Krause,
T. Prätzlich, J. Driedger: Sync Toolbox, JOSS 6(64), 2021; MrMsDTW: T. Prätzlich, J. Driedger,
M. Müller, ICASSP 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.recordings.aligning.features import FRAMES_PER_S, Features
from accompanist.recordings.aligning.regions import Region

__all__ = ["Stretch", "TimeMap", "warp"]

FloatArray = npt.NDArray[np.float64]

_STEP_WEIGHTS = (1.5, 1.5, 2.0)
_LEAST_AREA, _MOST_AREA = 10_000, 1_000_000
_MOST_CELLS = 20_000_000
"""Cells of all the finest rectangles together; two matrices of them are in memory."""
_LEVELS = (1, 5, 25, 50, 100, 200, 400)
_SMOOTHING_S = 0.06
"""The staircase of the path is evened out over so long a stretch of both together."""
_KNOT_S = 0.04
_LEAST_RISE_S = 1e-4
_LENGTHENING_S = 0.3
_ENDS_SLOPE_S = 3.0
_STANDING_S = 0.3
"""Standing still longer than this at an end of a stretch is not running together."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Places of the first and of the second that belong together, in seconds.

    Attributes
    ----------
    first_s, second_s : ndarray [same shape=(n,)]
        Both strictly increasing; between knots both go on evenly.
    """

    first_s: FloatArray
    second_s: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class TimeMap:
    """Where moments of the first are in the second; not a number where it has none of them."""

    stretches: tuple[Stretch, ...]

    def second_s(self, first_s: npt.ArrayLike) -> FloatArray:
        """Places in the second, array in, array out; NaN outside the stretches."""
        return self._looked_up(first_s, [(s.first_s, s.second_s) for s in self.stretches])

    def first_s(self, second_s: npt.ArrayLike) -> FloatArray:
        """Places in the first, array in, array out; NaN outside the stretches."""
        return self._looked_up(second_s, [(s.second_s, s.first_s) for s in self.stretches])

    @staticmethod
    def _looked_up(
        wanted: npt.ArrayLike, tables: list[tuple[FloatArray, FloatArray]]
    ) -> FloatArray:
        at = np.asarray(wanted, dtype=np.float64)
        out = np.full(at.shape, np.nan)
        for x, y in tables:
            inside = (at >= x[0]) & (at <= x[-1]) & np.isnan(out)
            out[inside] = np.interp(at[inside], x, y)
        return out


def warp(
    first: Features,
    second: Features,
    regions: tuple[Region, ...],
    advance: Callable[[float], None] | None = None,
) -> TimeMap:
    """Align within each region; ``advance`` is told the seconds of the second done.

    Memory grows with the length of a region, not with its square.
    """
    stretches: list[Stretch] = []
    for region in regions:
        stretch = _warp_region(first, second, region)
        if stretch is not None:
            stretches.append(stretch)
        if advance is not None:
            advance(region.second_end_s - region.second_start_s)
    return TimeMap(tuple(_apart(stretches)))


def _warp_region(first: Features, second: Features, region: Region) -> Stretch | None:
    a = _frames(region.first_start_s, region.first_end_s, len(first))
    b = _frames(region.second_start_s, region.second_end_s, len(second))
    if min(a.stop - a.start, b.stop - b.start) < 3:
        return None
    path = _path(first, second, a, b)
    path = _without_standing(path)
    if len(path) < 2:
        return None
    smooth = _evened(path) / FRAMES_PER_S
    x, y = smooth[:, 0] + a.start / FRAMES_PER_S, smooth[:, 1] + b.start / FRAMES_PER_S
    keep = _knots(x, y)
    if len(keep) < 2:
        return None
    return _lengthened(x[keep], y[keep], first.duration_s, second.duration_s)


def _frames(start_s: float, end_s: float, count: int) -> slice:
    return slice(max(round(start_s * FRAMES_PER_S), 0), min(round(end_s * FRAMES_PER_S) + 1, count))


def _path(first: Features, second: Features, a: slice, b: slice) -> FloatArray:
    """Warping path [shape=(n, 2)] in frames from the starts of the slices."""
    from synctoolbox.dtw.mrmsdtw import sync_via_mrmsdtw

    n, m = a.stop - a.start, b.stop - b.start
    # Rectangles along the path have together its length times the root of their area.
    area = int(np.clip((_MOST_CELLS / max(n, m)) ** 2, _LEAST_AREA, _MOST_AREA))
    levels = [1]
    for level in _LEVELS[1:]:
        # A level that leaves hardly any rows would only mislead.
        if min(n, m) / level >= 20 and (n / levels[-1]) * (m / levels[-1]) > area:
            levels.append(level)
    path = sync_via_mrmsdtw(
        f_chroma1=first.chroma[a].T.astype(np.float64),
        f_chroma2=second.chroma[b].T.astype(np.float64),
        f_onset1=first.onsets[a].T.astype(np.float64),
        f_onset2=second.onsets[b].T.astype(np.float64),
        input_feature_rate=FRAMES_PER_S,
        step_weights=np.array(_STEP_WEIGHTS),
        threshold_rec=area,
        win_len_smooth=np.array([1 if k == 1 else 4 * k + 1 for k in reversed(levels)]),
        downsamp_smooth=np.array(levels[::-1]),
    )
    return np.asarray(path.T, dtype=np.float64)


def _without_standing(path: FloatArray) -> FloatArray:
    """Cut off both ends where one of the two stands still."""
    longest = int(_STANDING_S * FRAMES_PER_S)
    for _ in range(2):
        for column in (0, 1):
            standing = int(np.argmax(path[:, column] > path[0, column])) if len(path) else 0
            if standing > longest:
                path = path[standing - 1 :]
        path = path[::-1] * -1.0
    return path


def _evened(path: FloatArray) -> FloatArray:
    """Even out the staircase, both axes alike; ends stay."""
    from scipy.ndimage import uniform_filter1d

    width = 2 * int(_SMOOTHING_S * FRAMES_PER_S) + 1
    if len(path) <= width:
        return path[[0, -1]]
    return np.asarray(uniform_filter1d(path, width, axis=0, mode="nearest"))


def _knots(x: FloatArray, y: FloatArray) -> npt.NDArray[np.intp]:
    """Choose points at which both have risen."""
    kept = [0]
    for i in range(1, len(x)):
        rise = min(x[i] - x[kept[-1]], y[i] - y[kept[-1]])
        far = max(x[i] - x[kept[-1]], y[i] - y[kept[-1]])
        if rise > _LEAST_RISE_S and far >= _KNOT_S:
            kept.append(i)
    return np.array(kept, dtype=np.intp)


def _lengthened(x: FloatArray, y: FloatArray, x_end_s: float, y_end_s: float) -> Stretch:
    """Let both ends go on a little: what stood still there was cut off bluntly."""
    near = (y <= y[0] + _ENDS_SLOPE_S).nonzero()[0][-1]
    far = (y >= y[-1] - _ENDS_SLOPE_S).nonzero()[0][0]
    rate = np.clip((x[near] - x[0]) / max(y[near] - y[0], 1e-3), 0.25, 4.0)
    back = min(_LENGTHENING_S, y[0], x[0] / rate)
    rate_on = np.clip((x[-1] - x[far]) / max(y[-1] - y[far], 1e-3), 0.25, 4.0)
    on = min(_LENGTHENING_S, y_end_s - y[-1], (x_end_s - x[-1]) / rate_on)
    if back > _LEAST_RISE_S:
        x, y = np.append(x[0] - back * rate, x), np.append(y[0] - back, y)
    if on > _LEAST_RISE_S:
        x, y = np.append(x, x[-1] + on * rate_on), np.append(y, y[-1] + on)
    return Stretch(x, y)


def _apart(stretches: list[Stretch]) -> list[Stretch]:
    """Cut stretches that overlap where the one before ends."""
    out: list[Stretch] = []
    for stretch in stretches:
        if out:
            later = (stretch.first_s > out[-1].first_s[-1]) & (
                stretch.second_s > out[-1].second_s[-1]
            )
            stretch = Stretch(stretch.first_s[later], stretch.second_s[later])
        if len(stretch.first_s) > 1:
            out.append(stretch)
    return out
