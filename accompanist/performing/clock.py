"""The clock's own line through a piece: smooth where the notes follow a rubato."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ClockEvent", "ClockKind", "ClockPlan"]


class ClockKind(StrEnum):
    """System real-time and common messages of MIDI clock (MIDI 1.0, "System Real Time")."""

    TICK = "tick"
    START = "start"
    CONTINUE = "continue"
    STOP = "stop"
    POSITION = "position"


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """One message of the clock port, at a take time. ``sixteenth`` counts with POSITION only."""

    time_s: float
    kind: ClockKind
    sixteenth: int = 0


@dataclass(frozen=True, slots=True)
class ClockPlan:
    """What the clock has to know of a piece."""

    beats_quarter: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
    """(position, length of a beat in quarters), wherever the metre changes, sorted."""
    gradual_quarter: tuple[tuple[float, float], ...] = ()
    """(first, last) of the written ritardandi and accelerandi, sorted, not overlapping."""
    end_quarter: float = 0.0
    rate_quarter_s: float = 2.0
    """Written tempo at the beginning: what the clock runs at until the soloist says otherwise."""
    written_quarter_s: tuple[tuple[float, float], ...] = ()
    """(position, written quarters a second from there on), wherever that changes, sorted."""
