from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.errors import BadInputError, UsageError
from accompanist.recordings.separation.methods import (
    Progress,
    SeparationSettings,
    default_method,
    make_method,
    separate,
)
from accompanist.recordings.separation.stft import (
    Block,
    Frames,
    crossfaded,
    plan_blocks,
    resynthesise,
    spectra,
)
from accompanist.recordings.sound import ArraySound, Sound

FloatArray = npt.NDArray[np.float32]


def noise(length: int, channels: int = 2, rate: int = 8000) -> ArraySound:
    samples = np.random.default_rng(3).normal(0.0, 0.1, (length, channels))
    return ArraySound(samples.astype(np.float32), rate)


@settings(max_examples=30, deadline=None)
@given(
    length=st.integers(1, 3000),
    parts=st.integers(1, 7),
    channels=st.integers(1, 2),
    overlaps=st.sampled_from([4, 5, 8]),
)
def test_an_open_mask_gives_the_sound_back(
    length: int, parts: int, channels: int, overlaps: int
) -> None:
    frames = Frames(window=32 * overlaps, hop=32)
    sound = noise(length, channels)
    cuts = np.array_split(np.ones((frames.bins, frames.count(length)), np.float32), parts, axis=1)
    got = np.concatenate(list(resynthesise(sound, frames, cuts)))
    assert got.shape == (length, channels)
    np.testing.assert_allclose(got, sound.read(0, length), atol=2e-6)


def test_spectra_of_a_range_are_those_of_the_whole() -> None:
    frames = Frames(window=256, hop=64)
    sound = noise(2000)
    whole = spectra(sound, frames, 0, frames.count(2000))
    np.testing.assert_array_equal(spectra(sound, frames, 7, 5), whole[:, :, 7:12])


def test_masks_that_agree_are_joined_without_a_trace() -> None:
    whole = np.random.default_rng(1).random((3, 40)).astype(np.float32)
    blocks = plan_blocks(40, 12, 4)
    joined = np.concatenate(
        list(crossfaded((block, whole[:, block.first : block.end]) for block in blocks)), axis=1
    )
    np.testing.assert_allclose(joined, whole, atol=1e-6)


def test_masks_that_disagree_are_faded() -> None:
    masks = [
        (Block(0, 6), np.zeros((1, 6), np.float32)),
        (Block(3, 9), np.ones((1, 6), np.float32)),
    ]
    joined = np.concatenate(list(crossfaded(masks)), axis=1)
    np.testing.assert_allclose(joined[0], [0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1])


@given(st.integers(1, 5000), st.integers(10, 700), st.integers(0, 5))
def test_blocks_cover_everything_and_overlap(count: int, length: int, overlap: int) -> None:
    blocks = plan_blocks(count, length, overlap)
    assert blocks[0].first == 0
    assert blocks[-1].end == count
    for before, after in pairwise(blocks):
        assert before.end - after.first == overlap
        assert after.end > before.end
    assert all(block.end - block.first <= length + 1 for block in blocks)


class Half:
    """Half of the mixture is the solo, in blocks of 1000 samples."""

    name = "half"
    needs_solo = True

    def solo(
        self,
        mixture: Sound,
        solos: Sequence[Sound],
        settings: SeparationSettings,
        progress: Progress,
    ) -> Iterator[FloatArray]:
        for start in range(0, mixture.length, 1000):
            count = min(1000, mixture.length - start)
            progress(count / mixture.rate)
            yield 0.5 * mixture.read(start, count)


def test_solo_and_accompaniment_are_the_mixture() -> None:
    mixture = noise(3500)
    pieces: list[tuple[FloatArray, FloatArray]] = []
    told: list[float] = []
    separate(
        mixture,
        [mixture],
        Half(),
        SeparationSettings(),
        lambda accompaniment, solo: pieces.append((accompaniment, solo)),
        told.append,
    )
    accompaniment, solo = (np.concatenate(part) for part in zip(*pieces, strict=True))
    np.testing.assert_array_equal(accompaniment + solo, mixture.read(0, 3500))
    assert sum(told) == pytest.approx(3500 / 8000)


def test_who_listens_to_the_progress_can_end_it() -> None:
    class EnoughError(Exception):
        pass

    def stop(seconds: float) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        separate(noise(3500), [noise(9)], Half(), SeparationSettings(), lambda *blocks: None, stop)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(UsageError, match="needs a sound"):
        separate(noise(9), [], Half(), SeparationSettings(), lambda *blocks: None)
    with pytest.raises(BadInputError, match="empty"):
        separate(noise(0), [noise(9)], Half(), SeparationSettings(), lambda *blocks: None)
    with pytest.raises(UsageError, match="no separation method"):
        make_method("magic")
    with pytest.raises(UsageError, match="alpha"):
        SeparationSettings(alpha=-1.0)
    assert default_method(noise(9), [noise(9)]) == "harmonic"
    assert default_method(noise(9), []) == "centre"
    assert default_method(noise(9, 1), []) == "hpss"
