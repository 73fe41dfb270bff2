"""``devices`` tells what there is, and is content with nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from accompanist.app.cli import main
from accompanist.app.commands import devices as cmd_devices
from accompanist.app.commands.devices import Devices, lines
from accompanist.app.machine.latencies import RoundTrip
from accompanist.errors import DeviceError
from bridges.audio_live import AudioDevice
from bridges.midi_ports import MidiPort

FOUND = Devices(
    audio=(
        AudioDevice(0, "HDMI", "ALSA", 0, 2, 48_000, default_output=True),
        AudioDevice(1, "USB Microphone", "ALSA", 1, 0, 44_100, default_input=True),
    ),
    midi_inputs=(MidiPort(0, "Keystation", "ALSA", 0, 2),),
    midi_outputs=(MidiPort(0, "accompanist:parts", "Jack", 0, 4), MidiPort(1, "S", "Jack", 1, 4)),
    soundfonts=("/usr/share/sounds/sf2/TimGM6mb.sf2",),
    backends=("jack", "alsa"),
    latencies=(
        RoundTrip("USB Microphone", "HDMI", 48_000, 0, 0.02, 0.0, 0.01, 0.01, "2020-01-01"),
        RoundTrip("USB Microphone", "HDMI", 44_100, 0, 0.0125, 0.0, 0.01, 0.0025, "2020-01-02"),
    ),
)


def test_a_machine_with_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cmd_devices, "find_devices", lambda: FOUND)
    result = CliRunner().invoke(main, ["devices"])
    assert result.exit_code == 0
    assert "44100 Hz]  (default)  round trip 12.5 ms with HDMI" in result.output
    assert "0  accompanist:parts  [Jack]  (ours)\n    1  S  [Jack]\n" in result.output
    assert "Our own MIDI ports are opened in:\n  JACK\n" in result.output
    for words in ("1  USB Microphone  [ALSA, 1 ch, 44100 Hz]  (default)", "0  Keystation  [ALSA]"):
        assert words in result.output
    listed = json.loads(CliRunner().invoke(main, ["devices", "--json"]).output)
    assert listed["audio"][1]["name"] == "USB Microphone"
    assert listed["midi_inputs"][0]["number"] == 0
    assert listed["backends"] == ["jack", "alsa"]
    assert listed["latencies"][1]["round_trip_s"] == 0.0125


def test_a_machine_without_any() -> None:
    text = "\n".join(lines(Devices(problems=("no library; install it",))))
    assert "connect a microphone" in text
    assert "connect loudspeakers" in text
    assert "neither JACK nor the system's MIDI answers" in text
    assert "Missing: no library; install it" in text


def test_a_missing_library_is_told_and_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*, outputs: bool = False) -> tuple[MidiPort, ...]:
        raise DeviceError("no MIDI library; install it")

    monkeypatch.setattr("bridges.midi_ports.list_midi_ports", missing)
    monkeypatch.setattr("bridges.audio_live.list_audio_devices", lambda: ())
    result = CliRunner().invoke(main, ["devices"])
    assert result.exit_code == 0
    assert "Missing: no MIDI library; install it" in result.output


def test_this_machine_whatever_it_has() -> None:
    # in a process of its own: PortAudio stays with the devices that it has seen first
    done = subprocess.run(
        [sys.executable, "-m", "accompanist", "devices", "--json"],
        env=os.environ | {"JACK_DEFAULT_SERVER": "there-is-none"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = json.loads(done.stdout)
    assert {"audio", "midi_inputs", "midi_outputs", "soundfonts", "backends"} <= set(found)
    assert done.stderr == ""
