from __future__ import annotations

import numpy as np
import pytest
from virtual_soloist import make_score, make_solo, steady

from accompanist.conducting.grid import SoloGrid
from accompanist.score.model import Fermata
from accompanist.score.tempo import WrittenTempo


def test_written_seconds_agree_with_the_written_tempo() -> None:
    tempo = WrittenTempo(np.array([0.0, 4.0, 6.0]), np.array([0.0, 2.0, 5.0]), 2.0, 0.5)
    grid = SoloGrid(make_solo([0.0, 1.0, 5.0, 8.0]), tempo)
    for quarter in (-1.0, 0.0, 3.0, 4.0, 5.0, 6.0, 9.0):
        assert grid.to_written(quarter) == pytest.approx(float(tempo.to_seconds(quarter)))
        assert grid.written_rate(quarter) == pytest.approx(tempo.rate_at(quarter))
    assert grid.seconds == pytest.approx((0.0, 0.5, 3.5, 9.0))
    assert list(grid.knots_between(0.0, 6.0)) == [4.0]


def test_a_fermata_lengthens_the_interval_it_stands_on() -> None:
    score = make_score(8.0, (Fermata(1.0, 2.0), Fermata(3.0, 4.0)))
    grid = SoloGrid(make_solo([0.0, 1.0, 2.0, 3.0]), steady(60.0), score)
    assert grid.fermata_s == (0.0, 1.0, 0.0, 0.0)


def test_coincidence_allows_for_written_out_spreads() -> None:
    grid = SoloGrid(make_solo([0.0, 1.0, 2.0]), steady(60.0), None, [0.98, 1.5, 2.0])
    assert grid.coincident == (False, True, True)
    assert grid.release_quarter == (0.0, 0.98, 2.0)
    assert grid.notes_between(0.0, 2.0) == 2


def test_who_rests_before_an_entry() -> None:
    solo = make_solo([0.0, 4.0, 8.0], durations=[1.0, 1.0, 1.0])
    grid = SoloGrid(solo, steady(60.0), None, [0.0, 2.0, 4.0, 8.0])
    assert grid.general_pause == (False, False, True)
    assert grid.led == (False, True, False)
    assert SoloGrid(solo, steady(60.0), None, [-2.0]).led[0]


def test_events_around_a_position() -> None:
    grid = SoloGrid(make_solo([1.0, 2.0]), steady(60.0))
    assert [grid.event_at(q) for q in (0.0, 1.0, 1.5, 2.0, 9.0)] == [-1, 0, 0, 1, 1]
    assert [grid.event_from(q) for q in (0.0, 1.0, 1.5, 2.0, 9.0)] == [0, 0, 1, 1, 2]
