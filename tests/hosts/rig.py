"""What every test with a real host needs: a JACK server, clients of it, an OSC socket.

Clients that must keep time are processes of their own (``jack_wav.py``, ``jack_midi.py``): a
callback beside a busy test would hold up the whole graph.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import pytest

HERE = Path(__file__).parent
RATE_HZ = 48_000
PERIOD = 256
IN_CI = os.environ.get("CI") == "true"


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skip a test whose program is not on this machine; in CI it must be there."""
    return pytest.mark.skipif(
        shutil.which(program) is None and not IN_CI,
        reason=f"{program} is not installed (Debian/Ubuntu: {package})",
    )


def wait_for(what: str, found: Callable[[], bool], seconds: float) -> None:
    """Wait until ``found()`` is true."""
    end_s = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end_s, f"no {what} within {seconds} s"
        time.sleep(0.05)


def finish(process: subprocess.Popen[Any], polite: signal.Signals = signal.SIGTERM) -> None:
    """End a process that we have started: politely, then not."""
    if process.poll() is None:
        process.send_signal(polite)
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(8)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


# ---- the server ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Jack:
    """A JACK server of our own on the dummy driver; ``environment`` leads clients to it."""

    name: str
    environment: dict[str, str]
    server: subprocess.Popen[bytes]
    log: Path
    _patch: subprocess.Popen[str]

    @property
    def realtime(self) -> bool:
        """Whether the server got real-time priority."""
        return "-R" in [str(a) for a in self.server.args]  # type: ignore[union-attr]

    def xruns(self) -> int:
        """Count the xruns so far: timing figures of a run with some mean nothing."""
        return self.log.read_text(errors="replace").lower().count("xrun")

    def _ask(self, *command: str) -> Any:
        assert self._patch.stdin is not None
        assert self._patch.stdout is not None
        try:
            self._patch.stdin.write(json.dumps(command) + "\n")
            self._patch.stdin.flush()
            answer = json.loads(self._patch.stdout.readline() or '{"error": "gone"}')
        except OSError:
            answer = {"error": "gone"}
        return answer

    def ports(self) -> list[str]:
        """Name all ports of the server; none once it has gone."""
        answer = self._ask("ports")
        return [] if isinstance(answer, dict) else list(answer)

    def port(self, *having: str) -> str:
        """Name the one port whose name has all these in it."""
        found = [p for p in self.ports() if all(h in p for h in having)]
        assert len(found) == 1, f"ports with {having}: {found} among {self.ports()}"
        return found[0]

    def has(self, *having: str) -> bool:
        return any(all(h in p for h in having) for p in self.ports())

    def connections(self, port: str) -> set[str]:
        """Name the ports that a port is connected with; none if there is no such port."""
        answer = self._ask("connections", port)
        return set() if isinstance(answer, dict) else set(answer)

    def connect(self, source: str, target: str) -> None:
        """Connect two ports; a server under load may want to be asked again."""
        end_s = time.monotonic() + 5.0
        while target not in self.connections(source):
            answer = self._ask("connect", source, target)
            if answer == []:
                return
            late = time.monotonic() > end_s
            assert not late, f"{source} to {target}: {answer} among {self.ports()}"
            time.sleep(0.2)

    def frame(self) -> int:
        """Give the server's frame now, to a period or so."""
        answer = self._ask("frame")
        assert not isinstance(answer, dict), answer
        return int(answer[0])

    def disconnect(self, source: str, target: str) -> None:
        answer = self._ask("disconnect", source, target)
        assert answer == [], f"{source} from {target}: {answer}"


