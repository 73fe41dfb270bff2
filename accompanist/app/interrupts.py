"""Signals: SIGTERM and a closed terminal end the work as Ctrl-C does, and tidily."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = [
    "children_spared",
    "end_with_parent",
    "interrupts_ignored",
    "termination_as_interrupt",
]

_ENDINGS = (signal.SIGTERM, signal.SIGHUP)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: signal._HANDLER) -> Iterator[None]:
    """Handle signals otherwise for a while; what is ignored already (``nohup``) stays ignored."""
    kept = {}
    if _in_main_thread():
        kept = {n: signal.getsignal(n) for n in numbers}
        kept = {n: former for n, former in kept.items() if former is not signal.SIG_IGN}
    for number in kept:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, former in kept.items():
            signal.signal(number, former)


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and a closed terminal raise KeyboardInterrupt, so that everything is tidied."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(_ENDINGS, interrupt):
        yield


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Finish a short piece of work that must not be lost, however often Ctrl-C is pressed."""
    with _handled((signal.SIGINT, *_ENDINGS), signal.SIG_IGN):
        yield


@contextmanager
def children_spared() -> Iterator[None]:
    """Start processes that a Ctrl-C in the terminal does not reach: their parent ends them."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def end_with_parent() -> None:
    """Let this worker process end when the process that started it is gone."""
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
