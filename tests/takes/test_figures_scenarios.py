import numpy as np
import numpy.typing as npt
import pytest

from accompanist.score.model import Measure, Note, Part
from accompanist.score.solo import solo_line
from accompanist.takes.figures_bars import right_place, same_music
from accompanist.takes.figures_course import Course, back_after_s
from accompanist.takes.figures_reliability import Reliability
from accompanist.takes.figures_scenarios import Belief, Truths, outcome_of, summarise_outcomes

HOP_S = 0.01
Array = npt.NDArray[np.float64]


def hops(seconds: float) -> Array:
    return np.asarray(np.arange(1, round(seconds / HOP_S) + 1) * HOP_S)


def belief(
    time_s: Array,
    quarter: Array,
    lost: npt.NDArray[np.bool_] | None = None,
    waiting: npt.NDArray[np.bool_] | None = None,
    confidence: Array | None = None,
) -> Belief:
    nothing = np.zeros(len(time_s), dtype=bool)
    return Belief(
        time_s=time_s,
        quarter=quarter,
        confidence=np.ones(len(time_s)) if confidence is None else confidence,
        lost=nothing if lost is None else lost,
        waiting=nothing if waiting is None else waiting,
    )


def steady(count: int = 21) -> tuple[Array, Array]:
    """Quarters of half a second from 1 s on."""
    quarter = np.arange(count, dtype=np.float64)
    return quarter, 1.0 + 0.5 * quarter


def course(quarter: Array, time_s: Array, at: Array, believed: Array) -> Course:
    return Course.of(quarter, time_s, np.zeros(len(quarter), dtype=np.intp), at, believed)


def test_the_error_of_a_steady_belief_is_its_distance() -> None:
    quarter, time_s = steady()
    at = hops(12.0)
    held = course(quarter, time_s, at, (at - 1.0) / 0.5 + 0.3)
    playing = held.playing
    assert at[playing][0] == pytest.approx(1.0)
    assert at[playing][-1] == pytest.approx(11.5)
    inner = (at >= 1.0) & (at < 11.0)
    assert held.error_quarter[inner] == pytest.approx(np.full(inner.sum(), 0.3))
    assert held.error_s[inner] == pytest.approx(np.full(inner.sum(), 0.15))


def test_under_a_fermata_waiting_and_counting_on_are_both_right() -> None:
    quarter, time_s = steady()
    time_s = time_s + np.where(quarter > 10, 3.0, 0.0)
    at = hops(9.4)
    counts_on = np.minimum((at - 1.0) / 0.5, 11.0)
    drawn = np.interp(at, time_s, quarter)
    for believed in (counts_on, drawn, (counts_on + drawn) / 2):
        inner = at >= 1.0
        assert np.abs(course(quarter, time_s, at, believed).error_quarter[inner]).max() < 1e-9
    runs = course(quarter, time_s, at, (at - 1.0) / 0.5)
    assert runs.error_quarter[at > 9.0].min() > 4.0


def test_nothing_is_true_while_the_piece_is_not_played() -> None:
    quarter, time_s = steady()
    at = hops(12.0)
    leg = np.zeros(len(quarter), dtype=np.intp)
    held = Course.of(quarter, time_s, leg, at, 0 * at, away=((3.0, 5.0),))
    assert not held.playing[(at >= 3.0) & (at < 5.0)].any()
    assert held.playing[(at >= 5.0) & (at < 11.0)].all()
    none = Course.of(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.intp), at, 0 * at)
    assert not none.playing.any()


def jumped() -> tuple[Array, Array, npt.NDArray[np.intp]]:
    """Ten quarters, then from quarter 30 on, without a gap; half a second each."""
    quarter = np.concatenate((np.arange(10.0), np.arange(30.0, 50.0)))
    leg = np.repeat(np.array([0, 1], dtype=np.intp), (10, 20))
    return quarter, np.asarray(1.0 + 0.5 * np.arange(30)), leg


def test_back_is_when_it_stays_for_a_second() -> None:
    quarter, time_s, leg = jumped()
    at = hops(15.0)
    true = np.where(at < 6.0, (at - 1.0) / 0.5, 30.0 + (at - 6.0) / 0.5)
    late = np.where((at >= 6.0) & (at < 7.2), 5.0, true)
    flicker = np.where((at >= 7.5) & (at < 7.6), 5.0, late)
    for believed, back in ((true, 0.0), (late, 1.2), (flicker, 1.6)):
        held = Course.of(quarter, time_s, leg, at, believed)
        assert back_after_s(held, 6.0) == pytest.approx(back, abs=0.011)
    never = Course.of(quarter, time_s, leg, at, (at - 1.0) / 0.5)
    assert back_after_s(never, 6.0) == np.inf
    assert back_after_s(Course.of(quarter, time_s, leg, at, late), 6.0, until_s=7.0) == np.inf


def test_an_outcome_counts_jumps_and_declarations() -> None:
    quarter, time_s, leg = jumped()
    at = hops(15.0)
    true = np.where(at < 6.0, np.maximum((at - 1.0) / 0.5, 0.0), 30.0 + (at - 6.0) / 0.5)
    believed = np.where((at >= 3.0) & (at < 3.5), 20.0, true)
    lost = ((at >= 4.0) & (at < 4.2)) | ((at >= 6.5) & (at < 6.6))
    truth = Truths(quarter, time_s, leg, jumps=(6.0,))
    found = outcome_of(truth, belief(at, believed, lost=lost))
    assert found.false_jumps == 1  # there, and not the way back
    assert found.false_lost == 1  # not so soon after the jump
    assert found.back_s == pytest.approx((0.0,), abs=0.011)
    assert found.start_s == pytest.approx(0.0, abs=0.011)
    assert found.playing_s == pytest.approx(14.0, abs=0.05)
    assert not found.early
    figures = summarise_outcomes([found, found])
    assert figures["back_n"] == 2
    assert figures["start_within"] == 1.0
    assert figures["false_jumps_per_h"] == pytest.approx(1 / (14.0 / 3600), rel=0.01)


