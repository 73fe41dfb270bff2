"""The runtime folder: one daemon at a time, its addresses, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from accompanist.app.daemon.runtime import Runtime, Urls, hold_runtime, read_urls, runtime_folder
from accompanist.errors import AccompanistError


def test_the_folder_is_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = runtime_folder()
    assert folder == tmp_path / "accompanist"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "accompanist").write_text("a file", "utf-8")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(AccompanistError, match="set XDG_RUNTIME_DIR"):
        runtime_folder()


@pytest.mark.parametrize(
    "urls",
    [
        Urls("127.0.0.1", 7012, "/acc", "http://127.0.0.1:7011/"),
        Urls("127.0.0.1", 7010),
        Urls("::1", 7010, "/my/root"),
    ],
)
def test_addresses_are_written_and_read(urls: Urls, tmp_path: Path) -> None:
    Runtime(tmp_path).write_urls(urls)
    assert read_urls(tmp_path) == urls


@pytest.mark.parametrize("text", ["", "nonsense", "http://127.0.0.1:7010/acc", "osc.udp://x:y/acc"])
def test_a_file_of_addresses_that_is_none_of_ours(text: str, tmp_path: Path) -> None:
    Runtime(tmp_path).url.write_text(text, "utf-8")
    assert read_urls(tmp_path) is None


def test_without_a_daemon_there_are_no_addresses(tmp_path: Path) -> None:
    assert read_urls(tmp_path) is None


def test_the_second_daemon_says_who_runs_and_where(tmp_path: Path) -> None:
    with hold_runtime(tmp_path) as runtime:
        runtime.write_urls(Urls("127.0.0.1", 7013))
        with pytest.raises(AccompanistError) as caught, hold_runtime(tmp_path):
            pass
        assert f"process {os.getpid()} at osc.udp://127.0.0.1:7013/acc" in str(caught.value)
        assert read_urls(tmp_path) == Urls("127.0.0.1", 7013)  # and leaves it its files


def test_what_was_there_is_gone_afterwards(tmp_path: Path) -> None:
    with hold_runtime(tmp_path) as runtime:
        for path in (runtime.url, runtime.board, runtime.wake):
            path.write_text("x", "utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["lock"]
    assert (tmp_path / "lock").read_text("utf-8") == ""
    with hold_runtime(tmp_path):
        pass


def test_what_a_killed_daemon_left_is_no_obstacle(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from accompanist.app.daemon.runtime import *\n"
        "with hold_runtime(Path(sys.argv[1])) as r:\n"
        "    r.write_urls(Urls('127.0.0.1', 7020)); r.board.write_text('x')\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(AccompanistError, match=f"process {other.pid}"), hold_runtime(tmp_path):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert read_urls(tmp_path) is not None  # stale
    with hold_runtime(tmp_path) as runtime:
        assert read_urls(tmp_path) is None
        assert not runtime.board.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(AccompanistError, match="cannot be written"), hold_runtime(tmp_path / "no"):
        pass
