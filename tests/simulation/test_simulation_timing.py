from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.score.model import Fermata, Measure, Note, Part, Score
from accompanist.simulation.noise import coloured, hum, signal_noise
from accompanist.simulation.settings import Pause, PlayerSettings
from accompanist.simulation.timing import (
    GivenTiming,
    given_onsets_s,
    human_onsets_s,
    pause_delays_s,
    phrase_position,
)

MACHINE = PlayerSettings(
    phrase_arc=0.0, accent=0.0, final_tempo=1.0, drift=0.0, motor_s=0.0, fermata_factor=1.0
)
MEASURES = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(8))
SCORE = Score("Test", (Part(1, "Flute", (Note(0.0, 32.0, 60),)),), MEASURES)
QUARTER = np.arange(32, dtype=float)
GAP_S = np.full(31, 0.5)


def onsets(score: Score, player: PlayerSettings, seed: int = 0) -> np.ndarray:
    return human_onsets_s(score, QUARTER, GAP_S, player, np.random.default_rng(seed))


def test_a_machine_plays_what_is_written() -> None:
    assert onsets(SCORE, MACHINE) == pytest.approx(0.5 * QUARTER)


def test_the_tempo_factor_divides() -> None:
    assert onsets(SCORE, replace(MACHINE, tempo_factor=2.0)) == pytest.approx(0.25 * QUARTER)


def test_a_phrase_is_fastest_in_its_middle() -> None:
    interval = np.diff(onsets(SCORE, replace(MACHINE, phrase_arc=0.2)))
    assert int(np.argmin(interval[:16])) == 8
    assert interval[0] > 0.5 > interval[8]
    assert interval[0] / interval[8] == pytest.approx(np.exp(0.2))


def test_a_downbeat_is_lengthened_and_a_beat_by_half_of_it() -> None:
    interval = np.diff(onsets(SCORE, replace(MACHINE, accent=0.1)))
    assert interval[:5] == pytest.approx([0.55, 0.525, 0.525, 0.525, 0.55])


def test_the_final_ritardando_ends_at_its_tempo_and_touches_nothing_else() -> None:
    interval = np.diff(onsets(SCORE, replace(MACHINE, final_tempo=0.5, final_bars=2.0)))
    assert interval[:22] == pytest.approx(0.5)
    assert interval[-1] == pytest.approx(1.0)
    assert (np.diff(interval[22:]) > 0).all()


def test_a_fermata_is_held() -> None:
    score = replace(SCORE, fermatas=(Fermata(7.0, 8.0),))
    interval = np.diff(onsets(score, replace(MACHINE, fermata_factor=2.0)))
    assert interval[6:9] == pytest.approx([0.5, 1.0, 0.5])


def test_motor_noise_is_not_inherited() -> None:
    noisy = onsets(SCORE, replace(MACHINE, motor_s=0.02)) - 0.5 * QUARTER
    assert noisy[0] == 0.0
    assert 0.01 < noisy[1:].std() < 0.03
    assert np.corrcoef(np.diff(noisy)[1:-1], np.diff(noisy)[2:])[0, 1] < 0.0


@given(seed=st.integers(0, 1000), motor_s=st.floats(0.0, 0.5), drift=st.floats(0.0, 0.3))
@settings(max_examples=40)
def test_onsets_always_rise(seed: int, motor_s: float, drift: float) -> None:
    player = PlayerSettings(motor_s=motor_s, drift=drift, phrase_arc=0.3, final_tempo=0.3)
    assert (np.diff(onsets(SCORE, player, seed)) > 0).all()


def test_phrases_are_counted_in_measures() -> None:
    place = phrase_position(SCORE, np.array([0.0, 8.0, 16.0, 24.0, 32.0]), 4)
    assert place == pytest.approx([0.0, 0.5, 0.0, 0.5, 1.0])


def test_a_pause_happens_once_and_delays_all_that_follows() -> None:
    quarter = np.array([0.0, 4.0, 0.0, 4.0])
    assert pause_delays_s(SCORE, quarter, (Pause("2", 1.5),)).tolist() == [0.0, 1.5, 1.5, 1.5]


def timing(quarter: list[float], onset_s: list[float]) -> GivenTiming:
    count = len(quarter)
    return GivenTiming(
        quarter=np.array(quarter),
        pitch=np.full(count, 60),
        onset_s=np.array(onset_s),
        offset_s=np.array(onset_s) + 0.2,
        velocity=np.full(count, 64),
    )


def test_given_onsets_are_kept_and_the_rest_placed_in_proportion() -> None:
    human = timing([1.0, 1.0, 2.0, 4.0], [10.1, 10.0, 11.0, 14.0])
    found = given_onsets_s(human, np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
    # Before and after: the median slope, 1.25 s a quarter.
    assert found == pytest.approx([0.0, 1.25, 2.25, 3.75, 5.25, 6.5])


def test_pink_noise_falls_by_three_db_an_octave() -> None:
    series = coloured(1 << 16, 1.0, np.random.default_rng(1))
    power = np.abs(np.fft.rfft(series)) ** 2
    low, high = power[64:128].mean(), power[4096:8192].mean()
    assert np.log2(low / high) == pytest.approx(6.0, abs=0.5)
    assert (series.mean(), series.std()) == pytest.approx((0.0, 1.0), abs=1e-9)


def test_hum_stands_at_fifty_hertz() -> None:
    spectrum = np.abs(np.fft.rfft(hum(8000, 8000, np.random.default_rng(0))))
    assert int(np.argmax(spectrum)) == 50


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
def test_noise_is_seeded_and_of_unit_power(kind: str) -> None:
    first, again = (signal_noise(kind, 4000, 8000, np.random.default_rng(5)) for _ in range(2))
    assert first.tolist() == again.tolist()
    assert first.std() == pytest.approx(1.0)


def test_noise_of_nothing() -> None:
    assert coloured(0, 1.0, np.random.default_rng(0)).tolist() == []
    assert coloured(1, 1.0, np.random.default_rng(0)).tolist() == [0.0]
