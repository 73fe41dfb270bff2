"""Small MIDI files for the tests."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import mido


def on(pitch: int, time: int = 0, velocity: int = 64, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)


def off(pitch: int, time: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_off", note=pitch, velocity=0, time=time, channel=channel)


def program(number: int, time: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("program_change", program=number, time=time, channel=channel)


def meta(kind: str, time: int = 0, **values: object) -> mido.MetaMessage:
    return mido.MetaMessage(kind, time=time, **values)


def midi_file(
    *tracks: Sequence[mido.Message | mido.MetaMessage], kind: int = 1, ticks: int = 480
) -> bytes:
    """Bytes of a file with these tracks."""
    file = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def raw_file(
    *tracks: bytes, kind: int = 1, division: int = 480, stated: int | None = None
) -> bytes:
    """A file out of raw track contents, well-formed or not."""
    count = len(tracks) if stated is None else stated
    head = b"MThd" + struct.pack(">IHHH", 6, kind, count, division)
    return head + b"".join(b"MTrk" + struct.pack(">I", len(t)) + t for t in tracks)


END = b"\x00\xff\x2f\x00"
