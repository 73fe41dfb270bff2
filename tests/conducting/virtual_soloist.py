"""A scripted soloist and a list of positions in place of the scheduler, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from accompanist.conducting.conductor import Conductor, Direction
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport
from accompanist.score.model import Fermata, Measure, Note, Part, Score
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo

HOP_S = 0.005


def steady(qpm: float) -> WrittenTempo:
    return WrittenTempo(np.array([0.0]), np.array([0.0]), qpm / 60.0, qpm / 60.0)


def make_solo(onsets: Sequence[float], durations: Sequence[float] | None = None) -> SoloLine:
    if durations is None:
        durations = [*np.diff(onsets), 1.0]
    notes = [
        Note(float(q), float(d), 60 + i % 5)
        for i, (q, d) in enumerate(zip(onsets, durations, strict=True))
    ]
    return solo_line(Part(1, "solo", tuple(notes)))


def make_score(end_quarter: float, fermatas: tuple[Fermata, ...] = ()) -> Score:
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(int(np.ceil(end_quarter / 4))))
    return Score("test", (), bars, fermatas=fermatas)


class Stage:
    """A conductor, and what it made the ensemble do."""

    def __init__(
        self,
        onsets: Sequence[float],
        ensemble: Sequence[float],
        *,
        qpm: float = 120.0,
        end_quarter: float | None = None,
        fermatas: tuple[Fermata, ...] = (),
        durations: Sequence[float] | None = None,
        settings: ConductorSettings | None = None,
    ) -> None:
        self.onsets, self.ensemble = list(onsets), sorted(ensemble)
        solo = make_solo(onsets, durations)
        end = end_quarter or max(solo.end_quarter, self.ensemble[-1] + 1.0)
        self.conductor = Conductor(
            make_score(end, fermatas), solo, steady(qpm), settings, self.ensemble
        )
        self.hop = 0
        self.sent: dict[float, float] = {}
        self.jumps: list[tuple[float, float]] = []
        self.states: list[tuple[float, str]] = []
        self.cursor = 0
        self.direction: Direction | None = None
        self.last, self.last_s, self.rate = -1, 0.0, qpm / 60.0

    @property
    def now_s(self) -> float:
        return self.hop * HOP_S

    def hear(self, estimate: Estimate) -> Direction:
        direction = self.conductor.hear(estimate)
        self.direction = direction
        if not self.states or self.states[-1][1] != direction.state:
            self.states.append((estimate.time_s, direction.state))
        if direction.jumped:
            self.jumps.append((estimate.time_s, direction.quarter))
            self.cursor = sum(q < direction.plays_from - 1e-9 for q in self.ensemble)
        while self.cursor < len(self.ensemble):
            quarter = self.ensemble[self.cursor]
            due_s = direction.timeline.due_s(quarter)
            if due_s >= estimate.time_s + HOP_S:
                break
            self.sent[quarter] = max(due_s, estimate.time_s)
            self.cursor += 1
        return direction

    def play(
        self,
        onset_times_s: dict[int, float],
        until_s: float,
        *,
        delay_s: float = 0.02,
        at: dict[float, Callable[[Conductor], None]] | None = None,
        level_db: float = -20.0,
    ) -> None:
        """Let the soloist play these events at these times; a perfect follower reports them."""
        commands = dict(at or {})
        last, last_s, rate = self.last, self.last_s, self.rate
        while self.now_s < until_s:
            self.hop += 1
            now_s = self.now_s
            for time_s in [t for t in commands if t <= now_s]:
                commands.pop(time_s)(self.conductor)
            told = []
            for event, time_s in onset_times_s.items():
                if now_s - HOP_S < time_s + delay_s <= now_s:
                    told.append(OnsetReport(now_s, time_s, self.onsets[event], event))
                    if 0 <= last < event and time_s > last_s:
                        rate = (self.onsets[event] - self.onsets[last]) / (time_s - last_s)
                    last, last_s = event, time_s
            state, quarter = FollowerState.ARMED, self.onsets[0]
            if last >= 0:
                quarter = self.onsets[last] + (now_s - last_s) * rate
                state = FollowerState.FOLLOWING
                if last + 1 < len(self.onsets) and quarter >= self.onsets[last + 1]:
                    late_s = (quarter - self.onsets[last + 1]) / rate
                    state = FollowerState.HOLDING if late_s > 0.04 else state
                    quarter = self.onsets[last + 1]
            self.last, self.last_s, self.rate = last, last_s, rate
            self.hear(Estimate(now_s, quarter, rate, 0.9, state, tuple(told), False, level_db))
