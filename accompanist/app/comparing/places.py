"""The same musical place in several recordings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accompanist.recordings.aligning.warping import TimeMap

__all__ = ["SharedPlaces"]


class SharedPlaces:
    """Carries a place from one recording to another, by way of a common axis. Immutable.

    Parameters
    ----------
    maps : sequence of TimeMap or None
        From the axis to each recording; None for the recording that is the axis.
    """

    def __init__(self, maps: Sequence[TimeMap | None]) -> None:
        self._maps = tuple(maps)

    def axis_s(self, index: int, place_s: float) -> float | None:
        """Place on the axis of a place in a recording; None where the axis has not got it."""
        found = self._maps[index]
        if found is None:
            return place_s
        return _known(float(found.first_s([place_s])[0]))

    def from_axis(self, index: int, axis_s: float) -> float | None:
        """Place in a recording of a place on the axis; None where it is not in there."""
        found = self._maps[index]
        if found is None:
            return axis_s if axis_s >= 0.0 else None
        return _known(float(found.second_s([axis_s])[0]))

    def carry(self, index: int, place_s: float, other: int) -> float | None:
        """Place in another recording where the same music sounds; None where there is none."""
        if index == other:
            return place_s
        axis_s = self.axis_s(index, place_s)
        return None if axis_s is None else self.from_axis(other, axis_s)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
