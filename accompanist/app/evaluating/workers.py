"""Many pieces of work in processes of their own, whose libraries keep to one thread each."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from itertools import islice
from typing import Any, TypeVar

from accompanist.app.interrupts import children_spared

__all__ = ["in_workers"]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Set to 1 in every worker: a hop is short, and the takes share the cores already."""
_AHEAD = 4
"""So many items a worker are handed over at a time; results do not pile up in between."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_workers(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    warm: Callable[..., None],
    warm_with: tuple[Any, ...] = (),
) -> Generator[tuple[int, Future[Result]]]:
    """Give each item's number and what became of it, in the order in which they end.

    To be closed (`contextlib.closing`) by whoever may leave off early: that ends the processes.

    Parameters
    ----------
    work : callable
        Of a module, so that a process can find it.
    items : sequence
    jobs : int
        Processes at a time.
    warm, warm_with
        Called once in every process before anything else.

    Raises
    ------
    BrokenProcessPool
        By a future: a process died.
    """
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    workers = max(jobs, 1)
    pool = ProcessPoolExecutor(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=warm,
        initargs=warm_with,
    )
    waiting = iter(range(len(items)))
    futures: dict[Future[Result], int] = {}

    def hand_over(count: int) -> None:
        with children_spared():
            for index in islice(waiting, count):
                futures[pool.submit(work, items[index])] = index

    try:
        hand_over(_AHEAD * workers)
        while futures:
            future = next(as_completed(futures))
            yield futures.pop(future), future
            hand_over(1)
    except BaseException:
        # Whoever interrupts does not want to wait for the takes that are under way.
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
