"""The ear: shares that sum to one, rises at onsets, presence, and bad samples."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.hearing.bank import FilterBank
from accompanist.hearing.evidence import Ear

RATE, HOP = 44_100, 256
HOP_S = HOP / RATE


def listen(samples: np.ndarray) -> tuple[list[np.ndarray], list[float], list[float], Ear]:
    ear = Ear(FilterBank(RATE), HOP_S)
    rises, presence, silence = [], [], []
    for start in range(0, len(samples) - HOP + 1, HOP):
        ear.hear(samples[start : start + HOP])
        rises.append(ear.rise.copy())
        presence.append(ear.presence)
        silence.append(float(ear.spectrum[-1]))
    return rises, presence, silence, ear


def tone(seconds: float, gain: float = 0.3) -> np.ndarray:
    t = np.arange(int(RATE * seconds)) / RATE
    partials = [0.75**h * np.sin(2 * np.pi * 440 * (h + 1) * t) for h in range(8)]
    return np.asarray(gain * np.sum(partials, axis=0), dtype=np.float32)


def test_spectrum_sums_to_one_whatever_the_level() -> None:
    for gain in (1e-5, 1e-2, 0.3):
        *_, ear = listen(tone(0.2, gain))
        assert ear.spectrum.sum() == pytest.approx(1.0, abs=1e-5)


def test_a_tone_is_presence_and_noise_or_silence_is_not() -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, RATE // 2).astype(np.float32)
    _, sure, silent, _ = listen(np.concatenate([tone(0.4), np.zeros(RATE, np.float32)]))
    assert sure[60] > 0.95
    assert silent[60] < 0.02
    assert sure[-1] < 0.05
    assert silent[-1] > 0.9
    assert np.median(listen(noise)[1]) < 0.2


def test_rise_tells_of_the_onset_at_once_and_then_falls_silent() -> None:
    samples = np.concatenate([tone(0.3, 0.01), tone(0.3)])
    rises, *_ = listen(samples)
    fundamental = int(np.argmin(abs(FilterBank(RATE).frequencies_hz - 440)))
    rises = [r[fundamental] for r in rises]
    onset = int(0.3 / HOP_S)
    at_onset = max(rises[onset : onset + 4])
    assert at_onset > 2.0
    assert max(rises[onset + 12 :]) < 0.1


def test_level_is_rms_in_decibels() -> None:
    *_, ear = listen(np.full(HOP, 0.1, dtype=np.float32))
    assert ear.level_db == pytest.approx(-20.0, abs=0.01)


@pytest.mark.parametrize("fundamentals", [(130.8, 155.6, 233.1), (98.0, 146.8, 196.0, 246.9)])
def test_thick_low_chords_are_presence(fundamentals: tuple[float, ...]) -> None:
    t = np.arange(RATE // 2) / RATE
    chord = sum(
        0.75**h * np.sin(2 * np.pi * f * (h + 1) * t + f) for f in fundamentals for h in range(12)
    )
    _, sure, _, _ = listen((0.05 * np.asarray(chord)).astype(np.float32))
    assert np.median(sure[40:]) > 0.8
    assert min(sure[40:]) > 0.4


@pytest.mark.parametrize("steepness", [0.0, 0.5, 1.0])
def test_noise_of_no_colour_is_presence(steepness: float) -> None:
    white = np.fft.rfft(np.random.default_rng(4).standard_normal(RATE))
    shaped = np.fft.irfft(white / (np.arange(len(white)) + 10.0) ** steepness)
    _, sure, _, _ = listen((0.1 * shaped / shaped.std()).astype(np.float32))
    assert np.quantile(sure[40:], 0.9) < 0.2


@pytest.mark.parametrize("expected", [1e-44, 1e-30, 1e-20, 1e-13, 1e-11, 1e-6, 1.0])
@pytest.mark.parametrize("gain", [0.0, 1e-9, 0.3])
def test_however_little_is_expected_of_others_and_is_heard(expected: float, gain: float) -> None:
    ear = Ear(FilterBank(RATE), HOP_S)
    others = np.full(len(ear.bank), expected, dtype=np.float32)
    samples = tone(0.1, gain)
    for start in range(0, len(samples) - HOP + 1, HOP):
        ear.push(samples[start : start + HOP])
        ear.weigh(others)
        for said in (ear.spectrum, ear.whole, ear.others, ear.rise):
            assert said is not None
            assert np.isfinite(said).all()
        assert 0.0 <= ear.presence <= 1.0
        assert 0.0 <= ear.clearness <= 1.0
