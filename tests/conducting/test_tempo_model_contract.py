"""What every tempo model keeps, whatever its name."""

from __future__ import annotations

from itertools import pairwise
from math import exp, isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_soloist import make_score, make_solo, steady

from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.registry import make_tempo_model, tempo_model_names
from accompanist.conducting.tempo_model import FASTEST, SLOWEST, TempoModel
from accompanist.errors import UsageError
from accompanist.score.model import Fermata

ONSETS = [0.0, 1.0, 1.5, 2.0, 3.0, 5.0, 5.5, 6.0, *(float(q) for q in range(7, 60))]
FERMATA = Fermata(9.0, 10.0)


def rehearsal() -> tuple[Performance, ...]:
    quarters = np.array(ONSETS)
    wave = quarters + 0.2 * np.sin(quarters)
    return tuple(Performance(quarters, k * wave) for k in (0.5, 0.7, 0.6))


@pytest.fixture(params=[(n, r) for n in tempo_model_names() for r in (False, True)], ids=str)
def model(request: pytest.FixtureRequest) -> TempoModel:
    name, rehearsed = request.param
    return made(name, rehearsal() if rehearsed else ())


def made(name: str, performances: tuple[Performance, ...] = ()) -> TempoModel:
    solo = make_solo(ONSETS)
    grid = SoloGrid(solo, steady(120.0), make_score(60.0, (FERMATA,)))
    return make_tempo_model(name, grid, solo, performances)


def told(model: TempoModel, count: int, seconds: float = 0.6) -> None:
    model.begin(ONSETS[0], 10.0)
    for event in range(1, count):
        model.report(event, 10.0 + seconds * ONSETS[event])


def ahead(model: TempoModel, quarter: float) -> list[tuple[float, float]]:
    return [model.predict(quarter + 0.25 * k) for k in range(1, 40)]


def test_names_are_known_and_others_are_refused() -> None:
    assert set(tempo_model_names()) >= {"last", "linear", "kalman", "rehearsed", "expecting"}
    with pytest.raises(UsageError, match="no tempo model is called 'nope'; there are last"):
        made("nope")


def test_last_takes_every_report_at_its_word() -> None:
    model = made("last")
    model.begin(0.0, 10.0)
    model.report(1, 10.7)
    model.report(2, 11.2)
    assert model.predict(ONSETS[3]).time_s == pytest.approx(11.7)
    model.report(3, 11.5)
    assert model.predict(ONSETS[4]).time_s == pytest.approx(12.1)


def test_predictions_go_on_and_grow_less_certain(model: TempoModel) -> None:
    told(model, 12)
    line = ahead(model, ONSETS[11])
    assert all(isfinite(t) and sd > 0.0 for t, sd in line)
    # Where the lines of a mixture cross, what they are apart shrinks for a moment.
    assert all(a[0] < b[0] and a[1] <= 1.01 * b[1] for a, b in pairwise(line))
    assert line[-1][1] > line[0][1]


def test_a_plain_twin_is_at_the_same_place_and_even(model: TempoModel) -> None:
    told(model, 12)
    plain = model.plain()
    assert plain.ratio == pytest.approx(model.ratio, rel=0.1)
    here = plain.predict(20.0).time_s
    gaps = [plain.predict(20.0 + k).time_s - here for k in range(1, 5)]
    assert gaps == pytest.approx([k * gaps[0] for k in range(1, 5)], rel=2e-3)
    before = ahead(model, ONSETS[11])
    plain.report(12, 90.0)
    assert ahead(model, ONSETS[11]) == before


def test_behind_the_last_report_the_line_is_read_backwards(model: TempoModel) -> None:
    told(model, 12)
    back = [model.predict(ONSETS[11] - 0.25 * k).time_s for k in range(12)]
    assert all(b < a for a, b in pairwise(back))
    assert model.predict(ONSETS[11]).time_s <= 10.0 + 0.6 * ONSETS[11] + 0.05


