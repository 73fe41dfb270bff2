"""The written tempo as a map of quarters and seconds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.score.model import Score, TempoMark, TempoSpan
from accompanist.score.tempo import DEFAULT_QPM, written_tempo


def score(*marks: TempoMark, spans: tuple[TempoSpan, ...] = ()) -> Score:
    return Score("t", (), (), tempo_marks=marks, tempo_spans=spans)


def test_without_marks_the_default_holds() -> None:
    assert written_tempo(score()).to_seconds(DEFAULT_QPM) == pytest.approx(60.0)


def test_marks_take_over_where_they_stand() -> None:
    tempo = written_tempo(score(TempoMark(0, 60), TempoMark(4, 120)))
    assert tempo.to_seconds([0, 4, 6, -1]).tolist() == pytest.approx([0, 4, 5, -1])
    assert tempo.to_quarter([0, 4, 5, -1]).tolist() == pytest.approx([0, 4, 6, -1])
    assert (tempo.rate_at(3.9), tempo.rate_at(4.0)) == pytest.approx((1.0, 2.0))


def test_the_first_mark_holds_before_itself() -> None:
    assert written_tempo(score(TempoMark(8, 30))).to_seconds(4.0) == pytest.approx(8.0)


def test_a_later_mark_at_the_same_place_wins() -> None:
    assert written_tempo(score(TempoMark(0, 60), TempoMark(0, 120))).first_rate == 2.0


def test_a_ritardando_slows_down_and_is_over_at_its_end() -> None:
    tempo = written_tempo(score(TempoMark(0, 60), spans=(TempoSpan(4, 8, 0.5),)))
    through = np.diff(tempo.to_seconds(np.arange(4.0, 8.5, 0.5)))
    assert np.all(np.diff(through) > 0)
    # the mean of 2**x over 0…1 is 1 / ln 2
    assert tempo.to_seconds(8.0) - 4.0 == pytest.approx(4 / np.log(2), rel=1e-2)
    assert tempo.rate_at(8.0) == pytest.approx(1.0)


def test_senseless_marks_and_spans_are_passed_over() -> None:
    spans = (TempoSpan(2, 2, 0.5), TempoSpan(2, 4, 0.0))
    tempo = written_tempo(score(TempoMark(0, 60), TempoMark(2, 0.0), spans=spans))
    assert tempo.to_seconds(10.0) == pytest.approx(10.0)


def test_a_dense_tempo_map_adds_up() -> None:
    marks = [TempoMark(i / 20, 60.0 + i % 7) for i in range(20_000)]
    tempo = written_tempo(score(*marks))
    expected = sum(60 / (60.0 + i % 7) / 20 for i in range(20_000))
    assert tempo.to_seconds(1000.0) == pytest.approx(expected)


quarters = st.floats(0, 200).map(lambda q: round(q, 3))
marks_strategy = st.lists(st.builds(TempoMark, quarters, st.floats(20, 300)), max_size=8)
spans_strategy = st.lists(
    st.builds(
        lambda start, length, factor: TempoSpan(start, start + length, factor),
        quarters,
        st.floats(0.5, 20),
        st.floats(0.3, 2.0),
    ),
    max_size=4,
)


@settings(max_examples=50)
@given(marks_strategy, spans_strategy, st.lists(st.floats(-50, 400), min_size=2, max_size=20))
def test_the_map_is_a_rising_bijection(
    marks: list[TempoMark], spans: list[TempoSpan], places: list[float]
) -> None:
    tempo = written_tempo(score(*marks, spans=tuple(spans)))
    at = np.unique(np.round(places, 3))
    assert np.all(np.diff(tempo.to_seconds(at)) > 0)
    assert np.allclose(tempo.to_quarter(tempo.to_seconds(at)), at, atol=1e-6)
