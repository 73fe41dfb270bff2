"""The accompaniment as messages sorted in score time; the clock comes later and elsewhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from accompanist.performing.messages import Kind, Message

__all__ = ["Chased", "Plan", "Roll", "ScoreEvent"]

Chased: TypeAlias = tuple[int, Kind, int]
"""Channel, kind and number of something that has a state: a controller, a program, a bend."""


@dataclass(frozen=True, slots=True)
class ScoreEvent:
    """One message and its place in the score. ``note`` pairs an on with its off, else −1."""

    quarter: float
    part: int
    message: Message
    note: int = -1


@dataclass(frozen=True, slots=True)
class Roll:
    """A stroke of a tremolo or a trill, and how these go on while nothing else does."""

    pitches: tuple[int, int]
    """Its own, and the one that comes by turns with it (the same in a tremolo on one note)."""
    velocity: int
    stroke_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Everything that the ensemble without the soloist will play.

    Attributes
    ----------
    events : tuple of ScoreEvent
        Sorted by position; at one position offs, then controllers and programs, then ons.
    quarters : tuple of float
        Their positions.
    start_quarters, end_quarters : tuple of float
        Where each note is struck and let go, by ``ScoreEvent.note``.
    channels : mapping of int to int
        Channel of each part.
    longest_quarter : float
        Length of the longest note.
    states : mapping of Chased to (list of float, list of ScoreEvent)
        For whatever has a state, where it changes and to what.
    sustained : frozenset of int
        Channels whose instruments sustain: CC 11 shapes what sounds there.
    rolls : mapping of int to Roll
        The strokes of tremolos and trills, by ``ScoreEvent.note``.
    again : mapping of int to float
        Where the same key is struck again, by the ``ScoreEvent.note`` that is let go just before.
    """

    events: tuple[ScoreEvent, ...]
    quarters: tuple[float, ...]
    start_quarters: tuple[float, ...]
    end_quarters: tuple[float, ...]
    channels: Mapping[int, int]
    longest_quarter: float
    states: Mapping[Chased, tuple[list[float], list[ScoreEvent]]] = field(repr=False)
    sustained: frozenset[int] = frozenset()
    rolls: Mapping[int, Roll] = field(default_factory=dict, repr=False)
    again: Mapping[int, float] = field(default_factory=dict, repr=False)

    @property
    def onsets_quarter(self) -> tuple[float, ...]:
        """Strictly increasing positions at which the accompaniment strikes something."""
        return tuple(sorted({e.quarter for e in self.events if e.message.kind is Kind.ON}))

    def chase(self, quarter: float) -> tuple[ScoreEvent, ...]:
        """Bank, program, controllers and bend as they are to stand at ``quarter``."""
        chased = []
        for quarters, events in self.states.values():
            i = bisect_right(quarters, quarter)
            if i:
                chased.append(replace(events[i - 1], quarter=quarter))
        return tuple(chased)

    def lies_across(self, note: int, quarter: float) -> bool:
        """Whether a note has begun before ``quarter`` and ends behind it."""
        return self.start_quarters[note] < quarter < self.end_quarters[note]
