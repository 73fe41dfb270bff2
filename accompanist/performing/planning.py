"""From a score to the `Plan` of what the ensemble plays."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from accompanist.performing.articulation import sustains
from accompanist.performing.channels import PERCUSSION_CHANNEL, assign_channels, seats
from accompanist.performing.messages import Kind, Message
from accompanist.performing.plan import Chased, Plan, Roll, ScoreEvent
from accompanist.performing.realising import Realiser, Stroke
from accompanist.score.model import Fermata, Note, Part, Score
from accompanist.score.tempo import WrittenTempo

__all__ = ["accompaniment_plan"]

_SHORTEST_QUARTER = 0.02
_SAME_ONSET_QUARTER = 1e-3
"""Two notes of one pitch closer than this are one stroke (unisons of two voices)."""
_REPEAT_GAP_S = 0.025
_REPEAT_GAP_SHARE = 0.2
"""A repeated pitch is let go this much early, so that it speaks again."""
_TENUTO_SHARE = 0.3
_CHANNEL_MODE_FIRST = 120
_VOLUME, _PAN, _EXPRESSION, _PEDAL = 7, 10, 11, 64
_RANK = {Kind.OFF: 0, Kind.CC: 1, Kind.PROGRAM: 1, Kind.BEND: 1, Kind.ON: 2}


def accompaniment_plan(score: Score, solo_number: int, tempo: WrittenTempo) -> Plan:
    """Sort what all parts but the solo play.

    Ornaments are written out at the written tempo, unisons within a channel made one stroke and
    repeated pitches parted.

    Parameters
    ----------
    score : Score
        The piece.
    solo_number : int
        Number of the part that the soloist plays, left out here.
    tempo : WrittenTempo
        Gives ornaments their speed.
    """
    parts = [p for p in score.parts if p.number != solo_number and p.notes]
    channels = assign_channels(parts)
    shared = Counter(channels.values())
    by_key: defaultdict[tuple[int, int], list[tuple[Stroke, int]]] = defaultdict(list)
    fermatas = _Fermatas(score.fermatas)
    realiser = Realiser(score, solo_number, tempo)
    controls: list[ScoreEvent] = []
    for part in parts:
        channel = channels[part.number]
        strokes, swells = realiser.part(part, swells=shared[channel] == 1)
        for stroke in strokes:
            own = part.percussion or stroke.stroke_s  # a tremolo goes on by its strokes
            held = stroke if own else stroke.with_note(fermatas.held(stroke.note))
            by_key[channel, stroke.note.pitch].append((held, part.number))
        for quarter, value in swells:
            message = Message(Kind.CC, channel, _EXPRESSION, value)
            controls.append(ScoreEvent(quarter, part.number, message))
    events: list[ScoreEvent] = []
    starts: list[float] = []
    ends: list[float] = []
    rolls: dict[int, Roll] = {}
    again: dict[int, float] = {}
    longest = 0.0
    for (channel, pitch), struck in by_key.items():
        for stroke, number, following in _parted(struck, tempo):
            note = stroke.note
            if following is not None:
                again[len(ends)] = following
            off = Message(Kind.OFF, channel, pitch, 0)
            on = Message(Kind.ON, channel, pitch, min(127, max(1, note.velocity)))
            if stroke.stroke_s:
                rolls[len(ends)] = Roll((pitch, stroke.partner), on.value, stroke.stroke_s)
            events.append(ScoreEvent(note.onset_quarter, number, on, len(ends)))
            events.append(ScoreEvent(note.end_quarter, number, off, len(ends)))
            starts.append(note.onset_quarter)
            ends.append(note.end_quarter)
            longest = max(longest, note.duration_quarter)
    controls += _controls(parts, channels)
    events.extend(e for e in controls if e.quarter > 0.0)
    events.sort(key=lambda e: (e.quarter, _RANK[e.message.kind], e.part, e.message.number))
    return Plan(
        events=tuple(events),
        quarters=tuple(e.quarter for e in events),
        start_quarters=tuple(starts),
        end_quarters=tuple(ends),
        channels=channels,
        longest_quarter=longest,
        states=_states(parts, channels, controls),
        sustained=frozenset(
            set(channels.values()) - {channels[p.number] for p in parts if not sustains(p)}
        ),
        rolls=rolls,
        again=again,
    )


class _Fermatas:
    """Sees to it that what sounds under a fermata sounds until its end, where all go on."""

    def __init__(self, fermatas: Sequence[Fermata]) -> None:
        self._fermatas = sorted(fermatas, key=lambda f: f.end_quarter)
        self._ends = [f.end_quarter for f in self._fermatas]

    def held(self, note: Note) -> Note:
        """Lengthen a note that ends in the last part of a fermata, be it only a tenuto's gap."""
        i = bisect_right(self._ends, note.end_quarter)
        if i == len(self._fermatas):
            return note
        fermata = self._fermatas[i]
        late = fermata.end_quarter - _TENUTO_SHARE * (fermata.end_quarter - fermata.quarter)
        if note.end_quarter < late or note.onset_quarter >= fermata.end_quarter:
            return note
        return replace(note, duration_quarter=fermata.end_quarter - note.onset_quarter)


