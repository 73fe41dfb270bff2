"""Tests that run against the clock: one that a standstill of the machine broke runs again.

Virtual machines stand still for a tenth of a second now and then, or one of their processors does,
and whatever is timed by then is wrong without anybody's fault. A test that fails while none was
seen has failed.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import Self

import pytest
from _pytest.runner import runtestprotocol

__all__ = ["run_in_real_time"]

LOOK_S = 0.005
STANDSTILL_S = 0.06
"""A server takes a block every 5 to 11 ms, and is given some 20 ms ahead."""


class Standstills:
    """Watches whether there is time; the longest that it had to be waited for, in ``worst_s``.

    Each processor is watched by a thread that stays on it: one of them may stand still, with
    whoever keeps time there, while all is well on the others.
    """

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._end = threading.Event()
        processors = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {None}
        self._threads = [
            threading.Thread(target=self._watch, args=(one,), name="standstills", daemon=True)
            for one in processors
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, processor: int | None) -> None:
        if processor is not None:
            os.sched_setaffinity(0, {processor})  # of this thread alone
        while not self._end.is_set():
            before_s = time.monotonic()
            time.sleep(LOOK_S)
            self.worst_s = max(self.worst_s, time.monotonic() - before_s - LOOK_S)


def run_in_real_time(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Run one test (set-up and tear-down included), a second time if it was not given its time."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    with Standstills() as stood:
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed for report in reports) and stood.worst_s > STANDSTILL_S:
        reporter = item.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(
                f"\n{item.nodeid}: failed while the machine stood still for "
                f"{1000 * stood.worst_s:.0f} ms; once more"
            )
        item._initrequest()  # type: ignore[attr-defined]
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
