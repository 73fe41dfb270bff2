"""Whether it is this music at all: would not some other note explain the sound better.

How well the score fits says little: a wrong piece has right notes, and a follower that may wait
or skip finds them. But what is played there is now and again a note that the score does not have
at this place, and then some single pitch fits better than all that is expected.
"""

from __future__ import annotations

from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.templates import pitch_templates
from accompanist.hearing.bank import FilterBank

__all__ = ["Doubt"]

Float32Array = npt.NDArray[np.float32]

_PITCHES: Final = np.arange(36, 97, dtype=np.int32)
_FLAT: Final = 0.3
_SILENCE: Final = 0.02
_MEMORY_S: Final = 1.0
_LOST: Final = 18.0
_FOUND: Final = 8.0
_EVEN: Final = 12.0
_WIDTH: Final = 3.0
"""Log-likelihood a second by which another pitch is better, mean over a second: up to 3 in the
right place (98 % of the time, of winds, violin and piano), 7 to 70 in another piece."""


class Doubt:
    """Compares what is expected with any single pitch, over the last second that sounded.

    Attributes
    ----------
    margin_per_s : float
        By how much log-likelihood a second another pitch is better.
    lost : bool
        With hysteresis.
    """

    def __init__(self, bank: FilterBank, hop_s: float, cents: float) -> None:
        self._bank = bank
        self._hop_s = hop_s
        self.retune(cents)
        self.forget()

    def forget(self) -> None:
        """Begin anew without doubt."""
        self.margin_per_s = 0.0
        self.lost = False

    def retune(self, cents: float) -> None:
        """Take the soloist to sit this far from A = 440."""
        self._cents = cents
        pictures = pitch_templates(self._bank, _PITCHES, cents)
        pictures = (1 - _SILENCE) * ((1 - _FLAT) * pictures + _FLAT / len(self._bank))
        silence = np.full((len(pictures), 1), _SILENCE, dtype=np.float32)
        self._looks: Float32Array = np.log(np.hstack((pictures, silence))).astype(np.float32)

    def hear(
        self,
        spectrum: Float32Array,
        presence: float,
        match_per_s: float,
        noise_per_s: float,
        evidence_per_s: float,
    ) -> None:
        """Hear one hop: what the score explains of it, better than noise does, a second."""
        best = evidence_per_s * float((self._looks @ spectrum).max()) - noise_per_s
        weight = self._hop_s / _MEMORY_S * presence
        self.margin_per_s += weight * (best - match_per_s - self.margin_per_s)
        self.lost = self.margin_per_s > (_FOUND if self.lost else _LOST)

    @property
    def believed(self) -> float:
        """0–1: how likely it is that this is the music that is expected."""
        return 1.0 / (1.0 + exp((self.margin_per_s - _EVEN) / _WIDTH))
