"""Chroma of a stream: the right class, the right time, nothing of the blocks, any sound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.hearing.chroma import (
    ChromaFrames,
    FoldedChroma,
    LibrosaChroma,
    chroma_frames,
)

RATE = 44_100


def tone(pitch: float, seconds: float, rate: int = RATE) -> npt.NDArray[np.float32]:
    t = np.arange(int(rate * seconds)) / rate
    return np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t).astype(np.float32)


def test_an_unknown_front_end_is_refused() -> None:
    with pytest.raises(ValueError, match="folded and librosa"):
        chroma_frames("nobody", RATE)


@pytest.mark.parametrize("pitch", range(53, 95, 5))
def test_a_sine_reads_one_in_its_class_whatever_the_octave(pitch: int) -> None:
    rows = FoldedChroma(RATE).feed(tone(pitch, 0.5))
    assert rows[-1].argmax() == pitch % 12
    assert rows[-1].max() == pytest.approx(1.0, abs=0.03)
    others = np.delete(rows[-1], [(pitch + d) % 12 for d in (-1, 0, 1)])
    assert others.max() < 0.35


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_rows_come_fifty_times_a_second_at_any_rate(rate: int) -> None:
    ear = FoldedChroma(rate)
    assert ear.frame_s == pytest.approx(0.02, rel=0.01)
    assert ear.feed(tone(69, 1.0, rate)).shape == (int(1.0 / ear.frame_s), 12)


@pytest.mark.parametrize("a4_hz", [392.0, 415.0, 466.0])
def test_classes_lie_about_the_tuning(a4_hz: float) -> None:
    pitch = 69 + 12 * np.log2(a4_hz / 440.0)
    rows = FoldedChroma(RATE, a4_hz).feed(tone(pitch, 0.3))
    assert rows[-1].argmax() == 9
    assert rows[-1].max() == pytest.approx(1.0, abs=0.05)


def test_librosa_classes_lie_about_the_tuning() -> None:
    rows = LibrosaChroma(RATE, 415.0).feed(tone(69 + 12 * np.log2(415.0 / 440.0), 0.15))
    assert rows[-1].argmax() == 9
    assert rows[-1].max() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("ear", "pitches"), [(FoldedChroma(RATE), range(55, 85, 3)), (LibrosaChroma(RATE), [67, 74])]
)
def test_the_latency_is_when_a_new_tone_takes_over(ear: ChromaFrames, pitches: list[int]) -> None:
    late = []
    for pitch in pitches:
        rows = ear.feed(np.concatenate([tone(pitch, 0.25), tone(pitch + 2, 0.25)]))
        row = np.argmax(rows[3:, (pitch + 2) % 12] > rows[3:, pitch % 12]) + 3
        late.append((row + 0.5) * ear.frame_s - 0.25)
    assert np.mean(late) == pytest.approx(ear.latency_s, abs=0.3 * ear.frame_s + 0.005)


@given(
    cuts=st.lists(st.integers(0, 3_000), max_size=8),
    seed=st.integers(0, 1_000),
)
@settings(max_examples=20, deadline=None)
def test_rows_do_not_depend_on_the_blocks_nor_on_what_follows(cuts: list[int], seed: int) -> None:
    sound = np.random.default_rng(seed).normal(0, 0.1, 6_000).astype(np.float32)
    whole = FoldedChroma(RATE).feed(sound)
    ear = FoldedChroma(RATE)
    edges = [0, *sorted(cuts), len(sound)]
    parts = [ear.feed(sound[a:b]) for a, b in pairwise(edges)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(FoldedChroma(RATE).feed(sound[:4_000]), whole[: int(4_000 / 882)])


def test_librosa_rows_do_not_depend_on_the_blocks() -> None:
    sound = tone(69, 0.2) * np.float32(0.3)
    whole = LibrosaChroma(RATE).feed(sound)
    ear = LibrosaChroma(RATE)
    parts = [ear.feed(sound[i : i + 777]) for i in range(0, len(sound), 777)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert whole.shape == (4, 12)
    assert ear.frame_s == pytest.approx(0.0464, abs=1e-4)


def test_librosa_fits_below_half_of_a_low_rate() -> None:
    rows = LibrosaChroma(8_000).feed(tone(69, 0.3, 8_000))
    assert rows[-1].argmax() == 9


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_what_is_no_sound_does_no_lasting_harm(bad: float) -> None:
    ear = FoldedChroma(RATE)
    ear.feed(np.full(2_000, bad, dtype=np.float32))
    rows = ear.feed(np.concatenate([np.zeros(RATE, np.float32), tone(69, 0.5)]))
    assert np.isfinite(rows).all()
    assert rows[-1].argmax() == 9


def test_nothing_at_all_is_heard_without_a_row() -> None:
    ear = FoldedChroma(RATE)
    assert ear.feed(np.zeros(0, np.float32)).shape == (0, 12)
    assert ear.feed(np.zeros(882, np.float32)).tolist() == [[0.0] * 12]
