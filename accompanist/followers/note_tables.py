"""What the follower of struck keys looks up: tables made of the solo once, before it is played.

States count from 0, "before the first event"; state e + 1 is "event e is the last one struck".
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Ornament
from accompanist.score.solo import SoloLine

__all__ = ["ornament_index", "pitch_index", "restart_weights"]

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.uint64]


def pitch_index(solo: SoloLine) -> tuple[dict[int, npt.NDArray[np.intp]], dict[int, Bits]]:
    """For every pitch the states whose event has it, and its bit in each of them."""
    where: dict[int, list[int]] = {}
    bits: dict[int, list[int]] = {}
    for event, group in enumerate(solo.notes):
        for k, pitch in enumerate(sorted({note.pitch for note in group})[:63]):
            where.setdefault(pitch, []).append(event + 1)
            bits.setdefault(pitch, []).append(1 << k)
    return (
        {pitch: np.array(states, dtype=np.intp) for pitch, states in where.items()},
        {pitch: np.array(values, dtype=np.uint64) for pitch, values in bits.items()},
    )


def ornament_index(solo: SoloLine) -> dict[int, npt.NDArray[np.intp]]:
    """For every pitch the states in which it may be struck without moving on.

    Trills, turns and tremolos have it around their own pitch, grace notes in the state before
    their main note.
    """
    where: dict[int, set[int]] = {}
    for event, group in enumerate(solo.notes):
        for note in group:
            if note.ornament is not Ornament.NONE:
                for offset in range(-2, 3):
                    where.setdefault(note.pitch + offset, set()).add(event + 1)
    for note in solo.grace:
        state = int(np.searchsorted(solo.onsets_quarter, note.onset_quarter + 1e-6))
        where.setdefault(note.pitch, set()).add(state)
    return {pitch: np.array(sorted(states), dtype=np.intp) for pitch, states in where.items()}


def restart_weights(solo: SoloLine) -> Floats:
    """Where a player who jumps goes: beginnings of phrases rather than their middles. Sums to 1."""
    weights = np.ones(len(solo) + 1)
    weights[0] = 0.0
    end_quarter = -math.inf
    for event, group in enumerate(solo.notes):
        if group[0].onset_quarter - end_quarter > 0.4:  # behind a rest
            weights[event + 1] = 4.0
        end_quarter = max(end_quarter, *(note.end_quarter for note in group))
    return weights / max(float(weights.sum()), 1.0)
