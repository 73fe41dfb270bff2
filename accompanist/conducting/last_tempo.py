"""The simplest tempo model: the tempo of the last interval goes on."""

from __future__ import annotations

import copy
from math import exp, sqrt
from typing import Self

from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.tempo_model import FASTEST, SLOWEST, Prediction

__all__ = ["LastTempo"]

_ONSET_SD_S = 0.014
_FORGET = 0.1
_SHORTEST_S = 1e-4


class LastTempo:
    """Takes every report at its word: the time is the reported one, the tempo that since the last.

    Its own errors of late say how far it is to be trusted.
    """

    def __init__(self, grid: SoloGrid) -> None:
        self._grid = grid
        self._quarter = grid.quarters[0] if len(grid) else 0.0
        self._time_s, self._ratio, self._sd = 0.0, 1.0, 0.3

    @property
    def ratio(self) -> float:
        return self._ratio

    def copy(self) -> Self:
        return copy.copy(self)

    def plain(self) -> Self:
        return self.copy()

    def begin(self, quarter: float, time_s: float, sd_s: float = _ONSET_SD_S) -> None:
        self._quarter, self._time_s = quarter, time_s

    def set_ratio(self, ratio: float, sd_log: float) -> None:
        self._ratio, self._sd = min(max(ratio, exp(FASTEST)), exp(SLOWEST)), sd_log

    def report(self, event: int, time_s: float) -> None:
        quarter = self._grid.quarters[event]
        written_s = self._grid.to_written(quarter) - self._grid.to_written(self._quarter)
        if written_s > _SHORTEST_S:
            error_s = time_s - self.predict(quarter).time_s
            relative = min(abs(error_s) / (written_s * self._ratio), 1.0)
            self._sd = sqrt((1.0 - _FORGET) * self._sd**2 + _FORGET * relative**2)
            ratio = (time_s - self._time_s) / written_s
            self._ratio = min(max(ratio, exp(FASTEST)), exp(SLOWEST))
        self._quarter, self._time_s = quarter, time_s

    def predict(self, quarter: float) -> Prediction:
        written_s = self._grid.to_written(quarter) - self._grid.to_written(self._quarter)
        played_s = written_s * self._ratio
        return Prediction(self._time_s + played_s, _ONSET_SD_S + self._sd * abs(played_s))
