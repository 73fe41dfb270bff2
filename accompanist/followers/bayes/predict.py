"""Compiled: belief moves on by one hop.

State, here and in `observe` and `settle` (see `accompanist.followers.bayes.grid`): ``mass[row, v]``
is the probability of a score cell and a tempo, cell ``x`` in row ``x & mask`` of a ring;
``held[e & held_mask, v]`` that of waiting at the border before event ``e``, tempo kept. All loops
run over tempi innermost, so they vectorise; next to nothing is allocated.
"""

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["predict"]

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


@nb.njit(cache=True, nogil=True, fastmath=True)
def predict(
    support: npt.NDArray[np.int64],
    mass: Float32Array,
    moved: Float32Array,
    held: Float32Array,
    row: Float32Array,
    steps: IntArray,
    part: Float32Array,
    cell_segment: IntArray,
    segment_event: IntArray,
    event_cell: IntArray,
    stroke_only: BoolArray,
    dwelling: Float32Array,
    brief: float,
    enter_hold: float,
    enter_repeat: float,
    leave_hold: float,
    leave_wait: float,
    waits: int,
    mixing: float,
) -> None:
    """Move everything on by one hop: ``mass`` → ``moved``, ``support`` updated in place.

    ``support`` = [first cell, end cell, first held event, end held event]. ``steps`` and ``part``
    [shape=(tempi,)] are the whole and fractional cells a hop of each tempo. Of what crosses into
    an event a share is held: ``enter_hold``, or ``enter_repeat`` where ``stroke_only``; ``brief``
    of that where ``dwelling`` [shape=(events,)] is 0, all of it where it is 1. ``waits`` is the
    event that the soloist has yet to begin with, −1 while they play.
    """
    cells = len(cell_segment)
    tempi = len(steps)
    mask = mass.shape[0] - 1
    held_mask = held.shape[0] - 1
    reach = steps[tempi - 1] + 1
    low, high = support[0], support[1]
    end = min(cells, high + reach)
    for x in range(low - reach - 1, low):
        mass[x & mask, :] = 0.0
    for x in range(high, end + 1):
        mass[x & mask, :] = 0.0
    q = np.float32(mixing)
    stay = np.float32(1.0 - 2.0 * mixing)
    one = np.float32(1.0)
    for x in range(low, end):
        event = segment_event[cell_segment[x]]
        border = event_cell[event] if event >= 0 else -1
        # Gather tempo by tempo; tempi with the same whole step lie next to one another.
        a = 0
        while a < tempi:
            k = steps[a]
            b = a
            while b < tempi and steps[b] == k:
                b += 1
            near = mass[(x - k) & mask]
            far = mass[(x - k - 1) & mask]
            if x - k - 1 >= border or event < 0:
                for v in range(a, b):
                    row[v] = near[v] * (one - part[v]) + far[v] * part[v]
            else:
                waiting = held[event & held_mask]
                usual = enter_repeat if stroke_only[event] else enter_hold
                hold_share = np.float32(usual * (brief + (1.0 - brief) * dwelling[event]))
                if support[2] >= support[3]:
                    held[event & held_mask, :] = 0.0
                    support[2] = event
                    support[3] = event + 1
                while support[2] > event:
                    support[2] -= 1
                    held[support[2] & held_mask, :] = 0.0
                while support[3] <= event:
                    held[support[3] & held_mask, :] = 0.0
                    support[3] += 1
                crossing_near = x - k < border
                for v in range(a, b):
                    m = near[v] * (one - part[v])
                    n = far[v] * part[v]
                    late = n + m if crossing_near else n
                    waiting[v] += late * hold_share
                    row[v] = m + n - late * hold_share
            a = b
        out = moved[x & mask]
        out[0] = row[0] * (stay + q) + q * row[1]
        for v in range(1, tempi - 1):
            out[v] = row[v] * stay + q * (row[v - 1] + row[v + 1])
        out[tempi - 1] = row[tempi - 1] * (stay + q) + q * row[tempi - 2]
    if end == cells:
        # The last cell keeps what would leave the score.
        last = moved[(cells - 1) & mask]
        for x in range(max(low, cells - 1 - reach), cells):
            for v in range(tempi):
                beyond = x + steps[v] + part[v] - (cells - 1)
                if beyond > 0:
                    last[v] += mass[x & mask, v] * min(one, np.float32(beyond))
    for e in range(support[2], support[3]):
        leave = np.float32(leave_wait if e == waits else leave_hold)
        x = event_cell[e]
        if x < low:
            for y in range(x, low):
                moved[y & mask, :] = 0.0
            low = x
        if x >= end:
            for y in range(end, x + 1):
                moved[y & mask, :] = 0.0
            end = x + 1
        waiting = held[e & held_mask]
        out = moved[x & mask]
        for v in range(tempi):
            m = waiting[v] * leave
            waiting[v] -= m
            out[v] += m
    support[0] = low
    support[1] = end
