"""Several places tried at once: which to try, in which order, and whether one of them has won."""

from __future__ import annotations

from collections.abc import Callable
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

_HOPS_A_HOP: Final = 14
"""So many hops, of the past and the present, are heard again in one hop of the present."""
_HOPS_LOST: Final = 8
_RIVALS: Final = 3
_WEAKER: Final = 0.3
"""With so much less of the overview's belief, one gives way to another."""
_AGAIN_S: Final = 0.35
"""What has led nowhere is not tried again for so long: there is better to be heard."""
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
        self.all = [
            Rival(
                PositionFilter(grid, TemplateRing(bank, grid.segments, 0.0), settings, hop_s),
                grid,
                hop_s,
            )
            for _ in range(_RIVALS)
        ]
        self._again = round(_AGAIN_S / hop_s)
        self._failed: list[tuple[float, int]] = []

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
        if any(abs(failed_s - at_s) < _SAME_PLACE_S for failed_s, _ in self._failed):
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

    def step(self, recent: Recent, position_s: float, moved_s: float, lost: bool) -> None:
        """Hear on, beside a filter at ``position_s``; at its usual tempo a hop is ``moved_s``.

        Who is ``lost`` is looked for with less haste: it may take long.
        """
        left = _HOPS_LOST if lost else _HOPS_A_HOP
        self._failed = [
            (at_s + moved_s, hop) for at_s, hop in self._failed if recent.hops - hop < self._again
        ]
        for rival in self.all:
            rival.at_s += moved_s
        active = [rival for rival in self.all if rival.active]
        for rival in sorted(active, key=lambda rival: (not rival.level, -rival.share)):
            while left > 0 and rival.active and rival.behind(recent):
                rival.hear(recent)
                left -= 1
            if rival.active:
                at_s = rival.where_s
                rival.settle(position_s)
                if rival.failed:
                    self._failed.append((at_s, recent.hops))
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

    def winner(
        self, enough: float, match_per_s: float, share_of: Callable[[float], float]
    ) -> Rival | None:
        """Name the one that has expected what was heard so much better than all others.

        ``match_per_s`` is the least that it must explain: other music fits nowhere, and somewhere
        always better than here. ``share_of`` gives the overview's belief in a place. Where music
        comes back literally, nothing but that tells one place from the other, and there is no
        sense in waiting long.
        """
        tried = [(r.gain + log(share_of(r.where_s) + 1e-3), r) for r in self.all if r.active]
        tried.sort(key=lambda pair: -pair[0])
        if not tried:
            return None
        standing, best = tried[0]
        if not best.ripe or best.at_end or best.told < enough or best.match_per_s < match_per_s:
            return None
        if share_of(best.where_s) < best.wanted_share:
            return None
        clear = len(tried) == 1 or standing > tried[1][0] + _AHEAD
        return best if clear or best.sure_s > _DECIDE_S else None

    def give_way(self, winner: Rival, cost: float) -> None:
        """Reckon from now on with ``winner`` believed in, which has paid ``cost`` for jumping."""
        gain, told = winner.gain - cost, winner.told - cost
        winner.drop()
        for rival in self.all:
            rival.reckon(gain, told)
