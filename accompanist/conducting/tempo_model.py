"""Tempo models: from the reports heard so far to the time of any position to come.

All of them work in *written seconds* (`accompanist.conducting.grid.SoloGrid`), so that a marked
change of tempo is expected and the state is the ratio of played to written time.
"""

from __future__ import annotations

from math import log
from typing import NamedTuple, Protocol, Self

__all__ = ["FASTEST", "SLOWEST", "Foresight", "Prediction", "TempoModel"]

SLOWEST, FASTEST = log(6.0), log(1.0 / 6.0)
"""Bounds of the log ratio of played to written time: no player is six times off."""


class Prediction(NamedTuple):
    """When a position will come, and the standard deviation of that."""

    time_s: float
    sd_s: float


class Foresight(Protocol):
    """What a path is planned by."""

    @property
    def ratio(self) -> float:
        """Played seconds for each written second, now."""
        ...

    def predict(self, quarter: float) -> Prediction:
        """When ``quarter`` comes. Behind the last report it is read off the line backwards."""
        ...


class TempoModel(Foresight, Protocol):
    """Predicts the soloist. Not thread-safe; every call is O(events looked ahead)."""

    def begin(self, quarter: float, time_s: float, sd_s: float = 0.014) -> None:
        """Put the soloist at ``quarter`` at ``time_s``, however they got there; tempo is kept."""
        ...

    def set_ratio(self, ratio: float, sd_log: float) -> None:
        """Believe in this ratio of played to written time, with that sd of its logarithm."""
        ...

    def report(self, event: int, time_s: float) -> None:
        """Solo event ``event`` began at ``time_s``; it lies behind the last one reported."""
        ...

    def copy(self) -> Self:
        """Make an independent twin (the tables are shared)."""
        ...

    def plain(self) -> TempoModel:
        """Make a twin at the same place and tempo that expects no whims of anybody.

        It is what an ensemble goes by that plays alone.
        """
        ...
