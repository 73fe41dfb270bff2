"""Positions as the outside world counts them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.score.model import Score, TempoMark
from accompanist.score.outer import OuterAxis

MARKS = (TempoMark(0.0, 120.0), TempoMark(4.0, 60.0), TempoMark(6.0, 90.0))
WRITTEN = Score("a score", (), (), tempo_marks=MARKS)
RECORDED = Score("a recording", (), (), tempo_marks=MARKS, recording_s=20.0)


def test_a_score_counts_quarters() -> None:
    axis = OuterAxis(WRITTEN)
    assert axis.unit == "quarters"
    assert axis.outer([0.0, 5.5]).tolist() == [0.0, 5.5]
    assert axis.quarter(3.0) == 3.0
    assert axis.outer_rate(4.5, 1.3) == 1.3


def test_a_recording_counts_its_seconds() -> None:
    axis = OuterAxis(RECORDED)
    assert axis.unit == "seconds"
    assert axis.outer([0.0, 4.0, 6.0, 7.5]).tolist() == [0.0, 2.0, 4.0, 5.0]
    # 1.5 quarters a second where the recording has one
    assert axis.outer_rate(5.0, 1.5) == pytest.approx(1.5)


@given(st.floats(-5.0, 50.0))
def test_there_and_back(quarter: float) -> None:
    axis = OuterAxis(RECORDED)
    assert float(axis.quarter(axis.outer(quarter))) == pytest.approx(quarter, abs=1e-9)


def test_arrays_keep_their_shape() -> None:
    assert OuterAxis(RECORDED).outer(np.zeros((2, 3))).shape == (2, 3)


def test_speeds_of_many_places_at_once() -> None:
    quarters, rates = [1.0, 4.0, 5.0, 8.0], [2.0, 1.5, 1.0, 3.0]
    axis = OuterAxis(RECORDED)
    one_by_one = [axis.outer_rate(q, r) for q, r in zip(quarters, rates, strict=True)]
    assert axis.outer_rates(quarters, rates) == pytest.approx(one_by_one)
    assert OuterAxis(WRITTEN).outer_rates(quarters, rates).tolist() == rates
