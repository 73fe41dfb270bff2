"""Ctrl-C and SIGTERM, sent to ourselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from accompanist.app.evaluating.files import _file_name
from accompanist.app.interrupts import (
    children_spared,
    interrupts_ignored,
    termination_as_interrupt,
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_termination_is_an_interrupt(number: signal.Signals) -> None:
    former = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), termination_as_interrupt():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is former


def test_what_was_ignored_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with termination_as_interrupt():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)


def test_a_take_is_kept_however_often_ctrl_c_is_pressed() -> None:
    with interrupts_ignored():
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_workers_do_not_get_ctrl_c() -> None:
    ask = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    with children_spared():
        spared = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    assert spared.stdout.strip() == "True"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_other_threads_leave_the_signals_alone() -> None:
    seen = []

    def work() -> None:
        with termination_as_interrupt(), interrupts_ignored():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.parametrize("take_id", ["..", "a/b", "../../evil", "x" * 500, "ö" * 500, "\n", ""])
def test_ids_of_takes_name_files_within_the_folder(take_id: str, tmp_path: Path) -> None:
    folder = tmp_path / _file_name(take_id)
    folder.mkdir()
    assert folder.parent == tmp_path
    assert not folder.name.startswith(".")
