"""What a session for a DAW is made of, whatever the DAW: tracks, tempo, metres, markers."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accompanist.app.performer.midi_rig import part_port_names
from accompanist.performing.channels import assign_channels
from accompanist.score.model import Measure, Metre, Part, Score
from accompanist.score.tempo import WrittenTempo, written_tempo

__all__ = [
    "HostSession",
    "Marker",
    "MetrePoint",
    "TempoPoint",
    "Track",
    "host_session",
    "plain_name",
]

_ALL_PARTS = "parts"
"""The port that all parts leave by, a channel each."""

_DENOMINATORS = (4, 8, 16, 32, 64)
_SAME_QUARTER = 1e-3
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f]+')


@dataclass(frozen=True, slots=True)
class Track:
    """One instrument track. Parts that have to share a channel share a track."""

    parts: tuple[int, ...]
    name: str
    """Unique in the session, without characters that hosts refuse in names."""
    channel: int
    program: int
    """General MIDI program, 0–127."""
    percussion: bool
    port: str
    """JACK name of the port that feeds it."""


@dataclass(frozen=True, slots=True)
class TempoPoint:
    """From ``quarter`` (``seconds`` of written time) on ``qpm``, constant until the next."""

    quarter: float
    seconds: float
    qpm: float


@dataclass(frozen=True, slots=True)
class MetrePoint:
    """From ``quarter`` on, the first instant of the ``bar``-th bar (counted from 1), this metre."""

    quarter: float
    bar: int
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Marker:
    """A named place."""

    quarter: float
    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class HostSession:
    """A piece as a host is to show it. Sequences are sorted by position, points start at 0."""

    title: str
    soloist: str
    tracks: tuple[Track, ...]
    tempi: tuple[TempoPoint, ...]
    metres: tuple[MetrePoint, ...]
    markers: tuple[Marker, ...]
    end_quarter: float
    end_s: float

    def bar_beat(self, quarter: float) -> tuple[int, int, float]:
        """Bar and beat (both from 1) of a position, and the rest as a share of a beat.

        A beat is what the metre's denominator says.
        """
        i = max(bisect_right([m.quarter for m in self.metres], quarter + 1e-9) - 1, 0)
        metre = self.metres[i]
        beats = (quarter - metre.quarter) * metre.denominator / 4.0
        whole = int(beats + 1e-6)
        bars, beat = divmod(whole, metre.numerator)
        return metre.bar + bars, beat + 1, max(0.0, beats - whole)


def host_session(
    score: Score, solo_number: int, *, port_per_part: bool = False, client: str = "accompanist"
) -> HostSession:
    """Lay out a session for a piece.

    Parameters
    ----------
    score : Score
        The piece.
    solo_number : int
        Number of the part that the soloist plays: it gets no track of its own here.
    port_per_part : bool
        Whether each part leaves by a port of its own, instead of all by one.
    client : str
        JACK client name of the performer.
    """
    tempo = written_tempo(score)
    parts = [p for p in score.parts if p.number != solo_number and p.notes]
    solo = next((p.name for p in score.parts if p.number == solo_number), "Soloist")
    return HostSession(
        title=score.title,
        soloist=solo,
        tracks=tuple(_tracks(parts, port_per_part, client)),
        tempi=tuple(_tempi(tempo, score.end_quarter)),
        metres=tuple(_metres(score.measures, score.metres)),
        markers=tuple(_markers(score, tempo)),
        end_quarter=score.end_quarter,
        end_s=float(tempo.to_seconds(score.end_quarter)),
    )


def plain_name(text: str) -> str:
    """Make a name that hosts and file systems take.

    >>> plain_name("Violin I/II: solo")
    'Violin I-II- solo'
    """
    return _NOT_IN_NAMES.sub("-", " ".join(text.split())).strip(" .-") or "unnamed"


def _tracks(parts: Sequence[Part], port_per_part: bool, client: str) -> Iterator[Track]:
    channels = assign_channels(parts)
    ports = part_port_names({p.number: p.name for p in parts})
    used: set[str] = {"master", "click", "monitor"}
    groups: dict[tuple[int, int], list[Part]] = {}
    for part in parts:
        own = part.number if port_per_part else 0
        groups.setdefault((channels[part.number], own), []).append(part)
    for (channel, own), group in groups.items():
        first = group[0]
        base = plain_name(" + ".join(dict.fromkeys(p.name for p in group)))[:60]
        name, number = base, 2
        while name.casefold() in used:
            name, number = f"{base} {number}", number + 1
        used.add(name.casefold())
        yield Track(
            parts=tuple(p.number for p in group),
            name=name,
            channel=channel,
            program=first.program,
            percussion=first.percussion,
            port=f"{client}:{ports[own] if own else _ALL_PARTS}",
        )


def _tempi(tempo: WrittenTempo, end_quarter: float) -> Iterator[TempoPoint]:
    last_qpm = 0.0
    for quarter, seconds in zip(tempo.quarters.tolist(), tempo.seconds.tolist(), strict=True):
        qpm = 60.0 * tempo.rate_at(quarter)
        if quarter >= end_quarter or abs(qpm - last_qpm) < 1e-6:
            continue
        last_qpm = qpm
        yield TempoPoint(quarter, seconds, qpm)


def _metres(measures: Sequence[Measure], metres: Sequence[Metre]) -> Iterator[MetrePoint]:
    """Put a metre wherever it changes; short bars (pickups) get one of their own."""
    last: tuple[int, int] | None = None
    if not measures:
        yield MetrePoint(0.0, 1, *_written(metres, 0.0))
        return
    for i, measure in enumerate(measures):
        metre = _metre_of(measure, metres)
        if metre != last:
            last = metre
            yield MetrePoint(measure.start_quarter if i else 0.0, i + 1, *metre)


def _metre_of(measure: Measure, metres: Sequence[Metre]) -> tuple[int, int]:
    numerator, denominator = _written(metres, measure.start_quarter)
    if abs(numerator * 4.0 / denominator - measure.length_quarter) < _SAME_QUARTER:
        return numerator, denominator
    for finer in _DENOMINATORS:
        beats = measure.length_quarter * finer / 4.0
        if abs(beats - round(beats)) < _SAME_QUARTER and round(beats) >= 1:
            return round(beats), finer
    return numerator, denominator


def _written(metres: Sequence[Metre], quarter: float) -> tuple[int, int]:
    if not metres:
        return 4, 4
    i = bisect_right([m.quarter for m in metres], quarter + 1e-6) - 1
    metre = metres[max(i, 0)]
    return metre.numerator, metre.denominator


def _markers(score: Score, tempo: WrittenTempo) -> Iterator[Marker]:
    """Give the first printed bar and every rehearsal mark."""
    found = [(m.quarter, m.text) for m in score.marks if m.text.strip()]
    first = next((m for m in score.measures if m.printed == "1"), None)
    if first is None and score.measures:
        first = score.measures[0]
    if first is not None and all(abs(q - first.start_quarter) > _SAME_QUARTER for q, _ in found):
        found.append((first.start_quarter, f"bar {first.printed}"))
    for quarter, text in sorted(found):
        yield Marker(quarter, float(tempo.to_seconds(quarter)), " ".join(text.split()))
