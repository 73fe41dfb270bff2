"""What every follower takes and gives: one value in a hop, one value out.

Times are seconds since the first sample of the take. A follower is a pure machine: fed the same
hops it gives the same estimates, and an estimate at ``time_s`` depends on nothing heard later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

__all__ = [
    "EnsembleNote",
    "Estimate",
    "Follower",
    "FollowerState",
    "Heard",
    "HearsEnsemble",
    "HearsEnsembleSound",
    "OnsetReport",
    "PlayedNote",
    "Tuned",
]

FloatArray = npt.NDArray[np.float32]


class FollowerState(StrEnum):
    """A subset of the states that the outside world sees (OSC ``/acc/state``)."""

    ARMED = "armed"
    """Waiting for the soloist's first note."""
    FOLLOWING = "following"
    HOLDING = "holding"
    """The soloist dwells on a note or in a breath longer than the tempo says."""
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A key struck (velocity > 0) or released (velocity 0) by a soloist with a MIDI instrument.

    ``pitch`` is −1 for a tap: whatever solo note comes next.
    """

    time_s: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class EnsembleNote:
    """A note that the ensemble was sent to strike (velocity > 0) or to let go (velocity 0).

    ``pitch`` is in semitones as it sounds, −1 where there is none (drums).
    """

    time_s: float
    pitch: float
    velocity: int
    part: int


@dataclass(frozen=True, slots=True)
class Heard:
    """One hop of the soloist. ``time_s`` is its end: nothing later has been heard.

    ``samples`` [shape=(hop,)] mono float32 at the take's own rate, empty for MIDI input;
    ``notes`` the keys struck within the hop, empty for audio.
    """

    time_s: float
    samples: FloatArray
    notes: tuple[PlayedNote, ...] = ()


@dataclass(frozen=True, slots=True)
class OnsetReport:
    """A solo event was recognised. ``event`` indexes `accompanist.score.solo.SoloLine`."""

    reported_s: float
    """When it was recognised: the end of the hop that showed it."""
    time_s: float
    """When it is believed to have begun, ≤ ``reported_s``."""
    quarter: float
    event: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Where the soloist is *now*, at ``time_s`` (the delay of the analysis already made up for)."""

    time_s: float
    quarter: float
    quarters_per_s: float
    confidence: float
    """0–1: the probability that ``quarter`` is right within a beat."""
    state: FollowerState
    onsets: tuple[OnsetReport, ...] = ()
    """Events recognised in this very hop, in score order."""
    relocated: bool = False
    """The position has jumped in this hop; it did not get here by playing on."""
    level_db: float = -120.0
    """Input level of the hop, dB below full scale (RMS); for loudness-following and display."""


class Follower(Protocol):
    """A score follower.

    ``feed`` is called once a hop from one thread, must not block and must not raise on any audio:
    NaN, silence, noise and other pieces are heard, not refused.
    """

    @property
    def latency_s(self) -> float:
        """Mean time from an onset to its report, as far as known beforehand."""
        ...

    def feed(self, heard: Heard) -> Estimate:
        """Hear one hop."""
        ...

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        """Wait for the soloist at ``quarter``, as a human has said; None: at the beginning.

        With ``anywhere`` nobody has said it: they most likely begin there, but may begin anywhere
        else, and then the first estimate that follows them has ``relocated`` set. A follower that
        cannot listen to the whole piece waits at ``quarter`` all the same.
        """
        ...


@runtime_checkable
class Tuned(Protocol):
    """A follower that hears how its soloist is tuned."""

    @property
    def a4_hz(self) -> float:
        """Where the soloist's A above middle C lies, as believed now."""
        ...


@runtime_checkable
class HearsEnsemble(Protocol):
    """A follower that bears with the ensemble in its microphone, if it is told the notes."""

    def ensemble(self, notes: Sequence[EnsembleNote]) -> None:
        """Learn which notes the ensemble has been sent, in order, in this hop or the next."""
        ...


@runtime_checkable
class HearsEnsembleSound(Protocol):
    """A follower that takes the ensemble out of its microphone, if it is told the sound."""

    def ensemble_sound(self, samples: FloatArray) -> None:
        """Learn what the ensemble sounds in the next hop to be fed [shape=(hop,)], full scale ±1.

        A hop of which nothing is told is one in which the ensemble is silent.
        """
        ...
