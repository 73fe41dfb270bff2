"""``doctor`` on machines of every kind: says what to do, and never falls ill itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from accompanist.app.cli import main
from accompanist.app.machine import checks as doctor_machine
from accompanist.app.machine import doctor
from accompanist.app.machine.doctor import Finding, Level, Probe, examine, how_to_get, usable
from accompanist.errors import DeviceError

LIBRARIES = dict.fromkeys(("sounddevice", "soundfile", "rtmidi", "fluidsynth", "jack"), "")
DEVICES = {
    "audio": [
        {"name": "USB", "inputs": 1, "outputs": 2, "default_input": True, "default_output": True}
    ],
    "midi_inputs": [],
    "midi_outputs": [],
}
GOOD = Probe(LIBRARIES, {"rate": 48_000, "block": 128}, "", DEVICES)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "STATE", "RUNTIME", "DATA", "CACHE"):
        kind = "DIR" if name == "RUNTIME" else "HOME"
        monkeypatch.setenv(f"XDG_{name}_{kind}", str(tmp_path / name.lower()))
    (tmp_path / "runtime").mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(tmp_path))


def named(findings: tuple[Finding, ...], name: str) -> Finding:
    return next(finding for finding in findings if finding.name == name)


def test_a_machine_that_has_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    font = tmp_path / "good.sf2"
    font.write_bytes(b"RIFF\x04\x00\x00\x00sfbk")
    monkeypatch.setenv("SOUNDFONT", str(font))
    findings = examine(GOOD)
    assert usable(findings)
    for name in ("packages", "portaudio", "fluidsynth", "soundfont", "midi", "jack", "inputs"):
        assert named(findings, name).level == Level.OK, name
    assert named(findings, "latency").level == Level.WARNING  # nothing measured yet
    assert "accompanist calibrate" in named(findings, "latency").advice


@pytest.mark.parametrize("library", ["sounddevice", "rtmidi", "fluidsynth"])
def test_a_library_that_does_not_load(library: str) -> None:
    check = {"sounddevice": "portaudio", "rtmidi": "midi", "fluidsynth": "fluidsynth"}[library]
    findings = examine(Probe({**LIBRARIES, library: "no such file"}, {}, "", DEVICES))
    assert named(findings, check).level == Level.MISSING
    assert "no such file" in named(findings, check).text
    assert named(findings, check).advice
    assert not usable(findings)


def test_every_machine_is_told_its_own_command() -> None:
    assert how_to_get("fluidsynth", manager="apt") == "sudo apt-get install libfluidsynth3"
    assert how_to_get("fluidsynth", manager="dnf") == "sudo dnf install fluidsynth-libs"
    assert how_to_get("fluidsynth", "soundfont", manager="brew") == "brew install fluid-synth"
    assert "pip install" in how_to_get("portaudio", manager="brew")
    assert "(Fedora)" in how_to_get("jack", manager="")


def test_neither_sound_nor_midi_is_not_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "_ON_LINUX", True)
    monkeypatch.setattr(Path, "exists", lambda _self: False)
    bare = doctor_machine.check_outputs(Probe(LIBRARIES, {}, "", {}))
    assert bare.level == Level.MISSING
    assert doctor_machine.check_outputs(Probe(LIBRARIES, {"rate": 1}, "", {})).level != bare.level
    assert doctor_machine.check_jack(Probe(LIBRARIES)).level == Level.WARNING
    assert "modprobe snd-seq" in doctor_machine.check_sequencer(Probe()).advice
    assert "snd-virmidi" in doctor_machine.check_reaper(Probe()).advice


def test_real_time_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "_ON_LINUX", True)
    refused = doctor_machine.check_realtime(Probe(realtime="Operation not permitted"))
    assert refused.level == Level.WARNING
    assert "rtprio" in refused.advice
    assert doctor_machine.check_realtime(Probe(realtime="")).level == Level.OK


def test_settings_that_are_wrong_are_told(tmp_path: Path) -> None:
    path = tmp_path / "config" / "accompanist" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("[osc]\nport = 'seven'\n")
    findings = examine(GOOD)
    wrong = named(findings, "settings")
    assert wrong.level == Level.MISSING
    assert "port" in wrong.text
    assert str(path) in wrong.advice


def test_ports_of_others_are_told(tmp_path: Path) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
    ):
        udp.bind(("127.0.0.1", 0))
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        path = tmp_path / "config" / "accompanist" / "config.toml"
        path.parent.mkdir(parents=True)
        ports = (udp.getsockname()[1], tcp.getsockname()[1])
        path.write_text("[osc]\nport = {}\nhttp_port = {}\n".format(*ports))
        findings = examine(GOOD)
    taken = {"osc port": ports[0], "http port": ports[1]}
    for name, port in taken.items():
        assert named(findings, name).level != Level.OK
        assert f"{port} " in named(findings, name).text
        assert "taken" in named(findings, name).text
    findings = examine(GOOD)
    assert all(named(findings, name).level == Level.OK for name in taken)


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def ill(_found: Probe) -> Finding:
        raise RuntimeError("measles")

    def unlucky(_found: Probe) -> Finding:
        raise DeviceError("unplugged")

    monkeypatch.setitem(doctor_machine.MACHINE_CHECKS, "midi", ill)
    monkeypatch.setitem(doctor_machine.MACHINE_CHECKS, "jack", unlucky)
    findings = examine(GOOD)
    assert named(findings, "midi").text == "could not be looked at (RuntimeError: measles)"
    assert named(findings, "jack") == Finding("jack", Level.WARNING, "unplugged")


@pytest.mark.parametrize(
    "found",
    [
        Probe(),
        Probe(devices={"audio": [{}], "midi_inputs": None}),
        Probe(libraries={"jack": "x"}, jack={"rate": None}),
        Probe(trouble=("looking at the devices ended with -6",)),
    ],
)
def test_whatever_was_found_out_it_does_not_raise(found: Probe) -> None:
    findings = examine(found)
    assert len({finding.name for finding in findings}) >= 20


def test_a_child_that_dies_or_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    trouble: list[str] = []
    said = "import os; print('{\"a\": 1}', flush=True); os.abort()"
    assert doctor._last_json([sys.executable, "-c", said], 20.0, "a", trouble) == {"a": 1}
    hang = "import time; print('{\"b\": 2}', flush=True); time.sleep(60)"
    assert doctor._last_json([sys.executable, "-c", hang], 0.7, "b", trouble) == {"b": 2}
    assert doctor._last_json(["/no/such/program"], 1.0, "c", trouble) == {}
    assert [text.split()[3] for text in trouble] == ["a", "b", "c"]


@pytest.mark.parametrize(("level", "code"), [(Level.WARNING, 0), (Level.MISSING, 1)])
def test_the_exit_code(level: Level, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = (Finding("a", Level.OK, "fine"), Finding("b", level, "hm", "do this"))
    monkeypatch.setattr(doctor, "examine", lambda: findings)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == code
    assert "→ do this" in result.output
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == code
    told = json.loads(result.output)
    assert told["usable"] is (code == 0)
    assert told["findings"][1] == {"name": "b", "level": level, "text": "hm", "advice": "do this"}


def test_this_machine_whatever_it_has(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "accompanist", "doctor", "--json"],
        env={**os.environ, "JACK_DEFAULT_SERVER": "there-is-none", "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode in (0, 1)
    assert done.stderr == ""
    findings = json.loads(done.stdout)["findings"]
    assert not [f for f in findings if "could not be looked at" in f["text"]]
