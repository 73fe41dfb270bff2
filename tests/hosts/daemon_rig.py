"""The daemon as a process of its own in a JACK server, and pieces written for it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import mido
from rig import Child, Jack, OscSocket, free_udp_port

__all__ = ["RunningDaemon", "children", "write_piece"]

HTTP_PORTS = (7111, 7190)
OSC_PORTS = (7211, 7290)


def children(pid: int, having: str) -> list[int]:
    """Give the processes below ``pid`` whose command line has this in it, the eldest first."""
    found: list[tuple[int, int]] = []
    below = [pid]
    while below:
        above = below.pop()
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            with suppress(OSError, IndexError, ValueError):
                words = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(words[1]) != above:
                    continue
                below.append(int(folder.name))
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
                if having in command:  # numbers come round: the eldest need not have the least
                    found.append((int(words[19]), int(folder.name)))
    return [number for _, number in sorted(found)]


class RunningDaemon(Child):
    """``accompanist daemon`` with folders of its own; ``osc`` is subscribed to everything.

    Parameters
    ----------
    jack : Jack
    home : Path
        For its settings, state, runtime folder and takes.
    settings : str
        ``section.key=value``.
    """

    def __init__(self, jack: Jack, home: Path, *settings: str) -> None:
        self.home = home
        self.log = home / "daemon.log"
        runtime = home / "run"
        runtime.mkdir(parents=True, exist_ok=True)
        runtime.chmod(0o700)
        folders = {
            f"XDG_{name}_HOME": str(home / name.lower())
            for name in ("CONFIG", "STATE", "DATA", "CACHE")
        }
        ours = (
            f"osc.port={free_udp_port(*OSC_PORTS)}",
            f"osc.http_port={free_udp_port(*HTTP_PORTS)}",
            "osc.zeroconf=false",
            f"takes.folder={home / 'takes'}",
            "output.backend=jack",
            *settings,
        )
        options = [word for text in ours for word in ("--set", text)]
        super().__init__(
            [sys.executable, "-m", "accompanist", "-v", "daemon", *options],
            jack.environment
            | folders
            | {"XDG_RUNTIME_DIR": str(runtime), "PYTHONFAULTHANDLER": "1"},
            self.log,
        )
        try:
            # another daemon may have been quicker: then ours has taken the next port
            self.osc_port = self._told_port(runtime / "accompanist" / "url")
            self.osc = OscSocket(self.osc_port)
            state = self.osc.ask("/acc/state", seconds=1.0, again=40)
            assert state is not None, self.complaints()
            self.osc.send("/acc/subscribe", "*", 20, self.osc.port, 3600)
        except BaseException:
            self.close()
            raise

    def _told_port(self, url: Path) -> int:
        end_s = time.monotonic() + 40.0
        while True:
            with suppress(OSError, IndexError, ValueError):
                return int(url.read_text().splitlines()[0].rpartition(":")[2].split("/")[0])
            late = time.monotonic() > end_s or self.process.poll() is not None
            assert not late, self.complaints()
            time.sleep(0.05)

    def complaints(self) -> str:
        """Give the log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def state(self) -> str:
        """Ask for the state."""
        found = self.osc.ask("/acc/state", seconds=1.0, again=3)
        return str(found[0]) if found else ""

    def wait_state(self, *wanted: str, seconds: float = 20.0) -> None:
        """Wait until it is in one of these states."""
        end_s = time.monotonic() + seconds
        while (now := self.state()) not in wanted:
            assert time.monotonic() < end_s, (now, wanted, self.complaints()[-3000:])
            time.sleep(0.05)

    def do(self, address: str, *arguments: int | float | str) -> None:
        self.osc.send(f"/acc/{address}", *arguments)

    def errors(self, since_s: float = 0.0) -> list[tuple[object, ...]]:
        """Give what was told at ``/acc/error``."""
        return self.osc.all("/acc/error", since_s)

    def load(self, piece: Path | str, seconds: float = 60.0) -> None:
        """Load a piece and wait until it is there."""
        self.do("piece/load", str(piece))
        end_s = time.monotonic() + seconds
        while True:
            info = self.osc.ask("/acc/piece/info", seconds=0.5)
            if info and info[0] == Path(piece).stem and self.state() == "idle":
                return
            assert time.monotonic() < end_s, (info, self.errors(), self.complaints()[-3000:])
            time.sleep(0.05)

    def engine(self) -> int:
        """Process number of the engine."""
        return children(self.process.pid, "accompanist.app.engine.process")[0]

    def performers(self) -> list[int]:
        """Process numbers of the performer and its spare."""
        return children(self.process.pid, "accompanist.app.performer.process")

    def recording_players(self) -> list[int]:
        """Process numbers of what plays a recording, and its spare, the elder first."""
        return children(self.process.pid, "accompanist.app.recording_player.process")

    def __exit__(self, *error: object) -> None:
        """After a failure first tell where everybody stands, behind the log."""
        if error[1] is not None:
            sys.stdout.write(self.where_all_stand())
        super().__exit__(*error)

    def where_all_stand(self) -> str:
        """Have the daemon's processes abort with their stacks; give these, and who used how much.

        It costs them their lives.
        """
        told = [f"{self.complaints()[-6000:]}"]
        before = len(self.complaints())
        for pid in [*children(self.process.pid, ""), self.process.pid]:
            with suppress(OSError, ValueError, IndexError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                told.append(f"{pid} {command[:160].decode(errors='replace')}")
                for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
                    name, _, rest = (task / "stat").read_text().rpartition(")")
                    words = rest.split()
                    told.append(
                        f"  {name.partition('(')[2]}: {words[0]}, {words[11]} + {words[12]} ticks"
                    )
                os.kill(pid, signal.SIGABRT)
                time.sleep(0.3)
        told.append(self.complaints()[before:])
        return "\n".join(told)

    def close(self) -> None:
        if hasattr(self, "osc"):
            self.osc.close()
        super().close()


def write_piece(
    path: Path,
    bars: int = 12,
    *,
    tempi: Sequence[tuple[int, float]] = ((1, 120.0),),
    chord: Sequence[int] = (48, 52, 55),
    solo: Sequence[int] = (72, 74, 76, 77),
    chord_beats: int = 4,
    rising: bool = False,
) -> Path:
    """Write a solo of quarters and a chord every so many beats, in 4/4.

    Parameters
    ----------
    path : Path
        A MIDI file.
    bars : int
        Length.
    tempi : sequence of (bar, quarters a minute)
        Bars from 1.
    chord : sequence of int
        What the second part plays.
    solo : sequence of int
        One bar of the first part.
    chord_beats : int
        How long a chord lasts.
    rising : bool
        Whether each chord is a semitone higher than the one before, so that a pitch tells its bar.
    """
    file = mido.MidiFile(ticks_per_beat=480)
    tempo_track = mido.MidiTrack()
    tempo_track.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    at = 0
    for bar, qpm in tempi:
        tick = (bar - 1) * 4 * 480
        tempo_track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(qpm), time=tick - at))
        at = tick
    file.tracks.append(tempo_track)
    melody = mido.MidiTrack([mido.MetaMessage("track_name", name="Flute")])
    melody.append(mido.Message("program_change", program=73, channel=0))
    for _ in range(bars):
        for pitch in solo:
            melody.append(mido.Message("note_on", note=pitch, velocity=90, channel=0))
            melody.append(mido.Message("note_off", note=pitch, time=480, channel=0))
    file.tracks.append(melody)
    chords = mido.MidiTrack([mido.MetaMessage("track_name", name="Piano")])
    chords.append(mido.Message("program_change", program=0, channel=1))
    for k in range(bars * 4 // chord_beats):
        pitches = [pitch + (k if rising else 0) for pitch in chord]
        for pitch in pitches:
            chords.append(mido.Message("note_on", note=pitch, velocity=80, channel=1))
        for i, pitch in enumerate(pitches):
            wait = 480 * chord_beats if i == 0 else 0
            chords.append(mido.Message("note_off", note=pitch, time=wait, channel=1))
    file.tracks.append(chords)
    file.save(path)
    return path
