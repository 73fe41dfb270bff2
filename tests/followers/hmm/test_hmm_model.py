"""The left-to-right model: forward probabilities worked out by hand, durations, waiting."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.followers.hmm.model import WAITS_S, LeftToRight, forward

FRAME_S = 0.02
Float32Array = npt.NDArray[np.float32]


def look(pitch_class: int) -> Float32Array:
    row = np.full(13, 0.01)
    row[pitch_class] = 0.88
    return np.asarray(row / row.sum(), dtype=np.float32)


SILENCE = look(12)
NOISE = np.array([0.98 / 12] * 12 + [0.02], dtype=np.float32)


def scale(count: int, duration_s: float = 0.5, gamma: float = 5.0) -> LeftToRight:
    looks = np.stack([look(i % 12) for i in range(count)])
    return LeftToRight(looks, np.full(count, duration_s), FRAME_S, gamma)


def test_forward_probabilities_worked_out_by_hand() -> None:
    after = forward(np.array([0.5, 0.5, 0.0]), np.array([0.8, 0.5, 1.0]), np.array([1.0, 2.0, 4.0]))
    # predicted 0.4, 0.1 + 0.25, 0.25; weighed 0.4, 0.7, 1.0 of 2.1
    assert after.tolist() == pytest.approx([0.4 / 2.1, 0.7 / 2.1, 1.0 / 2.1])


def test_two_steps_worked_out_by_hand() -> None:
    stay = np.array([0.9, 1.0])
    once = forward(np.array([1.0, 0.0]), stay, np.array([1.0, 3.0]))
    assert once.tolist() == pytest.approx([0.75, 0.25])
    twice = forward(once, stay, np.array([1.0, 3.0]))
    assert twice.tolist() == pytest.approx([0.675 / 1.65, 0.975 / 1.65])


def test_what_no_state_explains_teaches_nothing() -> None:
    belief = np.array([0.3, 0.7])
    assert forward(belief, np.array([0.5, 1.0]), np.zeros(2)).tolist() == belief.tolist()


@given(
    weights=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6),
    stay=st.floats(0.0, 1.0),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_probabilities_stay_probabilities(weights: list[float], stay: float, seed: int) -> None:
    belief = np.array(weights) / sum(weights)
    likelihood = np.random.default_rng(seed).random(len(belief))
    after = forward(belief, np.full(len(belief), stay), likelihood)
    assert after.sum() == pytest.approx(1.0)
    assert (after >= 0).all()


def test_where_all_sounds_alike_durations_are_geometric() -> None:
    """The talk's own finding: a note is likeliest to be over at once."""
    looks = np.stack([look(0)] * 60)
    model = LeftToRight(looks, np.full(60, 0.5), FRAME_S, 5.0)
    model.first, model.belief = 0, np.ones(1)
    for _ in range(25):
        model.step(look(0))
    after = np.concatenate([np.zeros(model.first), model.belief])
    stay = 1 - FRAME_S / 0.5
    assert after[0] == pytest.approx(stay**25, rel=1e-4)
    assert after[1] == pytest.approx(25 * stay**24 * (1 - stay), rel=1e-4)
    assert after @ np.arange(len(after)) == pytest.approx(25 * FRAME_S / 0.5, rel=1e-3)


def test_it_waits_in_silence_and_in_noise() -> None:
    model = scale(8)
    for row in [SILENCE] * 300 + [NOISE] * 300:
        model.step(row)
        assert model.waiting
    assert WAITS_S < 600 * FRAME_S


def test_it_goes_with_the_notes_from_wherever_it_waits() -> None:
    for begin in (0, 3):
        model = scale(8)
        model.begin(begin)
        assert model.state == begin - 1
        for segment in range(begin, 7):  # the last one sounds like being over
            for _ in range(20):
                model.step(look(segment))
            assert model.state == segment
            assert not model.waiting


def test_a_breath_drives_it_nowhere_but_on_by_the_clock() -> None:
    """Silence tells no segment from another, neither rests nor the end from notes."""
    model = scale(40, duration_s=0.5)
    for segment in range(3):
        for _ in range(20):
            model.step(look(segment))
    for _ in range(20):
        model.step(SILENCE)
    assert model.first + model.belief @ np.arange(len(model.belief)) == pytest.approx(2.8, abs=0.2)


def test_nothing_follows_the_last_state() -> None:
    model = scale(3, duration_s=0.1)
    for row in [look(0)] * 10 + [look(1)] * 10 + [look(2)] * 10 + [SILENCE] * 200:
        model.step(row)
    assert model.state == len(model) - 1
    assert model.belief[-1] == pytest.approx(1.0)


def test_states_that_cannot_be_are_dropped() -> None:
    model = scale(2000, duration_s=0.1)
    widest = 0
    for segment in range(300):
        for _ in range(5):
            model.step(look(segment % 12))
            widest = max(widest, len(model.belief))
    assert model.state == 299
    assert widest < 40


def test_divergence_is_nil_where_all_is_as_expected_and_grows_with_what_is_not() -> None:
    model = scale(4)
    for _ in range(10):
        model.step(look(0))
    assert model.divergence(look(0)) == pytest.approx(0.06, abs=0.06)
    assert model.divergence(look(6)) > 2.0
