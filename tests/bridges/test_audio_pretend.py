"""A recording that pretends to be a microphone."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from bridges.audio_pretend import BLOCK_SAMPLES, PretendInput

RATE = 8000


def take(source: PretendInput, count: int) -> npt.NDArray[np.float32]:
    """Read so many samples."""
    out = np.zeros(0, dtype=np.float32)
    end_s = time.monotonic() + 20.0
    while len(out) < count and time.monotonic() < end_s:
        out = np.concatenate((out, source.read(0.05).samples))
    assert len(out) >= count
    return out


def test_it_ends_with_its_file() -> None:
    sound = np.arange(1, 2000, dtype=np.float32)
    source = PretendInput(sound, RATE, speed=50.0)
    source.start()
    np.testing.assert_array_equal(take(source, len(sound)), sound)
    source.close()
    assert source.ended


def test_one_that_waits_begins_when_it_is_told_to_and_then_is_silent() -> None:
    sound = np.arange(1, 1001, dtype=np.float32)
    source = PretendInput(sound, RATE, speed=50.0, waits=True)
    source.start()
    assert not take(source, 4 * BLOCK_SAMPLES).any()
    for _ in range(2):
        source.rewind()
        heard = take(source, 40 * BLOCK_SAMPLES)
        sounding = heard[heard > 0.0]
        np.testing.assert_array_equal(sounding, sound)
        assert not source.ended
    source.close()
