"""How far from A = 440 somebody plays, without knowing what: to within a semitone."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.hearing.bank import BANDS_PER_SEMITONE

__all__ = ["PitchGrid"]

Float32Array = npt.NDArray[np.float32]

_MEMORY_S: Final = 4.0


class PitchGrid:
    """Where within a semitone the strong bands lie, gathered over what has sounded.

    Partials of a harmonic sound lie off the equal-tempered grid themselves: what the pictures of
    a score's own pitches show is taken off.
    """

    def __init__(self, templates: Float32Array, hop_s: float) -> None:
        bands = templates.shape[1]
        self._turn = np.exp(2j * np.pi * np.arange(bands) / BANDS_PER_SEMITONE)
        self._own = complex((templates.astype(np.float64) ** 2 @ self._turn).sum())
        self._keep = float(np.exp(-hop_s / _MEMORY_S))
        self._sum = 0j

    def hear(self, spectrum: Float32Array, presence: float) -> None:
        """Take in one hop's spectrum [shape=(bands + 1,)]."""
        bands = spectrum[:-1].astype(np.float64)
        self._sum = self._keep * self._sum + presence * complex(bands**2 @ self._turn)

    @property
    def shift(self) -> float:
        """Bands above the templates' tuning, −1.5 … 1.5."""
        if self._sum == 0j:
            return 0.0
        turned = self._sum * np.conj(self._own)
        return float(np.angle(turned)) / (2 * np.pi) * BANDS_PER_SEMITONE
