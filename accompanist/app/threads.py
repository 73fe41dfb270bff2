"""What the processes ask of their threads and of those of libraries."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module

__all__ = ["import_ahead", "tell_where_threads_are", "use_one_thread"]

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def use_one_thread() -> None:
    """Ask BLAS for one thread; to be called before numpy is imported. What is set already stays.

    A hop is too short to be shared among several.
    """
    for name in _VARIABLES:
        os.environ.setdefault(name, "1")


def import_ahead(modules: Iterable[str]) -> None:
    """Import what several threads will want, before there are several.

    Threads that import the same large library side by side can wait for one another for ever:
    Python's own detection of that has had a defect (CPython issue 82272), and Numba imports
    while it holds its compiler's lock. What is not installed shows when it is needed.
    """
    for name in modules:
        with suppress(ImportError, OSError):
            import_module(name)


def tell_where_threads_are() -> None:
    """Write the stack of each thread to stderr, for whoever looks into why a process hung."""
    import faulthandler

    if sys.__stderr__ is not None:
        faulthandler.dump_traceback(file=sys.__stderr__, all_threads=True)
