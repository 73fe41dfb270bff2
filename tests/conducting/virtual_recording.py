"""A soloist who is followed by a recording: what a follower would say of them, made to order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from accompanist.conducting.conductor import Conductor, Direction
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import WrittenTempo, written_tempo

FloatArray = npt.NDArray[np.float64]

HOP_S = 0.02
BEAT_S = 0.5
DELAY_S = 0.06
"""From a stroke to its report."""
_BACK_S = 0.5


def recorded(
    length_s: float, rests_s: Sequence[tuple[float, float]] = (), seed: int = 0
) -> tuple[Score, FloatArray]:
    """A recording with a beat every half second or so, and the seconds of the soloist's strokes."""
    generator = np.random.default_rng(seed)
    beats_s = [0.0]
    while beats_s[-1] < length_s:
        beats_s.append(beats_s[-1] + BEAT_S * float(np.exp(generator.normal(0.0, 0.02))))
    marks = tuple(TempoMark(float(i), 60.0 / (b - a)) for i, (a, b) in enumerate(pairwise(beats_s)))
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(len(marks) // 4))
    tempo = written_tempo(Score("", (), bars, tempo_marks=marks))
    strokes = [0.3]
    while strokes[-1] < length_s - 1.0:
        at = strokes[-1] + float(generator.uniform(0.15, 0.6))
        for start_s, end_s in rests_s:
            at = end_s if start_s < at < end_s else at
        strokes.append(at)
    notes = []
    for at, behind in zip(strokes, [*strokes[1:], strokes[-1] + 0.5], strict=True):
        end = min([behind, *(s for s, _ in rests_s if at <= s < behind)])
        q, end_q = (float(x) for x in tempo.to_quarter([at, end]))
        notes.append(Note(q, end_q - q, 60))
    parts = (Part(1, "Soloist", tuple(notes)), Part(2, "Orchestra (recording)", ()))
    score = Score(
        "recorded", parts, bars, tempo_marks=marks, suggested_solo=1, recording_s=length_s
    )
    return score, np.array(strokes)


class Played:
    """A conductor on a recording, and where it had the recording at every hop.

    Parameters
    ----------
    score, strokes_s
        From `recorded`.
    place_s : callable
        Where in the recording the soloist is at a time; before they begin, something negative.
    silent : callable
        Whether nothing is to be heard of them at a time.
    report_sd_s, missed
        How far reports are off, and the share of strokes that has none.
    sag_s : float
        So far the follower hangs back before each report.
    said_s : callable, optional
        Where the follower takes them to be at a time, whatever is silent; else it stands still
        and says that they hold.
    """

    def __init__(
        self,
        score: Score,
        strokes_s: FloatArray,
        place_s: Callable[[float], float],
        *,
        until_s: float,
        silent: Callable[[float], bool] = lambda time_s: False,
        report_sd_s: float = 0.01,
        missed: float = 0.2,
        sag_s: float = 0.0,
        said_s: Callable[[float], float] | None = None,
        settings: ConductorSettings | None = None,
        at: dict[float, Callable[[Conductor], None]] | None = None,
        seed: int = 0,
    ) -> None:
        self.tempo: WrittenTempo = written_tempo(score)
        self.conductor = Conductor(score, solo_line(score.parts[0]), self.tempo, settings)
        self._score = score
        generator = np.random.default_rng(seed)
        hops = round(until_s / HOP_S)
        self.times_s = (np.arange(hops) + 1) * HOP_S
        self.places_s = np.array([place_s(float(t)) for t in self.times_s])
        self.said: list[Direction] = []
        commands = dict(at or {})
        waiting: list[tuple[float, float, int]] = []
        located: float | None = None
        before_s, struck_s = -1.0, 0.0
        quarters = np.array([n.onset_quarter for n in score.parts[0].notes])
        for now_s, at_s in zip(self.times_s.tolist(), self.places_s.tolist(), strict=True):
            for time_s in [t for t in commands if t <= now_s]:
                commands.pop(time_s)(self.conductor)
            leapt = abs(at_s - before_s) > 0.5 and before_s >= 0.0
            if not silent(now_s) and not leapt:
                for event in np.flatnonzero((strokes_s > before_s) & (strokes_s <= at_s)):
                    struck_s = now_s
                    if generator.random() >= missed or located is not None or not self.said:
                        late_s = now_s + DELAY_S
                        off_s = float(generator.normal(0.0, report_sd_s))
                        waiting.append((late_s, now_s + off_s, int(event)))
            before_s = at_s
            told = tuple(
                OnsetReport(now_s, time_s, float(quarters[event]), event)
                for late_s, time_s, event in waiting
                if late_s <= now_s
            )
            waiting = [w for w in waiting if w[0] > now_s]
            if told:
                located = None
            speed = (at_s - place_s(now_s - _BACK_S)) / _BACK_S
            estimate = self._estimate(now_s, at_s, speed, silent(now_s), told, located, leapt)
            if said_s is not None and estimate.state is not FollowerState.ARMED:
                estimate = replace(
                    estimate,
                    quarter=float(self.tempo.to_quarter(said_s(now_s))),
                    state=FollowerState.FOLLOWING,
                )
            if sag_s and now_s - struck_s > 0.15:
                back = self.tempo.to_quarter(at_s - sag_s)
                estimate = replace(estimate, quarter=float(back))
            direction = self.conductor.hear(estimate)
            if direction.follower_at is not None:
                located = direction.follower_at
            self.said.append(direction)

    def _estimate(
        self,
        now_s: float,
        at_s: float,
        speed: float,
        silent: bool,
        told: tuple[OnsetReport, ...],
        located: float | None,
        leapt: bool,
    ) -> Estimate:
        quarter = float(self.tempo.to_quarter(max(at_s, 0.0)))
        state = FollowerState.HOLDING if silent else FollowerState.FOLLOWING
        if at_s < 0.0:
            state = FollowerState.ARMED
        if located is not None:
            quarter, state = located, FollowerState.ARMED
        level_db = -70.0 if silent or at_s < 0.0 else -20.0
        rate = min(max(speed, 0.3), 3.0) * self.tempo.rate_at(quarter)
        return Estimate(now_s, quarter, rate, 0.9, state, told, leapt, level_db)

    @property
    def played_s(self) -> FloatArray:
        """Where in the recording the ensemble was at every hop."""
        return self.tempo.to_seconds([d.quarter for d in self.said])

    @property
    def states(self) -> list[str]:
        return [d.state for d in self.said]

    def speed(self, over_s: float = 0.05) -> FloatArray:
        """Speed of the recording at every hop but the first few."""
        hops = max(round(over_s / HOP_S), 1)
        played = self.played_s
        return (played[hops:] - played[:-hops]) / (hops * HOP_S)

    def within(self, first_s: float, last_s: float) -> npt.NDArray[np.bool_]:
        return (self.times_s > first_s) & (self.times_s <= last_s)
