"""Follower ``hmm``: the performance hidden Markov model of the talk, on chroma.

Left to right through the segments of the score, emissions on twelve-bin chroma, geometric
durations; a forward filter, whose most likely state is the answer. Kept faithful, and so are its
shortcomings. A geometric duration is likeliest to be over at once: after each note the model is in
a hurry, and only the sound holds it back; where the sound is the same (repeated notes, rests, a
slur over an octave) it runs ahead. It has no tempo: whatever the soloist did before, a note is
expected to last as long as written. No state can be left out or gone back to, so a skip is made
up note by note at best. The tuning is not known unless told.

The model itself answers with a segment. Where within it the soloist is, and how fast they go, is
read off the times at which the latest events were recognised; that does not act upon the model.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.chroma.ear import ChromaEar
from accompanist.followers.chroma.expected import pitch_chroma, score_segments
from accompanist.followers.chroma.reports import EventReporter, EventTempo
from accompanist.followers.hmm.model import LeftToRight
from accompanist.followers.protocol import Estimate, FollowerState, Heard
from accompanist.hearing.chroma import chroma_frames
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["HmmFollower"]

Float32Array = npt.NDArray[np.float32]

GAMMA: Final = 2.5
"""What a second of sound counts for is this times the frames in it: more than the chroma's own
randomness would make it, less than fifty independent looks."""

_REFERENCE_FRAME_S: Final = 0.02
_MATCH_S: Final = 1.0
_MATCH_FIRST: Final = 0.3
_MATCH_EVEN: Final = 0.7
_MATCH_WIDTH: Final = 0.12
_LOST: Final = 0.2
_LOST_AFTER_S: Final = 1.5


class HmmFollower:
    """Implements `Follower` for audio. Not thread-safe.

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
    ) -> None:
        if len(solo) == 0:
            raise ValueError("a solo without notes cannot be followed")
        self._ear = ChromaEar(chroma_frames(ear, sample_rate, a4_hz), sample_rate)
        self._frame_s = self._ear.frame_s
        pitches = pitch_chroma(lambda: chroma_frames(ear, sample_rate, a4_hz), sample_rate, a4_hz)
        self._segments = score_segments(solo, tempo, pitches)
        self._model = LeftToRight(
            self._segments.looks,
            self._segments.end_s - self._segments.start_s,
            self._frame_s,
            GAMMA * self._frame_s / _REFERENCE_FRAME_S,
        )
        self._reporter = EventReporter(solo, tempo)
        self._event_tempo = EventTempo()
        self._tempo = tempo
        self._end_quarter = solo.end_quarter
        self._hop_s = hop / sample_rate
        self.locate(None)

    @property
    def latency_s(self) -> float:
        return self._ear.latency_s + self._frame_s

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        """Wait at ``quarter``; to listen for a beginning ``anywhere`` is not in the method."""
        event = self._reporter.event_at(quarter)
        self._reporter.last = event - 1
        self._start_s = float(self._reporter.events_s[event])
        segment = int(np.searchsorted(self._segments.event, event))
        self._model.begin(min(segment, len(self._segments) - 1))
        self._event_tempo.clear()
        self._state = self._model.state
        self._in_state_s = 0.0
        self._rows_s = 0.0
        self._divergence = _MATCH_FIRST
        self._low_s = 0.0

    def feed(self, heard: Heard) -> Estimate:
        for row in self._ear.hear(heard):
            self._step(row)
        waiting = self._model.waiting
        tempo = self._event_tempo.tempo
        position_s = self._start_s if waiting else self._within(tempo)
        quarter = min(float(self._tempo.to_quarter(position_s)), self._end_quarter)
        return Estimate(
            time_s=heard.time_s,
            quarter=quarter,
            quarters_per_s=tempo * self._tempo.rate_at(quarter),
            confidence=self._confidence(position_s),
            state=self._said_state(waiting, quarter),
            onsets=() if waiting else self._reporter.report(position_s, heard.time_s, tempo, 0.0),
            level_db=self._ear.level_db,
        )

    def _step(self, row: Float32Array) -> None:
        model = self._model
        model.step(row)
        self._rows_s += self._frame_s
        self._in_state_s += self._frame_s
        if model.state != self._state:
            self._state = model.state
            self._in_state_s = 0.0
            begun = self._segments.event[min(self._state, len(self._segments) - 1)]
            if not model.waiting and begun > self._reporter.last:
                self._event_tempo.add(float(self._reporter.events_s[begun]), self._rows_s)
        if not model.waiting:
            weight = min(1.0, self._frame_s / _MATCH_S)
            self._divergence += weight * (model.divergence(row) - self._divergence)
            self._low_s = self._low_s + self._frame_s if self._fits() < _LOST else 0.0

    def _within(self, tempo: float) -> float:
        """Written seconds: on from the beginning of the state, but not out of it."""
        segments = self._segments
        if self._state >= len(segments):
            return float(segments.end_s[-1])
        start_s, end_s = float(segments.start_s[self._state]), float(segments.end_s[self._state])
        return min(start_s + tempo * (self._in_state_s + self._ear.age_s), end_s - 1e-6)

    def _fits(self) -> float:
        return float(1.0 / (1.0 + np.exp((self._divergence - _MATCH_EVEN) / _MATCH_WIDTH)))

    def _confidence(self, position_s: float) -> float:
        """Belief within a beat of the position, less the doubt that it is this music at all."""
        model, segments = self._model, self._segments
        quarter = float(self._tempo.to_quarter(position_s))
        low, high = self._tempo.to_seconds([quarter - 1.0, quarter + 1.0])
        first = int(np.searchsorted(segments.end_s, low, side="right"))
        end = int(np.searchsorted(segments.start_s, high))
        if end >= len(segments):
            end = len(model)
        if model.waiting:
            return 1.0
        near = model.belief[max(0, first - model.first) : max(0, end - model.first)].sum()
        return float(np.clip(near * self._fits(), 0.0, 1.0))

    def _said_state(self, waiting: bool, quarter: float) -> FollowerState:
        if waiting:
            return FollowerState.ARMED
        if quarter >= self._end_quarter or self._state >= len(self._segments):
            return FollowerState.ENDED
        return FollowerState.LOST if self._low_s >= _LOST_AFTER_S else FollowerState.FOLLOWING