def test_who_leaves_before_the_first_note_is_early() -> None:
    quarter, time_s = steady()
    at = hops(11.0)
    leg = np.zeros(len(quarter), dtype=np.intp)
    runs = outcome_of(Truths(quarter, time_s, leg), belief(at, 3.0 * at))
    waits = outcome_of(Truths(quarter, time_s, leg), belief(at, np.maximum(2 * (at - 1.0), 0.0)))
    anywhere = outcome_of(Truths(quarter, time_s, leg, anywhere=True), belief(at, 3.0 * at))
    told = np.where(at < 0.03, 0.0, 8.0 + np.maximum(2 * (at - 1.0), 0.0))
    there = outcome_of(Truths(quarter + 8.0, time_s, leg), belief(at, told))
    assert (runs.early, waits.early, anywhere.early, there.early) == (True, False, False, False)


def test_another_piece_is_declared_and_taken_back() -> None:
    quarter, time_s = steady()
    time_s = time_s + np.where(quarter >= 8, 6.0, 0.0)
    at = hops(17.0)
    true = np.interp(at, time_s, quarter)
    lost = (at >= 6.5) & (at < 11.5)
    truth = Truths(
        quarter,
        time_s,
        np.zeros(len(quarter), dtype=np.intp),
        away=((4.9, 11.0),),
        astray=(4.9,),
        returned=(11.0,),
    )
    found = outcome_of(truth, belief(at, true, lost=lost, confidence=np.where(lost, 0.1, 0.9)))
    assert found.declared_s == pytest.approx((1.6,), abs=0.011)
    assert found.taken_back_s == pytest.approx((0.5,), abs=0.011)
    # Not right while another piece is played, whatever the position.
    assert found.believed.right.sum() == pytest.approx(96, abs=4)
    silent = outcome_of(truth, belief(at, true))
    assert silent.declared_s == (np.inf,)


def test_who_never_follows_another_piece_need_not_declare_anything() -> None:
    at = hops(10.0)
    nothing = np.zeros(0)
    truth = Truths(nothing, nothing, np.zeros(0, dtype=np.intp), away=((0.0, 10.0),), astray=(0.0,))
    waits = belief(at, 0 * at, waiting=np.ones(len(at), dtype=bool))
    assert outcome_of(truth, waits).declared_s == (0.0,)
    begins = belief(at, at, waiting=at < 3.0, lost=at > 4.5)
    assert outcome_of(truth, begins).declared_s == pytest.approx((1.5,), abs=0.011)
    assert outcome_of(truth, begins).believed.total == pytest.approx(71, abs=1)


def test_who_moves_in_silence_is_early() -> None:
    at = hops(10.0)
    nothing = np.zeros(0)
    truth = Truths(nothing, nothing, np.zeros(0, dtype=np.intp), away=((0.0, 10.0),))
    assert outcome_of(truth, belief(at, at)).early
    assert not outcome_of(truth, belief(at, 0 * at)).early
    assert np.isnan(outcome_of(truth, belief(at, at)).start_s)


def test_reliability_counts_every_tenth_of_a_second() -> None:
    at = hops(10.0)
    confidence = np.where(at <= 5.0, 0.95, 0.25)
    right = at <= 4.0
    found = Reliability.of(at, confidence, right, np.ones(len(at), dtype=bool))
    assert found.total == pytest.approx(100, abs=1)
    assert found.count[9] == pytest.approx(50, abs=1)
    assert found.share_right[9] == pytest.approx(0.8, abs=0.03)
    assert found.share_right[2] == 0.0
    assert np.isnan(found.share_right[5])
    assert found.calibration_error == pytest.approx(0.5 * 0.15 + 0.5 * 0.25, abs=0.02)
    twice = Reliability.together([found, found])
    assert twice.total == 2 * found.total
    assert twice.calibration_error == pytest.approx(found.calibration_error)
    assert np.isnan(Reliability.together([]).calibration_error)


def test_reliability_is_perfect_of_one_who_knows() -> None:
    at = hops(20.0)
    right = (at * 10).astype(int) % 4 == 0
    found = Reliability.of(at, right.astype(float), right, np.ones(len(at), dtype=bool))
    assert found.calibration_error == 0.0
    assert found.brier == 0.0


def test_the_right_bar_or_its_like() -> None:
    pattern = [60, 62, 64, 65]
    melody = [*pattern, *pattern, 72, 71, 69, 67]
    notes = tuple(Note(float(i), 1.0, p) for i, p in enumerate(melody))
    line = solo_line(Part(1, "Solo", notes))
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(3))
    assert right_place(bars, line, 5.2, 7.9, 1.0)
    assert right_place(bars, line, 6.0, 2.0, 2.0)  # bars 1 and 2 are the same
    assert not right_place(bars, line, 6.0, 10.0, 2.0)
    assert same_music(line, 7.0, 3.0, 3.0)
    assert not same_music(line, 8.0, 4.0, 1.0)
    assert not same_music(line, 7.0, 3.0, 4.0)  # what came before is not the same any more
