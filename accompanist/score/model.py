"""The score model: plain frozen values, unfolded into the order of performance.

Positions are quarter notes (``quarter``) from the first instant of the first performed measure
(pickup included), repeats written out. Pitches are sounding MIDI numbers. Parts are numbered
from 1 in the order of the file. Nothing here knows of seconds: `accompanist.score.tempo` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Articulation",
    "ControlChange",
    "Fermata",
    "Key",
    "Level",
    "Mark",
    "Measure",
    "Metre",
    "Note",
    "Ornament",
    "OscCue",
    "Part",
    "Passage",
    "Score",
    "TempoMark",
    "TempoSpan",
]


class Ornament(StrEnum):
    """How a printed note is to be played, where that means more than one stroke."""

    NONE = "none"
    TRILL = "trill"
    MORDENT = "mordent"
    TURN = "turn"
    TREMOLO = "tremolo"
    ALTERNATION = "alternation"
    """A tremolo between two notes (or chords): this one and its neighbour, by turns."""


class Articulation(StrEnum):
    """How long a printed note is to sound, and how it joins the next one."""

    PLAIN = "plain"
    TENUTO = "tenuto"
    LEGATO = "legato"
    """Under a slur, and not its last note."""
    SLUR_END = "slur end"
    PORTATO = "portato"
    STACCATO = "staccato"
    STACCATISSIMO = "staccatissimo"


@dataclass(frozen=True, slots=True)
class Note:
    """One sounding note. Tied notes are one `Note` of their whole length.

    A grace note has its (small) place before its main note and ``grace=True``: it may be played
    at any moment around there, or left out.
    """

    onset_quarter: float
    duration_quarter: float
    pitch: int
    velocity: int = 80
    tied: bool = False
    """Merged out of several printed notes."""
    grace: bool = False
    arpeggio: bool = False
    fermata: bool = False
    ornament: Ornament = Ornament.NONE
    staff: int = 1
    articulation: Articulation = Articulation.PLAIN
    stroke_quarter: float = 0.0
    """Of a tremolo: length of one stroke as written; 0 where it is as fast as can be."""

    @property
    def end_quarter(self) -> float:
        return self.onset_quarter + self.duration_quarter


@dataclass(frozen=True, slots=True)
class ControlChange:
    """A MIDI controller, program or bend written in the source (MIDI files only).

    ``kind`` is ``cc`` (number, value), ``program`` (value) or ``bend`` (value −8192…8191).
    """

    onset_quarter: float
    kind: str
    number: int
    value: int


@dataclass(frozen=True, slots=True)
class Level:
    """A corner of the curve of a part's loudness; between two of them it goes evenly."""

    quarter: float
    velocity: float
    """MIDI velocity that means it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One player's line (a piano with two staves is one part)."""

    number: int
    name: str
    notes: tuple[Note, ...]
    """Sorted by (onset_quarter, pitch)."""
    instrument: str = ""
    program: int = 0
    """General MIDI program, 0–127."""
    percussion: bool = False
    transposition: int = 0
    """Semitones from written to sounding pitch; ``notes`` are sounding already."""
    controls: tuple[ControlChange, ...] = ()
    lyrics: bool = False
    """Words stand under the notes: somebody sings this."""
    levels: tuple[Level, ...] = ()
    """What dynamic signs and hairpins say; a step is two corners. Empty where there are none, and
    for MIDI files, whose velocities are somebody's playing."""


@dataclass(frozen=True, slots=True)
class TempoMark:
    """From here on ``qpm`` quarters a minute. ``written`` is false where it is only our default."""

    quarter: float
    qpm: float
    text: str = ""
    written: bool = True


@dataclass(frozen=True, slots=True)
class TempoSpan:
    """A ritardando or accelerando; ``factor`` is the tempo at its end over that before it."""

    start_quarter: float
    end_quarter: float
    factor: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Metre:
    """Time signature from ``quarter`` on."""

    quarter: float
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Key:
    """Key signature from ``quarter`` on; ``fifths`` −7…7."""

    quarter: float
    fifths: int
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """A performed measure: ``printed`` is its number on paper, ``visit`` 1 the first time."""

    start_quarter: float
    length_quarter: float
    printed: str
    visit: int = 1
    page: int = 1
    """Page on which it is printed, from 1, as far as the source says."""

    @property
    def end_quarter(self) -> float:
        return self.start_quarter + self.length_quarter


@dataclass(frozen=True, slots=True)
class Mark:
    """A rehearsal mark (A, B, … or a heading)."""

    quarter: float
    text: str


@dataclass(frozen=True, slots=True)
class Fermata:
    """A hold on whatever sounds from ``quarter`` to ``end_quarter``, in any part."""

    quarter: float
    end_quarter: float


@dataclass(frozen=True, slots=True)
class OscCue:
    """A message for lights, loopers and effects, written in the score, to be sent at its beat."""

    quarter: float
    address: str
    arguments: tuple[int | float | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """How closely the ensemble is to follow the soloist from here to there.

    ``level`` is 0 (its own tempo) to 10, ``mode`` is ``follow``, ``wait`` or ``fixed``; what is
    None is as usual.
    """

    start_quarter: float
    end_quarter: float
    level: float | None = None
    mode: str | None = None
    latency_s: float = 0.0
    """How late the soloist is to be expected."""


@dataclass(frozen=True, slots=True)
class Score:
    """A whole piece, ready to be performed. Sequences are sorted by position."""

    title: str
    parts: tuple[Part, ...]
    measures: tuple[Measure, ...]
    composer: str = ""
    licence: str = ""
    tempo_marks: tuple[TempoMark, ...] = ()
    tempo_spans: tuple[TempoSpan, ...] = ()
    metres: tuple[Metre, ...] = ()
    keys: tuple[Key, ...] = ()
    marks: tuple[Mark, ...] = ()
    fermatas: tuple[Fermata, ...] = ()
    suggested_solo: int | None = None
    """Number of the solo part where the source says so (catalogue); else the guess decides."""
    cues: tuple[OscCue, ...] = ()
    passages: tuple[Passage, ...] = ()
    """Where the source says how closely the soloist is to be followed."""
    recording_s: float | None = None
    """Length of the recording that this is the score of (or all that is known of it). Its tempo
    marks then are those of the recording: written seconds are seconds of the recording, and the
    outside world counts positions in them (`accompanist.score.outer`)."""

    @property
    def end_quarter(self) -> float:
        last_note = max((n.end_quarter for p in self.parts for n in p.notes), default=0.0)
        last_measure = self.measures[-1].end_quarter if self.measures else 0.0
        return max(last_note, last_measure)
