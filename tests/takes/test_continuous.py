"""How far a recording is from its soloist."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.takes.continuous import beats_passed, continuous_asynchronies_s

TIMES_S: npt.NDArray[np.float64] = np.linspace(0.01, 20.0, 2000)
TRUTH_S: npt.NDArray[np.float64] = np.linspace(1.0, 17.8, 25)


@given(st.floats(-0.3, 0.3), st.floats(0.6, 1.5))
def test_a_steady_ensemble_is_off_by_what_it_is_late(late_s: float, speed: float) -> None:
    found = continuous_asynchronies_s(
        speed * TRUTH_S, TRUTH_S, TIMES_S, speed * (TIMES_S - late_s), output_latency_s=0.02
    )
    assert found == pytest.approx(np.full(len(TRUTH_S), late_s + 0.02), abs=1e-6)


def test_where_it_waits_what_counts_is_when_it_goes_on() -> None:
    played_s = np.where(TIMES_S < 5.0, TIMES_S, np.maximum(5.0, TIMES_S - 3.0))
    found = continuous_asynchronies_s(np.array([4.0, 5.0]), np.array([4.0, 7.9]), TIMES_S, played_s)
    assert found == pytest.approx([0.0, 0.1], abs=0.011)


def test_what_was_leapt_over_was_never_played() -> None:
    played_s = np.where(TIMES_S < 5.0, TIMES_S, TIMES_S + 4.0)
    found = continuous_asynchronies_s(
        np.array([4.5, 6.0, 8.95, 9.5]), np.array([4.5, 6.0, 4.95, 5.5]), TIMES_S, played_s
    )
    assert np.isinf(found[1])
    # Who lands a moment behind a place has begun with it.
    assert found[[0, 2, 3]] == pytest.approx([0.0, 0.0, 0.0], abs=0.011)


def test_of_several_times_the_nearest_counts() -> None:
    played_s = TIMES_S % 5.0
    found = continuous_asynchronies_s(np.array([2.0, 2.0]), np.array([2.1, 7.0]), TIMES_S, played_s)
    assert found == pytest.approx([-0.1, 0.0], abs=1e-6)


def test_nothing_played() -> None:
    found = continuous_asynchronies_s(TRUTH_S, TRUTH_S, np.empty(0), np.empty(0))
    assert np.isinf(found).all()
    still = continuous_asynchronies_s(TRUTH_S, TRUTH_S, TIMES_S, np.zeros(len(TIMES_S)))
    assert np.isinf(still).all()


def test_beats_are_passed_when_the_ensemble_comes_by() -> None:
    quarters = 2.0 * TIMES_S
    quarters[TIMES_S >= 5.0] += 6.0  # a leap from 10 to 16
    passed = beats_passed(TIMES_S, quarters)
    assert [q for _, q in passed[:9]] == [float(q) for q in range(1, 10)]
    assert passed[9][1] > 15.0
    assert [t for t, _ in passed[:9]] == pytest.approx([q / 2 for q in range(1, 10)])
