"""Gain and gate of the input."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Gate"]

FloatArray = npt.NDArray[np.float32]

OPEN_S = 0.1
"""The gate stays open for so long after the last loud sample: longer than a low tone's period."""
NO_GATE_DB = -119.0


class Gate:
    """Amplifies, and takes for silence what is softer than a threshold.

    What becomes of a sample depends on those before it alone, never on how they were cut into
    blocks. Not thread-safe, but the two settings may be changed from any thread.

    Parameters
    ----------
    sample_rate : int

    Attributes
    ----------
    gain_db : float
    gate_db : float
        Below −119 dB there is no gate.

    >>> gate = Gate(100)
    >>> gate.gate_db = -20.0
    >>> sound = np.array([0.01, 0.5] + 12 * [0.01], dtype=np.float32)
    >>> (gate.gated(sound) != 0.0).astype(int).tolist()
    [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]
    """

    def __init__(self, sample_rate: int) -> None:
        self._open = max(1, round(OPEN_S * sample_rate))
        self._left = 0
        self.gain_db = 0.0
        self.gate_db = -120.0

    def amplified(self, samples: FloatArray) -> FloatArray:
        """Apply the gain [shape=(n,)]."""
        if self.gain_db == 0.0:
            return samples
        return samples * np.float32(10.0 ** (self.gain_db / 20.0))

    def gated(self, samples: FloatArray) -> FloatArray:
        """Silence what is too soft [shape=(n,)]."""
        if self.gate_db <= NO_GATE_DB or not len(samples):
            return samples
        count = len(samples)
        places = np.arange(count)
        loud = np.abs(samples) >= 10.0 ** (self.gate_db / 20.0)
        # Where the last loud sample stands, seen from each one; what came before counts back.
        last = np.maximum.accumulate(np.where(loud, places, self._left - self._open))
        opened = places - last < self._open
        self._left = max(int(last[-1]) + self._open - count, 0)
        return np.where(opened, samples, np.float32(0.0))
