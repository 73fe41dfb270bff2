"""What the ensemble plays before the soloist's first note."""

from __future__ import annotations

from dataclasses import dataclass

from accompanist.score.model import Part, Score
from accompanist.score.solo import BUCKET_QUARTER

__all__ = ["Introduction", "introduction"]

_EDGE_QUARTER = 1e-6


@dataclass(frozen=True, slots=True)
class Introduction:
    """Where the ensemble begins alone, and where the soloist comes in."""

    start_quarter: float
    entry_quarter: float
    bars: int
    """Whole bars before the entry."""

    @property
    def length(self) -> str:
        """Its length in words.

        >>> Introduction(0.0, 11.0, 3).length, Introduction(0.0, 1.5, 0).length
        ('3 bars', 'a few beats')
        """
        if not self.bars:
            return "a few beats"
        return "1 bar" if self.bars == 1 else f"{self.bars} bars"


def introduction(score: Score, solo: Part) -> Introduction | None:
    """Give what the others play before the soloist; None where the soloist begins, or with them."""
    others = [n for p in score.parts if p.number != solo.number for n in p.notes]
    if not others or not solo.notes:
        return None
    start = min(n.onset_quarter for n in others)
    entry = min(n.onset_quarter for n in solo.notes)
    if entry - start < BUCKET_QUARTER:
        return None
    bars = sum(
        start < m.end_quarter - _EDGE_QUARTER and m.end_quarter <= entry + _EDGE_QUARTER
        for m in score.measures
    )
    return Introduction(start, entry, bars)
