from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from accompanist.errors import DeviceError
from bridges.audio_live import AudioDevice
from bridges.audio_out import Playback, check_output


class FakeStream:
    """Asks for samples when told to."""

    latency = 0.01
    active = True

    def __init__(self, *, channels: int, samplerate: int, dtype: str, callback: Any) -> None:
        if samplerate == 1:
            raise FakeError("invalid sample rate")
        self.channels, self._callback, self.closed = channels, callback, False
        self.heard: list[np.ndarray] = []

    def start(self) -> None:
        """Play the first two blocks."""
        for _ in range(2):
            self.ask(100)

    def ask(self, frames: int) -> None:
        out = np.full((frames, self.channels), 9.0, dtype=np.float32)
        try:
            self._callback(out, frames, None, None)
        except StopIteration:
            self.active = False
        self.heard.append(out)

    def close(self) -> None:
        self.closed = True


class FakeError(Exception):
    pass


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("sounddevice")
    for name, value in (
        ("OutputStream", FakeStream),
        ("PortAudioError", FakeError),
        ("CallbackStop", StopIteration),
    ):
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


@pytest.mark.usefixtures("sounddevice")
def test_samples_are_played_to_the_end_and_silence_after() -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (250, 2)).astype(np.float32)
    playback = Playback(samples, 1000)
    with playback:
        assert playback.position_s == pytest.approx(0.19)
        ended = [playback.ended]
        playback._stream.ask(100)
        ended.append(playback.ended)
        assert ended == [False, True]
    played = np.concatenate(playback._stream.heard)
    assert np.array_equal(played[:250], samples)
    assert not played[250:].any()
    assert playback._stream.closed


@pytest.mark.usefixtures("sounddevice")
def test_an_output_that_does_not_open_is_a_device_error() -> None:
    with pytest.raises(DeviceError, match="does not open"):
        Playback(np.zeros((10, 2), np.float32), 1)


@pytest.mark.parametrize("outputs", [0, 2])
def test_an_output_is_looked_for(monkeypatch: pytest.MonkeyPatch, outputs: int) -> None:
    device = AudioDevice(0, "Thing", "ALSA", 1, outputs, 48_000)
    monkeypatch.setattr("bridges.audio_out.list_audio_devices", lambda: (device,))
    if outputs:
        check_output()
    else:
        with pytest.raises(DeviceError, match="no audio output"):
            check_output()
