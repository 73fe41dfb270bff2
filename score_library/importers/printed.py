"""A score as it stands on paper: measures side by side, repeats not yet written out.

Offsets are quarters from the beginning of the measure. Readers of notation fill these values in;
`score_library.importers.perform` turns them into a performed `Score`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from accompanist.score.model import Articulation, Ornament
from accompanist.score.unfold import BarSigns
from score_library.importers.cue_texts import Cue

__all__ = [
    "Listening",
    "Loudness",
    "PrintedBar",
    "PrintedMeasure",
    "PrintedNote",
    "PrintedPart",
    "Run",
    "TempoWord",
]


@dataclass(slots=True)
class PrintedNote:
    """A note head. Its pitch is sounding; velocity comes later from the dynamics."""

    offset: float
    duration: float
    pitch: int
    staff: int = 1
    grace_steps: int = 0
    """0 for a main note; else how many grace strokes before its main note it comes."""
    tie_starts: bool = False
    tie_stops: bool = False
    arpeggio: bool = False
    fermata: bool = False
    ornament: Ornament = Ornament.NONE
    accent: int = 0
    """Velocity steps on top of the dynamic level."""
    articulation: Articulation = Articulation.PLAIN
    stroke_quarter: float = 0.0
    """Of a tremolo whose strokes are counted."""
    velocity: int = 80


@dataclass(frozen=True, slots=True)
class Loudness:
    """A dynamic sign: a level (velocity), a hairpin's beginning (+1, −1) or end (0), a peak."""

    offset: float
    level: int | None = None
    hairpin: int | None = None
    number: str = ""
    peak: int = 0
    """Velocity steps above the level that the moment itself gets (fp, sf)."""


@dataclass(frozen=True, slots=True)
class TempoWord:
    """Something said about the tempo: a number, words, or both.

    ``ratio`` is that of a metric modulation (new tempo over old).
    """

    offset: float
    qpm: float | None = None
    text: str = ""
    ratio: float | None = None


@dataclass(slots=True)
class PrintedMeasure:
    """One part's measure."""

    notes: list[PrintedNote] = field(default_factory=list)
    loudness: list[Loudness] = field(default_factory=list)
    content_quarter: float = 0.0
    """How far notes and rests reach, rests that merely fill the measure left out."""
    reach_quarter: float = 0.0
    """How far anything reaches; rests do not make the content longer than the metre, but this."""
    rest_quarter: float = 0.0
    """Length of a rest that fills the measure."""


@dataclass(slots=True)
class PrintedPart:
    name: str
    measures: list[PrintedMeasure]
    instrument: str = ""
    program: int | None = None
    percussion: bool = False
    transposition: int = 0
    lyrics: bool = False
    curve: tuple[tuple[float, float], ...] = ()
    """Corners (quarter, velocity) of its loudness, on the axis of the printed measures."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A change of how closely to follow, from ``offset`` on."""

    offset: float
    level: float | None = None
    mode: str | None = None
    latency_s: float = 0.0
    times: frozenset[int] = frozenset()
    """In which passes it holds; empty for all."""
    ours: bool = False
    player: bool = False
    """It is meant for one player."""


@dataclass(slots=True)
class PrintedBar:
    """What all parts of a measure share."""

    number: str
    implicit: bool = False
    metre: tuple[int, int] | None = None
    """Where it changes."""
    key: tuple[int, bool] | None = None
    tempo: list[TempoWord] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)
    fermatas: list[tuple[float, float]] = field(default_factory=list)
    """Held rests: from, to."""
    fermata_at_end: bool = False
    signs: BarSigns = field(default_factory=BarSigns)
    ending_start: frozenset[int] = frozenset()
    ending_stop: bool = False
    page: int = 1
    cues: list[tuple[float, Cue]] = field(default_factory=list)
    listening: list[Listening] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Run:
    """One performed measure: which printed one, and where it has come to stand."""

    index: int
    start: float
    length: float
    contiguous: bool
    """It follows the measure that is printed before it."""
