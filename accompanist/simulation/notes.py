"""The notes of a performance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["NoteKind", "PerformedNote"]


class NoteKind(StrEnum):
    """What a sounding note is to the score."""

    WRITTEN = "written"
    WRONG = "wrong"
    EXTRA = "extra"
    REPEATED = "repeated"
    """A written note struck again."""
    GRACE = "grace"
    ORNAMENT = "ornament"
    """All but the first stroke of a trill and its like."""


@dataclass(frozen=True, slots=True)
class PerformedNote:
    """A note as it was played: ``quarter`` in the score, ``pitch`` as sounding at A = 440 Hz."""

    onset_s: float
    offset_s: float
    pitch: int
    velocity: int
    quarter: float
    kind: NoteKind
