"""Settings of whoever goes along: hosts, and the OSC cues of the score and of rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from accompanist.app.config.types import Address, Port, Receiver, Section, as_tuple

__all__ = ["CuesConfig", "HostConfig", "HostsConfig", "Rule", "SendTo", "When"]


class HostConfig(Section):
    """A DAW, looper or drum machine that goes with us by OSC."""

    enabled: bool = Field(default=False, description="Whether we talk to it.")
    host: str = Field(default="127.0.0.1", min_length=1, description="Where it runs.")
    port: Port | None = Field(
        default=None, description="UDP port on which it listens; without it the usual one."
    )
    reply_port: Port | None = Field(
        default=None, description="UDP port to which it answers; without it the usual one."
    )
    roll: Literal["never", "arm", "start"] = Field(
        default="start", description="It rolls from arm on, or from start on, until the stop."
    )
    tempo_policy: Literal["never", "stopped", "perbar"] = Field(
        default="never", description="When it is told our tempo."
    )
    read_position: bool = Field(default=True, description="Read its position, for the take's zero.")
    locate: bool = Field(default=True, description="It goes where we go.")
    markers: bool = Field(default=True, description="It is given markers where the take has them.")


class HostsConfig(Section):
    """Hosts by their names."""

    ardour: HostConfig = HostConfig()
    reaper: HostConfig = HostConfig()
    ableton_live: HostConfig = HostConfig()
    bitwig: HostConfig = HostConfig()
    sooperlooper: HostConfig = HostConfig()
    hydrogen: HostConfig = HostConfig()


class When(Section):
    """What sets a rule off: a note or a chord (in a bar, if one is named), or a bar alone."""

    note: str | int | None = Field(
        default=None, description='A note that the soloist plays: "C5" or its MIDI number.'
    )
    chord: Annotated[tuple[str | int, ...], BeforeValidator(as_tuple)] | None = Field(
        default=None, description="Notes that the soloist plays together."
    )
    bar: str | int | None = Field(default=None, description="Printed number of a bar that begins.")
    beat: float | None = Field(default=None, ge=1, le=64, description="A beat in that bar.")
    every: bool = Field(
        default=False, description="Each such note counts, not the first of a pass alone."
    )

    @model_validator(mode="after")
    def _one_reason(self) -> When:
        if self.note is not None and self.chord is not None:
            raise ValueError("a rule has a note or a chord, not both")
        if (self.note, self.chord, self.bar) == (None, None, None):
            raise ValueError("a rule wants a note, a chord or a bar")
        return self


class SendTo(Section):
    """The OSC message that a rule sends."""

    to: str = Field(default="", pattern=r"^([^\s:]+:\d{1,5})?$", description="host:port.")
    address: Address = Field(description="OSC address.")
    arguments: Annotated[tuple[int | float | str | bool, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="What is sent with it."
    )


class Rule(Section):
    """When the soloist plays this, or the ensemble comes there, an OSC message is sent."""

    when: When
    send: SendTo


class CuesConfig(Section):
    """OSC cues written in the score."""

    to: Annotated[tuple[Receiver, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="host:port of everybody who gets them, besides the subscribers."
    )
