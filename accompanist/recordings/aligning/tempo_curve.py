"""A tempo that can be conducted, of onsets that were found in a recording.

Onsets are found to within some ten milliseconds, which between quick notes would be a tempo that
jumps about. Here the times of the onsets are evened out: as near to where they were found as the
finding deserves, with a tempo that changes little from note to note, except where it really does
(a hold, a new section): both deviations are judged by Huber's loss, by weighted least squares.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["even_times"]

FloatArray = npt.NDArray[np.float64]

_FOUND_S = 0.012
"""Standard deviation of a found onset, …"""
_CHANGE = 0.12
"""… and of the tempo's change from one note to the next, as a share, if a second lies between."""
_OUTLIER = 2.0
"""Deviations beyond this many standard deviations count in proportion, not by their square."""
_ROUNDS = 6
_FASTEST = 3.0
"""Nowhere faster than this many times the tempo around, …"""
_SLOWEST_QPM, _FASTEST_QPM = 4.0, 480.0
"""… nor beyond these."""
_AROUND_S = 8.0


def even_times(quarters: FloatArray, found_s: FloatArray) -> FloatArray:
    """Even out the times of onsets.

    Parameters
    ----------
    quarters : ndarray [shape=(n,)]
        Strictly increasing places.
    found_s : ndarray [shape=(n,)]
        Where each was found, strictly increasing.

    Returns
    -------
    ndarray [shape=(n,)]
        Times, strictly increasing, with a bounded tempo.
    """
    if len(quarters) < 3:
        return _bounded(quarters, found_s)
    return _bounded(quarters, _smoothed(quarters, found_s))


def _smoothed(quarters: FloatArray, found_s: FloatArray) -> FloatArray:
    from scipy.sparse import csc_matrix, diags
    from scipy.sparse.linalg import spsolve

    n = len(quarters)
    steps = np.diff(quarters)
    pace = _pace_around(quarters, found_s)
    # Change of the seconds a quarter, as a share, between neighbouring stretches.
    share = 0.5 * (pace[:-1] + pace[1:])
    before, after = 1.0 / (steps[:-1] * share), 1.0 / (steps[1:] * share)
    change = diags([before, -before - after, after], [0, 1, 2], shape=(n - 2, n), format="csc")
    # Neighbours far apart may differ more: the tempo wanders as it likes meanwhile.
    apart_s = 0.5 * (found_s[2:] - found_s[:-2])
    spread = _CHANGE * np.sqrt(np.maximum(apart_s, 0.1))
    times = found_s.copy()
    for _ in range(_ROUNDS):
        of_time = _huber((times - found_s) / _FOUND_S) / _FOUND_S**2
        of_change = _huber((change @ times) / spread) / spread**2
        normal = diags(of_time) + change.T @ diags(of_change) @ change
        times = np.asarray(spsolve(csc_matrix(normal), of_time * found_s))
    return times


def _huber(deviation: FloatArray) -> FloatArray:
    return np.asarray(_OUTLIER / np.maximum(np.abs(deviation), _OUTLIER))


def _pace_around(quarters: FloatArray, times_s: FloatArray) -> FloatArray:
    """Median seconds a quarter around each stretch between onsets [shape=(n − 1,)]."""
    pace = np.diff(times_s) / np.diff(quarters)
    middle = 0.5 * (times_s[1:] + times_s[:-1])
    first = np.searchsorted(middle, middle - _AROUND_S)
    behind = np.searchsorted(middle, middle + _AROUND_S, side="right")
    return np.array([np.median(pace[a:b]) for a, b in zip(first, behind, strict=True)])


def _bounded(quarters: FloatArray, times_s: FloatArray) -> FloatArray:
    """Delay what would be too fast, and hasten what would be too slow."""
    out = times_s.copy()
    rising = np.maximum.accumulate(times_s + 1e-6 * np.arange(len(times_s)))
    pace = _pace_around(quarters, rising)
    for i, step in enumerate(np.diff(quarters)):
        most = step * 60.0 / _SLOWEST_QPM
        least = min(step * max(pace[i] / _FASTEST, 60.0 / _FASTEST_QPM), most)
        out[i + 1] = min(max(out[i + 1], out[i] + least), out[i] + most)
    return out
