"""What is said to the process that plays a recording, and what it answers: plain values.

The third process beside engine and performer, there while the piece is a recording. It reads the
cues from the same board as the performer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from accompanist.app.processes.links import OutputInfo, Problem, RecordingSource
from accompanist.score.model import Score

__all__ = [
    "RECORDING_PORTS",
    "LoadRecording",
    "MixRecording",
    "RecordingEvent",
    "RecordingFigures",
    "RecordingOpened",
    "RecordingOutput",
    "RecordingReady",
    "SetRecordingOutput",
]

RECORDING_PORTS = ("out_1", "out_2")
"""Names of our ports in JACK."""
Connection = tuple[str, str]
"""Short name of a port of ours, full name of the input that it is connected to."""


@dataclass(frozen=True, slots=True)
class RecordingOutput:
    """Where a recording is to sound."""

    driver: str | None = None
    """``jack``, ``device`` or ``silent``; None: a JACK server if one runs, else a device."""
    device: str | None = None
    """Audio output by number or name; None takes the system's."""
    client_name: str = "accompanist recording"
    """Our name in JACK."""
    connect: tuple[Connection, ...] | None = None
    """What our ports are connected to in JACK; None: the loudspeakers."""
    rate: int = 48_000
    """Of ``silent``, samples a second."""
    wav: Path | None = None
    """Where ``silent`` writes what would have been heard."""


# ---- to the player -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetRecordingOutput:
    """Play there; what is open and not that is closed."""

    output: RecordingOutput


@dataclass(frozen=True, slots=True)
class LoadRecording:
    """A recording to play by the next cue; ``score`` has its tempo."""

    source: RecordingSource
    score: Score
    stretcher: str | None = None
    """As `accompanist.recordings.stretching.registry.stretcher_names`; None is the usual one."""


@dataclass(frozen=True, slots=True)
class MixRecording:
    """One control: ``solo`` (0 gone … 1 as recorded), ``gain`` (dB), ``pan`` (−1…1), ``mute``."""

    control: str
    value: float


# ---- from the player -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordingOpened:
    """Where it sounds now, None: nowhere; and whether the player has real-time priority."""

    output: OutputInfo | None
    sample_rate: int
    realtime: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class RecordingReady:
    """A recording is open and everything that it needs has been used once."""

    file: Path
    without_solo: bool
    """Whether there is an accompaniment without the soloist."""


@dataclass(frozen=True, slots=True)
class RecordingFigures:
    """How well it keeps up; told every second."""

    drop_outs: int = 0
    """How often the device found nothing to take."""
    xruns: int = 0
    """How often the driver or server says that it lost output."""
    ahead_ms: float = 0.0
    """How far ahead of the device is rendered."""
    busy: float = 0.0
    """Share of a core that the process has used in the last second."""
    source_s: float = -1.0
    """Second of the recording that was rendered last; below 0 where nothing sounds."""
    connections: tuple[Connection, ...] = ()
    """Who listens, in JACK."""


RecordingEvent = RecordingOpened | RecordingReady | RecordingFigures | Problem
