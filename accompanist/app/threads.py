"""One thread for the linear algebra: a hop is too short to be shared among several."""

from __future__ import annotations

import os

__all__ = ["use_one_thread"]

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def use_one_thread() -> None:
    """Ask BLAS for one thread; to be called before numpy is imported. What is set already stays."""
    for name in _VARIABLES:
        os.environ.setdefault(name, "1")
