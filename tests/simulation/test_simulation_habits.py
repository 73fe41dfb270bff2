"""What a simulated player does in every take, and another one does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from accompanist.errors import UsageError
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.simulation.performance import simulate_take
from accompanist.simulation.settings import Jump, PlayerSettings

EVEN = PlayerSettings(
    phrase_arc=0.0, accent=0.0, drift=0.0, motor_s=0.0, final_tempo=1.0, habit=0.1, player=1
)


def score() -> Score:
    part = Part(1, "Flute", tuple(Note(0.5 * i, 0.5, 60 + i % 7) for i in range(160)))
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(20))
    return Score("Study", (part,), bars, tempo_marks=(TempoMark(0.0, 60.0),))


def steps(settings: PlayerSettings, seed: int = 1) -> np.ndarray:
    """Log ratio of played to written time, note by note."""
    music = score()
    take = simulate_take(music, music.parts[0], settings, seed)
    return np.log(np.diff(take.truth_time_s) / 0.5)


def test_a_player_has_the_same_habits_in_every_take() -> None:
    first = steps(EVEN)
    assert np.std(first) == pytest.approx(0.1, rel=0.15)
    np.testing.assert_allclose(steps(EVEN, seed=2), first, atol=1e-9)
    human = replace(EVEN, motor_s=0.008, drift=0.02)
    again = np.corrcoef(steps(human, seed=3), steps(human, seed=4))[0, 1]
    assert 0.85 < again < 0.99


def test_another_player_has_others_and_without_there_are_none() -> None:
    other = replace(EVEN, player=2)
    assert abs(np.corrcoef(steps(EVEN), steps(other))[0, 1]) < 0.3
    np.testing.assert_allclose(steps(replace(EVEN, habit=0.0)), 0.0, atol=1e-9)


def test_habits_belong_to_places_wherever_one_comes_from() -> None:
    music = score()
    jumping = replace(EVEN, jumps=(Jump("5", "9"),))
    take = simulate_take(music, music.parts[0], jumping, 1)
    behind = take.truth_quarter >= 33.0
    played = np.log(np.diff(take.truth_time_s[behind]) / 0.5)
    np.testing.assert_allclose(played, steps(EVEN)[66:], atol=1e-9)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="habit"):
        PlayerSettings(habit=2.0)
    with pytest.raises(UsageError, match="player"):
        PlayerSettings(player=-1)
