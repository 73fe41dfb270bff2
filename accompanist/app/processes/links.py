"""What the processes of the daemon say to one another: plain values over a pipe.

The *daemon* (settings, OSC, supervision) starts the *engine* (hears, follows, conducts) and the
*performer* (schedules and sends). Commands go down, events come up; the timeline itself goes from
the engine to the performer through shared memory (`accompanist.app.processes.board`).

Nothing here imports numpy: the performer must not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from accompanist.app.passages import PassageWords
from accompanist.performing.clock import ClockPlan
from accompanist.performing.messages import TimedMessage
from accompanist.performing.plan import Plan
from accompanist.score.model import Score

__all__ = [
    "Click",
    "Do",
    "EngineDied",
    "EngineSettings",
    "InputOpened",
    "InputSettings",
    "KeepTake",
    "LoadPiece",
    "LoadPlan",
    "Mix",
    "OpenInput",
    "OutputInfo",
    "OutputSettings",
    "OutputsOpened",
    "Panic",
    "PieceLoaded",
    "Played",
    "Problem",
    "Quit",
    "RecordingSource",
    "Reported",
    "Sent",
    "SetClock",
    "SetOutputs",
    "Silence",
    "TakeKept",
    "TakeLearned",
    "View",
]


# ---- settings ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """Where the accompaniment goes."""

    midi: bool = True
    synth: bool = False
    backend: str = "auto"
    """``jack``, ``coremidi``, ``alsa``, ``port`` (an existing one, named by ``port``), or auto."""
    port: str = ""
    """Name, or a part of it, of an existing output that takes the notes."""
    port_per_part: bool = False
    clock: bool = False
    """Whether the port ``accompanist clock`` is opened."""
    client_name: str = "accompanist"
    soundfont: Path | None = None
    driver: str | None = None
    """FluidSynth's audio driver."""
    tapped: bool = False
    """Whether what the synthesiser sounds is put down for whoever listens to the soloist. That
    takes a compiler, and so numpy, into the process that plays; it has neither otherwise."""
    connect: tuple[str, ...] = ()
    """Inputs that the port of all parts is connected to whenever they are there."""


@dataclass(frozen=True, slots=True)
class InputSettings:
    """Where the soloist comes from."""

    device: str | None = None
    """Audio input, by number or name; None takes the system's."""
    channel: int = 1
    midi_in: str | None = None
    """A MIDI keyboard instead."""
    gain_db: float = 0.0
    gate_db: float = -120.0
    """What is softer than this is taken for silence."""
    from_file: Path | None = None
    """A recording that comes in as though it were the microphone."""
    latency_s: float | None = None
    """Delay of the input; None for what was measured or what the driver says."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the engine hears and leads; what stands here can only change with a new load."""

    follower: str | None = None
    policy: str = "auto"
    solo: str | None = None
    start_quarter: float = 0.0
    countin_bars: float | None = None
    """None: a bar where the ensemble begins, else none."""
    latency_out_s: float = 0.0
    a4_hz: float | None = None
    transpose: int = 0
    bleed: bool = True
    """Whether the ensemble may be heard in the microphone; False: headphones."""
    rehearse: bool = True
    """Whether earlier takes of the piece tell what is to be expected."""
    passages: tuple[PassageWords, ...] = ()
    """Where to follow more or less closely, in any piece."""


# ---- to the performer ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A piece to play; whatever was played before is silenced and forgotten."""

    plan: Plan
    clock: ClockPlan
    part_names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mix:
    """One control of one part: mute, solo (bool), gain (dB), pan (−1…1), program, channel, output.

    ``output`` is ``midi``, ``synth``, ``both`` or ``none``.
    """

    part: int
    control: str
    value: float | int | bool | str


@dataclass(frozen=True, slots=True)
class SetClock:
    """How MIDI clock and MTC are sent."""

    enabled: bool = False
    continuous: bool = True
    offset_s: float = 0.0
    mtc: bool = False


@dataclass(frozen=True, slots=True)
class SetOutputs:
    """Open these ports and synthesisers; close what is open and not among them."""

    outputs: OutputSettings


