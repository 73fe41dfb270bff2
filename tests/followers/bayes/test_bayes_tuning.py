"""Tuning search: decided by what sounds, soon, and right; noise and silence decide nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.followers.bayes.follower import BayesFollower
from accompanist.followers.protocol import Heard
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

RATE, HOP = 44_100, 256
TUNE = [67, 69, 71, 72, 74, 71, 67, 62]
STEP_S = 0.4


def follower() -> BayesFollower:
    part = Part(1, "solo", tuple(Note(float(i), 1.0, p) for i, p in enumerate(TUNE)))
    score = Score("", (part,), (), tempo_marks=(TempoMark(0.0, 60.0 / STEP_S),))
    return BayesFollower(solo_line(part), written_tempo(score), RATE, HOP)


def tune(play_tones: Any, a4_hz: float) -> npt.NDArray[np.float32]:
    notes = [(i * STEP_S, (i + 1) * STEP_S, float(p)) for i, p in enumerate(TUNE)]
    return np.asarray(play_tones(notes, a4_hz=a4_hz))


def decided_s(machine: BayesFollower, samples: npt.NDArray[np.float32]) -> float | None:
    """Feed the samples; when the tuning was decided."""
    for i in range(len(samples) // HOP):
        machine.feed(Heard((i + 1) * HOP / RATE, samples[i * HOP : (i + 1) * HOP]))
        if machine._search.decided:
            return (i + 1) * HOP / RATE
    return None


@pytest.mark.parametrize("a4_hz", [392.0, 415.0, 440.0, 466.0])
def test_decided_within_a_second_and_a_half_of_sound(play_tones: Any, a4_hz: float) -> None:
    machine = follower()
    at_s = decided_s(machine, tune(play_tones, a4_hz))
    assert at_s is not None
    assert at_s < 1.5
    assert machine.a4_hz == pytest.approx(a4_hz, rel=0.006)


def test_noise_and_silence_before_decide_nothing(play_tones: Any) -> None:
    machine = follower()
    noise = np.random.default_rng(3).normal(0.0, 0.02, 3 * RATE).astype(np.float32)
    before = np.concatenate([noise, np.zeros(RATE, dtype=np.float32)])
    assert decided_s(machine, before) is None
    assert machine._search._heard_s < 0.4
    at_s = decided_s(machine, tune(play_tones, 415.0))
    assert at_s is not None
    assert machine.a4_hz == pytest.approx(415.0, rel=0.006)
