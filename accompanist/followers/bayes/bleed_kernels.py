"""Compiled: what is expected of the ensemble, how late it comes, and what is learned of it."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["AGES_S", "LAGS", "MIDDLE", "RING", "WIDE", "charge", "expect", "find_delay", "learn"]

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

RING: Final = 64
LAGS: Final = 56
"""Delays that are tried, in hops: 0 to 0.32 s."""

AGES_S: Final = np.array([0.03, 0.06, 0.1, 0.15, 0.25, 0.4, 0.7, 1.2])
"""Bounds of the ages of a note between which its sound is learned."""

WIDE: Final = 640
MIDDLE: Final = 290
"""A sound is kept against its pitch: band 0 of a note on the lowest band lies at `MIDDLE`."""

_FLOOR: Final = 0.01
_NEAR, _FAR = 0.4, 40.0
"""Delays over this share of the longest are doubted, for as long as little has been heard."""
_FLOOR_DECAY: Final = 0.999
_STEEPEST: Final = 1.5
_FIRST_HOPS: Final = 25.0
_LOUD: Final = 0.3
"""At first bands of this share of the loudest are asked how loud the ensemble is."""
_CLEAR: Final = 0.5
_HEARD: Final = 0.05
"""From this share of the loudest band on a band teaches fully."""
_DOWN: Final = 0.02
"""Too much in a band may be somebody else; too little cannot: so much is learned of it even where
the soloist may be."""
_SOUND_STEP: Final = 0.05
_COLOUR_STEP: Final = 0.15
_GAIN_STEP: Final = 0.02
_AT_LEAST: Final = 3.0
_ODDEST: Final = 3.0
_LARGEST: Final = 12.0
_REACH: Final = 5
_LEAST_NEAR: Final = 1.0
"""Logarithms: what is learned stays within reach of what will have to be learned next."""
_LEAST_POWER: Final = np.float32(3e-4)
_MOST_POWER: Final = np.float32(3e3)


@nb.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _bounded(value: float, most: float) -> float:
    return min(most, max(-most, value))


@nb.njit(cache=True, nogil=True, fastmath=True)
def _age_of(age_s: float) -> int:
    b = 0
    while b < len(AGES_S) and age_s > AGES_S[b]:
        b += 1
    return b


@nb.njit(cache=True, nogil=True, fastmath=True)
def expect(
    voices: IntArray,
    amplitude: FloatArray,
    struck_s: FloatArray,
    let_go_s: FloatArray,
    time_s: float,
    base: Float32Array,
    sounds: Float32Array,
    learned: bool,
    release_s: float,
    out: Float32Array,
) -> None:
    """Power at which the notes sounding at ``time_s`` would settle, in each band.

    ``voices`` [shape=(count, 3)] are row of ``base`` [shape=(rows, bands)], part, and where the
    note's own band 0 lies in ``sounds`` [shape=(parts, ages, WIDE)], factors of power; without
    ``learned`` they are left aside.
    """
    out[:] = 0.0
    for v in range(len(voices)):
        age_s = time_s - struck_s[v]
        if age_s <= 0.0:
            continue
        level = amplitude[v]
        if time_s > let_go_s[v]:
            level *= np.exp(-(time_s - let_go_s[v]) / release_s)
        power = np.float32(level * level)
        if power < 1e-12:
            continue
        look = base[voices[v, 0]]
        first = voices[v, 2]
        sound = sounds[voices[v, 1], _age_of(age_s), first : first + len(out)]
        if learned:
            for k in range(len(out)):
                out[k] += power * look[k] * sound[k]
        else:
            for k in range(len(out)):
                out[k] += power * look[k]


@nb.njit(cache=True, nogil=True, fastmath=True)
def charge(
    wanted: Float32Array, stages: Float32Array, charging: Float32Array, out: Float32Array
) -> None:
    """Let the bands charge towards a power ``wanted`` as two cascaded resonators do; magnitudes."""
    for k in range(len(wanted)):
        stages[0, k] += charging[k] * (np.sqrt(wanted[k]) - stages[0, k])
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
    voices: IntArray,
    amplitude: FloatArray,
    struck_s: FloatArray,
    let_go_s: FloatArray,
    then_s: float,
    base: Float32Array,
    sounds: Float32Array,
    release_s: float,
    gain: FloatArray,
    colour: FloatArray,
    error: FloatArray,
    power: Float32Array,
    expected: Float32Array,
) -> None:
    """Compare what is heard with what was sounding at ``then_s``; fill ``expected``.

    Every band in which the ensemble ought to be heard and the soloist not tells how loud it is
    (``gain``: its logarithm, and from how many hops it is known), how the room colours it, and
    how each note that has its share there sounds at its age.
    """
    bands = len(heard)
    loudest = 0.0
    for k in range(bands):
        expected[k] = sounding[k] * np.exp(colour[k])
        loudest = max(loudest, float(expected[k]))
    if loudest < 1e-6:
        expected[:] = 0.0
        return
    if gain[1] < _FIRST_HOPS:
        seen = 0
        for k in range(bands):
            if absent[k] > _CLEAR and expected[k] > _LOUD * loudest:
                error[seen] = np.log((heard[k] + 1e-9) / expected[k])
                seen += 1
        if seen > 0:
            gain[1] += 1.0
            gain[0] += (np.sort(error[:seen])[seen // 2] - gain[0]) / gain[1]
    else:
        total, summed = 0.0, 0.0
        for k in range(bands):
            e = np.log((heard[k] + 1e-9) / (float(expected[k]) + 1e-12)) - gain[0]
            e = _bounded(e, 1.0)
            weight = max(float(absent[k]), _DOWN) if e < 0.0 else float(absent[k])
            loud = weight * min(1.0, expected[k] / (_LOUD * loudest))
            total += loud
            summed += loud * e
            error[k] = e * weight * min(1.0, expected[k] / (_HEARD * loudest))
        if total > 0.0:
            step = _GAIN_STEP * summed / max(total, _AT_LEAST)
            gain[0] = _bounded(gain[0] + step, _LARGEST)
        expect(voices, amplitude, struck_s, let_go_s, then_s, base, sounds, True, release_s, power)
        for v in range(len(voices)):
            age_s = then_s - struck_s[v]
            if age_s <= 0.0 or then_s > let_go_s[v]:
                continue
            look = base[voices[v, 0]]
            first = voices[v, 2]
            sound = sounds[voices[v, 1], _age_of(age_s), first : first + bands]
            own = np.float32(amplitude[v] * amplitude[v])
            for k in range(bands):
                share = own * look[k] * sound[k] / (power[k] + np.float32(1e-20))
                more = sound[k] * np.float32(1.0 + 2.0 * _SOUND_STEP * share * error[k])
                sound[k] = min(_MOST_POWER, max(_LEAST_POWER, more))
        for k in range(bands):
            e = error[k]
            if absent[k] < _CLEAR:
                # Nothing can be told here, but the room does not change within a semitone.
                near, weights = 0.0, _LEAST_NEAR
                for j in range(max(0, k - _REACH), min(bands, k + _REACH + 1)):
                    if absent[j] >= _CLEAR:
                        near += error[j]
                        weights += min(1.0, expected[j] / (_HEARD * loudest))
                e += near / weights
            colour[k] = _bounded(colour[k] + _COLOUR_STEP * e, _ODDEST)
    factor = np.exp(gain[0]) if gain[1] > 0.0 else 0.0
    for k in range(bands):
        expected[k] *= factor
