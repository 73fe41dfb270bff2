"""How well any single pitch would explain the sound, whatever the score says.

How well a score fits tells little of whether it is what is played: noise and a room make the right
music fit badly, and in other music many notes are right. But what is played there is now and again
a note that the score does not have at this place, and then some single pitch fits better than all
that is expected. In noise that pitch fits worse, too.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.templates import pitch_templates
from accompanist.hearing.bank import FilterBank

__all__ = ["AnyPitch"]

Float32Array = npt.NDArray[np.float32]

_PITCHES: Final = np.arange(36, 97, dtype=np.int32)
_FLAT: Final = 0.3
_ROWS_AT_ONCE: Final = 4
"""A picture costs as much as a filter's hop: after a change of tuning they are made by and by."""


class AnyPitch:
    """Log pictures of all single pitches from C2 to C7, in the tuning of the soloist."""

    def __init__(self, bank: FilterBank, cents: float) -> None:
        self._bank = bank
        self._looks = np.empty((len(_PITCHES), len(bank)), dtype=np.float32)
        self._stale = 0
        self.retune(cents)
        self._refresh(len(_PITCHES))

    def retune(self, cents: float) -> None:
        """Take the soloist to sit this far from A = 440 from now on."""
        self._cents, self._stale = cents, len(_PITCHES)

    def best(self, heard: Float32Array) -> tuple[float, int]:
        """Find the pitch that explains ``heard`` [shape=(bands,)] best.

        Σ heard · log picture, and which of the twelve (0 = C) it is.
        """
        self._refresh(_ROWS_AT_ONCE)
        fits = self._looks @ heard
        pitch = int(fits.argmax())
        return float(fits[pitch]), int(_PITCHES[pitch]) % 12

    def _refresh(self, rows: int) -> None:
        if self._stale == 0:
            return
        left = self._stale
        self._stale = max(0, left - rows)
        pictures = pitch_templates(self._bank, _PITCHES[self._stale : left], self._cents)
        flat = np.float32(_FLAT / len(self._bank))
        self._looks[self._stale : left] = np.log((1 - _FLAT) * pictures + flat)
