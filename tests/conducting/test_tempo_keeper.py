from math import exp

import pytest
from virtual_soloist import make_solo, steady

from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.linear_tempo import LinearTempo
from accompanist.conducting.tempo_keeper import Leaning, TempoKeeper


def keep(levels: list[float], step_s: float = 0.5) -> TempoKeeper:
    keeper = TempoKeeper()
    for event, level in enumerate(levels):
        keeper.hear(event, 10.0 + step_s * event, exp(level))
    return keeper


def creeping(minutes: float, share: float) -> list[float]:
    """A steady minute and a half, then so much slower, bit by bit."""
    count = round(minutes * 120)
    return [0.1] * 180 + [0.1 + share * i / count for i in range(count)]


def test_a_steady_tempo_needs_no_leaning() -> None:
    assert keep([0.2] * 300).lean_s == pytest.approx(0.0)


@pytest.mark.parametrize("share", [0.01, 0.03])
def test_against_a_tempo_that_creeps_the_ensemble_leans_a_little(share: float) -> None:
    slower, faster = keep(creeping(3.0, share)), keep(creeping(3.0, -share))
    assert 0.001 < slower.lean_s <= 0.005
    assert faster.lean_s == pytest.approx(-slower.lean_s)


def test_another_tempo_is_taken_at_once() -> None:
    assert keep([0.1] * 200 + [0.3] * 40).lean_s == pytest.approx(0.0, abs=5e-4)


def test_a_free_player_is_left_free() -> None:
    free = [0.25 * (-1) ** (i // 6) + 0.0002 * i for i in range(600)]
    assert abs(keep(free).lean_s) < 2e-4


def test_what_was_heard_before_a_jump_is_no_time_between() -> None:
    keeper = keep(creeping(3.0, 0.02))
    lean_s = keeper.lean_s
    keeper.hear(3, 500.0, exp(0.12))
    keeper.hear(3, 501.0, exp(0.5))
    assert keeper.lean_s == pytest.approx(lean_s, rel=0.05)


def test_leaning_moves_the_line_and_nothing_else() -> None:
    grid = SoloGrid(make_solo([0.0, 1.0, 2.0]), steady(60.0))
    model = LinearTempo(grid)
    model.begin(0.0, 5.0)
    leaning = Leaning(model, 0.004)
    assert leaning.ratio == model.ratio
    assert leaning.predict(1.0).time_s == pytest.approx(model.predict(1.0).time_s - 0.004)
    assert leaning.predict(1.0).sd_s == model.predict(1.0).sd_s
