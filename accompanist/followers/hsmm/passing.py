"""Compiled: belief over (event, hop at which it began) lets a hop pass.

State of one filter, a ring of ``w`` events (a power of two) by a ring of ``a`` hops of birth:

* ``flow``, ``dwell`` [shape=(w, a)]: mass of "event e began at hop b, and is played in time" and
  "… and is dwelt on". The age of an entry is the hops since b.
* ``drift``, ``spread`` [shape=(w, a)]: mean and variance of the log tempo (0 is the written one).
* ``lasting`` [shape=(w, a)]: the survival function of the duration at the age so far.
* ``born`` [shape=(w, 2)]: the first and the last hop at which a living entry was born.
* ``old`` [shape=(w, 4)]: what is older than ``a`` hops, put together: mass, drift, spread, age.
* ``waiting`` = (mass, event, drift, spread): the soloist has not begun.
* ``support`` = (first event, the one behind the last event).
"""

from __future__ import annotations

from math import erfc, exp, log, sqrt
from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["TINY", "advance"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
HopArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

TINY: Final = 1e-25
"""Smaller masses are nothing: they would slow the processor down as denormal numbers."""

_GONE: Final = 1e-6
"""A survival function below this has run out: what is left dwells."""

_ROOT_HALF: Final = 0.7071067811865476
_DUE: Final = -0.1
"""Who dwells may go on from this share (in log time) before the end that the tempo says."""


@nb.njit(cache=True, nogil=True)
def _clear(
    event: int, flow: Float32Array, dwell: Float32Array, born: HopArray, old: FloatArray
) -> None:
    """Make the ring's row for ``event`` empty."""
    row = event & (flow.shape[0] - 1)
    flow[row, :] = 0.0
    dwell[row, :] = 0.0
    born[row, 0] = 1
    born[row, 1] = 0
    old[row, :] = 0.0


@nb.njit(cache=True, nogil=True, fastmath=True)
def _leave(
    now: int,
    hop_s: float,
    e: int,
    flow: Float32Array,
    dwell: Float32Array,
    drift: Float32Array,
    spread: Float32Array,
    lasting: Float32Array,
    born: HopArray,
    old: FloatArray,
    leaving: FloatArray,
    length_s: float,
    jitter: float,
    jitter_s: float,
    leave_dwell: float,
    sure: float,
) -> None:
    """Let the entries of one event grow older by a hop; ``leaving[row]`` is what ends it.

    Durations are log-normal about length / tempo: log d − log length + log tempo has the variance
    of the tempo and that of a single note, so an end tells of the tempo as in a Kalman filter.
    """
    row = e & (flow.shape[0] - 1)
    ages = flow.shape[1]
    target = log(length_s)
    noise = min(jitter * jitter + (jitter_s / length_s) ** 2, 1.0)
    mass = 0.0
    first = 0.0
    second = 0.0
    for b in range(born[row, 0], born[row, 1] + 1):
        at = b % ages
        playing = flow[row, at]
        dwelling = dwell[row, at]
        if playing + dwelling <= TINY:
            continue
        mean = drift[row, at]
        var = spread[row, at]
        width = sqrt(var + noise)
        passed = log((now - b) * hop_s) - target + mean
        before = lasting[row, at]
        ends = playing
        leaves = 0.0
        if before > _GONE:
            survives = 0.5 * erfc(passed / width * _ROOT_HALF)
            lasting[row, at] = survives
            ends = playing * max(0.0, 1.0 - survives / before)
            # Where nobody seems to play no note begins: what should end is dwelt on.
            leaves = ends * sure
        goes = dwelling * leave_dwell * sure if passed > _DUE else 0.0
        flow[row, at] = playing - ends
        dwell[row, at] = dwelling - goes + (ends - leaves)
        if leaves > 0.0:
            gain = var / (var + noise)
            told = mean - gain * passed
            mass += leaves
            first += leaves * told
            second += leaves * (told * told + (1.0 - gain) * var)
        # Who dwells has not slowed down.
        mass += goes
        first += goes * mean
        second += goes * (mean * mean + var)
    if old[row, 0] > TINY:
        old[row, 3] += 1.0
        late = log(old[row, 3] * hop_s) - target + old[row, 1] > _DUE
        goes = old[row, 0] * leave_dwell * sure if late else 0.0
        old[row, 0] -= goes
        mass += goes
        first += goes * old[row, 1]
        second += goes * (old[row, 1] ** 2 + old[row, 2])
    leaving[row, 0] = mass
    leaving[row, 1] = first
    leaving[row, 2] = second


@nb.njit(cache=True, nogil=True, fastmath=True)
def _retire(
    now: int,
    row: int,
    flow: Float32Array,
    dwell: Float32Array,
    drift: Float32Array,
    spread: Float32Array,
    born: HopArray,
    old: FloatArray,
) -> None:
    """Put the oldest entry to the old ones if its place is wanted."""
    ages = flow.shape[1]
    b = born[row, 0]
    if b > born[row, 1] or now - b < ages - 1:
        return
    at = b % ages
    mass = float(flow[row, at]) + float(dwell[row, at])
    share = mass / (mass + old[row, 0] + TINY)
    old[row, 1] += share * (drift[row, at] - old[row, 1])
    old[row, 2] += share * (spread[row, at] - old[row, 2])
    old[row, 3] += share * (now - b - old[row, 3])
    old[row, 0] += mass
    flow[row, at] = 0.0
    dwell[row, at] = 0.0
    born[row, 0] = b + 1


@nb.njit(cache=True, nogil=True, fastmath=True)
def advance(
    now: int,
    hop_s: float,
    support: HopArray,
    flow: Float32Array,
    dwell: Float32Array,
    drift: Float32Array,
    spread: Float32Array,
    lasting: Float32Array,
    born: HopArray,
    old: FloatArray,
    leaving: FloatArray,
    waiting: FloatArray,
    length_s: FloatArray,
    repeats: BoolArray,
    leave_wait: float,
    dwell_share: float,
    dwell_repeat: float,
    leave_dwell: float,
    sure: float,
    skip: float,
    jitter: float,
    jitter_s: float,
    wander: float,
    regress: float,
    usual: float,
) -> None:
    """Let a hop pass: what ends an event begins the next (or, seldom, the one behind it).

    ``leaving`` [shape=(w, 3)] is scratch: mass, and its first and second moment of log tempo.
    """
    rows = flow.shape[0]
    ages = flow.shape[1]
    events = len(length_s)
    low, high = support[0], support[1]
    for e in range(low, high):
        row = e & (rows - 1)
        leaving[row, :] = 0.0
        if e + 1 < events:
            _leave(
                now, hop_s, e, flow, dwell, drift, spread, lasting, born, old, leaving,
                length_s[e], jitter, jitter_s, leave_dwell, sure,
            )  # fmt: skip
        _retire(now, row, flow, dwell, drift, spread, born, old)
    begins = -1
    beginning = 0.0
    if waiting[0] > 0.0:
        begins = int(waiting[1])
        beginning = waiting[0] * leave_wait * sure
        waiting[0] -= beginning
        if high <= low:
            low, high = begins, begins
    top = high
    for e in range(low, min(high + 2, events)):
        mass = 0.0
        first = 0.0
        second = 0.0
        kept = 1.0
        for back in range(1, 3):
            before = e - back
            if low <= before < high:
                row = before & (rows - 1)
                share = 1.0 - skip if back == 1 and e + 1 < events else skip
                if back == 1 and e + 1 >= events:
                    share = 1.0
                mass += share * leaving[row, 0]
                # An autoregressive walk over the length of what has ended.
                kept = exp(-regress * length_s[before])
                gone = usual * (1.0 - kept)
                noise = wander * wander * length_s[before]
                m0 = share * leaving[row, 0]
                m1 = share * leaving[row, 1]
                m2 = share * leaving[row, 2]
                first += kept * m1 + gone * m0
                second += kept * kept * m2 + 2 * kept * gone * m1 + (gone * gone + noise) * m0
        if e == begins:
            mass += beginning
            first += beginning * waiting[2]
            second += beginning * (waiting[2] * waiting[2] + waiting[3])
        if mass <= TINY:
            if e >= top:
                break
            continue
        while top <= e:
            _clear(top, flow, dwell, born, old)
            top += 1
        row = e & (rows - 1)
        at = now % ages
        stays = dwell_repeat if repeats[e] else dwell_share
        mean = first / mass
        flow[row, at] = mass * (1.0 - stays)
        dwell[row, at] = mass * stays
        drift[row, at] = mean
        spread[row, at] = max(second / mass - mean * mean, 1e-6)
        lasting[row, at] = 1.0
        if born[row, 0] > born[row, 1]:
            born[row, 0] = now
        else:
            for b in range(born[row, 1] + 1, now):
                flow[row, b % ages] = 0.0
                dwell[row, b % ages] = 0.0
        born[row, 1] = now
    support[0] = low
    support[1] = top
