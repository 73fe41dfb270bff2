"""Compiled: belief is weighed by what was heard, and read (state as in `passing`)."""

from __future__ import annotations

from math import exp, log

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["read", "weigh"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
HopArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@nb.njit(cache=True, nogil=True, fastmath=True)
def weigh(
    now: int,
    hop_s: float,
    support: HopArray,
    flow: Float32Array,
    dwell: Float32Array,
    drift: Float32Array,
    born: HopArray,
    old: FloatArray,
    waiting: FloatArray,
    event_mass: FloatArray,
    event_segment: IntArray,
    segment_s: FloatArray,
    segment_rest: BoolArray,
    length_s: FloatArray,
    stroke_only: BoolArray,
    spectrum: Float32Array,
    rise: Float32Array,
    shift: int,
    looks: Float32Array,
    stroke: Float32Array,
    waiting_look: Float32Array,
    ages_look: Float32Array,
    factor: FloatArray,
    kappa: float,
    onset_gain: float,
    onset_zero: float,
    onset_width: float,
    onset_least: float,
    onset_most: float,
    repeat_least: float,
    attack_hops: int,
    unexpected: float,
) -> tuple[float, float]:
    """Weigh every entry by what was heard; the total mass left, and the log scale taken out.

    ``factor`` [shape=(slots, bins + 1)] is scratch: the likelihood of each segment at each age in
    hops (the last of ``bins``: any later), and its log anchor. ``event_mass`` [shape=(w,)] gets
    each event's mass.
    """
    rows = flow.shape[0]
    ages = flow.shape[1]
    slots, levels = looks.shape[0], looks.shape[1] - 1
    bands = looks.shape[2] - 1
    bins = ages_look.shape[0]
    segments = len(segment_s)
    low, high = support[0], support[1]
    from_band = max(0, -shift)
    to_band = min(bands, bands - shift)
    outside = np.float32(0.0)
    for k in range(bands):
        if k - shift < 0 or k - shift >= bands:
            outside += spectrum[k]
    outside *= np.float32(log(unexpected / bands))
    best = -1e30
    fit = np.empty(levels + 1, dtype=np.float64)
    begin = event_segment[low] if high > low else 0
    end = begin
    if high > low:
        end = event_segment[high] if high < len(event_segment) else segments
    e = low - 1
    for s in range(begin, end):
        starts = e + 1 < high and event_segment[e + 1] == s
        if starts:
            e += 1
        slot = s % slots
        for j in range(levels + 1):
            look = looks[slot, j]
            total = outside
            for k in range(from_band, to_band):
                total += spectrum[k + shift] * look[k]
            fit[j] = kappa * (total + spectrum[bands] * look[bands])
        # The other look fits as well: a note with nothing ringing, a rest with all ringing.
        for j in range(0 if segment_rest[s] else 2, levels):
            fit[j] = max(fit[j], fit[levels])
        top = -1e30
        for j in range(levels):
            top = max(top, fit[j])
        onset = 0.0
        if starts:
            told = 0.0
            for k in range(from_band, to_band):
                told += rise[k + shift] * stroke[slot, k]
            least = repeat_least if stroke_only[e] else onset_least
            onset = onset_gain * min(onset_most, max(least, (told - onset_zero) / onset_width))
        for j in range(levels):
            fit[j] = exp(fit[j] - top)
        lift = exp(onset)
        for b in range(bins):
            likely = 1e-30
            for j in range(levels):
                likely += ages_look[b, j] * fit[j]
            factor[slot, b] = likely * lift if b < attack_hops else likely
        factor[slot, bins] = top
        best = max(best, top + max(onset, 0.0))
    idle = 0.0
    if waiting[0] > 0.0:
        for k in range(bands + 1):
            idle += spectrum[k] * waiting_look[k]
        idle *= kappa
        best = max(best, idle)
        waiting[0] *= exp(idle - best)
    sum_mass = waiting[0]
    for s in range(begin, end):
        slot = s % slots
        scale = exp(factor[slot, bins] - best)
        for b in range(bins):
            factor[slot, b] *= scale
    for e in range(low, high):
        row = e & (rows - 1)
        s0 = event_segment[e]
        s1 = event_segment[e + 1] if e + 1 < len(event_segment) else segments
        summed = 0.0
        for b in range(born[row, 0], born[row, 1] + 1):
            at = b % ages
            age = now - b
            s = s0
            if s1 > s0 + 1:
                written = segment_s[s0] + age * hop_s * exp(drift[row, at])
                while s + 1 < s1 and segment_s[s + 1] <= written:
                    s += 1
            likely = factor[s % slots, min(age, bins - 1) if s == s0 else bins - 1]
            flow[row, at] *= likely
            dwell[row, at] *= likely
            summed += flow[row, at] + dwell[row, at]
        if old[row, 0] > 0.0:
            s = s0
            written = segment_s[s0] + old[row, 3] * hop_s * exp(old[row, 1])
            while s + 1 < s1 and segment_s[s + 1] <= written:
                s += 1
            old[row, 0] *= factor[s % slots, bins - 1]
            summed += old[row, 0]
        event_mass[row] = summed
        sum_mass += summed
    return sum_mass, best


@nb.njit(cache=True, nogil=True, fastmath=True)
def read(
    now: int,
    hop_s: float,
    support: HopArray,
    flow: Float32Array,
    dwell: Float32Array,
    drift: Float32Array,
    born: HopArray,
    old: FloatArray,
    waiting: FloatArray,
    event_mass: FloatArray,
    event_age: FloatArray,
    length_s: FloatArray,
    total: float,
    prune: float,
    most: int,
    out: FloatArray,
) -> None:
    """Normalise, forget what is unlikely, and put together what each event says.

    ``event_age`` [shape=(w, 2)]: mean written seconds since the event's onset (at most its
    length) and mean hops since. ``out`` = mean log tempo, share that dwells.
    """
    rows = flow.shape[0]
    ages = flow.shape[1]
    scale = 1.0 / total
    waiting[0] = waiting[0] * scale
    if waiting[0] < prune:
        waiting[0] = 0.0
    low, high = support[0], support[1]
    while low < high - 1 and event_mass[low & (rows - 1)] * scale < prune:
        low += 1
    while high > low + 1 and event_mass[(high - 1) & (rows - 1)] * scale < prune:
        high -= 1
    while high - low > most:
        if event_mass[low & (rows - 1)] < event_mass[(high - 1) & (rows - 1)]:
            low += 1
        else:
            high -= 1
    tempo = waiting[0] * waiting[2]
    dwelling = 0.0
    kept = waiting[0]
    for e in range(low, high):
        row = e & (rows - 1)
        length = length_s[e] if e + 1 < len(length_s) else 1e9
        summed = 0.0
        written = 0.0
        hops = 0.0
        first = born[row, 0]
        last = born[row, 1]
        for b in range(first, last + 1):
            at = b % ages
            flow[row, at] *= scale
            dwell[row, at] *= scale
            mass = float(flow[row, at]) + float(dwell[row, at])
            if mass < prune:
                flow[row, at] = 0.0
                dwell[row, at] = 0.0
                continue
            gone = (now - b) * hop_s * exp(drift[row, at])
            summed += mass
            written += mass * min(gone, length)
            hops += mass * (now - b)
            tempo += mass * drift[row, at]
            if gone >= length:
                dwelling += mass
        while first <= last and flow[row, first % ages] + dwell[row, first % ages] == 0.0:
            first += 1
        while last >= first and flow[row, last % ages] + dwell[row, last % ages] == 0.0:
            last -= 1
        born[row, 0], born[row, 1] = (first, last) if first <= last else (1, 0)
        old[row, 0] *= scale
        if old[row, 0] > 0.0:
            mass = old[row, 0]
            summed += mass
            written += mass * min(old[row, 3] * hop_s * exp(old[row, 1]), length)
            hops += mass * old[row, 3]
            tempo += mass * old[row, 1]
            dwelling += mass
        event_mass[row] = summed
        kept += summed
        event_age[row, 0] = written / (summed + 1e-300)
        event_age[row, 1] = hops / (summed + 1e-300)
    support[0] = low
    support[1] = high
    out[0] = tempo / kept
    out[1] = dwelling / kept
