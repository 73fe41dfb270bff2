"""Tempo by hand: base, scale, limits, taps, nudges; and the beats they count."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_soloist import HOP_S, Stage, make_solo, steady

from accompanist.conducting.beats import Beats
from accompanist.conducting.conductor import Conductor
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.settings import ConductorSettings
from accompanist.conducting.tempo_hand import TempoHand
from accompanist.score.model import Measure, Metre, Score, TempoMark
from accompanist.score.tempo import written_tempo

QUARTERS = [float(i) for i in range(16)]
EIGHTHS = [i / 2 for i in range(32)]


def times(first: int, count: int, start_s: float, step_s: float = 0.5) -> dict[int, float]:
    return {first + i: start_s + i * step_s for i in range(count)}


def alone(*commands: Callable[[Conductor], None], qpm: float = 120.0) -> Stage:
    """An ensemble that keeps its own tempo, from 1 s on."""
    stage = Stage(QUARTERS, EIGHTHS, qpm=qpm, settings=ConductorSettings(mode="fixed"))
    for command in commands:
        command(stage.conductor)
    return stage


def steps(stage: Stage, first: int, last: int) -> list[float]:
    return [b - a for a, b in pairwise(stage.sent[float(q)] for q in range(first, last))]


def marked(*marks: tuple[float, float], end: float = 16.0) -> Score:
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(int(end / 4)))
    return Score("", (), bars, tempo_marks=tuple(TempoMark(q, qpm) for q, qpm in marks))


def hand_of(score: Score) -> tuple[TempoHand, SoloGrid]:
    grid = SoloGrid(make_solo(QUARTERS), written_tempo(score), score)
    return TempoHand(grid, score.tempo_marks, Beats(score, 16.0)), grid


# ---- base and scale ------------------------------------------------------------------------------


def test_the_base_is_the_tempo_that_the_ensemble_begins_with() -> None:
    stage = alone(lambda c: c.tempo_base(90.0))
    stage.play({0: 1.0}, 6.0)
    assert steps(stage, 0, 7) == pytest.approx([60 / 90] * 6, abs=0.01)
    assert stage.conductor.base_qpm == pytest.approx(90.0)
    assert stage.conductor.tempo_qpm == pytest.approx(90.0)


def test_the_scale_multiplies_the_written_tempo() -> None:
    stage = alone(lambda c: c.tempo_scale(0.8))
    stage.play({0: 1.0}, 6.0)
    assert steps(stage, 0, 7) == pytest.approx([0.5 / 0.8] * 6, abs=0.01)
    assert stage.conductor.scale == 0.8
    assert stage.conductor.base_qpm == pytest.approx(120.0)


def test_base_and_scale_multiply() -> None:
    stage = alone(lambda c: c.tempo_base(100.0), lambda c: c.tempo_scale(0.5))
    stage.play({0: 1.0}, 2.0)
    assert stage.conductor.tempo_qpm == pytest.approx(50.0)
    stage.conductor.tempo_base(None)
    stage.play({}, 2.1)
    assert stage.conductor.tempo_qpm == pytest.approx(60.0)


def test_a_new_scale_while_it_plays_bends_the_line_and_does_not_break_it() -> None:
    stage = alone()
    stage.play({0: 1.0}, 8.0, at={3.25: lambda c: c.tempo_scale(0.5)})
    assert stage.jumps == []
    assert steps(stage, 0, 5) == pytest.approx([0.5] * 4, abs=0.01)
    assert steps(stage, 5, 9) == pytest.approx([1.0] * 3, abs=0.01)
    place = 2.0 * (3.25 - stage.sent[0.0])
    assert stage.sent[5.0] == pytest.approx(3.25 + 5.0 - place, abs=HOP_S)


def test_the_count_in_goes_by_the_scale() -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    stage.conductor.tempo_scale(2.0)
    stage.play({}, 2.5, at={1.0: lambda c: c.start()})
    assert stage.sent[0.0] == pytest.approx(2.0, abs=2 * HOP_S)
    assert stage.sent[0.5] == pytest.approx(2.125, abs=2 * HOP_S)


def test_a_rest_of_the_soloist_is_played_in_the_tempo_of_the_hand() -> None:
    onsets = [0.0, 1.0, 2.0, 3.0, 16.0, 17.0]
    stage = Stage(onsets, [*EIGHTHS, 16.0], durations=[1.0] * 6)
    stage.play(times(0, 4, 1.0), 8.0, at={3.5: lambda c: c.tempo_scale(0.75)})
    rest = [b - a for a, b in pairwise(stage.sent[q] for q in (6.0, 7.0, 8.0, 9.0))]
    assert rest == pytest.approx([0.5 / 0.75] * 3, abs=0.01)


def test_a_soloist_who_is_followed_draws_the_tempo_back() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    solo = times(0, 16, 1.0)
    stage.play(solo, 9.0, at={3.05: lambda c: c.tempo_scale(0.8)})
    late = [stage.sent[q] - solo[int(q)] for q in QUARTERS[8:15]]
    assert max(abs(a) for a in late) < 0.04
    assert stage.conductor.tempo_qpm == pytest.approx(120.0, rel=0.03)


def test_a_base_holds_up_to_the_next_mark() -> None:
    hand, grid = hand_of(marked((0.0, 60.0), (4.0, 120.0), (8.0, 40.0)))
    hand.set_base(100.0, 5.0)
    hand.set_scale(0.5)
    rates = [60.0 * grid.written_rate(q) for q in (0.0, 3.9, 4.0, 7.9, 8.0, 15.0)]
    assert rates == pytest.approx([30.0, 30.0, 50.0, 50.0, 20.0, 20.0])
    assert [hand.base_qpm(q) for q in (0.0, 4.0, 8.0)] == pytest.approx([60.0, 100.0, 40.0])
    # 4 quarters at 30, 4 at 50, 4 at 20
    assert grid.to_written(12.0) == pytest.approx(8.0 + 4.8 + 12.0)
    assert grid.seconds[12] == pytest.approx(grid.to_written(12.0))
    hand.set_base(None, 0.0)
    hand.set_scale(1.0)
    assert grid.to_written(12.0) == pytest.approx(4.0 + 2.0 + 6.0)


@given(
    base=st.floats(20.0, 300.0), scale=st.floats(0.2, 5.0), place=st.floats(0.0, 15.9)
)  # fmt: skip
def test_seconds_and_quarters_stay_a_bijection(base: float, scale: float, place: float) -> None:
    hand, grid = hand_of(marked((0.0, 60.0), (4.0, 120.0), (8.0, 40.0)))
    hand.set_base(base, place)
    hand.set_scale(scale)
    places = [i / 4 for i in range(-8, 80)]
    seconds = [grid.to_written(q) for q in places]
    assert all(b > a for a, b in pairwise(seconds))
    assert 60.0 * grid.written_rate(place) == pytest.approx(base * scale)
    assert grid.to_written(0.0) == 0.0


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_tempi_are_refused(bad: float) -> None:
    conductor = alone().conductor
    for command in (conductor.tempo_base, conductor.tempo_scale):
        with pytest.raises(ValueError, match="must be from"):
            command(bad)


# ---- limits --------------------------------------------------------------------------------------


def test_the_ensemble_begins_within_the_limits() -> None:
    for low, high, expected in ((None, 90.0, 90.0), (150.0, None, 150.0), (100.0, 140.0, 120.0)):
        stage = alone(partial(Conductor.tempo_limits, min_qpm=low, max_qpm=high))
        stage.play({0: 1.0}, 4.0)
        assert steps(stage, 0, 4) == pytest.approx([60 / expected] * 3, abs=0.01)


def test_no_tempo_beyond_the_limits_is_believed() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor.tempo_limits(100.0, None)
    seen = []
    for i in range(16):
        stage.play({i: 1.0 + 0.8 * i}, 1.0 + 0.8 * i + 0.4)  # 75 a minute
        seen.append(stage.conductor.tempo_qpm)
    assert min(seen) >= 99.9
    assert stage.conductor.limits_qpm == (100.0, float("inf"))
    stage.conductor.tempo_limits()
    stage.play({}, stage.now_s + 0.1)
    assert stage.conductor.limits_qpm == (0.0, float("inf"))


@pytest.mark.parametrize(("low", "high"), [(120.0, 60.0), (-1.0, None), (float("nan"), None)])
def test_limits_that_leave_nothing_are_refused(low: float, high: float | None) -> None:
    with pytest.raises(ValueError, match="lowest"):
        alone().conductor.tempo_limits(low, high)


# ---- taps ----------------------------------------------------------------------------------------


def test_two_taps_make_the_base_and_more_make_it_better() -> None:
    hand, _ = hand_of(marked((0.0, 100.0)))
    assert not hand.tap(1.0, 0.0)
    assert hand.tap(1.5, 0.0)
    assert hand.base_qpm(0.0) == pytest.approx(120.0)
    assert hand.tap(2.04, 0.0)
    assert hand.tap(2.56, 0.0)
    assert hand.base_qpm(0.0) == pytest.approx(60 / 0.52)


def test_taps_far_apart_and_bounces_are_no_row() -> None:
    hand, _ = hand_of(marked((0.0, 100.0)))
    assert not hand.tap(1.0, 0.0)
    assert not hand.tap(1.05, 0.0)
    assert not hand.tap(9.0, 0.0)
    assert hand.base_qpm(0.0) == pytest.approx(100.0)
    assert hand.tap(9.6, 0.0)
    assert hand.base_qpm(0.0) == pytest.approx(100.0)


def test_a_row_in_another_tempo_is_taken_at_its_second_tap() -> None:
    hand, _ = hand_of(marked((0.0, 100.0)))
    for time_s in (1.0, 1.5, 2.0, 2.5):
        hand.tap(time_s, 0.0)
    hand.tap(3.5, 0.0)
    assert hand.base_qpm(0.0) == pytest.approx(60.0)


def test_taps_set_what_is_heard_whatever_the_scale() -> None:
    stage = alone(lambda c: c.tempo_scale(0.5))
    stage.play({}, 1.5, at={t: lambda c: c.tempo_tap() for t in (0.3, 0.8, 1.3)})
    assert stage.conductor.tempo_qpm == pytest.approx(120.0, rel=0.01)
    assert stage.conductor.base_qpm == pytest.approx(240.0, rel=0.01)


@pytest.mark.parametrize(
    ("interval_s", "qpm"),
    [(0.5, 60.0 / 0.5 * 0.5), (1.2, 60.0 / 1.2 * 1.5)],
)
def test_in_six_eight_a_tap_is_an_eighth_or_three(interval_s: float, qpm: float) -> None:
    bars = tuple(Measure(3.0 * i, 3.0, str(i + 1)) for i in range(4))
    score = Score("", (), bars, tempo_marks=(TempoMark(0.0, 66.0),), metres=(Metre(0.0, 6, 8),))
    hand, _ = hand_of(score)
    hand.tap(1.0, 0.0)
    hand.tap(1.0 + interval_s, 0.0)
    assert hand.base_qpm(0.0) == pytest.approx(qpm)


# ---- nudge ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.2, -0.2])
def test_a_nudge_moves_a_tempo_of_its_own_for_good(share: float) -> None:
    plain, pushed = alone(), alone()
    plain.play({0: 1.0}, 8.0)
    pushed.play({0: 1.0}, 8.0, at={3.1: lambda c: c.tempo_nudge(share)})
    gain = [plain.sent[q] - pushed.sent[q] for q in QUARTERS[8:13]]
    assert gain == pytest.approx([share * 0.5] * 5, abs=0.01)
    assert pushed.jumps == []
    assert all(pushed.sent[a] < pushed.sent[b] for a, b in pairwise(EIGHTHS[:26]))


def test_a_nudge_is_put_right_by_the_soloist() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    solo = times(0, 16, 1.0)
    stage.play(solo, 9.0, at={3.1: lambda c: c.tempo_nudge(0.3)})
    assert stage.sent[4.5] < solo[4] + 0.2
    late = [stage.sent[q] - solo[int(q)] for q in QUARTERS[9:15]]
    assert max(abs(a) for a in late) < 0.04


# ---- beats ---------------------------------------------------------------------------------------


def beats_of(score: Score, end: float) -> list[float]:
    beats, found = Beats(score, end), [Beats(score, end).first_from(-1.0)]
    while beats.after(found[-1]) < end:
        found.append(beats.after(found[-1]))
    return found


def test_beats_of_plain_bars() -> None:
    assert beats_of(marked((0.0, 100.0), end=8.0), 8.0) == [float(i) for i in range(8)]
    assert beats_of(Score("", (), ()), 3.0) == [0.0, 1.0, 2.0]


def test_a_pickup_is_counted_back_from_its_end() -> None:
    bars = (Measure(0.0, 1.5, "0"), Measure(1.5, 3.0, "1"))
    score = Score("", (), bars, metres=(Metre(0.0, 3, 4),))
    assert beats_of(score, 4.5) == [0.0, 0.5, 1.5, 2.5, 3.5]


@pytest.mark.parametrize(
    ("metre", "qpm", "expected"),
    [
        ((6, 8), 60.0, [0.5 * i for i in range(6)]),
        ((6, 8), 90.0, [0.0, 1.5]),
        ((3, 8), 180.0, [0.0, 1.5]),
        ((3, 4), 180.0, [0.0, 1.0, 2.0]),
        ((3, 2), 100.0, [0.0, 2.0]),
    ],
)
def test_how_a_metre_is_beaten(metre: tuple[int, int], qpm: float, expected: list[float]) -> None:
    length = 4.0 * metre[0] / metre[1]
    bars = tuple(Measure(length * i, length, str(i + 1)) for i in range(4))
    score = Score("", (), bars, tempo_marks=(TempoMark(0.0, qpm),), metres=(Metre(0.0, *metre),))
    assert [q for q in beats_of(score, 3.0) if q < 3.0] == expected


def test_steady_is_one_section() -> None:
    grid = SoloGrid(make_solo(QUARTERS), steady(120.0))
    hand = TempoHand(grid, (), Beats(Score("", (), ()), 16.0))
    hand.set_base(60.0, 7.0)
    assert grid.to_written(16.0) == pytest.approx(16.0)
    assert grid.written_rate(-3.0) == pytest.approx(1.0)
