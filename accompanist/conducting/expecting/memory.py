"""Memory of a performance: what this soloist did in places like this one.

Two places are alike when the lengths around them are, and more so when the melody is, too; the
more of their surroundings, the more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["Memory"]

_LEVELS: Final = ((1, False, 0.2), (2, False, 0.5), (1, True, 1.0), (2, True, 1.5), (4, True, 3.0))
"""(Intervals on either side that agree, whether in pitch too, weight)."""
_LAST = 3
"""So many of the places that agree on a level count."""
_DIGITS = 3

_Key = tuple[float, ...]


class Memory:
    """Earlier intervals that are like one to come.

    It may be shared by several who are at different places: what lies behind the one who asks does
    not count.

    Parameters
    ----------
    quarters : sequence of float [shape=(n_events,)]
        Where the solo's events stand.
    pitches : sequence of int [shape=(n_events,)]
        Highest pitch of each.
    """

    def __init__(self, quarters: Sequence[float], pitches: Sequence[int]) -> None:
        events = range(len(quarters) - 1)
        self._lengths = [round(quarters[i + 1] - quarters[i], _DIGITS) for i in events]
        self._steps = [pitches[i + 1] - pitches[i] for i in events]
        self._places: list[dict[_Key, list[int]]] = [{} for _ in _LEVELS]

    def add(self, interval: int) -> None:
        """Remember that an interval has been heard."""
        for level, places in enumerate(self._places):
            found = places.setdefault(self._key(level, interval), [])
            if not found or found[-1] != interval:
                found.append(interval)

    def alike(self, interval: int) -> dict[int, float]:
        """Give earlier intervals like this one, each with its weight."""
        weights: dict[int, float] = {}
        for level, places in enumerate(self._places):
            weight = _LEVELS[level][2]
            count = 0
            for place in reversed(places.get(self._key(level, interval), ())):
                if place < interval and count < _LAST:
                    count += 1
                    weights[place] = max(weights.get(place, 0.0), weight)
        return weights

    def _key(self, level: int, interval: int) -> _Key:
        reach, pitched, _ = _LEVELS[level]
        first, end = max(0, interval - reach), min(len(self._lengths), interval + reach + 1)
        key = (float(interval - first), float(end - interval), *self._lengths[first:end])
        return (*key, *self._steps[first:end]) if pitched else key
