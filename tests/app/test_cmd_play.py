"""``play`` from the outside: a recording as the microphone, taps in a terminal, bad input."""

from __future__ import annotations

import csv
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import mido
import pytest
from click.testing import CliRunner

from accompanist.app.cli import main
from accompanist.performing.messages import Kind, Message, TimedMessage
from bridges.audio_files import write_wav
from bridges.fluidsynth import OfflineSynth, find_soundfont

RATE = 22_050
Keys = Callable[[bytes], int]
MELODY = (72, 74, 76, 77)


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    """Four notes of a flute over a note of the cello, 120 beats a minute."""
    return write_piece(tmp_path / "duet.mid")


def write_piece(path: Path, rest_beats: int = 0) -> Path:
    """Write it to a file, the flute so many beats after the cello."""
    file = mido.MidiFile(ticks_per_beat=480)
    for channel, (name, line, beats) in enumerate((("Flute", MELODY, 1), ("Cello", (48,), 4))):
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("track_name", name=name))
        track.append(mido.MetaMessage("set_tempo", tempo=500_000))
        track.append(mido.Message("program_change", program=73 - 31 * channel, channel=channel))
        rest = 480 * rest_beats if name == "Flute" else 0
        for i, pitch in enumerate(line):
            on = mido.Message("note_on", note=pitch, velocity=90, channel=channel)
            track.append(on.copy(time=0 if i else rest))
            off = mido.Message("note_off", note=pitch, time=480 * beats, channel=channel)
            track.append(off)
        file.tracks.append(track)
    file.save(path)
    return path


