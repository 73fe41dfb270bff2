"""Datagrams to systemd."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from accompanist.app.daemon.notify import Notifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "notify"))
        server.settimeout(2.0)
        yield server


def test_states_are_told(systemd: socket.socket) -> None:
    environment = {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "30000000"}
    notifier = Notifier(environment)
    notifier.ready()
    notifier.status("La Folia, armed")
    notifier.status("La Folia, armed")  # nothing new: not told
    notifier.status("two\nlines")
    notifier.alive()
    notifier.stopping()
    assert [systemd.recv(200) for _ in range(5)] == [
        b"READY=1",
        b"STATUS=La Folia, armed",
        b"STATUS=two lines",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]
    assert notifier.watchdog_s == 30.0
    assert environment == {}  # children do not speak for us


def test_an_abstract_socket() -> None:
    name = f"accompanist-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind("\0" + name)
        server.settimeout(2.0)
        Notifier({"NOTIFY_SOCKET": "@" + name}).ready()
        assert server.recv(200) == b"READY=1"


@pytest.mark.parametrize(
    ("environment", "wanted_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "x"}, None),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
    ],
)
def test_the_watchdog(environment: dict[str, str], wanted_s: float | None) -> None:
    assert Notifier(environment).watchdog_s == wanted_s


def test_nobody_waits_for_a_systemd_that_does_not_listen(systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    for i in range(1000):  # far more than the socket holds
        notifier.status(f"number {i}")
    assert systemd.recv(200) == b"STATUS=number 0"


def test_without_systemd_nothing_happens() -> None:
    for address in ("", "/nowhere/at/all", "relative"):
        notifier = Notifier({"NOTIFY_SOCKET": address})
        notifier.ready()
        notifier.alive()
