"""Several places tried at once: which to try, in which order, and whether one of them has won."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.grid import FilterSettings, PositionFilter, ScoreGrid
from accompanist.followers.bayes.recent import Recent
from accompanist.followers.bayes.rival import Rival
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.hearing.bank import FilterBank

__all__ = ["Rivals"]

Float32Array = npt.NDArray[np.float32]

_CELLS_A_HOP: Final = 6500
"""So much work, in cells of the score weighed, may go into what is heard again in one hop …"""
_CELLS_LOST: Final = 4000
_LEAST_CELLS: Final = 2000
"""… and so much does, however much the search for a tuning takes."""
_FIXED_CELLS: Final = 200
"""Hearing a hop costs as much as so many cells, however few are weighed."""
_PRUNE: Final = 1e-7
"""Beginning late, a rival need not remember the very unlikely: two thirds of the work are left."""
_RIVALS: Final = 3
_WEAKER: Final = 0.3
"""With so much less of the overview's belief, one gives way to another."""
_AGAIN_S: Final = 0.35
"""What has led nowhere, or here, is not tried again for so long: there is better to be heard."""
_NO_BETTER: Final = 5.0
"""What has gained less (log-evidence), once it has been heard again, is no better than here."""
_HEARD_S: Final = 0.25
_AHEAD: Final = 2.0
_DECIDE_S: Final = 0.6
_SAME_PLACE_S: Final = 1.2


class Rivals:
    """Several places tried at once.

    Attributes
    ----------
    all : list of Rival
        Also those that try nothing now.
    """

    def __init__(
        self, grid: ScoreGrid, bank: FilterBank, settings: FilterSettings, hop_s: float
    ) -> None:
        settings = replace(settings, prune=max(settings.prune, _PRUNE))
        self.all = [
            Rival(
                PositionFilter(grid, TemplateRing(bank, grid.segments, 0.0), settings, hop_s),
                grid,
                hop_s,
            )
            for _ in range(_RIVALS)
        ]
        self._again = round(_AGAIN_S / hop_s)
        self._failed: list[tuple[float, int, bool]] = []

    def drop(self) -> None:
        """Try nothing any more."""
        self._failed = []
        for rival in self.all:
            rival.drop()

    @property
    def active(self) -> int:
        """How many places are being tried."""
        return sum(rival.active for rival in self.all)

    @property
    def best(self) -> Rival:
        """The one that has gained most."""
        return max(self.all, key=lambda rival: (rival.active, rival.gain))

    def propose(
        self,
        segment: int,
        at_s: float,
        share: float,
        hop: int,
        recent: Recent,
        tempo_weights: Float32Array,
        templates: TemplateRing,
        shift: int,
    ) -> None:
        """Try that the soloist was on ``segment`` when ``hop`` was heard and is at ``at_s`` now."""
        if any(abs(failed_s - at_s) < _SAME_PLACE_S for failed_s, *_ in self._failed):
            return
        idle = None
        for rival in self.all:
            if not rival.active:
                idle = rival
            elif abs(rival.where_s - at_s) < _SAME_PLACE_S:
                return
        if idle is None:
            weakest = min(self.all, key=lambda rival: rival.share)
            if weakest.share > _WEAKER * share:
                return
            idle = weakest
        ring = idle.filter.templates
        if ring.templates is not templates.templates:
            ring.use(templates)
        idle.filter.shift = shift
        idle.propose(segment, hop, recent, tempo_weights)
        idle.at_s, idle.share = at_s, share

    def step(
        self, recent: Recent, position_s: float, moved_s: float, lost: bool, busy: int = 0
    ) -> None:
        """Hear on, beside a filter at ``position_s``; at its usual tempo a hop is ``moved_s``.

        Who is ``lost`` is looked for with less haste: it may take long. ``busy`` is how many cells
        others weigh in this hop; what is left to catch up with waits then.
        """
        left = max(_LEAST_CELLS, (_CELLS_LOST if lost else _CELLS_A_HOP) - busy)
        self._failed = [
            (at_s + moved_s, hop, no_better)
            for at_s, hop, no_better in self._failed
            if recent.hops - hop < self._again
        ]
        for rival in self.all:
            rival.at_s += moved_s
        active = [rival for rival in self.all if rival.active]
        for rival in sorted(active, key=lambda rival: (not rival.level, -rival.share)):
            while left > 0 and rival.active and rival.behind(recent):
                left -= _FIXED_CELLS + rival.filter.width
                rival.hear(recent)
            if rival.active:
                at_s, told_s, no_better = rival.where_s, rival.at_s, rival.gain < _NO_BETTER
                rival.settle(position_s)
                if rival.failed:
                    hop = recent.hops
                    self._failed += [(at_s, hop, no_better), (told_s, hop, no_better)]
        tried = sorted((r for r in self.all if r.active), key=lambda r: -r.gain)
        for i, rival in enumerate(tried):
            same = (abs(other.where_s - rival.where_s) < _SAME_PLACE_S for other in tried[:i])
            if rival.level and any(same):
                rival.drop()

    def weigh(self, share_of: Callable[[float], float]) -> None:
        """Note how much of the overview's belief each holds."""
        for rival in self.all:
            if rival.active:
                rival.share = share_of(rival.where_s)

    def refute(self, at_s: float) -> bool:
        """Whether it has been tried that they are at ``at_s``, and nothing was gained by it."""
        tried = (r for r in self.all if r.active and r.level and r.sure_s > _HEARD_S)
        vain = [rival.where_s for rival in tried if rival.gain < _NO_BETTER]
        vain += [failed_s for failed_s, _, no_better in self._failed if no_better]
        return any(abs(vain_s - at_s) < _SAME_PLACE_S for vain_s in vain)

    def winner(
        self, enough: float, match_per_s: float, share_of: Callable[[float], float]
    ) -> Rival | None:
        """Name the one that has expected what was heard so much better than all others.

        ``match_per_s`` is the least that it must explain: other music fits nowhere, and somewhere
        always better than here. ``share_of`` gives the overview's belief in a place. Where music
        comes back literally, nothing but that tells one place from the other, and there is no
        sense in waiting long.
        """
        tried = [
            (rival.gain + log(share + 1e-3), rival)
            for rival, share in ((r, share_of(r.where_s)) for r in self.all if r.active)
            if not rival.ripe or (share >= rival.wanted_share and not rival.at_end)
        ]
        tried.sort(key=lambda pair: -pair[0])
        if not tried:
            return None
        standing, best = tried[0]
        if not best.ripe or best.told < enough or best.match_per_s < match_per_s:
            return None
        clear = len(tried) == 1 or standing > tried[1][0] + _AHEAD
        return best if clear or best.sure_s > _DECIDE_S else None

    def give_way(self, winner: Rival, cost: float) -> None:
        """Reckon from now on with ``winner`` believed in, which has paid ``cost`` for jumping."""
        gain, told = winner.gain - cost, winner.told - cost
        winner.drop()
        for rival in self.all:
            rival.reckon(gain, told)