@pytest.fixture
def soloist(tmp_path: Path) -> Path:
    messages = [TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, 1, 73))]
    for i, pitch in enumerate(MELODY):
        messages.append(TimedMessage(0.3 + 0.5 * i, i, 1, Message(Kind.ON, 1, pitch, 100)))
        messages.append(TimedMessage(0.75 + 0.5 * i, i, 1, Message(Kind.OFF, 1, pitch)))
    with OfflineSynth(find_soundfont(None), RATE) as synth:
        sound = synth.render(messages, 3.0)
    path = tmp_path / "solo.wav"
    write_wav(path, sound, RATE)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def test_a_recording_as_the_microphone(piece: Path, soloist: Path, tmp_path: Path) -> None:
    out = tmp_path / "take"
    call = ["play", str(piece), "--solo", "Flute", "--from-file", str(soloist), "--silent"]
    result = CliRunner().invoke(main, [*call, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "you play Flute" in result.stderr
    assert {float(row["quarter"]) for row in rows(out / "onsets.csv")} >= {1.0, 2.0, 3.0}
    played = rows(out / "played.csv")
    assert [row["pitch"] for row in played if row["kind"] == "on"] == ["48"]
    assert [row["pitch"] for row in played if row["kind"] == "off"] == ["48"]
    facts = json.loads((out / "take.json").read_text())
    assert facts["input"]["live"] is True
    assert facts["input"]["source"] == "solo.wav"
    assert facts["solo"]["name"] == "Flute"
    for name in ("solo.wav", "mix.wav", "accompaniment.wav", "accompaniment.mid", "picture.svg"):
        assert (out / name).stat().st_size > 0


def test_no_take_keeps_nothing(piece: Path, soloist: Path, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    call = ["play", str(piece), "--from-file", str(soloist), "--silent", "--no-take"]
    result = CliRunner().invoke(main, [*call, "--out", str(tmp_path / "take")])
    assert result.exit_code == 0, result.output
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--tap", "--midi-in", "0"], 2, "--midi-in and --tap are at odds"),
        (["--tap", "--silent"], 2, "--tap needs a terminal"),
        (["--mode", "conduct", "--tap"], 2, "--tap and --mode conduct are at odds"),
        (["--headphones", "--loudspeakers"], 2, "--headphones and --loudspeakers are at odds"),
        (["--mode", "conduct", "--count-in", "1"], 2, "you beat time"),
        (["--mode", "conduct", "--silent"], 2, "--mode conduct needs a terminal"),
        (["--start", "99", "--silent", "--tap"], 2, "there is no bar 99"),
        (["--solo", "Oboe", "--silent"], 2, "Oboe"),
        (["--follower", "psychic", "--silent"], 2, "no follower is called 'psychic'"),
        (["--from-file", "nowhere.wav", "--silent"], 3, "nowhere.wav"),
        (["--soundfont", "nowhere.sf2"], 4, "nowhere.sf2"),
        (["--midi-in", "No such keyboard", "--silent"], 4, "No such keyboard"),
        (["--input", "No such microphone", "--silent"], 4, "audio input"),
    ],
)
def test_what_cannot_be_is_one_line(piece: Path, options: list[str], code: int, words: str) -> None:
    result = CliRunner().invoke(main, ["play", str(piece), *options])
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """A terminal: our end, and the one for the program."""
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


class Screen:
    """Collects what a program writes to its terminal."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._text = ""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                data = os.read(self._file, 65_536)
            except OSError:
                return
            with self._changed:
                self._text += data.decode("utf-8", errors="replace")
                self._changed.notify_all()

    def wait_for(self, words: str, seconds: float = 30.0) -> None:
        with self._changed:
            shown = self._changed.wait_for(lambda: words in self._text, seconds)
        assert shown, f"{words!r} is not shown in {self._text[-2000:]!r}"


@contextmanager
def started(*words: object) -> Iterator[tuple[Keys, Screen, subprocess.Popen[bytes]]]:
    """Play in a terminal of its own: its keyboard, its screen and the process."""
    with terminal() as (ours, theirs):
        before = termios.tcgetattr(theirs)
        with subprocess.Popen(
            [sys.executable, "-m", "accompanist", "play", *map(str, words), "--silent"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        ) as play:
            yield partial(os.write, ours), Screen(ours), play
        assert termios.tcgetattr(theirs) == before


@pytest.mark.parametrize("leave", ["escape", "interrupt"])
def test_taps_in_a_terminal(piece: Path, tmp_path: Path, leave: str) -> None:
    out = tmp_path / "take"
    with started(piece, "--tap", "--solo", 1, "--out", out) as (press, screen, play):
        screen.wait_for("waiting for your first note")
        press(b"j")
        screen.wait_for("following")
        press(b"k")
        screen.wait_for("beat  2.")
        if leave == "escape":
            press(b"\x1b")
        else:
            play.send_signal(signal.SIGINT)
        screen.wait_for("Kept: ")
        assert play.wait(30) == (0 if leave == "escape" else 130)
    assert [float(row["quarter"]) for row in rows(out / "onsets.csv")] == [0.0, 1.0]
    played = rows(out / "played.csv")
    assert [row["kind"] for row in played if row["kind"] in ("on", "off")] == ["on", "off"]
    assert not (out / "solo.wav").exists()
    assert (out / "mix.wav").stat().st_size > 0


def test_conducting_in_a_terminal_every_key_is_a_beat(tmp_path: Path) -> None:
    out = tmp_path / "take"
    piece = write_piece(tmp_path / "introduction.mid", rest_beats=1)
    words = (piece, "--mode", "conduct", "--solo", "Flute", "--out", out)
    with started(*words) as (press, screen, play):
        screen.wait_for("any key: beat")
        screen.wait_for("waiting for your")
        press(b"j")
        screen.wait_for("following")
        press(b"k")
        screen.wait_for("beat  2.")
        press(b"\x1b")
        screen.wait_for("Kept: ")
        assert play.wait(30) == 0
    played = [row for row in rows(out / "played.csv") if row["kind"] == "on"]
    assert [(row["pitch"], float(row["quarter"])) for row in played] == [("48", 0.0)]
    assert rows(out / "onsets.csv") == []
    facts = json.loads((out / "take.json").read_text("utf-8"))
    assert facts["settings"]["conductor"]["mode"] == "conduct"


def test_where_the_ensemble_begins_it_counts_in_and_plays_the_introduction(tmp_path: Path) -> None:
    out = tmp_path / "take"
    piece = write_piece(tmp_path / "introduction.mid", rest_beats=4)
    words = (piece, "--tap", "--solo", "Flute", "--out", out)
    with started(*words) as (press, screen, play):
        screen.wait_for("it counts in and plays 1 bar, then you come in")
        screen.wait_for("count-in")
        screen.wait_for("following")
        screen.wait_for("beat  2.")
        press(b"\x1b")
        screen.wait_for("Kept: ")
        assert play.wait(30) == 0
    played = [row for row in rows(out / "played.csv") if row["kind"] == "on"]
    assert [(row["pitch"], float(row["quarter"])) for row in played] == [("48", 0.0)]
    assert float(played[0]["time"]) == pytest.approx(2.0, abs=0.02)


def test_leaving_before_the_first_note_keeps_nothing(piece: Path, tmp_path: Path) -> None:
    out = tmp_path / "take"
    with started(piece, "--tap", "--out", out) as (press, screen, play):
        screen.wait_for("waiting for your")
        press(b"\x1b")
        screen.wait_for("no take is kept")
        assert play.wait(30) == 0
    assert not out.exists()


def test_a_take_is_learned_from_and_expected_the_next_time(tmp_path: Path) -> None:
    line = (72, 74, 76, 77, 79, 77, 76, 74)
    file = mido.MidiFile(write_piece(tmp_path / "short.mid"))
    flute = file.tracks[0]
    del flute[3:]  # the notes of the short tune
    for pitch in line:
        flute.append(mido.Message("note_on", note=pitch, velocity=90))
        flute.append(mido.Message("note_off", note=pitch, time=240))
    file.save(tmp_path / "piece.mid")
    messages = [TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, 1, 73))]
    for i, pitch in enumerate(line):
        messages.append(TimedMessage(0.3 + 0.3 * i, i, 1, Message(Kind.ON, 1, pitch, 100)))
        messages.append(TimedMessage(0.55 + 0.3 * i, i, 1, Message(Kind.OFF, 1, pitch)))
    with OfflineSynth(find_soundfont(None), RATE) as synth:
        write_wav(tmp_path / "solo.wav", synth.render(messages, 3.2), RATE)
    call = ["play", str(tmp_path / "piece.mid"), "--solo", "Flute", "--silent"]
    call += ["--from-file", str(tmp_path / "solo.wav")]
    first = CliRunner().invoke(main, [*call, "--out", str(tmp_path / "one")])
    assert first.exit_code == 0, first.output
    assert "1 take tells how you play this now" in first.stderr
    again = CliRunner().invoke(main, [*call, "--no-take"])
    assert "What to expect of you is known from 1 earlier take." in again.stderr
    assert "learned from" not in again.stderr
    alone = [*call, "--no-rehearse", "--out", str(tmp_path / "two")]
    said = CliRunner().invoke(main, alone).stderr
    assert "learned from" not in said
    assert "expect of you" not in said
    facts = json.loads((tmp_path / "two" / "take.json").read_text())
    assert facts["input"]["rehearsal"] == {"own_takes": 0, "takes_by_others": 0}
