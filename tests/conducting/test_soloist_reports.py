"""What is made of single reports: late ones, missing ones, how long they take."""

from __future__ import annotations

import pytest
from virtual_soloist import HOP_S, make_score, make_solo, steady

from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.kalman_tempo import KalmanTempo
from accompanist.conducting.soloist import Soloist
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport


def soloist_of(count: int = 40) -> Soloist:
    grid = SoloGrid(make_solo([float(i) for i in range(count)]), steady(120.0), make_score(count))
    soloist = Soloist(grid, KalmanTempo(grid), 0.03)
    soloist.begin(0, 1.0)
    return soloist


def tell(soloist: Soloist, event: int, time_s: float, delay_s: float = 0.02) -> None:
    now_s = time_s + delay_s
    report = OnsetReport(now_s, time_s, float(event), event)
    state = FollowerState.FOLLOWING
    soloist.hear(Estimate(now_s, float(event) + HOP_S, 2.0, 0.9, state, (report,)))


def test_a_report_that_is_late_by_mistake_does_not_make_the_next_a_doubtful_one() -> None:
    soloist = soloist_of()
    for event in range(1, 10):
        tell(soloist, event, 1.0 + 0.5 * event)
    tell(soloist, 10, 6.0 + 0.22)
    tell(soloist, 11, 6.5)
    assert soloist.heard == 11
    assert soloist.heard_s == pytest.approx(6.5)
    assert soloist.model.predict(12.0).time_s == pytest.approx(7.0, abs=0.015)


def test_one_that_comes_too_early_for_any_line_is_still_doubted() -> None:
    soloist = soloist_of()
    for event in range(1, 10):
        tell(soloist, event, 1.0 + 0.5 * event)
    tell(soloist, 10, 6.0 + 0.22)
    tell(soloist, 11, 6.3)
    assert soloist.heard == 10


def test_how_reports_scatter_and_how_many_are_missing_is_learned() -> None:
    sure, unsure = soloist_of(200), soloist_of(200)
    for event in range(1, 160):
        tell(sure, event, 1.0 + 0.5 * event)
        if event % 4:
            tell(unsure, event, 1.0 + 0.5 * event, 0.02 if event % 2 else 0.06)
    assert sure.habits.missed_share < 0.005
    assert unsure.habits.missed_share == pytest.approx(0.25, abs=0.06)
    assert sure.habits.delay_s == pytest.approx(0.02, abs=0.001)
    assert sure.habits.delay_sd_s == pytest.approx(0.01, abs=0.001)
    assert unsure.habits.delay_s == pytest.approx(0.033, abs=0.008)
    assert unsure.habits.delay_sd_s == pytest.approx(0.022, abs=0.006)


def test_bars_that_are_left_out_are_not_missing_reports() -> None:
    soloist = soloist_of()
    for event in (1, 2, 3, 20):
        tell(soloist, event, 1.0 + 0.5 * event)
    assert soloist.habits.missed_share < 0.02