def _parted(
    struck: Iterable[tuple[Stroke, int]], tempo: WrittenTempo
) -> Iterator[tuple[Stroke, int, float | None]]:
    """Merge the unisons of one key and let each note go a little before the key's next.

    Yields
    ------
    (Stroke, int, float or None)
        The stroke, its part, and where the key is struck again if it has been let go for that.
    """
    merged: list[tuple[Stroke, int]] = []
    for stroke, part in sorted(struck, key=lambda s: s[0].note.onset_quarter):
        note = stroke.note
        length = max(note.duration_quarter, _SHORTEST_QUARTER)
        before = merged[-1][0].note if merged else None
        if before is not None and note.onset_quarter - before.onset_quarter < _SAME_ONSET_QUARTER:
            end = max(before.end_quarter, note.onset_quarter + length)
            loudest = max(before.velocity, note.velocity)
            longer = replace(before, duration_quarter=end - before.onset_quarter, velocity=loudest)
            merged[-1] = (merged[-1][0].with_note(longer), merged[-1][1])
        else:
            merged.append((stroke.with_note(replace(note, duration_quarter=length)), part))
    for i, (stroke, part) in enumerate(merged):
        note = stroke.note
        following = merged[i + 1][0].note.onset_quarter if i + 1 < len(merged) else float("inf")
        if abs(following - note.end_quarter) < _SAME_ONSET_QUARTER:
            gap = min(
                _REPEAT_GAP_S * tempo.rate_at(note.onset_quarter),
                _REPEAT_GAP_SHARE * note.duration_quarter,
            )
            shorter = replace(note, duration_quarter=note.duration_quarter - gap)
            yield stroke.with_note(shorter), part, following
        else:
            yield stroke, part, None


def _controls(parts: Iterable[Part], channels: Mapping[int, int]) -> Iterator[ScoreEvent]:
    """Give the source's controllers, programs and bends; channel-mode messages stay ours."""
    for part in parts:
        for change in part.controls:
            kind = Kind(change.kind)
            if kind is Kind.CC and change.number >= _CHANNEL_MODE_FIRST:
                continue
            if kind is Kind.PROGRAM:
                message = Message(kind, channels[part.number], change.value)
            else:
                message = Message(kind, channels[part.number], change.number, change.value)
            yield ScoreEvent(change.onset_quarter, part.number, message)


def _states(
    parts: Iterable[Part], channels: Mapping[int, int], controls: Iterable[ScoreEvent]
) -> dict[Chased, tuple[list[float], list[ScoreEvent]]]:
    """For whatever has a state: positions and events that set it, the first at −∞."""
    found: dict[Chased, tuple[list[float], list[ScoreEvent]]] = {}
    pans = seats(sorted({c for c in channels.values() if c != PERCUSSION_CHANNEL}))
    start = float("-inf")
    for part in parts:
        channel = channels[part.number]
        if (channel, Kind.CC, 0) in found:
            continue
        for message in (
            Message(Kind.CC, channel, 0, 0),
            Message(Kind.CC, channel, 32, 0),
            Message(Kind.PROGRAM, channel, part.program),
            Message(Kind.CC, channel, _VOLUME, 100),
            Message(Kind.CC, channel, _PAN, pans.get(channel, 64)),
            Message(Kind.CC, channel, _EXPRESSION, 127),
            Message(Kind.CC, channel, _PEDAL, 0),
            Message(Kind.BEND, channel, 0, 0),
        ):
            found[_state_of(message)] = ([start], [ScoreEvent(start, part.number, message)])
    for event in sorted(controls, key=lambda e: e.quarter):
        quarters, events = found.setdefault(_state_of(event.message), ([], []))
        quarters.append(event.quarter)
        events.append(event)
    return found


def _state_of(message: Message) -> Chased:
    return message.channel, message.kind, message.number if message.kind is Kind.CC else 0
