"""Samples on their way from an audio callback to the thread that listens."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["AudioRing", "Block"]

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Samples in the order they were recorded.

    Attributes
    ----------
    samples : ndarray [shape=(n,), dtype=float32]
        Mono; empty when nothing came in time.
    end_sample : int
        Number of samples recorded up to the end of this block, counted from the stream's start.
    arrived_s : float
        Monotonic time at which the last of them was handed over by the driver; NaN if empty.
    """

    samples: FloatArray
    end_sample: int
    arrived_s: float


class AudioRing:
    """A preallocated ring for one writer (the audio callback) and one reader.

    The writer copies and counts, nothing else; it never waits for the reader. A reader that falls
    a whole ring behind loses the oldest samples, which are then handed over as silence so that
    the count of samples stays the clock.

    Parameters
    ----------
    capacity : int
        Samples that fit.
    """

    def __init__(self, capacity: int) -> None:
        self._ring: FloatArray = np.zeros(capacity, dtype=np.float32)
        self._capacity = capacity
        self._written = 0
        self._read = 0
        self._arrived_s = float("nan")
        self._fresh = threading.Event()
        self.lost_samples = 0
        """Samples overwritten before they were read."""

    @property
    def written(self) -> int:
        """Samples written since the beginning."""
        return self._written

    def write(self, samples: FloatArray, arrived_s: float) -> None:
        """Append mono samples [shape=(n,)]; does not wait, for the audio callback."""
        kept = samples[-self._capacity :]
        start = (self._written + len(samples) - len(kept)) % self._capacity
        first = min(len(kept), self._capacity - start)
        self._ring[start : start + first] = kept[:first]
        self._ring[: len(kept) - first] = kept[first:]
        self._arrived_s = arrived_s
        self._written += len(samples)
        self._fresh.set()

    def read(self, timeout_s: float) -> Block:
        """Take all that has been written since the last call; wait up to a time for the first."""
        if self._written == self._read:
            self._fresh.wait(timeout_s)
        self._fresh.clear()
        # The writer may go on meanwhile: what it adds is for the next call.
        arrived_s, written = self._arrived_s, self._written
        count = written - self._read
        if count == 0:
            return Block(np.zeros(0, dtype=np.float32), self._read, float("nan"))
        # A reader so far behind that the writer is about to overtake loses the oldest.
        kept = min(count, self._capacity - self._capacity // 8)
        samples = np.zeros(count, dtype=np.float32)
        start = (written - kept) % self._capacity
        first = min(kept, self._capacity - start)
        samples[count - kept : count - kept + first] = self._ring[start : start + first]
        samples[count - kept + first :] = self._ring[: kept - first]
        self.lost_samples += count - kept
        self._read = written
        return Block(samples, written, arrived_s)
