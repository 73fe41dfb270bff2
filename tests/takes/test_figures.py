"""Figures against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.takes.figures import (
    TakeErrors,
    asynchronies_s,
    bootstrap,
    evaluate,
    false_reports,
    is_lost,
    local_seconds_per_quarter,
    measure,
    position_errors_s,
    report_delays_s,
    summarise,
    validate,
)

# Quarters at 120 qpm: one every 0.5 s.
QUARTER = np.arange(5, dtype=float)
TIME_S = 1.0 + 0.5 * QUARTER


def errors(position_s: list[float], delay_s: list[float], lost: bool = False) -> TakeErrors:
    return TakeErrors(np.array(position_s), np.array(delay_s), lost=lost)


def test_local_tempo_of_a_steady_player() -> None:
    assert local_seconds_per_quarter(QUARTER, TIME_S).tolist() == [0.5] * 5


def test_local_tempo_leaves_a_fermata_aside() -> None:
    time_s = TIME_S.copy()
    time_s[3:] += 2.0
    assert local_seconds_per_quarter(QUARTER, time_s).tolist() == [0.5] * 5


def test_local_tempo_leaves_a_jump_back_and_chords_aside() -> None:
    quarter = np.array([0.0, 1.0, 2.0, 2.0, 0.0, 1.0])
    time_s = np.array([0.0, 0.5, 1.0, 1.0, 1.5, 2.0])
    assert local_seconds_per_quarter(quarter, time_s).tolist() == [0.5] * 6


def test_local_tempo_follows_a_change_of_tempo() -> None:
    quarter = np.arange(20, dtype=float)
    time_s = np.concatenate((0.5 * np.arange(10), 4.5 + np.arange(1, 11)))
    local = local_seconds_per_quarter(quarter, time_s)
    assert (local[0], local[19]) == (0.5, 1.0)


def test_position_is_held_and_ahead_is_positive() -> None:
    trace_time_s = np.array([0.9, 1.4, 1.6, 2.1])
    trace_quarter = np.array([0.0, 1.1, 1.2, 2.0])
    found = position_errors_s(QUARTER[:3], TIME_S[:3], trace_time_s, trace_quarter)
    # Rows in force at 1.0, 1.5, 2.0: 0.0, 1.1, 1.2; half a second a quarter.
    assert found == pytest.approx([0.0, 0.05, -0.4])


def test_position_of_a_row_at_the_onset_itself_counts() -> None:
    found = position_errors_s(QUARTER[:2], TIME_S[:2], np.array([1.0, 1.5]), np.array([0.2, 1.0]))
    assert found == pytest.approx([0.1, 0.0])


def test_onset_before_the_trace_is_held_against_its_first_row() -> None:
    found = position_errors_s(QUARTER[:2], TIME_S[:2], np.array([1.2]), np.array([0.0]))
    assert found == pytest.approx([0.0, -0.5])


def test_report_delay_takes_the_nearest_report_of_the_event() -> None:
    reported_s = np.array([1.04, 1.2, 1.48, 2.31, 2.5])
    reported_quarter = np.array([0.0, 0.0, 1.0, 2.0, 4.0])
    found = report_delays_s(QUARTER, TIME_S, reported_s, reported_quarter)
    assert found[:2] == pytest.approx([0.04, -0.02])
    # 310 ms late; never; reported 500 ms early.
    assert np.isnan(found[2:]).tolist() == [True, True, True]


def test_report_at_the_limit_is_not_missed() -> None:
    found = report_delays_s(np.array([0.0]), np.array([1.0]), np.array([1.3]), np.array([0.0]))
    assert found == pytest.approx([0.3])


def test_lost_is_judged_by_the_last_quarter_of_the_onsets() -> None:
    assert not is_lost(np.array([9.0] * 6 + [0.1, 0.1]))
    assert is_lost(np.array([0.0] * 6 + [2.1, -2.2]))


def test_asynchrony_of_notes_on_and_between_onsets() -> None:
    sent_s = np.array([1.03, 1.28, 1.45, 9.0])
    sent_quarter = np.array([0.0, 0.5, 1.0, 7.0])
    together, between = asynchronies_s(QUARTER, TIME_S, sent_s, sent_quarter, output_latency_s=0.01)
    assert together == pytest.approx([0.04, -0.04])
    assert between == pytest.approx([0.04])


def test_asynchrony_where_the_soloist_was_twice_is_to_the_nearer_time() -> None:
    quarter, time_s = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.5, 1.0, 1.5])
    together, between = asynchronies_s(
        quarter, time_s, np.array([0.02, 1.02, 1.2]), np.array([0.0, 0.0, 0.5])
    )
    assert together == pytest.approx([0.02, 0.02])
    assert between == pytest.approx([-0.05])


def test_notes_never_sent_count_as_outside_every_limit() -> None:
    together, between = asynchronies_s(
        QUARTER,
        TIME_S,
        np.array([1.0]),
        np.array([0.0]),
        expected_quarter=np.array([0.0, 0.0, 0.5, 1.0, 9.0]),
    )
    assert sorted(together.tolist()) == [0.0, float("inf"), float("inf")]
    assert between.tolist() == [float("inf")]


def test_summary_of_hand_made_errors() -> None:
    figures = summarise(
        [
            errors([0.01, -0.02, 0.04, -0.2], [0.02, 0.04, float("nan"), 0.03]),
            errors([3.0], [float("nan")], lost=True),
        ]
    )
    assert figures["takes"] == 2
    assert figures["onsets"] == 5
    assert figures["position_median_ms"] == pytest.approx(40.0)
    assert figures["position_p90_ms"] == pytest.approx(3000.0)
    assert figures["position_within_25"] == pytest.approx(0.4)
    assert figures["position_within_50"] == pytest.approx(0.6)
    assert figures["position_within_100"] == pytest.approx(0.6)
    assert figures["position_within_300"] == pytest.approx(0.8)
    assert figures["delay_median_ms"] == pytest.approx(30.0)
    assert figures["missed"] == pytest.approx(0.4)
    assert figures["lost"] == 0.5
    assert "asynchrony_median_ms" not in figures


def test_summary_of_asynchrony_with_a_note_never_played() -> None:
    late = np.array([0.01, -0.04, 0.09, np.inf])
    figures = summarise([TakeErrors(np.zeros(2), np.zeros(2), asynchrony_s=late)])
    assert figures["asynchrony_median_ms"] == pytest.approx(65.0)
    assert figures["asynchrony_bias_ms"] == pytest.approx(50.0)
    assert figures["asynchrony_unplayed"] == 0.25
    assert figures["asynchrony_within_30"] == 0.25
    assert figures["asynchrony_within_50"] == 0.5
    assert figures["asynchrony_within_100"] == 0.75
    assert figures["asynchrony_p95_ms"] == float("inf")


def test_no_report_at_all_is_all_missed() -> None:
    figures = summarise([errors([0.0, 0.0], [float("nan"), float("nan")])])
    assert figures["missed"] == 1.0
    assert "delay_median_ms" not in figures


def test_a_perfect_follower_and_ensemble() -> None:
    figures = evaluate(
        truth_quarter=QUARTER,
        truth_time_s=TIME_S,
        trace_time_s=TIME_S,
        trace_quarter=QUARTER,
        reported_s=TIME_S,
        reported_quarter=QUARTER,
        sent_s=TIME_S,
        sent_quarter=QUARTER,
        expected_quarter=QUARTER,
    )
    assert figures["position_p95_ms"] == 0.0
    assert figures["delay_p95_ms"] == 0.0
    assert (figures["missed"], figures["lost"]) == (0.0, 0.0)
    assert figures["asynchrony_within_30"] == 1.0


@given(offset_s=st.floats(-0.29, 0.29), tempo=st.floats(0.2, 2.0))
@settings(max_examples=30)
def test_a_constant_shift_in_time_is_found(offset_s: float, tempo: float) -> None:
    """Of a follower that is late all along, on a steady player."""
    quarter = np.arange(12, dtype=float)
    time_s = 5.0 + tempo * quarter
    grid_s = np.arange(4.0, 20.0, 0.001)
    found = measure(
        truth_quarter=quarter,
        truth_time_s=time_s,
        trace_time_s=grid_s,
        trace_quarter=(grid_s - 5.0 - offset_s) / tempo,
        reported_s=time_s + offset_s,
        reported_quarter=quarter,
    )
    inside = time_s < 20.0
    assert found.position_s[inside] == pytest.approx(-offset_s, abs=0.0015)
    assert found.delay_s == pytest.approx(offset_s, abs=1e-6)


def test_bootstrap_is_seeded_and_holds_the_estimate() -> None:
    takes = [errors([0.01 * k] * 5, [0.02] * 5) for k in range(1, 9)]
    interval = bootstrap(takes, resamples=200, seed=3)
    assert interval == bootstrap(takes, resamples=200, seed=3)
    low, high = interval["position_median_ms"]
    assert low < summarise(takes)["position_median_ms"] < high
    assert interval["missed"] == (0.0, 0.0)
    assert "takes" not in interval


def test_one_take_has_no_interval() -> None:
    assert bootstrap([errors([0.0], [0.0])]) == {}


@pytest.mark.parametrize(
    ("truth_quarter", "truth_time_s", "trace_time_s", "words"),
    [
        ([0.0, 1.0], [0.0], [0.0], "as many positions"),
        ([0.0, float("nan")], [0.0, 1.0], [0.0], "not a finite"),
        ([0.0, 1.0], [1.0, 0.0], [0.0], "must not fall"),
        ([1.0, 1.0], [0.0, 1.0], [0.0], "at least two onsets"),
        ([0.0, 1.0], [0.0, 1.0], [], "empty"),
    ],
)
def test_validate_refuses(
    truth_quarter: list[float], truth_time_s: list[float], trace_time_s: list[float], words: str
) -> None:
    trace = np.array(trace_time_s)
    with pytest.raises(ValueError, match=words):
        validate(np.array(truth_quarter), np.array(truth_time_s), trace, trace)


def test_a_report_is_false_where_its_event_does_not_begin() -> None:
    quarter, time_s = np.arange(4.0), 0.5 * np.arange(4.0)
    reported = np.array([0.02, 0.44, 0.96, 1.81, 1.0])
    event = np.array([0.0, 1.0, 2.0, 3.0, 2.5])
    # 60 ms early; in time; in time (40 ms early); 310 ms late; an event nobody knows the time of.
    assert false_reports(quarter, time_s, reported, event) == (4, 2)
