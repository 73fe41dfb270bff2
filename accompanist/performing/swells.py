"""Loudness that changes: room for the soloist in what the score says, and CC 11 within notes.

The ensemble is never marked louder than the soloist while they play: their dynamic and a little
more is the most. Between their passages it is as loud as written.

An instrument that sustains gets louder and softer within a note, by CC 11. A channel has only
one CC 11 and it cannot exceed 127: so notes that sound together are all struck for the loudest
moment of their time and CC 11, below it, draws the curve. Velocity and CC 11 are heard as
40 log10 (value / 127) dB each (SoundFont 2.04, § 8.4), so the two multiply. Where nothing
changes within a note CC 11 stays at 127, and the velocities are those of the score.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Level, Note, Part
from accompanist.score.tempo import WrittenTempo

__all__ = ["Curve", "curve_under", "swelled"]

FloatArray = npt.NDArray[np.float64]

_UNMARKED = 80.0
_FULL = 127
_OVER_SOLO_DB = 2.0
"""So much louder than the soloist's own marks the ensemble's may be while they play."""
_BREATH_QUARTER = 2.0
"""A shorter rest of the soloist is none."""
_ROOM_QUARTER = 0.5
"""So long before they come in it makes room, and so long behind them it takes it back."""
_SEAM_QUARTER, _STEEP_QUARTER = 1e-3, 1e-6
_LEAST_DB, _STEP_DB = 1.0, 0.5
_STEP_S, _LEAST_STEP_S = 0.025, 0.02
"""CC 11 takes such steps, so far apart: neither a flood nor a zip. Only where the loudness changes
at once, or a note is struck in between, …"""
_LARGE_DB = 2.0
"""… a step as large as this comes where it belongs."""
_LONGEST_S = 12.0
"""Notes that hang together for longer than this swell by their velocities alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Loudness over the score, as velocity: corners [both shape=(n,)], even between them."""

    quarters: FloatArray
    velocities: FloatArray

    def at(self, quarter: npt.ArrayLike) -> FloatArray:
        """Velocity just behind each place."""
        behind = np.asarray(quarter, dtype=np.float64) + _SEAM_QUARTER
        return np.asarray(np.interp(behind, self.quarters, self.velocities), dtype=np.float64)

    def exactly(self, quarter: FloatArray) -> FloatArray:
        """Velocity at each place."""
        return np.asarray(np.interp(quarter, self.quarters, self.velocities), dtype=np.float64)

    def corners_between(self, start: float, end: float) -> FloatArray:
        """Corners strictly between two places."""
        first = int(np.searchsorted(self.quarters, start, side="right"))
        last = int(np.searchsorted(self.quarters, end, side="left"))
        return self.quarters[first:last]


def _curve(levels: Sequence[Level]) -> Curve:
    if not levels:
        return Curve(np.array([0.0]), np.array([_UNMARKED]))
    quarters, velocities = zip(*((c.quarter, c.velocity) for c in levels), strict=True)
    places = np.array(quarters)
    # a step is a steep slope, so that each place has one value
    places[:-1][np.diff(places) < _STEEP_QUARTER] -= _STEEP_QUARTER
    return Curve(np.maximum.accumulate(places), np.array(velocities))


def curve_under(part: Part, solo: Part | None) -> tuple[Curve, Curve]:
    """Loudness of a part as its own signs have it, and as it leaves the soloist room.

    The two are the same where the solo has no marks: then nobody knows how loud it is to be.
    """
    written = _curve(part.levels)
    if solo is None or not solo.levels:
        return written, written
    most = _room(solo)
    places = np.unique(np.concatenate((written.quarters, most.quarters)))
    middles = 0.5 * (places[1:] + places[:-1])
    places = np.unique(np.concatenate((places, middles)))
    allowed = np.minimum(written.exactly(places), most.exactly(places))
    return written, Curve(places, allowed)


def _room(solo: Part) -> Curve:
    """Most that the ensemble may do, as velocity."""
    marked = _curve(solo.levels)
    more = 10.0 ** (_OVER_SOLO_DB / 40.0)
    quarters: list[float] = []
    velocities: list[float] = []
    for start, end in _passages(solo):
        inner = marked.corners_between(start, end)
        places = np.concatenate(([start], inner, [end]))
        quarters += [start - _ROOM_QUARTER, *places.tolist(), end + _ROOM_QUARTER]
        velocities += [_FULL, *(more * marked.at(places)).tolist(), _FULL]
    if not quarters:
        return Curve(np.array([0.0]), np.array([float(_FULL)]))
    return Curve(np.array(quarters), np.minimum(np.array(velocities), _FULL))


def _passages(solo: Part) -> Iterator[tuple[float, float]]:
    """From where to where the soloist plays, breaths left aside."""
    start = end = None
    for note in sorted(solo.notes, key=lambda n: n.onset_quarter):
        if start is None or end is None:
            start, end = note.onset_quarter, note.end_quarter
        elif note.onset_quarter > end + _BREATH_QUARTER:
            yield start, end
            start, end = note.onset_quarter, note.end_quarter
        else:
            end = max(end, note.end_quarter)
    if start is not None and end is not None:
        yield start, end


def swelled(
    notes: Sequence[Note], curve: Curve, tempo: WrittenTempo
) -> tuple[list[Note], list[tuple[float, int]]]:
    """Shape sustained notes from within.

    Parameters
    ----------
    notes : sequence of Note
        Of one part on a channel of its own, with the velocities that ``curve`` gives at their
        onsets (accents added), their written lengths, any order.
    curve : Curve
    tempo : WrittenTempo

    Returns
    -------
    (list of Note, list of (float, int))
        The notes, struck so much harder as CC 11 is low; and where CC 11 takes which value.
    """
    steps: list[tuple[float, int]] = []
    harder: dict[int, float] = {}
    for start, end, members in _together(notes):
        onsets = np.array([notes[i].onset_quarter for i in members])
        loudest, values = _values(curve, start, end, onsets, tempo)
        if values[0][1] != (steps[-1][1] if steps else _FULL):
            steps.append(values[0])
        steps += values[1:]
        if len(values) > 1:
            shares = (loudest / curve.at(onsets)).tolist()
            harder.update(zip(members, shares, strict=True))
    struck = [
        replace(note, velocity=min(_FULL, round(note.velocity * harder[i])))
        if harder.get(i, 1.0) > 1.0
        else note
        for i, note in enumerate(notes)
    ]
    return struck, steps


def _together(notes: Sequence[Note]) -> Iterator[tuple[float, float, list[int]]]:
    """From where to where notes hang together, and which: in between nothing sounds on.

    A grace note belongs to what it comes before or after, but holds nothing together.
    """
    order = sorted(range(len(notes)), key=lambda i: notes[i].onset_quarter)
    start, end = 0.0, -1.0
    members: list[int] = []
    for i in order:
        note = notes[i]
        if note.grace and members:
            members.append(i)
        elif not members or note.onset_quarter > end - _SEAM_QUARTER:
            if members:
                yield start, end, members
            start, end, members = note.onset_quarter, note.end_quarter, [i]
        else:
            end = max(end, note.end_quarter)
            members.append(i)
    if members:
        yield start, end, members


def _values(
    curve: Curve, start: float, end: float, onsets: FloatArray, tempo: WrittenTempo
) -> tuple[float, list[tuple[float, int]]]:
    """Give the loudest velocity, and CC 11 from ``start`` on: (quarter, value), once if even."""
    last = end - 2.0 * _SEAM_QUARTER  # what changes where the notes end is for those that follow
    corners = curve.corners_between(start, last)
    found = curve.at(np.concatenate(([start, max(start, last)], corners)))
    loudest, softest = float(found.max()), float(found.min())
    start_s, end_s = (float(s) for s in tempo.to_seconds([start, end]))
    even = 40.0 * np.log10(loudest / softest) < _LEAST_DB
    if even or end_s - start_s > _LONGEST_S or end_s - start_s < 2.0 * _STEP_S:
        return loudest, [(start, _FULL)]
    regular = tempo.to_quarter(start_s + _STEP_S * np.arange(int((end_s - start_s) / _STEP_S)))
    inner = onsets[(onsets > start) & (onsets < last)]
    places = np.unique(np.concatenate(([start], regular[1:], corners, inner)))
    times_s = tempo.to_seconds(places)
    velocities = curve.at(np.minimum(places, max(start, last)))
    out: list[tuple[float, int]] = []
    told, told_s = 0.0, 0.0
    rows = zip(places.tolist(), times_s.tolist(), velocities.tolist(), strict=True)
    for quarter, time_s, velocity in rows:
        value = max(1, round(_FULL * velocity / loudest))
        step_db = abs(40.0 * np.log10(value / told)) if out else np.inf
        if step_db >= (_STEP_DB if time_s - told_s >= _LEAST_STEP_S else _LARGE_DB):
            out.append((quarter, value))
            told, told_s = value, time_s
    return loudest, out
