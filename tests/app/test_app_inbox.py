"""Whoever commands never waits for a process that is busy, and is seen to go."""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from accompanist.app.processes.child import PeerGoneError
from accompanist.app.processes.inbox import Inbox


@pytest.fixture
def parent() -> Iterator[Connection]:
    ours, theirs = Pipe()
    ours.theirs = theirs  # type: ignore[attr-defined]
    with ours, theirs:
        yield ours


@pytest.fixture
def inbox(parent: Connection) -> Inbox:
    return Inbox(parent.theirs)  # type: ignore[attr-defined]


def taken(inbox: Inbox, count: int) -> list[object]:
    found: list[object] = []
    while len(found) < count:
        assert select.select([inbox], [], [], 10.0)[0]
        found += inbox.take()
    return found


def test_what_is_sent_comes_in_order(parent: Connection, inbox: Inbox) -> None:
    for number in range(100):
        parent.send(number)
    assert taken(inbox, 100) == list(range(100))
    assert inbox.take() == []
    assert select.select([inbox], [], [], 0.0)[0] == []


def test_nobody_waits_until_it_is_taken(parent: Connection, inbox: Inbox) -> None:
    long = bytes(5_000_000)
    sent = threading.Event()

    def send() -> None:
        parent.send(long)
        sent.set()

    threading.Thread(target=send, daemon=True).start()
    assert sent.wait(10.0)  # though nobody has taken anything
    assert taken(inbox, 1) == [long]


def test_the_end_comes_behind_all_that_was_said(parent: Connection, inbox: Inbox) -> None:
    parent.send("last words")
    parent.close()
    assert taken(inbox, 1) == ["last words"]
    while select.select([inbox], [], [], 10.0)[0] and not inbox._ended:
        assert inbox.take() == []
    for _ in range(2):  # however often one asks
        assert select.select([inbox], [], [], 10.0)[0]
        with pytest.raises(PeerGoneError):
            inbox.take()
