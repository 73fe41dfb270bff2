"""What a scenario is made from, and what it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError
from accompanist.score.model import Part, Score
from accompanist.simulation.bleed import Bleed

__all__ = [
    "Event",
    "EventKind",
    "ImpossibleError",
    "Maker",
    "Samples",
    "ScenarioTake",
    "Source",
    "untouched",
]

Samples = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]


class ImpossibleError(AccompanistError):
    """A scenario cannot be made from this take; the message says why."""


class EventKind(StrEnum):
    """What happens at an instant of a take."""

    JUMP = "jump"
    """The first note after the soloist went elsewhere in the piece."""
    RESUMED = "resumed"
    """The first note after a pause, at the place where they had stopped."""
    ASTRAY = "astray"
    """From here on the soloist does not play this piece."""
    RETURNED = "returned"
    """The first note of the piece after they had gone astray."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something a follower has to cope with."""

    kind: EventKind
    time_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A take whose truth is known.

    Attributes
    ----------
    samples : ndarray [shape=(n,), dtype=float32]
        Mono, full scale ±1.
    rate : int
        Samples a second.
    truth_quarter, truth_time_s : ndarray [shape=(m,)]
        True onsets, by time; positions as they are told outside (quarters, or seconds of a
        recording).
    score, solo
        The piece and the part that is heard.
    company : callable or None
        Given a score and the true onsets, the sound of all parts but the solo, mono, at the
        take's rate, together with the soloist. None: nobody can play them here.
    another : callable or None
        Gives the sound of another piece and its rate.
    """

    samples: Samples
    rate: int
    truth_quarter: FloatArray
    truth_time_s: FloatArray
    score: Score
    solo: Part
    company: Callable[[Score, FloatArray, FloatArray], Samples] | None = None
    another: Callable[[], tuple[Samples, int]] | None = None

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioTake:
    """A take in which something happens.

    Attributes
    ----------
    samples : ndarray [shape=(n,) or (n, channels), dtype=float32]
    rate : int
    truth_quarter, truth_time_s : ndarray [shape=(m,)]
        The onsets that sound, by time. May be empty: then the piece is not played at all.
    origin : ndarray [shape=(m,)]
        Which onset of the source each of them is.
    leg : ndarray [shape=(m,)]
        Rises by one with every jump: within a leg the soloist plays on.
    score : Score
        Of the source, or another mark or company in it.
    start_quarter : float or None
        Where a human has said that the soloist begins; None: nobody has.
    anywhere : bool
        Whether the soloist may begin anywhere, so that they have to be listened for.
    events : tuple of Event
        In order of time.
    away : tuple of (float, float)
        From when until when the soloist does not play this piece.
    bleed : Bleed or None
        Set where whoever runs the take has to close the loop: the ensemble is heard in the
        microphone as it is played.
    """

    samples: Samples
    rate: int
    truth_quarter: FloatArray
    truth_time_s: FloatArray
    origin: IndexArray
    leg: IndexArray
    score: Score
    start_quarter: float | None = None
    anywhere: bool = False
    events: tuple[Event, ...] = ()
    away: tuple[tuple[float, float], ...] = field(default=())
    bleed: Bleed | None = None


class Maker(Protocol):
    """Makes a take of a source; the same generator state gives the same take.

    Raises `ImpossibleError` where the source does not allow it.
    """

    def __call__(self, source: Source, generator: np.random.Generator) -> ScenarioTake: ...


def untouched(source: Source) -> ScenarioTake:
    """Give the source itself as a take, to be changed with `dataclasses.replace`."""
    count = len(source.truth_quarter)
    return ScenarioTake(
        samples=source.samples,
        rate=source.rate,
        truth_quarter=source.truth_quarter,
        truth_time_s=source.truth_time_s,
        origin=np.arange(count),
        leg=np.zeros(count, dtype=np.intp),
        score=source.score,
    )
