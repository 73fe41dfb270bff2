"""What was heard in the last seconds, kept so that another place can be tried on it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Recent"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

KEPT_S: Final = 3.0


class Recent:
    """A ring of what `PositionFilter.step` is given, hop by hop, and what it made of it.

    Hops are counted from 0; `hops` is the number heard so far.
    """

    def __init__(self, bands: int, hop_s: float) -> None:
        self.length = max(8, round(KEPT_S / hop_s))
        self._spectrum = np.zeros((self.length, bands + 1), dtype=np.float32)
        self._rise = np.zeros((self.length, bands), dtype=np.float32)
        self._others = np.zeros((self.length, bands), dtype=np.float32)
        self._accompanied = np.zeros(self.length, dtype=np.bool_)
        self._presence = np.zeros(self.length)
        self._audible = np.zeros(self.length)
        self.evidence = np.zeros(self.length)
        """Log-evidence of the fine filter [shape=(length,)], hop ``h`` in row ``h % length``."""
        self.hops = 0

    def keep(
        self,
        spectrum: Float32Array,
        rise: Float32Array,
        presence: float,
        audible: float,
        evidence: float,
        others: Float32Array | None = None,
    ) -> None:
        """Take in one hop."""
        row = self.hops % self.length
        self._accompanied[row] = others is not None
        if others is not None:
            self._others[row] = others
        self._spectrum[row] = spectrum
        self._rise[row] = rise
        self._presence[row] = presence
        self._audible[row] = audible
        self.evidence[row] = evidence
        self.hops += 1

    @property
    def oldest(self) -> int:
        """The first hop that is still kept."""
        return max(0, self.hops - self.length)

    def at(self, hop: int) -> tuple[Float32Array, Float32Array, float, float, Float32Array | None]:
        """Give hop number ``hop`` as `PositionFilter.step` wants it."""
        row = hop % self.length
        return (
            self._spectrum[row], self._rise[row], float(self._presence[row]),
            float(self._audible[row]), self._others[row] if self._accompanied[row] else None,
        )  # fmt: skip

    def first_present(self, hop: int, presence: float) -> int:
        """Give the first hop from ``hop`` on in which it was as sure that somebody played."""
        rows = np.arange(hop, self.hops) % self.length
        found = np.flatnonzero(self._presence[rows] >= presence)
        return hop + int(found[0]) if len(found) else self.hops

    def rewrite(self, hop: int, evidence: FloatArray) -> None:
        """Replace the evidence of the hops from ``hop`` on: another filter has taken over."""
        rows = np.arange(hop, hop + len(evidence)) % self.length
        self.evidence[rows] = evidence

    def presence_at(self, hop: int) -> float:
        """How sure it was in that hop that somebody played."""
        return float(self._presence[hop % self.length])
