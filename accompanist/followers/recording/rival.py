"""Another place that the soloist may be at, tried beside the one believed in.

The overview is coarse: it may propose, never decide. What it proposes is followed for a while by a
second fine filter that hears the same; which of the two expected better what was heard decides.
Music that comes back fits here as well as there, so that nothing is gained by going.
"""

from __future__ import annotations

from typing import Final

from accompanist.followers.recording.listen import SoloEar
from accompanist.followers.recording.overview import Found
from accompanist.followers.recording.place import Belief, PlaceFilter

__all__ = ["Rival"]

_ENOUGH_AT_FIRST: Final = 10.0
"""Nats by which it has to have expected better, while the place believed in is new …"""
_ENOUGH: Final = 30.0
"""… and once that has fitted for long; more for each second of distance, up to a limit."""
_FAR_PER_S: Final = 0.2
_FAR_MOST: Final = 10.0
_TRUSTED: Final = 0.5
_FITS: Final = 0.7
_FIT_WORTH: Final = 20.0
"""Nats more for a place believed in that the overview finds fitting, beyond `_FITS`."""
_ODDS: Final = 4.0
"""So many nats of the overview's opinion count at most."""
_LEAST_S: Final = 0.4
_LONGEST_S: Final = 3.5
"""Seconds of sound that it is given at least, and at most."""
_PROMISING: Final = 5.0
_STALE_S: Final = 0.3
"""What is ahead by so much, and has lately gained, is not dropped for another."""
_SETBACK: Final = 14.0
"""Dropped when it has lost this from its best."""

_SAME_S: Final = 1.5
_BEGUN: Final = 0.5


class Rival:
    """A second filter beside the one believed in, and what it gains over that."""

    def __init__(self, place_filter: PlaceFilter, row_s: float, hop_s: float) -> None:
        self.filter = place_filter
        self._row_s, self._hop_s = row_s, hop_s
        self.drop()

    def drop(self) -> None:
        """Try nothing any more."""
        self._active = False
        self._gain = self._most = self._most_s = self._sure_s = self._place = self._odds = 0.0
        self.doubt = 0.0
        """0–1: how near the rival is to winning."""

    def propose(self, found: Found, beside: PlaceFilter) -> None:
        """Try what the overview has found, unless something better is being tried."""
        middle = found.first + 0.5 * len(found.weights)
        if self._active:
            far = abs(middle - self._place) * self._row_s > _SAME_S
            self._odds = 0.0 if far else found.odds
            winning = self._gain > _PROMISING and self._sure_s < self._most_s + _STALE_S
            if not far or self._sure_s < _LEAST_S or winning:
                return
        self.filter.refill(found)
        self.filter.remember(beside)
        self.drop()
        self._active = True
        self._odds = found.odds
        self._place = middle

    def step(self, ear: SoloEar, believed: Belief, trust: float, fit: float) -> bool:
        """Hear one hop; whether to go there: then `filter` is to be exchanged for the other.

        ``trust``: 0–1, in the place believed in; ``fit``: the overview's opinion of it.
        """
        if not self._active:
            return False
        mine = self.filter.step(ear)
        self._place = mine.place
        self._gain += self._hop_s * (mine.fit - believed.fit)
        self._sure_s += ear.presence * self._hop_s
        if self._gain > self._most:
            self._most, self._most_s = self._gain, self._sure_s
        away_s = abs(mine.place - believed.place) * self._row_s
        lost = self._gain < self._most - _SETBACK or self._sure_s > _LONGEST_S
        if lost or (away_s < _SAME_S and believed.waiting < _BEGUN):
            self.drop()
            return False
        settled = _ENOUGH + min(_FAR_PER_S * away_s, _FAR_MOST)
        settled += _FIT_WORTH * max(0.0, fit - _FITS)
        enough = _ENOUGH_AT_FIRST + (settled - _ENOUGH_AT_FIRST) * trust
        gained = self._gain + (1.0 - trust) * min(max(self._odds, 0.0), _ODDS)
        self.doubt = min(1.0, max(0.0, gained / enough))
        agreed = self._odds > 0.0 or trust < _TRUSTED
        if self._sure_s > _LEAST_S and gained > enough and agreed:
            self.drop()
            return True
        return False
