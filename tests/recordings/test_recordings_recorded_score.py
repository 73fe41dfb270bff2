"""A recording as a score: quarters are beats, seconds are those of the recording."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.recordings.analysis import RecordingAnalysis
from accompanist.recordings.recorded_score import beat_grid, recorded_score
from accompanist.score.checks import bar_at
from accompanist.score.outer import OuterAxis
from accompanist.score.serial import score_from_plain, score_to_plain
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo


def analysis(
    beats_s: list[float],
    duration_s: float,
    *,
    bars_s: list[float] | None = None,
    onsets_s: list[float] | None = None,
    beats_a_bar: int = 4,
) -> RecordingAnalysis:
    return RecordingAnalysis(
        duration_s=duration_s,
        rate=44_100,
        channels=2,
        loudness_lufs=-20.0,
        peak=0.5,
        heard_s=(0.0, duration_s),
        onsets_s=tuple(beats_s if onsets_s is None else onsets_s),
        beats_s=tuple(beats_s),
        bars_s=tuple(beats_s[::beats_a_bar] if bars_s is None else bars_s),
        beats_a_bar=beats_a_bar,
        qpm=100.0,
        pulse=0.4,
        pulse_found=True,
        momentary_lufs=(-20.0,),
    )


def test_a_steady_recording() -> None:
    beats = [1.0 + 0.5 * i for i in range(16)]
    score = recorded_score(analysis(beats, 9.25, bars_s=beats[2::4]), "Waltz", "Strauß")
    assert (score.title, score.composer, score.recording_s) == ("Waltz", "Strauß", 9.25)
    assert (score.suggested_solo, [p.name for p in score.parts]) == (
        1,
        ["Soloist", "Orchestra (recording)"],
    )
    tempo = written_tempo(score)
    assert tempo.to_quarter(0.0) == 0.0
    np.testing.assert_allclose(tempo.to_quarter(beats), np.arange(2, 18), atol=1e-9)
    assert tempo.to_seconds(score.end_quarter) == pytest.approx(9.25)
    assert [(m.start_quarter, m.length_quarter, m.printed) for m in score.measures] == [
        (0.0, 4.0, "1"),
        (4.0, 4.0, "2"),
        (8.0, 4.0, "3"),
        (12.0, 4.0, "4"),
        (16.0, 2.5, "5"),
    ]
    assert (score.metres[0].numerator, score.metres[0].denominator) == (4, 4)
    assert OuterAxis(score).unit == "seconds"
    line = solo_line(score.parts[0])
    np.testing.assert_allclose(tempo.to_seconds(line.onsets_quarter), beats, atol=1e-9)


def test_a_pickup_is_bar_0() -> None:
    beats = [0.5 * i for i in range(13)]
    score = recorded_score(analysis(beats, 6.5, bars_s=beats[1::3], beats_a_bar=3), "Waltz")
    assert [(m.printed, m.start_quarter) for m in score.measures][:3] == [
        ("0", 0.0),
        ("1", 1.0),
        ("2", 4.0),
    ]


def test_irregular_bars_stay_and_long_gaps_are_filled() -> None:
    beats = [0.5 * i for i in range(32)]
    bars = [beats[i] for i in (0, 4, 9, 13, 24)]
    score = recorded_score(analysis(beats, 16.0, bars_s=bars), "x")
    assert [m.length_quarter for m in score.measures] == [4, 5, 4, 4, 4, 3, 4, 4]


def test_movements_are_marks() -> None:
    beats = [0.5 * i for i in range(400)]
    found = replace(analysis(beats, 200.0), movements_s=(0.1, 120.2))
    marks = recorded_score(found, "x").marks
    assert [(m.quarter, m.text) for m in marks] == [(0.0, "Movement 1"), (240.0, "Movement 2")]


def test_notes_last_until_the_next_one() -> None:
    score = recorded_score(analysis([1.0, 2.0, 3.0], 12.0, onsets_s=[1.0, 1.7, 8.0]), "x")
    first, second, third = score.parts[0].notes
    assert first.end_quarter == pytest.approx(second.onset_quarter)
    assert second.end_quarter == pytest.approx(third.onset_quarter)
    assert third.end_quarter == pytest.approx(score.end_quarter)
    assert {n.pitch for n in score.parts[0].notes} == {60}


def test_a_first_beat_near_the_beginning_is_quarter_0_or_1() -> None:
    near = beat_grid([0.2, 0.7, 1.2, 1.7], 2.0)
    np.testing.assert_allclose(near, [0.0, 0.7, 1.2, 1.7, 2.2])
    far = beat_grid([0.4, 0.9, 1.4, 1.9], 2.0)
    np.testing.assert_allclose(far, [0.0, 0.4, 0.9, 1.4, 1.9, 2.4])


@pytest.mark.parametrize("beats", [[], [0.0], [3.0], [0.01, 0.02], [9.99]])
def test_hardly_any_beats_make_a_grid_all_the_same(beats: list[float]) -> None:
    grid = beat_grid(beats, 10.0)
    assert grid[0] == 0.0
    assert grid[-1] >= 10.0
    assert (np.diff(grid) > 0.0).all()
    assert recorded_score(analysis(beats, 10.0, onsets_s=[]), "x").parts[0].notes


times = st.floats(0.0, 60.0, allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(times, max_size=60), st.lists(times, max_size=40), st.floats(2.0, 60.0))
def test_any_beats_and_onsets_make_a_sound_score(
    beats: list[float], onsets: list[float], duration_s: float
) -> None:
    found = analysis(sorted(set(beats)), duration_s, onsets_s=sorted(set(onsets)), beats_a_bar=3)
    score = recorded_score(found, "x")
    tempo = written_tempo(score)
    assert (np.diff(tempo.quarters) > 0.0).all()
    assert (np.diff(tempo.seconds) > 0.0).all()
    assert all(0.0 < mark.qpm <= 1300.0 for mark in score.tempo_marks)
    grid = beat_grid(found.beats_s, duration_s)
    np.testing.assert_allclose(tempo.to_seconds(np.arange(len(grid))), grid, atol=1e-6)
    assert float(tempo.to_seconds(score.end_quarter)) == pytest.approx(duration_s, abs=1e-6)

    assert score.measures[0].start_quarter == 0.0
    for one, other in zip(score.measures, score.measures[1:], strict=False):
        assert one.end_quarter == pytest.approx(other.start_quarter)
    assert all(m.length_quarter > 0.0 for m in score.measures)
    assert score.measures[-1].end_quarter == pytest.approx(score.end_quarter)

    line = solo_line(score.parts[0])
    assert len(line) >= 1
    assert (np.diff(line.onsets_quarter) > 0.0).all()
    assert all(n.duration_quarter > 0.0 for n in score.parts[0].notes)
    assert bar_at(score, float(line.onsets_quarter[0])) is not None
    assert score_from_plain(score_to_plain(score)) == score


@given(st.lists(st.floats(0.25, 1.5), min_size=3, max_size=50), st.floats(0.0, 3.0))
def test_beats_are_kept_to_the_instant(intervals: list[float], first_s: float) -> None:
    beats = first_s + np.concatenate(([0.0], np.cumsum(intervals)))
    score = recorded_score(analysis(beats.tolist(), float(beats[-1]) + 1.0), "x")
    quarters = written_tempo(score).to_quarter(beats[1:])
    np.testing.assert_allclose(quarters, np.round(quarters), atol=1e-6)
    np.testing.assert_allclose(np.diff(quarters), 1.0, atol=1e-6)
