"""Hydrogen starts and stops with the ensemble: by our MIDI clock, and by OSC."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from daemon_rig import RunningDaemon, write_piece
from rig import (
    RATE_HZ,
    Child,
    Jack,
    MidiRecorder,
    free_udp_port,
    jack_server,
    needs,
    wait_for,
)

pytestmark = [needs("jackd", "jackd2"), needs("hydrogen", "hydrogen")]

DATA = Path("/usr/share/hydrogen/data")
LOUD = 0.01
TAIL_S = 1.5
"""A cymbal rings on when the sequencer has stopped."""


@contextmanager
def hydrogen_running(jack: Jack, home: Path, osc_port: int) -> Iterator[None]:
    """Start it without a screen, on a song that comes with it, with OSC and MIDI by JACK."""
    folder = home / ".hydrogen"
    folder.mkdir(parents=True)
    home.chmod(0o700)
    settings = (DATA / "hydrogen.default.conf").read_text("utf-8")
    for old, new in (
        ("<oscEnabled>false", "<oscEnabled>true"),
        ("<oscServerPort>9000", f"<oscServerPort>{osc_port}"),
        ("<driverName>ALSA", "<driverName>JACK-MIDI"),
        # the server's transport belongs to everybody; this is about what we tell Hydrogen
        ("USE_JACK_TRANSPORT", "NO_JACK_TRANSPORT"),
    ):
        assert old in settings
        settings = settings.replace(old, new)
    (folder / "hydrogen.conf").write_text(settings, "utf-8")
    environment = jack.environment | {
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
    }
    song = str(DATA / "demo_songs" / "GM_kit_demo1.h2song")
    command = ["hydrogen", "-n", "-d", "jack", "-s", song]
    with Child(command, environment, home / "hydrogen.out"):
        wait_for("Hydrogen", lambda: jack.has("Hydrogen-midi:RX"), 40.0)
        wait_for("sound of Hydrogen", lambda: jack.has("Hydrogen:out_L"), 10.0)
        time.sleep(1.0)  # it says nowhere that the song is loaded
        yield


def loud_seconds(wav: Path) -> list[float]:
    """Give the times, in tenths of a second, at which it sounds."""
    sound = soundfile.read(wav, dtype="float32")[0]
    step = RATE_HZ // 10
    peaks = np.abs(sound[: len(sound) // step * step]).reshape(-1, step).max(axis=1)
    return [i / 10 for i in np.flatnonzero(peaks > LOUD)]


@pytest.mark.parametrize("way", ["clock", "osc"])
def test_hydrogen_follows_start_and_stop(way: str, tmp_path: Path) -> None:
    piece = write_piece(tmp_path / "drums.mid", bars=8)
    osc_port = free_udp_port(9000, 9040)
    settings = ["follow.mode=fixed", "countin.mode=never", "clock.enabled=true"]
    if way == "osc":
        settings += ["hosts.hydrogen.enabled=true", f"hosts.hydrogen.port={osc_port}"]
    with (
        jack_server("hydrogen", tmp_path) as jack,
        hydrogen_running(jack, tmp_path / "drums", osc_port),
        RunningDaemon(jack, tmp_path / "home", *settings) as daemon,
    ):
        daemon.load(piece)
        if way == "clock":
            jack.connect("accompanist:clock", "Hydrogen-midi:RX")
        wav = tmp_path / "heard.wav"
        with MidiRecorder(jack, tmp_path / "midi.csv", audio=wav) as recorder:
            jack.connect("Hydrogen:out_L", f"{recorder.name}:audio")
            began_s = time.monotonic()
            time.sleep(2.0)
            daemon.do("start")
            daemon.wait_state("following")
            started_s = time.monotonic() - began_s
            time.sleep(4.0)
            daemon.do("stop")
            daemon.wait_state("idle")
            stopped_s = time.monotonic() - began_s
            time.sleep(4.0)
            recorder.stop()
        errors = daemon.errors()
    loud = loud_seconds(wav)
    assert loud, errors
    assert started_s - 0.5 <= loud[0] <= started_s + 1.5, (started_s, loud, errors)
    assert stopped_s - 0.8 <= loud[-1] <= stopped_s + TAIL_S, (stopped_s, loud, errors)
    playing = [at for at in loud if started_s <= at <= stopped_s]
    assert len(playing) > 20, "it falls silent in between"