@contextmanager
def jack_server(tag: str, folder: Path, period: int = PERIOD) -> Iterator[Jack]:
    """Start a server on the dummy driver, with real-time priority where that is allowed."""
    name = f"accompanist-{tag}-{os.getpid()}"
    environment = os.environ | {
        "JACK_DEFAULT_SERVER": name,
        "JACK_NO_AUDIO_RESERVATION": "1",
        "JACK_NO_START_SERVER": "1",
        "PYTHONUNBUFFERED": "1",
    }
    log = folder / f"jackd-{tag}.log"
    for priority in (("-R", "-P10"), ("-R", "-P10"), ("-r",)):
        dummy = ("-d", "dummy", "-r", str(RATE_HZ), "-p", str(period), "-C", "2", "-P", "2")
        with log.open("wb") as out:
            server = subprocess.Popen(
                ["jackd", *priority, "-n", name, *dummy],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                restore_signals=False,  # SIGPIPE stays ignored: else a client that dies ends it
            )
        ready = ["jack_wait", "-s", name, "-w", "-t", "10"]
        waited = subprocess.run(
            ready, env=environment, check=False, capture_output=True, timeout=20
        )
        if waited.returncode == 0 and server.poll() is None:
            break
        finish(server)  # "too many servers" (eight to a machine) passes when others end
        time.sleep(2.0)
    else:
        raise AssertionError(f"jackd does not start: {log.read_text(errors='replace')}")
    patch = subprocess.Popen(
        [sys.executable, str(HERE / "jack_patch.py"), str(os.getpid())],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert patch.stdout is not None
        assert patch.stdout.readline().strip() == '"ready"', log.read_text(errors="replace")
        yield Jack(name, environment, server, log, patch)
    finally:
        finish(patch)
        finish(server)
        if server.returncode < 0:
            _free_slot(name, environment)


def _free_slot(name: str, environment: dict[str, str]) -> None:
    """Free the slot of a server that was killed: there are eight, and only its name frees it."""
    time.sleep(1.0)
    again = subprocess.Popen(
        ["jackd", "-r", "-n", name, "-d", "dummy"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ready = ["jack_wait", "-s", name, "-w", "-t", "5"]
    subprocess.run(ready, env=environment, check=False, capture_output=True, timeout=20)
    finish(again)


# ---- processes -----------------------------------------------------------------------------------


class Child:
    """A process whose stdout is read line by line; ``log`` keeps its stderr."""

    def __init__(
        self, command: Sequence[str], environment: dict[str, str], log: Path | None = None
    ) -> None:
        self._log: IO[bytes] | None = log.open("wb") if log is not None else None
        self.process = subprocess.Popen(
            list(command),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            bufsize=1,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with suppress(ValueError, OSError):
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self, start: str, seconds: float = 20.0) -> str:
        """Wait for a line that begins so and give its rest."""
        end_s = time.monotonic() + seconds
        while True:
            for line in list(self.lines):
                if line.startswith(start):
                    return line[len(start) :].strip()
            dead = self.process.poll() is not None and not self._reader.is_alive()
            late = dead or time.monotonic() > end_s
            assert not late, f"{self.process.args!r} did not say {start!r}, but {self.lines}"
            time.sleep(0.02)

    def close(self) -> None:
        finish(self.process)
        self._reader.join(5)
        if self._log is not None:
            self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class WavPlayer(Child):
    """Plays a WAV out of the port ``NAME:out``; `go` gives the frame of its first sample."""

    def __init__(self, jack: Jack, wav: Path, name: str = "soloist") -> None:
        super().__init__(
            [sys.executable, str(HERE / "jack_wav.py"), str(wav), name], jack.environment
        )
        self.port = f"{name}:out"
        self.hear("ready")

    def go(self) -> int:
        self.say("go")
        return int(self.hear("began "))

    def wait(self, seconds: float) -> int:
        """Wait for the end of the WAV and give the frame behind it."""
        return int(self.hear("ended ", seconds))


@dataclass(frozen=True)
class Heard:
    """One MIDI message and the frame of the server at which it was there."""

    frame: int
    port: str
    data: bytes


class MidiRecorder(Child):
    """Records MIDI at ``NAME:PORT`` for each port name, and audio at ``NAME:audio`` on request."""

    def __init__(
        self,
        jack: Jack,
        out: Path,
        ports: Sequence[str] = ("in",),
        name: str = "recorder",
        audio: Path | None = None,
    ) -> None:
        self._out = out
        self.name = name
        self.missed: list[tuple[int, int]] = []
        """Frames [from, to) of which it was given nothing; known once it has stopped."""
        command = [sys.executable, str(HERE / "jack_midi.py"), "record", name, str(out)]
        super().__init__(
            [*command, str(audio) if audio is not None else "-", *ports], jack.environment
        )
        self.hear("ready")

    def stop(self) -> list[Heard]:
        """End the recording and give all that was heard, in order."""
        self.say("stop")
        self.hear("kept")
        self.missed = [(first, end) for first, end in json.loads(self.hear("missed"))]
        self.process.wait(10)
        with self._out.open(encoding="ascii") as file:
            return [
                Heard(int(row["frame"]), row["port"], bytes.fromhex(row["data"]))
                for row in csv.DictReader(file)
            ]


class MidiSender(Child):
    """Sends timed MIDI out of ``NAME:PORT``: rows (seconds, hexadecimal bytes)."""

    def __init__(self, jack: Jack, rows: Path, name: str = "sender", port: str = "out") -> None:
        super().__init__(
            [sys.executable, str(HERE / "jack_midi.py"), "send", name, str(rows), port],
            jack.environment,
        )
        self.port = f"{name}:{port}"
        self.hear("ready")

    def go(self) -> int:
        self.say("go")
        return int(self.hear("began "))

    def wait(self, seconds: float) -> None:
        self.hear("ended", seconds)


# ---- OSC -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OscHeard:
    """One OSC message, ``at_s`` monotonic."""

    at_s: float
    address: str
    arguments: tuple[Any, ...]


class OscSocket:
    """Sends OSC from one UDP port of loopback and keeps everything that comes back to it."""

    def __init__(self, to_port: int, local_port: int = 0, host: str = "127.0.0.1") -> None:
        self._to = (host, to_port)
        self.to_port = to_port
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", local_port))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self.heard: list[OscHeard] = []
        self.raw: list[bytes] = []
        self._on = True
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self) -> None:
        from pythonosc.osc_packet import OscPacket, ParseError

        while self._on:
            try:
                data = self._socket.recvfrom(65_536)[0]
            except TimeoutError:
                continue
            except OSError:  # closed, or nobody listens where we have sent to
                continue
            now_s = time.monotonic()
            self.raw.append(data)
            if data.startswith(b"#reply"):  # Ardour's answers have no proper address
                data = b"/" + data[1:]
            with suppress(ParseError):
                for timed in OscPacket(data).messages:
                    message = timed.message
                    self.heard.append(OscHeard(now_s, message.address, tuple(message.params)))

    def send(self, address: str, *arguments: int | float | str, types: str = "") -> None:
        """Send a message; ``types`` forces OSC types, one letter an argument."""
        from pythonosc.osc_message_builder import OscMessageBuilder

        builder = OscMessageBuilder(address=address)
        for i, argument in enumerate(arguments):
            own = {int: "i", float: "f", str: "s"}[type(argument)]
            builder.add_arg(argument, types[i] if types else own)
        self.send_raw(builder.build().dgram)

    def send_raw(self, data: bytes) -> None:
        with suppress(ConnectionRefusedError):
            self._socket.sendto(data, self._to)

    def last(self, address: str, since_s: float = 0.0) -> tuple[Any, ...] | None:
        """Arguments of the newest message of that address that came after ``since_s``."""
        for heard in reversed(self.heard):
            if heard.address == address and heard.at_s >= since_s:
                return heard.arguments
        return None

    def all(self, address: str, since_s: float = 0.0) -> list[tuple[Any, ...]]:
        """Arguments of all messages of that address after ``since_s``, in order."""
        return [h.arguments for h in self.heard if h.address == address and h.at_s >= since_s]

    def ask(
        self,
        address: str,
        *arguments: int | float | str,
        reply: str = "",
        seconds: float = 1.0,
        again: int = 1,
    ) -> tuple[Any, ...] | None:
        """Send and wait for the answer, ``again`` times; None if there is none."""
        for _ in range(again):
            since_s = time.monotonic()
            self.send(address, *arguments)
            while time.monotonic() - since_s < seconds:
                found = self.last(reply or address, since_s)
                if found is not None:
                    return found
                time.sleep(0.005)
        return None

    def close(self) -> None:
        self._on = False
        self._thread.join(2)
        self._socket.close()

    def __enter__(self) -> OscSocket:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def free_udp_port(first: int, last: int) -> int:
    """Find a UDP port of loopback that nobody has."""
    for port in range(first, last):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no free port from {first} to {last}")
