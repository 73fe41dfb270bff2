"""What a thread that keeps time asks of Python and of the system."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["become_real_time", "hurried", "settle_memory"]

PRIORITY = 3
"""Below that of JACK's own threads, above everything that is not real-time."""
SWITCH_S = 0.0005
"""A thread of JACK's waits at most so long for another one that computes."""


def become_real_time(priority: int = PRIORITY) -> str:
    """Have the calling thread go before all ordinary ones (SCHED_FIFO).

    Returns
    -------
    str
        Empty if it does; else why not and what to do.
    """
    sys.setswitchinterval(SWITCH_S)
    if not hasattr(os, "sched_setscheduler"):
        return "this system has no SCHED_FIFO"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except OSError as error:
        return (
            f"no real-time priority ({error.strerror}); allow it with a line '@audio - rtprio 95' "
            "in /etc/security/limits.d/audio.conf and membership in the group audio"
        )
    return ""


@contextmanager
def hurried(priority: int = PRIORITY) -> Iterator[None]:
    """Let the calling thread go before ordinary ones for a short while, where that is allowed."""
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, *before)


def settle_memory() -> None:
    """Take what there is now for permanent, and look for no garbage while time is kept.

    What is thrown away later is freed by its reference count. Cycles are not: nothing that comes
    and goes while time is kept may be one.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
