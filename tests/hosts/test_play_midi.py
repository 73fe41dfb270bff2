"""`play` into a host: the notes leave by our MIDI port, as the take says that they did."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rig import RATE_HZ, MidiRecorder, finish, jack_server, needs, wait_for
from test_play_jack import BASS, write_piece, write_soloist

pytestmark = needs("jackd", "jackd2")


@pytest.mark.parametrize("to", ["midi", "port"])
def test_a_host_gets_the_notes_that_the_take_lists(tmp_path: Path, to: str) -> None:
    piece, solo, out = tmp_path / "duet.mid", tmp_path / "solo.wav", tmp_path / "take"
    write_piece(piece)
    write_soloist(solo)
    options = ["--to", "midi"] if to == "midi" else ["--to", "midi", "--midi-port", "host:in"]
    call = [sys.executable, "-m", "accompanist", "play", str(piece), "--solo", "Flute"]
    call += ["--from-file", str(solo), "--out", str(out), *options]
    with jack_server("play", tmp_path) as jack:
        recorder = MidiRecorder(jack, tmp_path / "heard.csv", name="host")
        said = (tmp_path / "said.txt").open("w")
        play = subprocess.Popen(
            call,
            env=jack.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            with recorder:
                if to == "midi":
                    wait_for("port", lambda: jack.has("accompanist:parts"), 30.0)
                    jack.connect("accompanist:parts", "host:in")
                assert play.wait(60) == 0, (tmp_path / "said.txt").read_text()
                heard = recorder.stop()
            assert not jack.has("accompanist")
        finally:
            finish(play, signal.SIGINT)
            said.close()
    with (out / "played.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    struck = [row for row in rows if row["kind"] == "on"]
    assert [int(row["pitch"]) for row in struck] == list(BASS)
    arrived = [h for h in heard if h.data[0] & 0xF0 == 0x90]
    assert [h.data[1] for h in arrived] == list(BASS)
    assert len([h for h in heard if h.data[0] & 0xF0 == 0x80]) >= len(BASS)
    offset_s = arrived[0].frame / RATE_HZ - float(struck[0]["time"])
    for note, row in zip(arrived, struck, strict=True):
        assert note.frame / RATE_HZ - offset_s == pytest.approx(float(row["time"]), abs=0.01)
    facts = json.loads((out / "take.json").read_text())
    assert facts["input"]["output"] == ("accompanist:parts" if to == "midi" else "host:in")


def test_what_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    piece = tmp_path / "duet.mid"
    write_piece(piece)
    with jack_server("play", tmp_path) as jack:
        for options, code, words in (
            (["--to", "midi", "--midi-port", "nowhere"], 4, "no MIDI output is called 'nowhere'"),
            (["--to", "brass"], 2, "--to takes midi, synth or midi,synth, not 'brass'"),
            (["--silent", "--to", "midi"], 2, "at odds"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "accompanist", "play", str(piece), *options],
                env=jack.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == code, done.stderr
            assert words in done.stderr
            assert done.stderr.count("\n") == 1
