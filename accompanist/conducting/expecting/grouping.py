"""Where a melody comes back to something: there a group begins, and players breathe before it.

Parallel passages are heard as parallel groups (Lerdahl and Jackendoff, "A generative theory of
tonal music", 1983, grouping preference rule 6); repetition alone finds most phrase boundaries of a
melody (Cambouropoulos, "Musical parallelism and melodic segmentation", Music Perception 23, 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["returning"]

_DIGITS = 3
_LONGEST = 64
"""So many intervals are compared at most."""
_BLOCK: Final = 4000
"""Events at a time: a passage that comes back from further away is not found."""

_Interval = tuple[float, int]


def returning(quarters: Sequence[float], pitches: Sequence[int] | None, least: int) -> list[int]:
    """Say at each event how many intervals from it on are played elsewhere in the piece, too.

    Only where the likeness begins: the interval before is another one. Passages that overlap (a
    figure going on and on) do not count.

    Parameters
    ----------
    quarters : sequence of float [shape=(n_events,)]
        Where the events stand.
    pitches : sequence of int [shape=(n_events,)] or None
        Their highest pitches; passages may be transposed. None: rhythm alone has to agree.
    least : int
        Fewer intervals than this are nothing.

    Returns
    -------
    list of int [shape=(n_events,)]
        0 where nothing returns. Takes some microseconds an event and a thousand events.
    """
    count = max(len(quarters) - 1, 0)
    kinds: dict[_Interval, int] = {}
    names = np.zeros(count, dtype=np.int64)
    for i in range(count):
        step = pitches[i + 1] - pitches[i] if pitches is not None else 0
        interval = (round(quarters[i + 1] - quarters[i], _DIGITS), step)
        names[i] = kinds.setdefault(interval, len(kinds))
    found: list[int] = []
    for start in range(0, count, _BLOCK):
        found += _in_block(names[start : start + _BLOCK], least)
    return [*found, 0] if quarters else found


def _in_block(names: npt.NDArray[np.int64], least: int) -> list[int]:
    count = len(names)
    places = np.arange(count)
    alike = np.zeros(count + 1, dtype=np.int64)
    found = [0] * count
    for i in range(count - 1, -1, -1):
        # How far what begins at each place is like what begins here.
        alike[:-1] = np.where(names == names[i], alike[1:] + 1, 0)
        length = np.minimum(alike[:-1], _LONGEST)
        counts = length >= least
        apart = np.abs(places - i) >= length
        if i > 0:
            before = np.zeros(count, dtype=bool)
            before[1:] = names[:-1] == names[i - 1]
            within = counts & before & ~apart
            within[i] = False
            if within.any():
                continue  # in the midst of a figure that goes on and on
            counts &= ~before
        counts &= apart
        if counts.any():
            found[i] = int(length[counts].max())
    return found
