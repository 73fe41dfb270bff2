"""Input level and what to do about it."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import numpy.typing as npt

__all__ = ["LevelMeter"]

QUIET_DB = -42.0
"""A soloist whose loudest moments stay below this is too far from the microphone."""
CLIP = 0.985
WINDOW_S = 4.0
CLIP_MEMORY_S = 2.0
FALL_DB_S = 24.0


class LevelMeter:
    """Peak meter with a slow fall, and advice.

    Parameters
    ----------
    sample_rate : int
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._time_s = 0.0
        self._clipped_s = -math.inf
        self._peaks: deque[tuple[float, float]] = deque()
        self.peak_db = -120.0
        """Peak of the moment, dB below full scale."""

    def hear(self, samples: npt.NDArray[np.float32]) -> None:
        """Take in a block."""
        if not len(samples):
            return
        self._time_s += len(samples) / self._rate
        peak = float(np.max(np.abs(samples)))
        peak_db = 20.0 * math.log10(max(peak, 1e-6)) if math.isfinite(peak) else 0.0
        if peak >= CLIP:
            self._clipped_s = self._time_s
        self.peak_db = max(self.peak_db - FALL_DB_S * len(samples) / self._rate, peak_db)
        while self._peaks and self._peaks[-1][1] <= peak_db:
            self._peaks.pop()
        self._peaks.append((self._time_s, peak_db))
        while self._peaks[0][0] < self._time_s - WINDOW_S:
            self._peaks.popleft()

    @property
    def advice(self) -> str:
        """What the soloist should do, or nothing."""
        if self._time_s - self._clipped_s < CLIP_MEMORY_S:
            return "clipping: turn the input down"
        if self._time_s >= WINDOW_S and self._peaks[0][1] < QUIET_DB:
            loudest_db = self._peaks[0][1]
            if loudest_db <= -100.0:
                return "nothing comes in: is the microphone on, and is it the right input?"
            return "too quiet: turn the input up or come closer"
        return ""
