"""``daemon`` from the outside: real processes, no sound card, no MIDI system."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mido
import pytest

from accompanist.app.daemon.runtime import Urls, read_urls
from accompanist.performing.messages import Kind, Message, TimedMessage
from bridges.audio_files import write_wav
from bridges.fluidsynth import OfflineSynth, find_soundfont
from bridges.osc import OscMessage, decode, encode

MELODY = (72, 74, 76, 77, 79, 77, 76, 74)
RATE = 44_100
READY_S = 40.0


@pytest.fixture(scope="module")
def duet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Eight notes of a flute over a cello, 120 beats a minute, and the flute as a recording."""
    folder = tmp_path_factory.mktemp("duet")
    file = mido.MidiFile(ticks_per_beat=480)
    for channel, (name, line, beats) in enumerate(
        (("Flute", MELODY, 1), ("Cello", (48, 43, 48, 43), 2))
    ):
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("track_name", name=name))
        track.append(mido.MetaMessage("set_tempo", tempo=500_000))
        track.append(mido.Message("program_change", program=73 - 31 * channel, channel=channel))
        for pitch in line:
            on = mido.Message("note_on", note=pitch, velocity=90, channel=channel)
            track.append(on)
            track.append(mido.Message("note_off", note=pitch, time=480 * beats, channel=channel))
        file.tracks.append(track)
    file.save(folder / "duet.mid")
    messages = [TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, 1, 73))]
    for i, pitch in enumerate(MELODY):
        messages.append(TimedMessage(0.5 + 0.5 * i, i, 1, Message(Kind.ON, 1, pitch, 100)))
        messages.append(TimedMessage(0.95 + 0.5 * i, i, 1, Message(Kind.OFF, 1, pitch)))
    with OfflineSynth(find_soundfont(None), RATE) as synth:
        write_wav(folder / "solo.wav", synth.render(messages, 6.0), RATE)
    return folder / "duet.mid", folder / "solo.wav"


class Running:
    """A daemon, its log, and a socket to talk to it."""

    def __init__(self, home: Path, *options: str, more: dict[str, str] | None = None) -> None:
        self.home = home
        self.log = home / "log"
        environment = os.environ | self.folders(home) | (more or {})
        call = ["daemon", "--to", "none", "--set", "osc.zeroconf=false", "--osc-port", "7310"]
        call += ["--http-port", "7410", "--set", "control.enable=false", *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "accompanist", *call],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.urls: Urls | None = None

    @staticmethod
    def folders(home: Path) -> dict[str, str]:
        (home / "run").mkdir(exist_ok=True)
        return {
            "XDG_RUNTIME_DIR": str(home / "run"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_STATE_HOME": str(home / "state"),
            "XDG_DATA_HOME": str(home / "data"),
        }

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def until(self, true: Callable[[], object], seconds: float = READY_S) -> None:
        end_s = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end_s, self.said()
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)

    def up(self) -> Running:
        self.until(lambda: read_urls(self.home / "run" / "accompanist"))
        self.urls = read_urls(self.home / "run" / "accompanist")
        return self

    def send(self, address: str, *arguments: int | float | str) -> None:
        assert self.urls is not None
        packet = encode(address, arguments)
        self._socket.sendto(packet, (self.urls.osc_host, self.urls.osc_port))

    def answers(self, seconds: float) -> Iterator[OscMessage]:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left_s)[0]:
                for _, message in decode(self._socket.recv(65536)):
                    yield message

    def ask(self, address: str, *arguments: int | float | str) -> tuple[object, ...]:
        """Give what comes back at the address, or the error."""
        for _ in range(5):
            self.send(address, *arguments)
            for message in self.answers(2.0):
                if message.address in (address, "/acc/error"):
                    return tuple(message.arguments)
        raise AssertionError(f"no answer to {address}: {self.said()}")

    def state(self) -> object:
        return self.ask("/acc/state")[0]

    def leave(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)

    def close(self) -> None:
        self._socket.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def daemon(home: Path, *options: str, more: dict[str, str] | None = None) -> Iterator[Running]:
    running = Running(home, *options, more=more)
    try:
        yield running
    finally:
        running.close()


