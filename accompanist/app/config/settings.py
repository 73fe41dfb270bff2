"""What the daemon can be told, as a tree of values that refuses what makes no sense.

`accompanist.app.config.file` reads it from a TOML file and writes the commented default file from
the descriptions here. Only the daemon imports this module: pydantic takes its time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from accompanist.app.config.neighbours import CuesConfig, HostsConfig, Rule
from accompanist.app.config.types import Address, Name, Outputs, Place, Port, Section, as_tuple

__all__ = [
    "ClockConfig",
    "Config",
    "ControlConfig",
    "CountInConfig",
    "FollowConfig",
    "InputConfig",
    "OscConfig",
    "OutputConfig",
    "PassageConfig",
    "PieceConfig",
    "RecordingConfig",
    "TakesConfig",
    "TuningConfig",
]


class InputConfig(Section):
    """Where the soloist comes from."""

    device: Name | None = Field(default=None, description="Audio input, by number or name.")
    channel: int = Field(
        default=1, ge=1, le=64, description="Channel of the input that the soloist is on."
    )
    midi_in: Name | None = Field(
        default=None, description="A MIDI keyboard instead of the sound, by number or name."
    )
    gain_db: float = Field(default=0.0, ge=-60, le=60, description="Made louder by so many dB.")
    gate_db: float = Field(
        default=-120.0,
        ge=-120,
        le=0,
        description="What is softer than this (dB below full scale) is silence.",
    )
    bleed: Literal["auto", "sound", "off"] = Field(
        default="auto",
        description="The ensemble may be heard in the microphone: 'auto' listens past its notes "
        "(past the sound of a recording), 'sound' past the synthesiser's sound, too; 'off' for "
        "headphones.",
    )
    from_file: Place | None = Field(
        default=None, description="A recording that comes in as though it were the microphone."
    )
    latency_ms: float | None = Field(
        default=None,
        ge=0,
        le=2000,
        description="Delay of the input; without it what the driver says.",
    )


class OutputConfig(Section):
    """Where the accompaniment goes."""

    to: Outputs = Field(
        default=("midi",),
        description="MIDI ports for your host, the built-in synthesiser, or both.",
    )
    backend: Literal["auto", "jack", "coremidi", "alsa", "port"] = Field(
        default="auto",
        description="Kind of the MIDI ports; 'port' takes an existing one, named below.",
    )
    port: str = Field(default="", description="Name, or a part of it, of an existing MIDI output.")
    connect: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="Inputs that the port of all parts is connected to whenever they are there.",
    )
    port_per_part: bool = Field(default=False, description="A MIDI port of its own for each part.")
    soundfont: Place | None = Field(
        default=None, description="General MIDI sound font (.sf2, .sf3)."
    )
    driver: str | None = Field(
        default=None, description="Audio driver of the synthesiser: jack, alsa …"
    )
    latency_ms: float | None = Field(
        default=None,
        ge=0,
        le=2000,
        description="From sending a note to its sound; without it what the driver says.",
    )
    lead_ms: float = Field(
        default=0.0,
        ge=-100,
        le=500,
        description="The ensemble plays so much ahead of you; below 0, behind.",
    )
    client_name: str = Field(
        default="accompanist",
        pattern=r"^[A-Za-z0-9 _.-]{1,32}$",
        description="Our name among the clients of JACK or ALSA.",
    )


class RecordingConfig(Section):
    """Recordings as the orchestra."""

    solo_level: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How much of the recording's own soloist is heard; without it none, where "
        "they have been taken out.",
    )
    gain_db: float = Field(
        default=0.0, ge=-90, le=12, description="The recording louder by so many dB."
    )
    stretcher: Literal["phase-gradient", "phase-vocoder", "plain-vocoder"] = Field(
        default="phase-gradient",
        description="How a recording is made faster and slower; counts from the next piece on.",
    )
    driver: Literal["auto", "jack", "device", "silent"] = Field(
        default="auto", description="'auto' is JACK where a server runs, else an audio device."
    )
    device: Name | None = Field(default=None, description="Audio output, by number or name.")
    connect: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="JACK inputs for left and right; without them the loudspeakers.",
    )


class ClockConfig(Section):
    """MIDI clock, MTC and Ableton Link."""

    enabled: bool = Field(default=False, description="Send MIDI clock on a port of its own.")
    continuous: bool = Field(default=True, description="Ticks go on while the music stands.")
    offset_ms: float = Field(default=0.0, ge=-500, le=500, description="Clock sent so much later.")
    mtc: bool = Field(default=False, description="Send MIDI time code, too.")
    link: Literal["off", "follow", "lead"] = Field(
        default="off", description="Ableton Link: follow its tempo, or lead it."
    )


class FollowConfig(Section):
    """How the ensemble goes with the soloist."""

    mode: Literal["follow", "wait", "fixed", "conduct"] = Field(
        default="follow",
        description="Who leads; 'wait' never passes a note that has not been heard.",
    )
    level: float = Field(
        default=10.0,
        ge=0,
        le=10,
        description="How closely: 0 keeps its own time, 10 hangs on every note.",
    )
    policy: Literal["auto", "predict", "hold"] = Field(
        default="auto",
        description="Notes together with yours: as predicted, when heard, or as fits.",
    )
    dynamics: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="How much to get louder and softer with you: 0 not at all, 1 as you do.",
    )
    lost_policy: Literal["continue", "hold", "fade"] = Field(
        default="continue", description="What to do when the follower has lost you."
    )
    follower: str | None = Field(default=None, description="Which follower listens.")
    rehearse: bool = Field(
        default=True,
        description="Learn from every take that is kept, and expect what earlier ones were like.",
    )
    min_qpm: float = Field(
        default=20.0, ge=10, le=600, description="Never slower, quarters a minute."
    )
    max_qpm: float = Field(
        default=400.0, ge=10, le=600, description="Never faster, quarters a minute."
    )

    @model_validator(mode="after")
    def _in_order(self) -> FollowConfig:
        if self.min_qpm >= self.max_qpm:
            raise ValueError("min_qpm must be below max_qpm")
        return self


class PassageConfig(Section):
    """Bars of a piece in which the ensemble follows more or less closely."""

    piece: str = Field(min_length=1, description="Id of the piece, or the score's path.")
    from_bar: Name = Field(description="Its first bar, as printed (of a recording also m:ss).")
    to_bar: Name | None = Field(default=None, description="Its last bar; without it the end.")
    level: float | None = Field(default=None, ge=0, le=10, description="How closely there.")
    mode: Literal["follow", "wait", "fixed"] | None = Field(
        default=None, description="Who leads there."
    )

    @model_validator(mode="after")
    def _says_something(self) -> PassageConfig:
        if self.level is None and self.mode is None:
            raise ValueError("a passage wants a level or a mode")
        return self


class CountInConfig(Section):
    """Counting in."""

    mode: Literal["auto", "always", "never"] = Field(
        default="auto", description="'auto' counts where the ensemble begins."
    )
    bars: int = Field(default=1, ge=0, le=16, description="So many bars.")
    click: bool = Field(default=True, description="Whether the counting is heard.")


class TuningConfig(Section):
    """Pitch."""

    a4: float = Field(default=440.0, ge=392, le=466, description="The a' in Hz.")
    transpose: int = Field(
        default=0, ge=-24, le=24, description="Everything so many semitones higher."
    )
    auto: bool = Field(default=False, description="The ensemble takes over the soloist's tuning.")


class OscConfig(Section):
    """OSC and HTTP."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: Port = Field(
        default=7010, description="UDP port; when taken the next free one, 20 on at most."
    )
    root: Address = Field(default="/acc", description="What all addresses begin with.")
    http_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=7011, description="OSCQuery, health and the web; 0 for none."
    )
    zeroconf: bool = Field(default=True, description="Announce it in the local network.")
    most_subscribers: int = Field(
        default=32, ge=1, le=256, description="So many may subscribe at a time."
    )
    allow_remote: bool = Field(
        default=False, description="Needed to listen on anything but this computer's own address."
    )

    @model_validator(mode="after")
    def _meant(self) -> OscConfig:
        if self.host not in ("127.0.0.1", "::1", "localhost") and not self.allow_remote:
            raise ValueError(
                f"host {self.host!r} can be reached from other computers; "
                "allow_remote = true if that is meant"
            )
        return self


