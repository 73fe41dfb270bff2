"""A `play` that is killed leaves its take behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile

from accompanist.app.keeping.keep_take import write_kept
from accompanist.app.keeping.ring import TakeRing, journal_seconds
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from score_library.catalogue import open_piece

PIECE = "ode-to-joy"
RATE = 22_050
LENGTH_S = 15.0


def test_what_was_played_until_it_was_killed_can_be_kept(
    tmp_path: Path, play_tones: Callable[..., Any]
) -> None:
    piece = open_piece(PIECE)
    tempo = written_tempo(piece.score)
    notes = [note for event in solo_line(piece.solo_part).notes for note in event]
    first_s = float(tempo.to_seconds(notes[0].onset_quarter)) - 0.5
    spans = [
        (
            float(tempo.to_seconds(note.onset_quarter)) - first_s,
            float(tempo.to_seconds(note.end_quarter)) - first_s - 0.03,
            note.pitch,
        )
        for note in notes
    ]
    wav = tmp_path / "solo.wav"
    soundfile.write(wav, play_tones([s for s in spans if s[1] < LENGTH_S], RATE), RATE)
    said = tmp_path / "said.txt"
    command = [sys.executable, "-m", "accompanist", "play", PIECE, "--from-file", str(wav)]
    with said.open("w") as errors:
        play = subprocess.Popen(
            [*command, "--silent", "--out", str(tmp_path / "take")],
            env=os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            end_s = time.monotonic() + 60.0
            while "following" not in said.read_text():
                assert time.monotonic() < end_s, said.read_text()
                assert play.poll() is None, said.read_text()
                time.sleep(0.05)
            began_s = time.monotonic()
            time.sleep(4.0)
            play.send_signal(signal.SIGKILL)
            played_s = time.monotonic() - began_s
        finally:
            play.kill()
            play.wait()
    (journal,) = TakeRing(tmp_path / "state" / "accompanist" / "takes").journals()
    assert journal_seconds(journal) > played_s - 1.0
    write_kept(journal, tmp_path / "kept", audio=False)
    played = (tmp_path / "kept" / "played.csv").read_text("utf-8").splitlines()[2:]
    struck = [row for row in played if row.endswith(",on")]
    assert len(struck) >= 3
    assert not (tmp_path / "take").exists()
