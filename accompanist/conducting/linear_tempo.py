"""The baseline among the tempo models: linear phase and period correction."""

from __future__ import annotations

import copy
from math import exp, sqrt
from typing import Self

from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.tempo_model import FASTEST, SLOWEST, Prediction

__all__ = ["LinearTempo"]


class LinearTempo:
    """Linear phase and period correction, the baseline that every other model has to beat.

    A share ``phase`` of each asynchrony moves the time, a share ``period`` the tempo.
    """

    def __init__(self, grid: SoloGrid, phase: float = 0.7, period: float = 0.3) -> None:
        self._grid = grid
        self._phase, self._period = phase, period
        self._quarter = grid.quarters[0] if len(grid) else 0.0
        self._time_s, self._ratio, self._sd = 0.0, 1.0, 0.3

    @property
    def ratio(self) -> float:
        return self._ratio

    def copy(self) -> Self:
        return copy.copy(self)

    def plain(self) -> Self:
        return self.copy()

    def begin(self, quarter: float, time_s: float, sd_s: float = 0.014) -> None:
        self._quarter, self._time_s = quarter, time_s

    def set_ratio(self, ratio: float, sd_log: float) -> None:
        self._ratio, self._sd = min(max(ratio, exp(FASTEST)), exp(SLOWEST)), sd_log

    def report(self, event: int, time_s: float) -> None:
        quarter = self._grid.quarters[event]
        expected = self.predict(quarter).time_s
        length = self._grid.to_written(quarter) - self._grid.to_written(self._quarter)
        error = time_s - expected
        self._time_s = expected + self._phase * error
        if length > 0:
            ratio = self._ratio + self._period * error / length
            self._ratio = min(max(ratio, exp(FASTEST)), exp(SLOWEST))
            relative = min(abs(error) / (length * self._ratio), 1.0)
            self._sd = sqrt(0.9 * self._sd**2 + 0.1 * relative**2)
        self._quarter = quarter

    def predict(self, quarter: float) -> Prediction:
        length = self._grid.to_written(quarter) - self._grid.to_written(self._quarter)
        played = length * self._ratio
        return Prediction(self._time_s + played, 0.014 + self._sd * abs(played))
