"""Who leads where: passages of a piece over what is usual, and the human hand over both.

A passage has a level, a mode or both (`accompanist.score.model.Passage`). It takes effect with its
first note and ends with its last; outside, the usual mode and level hold. Where two overlap, the
settings win over the score, and of the settings what is said last.

In ``wait`` and ``conduct`` passages do not count: there the human practises or beats time. A mode
or level that the human sets in mid-flight is the usual one from then on, and in the passage in
which it is set it wins until that ends.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from accompanist.conducting.settings import FollowMode
from accompanist.score.model import Passage

__all__ = ["Passages"]

_AHEAD_QUARTER = 1 / 16
"""A passage is entered so much before it begins: its first note belongs to it."""
_EVERYWHERE = (float("-inf"), float("inf"))


class Passages:
    """Keeps the mode and level in force. Not thread-safe.

    Parameters
    ----------
    mode : FollowMode
    level : float
        The usual ones.
    written, said : sequence of Passage
        Of the score, and of the settings.

    Attributes
    ----------
    usual_mode, usual_level
        In force outside of all passages.
    passage : Passage or None
        The one that the ensemble is in.
    """

    def __init__(
        self,
        mode: FollowMode,
        level: float,
        written: Sequence[Passage] = (),
        said: Sequence[Passage] = (),
    ) -> None:
        self.usual_mode, self.usual_level = mode, level
        self._stretches = _stretches((*written, *said))
        self._starts = [start for start, _ in self._stretches]
        self._from, self._until = _EVERYWHERE if not self._stretches else (0.0, 0.0)
        self._overruled = False
        self.passage: Passage | None = None

    @property
    def counts(self) -> bool:
        """Whether there is a passage here that has a say."""
        practising = self.usual_mode in (FollowMode.WAIT, FollowMode.CONDUCT)
        return self.passage is not None and not self._overruled and not practising

    @property
    def mode(self) -> FollowMode:
        """Who leads here."""
        if self.passage is None or not self.counts:
            return self.usual_mode
        # A passage that says how closely to follow says that it is to be followed.
        return FollowMode(self.passage.mode or FollowMode.FOLLOW)

    @property
    def level(self) -> float:
        """How closely it follows here, 0–10."""
        if self.passage is None or not self.counts or self.passage.level is None:
            return self.usual_level
        return self.passage.level

    @property
    def late_s(self) -> float:
        """How late the soloist is to be expected here by the score."""
        return self.passage.latency_s if self.passage is not None and self.counts else 0.0

    def come_to(self, quarter: float) -> bool:
        """Be at ``quarter``, played or jumped to; say if another passage has been entered."""
        at = quarter + _AHEAD_QUARTER
        if self._from <= at < self._until:
            return False
        i = bisect_right(self._starts, at) - 1
        self._from = self._starts[i] if i >= 0 else _EVERYWHERE[0]
        self._until = self._starts[i + 1] if i + 1 < len(self._starts) else _EVERYWHERE[1]
        before, self.passage = self.passage, self._stretches[i][1] if i >= 0 else None
        if self.passage is before:
            return False
        self._overruled = False
        return True

    def overrule(
        self, *, mode: FollowMode | None = None, level: float | None = None, here: bool = False
    ) -> None:
        """Take what the human says: usual from now on; ``here``, in this passage too."""
        if here and self.passage is not None:
            self._overruled = True
        self.usual_mode = self.usual_mode if mode is None else mode
        self.usual_level = self.usual_level if level is None else level


def _stretches(passages: Sequence[Passage]) -> list[tuple[float, Passage | None]]:
    """Lay passages over one another, the last on top: (start, what holds from there on)."""
    edges = sorted({e for p in passages for e in (p.start_quarter, p.end_quarter)})
    found: list[tuple[float, Passage | None]] = []
    for edge in edges:
        here = [p for p in passages if p.start_quarter <= edge < p.end_quarter]
        on_top = here[-1] if here else None
        if not found or found[-1][1] is not on_top:
            found.append((edge, on_top))
    return found
