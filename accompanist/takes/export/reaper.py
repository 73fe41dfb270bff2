"""REAPER projects (``.RPP``): text, one record a line, blocks in angle brackets.

The shape of the records follows projects that REAPER writes itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from accompanist.takes.export.arrangement import Arrangement, Clip, Track

__all__ = ["quoted", "reaper_project", "tempo_envelope"]

_TICKS = 960


def quoted(text: str) -> str:
    """Put a name in quotes that it does not contain itself.

    >>> print(quoted("Piano"), quoted('the "A" part'))
    "Piano" 'the "A" part'
    """
    line = " ".join(text.split())
    for quote in "\"'`":
        if quote not in line:
            return f"{quote}{line}{quote}"
    return "`" + line.replace("`", "'") + "`"


def tempo_envelope(
    tempi: Iterable[tuple[float, float]], metres: Iterable[tuple[float, int, int]]
) -> list[str]:
    """Write a tempo map.

    Parameters
    ----------
    tempi : iterable of (float, float)
        Second and quarters a minute of each change, the tempo lasting until the next.
    metres : iterable of (float, int, int)
        Second, numerator, denominator of each change of metre; there has to be a tempo as well.
    """
    at = {round(time_s, 9): (num, den) for time_s, num, den in metres}
    lines = ["<TEMPOENVEX", "ACT 1 -1", "VIS 1 0 1", "LANEHEIGHT 0 0", "ARM 0", "DEFSHAPE 1 -1 -1"]
    for time_s, qpm in tempi:
        metre = at.get(round(time_s, 9))
        signature = "" if metre is None else f" {(metre[1] << 16) + metre[0]} 0 1"
        lines.append(f"PT {time_s:.12f} {qpm:.10f} 1{signature}")
    return [*lines, ">"]


def reaper_project(take: Arrangement, folder: Path) -> str:
    """Write the take as a project: tempo map, markers, sound files, a MIDI track a part.

    Parameters
    ----------
    take : Arrangement
    folder : Path
        Where the project will lie; sound files beside it are named without their folder, so that
        the folder can be moved.
    """
    first = take.metres[0]
    lines = [
        '<REAPER_PROJECT 0.1 "6.0" 0',
        f"TEMPO {take.tempi[0].qpm:.10f} {first.numerator} {first.denominator}",
        *tempo_envelope(*_map(take)),
    ]
    for i, mark in enumerate(take.markers):
        lines.append(f"MARKER {i + 1} {mark.time_s:.9f} {quoted(mark.text)} 0")
    for clip in take.clips:
        beside = clip.path.parent.resolve() == folder.resolve()
        lines += _audio_track(clip, clip.path.name if beside else str(clip.path.resolve()))
    for track in take.tracks:
        lines += _midi_track(track, take)
    lines.append(">")
    return "\n".join(lines) + "\n"


def _map(take: Arrangement) -> tuple[list[tuple[float, float]], list[tuple[float, int, int]]]:
    """Tempo at every change of tempo or metre: a metre can only stand at a tempo point."""
    metres = [(m.time_s, m.numerator, m.denominator) for m in take.metres]
    tempi = {round(t.time_s, 9): t.qpm for t in take.tempi}
    for time_s, _, _ in metres:
        before = [t.qpm for t in take.tempi if t.time_s <= time_s + 1e-9]
        tempi.setdefault(round(time_s, 9), before[-1] if before else take.tempi[0].qpm)
    return sorted(tempi.items()), metres


def _audio_track(clip: Clip, file: str) -> Iterator[str]:
    yield from (
        "<TRACK",
        f"NAME {quoted(clip.name)}",
        "<ITEM",
        "POSITION 0",
        f"LENGTH {clip.length_s:.9f}",
        "LOOP 0",
        f"NAME {quoted(clip.name)}",
        "<SOURCE WAVE",
        f"FILE {quoted(file)}",
        ">",
        ">",
        ">",
    )


def _midi_track(track: Track, take: Arrangement) -> Iterator[str]:
    end = math.ceil(take.end_quarter * _TICKS)
    yield from (
        "<TRACK",
        f"NAME {quoted(track.name)}",
        "<ITEM",
        "POSITION 0",
        f"LENGTH {take.seconds(end / _TICKS):.9f}",
        "LOOP 0",
        f"NAME {quoted(track.name)}",
        "<SOURCE MIDI",
        f"HASDATA 1 {_TICKS} QN",
    )
    at = 0
    for tick, data in sorted(_messages(track), key=lambda m: m[0]):
        yield f"E {tick - at} " + " ".join(f"{byte:02x}" for byte in data)
        at = tick
    yield f"E {max(end - at, 0)} b{track.channel - 1:x} 7b 00"
    yield from ("IGNTEMPO 0 120 4 4", ">", ">", ">")


def _messages(track: Track) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Offs before everything else that stands at the same tick; a note lasts a tick at least."""
    channel = track.channel - 1
    for note in track.notes:
        end = max(round(note.end_quarter * _TICKS), round(note.start_quarter * _TICKS) + 1)
        yield end, (0x80 + channel, note.pitch, 0)
    for step in track.steps:
        yield round(step.quarter * _TICKS), step.data
    for note in track.notes:
        yield round(note.start_quarter * _TICKS), (0x90 + channel, note.pitch, note.velocity)
