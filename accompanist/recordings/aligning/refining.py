"""The last step of an alignment: onsets are put upon onsets.

Warping sees fifty frames a second and may dwell a frame or two to either side of an onset. Here
every onset of the first is looked for near its place in the second, at a hundred frames a second,
and all of them together are chosen so that the tempo between them changes little (Viterbi).
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

from accompanist.recordings.aligning.features import FLUX_PER_FRAME, FRAMES_PER_S, Features
from accompanist.recordings.aligning.warping import Stretch, TimeMap

__all__ = ["heard_onsets", "refine", "without_rush"]

FloatArray = npt.NDArray[np.float64]
Flux = npt.NDArray[np.float32]

_FINE_PER_S = FRAMES_PER_S * FLUX_PER_FRAME
_BLUR = 1.0
_LOCAL_S = 0.8
_REACH = 8
"""Fine frames to either side in which an onset is looked for."""
_PATTERN = 3
"""Fine frames to either side that have to look alike."""
_LIKENESS = 4.0
_STRAY_S = 0.03
"""Standard deviation of the warping at an onset."""
_UNEVEN_S = 0.02
"""… of the change of the offset from one onset to the next, …"""
_UNEVEN_SHARE = 0.1
"""… and what it grows by, of the time between them."""
_SHORTEST_SHARE = 0.3
"""The second is never this much faster than the warping says."""
_LEAST_S = 0.02
_PEAK_SHARE = 0.15
"""A peak of the flux is an onset if it has this share of the largest nearby."""
_FORBIDDEN = -1e6
_BORDER = 8
"""As many onsets at most are cut off at each end …"""
_RUSH = 1.8
"""… while the first goes by so many times faster than next to them."""


def heard_onsets(features: Features) -> FloatArray:
    """Find the onsets of a recording: local maxima of its flux, in seconds."""
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d

    flux = gaussian_filter1d(features.flux.sum(axis=1), _BLUR)
    if len(flux) < 3:
        return np.zeros(0)
    largest = maximum_filter1d(flux, int(0.6 * _FINE_PER_S) + 1)
    inner = flux[1:-1]
    peak = (inner > flux[:-2]) & (inner >= flux[2:]) & (inner > _PEAK_SHARE * largest[1:-1])
    return (np.flatnonzero(peak) + 1) / _FINE_PER_S


def refine(first: Features, second: Features, rough: TimeMap, onsets_s: FloatArray) -> TimeMap:
    """Put the onsets of the first, ``onsets_s`` (rising), upon those of the second.

    The knots of the new map are the onsets; where there are none in a stretch it stays as it was.
    """
    a, b = _patterns(first), _patterns(second)
    return TimeMap(tuple(_refine_stretch(stretch, a, b, onsets_s) for stretch in rough.stretches))


def _patterns(features: Features) -> Flux:
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d

    flux = gaussian_filter1d(features.flux, _BLUR, axis=0, mode="constant")
    length = np.linalg.norm(flux, axis=1)
    largest = maximum_filter1d(length, int(_LOCAL_S * _FINE_PER_S) + 1)
    least = 0.05 * float(np.quantile(length, 0.9)) if len(length) else 0.0
    return np.asarray(flux / np.maximum(largest, least + 1e-9)[:, None], dtype=np.float32)


def _refine_stretch(stretch: Stretch, a: Flux, b: Flux, onsets_s: FloatArray) -> Stretch:
    inside = (onsets_s >= stretch.first_s[0]) & (onsets_s <= stretch.first_s[-1])
    places = onsets_s[inside]
    if len(places) < 2:
        return stretch
    places = places[np.append(True, np.diff(places) > _LEAST_S)]
    expected = np.interp(places, stretch.first_s, stretch.second_s)
    chosen = _choose(a, b, places, expected)
    rising = _rising(places, chosen)
    x, y = places[rising], chosen[rising]
    if len(x) < 2:
        return stretch
    x, y = without_rush(x, y)
    # The ends of the stretch go along with the onset next to them.
    before = (stretch.first_s < x[0] - _LEAST_S) & (stretch.second_s < y[0] - _LEAST_S)
    after = (stretch.first_s > x[-1] + _LEAST_S) & (stretch.second_s > y[-1] + _LEAST_S)
    return Stretch(
        np.concatenate((stretch.first_s[before], x, stretch.first_s[after])),
        np.concatenate((stretch.second_s[before], y, stretch.second_s[after])),
    )


def without_rush(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cut off both ends as far as the first rushes by there: the second has not got that."""
    most = min(_BORDER, len(x) // 3)
    rate = np.diff(x) / np.diff(y)
    first, behind = 0, len(x)
    while first < most and rate[first] > _RUSH * np.median(rate[first + 1 : first + 9]):
        first += 1
    while behind > len(x) - most and (
        rate[behind - 2] > _RUSH * np.median(rate[max(behind - 10, 0) : behind - 2])
    ):
        behind -= 1
    return x[first:behind], y[first:behind]


def _rising(places: FloatArray, chosen: FloatArray) -> npt.NDArray[np.intp]:
    """Leave out onsets that would stand still or go back."""
    kept = [0]
    for i in range(1, len(places)):
        if chosen[i] > chosen[kept[-1]] + 1e-3:
            kept.append(i)
    return np.array(kept, dtype=np.intp)


def _choose(a: Flux, b: Flux, places: FloatArray, expected: FloatArray) -> FloatArray:
    """Find the times in the second of onsets of the first, near the expected ones."""
    frames = np.round(places * _FINE_PER_S).astype(np.int64)
    beside = places * _FINE_PER_S - frames
    centres = np.round(expected * _FINE_PER_S - beside).astype(np.int64)
    stray = centres + beside - expected * _FINE_PER_S
    evidence = _evidence(a, b, frames, centres)
    offsets = np.arange(-_REACH, _REACH + 1)
    away_s = (stray[:, None] + offsets) / _FINE_PER_S
    values = _LIKENESS * evidence - away_s**2 / (2.0 * _STRAY_S**2)
    steps = _best_row(values, away_s, expected)
    peak = _peak_between(values, steps)
    return np.asarray((centres + offsets[steps] + peak + beside) / _FINE_PER_S)


def _peak_between(values: FloatArray, steps: npt.NDArray[np.int64]) -> FloatArray:
    """Place of the maximum between the steps, by a parabola."""
    inner = np.clip(steps, 1, values.shape[1] - 2)
    rows = np.arange(len(steps))
    low, here, high = (values[rows, inner + d] for d in (-1, 0, 1))
    bend = low - 2.0 * here + high
    place = np.where(bend < -1e-6, 0.5 * (low - high) / np.minimum(bend, -1e-6), 0.0)
    return np.where(inner == steps, np.clip(place, -0.5, 0.5), 0.0)


@nb.njit(cache=True, nogil=True)
def _evidence(
    a: Flux, b: Flux, frames: npt.NDArray[np.int64], centres: npt.NDArray[np.int64]
) -> FloatArray:
    """Likeness of the flux around each frame of the first and those around its centre in b."""
    out = np.zeros((len(frames), 2 * _REACH + 1))
    for i in range(len(frames)):
        for o in range(2 * _REACH + 1):
            both, one, other = 0.0, 0.0, 0.0
            for d in range(-_PATTERN, _PATTERN + 1):
                p, q = frames[i] + d, centres[i] + o - _REACH + d
                if p < 0 or p >= len(a) or q < 0 or q >= len(b):
                    continue
                for k in range(a.shape[1]):
                    both += a[p, k] * b[q, k]
                    one += a[p, k] * a[p, k]
                    other += b[q, k] * b[q, k]
            out[i, o] = both / (np.sqrt(one * other) + 0.3)
    return out


@nb.njit(cache=True, nogil=True)
def _best_row(
    values: FloatArray, away_s: FloatArray, expected_s: FloatArray
) -> npt.NDArray[np.int64]:
    """Choose an offset for each onset, so that together they are the most likely."""
    n, m = values.shape
    total = values[0].copy()
    back = np.zeros((n, m), dtype=np.int64)
    for i in range(1, n):
        gap_s = expected_s[i] - expected_s[i - 1]
        spread = 2.0 * (_UNEVEN_S**2 + (_UNEVEN_SHARE * gap_s) ** 2)
        now = np.empty(m)
        for j in range(m):
            best, chosen = -1e18, 0
            for k in range(m):
                change_s = away_s[i, j] - away_s[i - 1, k]
                value = total[k] - change_s * change_s / spread
                if gap_s + change_s < _SHORTEST_SHARE * gap_s:
                    value += _FORBIDDEN
                if value > best:
                    best, chosen = value, k
            now[j] = best + values[i, j]
            back[i, j] = chosen
        total = now
    row = np.empty(n, dtype=np.int64)
    row[n - 1] = np.argmax(total)
    for i in range(n - 1, 0, -1):
        row[i - 1] = back[i, row[i]]
    return row
