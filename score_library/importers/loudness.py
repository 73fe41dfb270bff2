"""Velocities from dynamic signs and hairpins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from score_library.importers.printed import PrintedPart

__all__ = ["ACCENTS", "LEVELS", "WORDED", "set_velocities"]

LEVELS = {
    "pppppp": 12, "ppppp": 16, "pppp": 20, "ppp": 28, "pp": 40, "p": 52, "mp": 66, "mf": 80,
    "f": 96, "ff": 112, "fff": 122, "ffff": 126, "fffff": 127, "ffffff": 127, "fp": 52, "pf": 96,
    "sfp": 52, "sfpp": 40,
}  # fmt: skip
"""MIDI velocity of each dynamic level."""
ACCENTS = {
    "sf": 16,
    "sfz": 18,
    "sffz": 24,
    "fz": 16,
    "rf": 12,
    "rfz": 14,
    "sfp": 28,
    "sfpp": 28,
    "fp": 40,
}
"""Velocity steps that one note gains."""
_DEFAULT = 80
_HAIRPIN_STEPS = 16
"""What a hairpin gains or loses where no level stands at its end."""
WORDED = "words"
"""Number of a hairpin that is written as a word ("cresc."): it ends at the next level."""
_WORDED_QUARTERS = 24.0
_NEAR_QUARTER = 1.01
"""A level this close behind the end of a hairpin is where the hairpin leads to."""


@dataclass(slots=True)
class _Hairpin:
    start: float
    end: float
    direction: int


def set_velocities(part: PrintedPart, starts: Sequence[float]) -> None:
    """Give every note of the part its velocity; ``starts`` are the printed measures' quarters."""
    levels: dict[float, int] = {}
    opened: dict[str, _Hairpin] = {}
    hairpins: list[_Hairpin] = []
    for start, measure in zip(starts, part.measures, strict=True):
        for sign in sorted(measure.loudness, key=lambda s: s.offset):
            quarter = start + sign.offset
            if sign.level is not None:
                levels[quarter] = sign.level
                worded = opened.pop(WORDED, None)
                if worded is not None and quarter - worded.start <= _WORDED_QUARTERS:
                    hairpins.append(_Hairpin(worded.start, quarter, worded.direction))
            elif sign.hairpin == 0:
                if sign.number in opened:
                    hairpins.append(opened.pop(sign.number))
                    hairpins[-1].end = quarter
            elif sign.hairpin is not None:
                opened[sign.number] = _Hairpin(quarter, quarter, sign.hairpin)
    if not levels and not hairpins:
        _apply(part, starts, np.array([0.0]), np.array([float(_DEFAULT)]))
        return
    quarters, velocities = _curve(levels, sorted(hairpins, key=lambda h: h.start))
    _apply(part, starts, quarters, velocities)


def _curve(
    levels: dict[float, int], hairpins: list[_Hairpin]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Draw the corners of the velocity curve [two arrays, same shape (n,)]; a step is two."""
    places = sorted(levels)
    corners: list[tuple[float, float]] = [(0.0, float(_DEFAULT))]
    used: set[float] = set()
    moments: list[tuple[float, int, _Hairpin | None]] = [(q, 0, None) for q in places]
    moments += [(h.start, 1, h) for h in hairpins if h.end > h.start]
    for quarter, _, hairpin in sorted(moments, key=lambda m: m[:2]):
        if quarter in used and hairpin is None:
            continue
        now = corners[-1][1]
        if hairpin is None:
            corners += [
                (max(quarter - 1e-6, corners[-1][0]), now),
                (quarter, float(levels[quarter])),
            ]
            continue
        start = max(hairpin.start, corners[-1][0])
        aim = next((q for q in places if start < q <= hairpin.end + _NEAR_QUARTER), None)
        if aim is not None and (levels[aim] - now) * hairpin.direction > 0:
            end, target = min(aim, hairpin.end) if aim > start else aim, float(levels[aim])
            used.add(aim)
        else:
            end = min(aim, hairpin.end) if aim is not None else hairpin.end
            target = max(20.0, min(124.0, now + hairpin.direction * _HAIRPIN_STEPS))
        corners += [(start, now), (max(end, start), target)]
    quarters, velocities = zip(*corners, strict=True)
    return np.maximum.accumulate(np.array(quarters)), np.array(velocities)


def _apply(
    part: PrintedPart,
    starts: Sequence[float],
    quarters: npt.NDArray[np.float64],
    velocities: npt.NDArray[np.float64],
) -> None:
    notes = [(s + n.offset, n) for s, m in zip(starts, part.measures, strict=True) for n in m.notes]
    levels = np.interp(np.array([quarter for quarter, _ in notes]), quarters, velocities)
    for (_, note), level in zip(notes, levels.tolist(), strict=True):
        note.velocity = max(1, min(127, round(level) + note.accent))
