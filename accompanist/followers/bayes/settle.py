"""Compiled: belief is normalised, cut at its unlikely ends, and read (state as in `predict`)."""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["TINY", "settle"]

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

TINY: Final = np.float32(1e-30)
"""Smaller masses are nothing: they would slow the processor down as denormal numbers."""


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
    sure_quantile: float,
) -> tuple[float, float, float]:
    """Normalise ``moved`` into ``mass``, forget the unlikely ends; two positions and held mass.

    ``row_mass`` becomes the marginal of the position (held mass stands one cell before its
    border), ``tempo_mass`` [shape=(tempi,)] that of the tempo. The positions, at both quantiles
    of the marginal (the lower one second), are in cells.
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
    surely = sure_quantile * summed_mass
    passed = 0.0
    position = sure = float(first)
    for x in range(first, end):
        m = row_mass[x & mask]
        if passed < surely <= passed + m:
            sure = x + (surely - passed) / (m + 1e-30) - 0.5
        if passed + m >= wanted:
            position = x + (wanted - passed) / (m + 1e-30) - 0.5
            break
        passed += m
    return position, sure, held_total / summed_mass
