"""A soloist dwells on a note though nothing in the score says so."""

from __future__ import annotations

import numpy as np
import pytest
from virtual_soloist import HOP_S, Stage, make_score, make_solo, steady

from accompanist.conducting.deadlines import Deadlines
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.kalman_tempo import KalmanTempo
from accompanist.conducting.soloist import Soloist
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport

QUARTERS = [float(q) for q in range(24)]
EIGHTHS = [0.5 * q for q in range(48)]
HELD = 12
"""The first note that is late: the one before is held."""


def playing(scatter_s: float, held_s: float) -> dict[int, float]:
    """Quarters at 100 a minute, a human's; ``held_s`` is made of the interval before `HELD`."""
    apart = np.random.default_rng(5).normal(0.0, scatter_s, len(QUARTERS))
    return {
        i: 1.0 + 0.6 * i + float(apart[i]) + (held_s if i >= HELD else 0.0)
        for i in range(len(QUARTERS))
    }


def late_s(scatter_s: float, held_s: float, ensemble: list[float]) -> float:
    """How late the ensemble sounds its note at the end of the hold."""
    times = playing(scatter_s, held_s)
    stage = Stage(QUARTERS, ensemble, qpm=100.0)
    stage.play(times, times[HELD] + 1.0)
    return stage.sent[QUARTERS[HELD]] - times[HELD]


def test_the_first_hold_is_waited_for_where_everybody_stands_still() -> None:
    assert late_s(0.025, 1.2, QUARTERS) == pytest.approx(0.02, abs=0.01)


def test_under_a_line_that_moves_on_a_steady_soloist_is_not_waited_for() -> None:
    # Holds are rarer there, and nobody holds up a line for what is rare.
    assert late_s(0.0, 1.2, EIGHTHS) < -1.0


def test_no_clock_is_waited_for() -> None:
    assert abs(late_s(0.0, 0.0, QUARTERS)) < 0.006


def soloist_of(count: int = 24, *, ensemble: list[float] | None = None) -> Soloist:
    grid = SoloGrid(
        make_solo([float(i) for i in range(count)]),
        steady(100.0),
        make_score(count),
        QUARTERS if ensemble is None else ensemble,
    )
    soloist = Soloist(grid, KalmanTempo(grid), 0.03)
    soloist.begin(0, 1.0)
    return soloist


def hear(
    soloist: Soloist,
    now_s: float,
    quarter: float,
    state: FollowerState = FollowerState.FOLLOWING,
    event: int | None = None,
) -> None:
    told = () if event is None else (OnsetReport(now_s, now_s - 0.02, float(event), event),)
    soloist.hear(Estimate(now_s, quarter, 1.0 / 0.6, 0.9, state, told))


def to_a_hold() -> tuple[Soloist, float]:
    """A soloist who plays nine notes and dwells on the last; and the time by then."""
    soloist = soloist_of()
    for event in range(1, 9):
        hear(soloist, 1.02 + 0.6 * event, event + 0.03, event=event)
    now_s = soloist.heard_s + 0.8
    hear(soloist, now_s, 9.0, FollowerState.HOLDING)
    assert soloist.dwelling
    return soloist, now_s


def dwells(soloist: Soloist) -> bool:
    return soloist.dwelling


def test_where_nobody_moves_holds_are_likelier_and_after_rehearsal_less_so() -> None:
    still, moving, rehearsed = soloist_of(), soloist_of(ensemble=EIGHTHS), soloist_of()
    take = Performance(np.array(QUARTERS), np.array(QUARTERS) * 0.6, own=True)
    rehearsed.rehearsed([take, take])
    assert still.hold_share(5) > 3.0 * moving.hold_share(5) > 0.0
    assert rehearsed.hold_share(5) == pytest.approx(still.hold_share(5) / 3.0)
    assert still.hold_share(0) == 0.0


def test_who_dwells_dwells_on_though_the_follower_ceases_to_say_so() -> None:
    soloist, now_s = to_a_hold()
    hear(soloist, now_s + HOP_S, 8.999)
    assert dwells(soloist)
    hear(soloist, now_s + 0.3, 9.03, event=9)
    assert not dwells(soloist)
    assert soloist.heard == 9


def test_a_follower_that_goes_back_says_that_the_last_note_began_later() -> None:
    soloist, now_s = to_a_hold()
    hear(soloist, now_s + HOP_S, 8.1)
    assert not dwells(soloist)
    assert soloist.heard == 8
    assert soloist.heard_s == pytest.approx(now_s + HOP_S - 0.06, abs=1e-6)


def test_nothing_is_struck_at_the_gate_when_the_note_turns_out_to_be_due_later() -> None:
    times = playing(0.025, 0.0)
    stage = Stage(QUARTERS, QUARTERS, qpm=100.0)
    held, due = HELD - 1, QUARTERS[HELD]
    # The soloist dwells on a note, and the ensemble waits.
    stage.play({i: times[i] for i in range(HELD)}, times[held] + 1.0)
    assert due not in stage.sent
    began_s = stage.now_s - 0.1  # says the follower now
    until_s = stage.now_s + 0.2
    while stage.now_s < until_s:
        stage.hop += 1
        quarter = QUARTERS[held] + (stage.now_s - began_s) / 0.6
        stage.hear(Estimate(stage.now_s, quarter, 1.0 / 0.6, 0.9, FollowerState.FOLLOWING))
    assert due not in stage.sent
    stage.last, stage.last_s = held, began_s
    stage.play({HELD: began_s + 0.6}, began_s + 0.9)
    assert stage.sent[due] == pytest.approx(began_s + 0.6, abs=0.025)


def test_a_note_after_one_that_was_dated_twice_is_not_doubted_by_the_second_date() -> None:
    soloist = soloist_of()
    for event in range(1, 9):
        hear(soloist, 1.02 + 0.6 * event, event + 0.03, event=event)
    again_s = soloist.heard_s + 0.2
    hear(soloist, again_s + 0.02, 8.03, event=8)
    assert soloist.heard_s == pytest.approx(again_s)
    # 0.29 s after the second date, but nearly in time by the first.
    hear(soloist, again_s + 0.31, 9.03, event=9)
    assert soloist.heard == 9


def test_to_hold_out_costs_less_where_nobody_knows_and_more_with_slow_ears() -> None:
    deadlines = Deadlines()
    costs = [deadlines.patience_s(sd, 0.025) for sd in (0.01, 0.02, 0.04, 0.08)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.001
    assert deadlines.patience_s(0.02, 0.05) > 1.5 * deadlines.patience_s(0.02, 0.025)
    # Nothing else costs anything: the wait for reports, 25 ms late, square up to the knee.
    usual = deadlines.patience_s(0.002, 0.025, 0.004, 0.005)
    assert usual == pytest.approx(0.025**2 / 2 / 0.03 + 0.005 * 0.13, rel=0.15)
