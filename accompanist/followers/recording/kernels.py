"""Compiled: belief in places of the recording × tempi moves, is weighed and is read.

Rows of belief stand in rings: place x in slot x & (slots − 1). ``support`` is [first, end) of the
places that are believed in. Each place has, besides the mass that moves, mass that is *held*
there keeping its tempo: a player who is late has not slowed down.
"""

from __future__ import annotations

from typing import Final

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["TINY", "move", "settle", "weigh"]

Float32Array = npt.NDArray[np.float32]

TINY: Final = np.float32(1e-30)
"""Smaller masses are nothing: they would slow the processor down as denormal numbers."""


@nb.njit(cache=True, nogil=True, fastmath=True)
def move(
    support: npt.NDArray[np.int64],
    mass: Float32Array,
    held: Float32Array,
    moved: Float32Array,
    steps: npt.NDArray[np.int32],
    part: Float32Array,
    places: int,
    enter: float,
    leave: float,
    mixing: float,
) -> None:
    """Let every mass go on by its own tempo into ``moved``; neighbouring tempi exchange some."""
    tempi = mass.shape[1]
    mask = mass.shape[0] - 1
    low, high = support[0], support[1]
    end = min(places, high + int(steps[tempi - 1]) + 2)
    for x in range(low, end):
        moved[x & mask, :] = 0.0
    for x in range(high, end):
        held[x & mask, :] = 0.0
    stay, go = np.float32(1.0 - enter), np.float32(leave)
    for x in range(low, high):
        source, waiting = mass[x & mask], held[x & mask]
        for v in range(tempi):
            leaving = waiting[v] * go
            waiting[v] = waiting[v] - leaving + source[v] * np.float32(enter)
            going = source[v] * stay + leaving
            if going < TINY:
                continue
            i = x + steps[v]
            if i + 1 < places:
                moved[i & mask, v] += going * (np.float32(1.0) - part[v])
                moved[(i + 1) & mask, v] += going * part[v]
            else:
                held[(places - 1) & mask, v] += going
    support[1] = end
    little = np.float32(mixing)
    keep = np.float32(1.0 - 2.0 * mixing)
    for x in range(low, end):
        row = moved[x & mask]
        previous = row[0]
        for v in range(tempi):
            current = row[v]
            following = row[v + 1] if v < tempi - 1 else current
            row[v] = current * keep + little * (previous + following)
            previous = current


@nb.njit(cache=True, nogil=True, fastmath=True)
def weigh(
    support: npt.NDArray[np.int64],
    held: Float32Array,
    moved: Float32Array,
    row_mass: Float32Array,
    looks: Float32Array,
    asked: Float32Array,
    fits: Float32Array,
    waiting: float,
    waiting_likely: float,
    floor: float,
) -> tuple[float, float, float]:
    """Weigh each place by how well its look answers ``asked``.

    ``fits`` gets the log-likelihood of each slot. Returns the total belief, the log-likelihood
    that was divided out, and what is left of ``waiting``.
    """
    tempi = moved.shape[1]
    mask = moved.shape[0] - 1
    rows = looks.shape[0]
    low, high = support[0], support[1]
    best = waiting_likely if waiting > 0.0 else -1e30
    for x in range(low, high):
        look = looks[x % rows]
        fit = np.float32(0.0)
        for k in range(len(asked)):
            fit += asked[k] * look[k]
        fits[x & mask] = fit
        best = max(best, float(fit))
    total = 0.0
    for x in range(low, high):
        likely = np.float32(np.exp(max(float(fits[x & mask]) - best, -floor)))
        summed = np.float32(0.0)
        going, stopped = moved[x & mask], held[x & mask]
        for v in range(tempi):
            going[v] *= likely
            stopped[v] *= likely
            summed += going[v] + stopped[v]
        row_mass[x & mask] = summed
        total += float(summed)
    left = waiting * np.exp(max(waiting_likely - best, -floor))
    return total + left, best, left


@nb.njit(cache=True, nogil=True, fastmath=True)
def settle(
    support: npt.NDArray[np.int64],
    mass: Float32Array,
    held: Float32Array,
    moved: Float32Array,
    row_mass: Float32Array,
    tempo_mass: Float32Array,
    going_mass: Float32Array,
    total: float,
    prune: float,
    widest: int,
    quantiles: tuple[float, float, float],
) -> tuple[float, float, float]:
    """Normalise, forget unlikely ends.

    Returns the place at the first of ``quantiles``, in rows, the distance between the others, and
    the mass that is held.

    ``tempo_mass`` becomes the marginal of the tempo, ``going_mass`` that of what moves.
    """
    tempi = mass.shape[1]
    mask = mass.shape[0] - 1
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
    going_mass[:] = 0.0
    summed, held_mass = 0.0, 0.0
    for x in range(low, high):
        going, stopped, out = moved[x & mask], held[x & mask], mass[x & mask]
        for v in range(tempi):
            m = going[v] * scale
            h = stopped[v] * scale
            m = m if m > TINY else np.float32(0.0)
            h = h if h > TINY else np.float32(0.0)
            out[v] = m
            stopped[v] = h
            going_mass[v] += m
            tempo_mass[v] += m + h
            held_mass += float(h)
        row_mass[x & mask] *= scale
        summed += float(row_mass[x & mask])
    support[0] = low
    support[1] = high
    places = np.zeros(3)
    for i in range(3):
        wanted = quantiles[i] * summed
        passed = 0.0
        places[i] = float(low)
        for x in range(low, high):
            share = float(row_mass[x & mask])
            if passed + share >= wanted:
                places[i] = x + (wanted - passed) / (share + 1e-30) - 0.5
                break
            passed += share
    return places[0], places[2] - places[1], held_mass
