"""A track of a take as the MIDI file that an Ardour region plays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from accompanist.takes.export.arrangement import Track

__all__ = ["write_notes"]

_TICKS = 1920
"""Ticks a quarter, as Ardour itself counts."""


def write_notes(path: Path, track: Track, end_quarter: float) -> None:
    """Write a MIDI file with one track, that begins where the take begins.

    Parameters
    ----------
    path : Path
        Where to write.
    track : Track
        Notes and other messages.
    end_quarter : float
        Where the take ends.
    """
    import mido

    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS, charset="utf-8")
    written = mido.MidiTrack([mido.MetaMessage("track_name", name=track.name)])
    at = 0
    for tick, data in sorted(_messages(track), key=lambda m: m[0]):
        written.append(mido.Message.from_bytes(data, time=tick - at))
        at = tick
    end = max(round(end_quarter * _TICKS) - at, 0)
    written.append(mido.MetaMessage("end_of_track", time=end))
    file.tracks.append(written)
    file.save(path)


def _messages(track: Track) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Offs before everything else that stands at the same tick; every note lasts a tick."""
    channel = track.channel - 1
    spans = [
        (round(n.start_quarter * _TICKS), round(n.end_quarter * _TICKS), n) for n in track.notes
    ]
    for start, end, note in spans:
        yield max(end, start + 1), (0x80 + channel, note.pitch, 0)
    for step in track.steps:
        yield round(step.quarter * _TICKS), step.data
    for start, _, note in spans:
        yield start, (0x90 + channel, note.pitch, note.velocity)
