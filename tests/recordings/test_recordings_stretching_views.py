"""A sound seen otherwise: at another rate, through a memory, without its soloist, held."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.recordings.sound import ArraySound
from accompanist.recordings.stretching.freeze import Freeze
from accompanist.recordings.stretching.resampled import Blend, Buffered, Resampled

FloatArray = npt.NDArray[np.float32]


def sine(hz: float, rate: int, seconds: float) -> FloatArray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def noise(count: int, channels: int = 1) -> FloatArray:
    return np.random.default_rng(1).normal(0.0, 0.1, (count, channels)).astype(np.float32)


@pytest.mark.parametrize(
    ("rate", "wanted"), [(44_100, 48_000), (48_000, 44_100), (44_100, 22_050), (8000, 44_101)]
)
def test_another_rate_keeps_pitch_level_and_place(rate: int, wanted: int) -> None:
    hz = 0.35 * min(rate, wanted)
    out = Resampled(ArraySound(sine(hz, rate, 0.5), rate), wanted)
    assert out.length == round(rate // 2 * wanted / rate)
    first, count = wanted // 10, wanted // 4
    expected = np.sin(2 * np.pi * hz * np.arange(first, first + count) / wanted)
    assert np.abs(out.read(first, count)[:, 0] - expected).max() < 1.5e-3


def test_what_the_slower_rate_cannot_hold_is_gone() -> None:
    out = Resampled(ArraySound(sine(15_000.0, 44_100, 0.5), 44_100), 22_050)
    assert np.abs(out.read(2000, 4000)).max() < 1e-3


def test_the_samples_of_another_rate_are_the_same_in_whatever_order_they_are_read() -> None:
    out = Resampled(ArraySound(noise(5000, 2), 44_100), 48_000)
    whole = out.read(-100, 5600)
    for start, count in ((4000, 700), (0, 1), (-100, 50), (123, 456), (10, 0)):
        there = whole[start + 100 : start + 100 + count]
        assert np.abs(out.read(start, count) - there).max(initial=0.0) < 1e-6


class Counted(ArraySound):
    """Counts how often it is read."""

    def __init__(self, samples: FloatArray) -> None:
        super().__init__(samples, 8000)
        self.reads = 0

    def read(self, start: int, count: int) -> FloatArray:
        self.reads += 1
        return super().read(start, count)


@given(places=st.lists(st.tuples(st.integers(-300, 1300), st.integers(0, 400)), max_size=20))
@settings(max_examples=40)
def test_a_memory_changes_nothing(places: list[tuple[int, int]]) -> None:
    plain = ArraySound(noise(1000, 2), 8000)
    kept = Buffered(plain, block=64, blocks=3)
    for start, count in places:
        assert np.array_equal(kept.read(start, count), plain.read(start, count))


def test_a_memory_reads_each_place_once_going_on() -> None:
    sound = Counted(noise(1000))
    kept = Buffered(sound, block=100)
    for start in range(0, 900, 10):
        kept.read(start, 100)
    assert sound.reads == 10


def test_the_soloist_is_as_loud_as_is_wanted() -> None:
    mix, others = noise(100, 2), 0.5 * noise(100, 2)
    blend = Blend(ArraySound(mix, 8000), ArraySound(others, 8000))
    assert np.array_equal(blend.read(0, 100), others)
    blend.solo_level = 1.0
    assert np.array_equal(blend.read(0, 100), mix)
    blend.solo_level = 0.25
    assert np.abs(blend.read(0, 100) - (others + 0.25 * (mix - others))).max() < 1e-7
    alone = Blend(ArraySound(mix, 8000), None)
    assert np.array_equal(alone.read(0, 100), mix)
    with pytest.raises(ValueError, match="same rate and channels"):
        Blend(ArraySound(mix, 8000), ArraySound(others, 44_100))


def test_what_is_held_sounds_on_evenly_at_its_pitch() -> None:
    rate = 16_000
    chord = 0.1 * (sine(220.0, rate, 2.0) + sine(277.2, rate, 2.0) + sine(1000.0, rate, 2.0))
    freeze = Freeze(ArraySound(chord, rate))
    freeze.locate(rate, 0.0)
    held = np.concatenate([freeze.render(93, 0.0) for _ in range(700)])[:, 0]
    levels = np.sqrt(np.square(held[:60_000]).reshape(20, -1).mean(axis=1))
    assert levels == pytest.approx(np.sqrt(np.square(chord).mean()), rel=0.12)
    spectrum = np.abs(np.fft.rfft(held[:32_000] * np.hanning(32_000)))
    for hz in (220.0, 277.2, 1000.0):
        near = slice(int(2 * hz) - 20, int(2 * hz) + 20)
        assert (near.start + np.argmax(spectrum[near])) / 2 == pytest.approx(hz, abs=2.0)
    assert np.abs(np.diff(held)).max() < 1.5 * np.abs(np.diff(chord)).max()
    assert freeze.position == freeze.head == rate


def test_what_is_held_does_not_hear_what_comes_behind() -> None:
    sound = np.zeros((16_000, 1), dtype=np.float32)
    sound[8000:] = 0.5
    freeze = Freeze(ArraySound(sound, 16_000))
    freeze.locate(8000.0, 0.0)
    assert not freeze.render(4000, 0.0).any()


def test_what_is_held_very_long_dies_away() -> None:
    rate = 4000
    freeze = Freeze(ArraySound(0.1 * sine(440.0, rate, 1.0), rate))
    freeze.locate(rate, 0.0)
    held = freeze.render(17 * rate, 0.0)[:, 0]
    assert np.abs(held[11 * rate : 12 * rate]).max() > 0.08
    assert not held[-rate + 10 :].any()
