"""Sound comes in through JACK whole, and a busy interpreter holds nobody up."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rig import RATE_HZ, WavPlayer, jack_server, needs

from accompanist.errors import DeviceError
from bridges.audio_jack import CLIENT_NAME, PORT_NAME, JackInput, list_jack_inputs

pytestmark = [needs("jackd", "jackd2"), needs("jack_wait", "jack-tools")]

SECONDS = 4


def test_every_sample_comes_in_at_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    sound = rng.uniform(-0.9, 0.9, SECONDS * RATE_HZ).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", sound, RATE_HZ, subtype="FLOAT")
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            sum(range(20_000))  # holds the interpreter's lock

    others = [threading.Thread(target=busy) for _ in range(2)]
    with jack_server("input", tmp_path) as jack:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", jack.environment["JACK_DEFAULT_SERVER"])
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        (device,) = list_jack_inputs(7)
        assert (device.number, device.name, device.sample_rate) == (7, "system", RATE_HZ)
        with pytest.raises(DeviceError, match="no channel 9; choose 1 to 2"):
            JackInput("system", channel=9)
        source = JackInput("system", channel=2)
        try:
            source.start()
            port = f"{CLIENT_NAME}:{PORT_NAME}"
            assert jack.connections(port) == {"system:capture_2"}
            with WavPlayer(jack, tmp_path / "noise.wav") as player:
                jack.connect(player.port, port)
                for thread in others:
                    thread.start()
                player.go()
                blocks = []
                end_s = time.monotonic() + SECONDS + 1.5
                while time.monotonic() < end_s:
                    block = source.read(0.05)
                    if len(block.samples):
                        blocks.append(block)
        finally:
            stop.set()
            source.close()
            source.close()  # twice does no harm
            for thread in others:
                thread.join()
        heard = np.concatenate([block.samples for block in blocks])
        first = int(np.argmax(heard != 0.0))
        if jack.xruns() == 0:
            np.testing.assert_array_equal(heard[first : first + len(sound)], sound)
        assert blocks[-1].end_sample == len(heard)
        offsets_s = [b.arrived_s - b.end_sample / RATE_HZ for b in blocks]
        assert np.quantile(offsets_s, 0.9) - np.quantile(offsets_s, 0.1) < 0.006
        assert source.lost_samples == 0


def test_without_a_server_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "accompanist-nobody")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    assert list_jack_inputs() == ()
    with pytest.raises(DeviceError, match="no JACK server runs"):
        JackInput("system")
