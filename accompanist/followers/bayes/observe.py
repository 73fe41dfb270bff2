"""Compiled: belief is weighed by what was heard (state as in `predict`)."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["YOUNG", "observe"]

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

YOUNG: Final = 2
"""Looks from this one on (20 ms) may show a note by itself, whatever sounded before it."""

_UNEXPECTED: Final = 0.3
"""Share of a picture that is flat, for what a shift pushes out of it."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def observe(
    support: npt.NDArray[np.int64],
    moved: Float32Array,
    held: Float32Array,
    row_mass: Float32Array,
    spectrum: Float32Array,
    rise: Float32Array,
    shift: int,
    looks: Float32Array,
    stroke: Float32Array,
    waiting_look: Float32Array,
    waits: int,
    ages: Float32Array,
    age_bin: npt.NDArray[np.uint8],
    cell_segment: IntArray,
    segment_cell: IntArray,
    segment_event: IntArray,
    segment_begins: BoolArray,
    segment_rest: BoolArray,
    event_cell: IntArray,
    stroke_only: BoolArray,
    dwelling: Float32Array,
    brief_least: float,
    factor: Float32Array,
    kappa: float,
    onset_gain: float,
    onset_zero: float,
    onset_width: float,
    onset_least: float,
    most: float,
    repeat_least: float,
    attack_bins: int,
    floor: float,
    pause: float,
) -> tuple[float, float]:
    """Weigh ``moved`` and ``held`` by what was heard; total mass left and the log scale taken out.

    ``spectrum`` [shape=(bands + 1,)] sums to 1, its last bin is silence; ``rise`` [shape=(bands,)]
    the rectified log flux. Both are read ``shift`` bands lower: a player 33 cents sharp a band.
    What a missing stroke tells against an event, ``onset_least`` or ``repeat_least``, counts for
    ``brief_least`` of itself where ``dwelling`` [shape=(events,)] is 0, for all where it is 1.
    ``factor`` [shape=(slots, age bins)] is scratch. Silence is likelier by ``pause`` (logarithm)
    in a note that has begun long ago, or while somebody is held, than in a new one.
    """
    tempi = moved.shape[1]
    mask = moved.shape[0] - 1
    held_mask = held.shape[0] - 1
    slots = looks.shape[0]
    levels = ages.shape[1]
    bands = looks.shape[2] - 1
    bins = ages.shape[0]
    low, high = support[0], support[1]
    first = max(0, cell_segment[low] - 1)
    if support[3] > support[2]:
        first = max(0, min(first, cell_segment[event_cell[support[2]]] - 1))
        last = max(cell_segment[high - 1], cell_segment[event_cell[support[3] - 1]])
    else:
        last = cell_segment[high - 1]
    from_band = max(0, -shift)
    to_band = min(bands, bands - shift)
    best = -1e30
    paused = np.float32(np.exp(kappa * spectrum[bands] * pause))
    # What a shift pushes out of the picture costs as much as anything unexpected does.
    outside = np.float32(0.0)
    for k in range(bands):
        if k - shift < 0 or k - shift >= bands:
            outside += spectrum[k]
    outside *= np.float32(np.log(_UNEXPECTED / bands))
    fit = np.empty(levels, dtype=np.float64)
    for s in range(first, last + 1):
        slot = s % slots
        top = -1e30
        for j in range(levels):
            look = looks[slot, j]
            total = outside
            for k in range(from_band, to_band):
                total += spectrum[k + shift] * look[k]
            fit[j] = kappa * (total + spectrum[bands] * look[bands])
            top = max(top, fit[j])
        look = looks[slot, levels]
        total = outside
        for k in range(from_band, to_band):
            total += spectrum[k + shift] * look[k]
        other = kappa * (total + spectrum[bands] * look[bands])
        for j in range(0 if segment_rest[s] else YOUNG, levels):
            fit[j] = max(fit[j], other)
        top = max(top, other)
        onset = 0.0
        if segment_begins[s]:
            told = np.float32(0.0)
            weight = stroke[slot]
            for k in range(from_band, to_band):
                told += rise[k + shift] * weight[k]
            e = segment_event[s]
            least = repeat_least if stroke_only[e] else onset_least
            least *= brief_least + (1.0 - brief_least) * dwelling[e]
            onset = onset_gain * min(most, max(least, (float(told) - onset_zero) / onset_width))
        for j in range(levels):
            fit[j] = np.exp(fit[j] - top)
        lift = np.exp(onset)
        for b in range(bins):
            likely = 1e-30
            for j in range(levels):
                likely += ages[b, j] * fit[j]
            if b < attack_bins:
                likely *= lift
            # Kept as a logarithm's anchor plus a plain factor; the anchor is taken out below.
            factor[slot, b] = likely
        if not segment_rest[s]:
            # A note that has begun long ago may have died away.
            factor[slot, bins - 1] *= paused
        peak = top + max(onset, 0.0)
        best = max(best, peak)
        # The anchor of this segment waits in the last column.
        factor[slot, bins] = np.float32(top)
    idle = 0.0
    if waits >= 0:
        for k in range(bands + 1):
            idle += spectrum[k] * waiting_look[k]
        idle *= kappa
        best = max(best, idle)
    least_factor = np.float32(np.exp(-floor))
    idle_factor = max(np.float32(np.exp(idle - best)), least_factor)
    for s in range(first, last + 1):
        slot = s % slots
        scale = np.float32(np.exp(factor[slot, bins] - best))
        for b in range(bins):
            factor[slot, b] = max(factor[slot, b] * scale, least_factor)
    total_mass = 0.0
    table = age_bin.shape[0]
    for x in range(low, high):
        s = cell_segment[x]
        age = x - segment_cell[s]
        values = factor[s % slots]
        out = moved[x & mask]
        summed = 0.0
        if age >= table:
            old = values[bins - 1]
            for v in range(tempi):
                out[v] *= old
                summed += out[v]
        else:
            which = age_bin[age]
            for v in range(tempi):
                out[v] *= values[which[v]]
                summed += out[v]
        row_mass[x & mask] = summed
        total_mass += summed
    for e in range(support[2], support[3]):
        # Held before the border: the old sound goes on, whatever its age. Before the first note
        # of all there is none: anything may sound.
        s = cell_segment[event_cell[e]] - 1
        old = idle_factor
        if e != waits:
            old = factor[s % slots, bins - 1]
        waiting = held[e & held_mask]
        summed = 0.0
        for v in range(tempi):
            waiting[v] *= old
            summed += waiting[v]
        total_mass += summed
    return total_mass, best
