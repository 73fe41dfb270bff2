"""Two recordings of one piece, or a score and a recording, on one time axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError
from accompanist.recordings.aligning.features import FRAMES_PER_S, Features
from accompanist.recordings.aligning.refining import heard_onsets, refine
from accompanist.recordings.aligning.regions import (
    Region,
    Rough,
    coarse,
    coarse_hop,
    rough_alignment,
)
from accompanist.recordings.aligning.warping import TimeMap, warp

__all__ = ["Alignment", "align_features", "check_heard"]

FloatArray = npt.NDArray[np.float64]

_SHORTEST_S = 2.0
_CERTAIN, _CERTAIN_TRANSPOSED = 2.0, 3.0
"""The two have to agree so many times better than the first does in any other key. …"""
_ALIKE = 0.28
"""… and by this much in every second: of single lines of half a minute, in one style, one wrong
pair in a hundred passed both, and all of the right ones."""
_NULL_CELLS = 4_000_000
"""Chance is estimated at a coarser rate, eleven times."""
_SPEEDS = (1.0, 0.5, 0.7, 1.4, 2.0)
_SPEED_CELLS = 4_000_000
_EDGE_S = 12.0
"""The ends of a rough stretch are drawn out by at most this, to where one of the two ends."""
_AIR_S = 0.1
_SLACK_HOPS = 2.0
"""… and further by so many hops of it, which is as exact as it can be."""
_SLOPE_S = 8.0
_STILL, _STILL_BY_S, _STILL_S = 0.15, 0.5, 1.5
"""Going on by hardly more than this share of the other, for so long, is standing still."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How two of one piece run together.

    Attributes
    ----------
    map : TimeMap
        Seconds of the first ↔ seconds of the second.
    certainty : float
        How many times better they agree than by chance.
    transposed : int
        Semitones by which the second sounds above the first.
    regions : tuple of Region
        The stretches in which they run together, roughly.
    """

    map: TimeMap
    certainty: float
    transposed: int
    regions: tuple[Region, ...]


def check_heard(features: Features, name: str) -> None:
    """Refuse what cannot be aligned.

    Raises
    ------
    BadInputError
        It is too short, or silent.
    """
    if features.duration_s < _SHORTEST_S:
        raise BadInputError(
            f"{name}: {features.duration_s:.1f} s of sound are too short to align; "
            f"give at least {_SHORTEST_S:.0f} s"
        )
    if np.count_nonzero(features.loudness) < _SHORTEST_S * 10:
        raise BadInputError(f"{name}: it is silent; record or copy it again")


def align_features(
    first: Features,
    second: Features,
    *,
    onsets_s: FloatArray | None = None,
    first_name: str = "the piece",
    second_name: str = "the recording",
    advance: Callable[[float], None] | None = None,
) -> Alignment:
    """Bring two together.

    Parameters
    ----------
    first, second : Features
    onsets_s : ndarray, optional
        Where notes of the first begin, rising; heard in it by default.
    first_name, second_name : str
        For error messages.
    advance : callable, optional
        Told the seconds of the second done since it was last told.

    Raises
    ------
    BadInputError
        One of them is too short or silent, or they are not of the same piece.
    """
    check_heard(first, first_name)
    check_heard(second, second_name)
    speed = _likely_speed(first, second)
    turn, certainty = _certainty(first, second, speed)
    rough = _rough(first, second, speed, turn)
    certain = _CERTAIN_TRANSPOSED if turn else _CERTAIN
    if rough is None or certainty < certain or _likeness(rough) < _ALIKE:
        raise BadInputError(
            f"{second_name}: it does not sound like {first_name} (they agree no better than by "
            "chance); give a recording of the same piece"
        )
    if turn:
        first = replace(
            first,
            chroma=np.roll(first.chroma, turn, axis=1),
            onsets=np.roll(first.onsets, turn, axis=1),
            flux=np.roll(first.flux, turn, axis=1),
        )
    regions = _drawn_out(rough, _sounding(first), _sounding(second))
    rough_map = warp(first, second, regions, advance)
    places = heard_onsets(first) if onsets_s is None else onsets_s
    refined = refine(first, second, rough_map, places)
    return Alignment(refined, certainty, _signed(turn), regions)


def _signed(turn: int) -> int:
    """Semitones the shorter way round.

    >>> [_signed(turn) for turn in (0, 1, 6, 11)]
    [0, 1, 6, -1]
    """
    return turn if turn <= 6 else turn - 12


def _rough(
    first: Features, second: Features, speed: float, turn: int, most_cells: int | None = None
) -> Rough | None:
    rows = len(first) / speed
    hop = (
        coarse_hop(int(rows), len(second))
        if most_cells is None
        else coarse_hop(int(rows), len(second), most_cells)
    )
    a = coarse(first.chroma, first.loudness, hop, speed).turned(turn)
    found = rough_alignment(a, coarse(second.chroma, second.loudness, hop))
    if found is None:
        return None
    return Rough(
        found.gain,
        found.path_s * [speed, 1.0],
        tuple(
            Region(r.first_start_s * speed, r.first_end_s * speed, r.second_start_s, r.second_end_s)
            for r in found.regions
        ),
        found.hop_s,
    )


def _likely_speed(first: Features, second: Features) -> float:
    """Find roughly how much faster the second is played than the first."""
    best, chosen = -1.0, 1.0
    for speed in _SPEEDS:
        rough = _rough(first, second, speed, 0, _SPEED_CELLS)
        # One has to be clearly better than the written speed, which is tried first.
        if rough is not None and rough.gain > best * 1.05:
            best, chosen = rough.gain, speed
    return chosen


def _certainty(first: Features, second: Features, speed: float) -> tuple[int, float]:
    """Best transposition of the first, and how many times better it agrees than the next best."""
    gains = np.zeros(12)
    for turn in range(12):
        rough = _rough(first, second, speed, turn, _NULL_CELLS)
        gains[turn] = 0.0 if rough is None else rough.gain
    turn = int(np.argmax(gains))
    others = np.delete(gains, turn)
    return turn, float(gains[turn] / max(others.max(), 0.02 * second.duration_s, 0.3))


def _sounding(features: Features) -> tuple[float, float]:
    """Give first and last moment of sound, in seconds, with a little air."""
    sounding = np.flatnonzero(features.loudness)
    return (
        max(sounding[0] / FRAMES_PER_S - _AIR_S, 0.0),
        min((sounding[-1] + 1) / FRAMES_PER_S + _AIR_S, features.duration_s),
    )


def _likeness(rough: Rough) -> float:
    """Give by how much the two agree in each second in which they run together."""
    covered_s = sum(r.second_end_s - r.second_start_s for r in rough.regions)
    return rough.gain / max(covered_s, 1e-9)


def _drawn_out(
    rough: Rough, first_s: tuple[float, float], second_s: tuple[float, float]
) -> tuple[Region, ...]:
    """Draw the very ends out along the tempo, to where one of the two begins or ends.

    And a little further in both, since the rough ends are only rough: the warping stands still
    there, and that is cut off.
    """
    path_s = -_steady(-_steady(rough.path_s)[::-1])[::-1]
    head = path_s[path_s[:, 1] <= path_s[0, 1] + _SLOPE_S]
    tail = path_s[path_s[:, 1] >= path_s[-1, 1] - _SLOPE_S]
    regions = list(rough.regions)
    begin = replace(
        regions[0],
        first_start_s=min(float(path_s[0, 0]), regions[0].first_end_s),
        second_start_s=min(float(path_s[0, 1]), regions[0].second_end_s),
    )
    regions[0] = begin
    end = regions[-1] = replace(
        regions[-1],
        first_end_s=max(float(path_s[-1, 0]), regions[-1].first_start_s),
        second_end_s=max(float(path_s[-1, 1]), regions[-1].second_start_s),
    )
    slack_s = _SLACK_HOPS * rough.hop_s
    back = min(
        begin.second_start_s - second_s[0],
        (begin.first_start_s - first_s[0]) / _slope(head),
        _EDGE_S,
    )
    on = min(second_s[1] - end.second_end_s, (first_s[1] - end.first_end_s) / _slope(tail), _EDGE_S)
    back, on = max(back, 0.0), max(on, 0.0)
    regions[0] = replace(
        regions[0],
        first_start_s=max(begin.first_start_s - back * _slope(head) - slack_s, first_s[0]),
        second_start_s=max(begin.second_start_s - back - slack_s, second_s[0]),
    )
    regions[-1] = replace(
        regions[-1],
        first_end_s=min(end.first_end_s + on * _slope(tail) + slack_s, first_s[1]),
        second_end_s=min(end.second_end_s + on + slack_s, second_s[1]),
    )
    return tuple(regions)


def _steady(path_s: FloatArray) -> FloatArray:
    """Cut off the end of a path as far as one of the two stands still there.

    A last chord that is held fits all that is left, and says nothing about the tempo.
    """
    end = path_s[-1]
    for axis in (0, 1):
        meanwhile_s = end[1 - axis] - path_s[:, 1 - axis]
        still = path_s[:, axis] >= end[axis] - _STILL_BY_S - _STILL * meanwhile_s
        first = len(path_s) - int(np.argmin(still[::-1])) if not still.all() else len(path_s)
        if first < len(path_s) and end[1 - axis] - path_s[first, 1 - axis] > _STILL_S:
            return path_s[: first + 1]
    return path_s


def _slope(path_s: FloatArray) -> float:
    """Seconds of the first to a second of the second."""
    rise = path_s[-1] - path_s[0]
    return float(np.clip(rise[0] / rise[1], 0.25, 4.0)) if rise[1] > 0 else 1.0
