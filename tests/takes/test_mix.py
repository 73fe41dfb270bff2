import numpy as np
import pytest

from accompanist.takes.mix import balance, limited, loudness_db

RATE = 22050


def tone(level: float, seconds: float = 2.0, hz: float = 440.0) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def test_loudness_is_that_of_the_passages_that_sound() -> None:
    sound = tone(0.5)
    with_rests = np.concatenate((np.zeros(3 * RATE, np.float32), sound, np.zeros(RATE, np.float32)))
    assert loudness_db(sound, RATE) == pytest.approx(-9.03, abs=0.02)
    assert loudness_db(with_rests, RATE) == pytest.approx(-9.03, abs=1.2)
    assert loudness_db(np.zeros(100), RATE) == float("-inf")


@pytest.mark.parametrize("solo_level", [0.006, 0.05, 0.9])
@pytest.mark.parametrize("ensemble_level", [0.01, 0.9])
def test_the_ensemble_leans_under_the_soloist_whatever_their_levels(
    solo_level: float, ensemble_level: float
) -> None:
    solo = tone(solo_level)
    others = np.stack([tone(ensemble_level, hz=220.0)] * 2, axis=1)
    ensemble, mix = balance(solo[:, None], others, RATE)
    soloist = mix - ensemble
    under = loudness_db(soloist, RATE) - loudness_db(ensemble, RATE)
    assert under == pytest.approx(4.0, abs=0.3)
    assert np.abs(mix).max() <= 0.8901


def test_the_mix_is_as_long_as_the_longer_and_stereo() -> None:
    ensemble, mix = balance(tone(0.1, 1.0), np.zeros((3 * RATE, 2), np.float32), RATE)
    assert mix.shape == ensemble.shape == (3 * RATE, 2)
    six = np.stack([tone(0.1, 1.0)] * 6, axis=1)
    assert balance(six, np.zeros((RATE, 2), np.float32), RATE)[1].shape == (RATE, 2)


def test_silence_stays_silence() -> None:
    nothing = np.zeros((RATE, 2), np.float32)
    for part in balance(nothing, nothing, RATE):
        assert not part.any()


def test_peaks_are_turned_down_without_clipping_and_the_rest_left_alone() -> None:
    sound = np.stack([tone(0.3)] * 2, axis=1)
    sound[RATE : RATE + 200] *= 8.0
    out = limited(sound, RATE)
    assert np.abs(out).max() <= 0.8901
    assert np.array_equal(out[: RATE // 2], sound[: RATE // 2])
    assert np.mean(np.abs(out) > 0.889) < 0.001
    quiet = sound[: RATE // 2]
    assert limited(quiet, RATE) is quiet


def test_the_balance_is_that_of_the_passages_in_which_the_soloist_plays() -> None:
    solo = np.concatenate((tone(0.1, 6.0), np.zeros(12 * RATE, np.float32)))
    under, alone = tone(0.02, 6.0, hz=220.0), tone(0.3, 12.0, hz=220.0)
    ensemble, mix = balance(solo[:, None], np.stack([np.concatenate((under, alone))] * 2, 1), RATE)
    with_solo = slice(RATE, 5 * RATE)
    difference = loudness_db((mix - ensemble)[with_solo], RATE)
    difference -= loudness_db(ensemble[with_solo], RATE)
    assert difference == pytest.approx(4.0, abs=0.3)
    assert loudness_db(ensemble[7 * RATE :], RATE) > loudness_db(ensemble[with_solo], RATE) + 6.0
    assert np.abs(mix).max() <= 0.8901


def test_a_soloist_who_is_hardly_there_leaves_the_ensemble_its_own_balance() -> None:
    solo = np.concatenate((tone(0.1, 0.5), np.zeros(4 * RATE, np.float32)))
    others = np.stack([np.concatenate((np.zeros(2 * RATE, np.float32), tone(0.2, 2.5)))] * 2, 1)
    ensemble, _ = balance(solo[:, None], others, RATE)
    assert loudness_db(ensemble, RATE) == pytest.approx(-24.0, abs=0.5)
