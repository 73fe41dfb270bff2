"""Other places that the soloist may be at, tried beside the one believed in.

The overview is coarse: it may propose, never decide alone. What it proposes is followed for a
while by further fine filters that hear the same. How much better such a rival has expected what
was heard, and what the overview meanwhile thinks of it, decide together. How much it takes depends
on how well the place believed in has fitted, and still fits. Music that comes back fits here as
well as there, so that nothing is gained by going.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accompanist.followers.recording.listen import SoloEar
from accompanist.followers.recording.overview import Found, Overview
from accompanist.followers.recording.place import Belief, PlaceFilter

__all__ = ["Rivals"]

_ENOUGH_AT_FIRST: Final = 8.0
"""Nats that a rival needs where nothing has been believed yet …"""
_ENOUGH: Final = 46.0
"""… and once that has fitted for long; more for each second of distance, up to a limit,
and going back more than ahead, where whoever leaves something out is."""
_AHEAD_PER_S: Final = 0.05
_BACK_PER_S: Final = 0.15
_BACK: Final = 3.0
_FAR_MOST: Final = 5.0
_ODDS_MOST: Final = 6.0
"""The overview's log odds count at most so much."""
_LEAST_S: Final = 0.4
_LONGEST_S: Final = 3.5
"""Seconds of sound that a rival is given at least, and at most."""
_SETBACK: Final = 14.0
"""A rival is dropped when it has lost this from its best."""

_SAME_S: Final = 0.6
_NEAR_S: Final = 1.5
"""A place proposed so near to a rival's is that rival's."""
_BEGUN: Final = 0.5
_TRUSTED: Final = 0.7
_DOUBTED: Final = 1.0


@dataclass(slots=True)
class _Trial:
    """A rival: a filter, and what it has gained over the one believed in."""

    filter: PlaceFilter
    active: bool = False
    place: float = 0.0
    gain: float = 0.0
    most: float = 0.0
    sure_s: float = 0.0
    odds: float = 0.0

    @property
    def score(self) -> float:
        return self.gain + min(self.odds, _ODDS_MOST)


class Rivals:
    """Further filters beside the one believed in.

    Parameters
    ----------
    filters
        As many as places are tried at the same time.
    row_s, hop_s : float
        Seconds from row to row of the reference, and from hop to hop.
    """

    def __init__(self, filters: Iterable[PlaceFilter], row_s: float, hop_s: float) -> None:
        self._trials = [_Trial(place_filter) for place_filter in filters]
        self._row_s, self._hop_s = row_s, hop_s
        self.drop()

    def drop(self) -> None:
        """Try nothing any more."""
        for trial in self._trials:
            trial.active = False
        self.doubt = 0.0
        """0–1: how near a rival is to winning."""

    def propose(self, found: list[Found], overview: Overview, beside: PlaceFilter) -> None:
        """Try what the overview has just found, unless better places are being tried."""
        for trial in self._trials:
            if trial.active:
                trial.odds = overview.odds(trial.place)
        # While the place believed in is beyond doubt, one other is as much as is worth the while.
        doubted = overview.trust < _TRUSTED or any(one.odds > _DOUBTED for one in found)
        most = len(self._trials) if doubted else 1
        for one in found:
            middle = one.first + 0.5 * len(one.weights)
            active = [t for t in self._trials if t.active]
            if any(abs(middle - t.place) * self._row_s < _NEAR_S for t in active):
                continue
            if len(active) < most:
                trial = next(t for t in self._trials if not t.active)
            else:
                trial = min(active, key=lambda t: t.score)
                if trial.sure_s < _LEAST_S or trial.score > one.odds:
                    continue
            trial.filter.refill(one)
            trial.filter.remember(beside)
            trial.active, trial.place, trial.odds = True, middle, one.odds
            trial.gain = trial.most = trial.sure_s = 0.0

    def step(self, ear: SoloEar, believed: Belief, trust: float) -> PlaceFilter | None:
        """Hear one hop; the filter to believe in from now on, or None: the one as before.

        ``trust``: 0–1, in the place believed in.
        """
        self.doubt = 0.0
        winner: _Trial | None = None
        surplus = 0.0
        for trial in self._trials:
            if not trial.active:
                continue
            mine = trial.filter.step(ear)
            trial.place = mine.place
            trial.gain += self._hop_s * (mine.fit - believed.fit)
            trial.sure_s += ear.presence * self._hop_s
            trial.most = max(trial.most, trial.gain)
            ahead_s = (mine.place - believed.place) * self._row_s
            lost = trial.gain < trial.most - _SETBACK or trial.sure_s > _LONGEST_S
            if lost or (abs(ahead_s) < _SAME_S and believed.waiting < _BEGUN):
                trial.active = False
                continue
            enough = _ENOUGH_AT_FIRST + (_ENOUGH - _ENOUGH_AT_FIRST) * trust
            far = _AHEAD_PER_S * ahead_s if ahead_s > 0.0 else _BACK - _BACK_PER_S * ahead_s
            enough += min(far, _FAR_MOST)
            self.doubt = max(self.doubt, min(1.0, trial.score / enough))
            ready = trial.sure_s > _LEAST_S and trial.score > enough and trial.odds > 0.0
            if ready and (winner is None or trial.score - enough > surplus):
                winner, surplus = trial, trial.score - enough
        return None if winner is None else winner.filter

    def exchange(self, chosen: PlaceFilter, old: PlaceFilter) -> None:
        """Take ``old`` in for the filter that has been chosen."""
        won = next(trial for trial in self._trials if trial.filter is chosen)
        gain, odds = won.gain, won.odds
        for trial in self._trials:
            # From now on they are held against the one that is believed in now.
            trial.gain -= gain
            trial.odds -= odds
            trial.most, trial.sure_s = trial.gain, 0.0
        won.filter, won.active = old, False
