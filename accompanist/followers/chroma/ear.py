"""Chroma of the soloist as shares of the power, with a bin for silence, a level and a clock."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.protocol import Heard
from accompanist.hearing.chroma import CLASSES, ChromaFrames, harmless

__all__ = ["SILENCE", "ChromaEar"]

Float32Array = npt.NDArray[np.float32]

SILENCE: Final = CLASSES
"""Column of the share of silence."""

_PEAK_DECAY_S: Final = 8.0
_FLOOR_GAIN: Final = 10.0 ** (-45.0 / 10.0)
"""The noise floor is taken to lie 45 dB under the decaying peak of the power."""

_LEAST_FLOOR: Final = 1e-10


class ChromaEar:
    """Hops in, rows of 13 shares out; causal, at any level.

    Attributes
    ----------
    level_db : float
        RMS of the last hop, dB below full scale.
    age_s : float
        Time since the sound that the last row shows was made: the ear's latency, and what has
        passed since the row.

    Parameters
    ----------
    frames : ChromaFrames
    sample_rate : int
        Hz.
    """

    def __init__(self, frames: ChromaFrames, sample_rate: int) -> None:
        self.frame_s = frames.frame_s
        self.latency_s = frames.latency_s
        self.level_db = -120.0
        self.age_s = frames.latency_s
        self._frames = frames
        self._rate = sample_rate
        self._since = 0
        self._peak = 1e-8
        self._decay = float(np.exp(-frames.frame_s / _PEAK_DECAY_S))

    def hear(self, heard: Heard) -> Float32Array:
        """Give the rows [shape=(k, 13)] that the hop completes; each sums to 1.

        Twelve pitch classes from C, then silence: the share of the noise floor.
        """
        samples = harmless(heard.samples)
        chroma = self._frames.feed(samples)
        mean_square = float(samples @ samples) / max(len(samples), 1)
        self.level_db = 10.0 * float(np.log10(mean_square + 1e-12))
        rows = np.empty((len(chroma), CLASSES + 1), dtype=np.float32)
        for row, power in zip(rows, np.square(chroma), strict=True):
            total = float(power.sum())
            self._peak = max(self._peak * self._decay, total)
            floor = max(self._peak * _FLOOR_GAIN, _LEAST_FLOOR)
            row[:CLASSES] = power / (total + floor)
            row[SILENCE] = floor / (total + floor)
        frame = round(self.frame_s * self._rate)
        self._since = self._since + len(samples) - len(rows) * frame
        self.age_s = self.latency_s + self._since / self._rate
        return rows
