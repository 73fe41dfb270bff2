"""The clock beside a soloist with rubato: real timelines, 172 a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from clock_receiver import Receiver

from accompanist.app.offline import OfflineSettings, new_session
from accompanist.followers.protocol import PlayedNote
from accompanist.performing.clock import ClockEvent, ClockPlan
from accompanist.performing.clock_line import ClockLine
from accompanist.performing.clock_plan import clock_plan
from accompanist.session import Step
from accompanist.simulation.performance import simulate_take
from accompanist.simulation.settings import PRESETS, Jump, Pause, PlayerSettings
from score_library.catalogue import open_piece

WARM = PlayerSettings(phrase_arc=0.16, drift=0.04)
ROMANTIC = PRESETS["romantic"].player
STEADY = PRESETS["steady"].player
PAUSING = PlayerSettings(pauses=(Pause("5", 3.0),))
JUMPING = PlayerSettings(jumps=(Jump("9", "3"),))
POSTLUDE_S = 20.0


@dataclass(frozen=True)
class Heard:
    """A take, and what a receiver of the clock made of it."""

    steps: list[Step]
    receiver: Receiver
    plan: ClockPlan

    def errors_beats(self) -> list[float]:
        """How far the clock was from the ensemble at each tick while both went on."""
        times = np.array([s.estimate.time_s for s in self.steps])
        quarters = np.array([s.played_quarter for s in self.steps])
        errors = []
        for time_s, quarter in self.receiver.counted:
            i = min(int(np.searchsorted(times, time_s)), len(times) - 1)
            if self.steps[i].state == "following":
                played = float(np.interp(time_s, times, quarters))
                errors.append(abs(played - quarter) / self.plan.beats_quarter[0][1])
        return errors


def take(piece_id: str, player: PlayerSettings, seed: int = 1) -> Heard:
    """Let a simulated soloist play keys, and the clock go by what the session says."""
    piece = open_piece(piece_id)
    score = piece.score
    number = score.suggested_solo
    solo = next(p for p in score.parts if p.number == number)
    played = simulate_take(score, solo, player, seed)
    keys = sorted((n.onset_s, n.pitch, n.velocity) for n in played.notes)
    session, _, _ = new_session(score, solo, 44_100, OfflineSettings(follower="notes"))
    plan = clock_plan(score)
    line = ClockLine(plan)
    events: list[ClockEvent] = list(line.due(0.0))
    steps = []
    for step in session.feed_notes(
        [PlayedNote(t, pitch, velocity) for t, pitch, velocity in keys], played.end_s + POSTLUDE_S
    ):
        steps.append(step)
        line.take(step.cue)
        events.extend(line.due(step.cue.time_s + session.hop_s))
        if step.state == "ended" and not line.rolling:
            break
    return Heard(steps, Receiver(events), plan)


@pytest.mark.parametrize(
    ("piece_id", "player", "places_a_minute"),
    [
        ("ode-to-joy", STEADY, 1.5),
        ("ode-to-joy", WARM, 6.0),
        ("brahms-lullaby", ROMANTIC, 14.0),
        ("petzold-minuet", PAUSING, 8.0),
        ("petzold-minuet", JUMPING, 8.0),
    ],
)
def test_beside_a_soloist(piece_id: str, player: PlayerSettings, places_a_minute: float) -> None:
    heard = take(piece_id, player)
    receiver, beat = heard.receiver, heard.plan.beats_quarter[0][1]
    assert receiver.starts, "it was started"
    assert max(receiver.intervals_s) < 0.2
    assert max(receiver.beat_ratios(beat)) <= 1.12
    assert max(receiver.beat_ratios(beat, heard.plan.gradual_quarter)) <= 1.04
    errors = heard.errors_beats()
    assert np.quantile(errors, 0.5) < 0.2
    assert np.quantile(errors, 0.95) < 0.5
    minutes = heard.steps[-1].cue.time_s / 60.0
    assert len(receiver.places) <= places_a_minute * minutes + 1
    assert receiver.label is None, "at the end nobody runs on"