class TakesConfig(Section):
    """What was played is kept in a ring until you ask for it."""

    folder: Place = Field(
        default=Path("~/accompanist-takes"),
        description="Where takes are kept.",
        validate_default=True,
    )
    ring_minutes: float = Field(default=20.0, ge=1, le=240, description="Length of the ring.")


class ControlConfig(Section):
    """Pedals and keys on a MIDI input."""

    enable: bool = Field(default=True, description="Open the MIDI input 'accompanist control'.")
    input: str = Field(default="", description="An existing MIDI input to listen to besides.")
    backend: Literal["auto", "jack", "coremidi", "alsa", "port"] = Field(
        default="auto", description="Kind of the MIDI input."
    )
    hold_s: float = Field(
        default=0.6, ge=0.2, le=5, description="A pedal kept down longer than this holds."
    )
    debounce_s: float = Field(
        default=0.03, ge=0, le=0.3, description="Faster than this is bouncing."
    )
    threshold: int = Field(
        default=64, ge=1, le=127, description="From this value on a pedal is down."
    )


class PieceConfig(Section):
    """What is loaded at the start."""

    load: str | None = Field(
        default=None, description="Id of a piece in the library, or a score's path."
    )
    solo: Name | None = Field(default=None, description="Solo part, by number or name.")
    arm: bool = Field(default=False, description="Wait for the soloist's first note at once.")


class Config(Section):
    """All settings of the daemon."""

    piece: PieceConfig = PieceConfig()
    input: InputConfig = InputConfig()
    output: OutputConfig = OutputConfig()
    recording: RecordingConfig = RecordingConfig()
    clock: ClockConfig = ClockConfig()
    follow: FollowConfig = FollowConfig()
    countin: CountInConfig = CountInConfig()
    tuning: TuningConfig = TuningConfig()
    osc: OscConfig = OscConfig()
    takes: TakesConfig = TakesConfig()
    control: ControlConfig = ControlConfig()
    hosts: HostsConfig = HostsConfig()
    cues: CuesConfig = CuesConfig()
    passages: Annotated[tuple[PassageConfig, ...], BeforeValidator(as_tuple)] = ()
    rules: Annotated[tuple[Rule, ...], BeforeValidator(as_tuple)] = ()
