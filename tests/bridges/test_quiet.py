"""Whoever is kept quiet is heard again, whatever other threads do meanwhile."""

from __future__ import annotations

import os
import threading

import pytest

from bridges.quiet import quiet_stderr


def say(text: str) -> None:
    os.write(2, f"{text}\n".encode())


def test_what_c_says_within_is_not_heard_and_what_it_says_behind_is(
    capfd: pytest.CaptureFixture[str],
) -> None:
    say("before")
    with quiet_stderr():
        say("within")
    say("behind")
    assert capfd.readouterr().err == "before\nbehind\n"


def test_it_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="no server"), quiet_stderr():
        raise OSError("no server")
    say("behind")
    assert capfd.readouterr().err == "behind\n"


def test_threads_that_overlap_do_not_lose_it(capfd: pytest.CaptureFixture[str]) -> None:
    entered, left = threading.Event(), threading.Event()

    def other() -> None:
        with quiet_stderr():
            entered.set()
            left.wait(10.0)

    thread = threading.Thread(target=other)
    with quiet_stderr():  # the one that enters first leaves first
        thread.start()
        assert entered.wait(10.0)
    say("one is within yet")
    left.set()
    thread.join()
    say("behind")
    assert capfd.readouterr().err == "behind\n"


def test_no_descriptor_is_left_open() -> None:
    before = len(os.listdir("/dev/fd"))
    for _ in range(5):
        with quiet_stderr(), quiet_stderr():
            pass
    assert len(os.listdir("/dev/fd")) == before
