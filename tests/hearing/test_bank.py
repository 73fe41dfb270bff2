"""The filter bank: gain, rates, and that nothing depends on how the stream is cut."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.hearing.bank import FilterBank


def sine(frequency_hz: float, rate: int, seconds: float) -> np.ndarray:
    t = np.arange(int(rate * seconds)) / rate
    return np.sin(2 * np.pi * frequency_hz * t).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_a_full_scale_sine_reads_one_in_its_own_band(rate: int) -> None:
    bank = FilterBank(rate)
    out = np.zeros(len(bank), dtype=np.float32)
    bank.push(sine(440.0, rate, 0.5), out)
    assert bank.frequencies_hz[out.argmax()] == pytest.approx(440.0)
    assert out.max() == pytest.approx(1.0, abs=6e-3)


def test_response_says_what_a_sine_reads_in_every_band() -> None:
    bank = FilterBank(44_100)
    out = np.zeros(len(bank), dtype=np.float32)
    bank.push(sine(1000.0, 44_100, 0.5), out)
    expected = bank.response(np.array([1000.0]))[0]
    strong = expected > 0.02
    assert out[strong] == pytest.approx(expected[strong], rel=0.05)


def test_bands_end_below_half_the_rate() -> None:
    assert len(FilterBank(44_100)) == 252
    assert FilterBank(8_000).frequencies_hz[-1] < 0.45 * 8_000


def test_output_does_not_depend_on_the_blocks() -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, 4_000).astype(np.float32)
    whole, pieces = FilterBank(44_100), FilterBank(44_100)
    a, b = np.zeros(252, dtype=np.float32), np.zeros(252, dtype=np.float32)
    whole.push(samples, a)
    for start in range(0, 4_000, 123):
        pieces.push(samples[start : start + 123], b)
    assert np.array_equal(a, b)


def test_an_offset_is_not_heard() -> None:
    bank = FilterBank(44_100)
    out = np.zeros(len(bank), dtype=np.float32)
    bank.push(np.full(44_100, 0.5, dtype=np.float32), out)
    assert out.max() < 1e-4
