"""Standard MIDI files of type 0 and 1.

One track with notes is one part; a track that holds several instruments (all of a type 0 file,
drums beside something else) is one part an instrument, in the order of their channels.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import mido

from accompanist.errors import BadInputError
from accompanist.score.model import Fermata, Mark, OscCue, Part, Score
from score_library.importers import midi_tracks
from score_library.importers.limits import MAX_NOTES, MAX_PARTS, MAX_QUARTERS, check_limit
from score_library.importers.midi_meta import Conducting, measures_of, tempo_of

__all__ = ["is_midi", "read_midi"]

_BROKEN = (EOFError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError)
"""What mido raises on bytes that are not MIDI."""
_EMPTY_TITLES = {"", "untitled", "control track", "conductor", "tempo", "tempo track", "unnamed"}


def is_midi(data: bytes) -> bool:
    """Whether the bytes are a MIDI file, bare or in a RIFF envelope."""
    return data[:4] == b"MThd" or (data[:4] == b"RIFF" and data[8:12] == b"RMID")


def read_midi(data: bytes, name: str, title: str = "") -> Score:
    """Read a Standard MIDI File.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        What to call it in messages.
    title : str
        The title where the file has none; ``name`` where this is empty too.

    Raises
    ------
    BadInputError
        Not a MIDI file, cut short, counted in SMPTE frames, without notes, or absurdly large.
    """
    kind, resolution, tracks = _tracks(data, name)
    conducting = Conducting()
    programs: dict[int, int] = {}
    readings = []
    for messages in tracks:
        reading = midi_tracks.read_track(messages, conducting, programs)
        readings.append(reading)
        check_limit(name, "notes", sum(len(r.notes) for r in readings), MAX_NOTES)
    end_tick = max((n.end_tick for r in readings for n in r.notes), default=0)
    check_limit(name, "quarters", end_tick / resolution, MAX_QUARTERS)
    parts: list[Part] = []
    for reading in readings:
        parts.extend(
            midi_tracks.parts_of(
                reading, resolution, programs, type_0=kind == 0, alone=len(tracks) == 1
            )
        )
        check_limit(name, "parts", len(parts), MAX_PARTS)
    if not parts:
        raise BadInputError(f"{name}: there are no notes in this MIDI file; choose another one")
    parts = [
        replace(part, number=i, name=part.name or f"Part {i}") for i, part in enumerate(parts, 1)
    ]
    return _score(parts, conducting, readings, kind, resolution, name, title or name)


def _score(
    parts: list[Part],
    conducting: Conducting,
    readings: list[midi_tracks.TrackReading],
    kind: int,
    resolution: int,
    name: str,
    fallback_title: str,
) -> Score:
    end_quarter = max(n.end_quarter for p in parts for n in p.notes)
    metres = conducting.metres_quarter(resolution, end_quarter)
    first = readings[0]
    title = first.name if kind == 0 or not first.notes else ""
    measures = measures_of(metres, end_quarter, name)
    plan = tempo_of(conducting, resolution, metres, measures)
    marks, fermatas = _marks(conducting, parts, resolution)
    return Score(
        title=title if title.casefold() not in _EMPTY_TITLES else fallback_title,
        parts=tuple(parts),
        measures=measures,
        licence=conducting.copyright,
        tempo_marks=tuple(plan.marks),
        tempo_spans=tuple(plan.spans),
        metres=metres,
        keys=conducting.keys_quarter(resolution),
        marks=marks,
        fermatas=fermatas,
        cues=tuple(
            OscCue(tick / resolution, address, arguments)
            for tick, (address, arguments) in sorted(conducting.cues, key=lambda c: c[0])
        ),
    )


def _marks(
    conducting: Conducting, parts: list[Part], resolution: int
) -> tuple[tuple[Mark, ...], tuple[Fermata, ...]]:
    """Make rehearsal marks of markers; LilyPond writes its fermatas as markers too."""
    marks, fermatas = [], []
    onsets = sorted({n.onset_quarter for p in parts for n in p.notes})
    for tick, text in sorted(conducting.markers):
        quarter = tick / resolution
        if "fermata" in text.casefold():
            behind = next((o for o in onsets if o > quarter + 1e-6), quarter + 1.0)
            fermatas.append(Fermata(quarter, behind))
        else:
            marks.append(Mark(quarter, text))
    return tuple(marks), tuple(fermatas)


def _tracks(data: bytes, name: str) -> tuple[int, int, list[list[mido.Message]]]:
    """Get type, ticks a quarter, and the messages of each track."""
    data = _unwrapped(data)
    if data[:4] != b"MThd":
        raise BadInputError(f"{name}: not a MIDI file (no MThd at its start)")
    if len(data) < 14:
        raise BadInputError(f"{name}: the MIDI file is cut short in its header; fetch it again")
    header_length, kind, stated, division = struct.unpack(">IHHH", data[4:14])
    if kind not in (0, 1):
        raise BadInputError(
            f"{name}: MIDI files of type {kind} hold loose patterns, not a piece; save it as type 1"
        )
    if division & 0x8000:
        raise BadInputError(
            f"{name}: this MIDI file counts SMPTE frames, not beats; "
            "export it with ticks per quarter note"
        )
    if division == 0:
        raise BadInputError(f"{name}: this MIDI file has 0 ticks a quarter note; export it anew")
    bodies = _track_bodies(data, 8 + header_length, name)
    if len(bodies) < stated:
        raise BadInputError(
            f"{name}: the MIDI file is cut short, {len(bodies)} of {stated} tracks are there; "
            "fetch it again"
        )
    if not bodies:
        raise BadInputError(f"{name}: there are no tracks in this MIDI file; choose another one")
    whole = b"MThd" + struct.pack(">IHHH", 6, 1, len(bodies), division)
    whole += b"".join(b"MTrk" + struct.pack(">I", len(body)) + body for body in bodies)
    return kind, division, [list(track) for track in _parse(whole, name).tracks]


def _parse(whole: bytes, name: str) -> mido.MidiFile:
    try:
        return mido.MidiFile(file=io.BytesIO(whole), clip=True)
    except mido.KeySignatureError:
        # An impossible key signature is no reason to refuse the notes: make it a message that
        # nobody reads.
        whole = whole.replace(b"\xff\x59\x02", b"\xff\x7f\x02")
    except _BROKEN as error:
        raise _broken(name, error) from error
    try:
        return mido.MidiFile(file=io.BytesIO(whole), clip=True)
    except (*_BROKEN, mido.KeySignatureError) as error:
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> BadInputError:
    said = " ".join(str(error).split())[:80]
    return BadInputError(
        f"{name}: the MIDI file is cut short or damaged{f' ({said})' if said else ''}; "
        "fetch or export it again"
    )


def _unwrapped(data: bytes) -> bytes:
    """Take a MIDI file out of its RIFF envelope (.rmi), where it has one."""
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        start = data.find(b"MThd", 12)
        return data[start:] if start >= 0 else data
    return data


def _track_bodies(data: bytes, position: int, name: str) -> list[bytes]:
    """Get the contents of MTrk chunks; other chunks are skipped, as the standard asks."""
    bodies: list[bytes] = []
    while position + 8 <= len(data):
        chunk, length = (
            data[position : position + 4],
            int.from_bytes(data[position + 4 : position + 8]),
        )
        body = data[position + 8 : position + 8 + length]
        if chunk == b"MTrk":
            if len(body) < length:
                raise BadInputError(
                    f"{name}: the MIDI file is cut short in track {len(bodies) + 1}; fetch it again"
                )
            bodies.append(body)
        position += 8 + length
    return bodies