def test_a_steady_soloist_is_met(model: TempoModel) -> None:
    told(model, 40)
    due = model.predict(ONSETS[40])
    # The rehearsal swings by a fifth: who has heard nothing else may lean that way.
    assert due.time_s == pytest.approx(10.0 + 0.6 * ONSETS[40], abs=0.12)
    assert model.ratio == pytest.approx(1.2, rel=0.25)


def test_begin_moves_the_soloist_and_keeps_the_tempo(model: TempoModel) -> None:
    told(model, 30)
    ratio = model.ratio
    model.begin(40.25, 100.0)
    assert model.ratio == pytest.approx(ratio)
    assert model.predict(40.25).time_s == pytest.approx(100.0)
    assert 100.0 < model.predict(41.0).time_s < 101.0


def test_a_tempo_that_is_told_is_believed(model: TempoModel) -> None:
    told(model, 20)
    model.set_ratio(2.0, 0.01)
    model.begin(30.0, 50.0)
    assert model.ratio == pytest.approx(2.0)
    # Two played seconds for a written one; the quarter is half a written second.
    assert model.predict(31.0).time_s == pytest.approx(51.0, abs=0.3)
    model.set_ratio(1e9, 0.01)
    assert model.ratio <= exp(SLOWEST) * 1.0001
    model.set_ratio(1e-9, 0.01)
    assert model.ratio >= exp(FASTEST) * 0.9999


def test_a_copy_goes_its_own_way(model: TempoModel) -> None:
    told(model, 20)
    twin = model.copy()
    before = ahead(model, ONSETS[19])
    for event in range(20, 26):
        twin.report(event, 40.0 + 0.9 * event)
    assert ahead(model, ONSETS[19]) == before
    other = model.copy()
    model.report(20, 10.0 + 0.6 * ONSETS[20])
    assert ahead(other, ONSETS[19]) == before


def test_asking_changes_nothing(model: TempoModel) -> None:
    told(model, 10)
    first = [model.predict(q) for q in (30.0, 12.0, 55.0, 3.0)]
    again = [model.predict(q) for q in (30.0, 12.0, 55.0, 3.0)]
    assert first == again


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["report", "begin", "ratio", "copy"]),
        st.integers(1, 5),
        st.floats(-2.0, 8.0),
    ),
    max_size=25,
)


@pytest.mark.parametrize("rehearsed", [False, True])
@pytest.mark.parametrize("name", tempo_model_names())
@given(steps=STEPS)
@settings(max_examples=15, deadline=None)
def test_nothing_that_is_reported_breaks_it(
    name: str, rehearsed: bool, steps: list[tuple[str, int, float]]
) -> None:
    model = made(name, rehearsal() if rehearsed else ())
    event, time_s = 0, 5.0
    model.begin(0.0, time_s)
    quarter = 0.0
    for what, skip, value in steps:
        match what:
            case "report":
                event = min(event + skip, len(ONSETS) - 1)
                if ONSETS[event] <= quarter:
                    continue
                time_s += value
                model.report(event, time_s)
                quarter = ONSETS[event]
            case "begin":
                event = max(event - skip, 0)
                quarter = ONSETS[event] + 0.1
                time_s += abs(value)
                model.begin(quarter, time_s)
            case "ratio":
                model.set_ratio(exp(value), 0.2)
            case "copy":
                model = model.copy()
        line = ahead(model, quarter)
        assert all(isfinite(t) and isfinite(sd) and sd > 0.0 for t, sd in line)
        assert all(a[0] < b[0] for a, b in pairwise(line))
        # It may be a little surer of what is further off: lines of several filters come nearer, and
        # who plays by the expectation more than is known is late in one place, early in the next.
        slack = {"mixed": 0.5, "rehearsed": 0.8, "expecting": 0.8}.get(name, 1.0 - 1e-9)
        assert all(a[1] * slack <= b[1] for a, b in pairwise(line))
        assert exp(FASTEST) * 0.5 < model.ratio < exp(SLOWEST) * 2.0
