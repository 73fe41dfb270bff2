"""SooperLooper in a JACK server, with the shim that takes the place of the ALSA sequencer."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rig import HERE, Child, Jack, OscSocket, free_udp_port

__all__ = ["Looper", "build_shim", "looper_running"]

MIDI_CLOCK = -2.0
"""SooperLooper's ``sync_source``."""


def build_shim(folder: Path) -> Path:
    """Compile ``aseq2jack.c``."""
    library = folder / "libaseq2jack.so"
    compiler = shutil.which("gcc") or "cc"
    done = subprocess.run(
        [
            *(compiler, "-shared", "-fPIC", "-O2", "-Wall", "-o", str(library)),
            *(str(HERE / "aseq2jack.c"), "-ljack", "-lasound", "-lpthread"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return library


@dataclass(frozen=True)
class Looper:
    """A running SooperLooper."""

    osc: OscSocket
    url: str
    port: str
    """Its MIDI input in JACK."""

    def get(self, control: str) -> float:
        """Ask for a global control."""
        found = self.osc.ask("/get", control, self.url, "/reply", reply="/reply", again=4)
        assert found is not None, f"SooperLooper does not tell {control}"
        return float(found[2])


@contextmanager
def looper_running(jack: Jack, folder: Path) -> Iterator[Looper]:
    """Start it, following MIDI clock."""
    port = free_udp_port(9951, 9990)
    environment = jack.environment | {"LD_PRELOAD": str(build_shim(folder))}
    command = ["sooperlooper", "-l", "1", "-q", "-p", str(port), "-j", "looper"]
    with (
        Child(command, environment, folder / "sooperlooper.log"),
        OscSocket(port) as osc,
    ):
        url = f"osc.udp://127.0.0.1:{osc.port}"
        answer = osc.ask("/ping", url, "/pong", reply="/pong", seconds=0.5, again=40)
        assert answer is not None, (folder / "sooperlooper.log").read_text(errors="replace")
        osc.send("/set", "sync_source", MIDI_CLOCK)
        looper = Looper(osc, url, "looper-midi:in")
        assert looper.get("sync_source") == MIDI_CLOCK
        yield looper
