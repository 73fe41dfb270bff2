from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_soloist import make_score, make_solo, steady

from accompanist.conducting.expecting.expectation import Expectation
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.kalman import KalmanSettings
from accompanist.conducting.kalman_tempo import KalmanTempo
from accompanist.conducting.linear_tempo import LinearTempo
from accompanist.conducting.tempo_model import TempoModel
from accompanist.score.model import Fermata


def expecting(grid: SoloGrid) -> TempoModel:
    solo = make_solo(list(grid.quarters))
    return KalmanTempo(grid, expectation=Expectation(grid, solo))


MODELS: list[Callable[[SoloGrid], TempoModel]] = [KalmanTempo, LinearTempo, expecting]


def grid_of(count: int = 40, fermatas: tuple[Fermata, ...] = ()) -> SoloGrid:
    return SoloGrid(
        make_solo([float(i) for i in range(count)]), steady(60.0), make_score(count, fermatas)
    )


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_half_to_double_tempo_is_found_in_a_few_notes(
    make: Callable[[SoloGrid], TempoModel], ratio: float
) -> None:
    model = make(grid_of())
    model.begin(0.0, 10.0)
    for event in range(1, 12):
        model.report(event, 10.0 + event * ratio)
    predicted = model.predict(12.0).time_s
    assert predicted == pytest.approx(10.0 + 12 * ratio, abs=0.03 * ratio)
    assert model.ratio == pytest.approx(ratio, rel=0.04)


def test_the_filter_has_the_tempo_after_three_notes() -> None:
    model = KalmanTempo(grid_of())
    model.begin(0.0, 0.0)
    for event in (1, 2):
        model.report(event, 0.6 * event)
    assert model.predict(3.0).time_s == pytest.approx(1.8, abs=0.06)


def test_uncertainty_grows_with_the_distance_and_shrinks_with_steady_playing() -> None:
    model = KalmanTempo(grid_of())
    model.begin(0.0, 0.0)
    at_first = model.predict(1.0).sd_s
    for event in range(1, 15):
        model.report(event, float(event))
    sds = [model.predict(14.0 + k).sd_s for k in range(1, 6)]
    assert sds == sorted(sds)
    assert sds[0] < 0.2 * at_first


@pytest.mark.parametrize(
    ("error_s", "follows"),
    [
        (lambda event: 0.03 * (-1) ** event, False),
        (lambda event: 0.6 * math.sin(event / 10.0), True),
    ],
)
def test_scatter_about_a_line_is_followed_less_and_a_line_that_bends_as_ever(
    error_s: Callable[[int], float], follows: bool
) -> None:
    adapting, fixed = (
        KalmanTempo(grid_of(90)),
        KalmanTempo(grid_of(90), KalmanSettings(adapt_report=0.0)),
    )
    answers = []
    for model in (adapting, fixed):
        model.begin(0.0, 0.0)
        for event in range(1, 80):
            model.report(event, event + error_s(event))
        due = model.predict(80.0).time_s
        later = model.copy()
        later.report(80, due + 0.03)
        answers.append(later.belief.t - due)
    if follows:
        assert answers[0] > 0.95 * answers[1]
    else:
        assert answers[0] < 0.85 * answers[1]


def test_a_pause_moves_the_time_and_leaves_the_tempo() -> None:
    model = KalmanTempo(grid_of())
    model.begin(0.0, 0.0)
    for event in range(1, 10):
        model.report(event, float(event))
    model.report(10, 10.7)
    assert model.predict(11.0).time_s == pytest.approx(11.7, abs=0.12)
    assert model.ratio == pytest.approx(1.0, abs=0.1)


def test_a_fermata_is_expected_to_be_held_and_is_uncertain() -> None:
    held, plain = KalmanTempo(grid_of(8, (Fermata(3.0, 4.0),))), KalmanTempo(grid_of(8))
    for model in (held, plain):
        model.begin(0.0, 0.0)
        for event in range(1, 4):
            model.report(event, float(event))
    assert held.predict(3.0) == plain.predict(3.0)
    assert held.predict(4.0).time_s == pytest.approx(plain.predict(4.0).time_s + 0.6, abs=0.05)
    assert held.predict(4.0).sd_s > 3 * plain.predict(4.0).sd_s


def test_positions_between_events_lie_on_a_straight_line() -> None:
    model = KalmanTempo(grid_of())
    model.begin(0.0, 0.0)
    a, b = model.predict(4.0), model.predict(5.0)
    assert model.predict(4.25).time_s == pytest.approx(a.time_s + 0.25 * (b.time_s - a.time_s))


def test_a_copy_is_independent() -> None:
    model = KalmanTempo(grid_of())
    model.begin(0.0, 0.0)
    twin = model.copy()
    model.report(1, 0.5)
    assert twin.predict(2.0).time_s == pytest.approx(2.0)
    assert model.predict(2.0).time_s < 1.5


@given(
    steps=st.lists(st.tuples(st.integers(1, 4), st.floats(-0.5, 6.0, allow_nan=False)), max_size=12)
)
@settings(max_examples=50, deadline=None)
def test_nothing_a_soloist_does_breaks_it(steps: list[tuple[int, float]]) -> None:
    grid = grid_of(60)
    for make in MODELS:
        model, event, time_s = make(grid), 0, 0.0
        model.begin(0.0, 0.0)
        for skip, wait in steps:
            event, time_s = event + skip, time_s + wait
            model.report(event, time_s)
            ahead = [model.predict(event + 0.5 * k) for k in range(1, 8)]
            assert all(math.isfinite(p.time_s) and p.sd_s >= 0 for p in ahead)
            assert all(a.time_s < b.time_s for a, b in pairwise(ahead))
            assert 0.1 < model.ratio < 10.0
