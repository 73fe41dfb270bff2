"""One track of a MIDI file: its notes, controllers, and the parts they make."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import mido

from accompanist.score.instruments import GM_NAMES
from accompanist.score.model import ControlChange, Note, Part
from score_library.importers.midi_meta import Conducting, decoded

__all__ = ["RawNote", "TrackReading", "parts_of", "read_track"]

DRUM_CHANNEL = 9
SHORTEST_QUARTER = 0.05
"""Length given to notes that have none."""
_MODE_MESSAGES = 120
"""Controllers from here on silence or reset the instrument: nothing that belongs in a score."""


@dataclass(frozen=True, slots=True)
class RawNote:
    """A note as the file has it, in ticks."""

    start_tick: int
    end_tick: int
    channel: int
    pitch: int
    velocity: int


@dataclass(slots=True)
class TrackReading:
    """What stands in one track."""

    name: str = ""
    instrument: str = ""
    lyrics: bool = False
    notes: list[RawNote] = field(default_factory=list)
    controls: list[tuple[int, int, ControlChange]] = field(default_factory=list)
    """(tick, channel, message); the message's own position is filled in later."""
    programs: list[tuple[int, int, int]] = field(default_factory=list)
    """(tick, channel, program)."""


def read_track(
    messages: Iterable[mido.Message], conducting: Conducting, programs: dict[int, int]
) -> TrackReading:
    """Sort one track's messages; metre, tempo and key go to ``conducting``.

    ``programs`` gathers the first program of each channel of the whole file: some files set all
    of them in the first track.
    """
    reading = TrackReading()
    sounding: defaultdict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    tick = 0
    for message in messages:
        tick += message.time
        kind = message.type
        if kind == "note_on" and message.velocity > 0:
            sounding[message.channel, message.note].append((tick, message.velocity))
        elif kind in ("note_on", "note_off"):
            waiting = sounding.get((message.channel, message.note))
            if waiting:
                start, velocity = waiting.popleft()
                reading.notes.append(RawNote(start, tick, message.channel, message.note, velocity))
        elif kind == "control_change":
            if message.control < _MODE_MESSAGES:
                change = ControlChange(0.0, "cc", message.control, message.value)
                reading.controls.append((tick, message.channel, change))
        elif kind == "pitchwheel":
            change = ControlChange(0.0, "bend", 0, message.pitch)
            reading.controls.append((tick, message.channel, change))
        elif kind == "program_change":
            reading.programs.append((tick, message.channel, message.program))
            programs.setdefault(message.channel, message.program)
        elif message.is_meta:
            _read_meta(reading, message, tick, conducting)
    for (channel, pitch), waiting in sounding.items():
        for start, velocity in waiting:  # never ended: they end with the track
            reading.notes.append(RawNote(start, tick, channel, pitch, velocity))
    reading.notes.sort(key=lambda n: (n.start_tick, n.pitch, n.channel, n.end_tick))
    return reading


def _read_meta(
    reading: TrackReading, message: mido.MetaMessage, tick: int, conducting: Conducting
) -> None:
    if message.type == "track_name":
        reading.name = reading.name or _tidy(message.name)
    elif message.type == "instrument_name":
        reading.instrument = reading.instrument or _tidy(message.name)
    elif message.type == "lyrics":
        reading.lyrics = True
    else:
        conducting.take(message, tick)


def _tidy(text: str) -> str:
    """Take off the decoration LilyPond gives a name ("flute:", "Staff_violin:")."""
    name = " ".join(decoded(text).split()).rstrip(":").strip()
    name = re.sub(r"^(Piano|Grand)?(Staff|Voice)[_:]+", "", name)
    if name.startswith("\\"):
        return ""
    return name[:80]


def parts_of(
    reading: TrackReading, resolution: int, programs: dict[int, int], *, type_0: bool, alone: bool
) -> list[Part]:
    """Make the parts of a track: one, or one an instrument where it holds several.

    ``type_0`` makes each channel a part of its own. ``alone`` says that this is the only track:
    its name is the piece's, not the part's. Parts are numbered 0 until the file is complete.
    """
    channels = sorted({n.channel for n in reading.notes})
    groups: dict[tuple[bool, int], list[int]] = {}
    for channel in channels:
        drums = channel == DRUM_CHANNEL
        program = _first_program(reading, channel, programs)
        key = (drums, channel) if type_0 else (drums, program or 0)
        groups.setdefault(key, []).append(channel)
    parts = []
    for (drums, _), members in groups.items():
        program = _first_program(reading, members[0], programs)
        sound = "Drums" if drums else GM_NAMES[program] if program is not None else ""
        own_name = reading.name if len(groups) == 1 and not (type_0 or alone) else ""
        parts.append(
            Part(
                number=0,
                name=own_name or (reading.instrument if len(groups) == 1 else "") or sound,
                notes=_notes(reading, members, resolution),
                instrument=reading.instrument or sound,
                program=program or 0,
                percussion=drums,
                controls=_controls(reading, members, resolution),
                lyrics=reading.lyrics and len(groups) == 1,
            )
        )
    return parts


def _first_program(reading: TrackReading, channel: int, programs: dict[int, int]) -> int | None:
    """Find the program of the channel's first note; None where the file never says."""
    first_note = next(n.start_tick for n in reading.notes if n.channel == channel)
    own = [(tick, program) for tick, of, program in reading.programs if of == channel]
    before = [program for tick, program in own if tick <= first_note]
    if before:
        return before[-1]
    return own[0][1] if own else programs.get(channel)


def _notes(reading: TrackReading, channels: Sequence[int], resolution: int) -> tuple[Note, ...]:
    """Make notes in quarters; a later stroke of a pitch ends the earlier one."""
    last: dict[int, int] = {}
    kept: list[list[int]] = []  # start, end, pitch, velocity
    shortest = max(1, round(SHORTEST_QUARTER * resolution))
    for raw in reading.notes:
        if raw.channel not in channels:
            continue
        end = raw.end_tick if raw.end_tick > raw.start_tick else raw.start_tick + shortest
        before = last.get(raw.pitch)
        if before is not None and kept[before][0] == raw.start_tick:
            kept[before][1] = max(kept[before][1], end)
            kept[before][3] = max(kept[before][3], raw.velocity)
            continue
        if before is not None:
            kept[before][1] = min(kept[before][1], raw.start_tick)
        last[raw.pitch] = len(kept)
        kept.append([raw.start_tick, end, raw.pitch, raw.velocity])
    return tuple(
        Note(start / resolution, (end - start) / resolution, pitch, velocity)
        for start, end, pitch, velocity in kept
    )


def _controls(
    reading: TrackReading, channels: Sequence[int], resolution: int
) -> tuple[ControlChange, ...]:
    """Sort controllers, bends and later programs of a part.

    Bends of several channels in one part contradict one another and are left out.
    """
    first = {
        channel: min(n.start_tick for n in reading.notes if n.channel == channel)
        for channel in channels
    }
    found = [
        (tick, ControlChange(tick / resolution, change.kind, change.number, change.value))
        for tick, channel, change in reading.controls
        if channel in first and not (change.kind == "bend" and len(channels) > 1)
    ]
    found += [
        (tick, ControlChange(tick / resolution, "program", 0, program))
        for tick, channel, program in reading.programs
        if channel in first and tick > first[channel]
    ]
    return tuple(change for _, change in sorted(found, key=lambda item: item[0]))
