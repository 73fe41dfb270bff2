"""The port `accompanist control` in a JACK server that dies and comes back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon, write_piece
from rig import Jack, MidiRecorder, MidiSender, jack_server, needs, wait_for

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


def press(jack: Jack, rows: Path, *messages: str) -> None:
    """Send messages to the control port, a tenth of a second apart."""
    lines = [f"{0.1 * (i + 1):.1f},{message}" for i, message in enumerate(messages)]
    rows.write_text("\n".join(["seconds,data", *lines]) + "\n")
    with MidiSender(jack, rows, name="pedals") as sender:
        jack.connect(sender.port, "accompanist control:in")
        sender.go()
        sender.wait(10.0)
        time.sleep(0.3)


def test_pedals_drive_the_daemon_and_can_be_learned(tmp_path: Path) -> None:
    rows = tmp_path / "pedals.csv"
    settings = ("follow.mode=fixed", "countin.mode=never")
    with (
        jack_server("control", tmp_path) as jack,
        RunningDaemon(jack, tmp_path / "home", *settings) as daemon,
        MidiRecorder(jack, tmp_path / "heard.csv", ("parts",)) as recorder,
    ):
        daemon.load(write_piece(tmp_path / "pedals.mid"))
        jack.connect("accompanist:parts", "recorder:parts")
        wait_for("control port", lambda: jack.has("accompanist control:in"), 5.0)
        daemon.do("start")
        daemon.wait_state("following")
        press(jack, rows, "b0427f", "b04200")  # panic
        # a note is learned as start; the one that teaches does nothing
        daemon.do("stop")
        daemon.wait_state("idle", "paused")
        daemon.do("control/learn", "start")
        time.sleep(0.2)
        press(jack, rows, "902440", "802400")
        assert daemon.state() in ("idle", "paused")
        press(jack, rows, "902440", "802400")
        daemon.wait_state("following", seconds=5.0)
        # the cue pedal kept down holds, and goes on when it comes up
        press(jack, rows, "b0407f")
        daemon.wait_state("holding", seconds=3.0)
        press(jack, rows, "b04000")
        daemon.wait_state("following", seconds=3.0)
        daemon.do("stop")
        time.sleep(0.5)
        heard = recorder.stop()
    silences = [m.data for m in heard if m.data[0] & 0xF0 == 0xB0 and m.data[1] == 123]
    assert silences, "the panic pedal did nothing"
    kept = (tmp_path / "home" / "state" / "accompanist" / "control.json").read_text()
    assert '"start"' in kept
