"""Gain and gate do the same whatever the size of the blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from accompanist.app.engine.gate import OPEN_S, Gate

RATE = 1000


def swells() -> np.ndarray:
    rng = np.random.default_rng(3)
    loud = np.repeat(rng.random(40) ** 4, 50)
    return (rng.normal(size=2000) * loud).astype(np.float32)


@given(st.lists(st.integers(0, 2000), max_size=30))
def test_the_blocks_do_not_matter(cuts: list[int]) -> None:
    sound, whole, cut = swells(), Gate(RATE), Gate(RATE)
    whole.gate_db = cut.gate_db = -12.0
    blocks = [cut.gated(block) for block in np.split(sound, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(blocks), whole.gated(sound))


def test_the_gate_closes_behind_the_last_loud_sample() -> None:
    gate = Gate(RATE)
    gate.gate_db = -20.0
    sound = np.full(1000, 0.01, dtype=np.float32)
    sound[300], sound[350] = 0.2, 0.1
    open_samples = round(OPEN_S * RATE)
    expected = np.zeros(1000, dtype=bool)
    expected[300 : 350 + open_samples] = True
    np.testing.assert_array_equal(gate.gated(sound) != 0.0, expected)


def test_without_a_gate_nothing_is_touched() -> None:
    gate = Gate(RATE)
    sound = swells()
    assert gate.gated(sound) is sound
    assert gate.amplified(sound) is sound


def test_gain() -> None:
    gate = Gate(RATE)
    gate.gain_db = 6.0206
    np.testing.assert_allclose(
        gate.amplified(np.array([0.25, -0.5], dtype=np.float32)), [0.5, -1.0], rtol=1e-5
    )
