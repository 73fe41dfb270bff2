"""Velocities from dynamic signs and hairpins."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from score_library.importers.printed import PrintedPart

__all__ = ["ACCENTS", "LEVELS", "WORDED", "set_velocities", "struck_at"]

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
_AT_QUARTER, _BEFORE_QUARTER = 0.01, 0.26
"""A sign stands at a note that is so near, and belongs to one that comes so soon."""
_HAIRPIN_STEPS = 16
"""What a hairpin gains or loses where no level stands at its end."""
WORDED = "words"
"""Number of a hairpin that is written as a word ("cresc."): it ends at the next level."""
_WORDED_QUARTERS = 24.0
_LEFT_OPEN_QUARTERS = 8.0
"""So long a hairpin lasts of which nobody says where it leads to."""
_SINK_QUARTER = 0.5
"""So long a sustained note takes to sink from the peak of an fp or sf to the level."""
_NEAR_QUARTER = 1.01
"""A level this close behind the end of a hairpin is where the hairpin leads to."""


@dataclass(slots=True)
class _Hairpin:
    start: float
    end: float
    direction: int


def set_velocities(part: PrintedPart, starts: Sequence[float]) -> None:
    """Give every note of the part its velocity, and the part its curve.

    ``starts`` are the printed measures' quarters.
    """
    levels: dict[float, int] = {}
    peaks: dict[float, int] = {}
    hairpins = _Hairpins()
    onsets = sorted(
        s + n.offset for s, m in zip(starts, part.measures, strict=True) for n in m.notes
    )
    for start, measure in zip(starts, part.measures, strict=True):
        for sign in sorted(measure.loudness, key=lambda s: s.offset):
            quarter = start + sign.offset
            if sign.peak or sign.level is not None:
                quarter = struck_at(quarter, onsets)
            if sign.peak:
                peaks[quarter] = sign.peak
            if sign.level is not None:
                levels[quarter] = sign.level
                hairpins.close(WORDED, quarter, within=_WORDED_QUARTERS)
            elif sign.hairpin == 0:
                hairpins.close(sign.number, quarter)
            elif sign.hairpin is not None:
                hairpins.open(sign.number, quarter, sign.hairpin)
    drawn = hairpins.all()
    if not levels and not drawn:
        # An accent says nothing of how loud the rest is.
        _apply(part, starts, np.array([0.0]), np.array([float(_DEFAULT)]))
        return
    quarters, velocities = _curve(levels, drawn)
    _apply(part, starts, quarters, velocities)
    corners = list(zip(quarters.tolist(), velocities.tolist(), strict=True))
    part.curve = tuple(_peaked(corners, peaks))


def struck_at(quarter: float, onsets: Sequence[float]) -> float:
    """Where a sign takes effect: at the note that it stands at, or a little before.

    Engravers move signs to the left to make room. One that stands in the middle of a held note,
    or in a rest, is left where it is.

    >>> struck_at(2.9, [2.0, 3.0]), struck_at(2.0, [2.0, 2.1]), struck_at(2.5, [2.0, 3.0])
    (3.0, 2.0, 2.5)
    """
    i = bisect_left(onsets, quarter - _AT_QUARTER)
    if i < len(onsets) and onsets[i] - quarter <= _BEFORE_QUARTER:
        return onsets[i]
    return quarter


class _Hairpins:
    """Those that are open, and those that are drawn to their end."""

    def __init__(self) -> None:
        self._opened: dict[str, _Hairpin] = {}
        self._drawn: list[_Hairpin] = []

    def open(self, number: str, quarter: float, direction: int) -> None:
        self.close(WORDED, quarter, within=_WORDED_QUARTERS)
        self._opened[number] = _Hairpin(quarter, quarter, direction)

    def close(self, number: str, quarter: float, within: float = float("inf")) -> None:
        """End one, if it is open; one that is farther away than ``within`` has ended before."""
        hairpin = self._opened.pop(number, None)
        if hairpin is None:
            return
        hairpin.end = quarter
        if quarter - hairpin.start > within:
            hairpin.end = hairpin.start + _LEFT_OPEN_QUARTERS
        self._drawn.append(hairpin)

    def all(self) -> list[_Hairpin]:
        """Give all, sorted; a word that nothing has ended lasts a while."""
        left = self._opened.pop(WORDED, None)
        if left is not None:
            left.end = left.start + _LEFT_OPEN_QUARTERS
            self._drawn.append(left)
        return sorted(self._drawn, key=lambda hairpin: hairpin.start)


def _peaked(
    corners: Sequence[tuple[float, float]], peaks: dict[float, int]
) -> list[tuple[float, float]]:
    """Put the peaks upon a curve; each sinks within a moment, or where the next corner is."""
    out = list(corners)
    for quarter, steps in sorted(peaks.items()):
        xs, ys = zip(*out, strict=True)
        end = quarter + _SINK_QUARTER
        at, behind = (float(np.interp(q, xs, ys)) for q in (quarter, end))
        before = float(np.interp(quarter - 1e-6, xs, ys))
        left = [c for c in out if c[0] < quarter - 1e-6]
        right = [c for c in out if c[0] > end]
        peak = (quarter, min(at + steps, 127.0))
        out = [*left, (max(quarter - 1e-6, 0.0), before), peak, (end, behind), *right]
    return out


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
