"""What the ensemble plays before the soloist's first note."""

from __future__ import annotations

from dataclasses import dataclass

from accompanist.score.model import Part, Score
from accompanist.score.solo import BUCKET_QUARTER
from accompanist.score.tempo import written_tempo

__all__ = ["Introduction", "introduction"]

_EDGE_QUARTER = 1e-6
_ALONE_S = 3.0
"""A recording that begins this much before its soloist has more than a silent lead."""


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
    """Give what the others play before the soloist; None where the soloist begins, or with them.

    Of a recording it is known once the soloist has been taken out.
    """
    others = [n for p in score.parts if p.number != solo.number for n in p.notes]
    if not solo.notes or not (others or score.recording_s is not None):
        return None
    start = min((n.onset_quarter for n in others), default=0.0)
    entry = min(n.onset_quarter for n in solo.notes)
    if entry - start < BUCKET_QUARTER:
        return None
    if not others and float(written_tempo(score).to_seconds(entry)) < _ALONE_S:
        return None
    bars = sum(
        start < m.end_quarter - _EDGE_QUARTER and m.end_quarter <= entry + _EDGE_QUARTER
        for m in score.measures
    )
    return Introduction(start, entry, bars)