def test_a_file_is_accompanied_and_the_take_kept(duet: tuple[Path, Path], tmp_path: Path) -> None:
    score, sound = duet
    takes = tmp_path / "takes"
    options = ("--piece", str(score), "--solo", "Flute", "--from-file", str(sound))
    with daemon(tmp_path, *options, "--takes", str(takes)) as running:
        running.up()
        running.until(lambda: running.ask("/acc/piece/info")[2] == 2)
        running.until(lambda: running.state() == "idle")
        running.send("/acc/subscribe", "*")
        running.send("/acc/arm")
        states: list[object] = []
        beats: list[tuple[object, ...]] = []
        maps = 0
        for message in running.answers(15.0):
            if message.address == "/acc/state":
                states.append(message.arguments[0])
            elif message.address == "/acc/beat":
                beats.append(tuple(message.arguments[:2]))
            elif message.address == "/acc/timemap":
                maps += 1
            if states[-1:] == ["ended"]:
                break
        assert [s for s in states if s != "idle"][:2] == ["armed", "following"]
        assert states[-1] == "ended", (states, running.said())
        assert len(set(beats)) >= 6
        assert maps >= 4
        running.send("/acc/take/save", "first")
        running.until(lambda: (takes / "first" / "take.json").is_file(), 60.0)
        running.until(lambda: "take kept in" in running.said(), 60.0)
        assert (takes / "first" / "played.csv").read_text("utf-8").count(",on") >= 3
        assert running.leave() == 0
    assert [p.name for p in (tmp_path / "run" / "accompanist").iterdir()] == ["lock"]


def test_without_any_device_it_stays_and_says_so(tmp_path: Path) -> None:
    with daemon(tmp_path, "--input", "no such microphone") as running:
        running.up()
        running.until(lambda: running.state() == "error")
        assert "WARNING" in running.said()
        assert running.ask("/acc/arm")[1] == 409
        with urllib.request.urlopen(f"{running.urls.http}healthz", timeout=5) as answer:  # type: ignore[union-attr]
            assert answer.status == 200
        status = json.loads(str(running.ask("/acc/status")[0]))
        assert status["input"] is None
        assert status["input_fault"]
        assert running.leave(signal.SIGINT) == 0


def test_a_second_daemon_is_told_about_the_first(tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        running.up()
        second = subprocess.run(
            [sys.executable, "-m", "accompanist", "daemon", "--to", "none"],
            env=os.environ | Running.folders(tmp_path),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 1
        complaint = second.stderr.strip().splitlines()[-1]
        assert f"process {running.process.pid} at osc.udp://127.0.0.1:" in complaint
        assert running.ask("/acc/quit") == ()
        assert running.process.wait(15) == 0


def test_after_a_kill_the_next_one_starts(tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        running.up()
        running.process.kill()
        running.process.wait()
        with daemon(tmp_path) as again:
            again.until(lambda: "OSC at osc.udp://127.0.0.1:" in again.said())
            again.up()
            assert again.state() in ("idle", "error")
            assert again.leave() == 0


def test_systemd_is_told_and_settings_are_read_again(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[follow]\nlevel = 8.0\n", "utf-8")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(READY_S)
        more = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        with daemon(tmp_path, "--config", str(settings), more=more) as running:
            while systemd.recv(200) != b"READY=1":
                pass
            running.up()
            assert running.ask("/acc/follow/level") == (8.0,)
            settings.write_text("[follow]\nlevel = 3.0\n[osc]\nport = 7399\n", "utf-8")
            running.process.send_signal(signal.SIGHUP)
            running.until(lambda: running.ask("/acc/follow/level") == (3.0,))
            settings.write_text("[follow]\nlevel = 30.0\n", "utf-8")
            running.process.send_signal(signal.SIGHUP)
            running.until(lambda: "follow.level: 30.0 cannot be" in running.said())
            assert running.ask("/acc/follow/level") == (3.0,)
            assert running.leave() == 0
            told = [systemd.recv(200)]
            while told[-1] != b"STOPPING=1":
                told.append(systemd.recv(200))


@pytest.mark.parametrize("victim", ["engine.process", "performer.process"])
def test_what_is_killed_comes_back(victim: str, duet: tuple[Path, Path], tmp_path: Path) -> None:
    score, sound = duet
    options = ("--piece", str(score), "--solo", "Flute", "--from-file", str(sound))
    with daemon(tmp_path, *options) as running:
        running.up()
        running.until(lambda: running.state() == "idle")
        (pid, *_) = children(running.process.pid, victim)
        os.kill(pid, signal.SIGKILL)
        running.until(lambda: pid not in children(running.process.pid, victim))
        running.until(lambda: children(running.process.pid, victim))
        running.until(lambda: running.state() == "idle")
        assert "Traceback" not in running.said()
        assert running.leave() == 0


def children(pid: int, having: str) -> list[int]:
    """Living children of a process that run this module."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                stat = (folder / "stat").read_text()
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            state, parent = stat.rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z" and having.encode() in command:
                found.append(int(folder.name))
    return sorted(found)
