"""The solo cut into segments: between one note-on or note-off and the next, one sound is expected.

Positions are *written seconds* (`accompanist.score.tempo`), so that a tempo of 1 is the written
one everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Ornament
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["Segments", "make_segments"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

_SHORTEST_QUARTER: Final = 0.03
_GAP_QUARTER: Final = 0.06
"""A rest shorter than this is articulation: players close it, so it is closed here."""

_SLIVER_QUARTER: Final = 0.04
"""A note that reaches this little into the next is cut at it."""

_DECAY_S: Final = 2.0
_DECAY_FLOOR: Final = 0.3
_RING_GAIN: Final = 0.3
_RING_S: Final = 0.2
_RING_LEAST: Final = 0.003
_REPEAT_S: Final = 0.5
"""A pitch struck again within this of its end makes no new partials: only its stroke is heard."""

_TRILL_GAIN: Final = 0.7
_ROUND: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """What is expected to sound where, as flat arrays for compiled code.

    Segment 0 is the time before the first note. ``n`` segments, ``m`` events.

    Attributes
    ----------
    start_s, duration_s : ndarray [shape=(n,)]
        Written seconds; segment 0 starts at −inf in spirit, one lead-in before the first event.
    event : ndarray [shape=(n,)]
        The latest event begun, −1 in segment 0.
    begins : ndarray of bool [shape=(n,)]
        Whether an event begins with this segment.
    chord : ndarray [shape=(n,)]
        The segment whose chord is its own picture: itself, or in a rest the last that sounded;
        −1 before anything has.
    rest : ndarray of bool [shape=(n,)]
    pointer, pitch_index, weight : sparse rows of pitches sounding or ringing in each segment
    ringing : ndarray [shape=(n,)]
        Where in its sparse row the pitches begin that only ring on.
    event_s, event_segment : ndarray [shape=(m,)]
    new_pointer, new_index : sparse rows of the pitches that each event strikes
    stroke_only : ndarray of bool [shape=(m,)]
        Every pitch of the event has sounded just before: only a stroke can tell it.
    pitches : ndarray
        MIDI numbers that ``pitch_index`` refers to.
    unique, unique_of : chords up to the decay of their notes
        ``unique[unique_of[i]]`` is a segment that sounds as segment i does.
    """

    start_s: FloatArray
    duration_s: FloatArray
    event: IntArray
    begins: npt.NDArray[np.bool_]
    chord: IntArray
    rest: npt.NDArray[np.bool_]
    pointer: IntArray
    pitch_index: IntArray
    weight: npt.NDArray[np.float32]
    ringing: IntArray
    event_s: FloatArray
    event_segment: IntArray
    new_pointer: IntArray
    new_index: IntArray
    stroke_only: npt.NDArray[np.bool_]
    pitches: IntArray
    unique: IntArray
    unique_of: IntArray

    def __len__(self) -> int:
        return len(self.start_s)


@dataclass(slots=True)
class _Sounding:
    """A note on its way through the score, in quarters and written seconds."""

    onset: float
    end: float
    onset_s: float
    end_s: float
    index: int
    gain: float


def make_segments(solo: SoloLine, tempo: WrittenTempo, lead_in_s: float, tail_s: float) -> Segments:
    """Cut the solo. ``solo`` must have at least one event.

    Sounding notes decay towards a floor (τ = 2 s), released ones ring on (τ = 0.2 s): a bow
    stops at once, a string or a room does not, and a follower must bear both.
    """
    onsets = solo.onsets_quarter
    notes = _sounding_notes(solo, tempo)
    pitches = np.array(sorted({n[1] for n in notes}), dtype=np.int32)
    index_of = {int(p): i for i, p in enumerate(pitches)}
    rows = [_Sounding(*times, index=index_of[pitch], gain=gain) for times, pitch, gain in notes]
    rows.sort(key=lambda r: (r.onset, r.index))
    bounds = np.unique(
        np.round(np.concatenate([onsets, [r.onset for r in rows], [r.end for r in rows]]), _ROUND)
    )
    bounds_s = tempo.to_seconds(bounds)
    is_event = np.isin(bounds, np.round(onsets, _ROUND))

    pointer, indices, weights = [0, 0], list[int](), list[float]()
    ringing_from = [0]
    chord, rest = [-1], [True]
    new_pointer, new_index, stroke_only = [0], list[int](), list[bool]()
    sets: dict[tuple[int, ...], int] = {}
    unique, unique_of = [0], [0]
    active: list[_Sounding] = []
    ringing: list[_Sounding] = []
    reach_s = _RING_S * float(np.log(_RING_GAIN / _RING_LEAST))
    nxt = 0
    timeline = zip(bounds.tolist(), bounds_s.tolist(), is_event.tolist(), strict=True)
    for at, at_s, begins in timeline:
        ringing.extend(r for r in active if r.end <= at + 1e-5)
        ringing = [r for r in ringing if at_s - r.end_s < reach_s]
        active = [r for r in active if r.end > at + 1e-5]
        before = {r.index for r in active}
        before |= {r.index for r in ringing if at_s - r.end_s < _REPEAT_S}
        new: list[int] = []
        while nxt < len(rows) and rows[nxt].onset <= at + 1e-5:
            active.append(rows[nxt])
            new.append(rows[nxt].index)
            nxt += 1
        if begins:
            fresh = sorted(set(new))
            new_index.extend(fresh)
            new_pointer.append(len(new_index))
            stroke_only.append(set(fresh) <= before)
        i = len(chord)
        row: dict[int, float] = {}
        for r in active:
            age = at_s - r.onset_s
            row[r.index] = row.get(r.index, 0.0) + r.gain * max(_DECAY_FLOOR, exp(-age / _DECAY_S))
        ringing_from.append(len(indices) + len(row))
        if active:
            for r in ringing:
                age = at_s - r.end_s
                row[r.index] = row.get(r.index, 0.0) + _RING_GAIN * exp(-age / _RING_S)
            indices.extend(row)
            weights.extend(row.values())
        pointer.append(len(indices))
        chord.append(i if active else chord[-1])
        rest.append(not active)
        key = tuple(sorted({r.index for r in active})) or (-1, *_unique_key(unique_of, chord))
        if key not in sets:
            sets[key] = len(unique)
            unique.append(i)
        unique_of.append(sets[key])

    start_s = np.concatenate(([bounds_s[0] - lead_in_s], bounds_s))
    end_s = np.concatenate((bounds_s, [bounds_s[-1] + tail_s]))
    begins_all = np.concatenate(([False], is_event))
    return Segments(
        start_s=start_s,
        duration_s=end_s - start_s,
        event=(np.cumsum(begins_all) - 1).astype(np.int32),
        begins=begins_all,
        chord=np.array(chord, dtype=np.int32),
        rest=np.array(rest),
        pointer=np.array(pointer, dtype=np.int32),
        pitch_index=np.array(indices, dtype=np.int32),
        weight=np.array(weights, dtype=np.float32),
        ringing=np.array(ringing_from, dtype=np.int32),
        event_s=tempo.to_seconds(onsets),
        event_segment=np.flatnonzero(begins_all).astype(np.int32),
        new_pointer=np.array(new_pointer, dtype=np.int32),
        new_index=np.array(new_index, dtype=np.int32),
        stroke_only=np.array(stroke_only),
        pitches=pitches,
        unique=np.array(unique, dtype=np.int32),
        unique_of=np.array(unique_of, dtype=np.int32),
    )


def _unique_key(unique_of: list[int], chord: list[int]) -> tuple[int, ...]:
    """Name a rest after the chord before it: it sounds as that does, faintly."""
    return (unique_of[chord[-1]],) if chord[-1] >= 0 else ()


def _sounding_notes(
    solo: SoloLine, tempo: WrittenTempo
) -> list[tuple[tuple[float, float, float, float], int, float]]:
    """List notes as (onset, end, onset_s, end_s), pitch, gain; gaps closed, slivers cut."""
    onsets = solo.onsets_quarter
    notes = [note for event in solo.notes for note in event]
    begin = np.repeat(onsets, [len(event) for event in solo.notes])
    lengths = np.array([note.duration_quarter for note in notes], dtype=np.float64)
    end = begin + np.maximum(lengths, _SHORTEST_QUARTER)
    following = np.append(onsets, np.inf)[np.searchsorted(onsets, end - 1e-4)]
    end = np.where(following - end < _GAP_QUARTER, following, end)
    latest = onsets[np.maximum(np.searchsorted(onsets, end + 1e-4) - 1, 0)]
    sliver = (end - latest < _SLIVER_QUARTER) & (latest > begin + 1e-4)
    end = np.where(sliver, latest, end)
    begin_s, end_s = tempo.to_seconds(begin), tempo.to_seconds(end)
    columns = (begin.tolist(), end.tolist(), begin_s.tolist(), end_s.tolist())
    out: list[tuple[tuple[float, float, float, float], int, float]] = []
    for note, times in zip(notes, zip(*columns, strict=True), strict=True):
        out.append((times, note.pitch, 1.0))
        if note.ornament is Ornament.TRILL:
            out.append((times, note.pitch + 2, _TRILL_GAIN))
    return out
