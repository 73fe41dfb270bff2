"""Compiled: what is expected of the ensemble, how late it comes, and what is learned of it."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["AGES_S", "LAGS", "PARTIALS", "RING", "charge", "expect", "find_delay", "learn"]

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

PARTIALS: Final = 12
RING: Final = 64
LAGS: Final = 56
"""Delays that are tried, in hops: 0 to 0.32 s."""

AGES_S: Final = np.array([0.06, 0.12, 0.25, 0.5, 1.0, 2.0])
"""Bounds of the ages of a note between which its loudness is learned."""

_FLOOR: Final = 0.01
_NEAR, _FAR = 0.4, 40.0
"""Delays over this share of the longest are doubted, for as long as little has been heard."""
_FLOOR_DECAY: Final = 0.999
_STEEPEST: Final = 1.5
_YOUNGEST_S: Final = 0.03
_QUIET_SHARE: Final = 0.05
_FIRST_HOPS: Final = 25.0
_FIRST_QUANTILE: Final = 0.5
_FIRST_AGE_S: Final = 0.08
"""At first a note is asked how loud it is when the bands have charged."""
_CLEAR: Final = 0.2
_UP: Final = 0.4
"""Too much in a band may be somebody else; too little cannot: it is learned the faster."""
_STEP: Final = 0.06
_GAIN_STEP: Final = 0.02
_AT_LEAST: Final = 3.0
_REACH: Final = 9
_WIDTH: Final = 4.0
_SPREAD: Final = 0.3
_ODDEST: Final = 3.0
_LARGEST: Final = 12.0
"""Logarithms: what is learned stays within reach of what will have to be learned next."""


@nb.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _bounded(value: float, most: float) -> float:
    return min(most, max(-most, value))


@nb.njit(cache=True, nogil=True, fastmath=True)
def expect(
    count: int,
    row: IntArray,
    part: IntArray,
    amplitude: FloatArray,
    struck_s: FloatArray,
    let_go_s: FloatArray,
    time_s: float,
    partials: Float32Array,
    timbre: FloatArray,
    fading: FloatArray,
    release_s: float,
    out: Float32Array,
) -> None:
    """Magnitude that the notes sounding at ``time_s`` would settle at, in each band."""
    out[:] = 0.0
    for v in range(count):
        age = time_s - struck_s[v]
        if age <= 0.0:
            continue
        b = 0
        while b < len(AGES_S) and age > AGES_S[b]:
            b += 1
        level = amplitude[v] * np.exp(fading[part[v], b])
        if time_s > let_go_s[v]:
            level *= np.exp(-(time_s - let_go_s[v]) / release_s)
        for h in range(PARTIALS):
            power = np.float32((level * np.exp(timbre[part[v], h])) ** 2)
            if power < 1e-12:
                continue
            look = partials[row[v], h]
            for k in range(len(out)):
                out[k] += power * look[k]
    for k in range(len(out)):
        out[k] = np.sqrt(out[k])


@nb.njit(cache=True, nogil=True, fastmath=True)
def charge(
    wanted: Float32Array, stages: Float32Array, charging: Float32Array, out: Float32Array
) -> None:
    """Let the bands charge towards ``wanted`` as two cascaded resonators do."""
    for k in range(len(wanted)):
        stages[0, k] += charging[k] * (wanted[k] - stages[0, k])
        stages[1, k] += charging[k] * (stages[0, k] - stages[1, k])
        out[k] = stages[1, k]


@nb.njit(cache=True, nogil=True, fastmath=True)
def find_delay(
    heard: Float32Array,
    sounding: Float32Array,
    logs: Float32Array,
    rising: Float32Array,
    floors: FloatArray,
    absent: Float32Array,
    votes: FloatArray,
    memory: float,
    hops: int,
    back: int,
) -> int:
    """Delay in hops at which what changes in the ensemble changes in what is heard; −1: unknown.

    The correlation of both log spectra's changes over ``back`` hops, forgetting slowly.
    """
    now = hops % RING
    before = (hops - back) % RING
    most_heard, most_sent = np.float32(0.0), np.float32(0.0)
    for k in range(len(heard)):
        most_heard = max(most_heard, heard[k])
        most_sent = max(most_sent, sounding[now, k])
    floors[0] = max(floors[0] * _FLOOR_DECAY, most_heard * _FLOOR + 1e-9)
    floors[1] = max(floors[1] * _FLOOR_DECAY, most_sent * _FLOOR + 1e-9)
    for k in range(len(heard)):
        logs[0, now, k] = np.log(heard[k] + floors[0])
        logs[1, now, k] = np.log(sounding[now, k] + floors[1])
        change = logs[1, now, k] - logs[1, before, k]
        rising[now, k] = min(_STEEPEST, max(-_STEEPEST, change))
    if hops < RING:
        return -1
    for lag in range(LAGS):
        sent = rising[(hops - lag) % RING]
        agree = 0.0
        for k in range(len(heard)):
            change = logs[0, now, k] - logs[0, before, k]
            agree += sent[k] * absent[k] * min(_STEEPEST, max(-_STEEPEST, change))
        votes[lag] = votes[lag] * memory + agree
    best, most = -1, 1e-6
    for lag in range(1, LAGS - 1):
        agree = votes[lag - 1] + 2.0 * votes[lag] + votes[lag + 1]
        agree -= _FAR * max(0.0, lag / LAGS - _NEAR)
        if agree > most:
            best, most = lag, agree
    return best


@nb.njit(cache=True, nogil=True, fastmath=True)
def learn(
    heard: Float32Array,
    sounding: Float32Array,
    absent: Float32Array,
    count: int,
    row: IntArray,
    part: IntArray,
    amplitude: FloatArray,
    struck_s: FloatArray,
    let_go_s: FloatArray,
    then_s: float,
    partials: Float32Array,
    peaks: IntArray,
    gain: FloatArray,
    timbre: FloatArray,
    fading: FloatArray,
    colour: FloatArray,
    scratch: FloatArray,
    expected: Float32Array,
) -> None:
    """Compare what is heard with what was sounding at ``then_s``; fill ``expected``.

    Every partial that stands out of its surroundings and does not fall on one of the soloist's
    tells how loud the ensemble is. Errors downwards count fully, upwards less.
    """
    bands = len(heard)
    loudest = 0.0
    for k in range(bands):
        expected[k] = sounding[k] * np.exp(colour[k])
        loudest = max(loudest, float(expected[k]))
    if loudest < 1e-6:
        expected[:] = 0.0
        return
    error, spread = scratch[0], scratch[1]
    total, summed = 0.0, 0.0
    first = gain[1] < _FIRST_HOPS
    seen = 0
    spread[:bands] = 0.0
    for v in range(count):
        age = then_s - struck_s[v]
        if age < (_FIRST_AGE_S if first else _YOUNGEST_S) or then_s > let_go_s[v]:
            continue
        b = 0
        while b < len(AGES_S) and age > AGES_S[b]:
            b += 1
        own_error, own_weight = 0.0, 0.0
        for h in range(PARTIALS):
            k = peaks[row[v], h]
            if k < 0:
                continue
            there = float(expected[k]) + 1e-12
            own = amplitude[v] * np.exp(timbre[part[v], h] + fading[part[v], b] + colour[k])
            share = own * own * partials[row[v], h, k] / (there * there)
            w = min(1.0, share) * min(1.0, there / (_QUIET_SHARE * loudest)) * absent[k]
            ratio = np.log((heard[k] + 1e-9) / there)
            if first:
                if w > _CLEAR:
                    error[seen] = ratio
                    seen += 1
                continue
            e = min(1.0, max(-1.0, ratio - gain[0]))
            e *= w if e < 0.0 else w * _UP
            timbre[part[v], h] = _bounded(timbre[part[v], h] + _STEP * e, _ODDEST)
            spread[k] += e
            own_error += e
            own_weight += w
        if own_weight > 0.0:
            step = _STEP * own_error / max(own_weight, _AT_LEAST)
            fading[part[v], b] = _bounded(fading[part[v], b] + step, _ODDEST)
        total += own_weight
        summed += own_error
    if first:
        if seen > 0:
            told = np.sort(error[:seen])[int(_FIRST_QUANTILE * (seen - 1))]
            gain[1] += 1.0
            gain[0] += (told - gain[0]) / gain[1]
    elif total > 0.0:
        step = _GAIN_STEP * summed / max(total, _AT_LEAST)
        gain[0] = _bounded(gain[0] + step, _LARGEST)
        for k in range(bands):
            if spread[k] != 0.0:
                for j in range(max(0, k - _REACH), min(bands, k + _REACH + 1)):
                    z = (j - k) / _WIDTH
                    step = _STEP * _SPREAD * np.exp(-0.5 * z * z) * spread[k]
                    colour[j] = _bounded(colour[j] + step, _ODDEST)
    factor = np.exp(gain[0]) if gain[1] > 0.0 else 0.0
    for k in range(bands):
        expected[k] *= factor
