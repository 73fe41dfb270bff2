"""A soloist, the daemon and Ardour in one JACK server, wired as a user would have them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import soundfile
from ardour_rig import Ardour, ardour_running, only_ardour
from daemon_rig import RunningDaemon
from rig import RATE_HZ, Jack, WavPlayer, wait_for

__all__ = ["PIECE", "Stage", "on_stage", "soloist_wav"]

TITLE = "When the Saints Go Marching In"
MICROPHONE = "accompanist input:solo"
PIECE = "when-the-saints"
"""Constant tempo, two parts to accompany, rehearsal marks."""


@dataclass(frozen=True)
class Stage:
    """All that plays together. The session has Ardour's tracks as `accompanist session` made it."""

    jack: Jack
    daemon: RunningDaemon
    ardour: Ardour
    soloist: WavPlayer


def soloist_wav(folder: Path, seconds: float) -> Path:
    """Have a soloist made and keep the beginning of the take; give its path."""
    command = [sys.executable, "-m", "accompanist", "simulate", PIECE, "--rate", str(RATE_HZ)]
    made = subprocess.run(
        [*command, "--seed", "3", "--out", str(folder / "solo")],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert made.returncode == 0, made.stderr
    sound, rate = soundfile.read(folder / "solo" / "take.wav", dtype="float32")
    assert rate == RATE_HZ
    cut = folder / "take.wav"
    soundfile.write(cut, sound[: round(seconds * rate)], rate)
    return cut


@contextmanager
def on_stage(jack: Jack, folder: Path, wav: Path, *settings: str) -> Iterator[Stage]:
    """Make a session, start the daemon, then Ardour, then the soloist, and load the piece."""
    session = folder / "band"
    command = [sys.executable, "-m", "accompanist", "session", PIECE, "--host", "ardour"]
    made = subprocess.run(
        [*command, "--rate", str(RATE_HZ), "--out", str(session)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    ours = (f"piece.load={PIECE}", "hosts.ardour.enabled=true", *settings)
    with (
        only_ardour() as port,
        RunningDaemon(jack, folder / "daemon", *ours, f"hosts.ardour.port={port}") as daemon,
    ):
        wait_for("piece", lambda: (daemon.osc.ask("/acc/piece/info") or ("",))[0] == TITLE, 60.0)
        daemon.wait_state("idle")
        wait_for("our port", lambda: jack.has("accompanist:parts"), 20.0)
        wait_for("our input", lambda: jack.has(MICROPHONE), 20.0)
        with (
            ardour_running(jack, session / "band.ardour", folder / "ardour", port) as ardour,
            WavPlayer(jack, wav) as soloist,
        ):
            inputs = {p for p in jack.ports() if p.endswith("/midi_in 1")}
            assert jack.connections("accompanist:parts") == inputs
            assert len(inputs) == 2
            for source in jack.connections(MICROPHONE):
                jack.disconnect(source, MICROPHONE)
            jack.connect(soloist.port, MICROPHONE)
            yield Stage(jack, daemon, ardour, soloist)
