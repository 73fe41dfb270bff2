"""Broken settings, folders, files and ports, as the daemon meets them.

At the start: one line on stderr and the right exit code. Later: one line in the log and in
``/acc/error``, and the music goes on. Never a traceback.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from desk_pieces import make_desk
from test_cmd_daemon import Running, children, daemon

from accompanist.app.config.file import config_path, parse_setting, read_config
from accompanist.app.config.settings import Config
from accompanist.app.daemon.runtime import Runtime, Urls, hold_runtime
from accompanist.app.keeping.ring import ring_folder
from accompanist.errors import AccompanistError, BadInputError, UsageError

PIECE = "ode-to-joy"
PORTS = range(7310, 7331)


# ---- settings ------------------------------------------------------------------------------------

SETTINGS = {
    "unknown key": (b"[osc]\nprot = 1\n", "did you mean osc.port?"),
    "unknown table": (b"[oscc]\nport = 1\n", "did you mean osc?"),
    "wrong type": (b'[osc]\nport = "x"\n', "whole number, 1 to 65535"),
    "no table": (b"osc = 3\n", "a table of settings"),
    "not UTF-8": (b"\xff\xfe[osc]\n", "UTF-8"),
    "zeros": (b"\0\0\0", "is not TOML"),
    "half a line": (b"[osc\n", "is not TOML"),
    "nested without end": (b"a = " + b"[" * 100_000, "no settings look like this"),
    "tables without end": (b"a = " + b"{a=" * 3000, "no settings look like this"),
    "a number without end": (b"[osc]\nport = " + b"9" * 5000, "no settings look like this"),
    "huge": (b"#" * 2_000_000, "too long"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_make_no_sense(name: str, tmp_path: Path) -> None:
    content, text = SETTINGS[name]
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    with pytest.raises(BadInputError) as caught:
        read_config(path)
    assert text in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_settings_that_are_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    refusals = {
        tmp_path: "cannot be read",
        tmp_path / "pipe": "is a pipe",
        Path("/dev/zero"): "too long",
        tmp_path / "none.toml" / "none.toml": "there is no such file",
    }
    for path, text in refusals.items():
        with pytest.raises(BadInputError, match=text):
            read_config(path)
    with pytest.raises(BadInputError, match="there is no such file"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "empty.toml").touch()
    assert read_config(tmp_path / "empty.toml") == Config()
    monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")
    assert read_config() == Config()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    if config_path().is_relative_to(tmp_path):
        config_path().mkdir(parents=True)
        with pytest.raises(BadInputError, match="cannot be read"):
            read_config()


def test_a_setting_without_end_on_the_command_line() -> None:
    for value in ("[" * 100_000, "9" * 5000):
        with pytest.raises(UsageError, match=r"--set osc\.port: no setting"):
            parse_setting(f"osc.port={value}")


# ---- folders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lock", "url"])
def test_something_in_the_way_in_the_runtime_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with (
        pytest.raises(AccompanistError, match=r"cannot be written .*XDG_RUNTIME_DIR"),
        hold_runtime(tmp_path) as runtime,
    ):
        runtime.write_urls(Urls("127.0.0.1", 7010))
    assert Runtime(tmp_path).folder == tmp_path


def test_takes_go_elsewhere_where_the_state_folder_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told: list[str] = []
    folder = ring_folder(told.append)
    assert folder.parent == tmp_path
    (line,) = told
    assert "cannot be written" in line
    assert str(folder) in line


# ---- at the start --------------------------------------------------------------------------------


def start(home: Path, *options: str, more: dict[str, str] | None = None) -> tuple[int, list[str]]:
    """Start a daemon that cannot; give its exit code and what it said."""
    call = ["daemon", "--to", "none", "--set", "osc.zeroconf=false", "--osc-port", "7310"]
    call += ["--http-port", "7410", "--set", "control.enable=false", *options]
    done = subprocess.run(
        [sys.executable, "-m", "accompanist", *call],
        env=os.environ | Running.folders(home) | (more or {}),
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--set", "osc.port"), 2, "wants section.key=value"),
        (("--set", "osc.port=0"), 2, "whole number, 1 to 65535"),
        (("--config", "none.toml"), 3, "there is no such file"),
    ],
)
def test_it_does_not_start(options: tuple[str, ...], code: int, text: str, tmp_path: Path) -> None:
    returned, said = start(tmp_path, *options)
    assert returned == code, said
    (line,) = said
    assert line.startswith("accompanist: ")
    assert text in line


def test_a_runtime_folder_that_cannot_be_made(tmp_path: Path) -> None:
    returned, said = start(tmp_path, more={"XDG_RUNTIME_DIR": "/dev/null"})
    assert (returned, len(said)) == (1, 2), said
    assert "set XDG_RUNTIME_DIR" in said[-1]


@pytest.mark.parametrize("name", ["board", "wake"])
def test_something_in_the_way_of_the_board(name: str, tmp_path: Path) -> None:
    Running.folders(tmp_path)
    (tmp_path / "run" / "accompanist" / name).mkdir(parents=True)
    returned, said = start(tmp_path)
    assert returned == 1
    assert "run/accompanist: cannot be written" in said[-1]
    assert not any("defect" in line or "Traceback" in line for line in said)


@contextmanager
def taken(kind: socket.SocketKind, ports: range) -> Iterator[None]:
    with ExitStack() as stack:
        for port in ports:
            held = stack.enter_context(socket.socket(socket.AF_INET, kind))
            try:
                held.bind(("127.0.0.1", port))
            except OSError:
                continue  # somebody else's: taken, too
            if kind == socket.SOCK_STREAM:
                held.listen()
        yield


def test_all_osc_ports_taken(tmp_path: Path) -> None:
    with taken(socket.SOCK_DGRAM, PORTS):
        returned, said = start(tmp_path)
    assert returned == 1
    assert "UDP ports 7310–7330 cannot be had" in said[-1]
    assert not any("defect" in line for line in said)


def test_what_is_taken_or_missing_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    (tmp_path / "font.sf2").write_bytes(b"hello")
    (tmp_path / "sound.wav").write_bytes(b"hello" * 100)
    options = ("--to", "synth", "--soundfont", str(tmp_path / "font.sf2"), "--piece", " ")
    with (
        taken(socket.SOCK_DGRAM, range(7310, 7311)),
        taken(socket.SOCK_STREAM, range(7410, 7431)),
        daemon(tmp_path, *options, "--from-file", str(tmp_path / "sound.wav")) as running,
    ):
        running.up()
        assert running.urls is not None
        assert running.urls.osc_port in PORTS[1:]
        assert running.urls.http == ""
        said = (
            "TCP ports 7410–7430 cannot be had",
            "sound.wav: not a sound file that can be read",
            "font.sf2: this is not a sound font",
            "piece/load wants the name of a piece",
        )
        running.until(lambda: all(running.said().count(text) == 1 for text in said))
        assert running.state() == "error"
        assert running.leave() == 0
        assert "Traceback" not in running.said()
        assert "defect" not in running.said()


# ---- while it plays ------------------------------------------------------------------------------


def broken_score(folder: Path) -> Path:
    path = folder / "cut.musicxml"
    path.write_text("<score-partwise><part-list>")
    return path


def swelling_score(folder: Path) -> Path:
    path = folder / "bomb.mxl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        root = '<container><rootfiles><rootfile full-path="s.xml"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", root)
        archive.writestr("s.xml", b" " * 60_000_000)
    return path


def empty_score(folder: Path) -> Path:
    path = folder / "empty.mid"
    path.touch()
    return path


SCORES: tuple[tuple[Callable[[Path], Path], str], ...] = (
    (broken_score, "damaged or cut short"),
    (swelling_score, "zip bomb"),
    (empty_score, "the file is empty"),
    (lambda folder: folder, "this is a folder"),
    (lambda folder: folder / "none.mid", "none.mid: no such file"),
    (lambda folder: Path("/dev/zero"), "too large"),
)


def test_what_goes_wrong_while_it_plays_is_said_and_it_plays_on(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, np.zeros(48_000), 48_000)
    settings = tmp_path / "settings.toml"
    settings.write_text('[follow]\nmode = "fixed"\nlevel = 8.0\n[countin]\nmode = "never"\n')
    (tmp_path / "state").write_text("in the way")
    options = ("--config", str(settings), "--from-file", str(quiet), "--piece", PIECE)
    more = {"TMPDIR": str(tmp_path)}
    with daemon(tmp_path, *options, "--takes", "/proc/takes", more=more) as running:
        running.up()
        running.send("/acc/start")  # at once: the piece is being read
        running.until(lambda: running.state() == "following")
        assert "state/accompanist/takes: cannot be written" in running.said()

        def told(address: str, text: str) -> None:
            for message in running.answers(20.0):
                if message.address == "/acc/error" and text in str(message.arguments[2]):
                    assert message.arguments[0] == address, message.arguments
                    assert text in running.said()
                    return
            raise AssertionError(f"nobody said {text!r}: {running.said()}")

        running.send("/acc/subscribe", "error")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as passing:
            from bridges.osc import encode

            assert running.urls is not None
            passing.sendto(encode("/acc/subscribe", ("*",)), ("127.0.0.1", running.urls.osc_port))
        running.until(lambda: "nobody listens there any more" in running.said())
        settings.write_bytes(b"[follow\n")
        running.process.send_signal(signal.SIGHUP)
        told("/acc/reload", "settings left as they are")
        assert running.ask("/acc/follow/level") == (8.0,)
        running.until(lambda: running.ask("/acc/position/bar")[0] == 2)
        running.send("/acc/take/save", "mine")
        told("/acc/take/save", "/proc/takes/mine: cannot be written")
        assert running.state() == "following"
        for make, text in SCORES:
            running.send("/acc/piece/load", str(make(tmp_path)))
            told("/acc/piece/load", text)
        running.until(lambda: running.ask("/acc/piece/info")[0] == "Ode to Joy")
        running.process.send_signal(signal.SIGINT)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 0
        assert "Traceback" not in running.said()
        assert "defect" not in running.said()


def test_a_kill_leaves_nobody_behind(tmp_path: Path) -> None:
    with daemon(tmp_path) as running:
        running.up()
        running.until(lambda: len(children(running.process.pid, "accompanist.app")) >= 2)
        left = children(running.process.pid, "accompanist.app")
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left}
        running.process.kill()
        running.process.wait()

        def alive() -> list[int]:
            found = []
            for pid in left:
                try:
                    if Path(f"/proc/{pid}/cmdline").read_bytes() == commands[pid]:
                        found.append(pid)
                except OSError:
                    pass
            return found

        for _ in range(200):
            if not alive():
                break
            signal.sigtimedwait([], 0.05)
        assert alive() == []


def test_one_complaint_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    desk, *_, told = make_desk()
    for _ in range(3):
        desk.store.complain("input/device", 503, "USB: gone")
    assert told.of("error") == [("input/device", 503, "USB: gone")]
    assert caplog.messages == ["USB: gone"]
