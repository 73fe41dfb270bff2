"""What is expected of an interval: features, prior, memory, regression, rehearsal, all together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.conducting.expecting.expectation import Expectation
from accompanist.conducting.expecting.features import NAMES, interval_features
from accompanist.conducting.expecting.grouping import returning
from accompanist.conducting.expecting.memory import Memory
from accompanist.conducting.expecting.prior import expected_deviations, standardised
from accompanist.conducting.expecting.regression import Regression
from accompanist.conducting.expecting.rehearsal import Performance, rehearse, shrunk
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.kalman_tempo import KalmanTempo
from accompanist.score.model import Note, Part
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo

STEADY = WrittenTempo(np.array([0.0]), np.array([0.0]), 1.0, 1.0)


def line(lengths: Sequence[float], pitches: Sequence[int] | None = None) -> SoloLine:
    """Notes of these lengths in quarters, one behind the other."""
    at, notes = 0.0, []
    for i, length in enumerate(lengths):
        notes.append(Note(at, length, pitches[i] if pitches else 60))
        at += length
    return solo_line(Part(1, "Solo", tuple(notes)))


def grid_of(solo: SoloLine, others: Sequence[float] = ()) -> SoloGrid:
    return SoloGrid(solo, STEADY, None, others)


def row(solo: SoloLine, interval: int, others: Sequence[float] = ()) -> dict[str, float]:
    rows = interval_features(grid_of(solo, others), solo)
    return dict(zip(NAMES, rows[interval], strict=True))


# ---- the notes -----------------------------------------------------------------------------------


def test_a_long_note_behind_short_ones_is_seen_as_the_end_of_a_group() -> None:
    solo = line([0.5] * 8 + [2.0] + [0.5] * 4)
    long, usual = row(solo, 8), row(solo, 5)
    assert long["long"] == pytest.approx(math.log(4.0))
    assert long["after_longer"] == pytest.approx(math.log(4.0))
    assert long["before_longer"] == pytest.approx(-math.log(4.0))
    assert (long["group_end"], usual["group_end"]) == (1.0, 0.0)
    assert row(solo, 9)["after_long"] == 1.0
    assert usual["long"] == usual["after_longer"] == usual["before_longer"] == 0.0
    assert usual["log_s"] == pytest.approx(math.log(0.5))


def test_leaps_rests_and_who_plays_within_are_seen() -> None:
    notes = (Note(0.0, 0.5, 60), Note(1.0, 1.0, 72), Note(2.0, 1.0, 71))
    solo = solo_line(Part(1, "Solo", notes))
    first = row(solo, 0, others=[0.0, 0.25, 0.5, 1.0])
    assert first["rest"] == pytest.approx(0.5)
    assert first["leap"] == first["rise"] == 1.0
    assert first["inside"] == pytest.approx(0.5)
    second = row(solo, 1)
    assert second["rise"] == pytest.approx(-1 / 12)
    assert second["leap"] == pytest.approx(1 / 12)
    assert second["end_1"] == pytest.approx(math.exp(-1.0))


@pytest.mark.parametrize("count", [1, 2])
def test_the_shortest_solos_have_features(count: int) -> None:
    solo = line([1.0] * count)
    assert interval_features(grid_of(solo), solo).shape == (count - 1, len(NAMES))


def test_players_on_the_whole_lengthen_the_note_before_a_longer_one() -> None:
    solo = line([0.5] * 8 + [1.0] + [0.5] * 8)
    expected = expected_deviations(standardised(interval_features(grid_of(solo), solo)))
    assert expected[7] > expected[4] + 0.02
    assert np.abs(expected).max() < 0.25


@given(lengths=st.lists(st.floats(0.05, 16.0), min_size=2, max_size=30))
@settings(max_examples=50, deadline=None)
def test_whatever_is_written_no_player_is_expected_to_go_mad(lengths: list[float]) -> None:
    solo = line(lengths)
    expected = expected_deviations(standardised(interval_features(grid_of(solo), solo)))
    assert np.isfinite(expected).all()
    assert np.abs(expected).max() < 0.6


# ---- what returns ------------------------------------------------------------------------------

PHRASE = [60, 64, 62, 65, 64, 67]
LINK = [[72, 59, 71, 58], [50, 61, 49, 70], [77, 66, 55, 79]]
"""A phrase that returns, and what leads to it: each time something else."""


def phrases() -> tuple[list[float], list[int]]:
    pitches = [p for link in LINK for p in (*link, *PHRASE)]
    return [0.5 * i for i in range(len(pitches))], pitches


def test_a_phrase_that_returns_is_found_where_it_begins_and_in_another_key_too() -> None:
    quarters, pitches = phrases()
    pitches[14:20] = [p + 7 for p in pitches[14:20]]
    found = returning(quarters, pitches, 4)
    assert [i for i, length in enumerate(found) if length] == [4, 14, 24]
    assert [found[i] for i in (4, 14, 24)] == [5, 5, 5]


def test_a_figure_that_goes_on_and_on_returns_nowhere_but_at_its_beginning() -> None:
    quarters = [0.25 * i for i in range(60)]
    found = returning(quarters, [60, 64, 67, 64] * 15, 4)
    assert sum(length > 0 for length in found[1:]) == 0
    assert sum(length > 0 for length in returning(quarters, None, 6)[1:]) == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_where_there_is_hardly_a_note_nothing_returns(count: int) -> None:
    assert returning([float(i) for i in range(count)], [60] * count, 4) == [0] * count


def test_rhythm_alone_may_return() -> None:
    figure = [1.0, 0.5, 0.5, 0.25, 0.25, 1.5]
    lengths = [*figure, 2.0, 3.0, 0.75, *figure]
    quarters = np.cumsum([0.0, *lengths]).tolist()
    found = returning(quarters, None, 6)
    assert [i for i, length in enumerate(found) if length] == [0, 9]
    assert returning(quarters, list(range(len(quarters), 0, -1)), 7) == [0] * len(quarters)


def test_players_breathe_before_a_phrase_that_returns() -> None:
    _, pitches = phrases()
    other = list(pitches)
    other[16:20] = [70, 58, 66, 71]
    found = []
    for tune in (pitches, other):
        solo = line([0.5] * len(tune), tune)
        found.append(expected_deviations(standardised(interval_features(grid_of(solo), solo))))
    assert found[0][13] > found[1][13] + 0.015
    assert found[0][23] == pytest.approx(found[1][23], abs=0.01)  # the first returns there


# ---- memory --------------------------------------------------------------------------------------

FIGURE = [1.0, 0.5, 0.5, 2.0]
TUNE = [60, 62, 64, 65]


def test_the_same_figure_is_found_again_and_more_so_with_its_melody() -> None:
    quarters = np.cumsum([0.0, *FIGURE * 3]).tolist()
    memory = Memory(quarters, [*TUNE, *TUNE, 50, 59, 51, 58, 50])
    for interval in range(8):
        memory.add(interval)
    assert memory.alike(5)[1] == 1.0  # one on either side agrees, in pitch too
    assert memory.alike(9)[5] == 0.5  # two do, in rhythm alone
    assert memory.alike(9)[1] == 0.2
    assert 2 not in memory.alike(5)


def test_what_lies_behind_the_one_who_asks_does_not_count() -> None:
    quarters = np.cumsum([0.0, *FIGURE * 3]).tolist()
    memory = Memory(quarters, TUNE * 3 + [60])
    for interval in range(12):
        memory.add(interval)
    assert set(memory.alike(5)) <= set(range(5))
    assert memory.alike(0) == {}


# ---- regression ----------------------------------------------------------------------------------


def test_a_habit_is_learned_and_a_twin_goes_its_own_way() -> None:
    regression = Regression(2, 0.05)
    for _ in range(60):
        regression.learn(np.array([1.0, 0.0]), 0.1 - regression.of(np.array([1.0, 0.0])), 0.5)
    twin = regression.copy()
    twin.learn(np.array([0.0, 3.0]), 0.5, 0.5)
    assert regression.of(np.array([1.0, 0.0])) == pytest.approx(0.1, abs=0.02)
    assert regression.of(np.array([0.0, 1.0])) == 0.0
    assert twin.of(np.array([0.0, 1.0])) > 0.0


def test_one_surprise_of_any_size_moves_little() -> None:
    regression = Regression(1, 0.05)
    regression.learn(np.array([1.0]), 50.0, 0.5)
    assert 0.0 < regression.of(np.array([1.0])) < 0.08


# ---- rehearsal -----------------------------------------------------------------------------------


def performance(
    solo: SoloLine,
    deviations: npt.ArrayLike,
    tempo: float = 1.0,
    first: int = 0,
    own: bool = False,
) -> Performance:
    """Played with these log ratios from event ``first`` on."""
    logs = np.asarray(deviations, dtype=np.float64)
    lengths = np.diff(solo.onsets_quarter)[first : first + len(logs)]
    times = np.concatenate([[3.0], 3.0 + np.cumsum(tempo * lengths * np.exp(logs))])
    return Performance(solo.onsets_quarter[first : first + len(times)], times, own)


HABIT = [0.0, 0.1, -0.1, 0.3] * 4


def test_one_take_shows_the_habit_whatever_its_tempo() -> None:
    solo = line([1.0] * 17)
    for tempo in (0.5, 2.0):
        found = rehearse(grid_of(solo), [performance(solo, HABIT, tempo)])
        level = float(np.average(HABIT, weights=np.exp(HABIT)))
        assert found.mean == pytest.approx([habit - level for habit in HABIT], abs=1e-9)
        assert (found.counts == 1).all()


def test_many_takes_are_surer_than_one_and_differ_where_players_differ() -> None:
    solo = line([1.0] * 17)
    rng = np.random.default_rng(1)

    def takes(count: int) -> list[Performance]:
        apart = np.where(np.arange(16) == 5, 0.3, 0.02)
        return [performance(solo, HABIT + apart * rng.normal(size=16)) for _ in range(count)]

    prior = np.zeros(16)
    (one, doubt_one), (many, doubt_many) = (
        shrunk(rehearse(grid_of(solo), takes(count)), prior) for count in (1, 8)
    )
    level = float(np.average(HABIT, weights=np.exp(HABIT)))
    rest = np.arange(16) != 5
    assert np.abs(many - np.array(HABIT) + level)[rest].max() < 0.05
    assert doubt_many[rest].max() < 0.4 * doubt_one[rest].max()
    assert np.abs(one).max() < 0.35
    factor = rehearse(grid_of(solo), takes(12)).factor
    assert factor[5] > 2.0 > 1.0 > np.delete(factor, 5).max()


def test_a_take_that_is_another_piece_is_left_out() -> None:
    solo = line([1.0] * 17)
    rng = np.random.default_rng(2)
    good = [performance(solo, HABIT + 0.02 * rng.normal(size=16)) for _ in range(3)]
    wrong = performance(solo, rng.normal(size=16))
    with_it, without = rehearse(grid_of(solo), [*good, wrong]), rehearse(grid_of(solo), good)
    assert with_it.mean == pytest.approx(without.mean, abs=1e-9)


def test_a_pause_of_half_a_minute_in_one_take_hardly_moves_the_others() -> None:
    solo = line([1.0] * 17)
    takes = [performance(solo, HABIT) for _ in range(3)]
    paused = list(HABIT)
    paused[6] = math.log(30.0)
    found = rehearse(grid_of(solo), [*takes, performance(solo, paused)])
    plain = rehearse(grid_of(solo), takes)
    assert np.abs(found.mean - plain.mean).max() < 0.1


def test_a_part_of_the_piece_tells_of_that_part() -> None:
    solo = line([1.0] * 17)
    whole = performance(solo, HABIT)
    half = performance(solo, HABIT[8:], tempo=1.3, first=8)
    found = rehearse(grid_of(solo), [whole, half])
    assert found.counts.tolist() == [1.0] * 8 + [2.0] * 8
    alone = rehearse(grid_of(solo), [half])
    assert alone.counts.tolist() == [0.0] * 8 + [1.0] * 8
    prior = np.full(16, 0.01)
    expected, doubt = shrunk(alone, prior)
    assert (expected[:8] == 0.01).all()
    assert (doubt[:8] == 0.0).all()
    assert expected[11] > 0.1


def test_nothing_is_learned_from_nothing() -> None:
    solo = line([1.0] * 17)
    apart = Performance(np.array([100.0, 101.0]), np.array([0.0, 1.0]))
    short = performance(solo, [], first=3)
    found = rehearse(grid_of(solo), [apart, short])
    assert (found.counts == 0).all()
    prior = np.linspace(-0.1, 0.1, 16)
    assert shrunk(found, prior)[0].tolist() == prior.tolist()


# ---- all together, in the filter -----------------------------------------------------------------


def played(model: KalmanTempo, solo: SoloLine, deviations: Sequence[float]) -> list[float]:
    """Errors of the prediction of each next onset, seconds."""
    lengths = np.diff(solo.onsets_quarter)
    times = np.concatenate([[1.0], 1.0 + np.cumsum(lengths * np.exp(deviations))])
    model.set_ratio(1.0, 0.1)
    model.begin(float(solo.onsets_quarter[0]), float(times[0]))
    errors = []
    for event in range(1, len(times)):
        quarter = float(solo.onsets_quarter[event])
        errors.append(float(times[event]) - model.predict(quarter).time_s)
        model.report(event, float(times[event]))
    return errors


def mean_error(errors: Sequence[float]) -> float:
    return float(np.mean(np.abs(errors)))


def test_what_has_been_rehearsed_is_foreseen() -> None:
    solo = line([1.0] * 17)
    grid = grid_of(solo)
    rehearsed = Expectation(grid, solo, [performance(solo, HABIT, 0.8, own=True)] * 3)
    cold = mean_error(played(KalmanTempo(grid), solo, HABIT))
    warm = mean_error(played(KalmanTempo(grid, expectation=rehearsed), solo, HABIT))
    assert warm < 0.4 * cold


def test_what_was_done_in_a_like_place_is_foreseen() -> None:
    lengths, deviations = FIGURE * 10, [0.0, 0.0, 0.0, 0.25] * 10
    solo = line(lengths, (TUNE * 10))
    grid = grid_of(solo)
    plain = played(KalmanTempo(grid), solo, deviations[:-1])
    learning = KalmanTempo(grid, expectation=Expectation(grid, solo))
    errors = played(learning, solo, deviations[:-1])
    assert mean_error(errors[20:]) < 0.6 * mean_error(plain[20:])


def test_who_does_less_than_rehearsed_is_found_out() -> None:
    solo = line([1.0] * 33)
    grid = grid_of(solo)
    takes = [performance(solo, HABIT * 2)] * 3
    for share, most in ((1.0, 1.5), (0.0, 0.6)):
        model = KalmanTempo(grid, expectation=Expectation(grid, solo, takes))
        played(model, solo, [share * x for x in HABIT * 2])
        assert (model.gain > 0.8) is (share == 1.0)
        assert model.gain < most


def test_a_twin_learns_by_itself() -> None:
    solo = line(FIGURE * 4, TUNE * 4)
    grid = grid_of(solo)
    model = KalmanTempo(grid, expectation=Expectation(grid, solo))
    model.begin(0.0, 0.0)
    model.report(1, 1.0)
    twin = model.copy()
    before = twin.predict(3.0)
    model.report(2, 1.9)
    model.report(3, 2.6)
    assert twin.predict(3.0) == before
    again = model.copy()
    assert again.predict(6.0) == model.predict(6.0)


@given(
    reports=st.lists(st.tuples(st.integers(1, 3), st.floats(-0.2, 5.0)), min_size=1, max_size=10),
    own=st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_whatever_is_reported_predictions_are_finite_and_in_order(
    reports: list[tuple[int, float]], own: bool
) -> None:
    solo = line(FIGURE * 10, TUNE * 10)
    grid = grid_of(solo)
    takes = [performance(solo, HABIT, own=own)]
    model = KalmanTempo(grid, expectation=Expectation(grid, solo, takes))
    model.begin(0.0, 0.0)
    event, time_s = 0, 0.0
    for steps, later_s in reports:
        event, time_s = min(event + steps, len(grid) - 1), time_s + later_s
        if grid.quarters[event] > grid.quarters[max(event - steps, 0)]:
            model.report(event, time_s)
        ahead = [model.predict(q) for q in grid.quarters[event:]]
        assert all(math.isfinite(p.time_s) and p.sd_s >= 0.0 for p in ahead)
        assert all(a.time_s <= b.time_s for a, b in pairwise(ahead))
