"""``accompanist ctl`` against a daemon's surface with a pretended desk behind it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fake_desk import FakeDesk

from accompanist.app.cli import main
from accompanist.app.daemon.runtime import Runtime, Urls
from accompanist.app.desk.protocol import DeskError, Values
from accompanist.app.osc.client import find_daemon, urls_from
from accompanist.app.osc.ctl import arguments_from, live_line, mixer_lines, status_lines
from accompanist.app.osc.service import OscService, OscSettings
from accompanist.errors import DaemonError, UsageError
from bridges.osc_udp import OscUdp

PORT = 18_000 + os.getpid() % 1900
STATUS = {"state": "idle", "piece": None, "qpm": 96.0, "outputs": ["a", "b"], "realtime": True,
          "latency_ms": {"in": 3.25, "out": 0.0}}  # fmt: skip


class Daemon:
    """The surface on a loop of its own."""

    def __init__(self) -> None:
        self.desk = FakeDesk()
        self.desk.values["status"] = (json.dumps(STATUS),)
        self.desk.values["part/1/name"] = ("Violin",)
        self.url = ""
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        service = OscService(self.desk, OscSettings(port=PORT, http_port=PORT + 1, announce=False))
        self.url = self._loop.run_until_complete(service.start()).osc
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(service.stop())
        self._loop.close()

    def tell(self, key: str, *values: int | float | str) -> None:
        self._loop.call_soon_threadsafe(self.desk.tell, key, values)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def ctl(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["ctl", "--url", self.url, *words])

    def does(self, *words: str) -> list[tuple[str, Values]]:
        self.desk.done.clear()
        result = self.ctl(*words)
        assert result.exit_code == 0, result.output
        return list(self.desk.done)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    running = Daemon()
    yield running
    running.close()


def test_buttons_are_pressed(daemon: Daemon) -> None:
    for words, done in (
        (("arm",), ("arm", ())),
        (("start",), ("start", ())),
        (("stop",), ("stop", ())),
        (("pause",), ("pause", ())),
        (("resume",), ("resume", ())),
        (("cue",), ("cue", ())),
        (("hold",), ("hold", ())),
        (("hold", "off"), ("hold", (0,))),
        (("resync",), ("resync", ())),
        (("vamp-exit",), ("vamp/exit", ())),
        (("tap",), ("tempo/tap", ())),
        (("panic",), ("midi/panic", ())),
        (("reload",), ("reload", ())),
        (("quit",), ("quit", ())),
        (("goto", "17"), ("goto/bar", (17,))),
        (("goto", "--quarter", "3.5"), ("goto/quarter", (3.5,))),
        (("goto", "--mark", "B"), ("goto/mark", ("B",))),
        (("goto", "--next"), ("goto/next", ())),
        (("goto", "--prev"), ("goto/prev", ())),
        (("take", "start"), ("take/start", ())),
        (("take", "stop"), ("take/stop", ())),
        (("take", "save"), ("take/save", ())),
        (("take", "save", "best one"), ("take/save", ("best one",))),
        (("take", "discard"), ("take/discard", ())),
        (("take", "export", "smf"), ("take/export", ("smf",))),
        (("take", "export", "rpp", "/tmp/x"), ("take/export", ("rpp", "/tmp/x"))),
        (("tempo", "--nudge", "-0.02"), ("tempo/nudge", (-0.02,))),
    ):
        assert daemon.does(*words) == [done], words


def test_what_shows_nowhere_is_said(daemon: Daemon) -> None:
    for words, said in (
        (("reload",), "settings read again"),
        (("take", "save"), "the take is being kept"),
        (("take", "save", "best"), "the take is being kept as best"),
        (("arm",), ""),
    ):
        assert daemon.ctl(*words).output.strip() == said


def test_settings_are_set_and_said(daemon: Daemon) -> None:
    for words, key, values, said in (
        (("mode", "wait"), "follow/mode", ("wait",), "wait"),
        (("mode",), "follow/mode", ("wait",), "wait"),
        (("loop", "9", "16"), "loop", (1, 9, 16), "1 9 16"),
        (("loop", "off"), "loop", (0, 9, 16), "0 9 16"),
        (("loop", "on"), "loop", (1, 9, 16), "1 9 16"),
        (("loop", "2-4"), "loop", (1, 2, 4), "1 2 4"),
        (("part", "2", "gain", "-6"), "part/2/gain", (-6.0,), "-6"),
        (("part", "2", "gain"), "part/2/gain", (-6.0,), "-6"),
        (("part", "2", "mute"), "part/2/mute", (1,), "1"),
        (("part", "2", "mute", "off"), "part/2/mute", (0,), "0"),
        (("part", "1", "program", "40"), "part/1/program", (40,), "40"),
        (("part", "1", "output", "synth"), "part/1/output", ("synth",), "synth"),
        (("part", "1", "name"), "part/1/name", ("Violin",), "Violin"),
    ):
        result = daemon.ctl(*words)
        assert (result.exit_code, result.output.strip()) == (0, said), words
        assert daemon.desk.values[key] == values
    result = daemon.ctl("tempo", "0.9", "--min", "60", "--lock")
    assert result.exit_code == 0
    lines = dict(line.split() for line in result.output.splitlines())
    assert (lines["scale"], lines["min"], lines["lock"]) == ("0.9", "60", "1")
    assert daemon.desk.values["tempo/scale"] == (0.9,)


def test_status_and_mixer_for_eyes_and_for_scripts(daemon: Daemon) -> None:
    daemon.desk.values["part/2/mute"] = (1,)
    result = daemon.ctl("status", "--json")
    assert json.loads(result.output) == STATUS
    result = daemon.ctl("status")
    assert daemon.url in result.output
    assert "latency ms  in 3.25, out 0" in result.output
    assert "piece" not in result.output
    result = daemon.ctl("mixer", "--json")
    assert json.loads(result.output)["2"]["mute"] == 1
    result = daemon.ctl("mixer")
    assert [line.split() for line in result.output.splitlines()[1:]] == [
        ["1", "Violin", "+0.0", "+0.00", "1", "0", "both"],
        ["2", "+0.0", "+0.00", "1", "0", "both", "mute"],
        ["3", "+0.0", "+0.00", "1", "0", "both"],
    ]


def test_anything_can_be_sent(daemon: Daemon) -> None:
    result = daemon.ctl("send", "/acc/tempo/scale", "0.5")
    assert (result.exit_code, result.output) == (0, "/acc/tempo/scale 0.5\n")
    result = daemon.ctl("send", "/acc/tuning/transpose", "-2")
    assert (result.exit_code, result.output) == (0, "/acc/tuning/transpose -2\n")
    result = daemon.ctl("send", "/acc/error")
    assert (result.exit_code, result.output) == (0, "/acc/error  0 \n")
    assert daemon.ctl("send", "tempo").exit_code == 2


def test_what_the_daemon_refuses_is_one_line_and_exit_code_1(daemon: Daemon) -> None:
    daemon.desk.refused["arm"] = DeskError(409, "no piece is loaded; load one")
    result = daemon.ctl("arm")
    assert result.exit_code == 1
    assert result.stderr == "accompanist: /acc/arm: no piece is loaded; load one\n"
    result = daemon.ctl("part", "9", "gain", "-6")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    result = daemon.ctl("send", "/acc/part/*/gain", "99")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert daemon.does("start") == [("start", ())]


@pytest.mark.parametrize(
    "words",
    [["goto"], ["goto", "3", "--next"], ["loop", "9"], ["loop", "9-"], ["loop", "a", "b"],
     ["part", "1", "gain", "x"], ["part", "1", "mute", "maybe"], ["take", "export", "mp9"],
     ["nonsense"]],
)  # fmt: skip
def test_bad_usage(daemon: Daemon, words: list[str]) -> None:
    result = daemon.ctl(*words)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output


def test_a_piece_is_waited_for(daemon: Daemon, tmp_path: Path) -> None:
    def do(key: str, values: Values) -> None:
        daemon.desk.done.append((key, values))
        daemon.desk.tell("state", ("loading",))
        asyncio.get_running_loop().call_later(0.3, finish, str(values[0]))

    def finish(piece: str) -> None:
        if piece == "broken":
            daemon.desk.tell("error", ("piece/load", 400, "broken: no such piece"))
        daemon.desk.tell("state", ("idle",))

    daemon.desk.do = do  # type: ignore[method-assign]
    begun = time.monotonic()
    result = daemon.ctl("load", "la-folia")
    assert (result.exit_code, result.output) == (0, "La Folia\n")
    assert time.monotonic() - begun >= 0.3
    score = tmp_path / "own.musicxml"
    score.write_text("x")
    assert daemon.ctl("load", str(score)).exit_code == 0
    assert daemon.desk.done[-1] == ("piece/load", (str(score),))
    result = daemon.ctl("load", "broken")
    assert (result.exit_code, result.stderr) == (1, "accompanist: broken: no such piece\n")
    assert daemon.ctl("load", "la-folia").exit_code == 0  # the old error is not told again


def test_watch_says_what_changes_until_it_is_interrupted(daemon: Daemon) -> None:
    command = [sys.executable, "-m", "accompanist", "ctl", "--url", daemon.url, "watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        try:
            assert "stopped" in watching.stdout.readline()
            daemon.tell("position/bar", 17)
            assert "bar 17" in watching.stdout.readline()
            watching.send_signal(signal.SIGINT)
            assert watching.wait(10) == 0
        finally:
            watching.kill()


def test_no_daemon_is_exit_code_5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    result = CliRunner().invoke(main, ["ctl", "status"])
    assert result.exit_code == 5
    assert result.stderr == (
        "accompanist: no daemon is running; start one with 'accompanist daemon'\n"
    )
    unused = OscUdp("127.0.0.1")
    unused.close()
    for url in (f"127.0.0.1:{unused.port}", "osc.udp://no-such-host.invalid:7010/acc"):
        result = CliRunner().invoke(main, ["ctl", "--url", url, "arm"])
        assert (result.exit_code, result.stderr.count("\n")) == (5, 1), result.stderr
    result = CliRunner().invoke(main, ["ctl", "--url", "nonsense", "arm"])
    assert result.exit_code == 2


def test_a_daemon_that_says_nothing_is_not_reachable() -> None:
    mute = OscUdp("127.0.0.1")
    try:
        result = CliRunner().invoke(main, ["ctl", "--url", str(mute.port), "arm"])
    finally:
        mute.close()
    assert (result.exit_code, "does not answer" in result.stderr) == (5, True)


def test_the_runtime_folder_leads_to_the_daemon(tmp_path: Path) -> None:
    Runtime(tmp_path).write_urls(Urls("127.0.0.1", 7013, "/duo", "http://127.0.0.1:7014/"))
    assert find_daemon(folder=tmp_path).osc == "osc.udp://127.0.0.1:7013/duo"
    assert find_daemon("7020", tmp_path).osc == "osc.udp://127.0.0.1:7020/acc"
    with pytest.raises(DaemonError):
        find_daemon(folder=tmp_path / "nowhere")


@pytest.mark.parametrize("said", ["", "host", "host:0", "host:99999", "http://h:7010", "osc://:1"])
def test_addresses_that_are_none(said: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        urls_from(said)


def test_words_become_arguments() -> None:
    assert arguments_from(("1", "1.0", "-3", "1e3", "false", "s:", "x y", "s:true")) == (
        1, 1.0, -3, 1000.0, False, "", "x y", "true",
    )  # fmt: skip


def test_lines() -> None:
    assert mixer_lines({}) == ["no piece is loaded"]
    assert status_lines({}) == []
    line = live_line(
        {
            "state": ("armed",),
            "position/bar": (17,),
            "position/beat": (2.5,),
            "position/mark": ("B",),
            "tempo/now": (96.25,),
            "follow/confidence": (0.875,),
            "input/level": (-200.0,),
            "input/advice": ("too quiet",),
        }
    )
    assert line == (
        "bar 17    beat  2.5  [B]  ♩ =  96.2  sure  88 %  in  -99 dB  "
        "waiting for your first note  too quiet"
    )
