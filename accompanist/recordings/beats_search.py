"""Compiled: the best row of beats over (time of a beat, interval before it)."""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["best_row"]

Frames = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]


@nb.njit(cache=True, nogil=True)
def best_row(
    onset: Frames,
    periods: Frames,
    window: Places,
    usual: Frames,
    shortest: int,
    seconds: Frames,
    costs: Frames,
    most_change: float,
) -> tuple[Places, Places]:
    """Find the row of beats that earns most; what a beat earns counts by its interval.

    Parameters
    ----------
    onset : ndarray [shape=(frames,)]
        What a beat earns where it stands.
    periods : ndarray [shape=(windows, intervals)]
        What it earns for its interval; ``window`` [shape=(frames,)] says which row holds.
    usual : ndarray [shape=(intervals,)]
        What it earns for its interval anywhere.
    shortest : int
        First of the intervals, in frames; they go up by one.
    seconds : ndarray [shape=(intervals,)]
    costs : ndarray [shape=(intervals, intervals)]
        Of changing from one interval to another.
    most_change : float
        Factor beyond which an interval is not followed by another.

    Returns
    -------
    frames, states : ndarray [shape=(beats,)]
        Where the beats stand, and which interval ends at each.
    """
    count, intervals = len(onset), len(seconds)
    longest = shortest + intervals - 1
    room = longest + 1
    # Of the last frames: the best that can end in a beat there, for each next interval.
    coming = np.zeros((room, intervals), dtype=np.float32)
    came_by = np.zeros((count, intervals), dtype=np.uint8)
    here = np.zeros(intervals, dtype=np.float32)
    most, most_frame, most_state = -1e30, 0, 0
    for frame in range(count):
        row = window[frame]
        for state in range(intervals):
            back = frame - shortest - state
            before = coming[back % room, state] if back >= 0 else np.float32(0.0)
            earned = onset[frame] + periods[row, state] + usual[state]
            here[state] = before + seconds[state] * earned
            if frame >= count - longest and here[state] > most:
                most, most_frame, most_state = here[state], frame, state
        for state in range(intervals):
            low = max(int((shortest + state) / most_change) - shortest, 0)
            high = min(int((shortest + state) * most_change) - shortest, intervals - 1)
            best, by = np.float32(-1e30), state
            for other in range(low, high + 1):
                total = here[other] - costs[other, state]
                if total > best:
                    best, by = total, other
            coming[frame % room, state] = best
            came_by[frame, state] = by
    beats = 0
    frames = np.zeros(count // shortest + 2, dtype=np.int64)
    states = np.zeros(count // shortest + 2, dtype=np.int64)
    frame, state = most_frame, most_state
    while frame >= 0:
        frames[beats], states[beats] = frame, state
        beats += 1
        frame -= shortest + state
        if frame >= 0:
            state = came_by[frame, state]
    return frames[:beats][::-1].copy(), states[:beats][::-1].copy()
