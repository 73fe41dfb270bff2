"""Other places that the soloist may be at, tried on what has been heard lately.

The overview is coarse: it may propose, never decide. A second fine filter begins where and when
the overview thinks that the soloist landed, hears again all that has sounded since, several hops
at a time until it is level with the present, and goes on beside the filter believed in. The sum of
what it expected better is the logarithm of the Bayes factor between having jumped and having
played on; only when that is decisive it takes over. Music that comes back fits here as well as
there, so nothing is gained by going.
"""

from __future__ import annotations

from math import exp, log
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.grid import PositionFilter, ScoreGrid
from accompanist.followers.bayes.recent import Recent

__all__ = ["Rival"]

Float32Array = npt.NDArray[np.float32]


_LAND_S: Final = (-0.2, 0.12)
"""When the soloist landed, against what the overview thinks: it sees a landing late …"""
_LANDINGS: Final = 3
"""… and may see it a note or two early."""
_MARGIN_S: Final = 0.5
"""What is forgotten so soon cannot be heard again in time."""
_SOUNDS: Final = 0.2
_QUIET_BEFORE_S: Final = 0.1
"""In silence nobody lands: it fits anywhere."""
_SETBACK: Final = 25.0
_LONGEST_S: Final = 4.0
_SAME_S: Final = 0.4
_LEAST_S: Final = 0.15
_HOPELESS: Final = 12.0
_MOST_OF_NOTE: Final = 21.0
"""A wrong note fits somewhere else, too: it takes two notes to go there."""

_FIRST_SHARE: Final = 0.6
_LESS_PER_S: Final = 0.2
_LEAST_SHARE: Final = 0.2
_MOST_WEIGHT: Final = 30.0


class Rival:
    """A second filter beside the one believed in, and what it gains over that.

    Attributes
    ----------
    filter : PositionFilter
    active : bool
        Whether anything is being tried.
    failed : bool
        What was tried last led nowhere, or to where the filter believed in is.
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
        self.active = self.failed = self._level = False
        self.gain = self.most = self.sure_s = self._matched = 0.0
        self._told = self._of_note = 0.0
        self._event = self.segment = -1
        self.came_hop = self._lands_until = 0
        self._land_weight = 1.0
        self._cells = [0]
        self._next = 0
        self.position_s = self.at_s = self.share = 0.0
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
        """Try that the soloist landed on ``segment`` about when ``hop`` was heard.

        When exactly is not known: in each hop of a while they may have, and until they did they
        were where the filter believed in has them.
        """
        self.drop()
        self.active = True
        if len(self._evidence) != recent.length:
            self._evidence = np.zeros(recent.length)
        self.segment = segment
        before, after = (round(s / self._hop_s) for s in _LAND_S)
        first = max(recent.oldest + round(_MARGIN_S / self._hop_s), hop + before)
        sounds = recent.first_present(first, _SOUNDS)
        first = max(first, sounds - round(_QUIET_BEFORE_S / self._hop_s))
        self.came_hop = self._next = min(first, recent.hops - 1)
        self._lands_until = max(first - before + after, sounds + after)
        cells, last = self._grid.event_cell, len(self._grid.event_cell)
        event = max(0, int(self._grid.segments.event[segment]))
        self._cells = [int(cell) for cell in cells[event : min(event + _LANDINGS, last)]]
        self._land_weight = 1.0 / (self._lands_until - first) / len(self._cells)
        self._tempi = (tempo_weights / tempo_weights.sum()).astype(np.float32)
        weight = 1.0 / len(self._cells)
        self.filter.refill([(cell, cell + 1, weight) for cell in self._cells], self._tempi)
        self.gain = log(self._land_weight * len(self._cells))

    def hear(self, recent: Recent) -> None:
        """Hear the next hop."""
        segments = self._grid.segments
        hop = self._next
        if hop < recent.oldest:
            self.drop()
            return
        before = self.gain
        told = 0.0
        if self.came_hop < hop < self._lands_until:
            weight = self._land_weight * exp(min(-self.gain, _MOST_WEIGHT))
            for cell in self._cells:
                self.filter.land(cell, weight, self._tempi)
            told = -log(1.0 + weight * len(self._cells))
            self.gain -= told
        belief = self.filter.step(*recent.at(hop))
        evidence = belief.log_evidence + told
        self.gain += evidence - float(recent.evidence[hop % recent.length])
        self._evidence[hop % recent.length] = evidence - told
        self._count(
            self.gain - before,
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

    def settle(self, position_s: float) -> None:
        """Drop it, once level, where that leads nowhere; a filter believed in is at a position."""
        if not self._level:
            return
        away_s = abs(self.position_s - position_s) / max(self.tempo, 0.1)
        lost = self.gain < self.most - _SETBACK or self.sure_s > _LONGEST_S
        lost |= self.gain < -_HOPELESS and self.sure_s > _LEAST_S
        if lost or away_s < _SAME_S:
            self.drop()
            self.failed = True

    def reckon(self, gain: float, told: float) -> None:
        """Count so much less from before now, another having gained it."""
        self.gain -= gain
        self._told -= told
        self.most = self.gain

    def _count(self, gained: float, event: int) -> None:
        if event != self._event:
            self._told += min(self._of_note, _MOST_OF_NOTE)
            self._event, self._of_note = event, 0.0
        self._of_note += gained

    def behind(self, recent: Recent) -> bool:
        """Whether there is anything that it has not heard yet."""
        return self._next < recent.hops

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
    def at_end(self) -> bool:
        """Whether there is nothing left to play: nobody jumps there, but silence fits well."""
        return self._event >= len(self._grid.event_cell) - 1

    @property
    def ripe(self) -> bool:
        """Whether it has heard enough to be judged."""
        return self.active and self._level and self.sure_s > _LEAST_S
