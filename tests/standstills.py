"""Tests that run against the clock: one that a standstill of the machine broke runs again.

Virtual machines stand still for a tenth of a second now and then, and whatever is timed by then is
wrong without anybody's fault. A test that fails while none was seen has failed.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import pytest
from _pytest.runner import runtestprotocol

__all__ = ["run_in_real_time"]

LOOK_S = 0.005
STANDSTILL_S = 0.1


class Standstills:
    """Watches whether this process is given time; the longest it had to wait, in ``worst_s``."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="standstills", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
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
