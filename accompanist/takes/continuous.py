"""How far an ensemble without notes (a recording) is from its soloist.

Every instant of a recording is played as a note is: at some time, once, and early or late. The
asynchrony at a true onset of the soloist is the time at which the ensemble came by the place of
that onset, less the time of the onset. Late is positive; a place that was leapt over was never
played, which counts as outside every limit, as with notes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["SAME_S", "beats_passed", "continuous_asynchronies_s"]

Array = npt.NDArray[np.float64]

SAME_S = 0.05
"""Onsets in a recording this near are the same (the tolerance of MIREX for onsets)."""
_FASTEST = 8.0
"""A position that rises more than so many times faster than the clock has leapt."""
_MOST_BEATS = 0.5
"""More in a hop is a leap."""
_LANDED_S = 0.1
"""Whoever begins this little behind a place has it still in the ear: it counts as begun with."""


def beats_passed(time_s: Array, quarter: Array) -> list[tuple[float, float]]:
    """When an ensemble came by each beat: (time, quarter) in order of time.

    Parameters
    ----------
    time_s, quarter : ndarray [shape=(n,)]
        Where it was at rising times, a row a hop. Beats that are leapt over are left out.
    """
    rise = np.diff(quarter)
    goes_on = (rise > 0) & (rise <= _MOST_BEATS)
    found: list[tuple[float, float]] = []
    for i in np.flatnonzero(goes_on & (np.ceil(quarter[:-1]) < quarter[1:])):
        for beat in np.arange(np.ceil(quarter[i]), quarter[i + 1]):
            share = (beat - quarter[i]) / rise[i]
            found.append((float(time_s[i] + share * (time_s[i + 1] - time_s[i])), float(beat)))
    return found


def continuous_asynchronies_s(
    truth_position_s: Array,
    truth_time_s: Array,
    played_time_s: Array,
    played_position_s: Array,
    *,
    output_latency_s: float = 0.0,
) -> Array:
    """Time at which the place of each true onset was played, less the true time.

    Parameters
    ----------
    truth_position_s, truth_time_s : ndarray [shape=(n,)]
        The soloist's onsets: place in the recording, and when.
    played_time_s, played_position_s : ndarray [shape=(m,)]
        Where the ensemble was at rising times, a row a hop.
    output_latency_s : float
        From sending to hearing.

    Returns
    -------
    ndarray [shape=(n,)]
        Seconds, late is positive; infinite where the place was never played.
    """
    if len(played_time_s) < 2:
        return np.full(len(truth_position_s), np.inf)
    step_s = np.diff(played_time_s)
    rise = np.diff(played_position_s)
    leaps = (rise < 0) | (rise > _FASTEST * np.maximum(step_s, 1e-9))
    runs = (rise > 0) & ~leaps
    begins = np.zeros(len(runs), dtype=bool)
    begins[1:] = runs[1:] & ~runs[:-1]
    begins[0] = runs[0]
    # Only where it stood still elsewhere, or has leapt, is a beginning a landing.
    landed = begins & np.concatenate(([True], leaps[:-1]))
    late_s = np.full(len(truth_position_s), np.inf)
    start, time_s = played_position_s[:-1], played_time_s[:-1]
    for i, (position, true_s) in enumerate(zip(truth_position_s, truth_time_s, strict=True)):
        through = runs & (start <= position) & (position < played_position_s[1:])
        came_s = time_s[through] + (position - start[through]) / rise[through] * step_s[through]
        before = landed & (start - _LANDED_S <= position) & (position < start)
        came_s = np.concatenate((came_s, time_s[before] - (start[before] - position)))
        if len(came_s):
            off = came_s + output_latency_s - true_s
            late_s[i] = off[np.argmin(np.abs(off))]
    return late_s
