"""`play` for real: a soloist and the synthesiser meet in a JACK server without a sound card."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from accompanist.performing.messages import Kind, Message, TimedMessage
from bridges.fluidsynth import OfflineSynth, find_soundfont

RATE = 48_000
BEAT_S = 0.5
FIRST_S = 1.0
MELODY = (72, 74, 76, 77, 79, 81, 83, 84, 83, 79, 76, 72, 77, 74, 71, 72)
BASS = (48, 53, 55, 48)
PLAYER = Path(__file__).with_name("jack_player.py")

pytestmark = pytest.mark.skipif(
    shutil.which("jackd") is None and os.environ.get("CI") != "true",
    reason="jackd is not installed (Debian/Ubuntu: jackd2)",
)


def wait_for(what: str, found: Callable[[], bool], seconds: float) -> None:
    """Wait until ``found()`` is true."""
    end_s = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end_s, f"no {what} within {seconds} s"
        time.sleep(0.1)


@contextmanager
def ended_at_last(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Kill the process if it still runs, so that a test that fails does not wait for it."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()


@pytest.fixture
def jack() -> Iterator[dict[str, str]]:
    """Environment of a JACK server of our own."""
    name = f"accompanist-{os.getpid()}"
    environment = os.environ | {
        "JACK_DEFAULT_SERVER": name,
        "JACK_NO_AUDIO_RESERVATION": "1",
        "JACK_NO_START_SERVER": "1",
        "PYTHONUNBUFFERED": "1",
        "SOUNDFONT": str(find_soundfont(None)),
    }
    server = start_server(name, environment)
    try:
        yield environment
    finally:
        server.terminate()
        server.wait(10)


def start_server(name: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a server on the dummy driver, with real-time priority where that is allowed."""
    ready = ["jack_wait", "-s", name, "-w", "-t", "10"]
    for priority in (("-R", "-P10"), ("-r",)):
        server = subprocess.Popen(
            ["jackd", *priority, "-n", name, "-d", "dummy", "-r", str(RATE), "-p", "256"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        waited = subprocess.run(
            ready, env=environment, check=False, capture_output=True, timeout=20
        )
        if waited.returncode == 0 and server.poll() is None:
            return server
        server.kill()
        server.wait(10)
    raise AssertionError("jackd does not start")


def write_piece(path: Path) -> None:
    """Write a melody and a bass, 120 beats a minute, as a MIDI file."""
    file = mido.MidiFile(ticks_per_beat=480)
    for name, program, line, beats in (("Flute", 73, MELODY, 1), ("Cello", 42, BASS, 4)):
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("track_name", name=name))
        track.append(mido.MetaMessage("set_tempo", tempo=500_000))
        channel = 0 if name == "Flute" else 1
        track.append(mido.Message("program_change", program=program, channel=channel))
        for pitch in line:
            track.append(mido.Message("note_on", note=pitch, velocity=90, channel=channel))
            off = mido.Message("note_off", note=pitch, time=480 * beats, channel=channel)
            track.append(off)
        file.tracks.append(track)
    file.save(path)


def write_soloist(path: Path) -> None:
    """Write the melody as sound: a flute that plays in time."""
    messages = [TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, 1, 73))]
    for i, pitch in enumerate(MELODY):
        on_s = FIRST_S + i * BEAT_S
        messages.append(TimedMessage(on_s, i, 1, Message(Kind.ON, 1, pitch, 100)))
        messages.append(TimedMessage(on_s + 0.46, i, 1, Message(Kind.OFF, 1, pitch)))
    with OfflineSynth(find_soundfont(None), RATE) as synth:
        sound = synth.render(messages, FIRST_S + len(MELODY) * BEAT_S + 0.5)
    mono = sound.mean(axis=1)
    mono[: round(FIRST_S * RATE)] = 0.0
    soundfile.write(path, 0.5 * mono / np.max(np.abs(mono)), RATE)


def ports(environment: dict[str, str]) -> list[str]:
    listed = subprocess.run(
        ["jack_lsp"], env=environment, capture_output=True, text=True, timeout=10, check=False
    )
    return listed.stdout.split("\n")


def connections(environment: dict[str, str], port: str) -> set[str]:
    listed = subprocess.run(
        ["jack_lsp", "-c", port],
        env=environment,
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return {line.strip() for line in listed.stdout.split("\n") if line.startswith(" ")}


def connect(environment: dict[str, str], source: str, target: str) -> None:
    command = ["jack_connect", source, target]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=10)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def test_a_soloist_is_accompanied_through_jack(tmp_path: Path, jack: dict[str, str]) -> None:
    piece, solo, heard = tmp_path / "duet.mid", tmp_path / "solo.wav", tmp_path / "heard.wav"
    out = tmp_path / "take"
    write_piece(piece)
    write_soloist(solo)
    before = set(ports(jack))
    said = tmp_path / "said.txt"
    with (
        said.open("w") as errors,
        subprocess.Popen(
            [
                *(sys.executable, "-m", "accompanist", "play", str(piece)),
                *("--solo", "Flute", "--driver", "jack", "--out", str(out)),
            ],
            env=jack,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        ) as play,
        ended_at_last(play),
    ):
        wait_for("armed state", lambda: "armed" in said.read_text(), 40.0)
        ours = set(ports(jack)) - before
        microphone = next(p for p in ours if p == "accompanist input:solo")
        synth = next(p for p in ours if "fluidsynth" in p.lower() and p.lower().endswith("left"))
        wait_for("connection", lambda: "system:playback_1" in connections(jack, synth), 5.0)
        with (
            subprocess.Popen(
                [sys.executable, str(PLAYER), str(solo), str(heard), "11"],
                env=jack,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            ) as player,
            ended_at_last(player),
        ):
            assert player.stdout is not None
            assert player.stdin is not None
            assert player.stdout.readline() == "ready\n"
            theirs = set(ports(jack)) - before - ours
            connect(jack, next(p for p in theirs if "out_0" in p), microphone)
            connect(jack, synth, next(p for p in theirs if "in_0" in p))
            player.stdin.write("go\n")
            player.stdin.flush()
            assert player.wait(30) == 0
        if play.poll() is None:
            play.send_signal(signal.SIGINT)
        assert play.wait(30) in (0, 130), said.read_text()  # the piece may end by itself

    onsets = [float(row["quarter"]) for row in rows(out / "onsets.csv")]
    assert len(set(onsets) & set(map(float, range(len(MELODY))))) >= len(MELODY) - 2
    played = rows(out / "played.csv")
    struck = [row for row in played if row["kind"] == "on"]
    released = [row for row in played if row["kind"] == "off"]
    assert [int(row["pitch"]) for row in struck] == list(BASS)
    assert len(released) == len(struck)
    facts = json.loads((out / "take.json").read_text())
    assert facts["input"]["lost_samples"] == 0
    for name in ("solo.wav", "mix.wav", "accompaniment.mid", "picture.svg", "trace.csv"):
        assert (out / name).stat().st_size > 0

    # what sounded: silence before the soloist, the bass with them, silence at the end
    sound, rate = soundfile.read(heard, dtype="float32")
    level = np.sqrt(np.mean(sound[: len(sound) // 480 * 480].reshape(-1, 480) ** 2, axis=1))
    first_s = np.flatnonzero(level > 1e-3)[0] * 480 / rate
    assert abs(first_s - FIRST_S) < 0.25
    assert level[round(3.0 * 100) : round(8.0 * 100)].min() > 1e-4
