"""Followers ``oltw`` and ``oltw-arzt``: time warping of chroma against the rendered score.

``oltw`` is kept as Dixon published it: frames of 20 ms, a search width of 10 s, at most three
steps one way, the first ten seconds on the diagonal of the *written* tempo. Its shortcomings are
kept as well. It has no tempo: where the sound does not change (long notes, repeated notes, rests)
nothing tells it how fast to go; in the first ten seconds it cannot be faster than written; it
finds back only what lies within its band. ``oltw-arzt`` stretches the score by the tempo of
the latest onsets and takes back what it decided too early.

Neither knows the soloist's tuning unless told, and neither hears strokes: chroma stand here, as in
the talk on accompaniment in Python, in place of Dixon's half-wave rectified spectral differences.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from accompanist.followers.chroma.ear import ChromaEar
from accompanist.followers.chroma.expected import expected_rows, pitch_chroma
from accompanist.followers.chroma.reports import EventReporter, PathTempo
from accompanist.followers.oltw.band import Band
from accompanist.followers.oltw.begin import Beginning
from accompanist.followers.oltw.stretched import Stretched
from accompanist.followers.oltw.trust import Trust
from accompanist.followers.protocol import Estimate, FollowerState, Heard
from accompanist.hearing.chroma import chroma_frames
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["Aligner", "WarpingFollower", "features"]

Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

WIDTH_S: Final = 10.0
LONGEST_RUN: Final = 3
_TEMPO_S: Final = 3.0
_WARM_FRAMES: Final = 30


class Aligner(Protocol):
    """Where in the rows of the score the soloist is, frame by frame."""

    @property
    def position(self) -> float:
        """Rows of the score."""
        ...

    @property
    def tempo(self) -> float:
        """Rows of the score a frame heard."""
        ...

    def restart(self, row: int) -> None:
        """Begin at a row of the score."""
        ...

    def add(self, row: Float32Array) -> None:
        """Hear one frame [shape=(n,)]."""
        ...

    def evidence(self) -> tuple[FloatArray, int, float]:
        """Path costs about the position, its index among them, rows from one to the next."""
        ...


class _Dixon:
    """A `Band` with the slope of its path."""

    def __init__(self, score: Float32Array, frame_s: float) -> None:
        self._band = Band(score, max(2, round(WIDTH_S / frame_s)), LONGEST_RUN)
        self._slope = PathTempo(1.0, _TEMPO_S / frame_s)

    @property
    def position(self) -> float:
        return float(self._band.best)

    @property
    def tempo(self) -> float:
        return self._slope.tempo

    def restart(self, row: int) -> None:
        self._band.restart(row)
        self._slope.clear()

    def add(self, row: Float32Array) -> None:
        self._band.add(row)
        self._slope.add(float(self._band.best))

    def evidence(self) -> tuple[FloatArray, int, float]:
        first, costs = self._band.costs()
        return costs, self._band.best - first, 1.0


def features(shares: Float32Array) -> Float32Array:
    """Give what distances are taken of: roots of shares, unit vectors (Hellinger's distance)."""
    return np.asarray(np.sqrt(shares), dtype=np.float32)


class WarpingFollower:
    """Implements `Follower` for audio by time warping. Not thread-safe.

    Parameters
    ----------
    solo, tempo
        What is played, and the written tempo.
    sample_rate, hop : int
        Hz, and samples a hop.
    a4_hz : float, optional
        How the soloist is tuned; 440 if not known.
    ear : str
        Chroma front end, see `chroma_frames`.
    tempo_aware : bool
        Arzt's warping instead of Dixon's.

    Raises
    ------
    ValueError
        If the solo has no event.
    """

    def __init__(
        self,
        solo: SoloLine,
        tempo: WrittenTempo,
        sample_rate: int,
        hop: int,
        *,
        a4_hz: float | None = None,
        ear: str = "folded",
        tempo_aware: bool = False,
    ) -> None:
        if len(solo) == 0:
            raise ValueError("a solo without notes cannot be followed")
        self._ear = ChromaEar(chroma_frames(ear, sample_rate, a4_hz), sample_rate)
        self._frame_s = self._ear.frame_s
        pitches = pitch_chroma(lambda: chroma_frames(ear, sample_rate, a4_hz), sample_rate, a4_hz)
        self._score = features(expected_rows(solo, tempo, pitches, self._frame_s))
        self._reporter = EventReporter(solo, tempo)
        self._first_s = float(self._reporter.events_s[0])
        self._end_quarter = solo.end_quarter
        self._tempo = tempo
        self._hop_s = hop / sample_rate
        onsets = (self._reporter.events_s - self._first_s) / self._frame_s
        self._align: Callable[[Float32Array], Aligner] = (
            partial(Stretched, onsets=onsets)
            if tempo_aware
            else partial(_Dixon, frame_s=self._frame_s)
        )
        self._aligner = self._align(self._score)
        self.locate(None)

    def warm(self) -> None:
        """Load the compiled loops, so that the first real frame is as quick as any other."""
        score = self._score[:8]
        aligner = self._align(score)
        for i in range(_WARM_FRAMES):
            aligner.add(score[i % len(score)])

    @property
    def latency_s(self) -> float:
        return self._ear.latency_s + self._frame_s / 2

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        """Wait at ``quarter``; to listen for a beginning ``anywhere`` is not in the method."""
        event = self._reporter.event_at(quarter)
        self._reporter.last = event - 1
        self._position_s = float(self._reporter.events_s[event])
        row = int((self._position_s - self._first_s) / self._frame_s + 1e-6)
        row = min(row, len(self._score) - 1)
        self._aligner.restart(row)
        self._beginning = Beginning(self._score[row], self._frame_s)
        self._trust = Trust(self._frame_s)

    def feed(self, heard: Heard) -> Estimate:
        for row in features(self._ear.hear(heard)):
            if not self._beginning.waits(row):
                self._aligner.add(row)
                self._position_s = self._first_s + self._aligner.position * self._frame_s
                self._weigh(row)
        waiting = self._beginning.waiting
        tempo = self._aligner.tempo
        age_s = self._ear.age_s
        said_s = (
            self._position_s if waiting else self._reporter.ahead(self._position_s, tempo * age_s)
        )
        quarter = min(float(self._tempo.to_quarter(said_s)), self._end_quarter)
        return Estimate(
            time_s=heard.time_s,
            quarter=quarter,
            quarters_per_s=tempo * self._tempo.rate_at(quarter),
            confidence=1.0 if waiting else self._trust.confidence,
            state=self._state(waiting, quarter),
            onsets=()
            if waiting
            else self._reporter.report(self._position_s, heard.time_s, tempo, age_s),
            level_db=self._ear.level_db,
        )

    def _weigh(self, row: Float32Array) -> None:
        costs, best, step = self._aligner.evidence()
        beat_s = 1.0 / self._tempo.rate_at(float(self._tempo.to_quarter(self._position_s)))
        expected = self._score[min(round(self._aligner.position), len(self._score) - 1)]
        self._trust.weigh(
            float(np.linalg.norm(row - expected)),
            costs,
            best,
            max(1, round(beat_s / self._frame_s / step)),
        )

    def _state(self, waiting: bool, quarter: float) -> FollowerState:
        if waiting:
            return FollowerState.ARMED
        if quarter >= self._end_quarter:
            return FollowerState.ENDED
        return FollowerState.LOST if self._trust.lost else FollowerState.FOLLOWING
