"""When a sample of a stream happens on the computer's clock."""

from __future__ import annotations

import math

__all__ = ["StreamClock"]

DRIFT = 2e-4
"""How far the two clocks may run apart: 0.2 ms in a second."""


class StreamClock:
    """Maps take time (samples counted) to monotonic time.

    Blocks arrive late by more or less, never early: the earliest arrival of late is right. The
    map rises by `DRIFT` until an arrival presses it down again, so it keeps up with a sound card
    whose clock is slower or faster than the computer's.

    >>> clock = StreamClock(sample_rate=1000)
    >>> for end, arrived in ((256, 5.256), (512, 5.530), (768, 5.769)):
    ...     clock.hear(end, arrived)
    >>> round(clock.monotonic_s(1.0), 3)
    6.0
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._offset_s = math.inf
        self._heard_s = 0.0

    def hear(self, end_sample: int, arrived_s: float) -> None:
        """Take in that the stream's first ``end_sample`` samples were there at a time."""
        take_s = end_sample / self._rate
        risen_s = self._offset_s + DRIFT * (take_s - self._heard_s)
        self._offset_s = min(risen_s, arrived_s - take_s)
        self._heard_s = take_s

    def monotonic_s(self, take_s: float) -> float:
        """Monotonic time of a take time; infinite while nothing has been heard."""
        return self._offset_s + take_s
