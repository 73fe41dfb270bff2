"""The port `accompanist control` in a JACK server that dies and comes back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from rig import MidiSender, jack_server, needs

from bridges.midi_control import open_control

pytestmark = needs("jackd", "jackd2")

ROWS = "seconds,data\n0.1,b0407f\n0.2,f8\n0.3,b04000\n0.4,903c40\n"


def test_messages_arrive_and_the_end_of_the_server_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    for i in range(2):  # the second time after the server has died
        if i:
            time.sleep(1.5)
        with jack_server("control", tmp_path) as jack:
            monkeypatch.setenv("JACK_DEFAULT_SERVER", jack.name)
            port = open_control("jack")
            assert port.name == "accompanist control (jack)"
            taken: list[bytes] = []
            with MidiSender(jack, tmp_path / "rows.csv") as sender:
                jack.connect(sender.port, jack.port("accompanist control:"))
                sender.go()
                end_s = time.monotonic() + 5.0
                while len(taken) < 3 and time.monotonic() < end_s:
                    taken += port.take()
                    time.sleep(0.005)
            # the clock is left out
            assert taken == [b"\xb0\x40\x7f", b"\xb0\x40\x00", b"\x90\x3c\x40"]
            assert port.alive
            jack.server.kill()
            end_s = time.monotonic() + 3.0
            gone = False
            while not gone and time.monotonic() < end_s:
                gone = not port.alive
                time.sleep(0.02)
            assert gone
            assert port.take() == []
            port.close()
            port.close()
