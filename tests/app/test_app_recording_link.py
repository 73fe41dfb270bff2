"""The process that plays a recording: there while there is one, replaced when it dies."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from accompanist.app.processes.child import Child
from accompanist.app.processes.links import Problem, RecordingSource
from accompanist.app.processes.recording_links import (
    LoadRecording,
    MixRecording,
    RecordingFigures,
    RecordingOutput,
    RecordingReady,
    SetRecordingOutput,
)
from accompanist.app.recording_player import link as link_module
from accompanist.app.recording_player.link import RecordingLink, Unload
from accompanist.score.model import Score

PATIENCE_S = 20.0

CHILD = """
import sys
from pathlib import Path
from accompanist.app.processes.child import parent_connection
from accompanist.app.processes.links import Quit
from accompanist.app.processes.recording_links import *
connection = parent_connection(sys.argv[1])
log = Path(sys.argv[2]).with_name("log")
while True:
    command = connection.recv()
    with log.open("a") as file:
        file.write(f"{type(command).__name__} {getattr(command, 'control', '')}"
                   f"{getattr(command, 'output', '') and command.output.connect}\\n")
    if isinstance(command, Quit):
        break
    if isinstance(command, LoadRecording):
        connection.send(RecordingReady(command.source.file, False))
        connection.send(RecordingFigures(connections=(("out_1", "host:left"),)))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "plays_nothing.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setattr(link_module, "SPARE_S", 0.0)
    return "plays_nothing"


@pytest.fixture
def link(module: str, tmp_path: Path) -> Iterator[RecordingLink]:
    made = RecordingLink(tmp_path / "board", RecordingOutput(), spare=True, module=module)
    with made:
        yield made


def load(name: str = "concerto.wav") -> LoadRecording:
    score = Score(title="", parts=(), measures=(), recording_s=1.0)
    return LoadRecording(RecordingSource(Path(name)), score)


def wait_for(link: RecordingLink, kind: type[object]) -> object:
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        for event in link.events():
            if isinstance(event, kind):
                return event
        time.sleep(0.01)
    raise AssertionError(f"no {kind.__name__}")


def until(found: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_there_is_no_process_without_a_recording(link: RecordingLink) -> None:
    link.send(MixRecording("solo", 0.5))
    assert link.pid == 0
    link.send(load())
    assert wait_for(link, RecordingReady) == RecordingReady(Path("concerto.wav"), False)
    pid = link.pid
    link.send(Unload())
    assert link.pid == 0
    until(lambda: gone(pid))


def test_one_that_is_killed_is_replaced_by_one_that_knows_all(
    link: RecordingLink, tmp_path: Path
) -> None:
    link.send(MixRecording("solo", 0.5))
    link.send(SetRecordingOutput(RecordingOutput(device="USB")))
    link.send(load())
    wait_for(link, RecordingFigures)
    until(lambda: link._spare is not None)
    first, log = link.pid, tmp_path / "log"
    link.send(MixRecording("gain", -3.0))
    until(lambda: "gain" in log.read_text())
    log.unlink()
    os.kill(first, signal.SIGKILL)
    problem = wait_for(link, Problem)
    assert isinstance(problem, Problem)
    assert problem.text == "the recording's player was killed (SIGKILL); another takes its place"
    wait_for(link, RecordingReady)
    assert link.pid not in (0, first)
    told = log.read_text().split("\n")
    assert told[:4] == [
        "SetRecordingOutput (('out_1', 'host:left'),)",  # whoever listened hears it again
        "MixRecording solo",
        "MixRecording gain",
        "LoadRecording ",
    ]


def test_one_that_says_nothing_any_more_is_replaced(
    link: RecordingLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.send(load())
    wait_for(link, RecordingFigures)
    monkeypatch.setattr(link_module, "HANGS_S", 0.2)
    problem = wait_for(link, Problem)
    assert isinstance(problem, Problem)
    assert "hung" in problem.text


def test_what_an_heir_says_at_once_is_heard(
    link: RecordingLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.send(load())
    wait_for(link, RecordingFigures)
    until(lambda: link._spare is not None)
    eldest, closing = link._child, Child.close
    watched: list[object] = []

    def all_at_once(waiting: list[Any], *more: Any) -> tuple[list[Any], object, object]:
        """Let the spare speak in the moment in which the eldest dies."""
        watched.extend(waiting)
        ready = select.select(waiting, *more)[0]
        return waiting if eldest in ready else ready, (), ()

    def slowly(child: Child, leave_s: float = 0.0) -> int:
        """Let the dead take their time: the heir is quicker."""
        until(lambda: link._child is None or bool(select.select([link._child], [], [], 0.0)[0]))
        return closing(child, leave_s)

    monkeypatch.setattr(link_module, "select", SimpleNamespace(select=all_at_once))
    monkeypatch.setattr(Child, "close", slowly)
    until(lambda: link._spare in watched)
    assert eldest is not None
    os.kill(eldest.pid, signal.SIGKILL)
    assert wait_for(link, RecordingReady)


def test_closing_ends_everything(module: str, tmp_path: Path) -> None:
    link = RecordingLink(tmp_path / "board", RecordingOutput(), module=module)
    link.start()
    link.send(load())
    wait_for(link, RecordingReady)
    pid = link.pid
    link.close()
    link.close()
    assert gone(pid)
    link.send(load())
    assert link.pid == 0