@dataclass(frozen=True, slots=True)
class Click:
    """Messages outside the plan (the count-in), in take time."""

    messages: tuple[TimedMessage, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """Let everything go now and play nothing until the engine gives a new cue."""


@dataclass(frozen=True, slots=True)
class Panic:
    """Silence by every means MIDI has; the second within 2 s also cuts tails (CC 120)."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Silence everything, close everything, leave."""


# ---- from the performer --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OutputInfo:
    """One open port or synthesiser."""

    name: str
    kind: str
    """``jack``, ``coremidi``, ``alsa``, ``port``, ``synth``."""
    latency_s: float


@dataclass(frozen=True, slots=True)
class OutputsOpened:
    """What is open now, and whether the performer has real-time priority."""

    outputs: tuple[OutputInfo, ...]
    realtime: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages that have left, in order; ``late_s`` [same length] says by how much."""

    messages: tuple[TimedMessage, ...]
    late_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the human must know; ``code`` as in ``/acc/error``."""

    code: int
    text: str
    about: str = ""
    """Address of the desk that it is about, as far as that is known: ``piece/load`` …"""


# ---- to the engine -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenInput:
    """Listen here."""

    settings: InputSettings


@dataclass(frozen=True, slots=True)
class LoadPiece:
    """Make ready to follow a piece: id in the library or path of a score."""

    piece: str
    settings: EngineSettings


@dataclass(frozen=True, slots=True)
class Do:
    """A command of the conductor by its method's name, as ``start`` or ``locate``."""

    name: str
    arguments: tuple[float | int | str | bool | None, ...] = ()


@dataclass(frozen=True, slots=True)
class KeepTake:
    """Keep what has been played since ``arm`` as a take folder; ``folder`` None names it itself."""

    folder: Path | None = None
    soundfont: Path | None = None
    """For its sound; None looks for one."""
    audio: bool = True
    """Whether ``accompaniment.wav`` and ``mix.wav`` are made."""
    hosts: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    """Where each host stood: from take time ``from_s`` on at take time + ``zero_s``."""
    desk: Mapping[str, float] = field(default_factory=dict)
    """What a recording is set to: solo, gain, pan, mute."""
    changes: tuple[tuple[float, str, float], ...] = ()
    """What of that was set and when, monotonic seconds, in order."""
    stretcher: str | None = None
    """How a recording is made faster and slower."""
    rehearse: bool = False
    """Whether it is learned from, once it is kept."""


@dataclass(frozen=True, slots=True)
class Played:
    """What the performer has sent, for the take; ``late_s`` [same length]."""

    messages: tuple[TimedMessage, ...]
    late_s: tuple[float, ...]


# ---- from the engine -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InputOpened:
    """The soloist's input is there."""

    name: str
    sample_rate: int
    latency_s: float


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """The files of a piece whose ensemble is a recording."""

    file: Path
    """The recording."""
    accompaniment: Path | None = None
    """The recording without its soloist, as long as it and at the same rate."""


@dataclass(frozen=True, slots=True)
class PieceLoaded:
    """A piece is ready; the performer is to be given ``plan`` and ``clock``."""

    piece_id: str
    title: str
    composer: str
    score: Score
    solo: int
    plan: Plan
    clock: ClockPlan
    recording: RecordingSource | None = None
    """What sounds, where the ensemble is a recording."""


@dataclass(frozen=True, slots=True)
class View:
    """How things stand, 25 times a second and at once when ``state`` changes."""

    time_s: float
    """Take time, end of the last hop."""
    offset_s: float
    """Monotonic minus take time."""
    state: str
    quarter: float
    """Where the ensemble is."""
    solo_quarter: float
    """Where the soloist is believed to be."""
    qpm: float
    """Tempo of the soloist."""
    confidence: float
    level_db: float
    """Peak of the input, dB below full scale."""
    advice: str = ""
    behind_s: float = 0.0
    xruns: int = 0
    lost_samples: int = 0
    hop_ms: float = 0.0
    """Mean compute of the hops since the last view."""
    a4_hz: float = 440.0
    """Tuning of the soloist as learned."""
    led_qpm: float = 0.0
    """Tempo of whoever leads; 0 without a piece."""
    base_qpm: float = 0.0
    """Tempo mark here, or what was said instead."""
    looping: bool = False
    """Whether the ensemble goes round."""
    follows: float = 10.0
    """How closely it follows here, 0 to 10."""
    bleed: str = "off"
    """What is known of the ensemble in the microphone: ``sound``, ``notes``, or ``off``."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A solo event was recognised: its place and the pitches that belong to it."""

    time_s: float
    quarter: float
    pitches: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineDied:
    """The engine has gone and is being started anew; what sounds is to be silenced."""

    text: str
    piece_dropped: bool = False
    """Whether the piece is not loaded again, since the engine died of it."""


@dataclass(frozen=True, slots=True)
class TakeKept:
    """A take folder has been written."""

    folder: Path


@dataclass(frozen=True, slots=True)
class TakeLearned:
    """A take that was kept has been learned from, or why not."""

    text: str
