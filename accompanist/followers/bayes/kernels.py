"""The compiled inner loops of the position filter.

State (see `accompanist.followers.bayes.grid`): ``mass[row, v]`` is the probability of a score cell
and a tempo, cell ``x`` in row ``x & mask`` of a ring; ``held[e & held_mask, v]`` that of waiting at
the border before event ``e``, tempo kept. All loops run over tempi innermost, so they vectorise;
nothing is allocated.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["TINY", "YOUNG", "observe", "predict", "settle"]

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]

YOUNG: Final = 2
"""Looks from this one on (20 ms) may show a note by itself, whatever sounded before it."""

TINY: Final = np.float32(1e-30)
"""Smaller masses are nothing: they would slow the processor down as denormal numbers."""


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
    enter_hold: float,
    enter_repeat: float,
    leave_hold: float,
    leave_wait: float,
    mixing: float,
) -> None:
    """Move everything on by one hop: ``mass`` → ``moved``, ``support`` updated in place.

    ``support`` = [first cell, end cell, first held event, end held event]. ``steps`` and ``part``
    [shape=(tempi,)] are the whole and fractional cells a hop of each tempo.
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
                hold_share = np.float32(enter_repeat if stroke_only[event] else enter_hold)
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
        leave = np.float32(leave_wait if e == 0 else leave_hold)
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
    ages: Float32Array,
    age_bin: npt.NDArray[np.uint8],
    cell_segment: IntArray,
    segment_cell: IntArray,
    segment_event: IntArray,
    segment_begins: BoolArray,
    segment_rest: BoolArray,
    event_cell: IntArray,
    stroke_only: BoolArray,
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
) -> tuple[float, float]:
    """Weigh ``moved`` and ``held`` by what was heard; total mass left and the log scale taken out.

    ``spectrum`` [shape=(bands + 1,)] sums to 1, its last bin is silence; ``rise`` [shape=(bands,)]
    the rectified log flux. Both are read ``shift`` bands lower: a player 33 cents sharp a band.
    ``factor`` [shape=(slots, age bins)] is scratch.
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
    # What a shift pushes out of the picture costs as much as anything unexpected does.
    outside = np.float32(0.0)
    for k in range(bands):
        if k - shift < 0 or k - shift >= bands:
            outside += spectrum[k]
    outside *= np.float32(np.log(0.3 / bands))
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
            least = repeat_least if stroke_only[segment_event[s]] else onset_least
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
        peak = top + max(onset, 0.0)
        best = max(best, peak)
        # The anchor of this segment waits in the last column.
        factor[slot, bins] = np.float32(top)
    least_factor = np.float32(np.exp(-floor))
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
        # Held before the border: the old sound goes on, whatever its age.
        s = cell_segment[event_cell[e]] - 1
        old = factor[s % slots, bins - 1]
        waiting = held[e & held_mask]
        summed = 0.0
        for v in range(tempi):
            waiting[v] *= old
            summed += waiting[v]
        total_mass += summed
    return total_mass, best


@nb.njit(cache=True, nogil=True, fastmath=True)
def settle(
    support: npt.NDArray[np.int64],
    mass: Float32Array,
    moved: Float32Array,
    held: Float32Array,
    row_mass: Float32Array,
    tempo_mass: Float32Array,
    event_cell: IntArray,
    total: float,
    prune: float,
    widest: int,
    quantile: float,
) -> tuple[float, float]:
    """Normalise ``moved`` into ``mass``, forget the unlikely ends; the position and held mass.

    ``row_mass`` becomes the marginal of the position (held mass stands one cell before its
    border), ``tempo_mass`` [shape=(tempi,)] that of the tempo. The position is in cells.
    """
    tempi = mass.shape[1]
    mask = mass.shape[0] - 1
    held_mask = held.shape[0] - 1
    low, high = support[0], support[1]
    threshold = np.float32(total * prune)
    while low < high - 1 and row_mass[low & mask] <= threshold:
        low += 1
    while high > low + 1 and row_mass[(high - 1) & mask] <= threshold:
        high -= 1
    while high - low > widest:
        if row_mass[low & mask] < row_mass[(high - 1) & mask]:
            low += 1
        else:
            high -= 1
    scale = np.float32(1.0 / total)
    tempo_mass[:] = 0.0
    for x in range(low, high):
        source = moved[x & mask]
        out = mass[x & mask]
        for v in range(tempi):
            m = source[v] * scale
            m = m if m > TINY else np.float32(0.0)
            out[v] = m
            tempo_mass[v] += m
        row_mass[x & mask] *= scale
    first, end = low, high
    event_low, event_high = support[2], support[3]
    held_total = 0.0
    kept_low, kept_high = event_high, event_low
    for e in range(event_low, event_high):
        waiting = held[e & held_mask]
        summed = 0.0
        for v in range(tempi):
            m = waiting[v] * scale
            m = m if m > TINY else np.float32(0.0)
            waiting[v] = m
            summed += float(m)
        x = event_cell[e] - 1
        far = x < high - widest or x > low + widest
        if summed > prune and not far:
            kept_low = min(kept_low, e)
            kept_high = e + 1
            held_total += float(summed)
            for v in range(tempi):
                tempo_mass[v] += waiting[v]
            if x < first:
                for y in range(x, first):
                    row_mass[y & mask] = 0.0
                first = x
            if x >= end:
                for y in range(end, x + 1):
                    row_mass[y & mask] = 0.0
                end = x + 1
            row_mass[x & mask] += summed
        else:
            waiting[:] = 0.0
    if kept_low >= kept_high:
        kept_low = kept_high = event_high
    support[0] = low
    support[1] = high
    support[2] = kept_low
    support[3] = kept_high
    support[4] = first
    support[5] = end
    summed_mass = 0.0
    for x in range(first, end):
        summed_mass += row_mass[x & mask]
    wanted = quantile * summed_mass
    passed = 0.0
    position = float(first)
    for x in range(first, end):
        m = row_mass[x & mask]
        if passed + m >= wanted:
            position = x + (wanted - passed) / (m + 1e-30) - 0.5
            break
        passed += m
    return position, held_total / summed_mass
