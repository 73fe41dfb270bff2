"""Beats and bars of recordings made for the purpose."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_sounds import RATE, note, placed, waltz

from accompanist.recordings.beats import EVEN_QPM, Beats, find_beats
from accompanist.recordings.beats_bars import Bars, find_bars
from accompanist.recordings.beats_steady import steadied
from accompanist.recordings.onsets import Novelty, NoveltyMeter

FloatArray = npt.NDArray[np.float64]


def heard(samples: npt.NDArray[np.float32]) -> Novelty:
    meter = NoveltyMeter(RATE)
    meter.feed(samples)
    return meter.result()


def found_in(samples: npt.NDArray[np.float32]) -> tuple[Beats, Bars]:
    novelty = heard(samples)
    beats = find_beats(novelty.flux, novelty.hop_s, 0.0, len(samples) / RATE)
    return beats, find_bars(novelty, beats.times_s)


def hits(true_s: npt.ArrayLike, found_s: FloatArray, within_s: float = 0.05) -> float:
    """Share of the true beats that were found."""
    return float(np.mean([np.abs(found_s - beat).min() < within_s for beat in np.asarray(true_s)]))


@pytest.mark.parametrize("qpm", [66.0, 100.0, 120.0])
@pytest.mark.parametrize("beats_a_bar", [3, 4])
def test_a_steady_accompaniment(qpm: float, beats_a_bar: int) -> None:
    true_s = 0.8 + 60.0 / qpm * np.arange(32)
    beats, bars = found_in(waltz(true_s.tolist(), beats_a_bar, float(true_s[-1]) + 1.0, first=1))
    assert beats.found
    assert np.median(np.diff(beats.times_s)) == pytest.approx(60.0 / qpm, rel=0.01)
    assert hits(true_s, beats.times_s) > 0.95
    assert bars.beats_a_bar == beats_a_bar
    assert hits(true_s[1::beats_a_bar], beats.times_s[bars.downbeats]) > 0.8


def test_a_tempo_that_changes_is_followed() -> None:
    qpm = np.interp(np.arange(60), [0, 20, 40, 59], [80.0, 80.0, 120.0, 100.0])
    true_s = 0.5 + np.concatenate(([0.0], np.cumsum(60.0 / qpm)[:-1]))
    beats, _ = found_in(waltz(true_s.tolist(), 4, float(true_s[-1]) + 1.0))
    assert hits(true_s, beats.times_s, 0.06) > 0.9
    change = np.abs(np.diff(np.log(np.diff(beats.times_s))))
    assert np.percentile(change, 90) < 0.05


def test_random_onsets_and_silence_have_an_even_grid() -> None:
    rng = np.random.default_rng(4)
    times = np.cumsum(rng.exponential(0.5, 50))
    noise = placed([(t, note(rng.uniform(300, 600), 0.3)) for t in times if t < 25], 26.0)
    for samples in (noise, np.zeros(5 * RATE, np.float32)):
        beats, _ = found_in(samples)
        assert not beats.found
        np.testing.assert_allclose(np.diff(beats.times_s), 60.0 / EVEN_QPM)


def test_very_short_recordings_and_few_beats_do_no_harm() -> None:
    novelty = heard(waltz([0.2, 0.7, 1.2], 3, 1.5))
    beats = find_beats(novelty.flux, novelty.hop_s, 0.0, 1.5)
    assert not beats.found
    assert find_bars(novelty, beats.times_s).downbeats.tolist() == [0]
    assert len(find_beats(np.zeros(0, np.float32), 0.01, 0.0, 0.0).times_s) == 1


def test_a_silent_middle_keeps_the_beat() -> None:
    true_s = 0.5 * np.arange(1, 60)
    played = [t for t in true_s.tolist() if not 12.0 < t < 16.0]
    beats, _ = found_in(waltz(played, 4, 30.5))
    assert hits(true_s, beats.times_s, 0.07) > 0.9


def test_jitter_is_taken_off() -> None:
    rng = np.random.default_rng(9)
    even = 0.5 * np.arange(80)
    jittered = even + rng.normal(0.0, 0.012, 80)
    smooth = steadied(jittered, np.ones(80))
    assert np.std(np.diff(smooth)) < 0.5 * np.std(np.diff(jittered))
    assert np.abs(smooth - even).max() < 0.03


def test_a_real_change_of_tempo_stays() -> None:
    beats = np.cumsum([0.5] * 20 + [0.8] * 20)
    smooth = steadied(beats, np.ones(40))
    np.testing.assert_allclose(smooth, beats, atol=0.06)
    np.testing.assert_allclose(np.diff(smooth)[[5, 33]], [0.5, 0.8], atol=0.01)


@given(st.lists(st.floats(0.3, 1.2), min_size=1, max_size=60), st.data())
def test_smoothed_beats_go_up(intervals: list[float], data: st.DataObject) -> None:
    beats = np.cumsum(intervals)
    weights = data.draw(
        st.lists(st.floats(0.0, 1.0), min_size=len(intervals), max_size=len(intervals))
    )
    smooth = steadied(beats, weights)
    assert len(smooth) == len(beats)
    assert (np.diff(smooth) > 0.0).all()
