"""A take as a DAW sees it: tempo map, metres, markers, tracks of notes, sound files.

Everything is read from ``accompaniment.mid``, which holds the performed tempo map; positions are
quarters of that file's grid, seconds those of the take.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accompanist.errors import BadInputError

__all__ = [
    "Arrangement",
    "Bar",
    "Clip",
    "MarkerPoint",
    "MetrePoint",
    "NoteSpan",
    "Steps",
    "TempoPoint",
    "Track",
    "read_arrangement",
]


@dataclass(frozen=True, slots=True)
class TempoPoint:
    """From here on the tempo is ``qpm``, until the next point."""

    quarter: float
    time_s: float
    qpm: float


@dataclass(frozen=True, slots=True)
class MetrePoint:
    """From here on bars have this metre."""

    quarter: float
    time_s: float
    numerator: int
    denominator: int

    @property
    def bar_quarter(self) -> float:
        """Length of a bar."""
        return 4.0 * self.numerator / self.denominator


@dataclass(frozen=True, slots=True)
class MarkerPoint:
    """A rehearsal mark."""

    quarter: float
    time_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar line, counted from 1 as a DAW counts."""

    quarter: float
    time_s: float
    number: int


@dataclass(frozen=True, slots=True)
class NoteSpan:
    """A note of a track."""

    start_quarter: float
    end_quarter: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Steps:
    """A message of a track other than a note: status byte, data bytes."""

    quarter: float
    data: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """One part: ``channel`` 1–16, notes in order of their beginning."""

    name: str
    channel: int
    notes: tuple[NoteSpan, ...]
    steps: tuple[Steps, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound file that begins with the take."""

    name: str
    path: Path
    length_s: float
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """All of a take that a DAW can hold."""

    title: str
    tempi: tuple[TempoPoint, ...]
    metres: tuple[MetrePoint, ...]
    markers: tuple[MarkerPoint, ...]
    bars: tuple[Bar, ...]
    tracks: tuple[Track, ...]
    clips: tuple[Clip, ...]
    end_quarter: float
    end_s: float

    def seconds(self, quarter: float) -> float:
        """Take time of a position on the grid."""
        i = max(bisect_right([t.quarter for t in self.tempi], quarter) - 1, 0)
        point = self.tempi[i]
        return point.time_s + (quarter - point.quarter) * 60.0 / point.qpm


class _Grid:
    """Ticks of a file into quarters and seconds."""

    def __init__(self, ticks_a_quarter: int, tempi: list[tuple[int, int]]) -> None:
        self._resolution = ticks_a_quarter
        if not tempi or tempi[0][0] > 0:
            tempi = [(0, 500_000), *tempi]
        self._ticks = [tick for tick, _ in tempi]
        self._us = [us for _, us in tempi]
        self._times_s = [0.0]
        for i in range(1, len(tempi)):
            length = (self._ticks[i] - self._ticks[i - 1]) / ticks_a_quarter
            self._times_s.append(self._times_s[-1] + length * self._us[i - 1] * 1e-6)

    def quarter(self, tick: int) -> float:
        return tick / self._resolution

    def seconds(self, tick: int) -> float:
        i = max(bisect_right(self._ticks, tick) - 1, 0)
        length = (tick - self._ticks[i]) / self._resolution
        return self._times_s[i] + length * self._us[i] * 1e-6

    def tempi(self) -> tuple[TempoPoint, ...]:
        return tuple(
            TempoPoint(self.quarter(tick), time_s, 60e6 / us)
            for tick, time_s, us in zip(self._ticks, self._times_s, self._us, strict=True)
        )


def read_arrangement(folder: Path, clips: Iterable[Clip] = ()) -> Arrangement:
    """Read a take folder.

    Parameters
    ----------
    folder : Path
        With ``accompaniment.mid`` in it.
    clips : iterable of Clip
        The take's sound files.

    Raises
    ------
    BadInputError
        It is not a take folder, or its MIDI file cannot be read.
    """
    import mido

    path = folder / "accompaniment.mid"
    if not path.is_file():
        raise BadInputError(f"{folder}: not a take folder (there is no accompaniment.mid in it)")
    try:
        file = mido.MidiFile(path, charset="utf-8")
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise BadInputError(f"{path}: cannot be read as MIDI ({error})") from error
    resolution = file.ticks_per_beat
    frame = _timed(file.tracks[0]) if file.tracks else []
    grid = _Grid(resolution, [(at, m.tempo) for at, m in frame if m.type == "set_tempo"])
    end = max((sum(m.time for m in track) for track in file.tracks), default=0)
    metres = _metres(frame, grid)
    clips = tuple(clips)
    end_s = max([grid.seconds(end), *(clip.length_s for clip in clips)])
    return Arrangement(
        title=next((m.name for _, m in frame if m.type == "track_name"), folder.name),
        tempi=grid.tempi(),
        metres=metres,
        markers=tuple(
            MarkerPoint(grid.quarter(at), grid.seconds(at), m.text)
            for at, m in frame
            if m.type == "marker"
        ),
        bars=_bars(metres, grid, resolution, end),
        tracks=tuple(_track(track, grid) for track in file.tracks[1:]),
        clips=clips,
        end_quarter=grid.quarter(end),
        end_s=end_s,
    )


def _timed(track: Iterable[Any]) -> list[tuple[int, Any]]:
    at = 0
    timed = []
    for message in track:
        at += message.time
        timed.append((at, message))
    return timed


def _metres(frame: list[tuple[int, Any]], grid: _Grid) -> tuple[MetrePoint, ...]:
    found = [
        MetrePoint(grid.quarter(at), grid.seconds(at), m.numerator, m.denominator)
        for at, m in frame
        if m.type == "time_signature"
    ]
    if not found or found[0].quarter > 0:
        found.insert(0, MetrePoint(0.0, 0.0, 4, 4))
    return tuple(found)


def _bars(
    metres: tuple[MetrePoint, ...], grid: _Grid, resolution: int, end: int
) -> tuple[Bar, ...]:
    bars: list[Bar] = []
    for i, metre in enumerate(metres):
        first = round(metre.quarter * resolution)
        last = round(metres[i + 1].quarter * resolution) if i + 1 < len(metres) else end
        step = max(round(metre.bar_quarter * resolution), 1)
        for tick in range(first, max(last, first + 1), step):
            bars.append(Bar(grid.quarter(tick), grid.seconds(tick), len(bars) + 1))
    return tuple(bars)


def _track(track: Iterable[Any], grid: _Grid) -> Track:
    name, channel = "", 1
    down: dict[tuple[int, int], list[tuple[int, int]]] = {}
    notes: list[NoteSpan] = []
    steps: list[Steps] = []
    for at, message in _timed(track):
        if message.type == "track_name":
            name = message.name
        if message.is_meta or not hasattr(message, "channel"):
            continue
        channel = message.channel + 1
        if message.type == "note_on" and message.velocity:
            down.setdefault((channel, message.note), []).append((at, message.velocity))
        elif message.type in ("note_on", "note_off"):
            struck = down.get((channel, message.note))
            if struck:
                began, velocity = struck.pop(0)
                notes.append(
                    NoteSpan(grid.quarter(began), grid.quarter(at), message.note, velocity)
                )
        else:
            steps.append(Steps(grid.quarter(at), tuple(message.bytes())))
    notes.sort(key=lambda n: (n.start_quarter, n.pitch))
    return Track(name, channel, tuple(notes), tuple(steps))
