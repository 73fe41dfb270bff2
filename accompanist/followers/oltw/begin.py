"""When a warping path may start: time warping has no state for waiting."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Beginning"]

Float32Array = npt.NDArray[np.float32]

_ALIKE: Final = 0.85
_ALIKE_S: Final = 0.035
_TONE: Final = 0.0
"""Noise is rather like any note, but more like the flat row."""

_TONAL: Final = 0.96
_TONAL_S: Final = 1.0
_SILENT: Final = 0.35


class Beginning:
    """Waits for the first sound of the score; for any tone that goes on, if another is played.

    Features are roots of shares, so a product with another row is their likeness (Bhattacharyya),
    and one with the flat row tells noise from tones.

    Parameters
    ----------
    expected : ndarray [shape=(n,)]
        Feature of the first sound; the last column is silence.
    frame_s : float
    """

    def __init__(self, expected: Float32Array, frame_s: float) -> None:
        self._expected = expected
        self._flat = np.full(len(expected) - 1, 1.0 / np.sqrt(len(expected) - 1), np.float32)
        self._alike_frames = max(1, round(_ALIKE_S / frame_s))
        self._tonal_frames = max(1, round(_TONAL_S / frame_s))
        self._alike = 0
        self._tonal = 0
        self.waiting = True

    def waits(self, row: Float32Array) -> bool:
        """Hear a frame [shape=(n,)]; whether the soloist has not begun by its end."""
        if not self.waiting:
            return False
        sounds = row[-1] < _SILENT
        likeness = float(row @ self._expected)
        flatness = float(row[:-1] @ self._flat)
        self._alike = self._alike + 1 if sounds and likeness > max(_ALIKE, flatness + _TONE) else 0
        self._tonal = self._tonal + 1 if sounds and flatness < _TONAL else 0
        self.waiting = self._alike < self._alike_frames and self._tonal < self._tonal_frames
        return self.waiting
