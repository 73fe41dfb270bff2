"""Libraries in C that write to the process's stderr, kept quiet."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_stderr"]


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep ALSA and JACK, which write to the process's stderr from C, from filling the terminal.

    No JACK server is started by looking for one.
    """
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
