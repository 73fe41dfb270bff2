"""A recording that can be read anywhere, a piece at a time: an hour of it is never in memory."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["ArraySound", "Sound"]

FloatArray = npt.NDArray[np.float32]


class Sound(Protocol):
    """Random access to the samples of a recording. One thread reads."""

    @property
    def rate(self) -> int:
        """Samples a second."""
        ...

    @property
    def channels(self) -> int: ...

    @property
    def length(self) -> int:
        """Samples of each channel."""
        ...

    def read(self, start: int, count: int) -> FloatArray:
        """Give samples from ``start`` on [shape=(count, channels)], all finite; zeros outside."""
        ...


class ArraySound:
    """A sound in memory.

    Parameters
    ----------
    samples : ndarray [shape=(n, channels) or (n,)]
    rate : int
        Samples a second.
    """

    def __init__(self, samples: npt.NDArray[np.float32], rate: int) -> None:
        self._samples = samples if samples.ndim == 2 else samples[:, None]
        self.rate = rate

    @property
    def channels(self) -> int:
        return int(self._samples.shape[1])

    @property
    def length(self) -> int:
        return len(self._samples)

    def read(self, start: int, count: int) -> FloatArray:
        out = np.zeros((count, self.channels), dtype=np.float32)
        first, last = max(start, 0), min(start + count, self.length)
        if last > first:
            out[first - start : last - start] = self._samples[first:last]
        return out
