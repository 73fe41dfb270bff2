"""Frames on their way to a device: none lost, none doubled, no click where there are none."""

from __future__ import annotations

import select
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from bridges.audio_play import PlayRing, PretendOutput


def ramp(start: int, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    frames = np.arange(start, start + count, dtype=np.float32) / 1e4
    return np.stack([frames, -frames], axis=1)


def taken(ring: PlayRing, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    out = np.full((count, 2), np.nan, dtype=np.float32)
    ring.read(out)
    return out


@given(st.lists(st.integers(1, 200), min_size=1, max_size=30))
def test_what_is_written_is_taken_in_order(counts: list[int]) -> None:
    ring = PlayRing(512)
    ring.write(ramp(0, 300))
    taken(ring, 250)  # the first rise
    for count in counts:
        ring.write(ramp(ring.written, count))
        start = ring.taken
        np.testing.assert_array_equal(taken(ring, count), ramp(start, count))
    assert ring.drop_outs == 0


def test_where_nothing_is_there_sound_dies_away_and_comes_back_gently() -> None:
    ring = PlayRing(4096)
    assert not taken(ring, 64).any()
    assert ring.drop_outs == 0  # nothing has ever been there
    ring.skip(ring.taken)
    ring.write(np.ones((400, 2), dtype=np.float32))
    out = np.concatenate([taken(ring, 500), taken(ring, 300)])
    assert ring.drop_outs == 1
    ring.skip(ring.taken)
    ring.write(np.ones((400, 2), dtype=np.float32))
    out = np.concatenate([out, taken(ring, 400)])
    assert np.max(np.abs(np.diff(out, axis=0))) < 0.01
    assert out[300, 0] == 1.0
    assert not out[700:800].any()
    assert out[-1, 0] == 1.0


def test_what_is_pretended_goes_as_fast_as_a_device_and_is_kept(tmp_path: Path) -> None:
    output = PretendOutput(8000, tmp_path / "heard.wav")
    output.start()
    while not output.started:
        select.select([output.fileno()], [], [], 5.0)
        output.calm()
    output.skip(output.taken)
    output.write(np.full((2048, 2), 0.5, dtype=np.float32))
    last = output.written
    assert output.time_s(last + 8000) - output.time_s(last) == pytest.approx(1.0)
    assert output.time_s(0) == pytest.approx(output.began_s, abs=0.03)
    while output.taken < last + 100:
        select.select([output.fileno()], [], [], 5.0)
        output.calm()
    output.close()
    output.close()
    sound, rate = soundfile.read(tmp_path / "heard.wav")
    assert rate == 8000
    assert np.flatnonzero(sound[:, 0] == 0.5)[-1] == last - 1
