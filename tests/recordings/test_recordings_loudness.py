"""Loudness as the standard has it."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.recordings.loudness import SILENT_LUFS, Loudness, LoudnessMeter


def measured(samples: np.ndarray, rate: int, block: int = 7777) -> Loudness:
    meter = LoudnessMeter(rate, samples.shape[1])
    for start in range(0, len(samples), block):
        meter.feed(samples[start : start + block])
    return meter.result()


def sine(rate: int, seconds: float, hz: float = 997.0, channels: int = 1) -> np.ndarray:
    wave = np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_a_full_scale_sine_near_1_khz_has_minus_3_lufs(rate: int) -> None:
    assert measured(sine(rate, 3.0), rate).integrated_lufs == pytest.approx(-3.01, abs=0.03)
    stereo = measured(sine(rate, 3.0, channels=2), rate)
    assert stereo.integrated_lufs == pytest.approx(0.0, abs=0.03)


def test_low_sounds_count_less_and_high_ones_more() -> None:
    assert measured(sine(48000, 3.0, 30.0), 48000).integrated_lufs < -9.0
    assert measured(sine(48000, 3.0, 8000.0), 48000).integrated_lufs == pytest.approx(0.3, abs=0.2)


def test_silence_between_is_left_out() -> None:
    loud = 0.1 * sine(8000, 4.0)
    with_gap = np.concatenate((loud, np.zeros((8000 * 8, 1), np.float32), loud))
    plain, gapped = measured(loud, 8000), measured(with_gap, 8000)
    assert gapped.integrated_lufs == pytest.approx(plain.integrated_lufs, abs=0.3)
    assert gapped.momentary_lufs[60] == SILENT_LUFS
    assert len(gapped.momentary_lufs) == 160


def test_silence_has_the_gates_loudness() -> None:
    silent = measured(np.zeros((16000, 2), np.float32), 8000)
    assert silent.integrated_lufs == SILENT_LUFS
    assert set(silent.momentary_lufs) == {SILENT_LUFS}


def test_blocks_make_no_difference() -> None:
    noise = np.random.default_rng(3).normal(0.0, 0.1, (20_000, 2)).astype(np.float32)
    whole = measured(noise, 8000, block=len(noise))
    for block in (799, 800, 5000):
        parts = measured(noise, 8000, block)
        assert parts.integrated_lufs == pytest.approx(whole.integrated_lufs, abs=1e-6)
        np.testing.assert_allclose(parts.momentary_lufs, whole.momentary_lufs, atol=1e-4)


def test_less_than_a_window_is_measured_too() -> None:
    assert measured(sine(8000, 0.1), 8000).integrated_lufs == pytest.approx(-9.0, abs=0.5)
    assert measured(np.zeros((0, 1), np.float32), 8000).integrated_lufs == SILENT_LUFS
