"""What FluidSynth's driver is given is put down as well, sample by sample."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

import numpy as np
import pytest

from accompanist.performing.messages import Kind, Message
from bridges.fluidsynth_live import LiveSynth, Synth, fluidsynth_library
from bridges.fluidsynth_tap import SynthTap
from bridges.shared_sound import (
    ANCHORED,
    ANCHORS_AT,
    CAPACITY,
    GENERATION,
    HEAD_BYTES,
    RATE,
    SHARED_BYTES,
    WRITTEN,
    SharedSound,
)
from bridges.soundfonts import find_soundfont

SAMPLE_RATE = 48_000
BLOCK = 448


@pytest.fixture
def shared(tmp_path: Path) -> SharedSound:
    path = tmp_path / "memory"
    path.write_bytes(bytes(SHARED_BYTES))
    return SharedSound(path, 0)


def ring(shared: SharedSound) -> np.ndarray:
    return np.frombuffer(shared.memory, dtype=np.float32, count=CAPACITY, offset=HEAD_BYTES)


def test_all_that_is_rendered_is_put_down_with_its_time(shared: SharedSound) -> None:
    kind = ctypes.CFUNCTYPE(
        ctypes.c_int32, ctypes.c_int64, ctypes.c_int32, ctypes.c_int32, ctypes.c_void_p,
        ctypes.c_int32, ctypes.c_void_p,
    )  # fmt: skip
    sides = np.zeros((2, BLOCK), dtype=np.float32)
    outs = (ctypes.c_int64 * 2)(*(int(side.ctypes.data) for side in sides))
    font = find_soundfont()
    with Synth(font, SAMPLE_RATE) as synth, Synth(font, SAMPLE_RATE) as other:
        tap = SynthTap(fluidsynth_library()._fl, synth._synth.synth, shared, SAMPLE_RATE)
        assert (shared.words[GENERATION], shared.words[RATE]) == (1, SAMPLE_RATE)
        render = kind(tap.address)
        heard = []
        began_s = time.monotonic()
        blocks = CAPACITY // BLOCK + 20  # round the ring
        for block in range(blocks):
            if block % 40 == 0:
                for each in (synth, other):
                    each.play(Message(Kind.ON, 1, 60 + block // 40, 100))
            assert render(tap.argument, BLOCK, 0, None, 2, ctypes.addressof(outs)) == 0
            heard.append(sides.mean(axis=0))
            plain = other._synth.get_samples(BLOCK).reshape(-1, 2).astype(np.float32) / 32768
            assert np.abs(plain - sides.T).max() < 2e-4  # it sounds as it does without
        ended_s = time.monotonic()
        whole = np.concatenate(heard)
        assert np.abs(whole).max() > 0.01
        assert shared.words[WRITTEN] == len(whole)
        assert shared.words[ANCHORED] == blocks
        places = np.arange(len(whole) - CAPACITY, len(whole)) % CAPACITY
        np.testing.assert_array_equal(ring(shared)[places], whole[-CAPACITY:])
        anchors = np.array(shared.words[ANCHORS_AT : ANCHORS_AT + 64]).reshape(32, 2)
        last = anchors[(blocks - 1) % 32]
        assert last[0] == (blocks - 1) * BLOCK
        times_s = anchors[:, 1] * 1e-9
        assert began_s <= times_s.min() <= times_s.max() <= ended_s


def test_a_driver_that_takes_no_callback_sounds_all_the_same(
    shared: SharedSound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    synth = LiveSynth(find_soundfont(), driver="file", shared=shared)
    try:
        assert synth.gone == ""
        if not synth.tapped:
            assert shared.words[WRITTEN] == 0
    finally:
        synth.close()
