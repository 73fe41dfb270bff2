"""Ardour without a screen: `hardour`, any version from 7 on, on a JACK server of ours."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import pytest
from rig import IN_CI, Child, Jack, OscSocket, free_udp_port, wait_for

_ROOTS = (Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"), Path("/opt"))
FIRST_OSC_PORT = 3819
_START_S = 12.0
_ATTEMPTS = 5


def find_ardour() -> Path | None:
    """Find the newest `hardour` of this machine (it is not on the PATH)."""
    found = [
        path
        for root in _ROOTS
        for pattern in ("ardour*/hardour-*", "Ardour*/bin/hardour-*")
        for path in root.glob(pattern)
    ]
    return max(found, key=lambda p: [int(n) for n in re.findall(r"\d+", p.name)], default=None)


needs_ardour = pytest.mark.skipif(
    find_ardour() is None and not IN_CI, reason="Ardour is not installed (Debian/Ubuntu: ardour)"
)


def ardour_environment(program: Path, home: Path) -> dict[str, str]:
    """What the wrapper scripts of Ardour set, and a home of its own so that nobody's is touched."""
    libraries = program.parent
    number = re.search(r"\d+", libraries.name)
    data = libraries.name if number else "ardour"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "LD_LIBRARY_PATH": os.pathsep.join(
            [str(libraries), str(libraries / "surfaces"), os.environ.get("LD_LIBRARY_PATH", "")]
        ).rstrip(os.pathsep),
        "ARDOUR_BACKEND_PATH": str(libraries / "backends"),
        "ARDOUR_SURFACES_PATH": str(libraries / "surfaces"),
        "ARDOUR_PANNER_PATH": str(libraries / "panners"),
        "ARDOUR_DATA_PATH": f"/usr/share/{data}",
        "ARDOUR_CONFIG_PATH": f"/etc/{data}",
        "ARDOUR_DLL_PATH": str(libraries),
        "VAMP_PATH": str(libraries / "vamp"),
    }


@dataclass(frozen=True)
class Ardour:
    """A running Ardour with a session open, stopped at its start."""

    process: Child
    osc: OscSocket
    osc_port: int
    session: Path
    log: Path

    def frame(self) -> int:
        """Where its playhead is, in samples."""
        answer = self.osc.ask("/transport_frame", seconds=0.5, again=6)
        assert answer is not None, self.log.read_text(errors="replace")
        return int(answer[0])

    def speed(self) -> float:
        answer = self.osc.ask("/transport_speed", seconds=0.5, again=6)
        assert answer is not None, self.log.read_text(errors="replace")
        return float(answer[0])

    def wait_stopped(self) -> None:
        """Stop it at its start. Without a screen it rolls of itself once it has loaded.

        Not all at once: a locate just behind a stop is more than 7.3 survives.
        """
        rolls_s = time.monotonic() + 10.0
        while self.speed() == 0.0 and time.monotonic() < rolls_s:
            time.sleep(0.05)
        self.osc.send("/transport_stop")
        wait_for("stopped Ardour", lambda: self.speed() == 0.0, 5.0)
        time.sleep(0.5)
        self.osc.send("/locate", 0, 0)
        wait_for("Ardour at its start", lambda: self.frame() == 0, 5.0)

    def save(self) -> str:
        """Save the session and give its XML."""
        before = self.session.stat().st_mtime_ns
        self.osc.send("/save_state")
        wait_for("saved session", lambda: self.session.stat().st_mtime_ns != before, 10.0)
        time.sleep(0.3)
        return self.session.read_text(encoding="utf-8")


@contextmanager
def only_ardour() -> Iterator[int]:
    """Hold the machine's one place for an Ardour under test; give the OSC port that it will take.

    Ardour takes the first port that is free from 3819 on: with two about, tests might talk to the
    wrong one.
    """
    with (Path(gettempdir()) / "accompanist-ardour-tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield free_udp_port(FIRST_OSC_PORT, FIRST_OSC_PORT + 20)


@contextmanager
def ardour_running(jack: Jack, session: Path, home: Path, port: int) -> Iterator[Ardour]:
    """Open a session; it has OSC switched on.

    Ardour 7.3 and jackd 1.9.21 lose one another now and then while a session connects its ports:
    two of Ardour's threads then write to one socket, and jackd says "unknown request" for ever.
    Such a start is given up and made again.
    """
    program = find_ardour()
    assert program is not None
    environment = jack.environment | ardour_environment(program, home)
    command = [str(program), str(session.parent), session.stem]
    for attempt in range(_ATTEMPTS):
        log = home / f"ardour-{attempt}.log"
        with Child(command, environment, log) as process, OscSocket(port) as osc:
            if not _is_up(jack, process, osc):
                continue
            ardour = Ardour(process, osc, port, session, log)
            ardour.wait_stopped()
            yield ardour
            return
    raise AssertionError(f"Ardour does not come up: {log.read_text(errors='replace')}")


def _is_up(jack: Jack, process: Child, osc: OscSocket) -> bool:
    """Wait until its ports are connected and it answers over OSC."""
    end_s = time.monotonic() + _START_S
    while time.monotonic() < end_s and process.process.poll() is None:
        time.sleep(0.2)
        if jack.connections("ardour:Master/audio_out 1"):
            time.sleep(0.5)
            return osc.ask("/transport_frame", seconds=0.5, again=10) is not None
    return False
