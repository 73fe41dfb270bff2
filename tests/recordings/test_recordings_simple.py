"""The weaker ways: steady, struck or in between; in the middle or not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from separation_sounds import RATE, chords, improvement_db, line, separated

from accompanist.errors import BadInputError
from accompanist.recordings.separation.methods import SeparationSettings
from accompanist.recordings.separation.simple import Centre, Hpss, best_method, has_centre
from accompanist.recordings.sound import ArraySound

FloatArray = npt.NDArray[np.float32]

MELODY = (64, 69, 71, 74, 72, 67)


def stereo(left: FloatArray, right: FloatArray) -> ArraySound:
    return ArraySound(np.stack([left, right], axis=1), RATE)


@pytest.fixture(scope="module")
def panned() -> tuple[FloatArray, FloatArray, FloatArray]:
    """A soloist in the middle, one voice to the left and another to the right."""
    low = chords(4, 0.9)
    high = line((88, 86, 91, 85, 84, 88), 0.6, timbre=1.5)
    return line(MELODY, 0.6, timbre=1.0), low + 0.1 * high, high + 0.1 * low


def test_the_centre_is_taken_out(panned: tuple[FloatArray, FloatArray, FloatArray]) -> None:
    solo, left, right = panned
    accompaniment, taken, told = separated(Centre(), [solo + left, solo + right], [])
    assert improvement_db(accompaniment[:, 0], left, solo) > 4.0
    assert improvement_db(accompaniment[:, 1], right, solo) > 4.0
    both = np.stack([solo + left, solo + right], axis=1)
    np.testing.assert_allclose(accompaniment + taken, both, atol=1e-6)
    np.testing.assert_array_equal(taken[:, 0], taken[:, 1])
    assert sum(told) == pytest.approx(len(solo) / RATE)


def test_what_stands_aside_stays(panned: tuple[FloatArray, FloatArray, FloatArray]) -> None:
    _, left, right = panned
    accompaniment, _, _ = separated(Centre(), [left, right], [])
    lost = accompaniment[:, 0] - left
    assert np.sum(lost**2) < 0.05 * np.sum(left**2)


def test_the_bass_in_the_middle_stays() -> None:
    t = np.arange(2 * RATE) / RATE
    bass = np.asarray(0.3 * np.sin(2 * np.pi * 60.0 * t), dtype=np.float32)
    side = np.asarray(0.1 * np.sin(2 * np.pi * 900.0 * t), dtype=np.float32)
    _, taken, _ = separated(Centre(), [bass + side, bass], [])
    assert np.sum(taken**2) < 1e-3 * np.sum(bass**2)


@pytest.mark.parametrize("blocks", [SeparationSettings(block_s=1.0, overlap_s=0.2)])
def test_blocks_leave_no_seam(
    panned: tuple[FloatArray, FloatArray, FloatArray], blocks: SeparationSettings
) -> None:
    solo, left, right = panned
    whole = separated(Centre(), [solo + left, solo + right], [])[1]
    cut, told = separated(Centre(), [solo + left, solo + right], [], blocks)[1:]
    assert np.sum((whole - cut) ** 2) < 1e-2 * np.sum(whole**2)
    assert sum(told) == pytest.approx(len(solo) / RATE)


def test_mono_has_no_centre(panned: tuple[FloatArray, FloatArray, FloatArray]) -> None:
    solo, left, _ = panned
    mixed = solo + left
    for channels in ([mixed], [mixed, mixed], [mixed, 0 * mixed], [mixed, -mixed]):
        with pytest.raises(BadInputError, match="mono"):
            separated(Centre(), channels, [])


def test_hpss_finds_a_voice_between_steady_and_struck() -> None:
    voice = line((69, 71, 72, 71, 69, 67), 0.6, timbre=1.0, vibrato_cents=70.0)
    steady = chords(1, 4.1)
    struck = np.zeros_like(voice)
    generator = np.random.default_rng(1)
    decay = np.exp(-np.arange(400) / 60.0)
    for start in range(2000, len(struck) - 400, 7000):
        struck[start : start + 400] = 0.4 * generator.standard_normal(400) * decay
    others = 0.6 * steady + struck
    accompaniment, taken, told = separated(Hpss(), [voice + others], [])
    assert improvement_db(accompaniment[:, 0], others, voice) > 2.0
    np.testing.assert_allclose(accompaniment[:, 0] + taken[:, 0], voice + others, atol=1e-6)
    assert sum(told) == pytest.approx(len(voice) / RATE)


def test_alpha_of_nothing_takes_nothing(
    panned: tuple[FloatArray, FloatArray, FloatArray],
) -> None:
    solo, left, right = panned
    for method in (Centre(), Hpss()):
        settings = SeparationSettings(alpha=0.0)
        taken = separated(method, [solo + left, solo + right], [], settings)[1]
        assert not taken.any()


def test_the_best_method_for_what_there_is(
    panned: tuple[FloatArray, FloatArray, FloatArray],
) -> None:
    solo, left, right = panned
    both, shown = stereo(solo + left, solo + right), ArraySound(solo, RATE)
    assert best_method(both, [shown]) == "harmonic"
    assert best_method(both, [shown], fast=True) == "harmonic-fast"
    assert best_method(both, []) == "centre"
    with pytest.raises(BadInputError, match=r"mono: .* give --solo"):
        best_method(shown, [])


def test_a_centre_needs_two_channels_that_differ_and_share() -> None:
    noise = np.random.default_rng(0).standard_normal((2, RATE)).astype(np.float32)
    assert has_centre(stereo(noise[0], noise[1]))
    assert not has_centre(stereo(noise[0], noise[0]))
    assert not has_centre(ArraySound(noise[0], RATE))
    assert not has_centre(stereo(noise[0], -0.3 * noise[0]))
    assert not has_centre(stereo(0 * noise[0], 0 * noise[0]))
