"""Stretched sound: where it is, what it sounds like, and what it never does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.recordings.sound import ArraySound
from accompanist.recordings.stretching.protocol import Stretcher
from accompanist.recordings.stretching.registry import make_stretcher, stretcher_names

RATE = 16_000
NAMES = ("phase-gradient", "phase-vocoder")

FloatArray = npt.NDArray[np.float32]


def harmonic(seconds: float, hz: float = 220.0, partials: int = 6) -> FloatArray:
    t = np.arange(round(seconds * RATE)) / RATE
    tone = sum(0.7**k * np.sin(2 * np.pi * hz * (k + 1) * t + k) for k in range(partials))
    return np.asarray(0.1 * tone, dtype=np.float32)


def clicks(seconds: float, apart: int) -> FloatArray:
    out = np.zeros(round(seconds * RATE), dtype=np.float32)
    out[apart::apart] = 0.5
    return out


def noise(seconds: float, channels: int = 2, seed: int = 0) -> FloatArray:
    shape = (round(seconds * RATE), channels)
    return np.random.default_rng(seed).normal(0.0, 0.1, shape).astype(np.float32)


def stretcher(name: str, samples: FloatArray, at: float = 0.0, rate: float = 1.0) -> Stretcher:
    made = make_stretcher(name)(ArraySound(samples, RATE))
    made.locate(at, rate)
    return made


def stretched(name: str, samples: FloatArray, rate: float, block: int = 93) -> FloatArray:
    source = stretcher(name, samples, rate=rate)
    count = int(len(samples) / rate)
    return np.concatenate([source.render(block, rate) for _ in range(count // block)])


def centre(samples: FloatArray, near: float, around: int = 240) -> float:
    """Middle of the energy around a sample."""
    first = round(near) - around
    power = np.square(samples[first : first + 2 * around, 0].astype(np.float64))
    return float(first + (power * np.arange(2 * around)).sum() / power.sum())


def test_the_default_is_the_first_and_unknown_names_are_refused() -> None:
    assert make_stretcher() is make_stretcher(stretcher_names()[0])
    with pytest.raises(ValueError, match="no stretcher 'x'; there is phase-gradient"):
        make_stretcher("x")


@pytest.mark.parametrize("name", stretcher_names())
def test_at_rate_one_the_sound_comes_out_as_it_went_in(name: str) -> None:
    samples = noise(1.0)
    out = stretcher(name, samples, at=3000.0).render(8000, 1.0)
    assert np.abs(out - samples[3000:11_000]).max() < 1e-6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rate", [0.5, 0.8, 1.25, 2.0])
def test_everything_is_where_it_belongs(name: str, rate: float) -> None:
    apart = 2000
    out = stretched(name, clicks(3.0, apart), rate)
    places = [apart * i / rate for i in range(3, 20)]
    errors = [centre(out, place) - place for place in places]
    # Phases taken over at an attack put it where it is in the frame: half a hop off at most.
    within_s = 0.001 if name == "phase-gradient" else 0.006
    assert np.abs(errors).max() < within_s * RATE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_pitch_and_level_are_kept(name: str, rate: float) -> None:
    samples = harmonic(3.0)
    out = stretched(name, samples, rate)[RATE // 2 : RATE // 2 + RATE, 0]
    window = np.hanning(RATE)
    spectrum = np.abs(np.fft.rfft(out * window, 8 * RATE))
    before = np.abs(np.fft.rfft(samples[8000 : 8000 + RATE] * window, 8 * RATE))
    for partial in range(1, 7):
        near = slice(8 * (220 * partial - 20), 8 * (220 * partial + 20))
        found_hz = (near.start + np.argmax(spectrum[near])) / 8
        assert abs(1200 * np.log2(found_hz / (220.0 * partial))) < 1.0
        assert spectrum[near].max() == pytest.approx(before[near].max(), rel=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_everything_stays_where_it_is_in_the_room(name: str) -> None:
    """One tone on the left, one in antiphase: the side and the phase of each are kept."""
    left, apart = harmonic(2.0, 300.0, 1), harmonic(2.0, 1000.0, 1)
    out = stretched(name, np.stack((left + apart, -apart), axis=1), 0.9)[4000:20_000]
    window = np.hanning(16_000)[:, None]
    spectra = np.fft.rfft(out * window, axis=0)
    at_300, at_1000 = spectra[300], spectra[1000]
    assert abs(at_300[1]) < 0.01 * abs(at_300[0])
    assert at_1000[1] / at_1000[0] == pytest.approx(-1.0, abs=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_out_does_not_depend_on_how_much_is_asked_for(name: str) -> None:
    samples = noise(1.5)
    whole = stretcher(name, samples, 500.5, 0.9).render(9000, 0.9)
    parts = stretcher(name, samples, 500.5, 0.9)
    pieces = [parts.render(n, 0.9) for n in (1, 7, 500, 3000, 92, 5400)]
    assert np.abs(np.concatenate(pieces) - whole).max() < 1e-5


def test_a_new_rate_is_heard_after_the_lookahead_and_exactly_then() -> None:
    source = stretcher("phase-gradient", clicks(4.0, 800))
    source.render(RATE, 1.0)
    out = source.render(RATE, 1.25)
    assert source.lookahead <= 0.036 * RATE
    turned = source.lookahead
    for click in range(RATE + 800, 2 * RATE, 800):
        passed = click - RATE
        place = passed if passed <= turned else turned + (passed - turned) / 1.25
        if 300 < place < RATE - 300 and abs(place - turned) > 300:
            assert centre(out, place) == pytest.approx(place, abs=0.002 * RATE)
    assert source.position == pytest.approx(RATE + turned + 1.25 * (RATE - turned), abs=0.01)
    assert source.head == pytest.approx(source.position + 1.25 * turned, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_standing_still_it_goes_on_sounding(name: str) -> None:
    source = stretcher(name, harmonic(2.0))
    source.render(RATE, 1.0)
    source.render(source.lookahead, 0.0)
    held = source.render(RATE, 0.0)
    levels = np.sqrt(np.square(held[:, 0]).reshape(20, -1).mean(axis=1))
    assert levels.min() > 0.8 * levels.max()


@pytest.mark.parametrize("name", stretcher_names())
@given(
    rates=st.lists(st.floats(0.0, 4.0), min_size=1, max_size=8),
    at=st.floats(-2000.0, 12_000.0),
    seed=st.integers(0, 9),
)
@settings(max_examples=15)
def test_whatever_is_asked_for_it_is_finite_and_not_too_loud(
    name: str, rates: list[float], at: float, seed: int
) -> None:
    samples = noise(0.5, channels=1 + seed % 2, seed=seed)
    if seed > 6:
        samples[2000:6000] = 0.0
    source = stretcher(name, samples, at, rates[0])
    out = np.concatenate([source.render(93, rate) for rate in rates for _ in range(5)])
    assert out.shape == (93 * 5 * len(rates), samples.shape[1])
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 4.0 * np.abs(samples).max()


def test_silence_stays_silence() -> None:
    out = stretched("phase-gradient", np.zeros(RATE, dtype=np.float32), 1.1)
    assert not out.any()
