"""Whoever plays with the soloist and is heard in their microphone: cancelled, and allowed for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.bleed import BleedModel
from accompanist.followers.bayes.segments import Segments
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.followers.protocol import EnsembleNote
from accompanist.hearing.bank import FilterBank
from accompanist.hearing.echo import EchoCanceller
from accompanist.hearing.evidence import Ear

__all__ = ["Company"]

Float32Array = npt.NDArray[np.float32]

_LEFT: Final = 0.3
"""Share of the cancelled sound (magnitude) that may be left of it."""

_MOST_LEFT: Final = 0.5
"""And no more than this of it, whatever the notes say: what is left is no new sound to be learned,
and the notes would explain the soloist away by it."""

_SOLO_SHARE: Final = 0.15
"""A band with this share of a solo note's strongest one may be the soloist's."""

_AROUND: Final = 2
"""Segments on either side in which the soloist may be as well."""


class Company:
    """What is known of the ensemble, and what an ear makes of the microphone in its presence.

    Where its sound is known, an `EchoCanceller` takes it out; for what is left, and where only its
    notes are known, a `BleedModel` says how much of each band is the ensemble's. Not thread-safe.

    Parameters
    ----------
    ear : Ear
    segments : Segments
    hop_s : float
    """

    def __init__(self, ear: Ear, segments: Segments, hop_s: float) -> None:
        self._ear = ear
        self._segments = segments
        self._hop_s = hop_s
        self.model: BleedModel | None = None
        self.canceller: EchoCanceller | None = None
        self._sent: Float32Array | None = None
        self._absent: Float32Array = np.ones(len(ear.bank), dtype=np.float32)
        self._place = (-1, 0.0)

    def notes(self, notes: Sequence[EnsembleNote]) -> None:
        """Learn what the ensemble has been sent."""
        if self.model is None:
            self.model = BleedModel(self._ear.bank, self._hop_s)
        self.model.take(notes)

    def sound(self, samples: Float32Array) -> None:
        """Learn what the ensemble sounds in the hop to come."""
        rate = round(self._ear.bank.sample_rate)
        if self.canceller is None:
            self.canceller = EchoCanceller(rate, len(samples))
            self._echo_bank = FilterBank(rate)
            self._echo = np.zeros(len(self._echo_bank), dtype=np.float32)
        self._sent = samples

    def hear(
        self, samples: Float32Array, time_s: float, segment: int, templates: TemplateRing
    ) -> None:
        """Let the ear hear one hop; ``segment`` is where the soloist was last believed to be."""
        ear = self._ear
        known = self._sent is not None
        if self.canceller is not None and len(samples) == self.canceller.hop:
            sent = np.zeros_like(samples) if self._sent is None else self._sent
            samples = self.canceller.hear(samples, sent)
            self._sent = None
        ear.push(samples)
        others: Float32Array | None = None
        if self.model is not None:
            absent = self._solo_absent(segment, templates)
            others = self.model.hear(ear.magnitudes, absent, time_s)
        if self.canceller is not None:
            self._echo_bank.push(self.canceller.echo, self._echo)
            if others is not None and known:
                others = np.minimum(others, np.float32(_MOST_LEFT) * self._echo)
            self._echo *= np.float32(_LEFT)
            others = self._echo if others is None else np.maximum(others, self._echo)
        ear.weigh(others)

    def _solo_absent(self, segment: int, templates: TemplateRing) -> Float32Array:
        """1 in bands where the soloist is not to be expected about there, down to 0."""
        if (segment, templates.cents) == self._place:
            return self._absent
        self._place = (segment, templates.cents)
        s = self._segments
        first, last = max(segment - _AROUND, 0), min(segment + _AROUND, len(s) - 1)
        solo = np.zeros(len(self._absent), dtype=np.float32)
        for pitch in np.unique(s.pitch_index[s.pointer[first] : s.pointer[last + 1]]):
            look = templates.templates[pitch]
            np.maximum(solo, look / look.max(), out=solo)
        self._absent = np.clip(1.0 - solo / np.float32(_SOLO_SHARE), 0.0, 1.0)
        return self._absent
