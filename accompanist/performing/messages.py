"""MIDI messages as plain values; bytes are made at the port."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Kind", "Message", "TimedMessage"]


class Kind(StrEnum):
    """The ``kind`` column of ``played.csv``."""

    ON = "on"
    OFF = "off"
    CC = "cc"
    PROGRAM = "program"
    BEND = "bend"


@dataclass(frozen=True, slots=True)
class Message:
    """One channel message. ``channel`` 1–16.

    ``number`` is the pitch, controller or program; ``value`` the velocity, controller value or
    bend (−8192…8191).
    """

    kind: Kind
    channel: int
    number: int
    value: int = 0


@dataclass(frozen=True, slots=True)
class TimedMessage:
    """A message with the moment it is sent (take time), its place in the score and its part."""

    time_s: float
    quarter: float
    part: int
    message: Message
