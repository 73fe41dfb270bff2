"""How regular a recorded stream of messages is: plain figures for the benchmarks.

Times are seconds as a second process saw them at the port. A clock whose tempo moves on purpose is
judged against its own smooth course, not against one tempo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Spread", "interval_errors_s", "jitter_s", "lateness_s", "spread"]

FloatArray = npt.NDArray[np.float64]

_COURSE_TICKS = 49
_COURSE_DEGREE = 3


@dataclass(frozen=True, slots=True)
class Spread:
    """Of absolute values, in milliseconds; ``rms`` of the values themselves."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    rms_ms: float

    def __str__(self) -> str:
        return (
            f"p50 {self.p50_ms:.3f}, p99 {self.p99_ms:.3f}, max {self.max_ms:.3f}, "
            f"rms {self.rms_ms:.3f} ms of {self.count}"
        )


def spread(values_s: npt.ArrayLike) -> Spread:
    """Sum values up [shape=(n,), seconds].

    >>> print(spread([0.001, -0.001, 0.003, 0.001]))
    p50 1.000, p99 2.940, max 3.000, rms 1.732 ms of 4
    """
    ms = np.asarray(values_s, dtype=np.float64) * 1000.0
    if not len(ms):
        return Spread(0, 0.0, 0.0, 0.0, 0.0)
    size = np.abs(ms)
    p50, p99 = np.quantile(size, (0.5, 0.99))
    rms = float(np.sqrt(np.mean(ms**2)))
    return Spread(len(ms), float(p50), float(p99), float(size.max()), rms)


def jitter_s(ticks_s: npt.ArrayLike) -> FloatArray:
    """Distance of each tick from the smooth course of its 48 neighbours [shape=(n,)].

    The course is a cubic fitted around every tick (Savitzky–Golay): a tempo that bends by some
    percent a beat is followed, what changes from tick to tick is not.

    >>> even = np.cumsum(np.linspace(0.02, 0.021, 480))
    >>> bool(np.max(np.abs(jitter_s(even))) < 1e-6)
    True
    """
    from scipy.signal import savgol_filter

    ticks = np.asarray(ticks_s, dtype=np.float64)
    if len(ticks) < _COURSE_TICKS:
        return np.zeros(0)
    # A straight line first: large times less precise than small ones.
    steps = np.arange(len(ticks), dtype=np.float64)
    line = np.polynomial.Polynomial.fit(steps, ticks, 1)
    bent = ticks - line(steps)
    return np.asarray(bent - savgol_filter(bent, _COURSE_TICKS, _COURSE_DEGREE))


def interval_errors_s(ticks_s: npt.ArrayLike) -> FloatArray:
    """Error of each interval against the smooth course [shape=(n − 1,)]."""
    jitter = jitter_s(ticks_s)
    return np.diff(jitter) if len(jitter) else jitter


def lateness_s(
    seen_s: npt.ArrayLike, meant_s: npt.ArrayLike, *, latency_s: float | None = None
) -> FloatArray:
    """How late each message came [shape=(n,)]; both sorted, message for message.

    Parameters
    ----------
    seen_s, meant_s : array_like [shape=(n,)]
        When it was seen, when it was to be sent; their clocks may have different origins.
    latency_s : float, optional
        Constant way from one to the other; None takes it off as the earliest of them all.
    """
    late = np.asarray(seen_s, dtype=np.float64) - np.asarray(meant_s, dtype=np.float64)
    if not len(late):
        return late
    return late - (float(late.min()) if latency_s is None else latency_s)
