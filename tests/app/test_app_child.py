"""Two processes that talk, and see each other die."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

import pytest

from accompanist.app.processes.child import Child, PeerGoneError, parent_connection, received

ECHO = "child_echo"


def main() -> None:
    """Be the child: give back what comes, until the parent hangs up."""
    connection = parent_connection(sys.argv[1])
    while True:
        try:
            for message in received(connection, 60.0):
                connection.send((message, sys.argv[2:]))
        except PeerGoneError:
            sys.exit(7)


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make this file a module that can be run from outside."""
    (tmp_path / f"{ECHO}.py").write_text(
        f"import runpy\nrunpy.run_path({__file__!r}, run_name='__child__')['main']()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return ECHO


def test_what_is_said_comes_back_in_order(echo: str) -> None:
    with Child(echo, "a", "b") as child:
        big = bytes(3_000_000)
        for message in (1, ("two", 2.0), big):
            child.send(message)
        got: list[object] = []
        while len(got) < 3:
            got += child.receive(10.0)
        assert got == [(1, ["a", "b"]), (("two", 2.0), ["a", "b"]), (big, ["a", "b"])]
        assert child.receive() == []
        assert child.close() == 7
    assert child.close() == 7


def test_a_child_that_is_killed_is_noticed_at_once(echo: str) -> None:
    with Child(echo) as child:
        child.send("here?")
        assert child.receive(10.0) == [("here?", [])]
        child.kill()
        ready, _, _ = select.select([child], [], [], 5.0)
        assert ready
        with pytest.raises(PeerGoneError):
            child.receive()
        with pytest.raises(PeerGoneError):
            child.send("still?")
        assert child.close() == -signal.SIGKILL
        assert not child.alive


def test_a_child_that_hangs_is_given_up(echo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accompanist.app.processes.child.SEND_TIMEOUT_S", 1)
    with Child(echo) as child:
        child.send("here?")
        assert child.receive(10.0)
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(PeerGoneError, match="hangs"):
            child.send(bytes(10_000_000))
        assert child.close() == -signal.SIGKILL


def test_ctrl_c_in_the_terminal_is_not_for_the_child(echo: str) -> None:
    with Child(echo) as child:
        child.send("here?")
        child.receive(10.0)
        assert os.getpgid(child.pid) != os.getpgid(0)
        os.kill(child.pid, signal.SIGINT)
        child.send("still?")
        assert child.receive(10.0) == [("still?", [])]
