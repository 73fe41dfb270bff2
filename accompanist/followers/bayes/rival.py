"""Other places that the soloist may be at, tried on what has been heard lately.

The overview is coarse: it may propose, never decide. A second fine filter begins where and when
the overview thinks that the soloist landed, hears again all that has sounded since, several hops
at a time until it is level with the present, and goes on beside the filter believed in. The sum of
what it expected better is the logarithm of the Bayes factor between having jumped and having
played on; only when that is decisive it takes over. Music that comes back fits here as well as
there, so nothing is gained by going.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.grid import CELL_S, FilterSettings, PositionFilter, ScoreGrid
from accompanist.followers.bayes.recent import Recent
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.hearing.bank import FilterBank

__all__ = ["Rival", "Rivals"]

Float32Array = npt.NDArray[np.float32]

_HOPS_A_HOP: Final = 5
"""So many hops of the past are heard again in one hop of the present."""

_EARLIER_S: Final = 0.12
"""The overview sees a landing late by about this."""
_LAND_S: Final = 0.15
_SETBACK: Final = 25.0
_LONGEST_S: Final = 4.0
_SAME_S: Final = 0.4
_LEAST_S: Final = 0.15
_HOPELESS: Final = 12.0
_MOST_OF_NOTE: Final = 21.0
"""A wrong note fits somewhere else, too: it takes two notes to go there."""

_RIVALS: Final = 3
_FIRST_SHARE: Final = 0.6
_LESS_PER_S: Final = 0.2
_LEAST_SHARE: Final = 0.2
_AHEAD: Final = 2.0
_DECIDE_S: Final = 0.8
_SAME_PLACE_S: Final = 1.2


class Rival:
    """A second filter beside the one believed in, and what it gains over that.

    Attributes
    ----------
    filter : PositionFilter
    active : bool
        Whether anything is being tried.
    gain : float
        Log-evidence since the landing less that of the filter believed in.
    """

    def __init__(self, place_filter: PositionFilter, grid: ScoreGrid, hop_s: float) -> None:
        self.filter = place_filter
        self._grid = grid
        self._hop_s = hop_s
        self._evidence = np.zeros(0)
        self.drop()

    def drop(self) -> None:
        """Try nothing any more."""
        self.active = self._level = False
        self.gain = self.most = self.sure_s = self._matched = 0.0
        self._told = self._of_note = 0.0
        self._event = self.segment = -1
        self.came_hop = 0
        self._next = 0
        self.position_s = self.at_s = 0.0
        self.tempo = 1.0

    def take_over(self, recent: Recent, cost: float) -> None:
        """Have it that what it expected is what was expected; it paid ``cost`` for jumping."""
        first = max(self.came_hop, recent.oldest)
        hops = np.arange(first, self._next)
        evidence = self._evidence[hops % recent.length]
        evidence[:1] -= cost
        recent.rewrite(first, evidence)

    @property
    def level(self) -> bool:
        """Whether it has heard all that has sounded."""
        return self._level

    def propose(self, segment: int, hop: int, recent: Recent, tempo_weights: Float32Array) -> None:
        """Try that the soloist landed on ``segment`` about when ``hop`` was heard."""
        self.drop()
        self.active = True
        if len(self._evidence) != recent.length:
            self._evidence = np.zeros(recent.length)
        self.segment = segment
        self.came_hop = self._next = max(recent.oldest, hop - round(_EARLIER_S / self._hop_s))
        cells = self._grid.segment_cell
        first = int(cells[segment])
        weights = (tempo_weights / tempo_weights.sum()).astype(np.float32)
        end = min(first + max(1, round(_LAND_S / CELL_S)), len(self._grid.cell_segment))
        self.filter.refill([(first, max(end, first + 1), 1.0)], weights)

    def step(self, recent: Recent, position_s: float) -> None:
        """Hear on, beside a filter at ``position_s``; drops itself where that leads nowhere."""
        segments = self._grid.segments
        for _ in range(_HOPS_A_HOP):
            if self._next >= recent.hops:
                break
            hop = self._next
            if hop < recent.oldest:
                self.drop()
                return
            belief = self.filter.step(*recent.at(hop))
            self._evidence[hop % recent.length] = belief.log_evidence
            self._count(
                belief.log_evidence - float(recent.evidence[hop % recent.length]),
                int(segments.event[self._grid.cell_segment[max(0, int(belief.cell))]]),
            )
            heard_s = recent.presence_at(hop) * self._hop_s
            self.sure_s += heard_s
            self._matched += heard_s * belief.match_per_s
            self.most = max(self.most, self.gain)
            self.position_s = self._grid.position_s(belief.cell)
            self.tempo = belief.tempo
            self._next += 1
        self._level = self._next >= recent.hops
        if not self._level:
            return
        away_s = abs(self.position_s - position_s) / max(self.tempo, 0.1)
        lost = self.gain < self.most - _SETBACK or self.sure_s > _LONGEST_S
        lost |= self.gain < -_HOPELESS and self.sure_s > _LEAST_S
        if lost or away_s < _SAME_S:
            self.drop()

    def reckon(self, more: float) -> None:
        """Count so much more, or less, from before now."""
        self.gain += more
        self._told += more
        self.most = self.gain

    def _count(self, gained: float, event: int) -> None:
        self.gain += gained
        if event != self._event:
            self._told += min(self._of_note, _MOST_OF_NOTE)
            self._event, self._of_note = event, 0.0
        self._of_note += gained

    @property
    def told(self) -> float:
        """What it has gained, no one note counting for more than a wrong one may mislead."""
        return self._told + min(self._of_note, _MOST_OF_NOTE)

    @property
    def match_per_s(self) -> float:
        """How much better than noise it has explained what it heard, log-likelihood a second."""
        return self._matched / max(self.sure_s, 1e-3)

    @property
    def wanted_share(self) -> float:
        """Share of the overview's belief that it wants; less as time goes by."""
        return max(_LEAST_SHARE, _FIRST_SHARE - _LESS_PER_S * self.sure_s)

    @property
    def where_s(self) -> float:
        """Its place, or where it is expected to come out; written seconds."""
        return self.position_s if self._level else self.at_s

    @property
    def ripe(self) -> bool:
        """Whether it has heard enough to be judged."""
        return self.active and self._level and self.sure_s > _LEAST_S


