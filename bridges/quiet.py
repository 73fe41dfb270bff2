"""Libraries in C that write to the process's stderr, kept quiet."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["quiet_stderr"]


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep ALSA and JACK, which write to the process's stderr from C, from filling the terminal.

    No JACK server is started by looking for one. Several threads may want it at a time: the last
    one to leave gives stderr back.
    """
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    _STDERR.enter()
    try:
        yield
    finally:
        _STDERR.leave()


class _Muffler:
    """The process's one stderr, led to nowhere while anybody wants it so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._kept = -1

    def enter(self) -> None:
        with self._lock:
            if not self._within:
                sys.stderr.flush()
                self._kept = os.dup(2)
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)
            self._within += 1

    def leave(self) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                os.dup2(self._kept, 2)
                os.close(self._kept)


_STDERR: Final = _Muffler()
"""A process has one."""