class Rivals:
    """Several places tried at once."""

    def __init__(
        self, grid: ScoreGrid, bank: FilterBank, settings: FilterSettings, hop_s: float
    ) -> None:
        self._all = [
            Rival(
                PositionFilter(grid, TemplateRing(bank, grid.segments, 0.0), settings, hop_s),
                grid,
                hop_s,
            )
            for _ in range(_RIVALS)
        ]

    def drop(self) -> None:
        """Try nothing any more."""
        for rival in self._all:
            rival.drop()

    @property
    def active(self) -> int:
        """How many places are being tried."""
        return sum(rival.active for rival in self._all)

    @property
    def best(self) -> Rival:
        """The one that has gained most."""
        return max(self._all, key=lambda rival: (rival.active, rival.gain))

    def propose(
        self,
        segment: int,
        at_s: float,
        hop: int,
        recent: Recent,
        tempo_weights: Float32Array,
        templates: TemplateRing,
        shift: int,
    ) -> None:
        """Try that the soloist was on ``segment`` when ``hop`` was heard and is at ``at_s`` now."""
        idle = None
        for rival in self._all:
            if not rival.active:
                idle = rival
            elif abs(rival.where_s - at_s) < _SAME_PLACE_S:
                return
        if idle is None:
            weakest = min(self._all, key=lambda rival: rival.gain if rival.level else np.inf)
            if not weakest.level or weakest.gain > 0.0:
                return
            idle = weakest
        ring = idle.filter.templates
        if ring.templates is not templates.templates:
            ring.use(templates)
        idle.filter.shift = shift
        idle.propose(segment, hop, recent, tempo_weights)
        idle.at_s = at_s

    def step(self, recent: Recent, position_s: float) -> None:
        """Hear on, beside a filter at ``position_s`` (written seconds)."""
        for rival in self._all:
            if rival.active:
                rival.step(recent, position_s)
        tried = sorted((r for r in self._all if r.active), key=lambda r: -r.gain)
        for i, rival in enumerate(tried):
            same = (abs(other.where_s - rival.where_s) < _SAME_PLACE_S for other in tried[:i])
            if rival.level and any(same):
                rival.drop()

    def winner(
        self, enough: float, match_per_s: float, share_of: Callable[[float], float]
    ) -> Rival | None:
        """Name the one that has expected what was heard so much better than all others.

        ``match_per_s`` is the least that it must explain: other music fits nowhere, and somewhere
        always better than here. ``share_of`` gives the overview's belief in a place. Where music
        comes back literally, nothing but that tells one place from the other, and there is no
        sense in waiting long.
        """
        tried = [(r.gain + log(share_of(r.where_s) + 1e-3), r) for r in self._all if r.active]
        tried.sort(key=lambda pair: -pair[0])
        if not tried:
            return None
        standing, best = tried[0]
        if not best.ripe or best.told < enough or best.match_per_s < match_per_s:
            return None
        if share_of(best.where_s) < best.wanted_share:
            return None
        clear = len(tried) == 1 or standing > tried[1][0] + _AHEAD
        return best if clear or best.sure_s > _DECIDE_S else None

    def give_way(self, winner: Rival, cost: float) -> None:
        """Reckon from now on with ``winner`` believed in, which has paid ``cost`` for jumping."""
        gain = winner.gain
        winner.drop()
        for rival in self._all:
            rival.reckon(cost - gain)
