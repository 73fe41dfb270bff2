"""What is expected of each interval beyond an even tempo, and learned from each that is heard."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from accompanist.conducting.expecting.features import interval_features
from accompanist.conducting.expecting.memory import Memory
from accompanist.conducting.expecting.prior import expected_deviations, standardised
from accompanist.conducting.expecting.regression import Regression
from accompanist.conducting.expecting.rehearsal import Performance, rehearse, shrunk
from accompanist.conducting.grid import SoloGrid
from accompanist.score.solo import SoloLine

__all__ = ["Expectation"]

FloatArray = npt.NDArray[np.float64]

_LAG = 6
"""The tempo of a place is known best so many events later."""
_MOST = 0.6
_COLD = (0.012, 1.0)
_OTHERS = (0.01, 2.0)
_OWN = (0.005, 6.0)
"""Sd of the regression's coefficients, and how many alike places the expectation itself counts
for: without rehearsal, with takes of others, with the soloist's own."""


class Expectation:
    """Prior, rehearsal, regression and memory, added up.

    Parameters
    ----------
    grid : SoloGrid
    solo : SoloLine
    performances : sequence of Performance
        Earlier ones of this piece.
        Those that the soloist played themselves count for more.
    alone : bool
        Only the performances count: nothing is expected of players at large, nothing learned.

    Attributes
    ----------
    rehearsed : bool
        Whether the performances tell anything.

    Notes
    -----
    Not thread-safe. Learning costs some microseconds, asking less.
    """

    def __init__(
        self,
        grid: SoloGrid,
        solo: SoloLine,
        performances: Sequence[Performance] = (),
        *,
        alone: bool = False,
    ) -> None:
        self._alone = alone
        self._rows = _centred(standardised(interval_features(grid, solo)), grid)
        expected = expected_deviations(self._rows)
        if alone:
            expected = np.zeros_like(expected)
        # Where the soloist comes in behind others, these have kept the tempo.
        led = np.array(grid.led[1:], dtype=bool)[: len(expected)]
        expected = np.where(led, 0.0, expected)
        doubt, freedom = np.zeros(len(expected)), np.ones(len(expected))
        sd, counts_for = _COLD[0], np.full(len(expected), _COLD[1])
        self.rehearsed = False
        # What others do is what is expected of the soloist before anything of their own is known.
        for own, constants in ((False, _OTHERS), (True, _OWN)):
            found = rehearse(grid, [p for p in performances if p.own is own])
            known = found.counts > 0
            if known.any():
                self.rehearsed = True
                # Where nothing was rehearsed there is as much to be learned as ever.
                sd += (constants[0] - sd) * float(known.mean())
                counts_for = np.where(known, constants[1], counts_for)
                expected, unsure = shrunk(found, expected)
                doubt = np.where(known, unsure, doubt)
                freedom = np.where(known, found.factor, freedom)
                led &= ~known
        self._led: list[bool] = led.tolist()
        self._expected: list[float] = expected.tolist()
        self._doubt: list[float] = doubt.tolist()
        self._freedom: list[float] = freedom.tolist()
        self._counts_for: list[float] = counts_for.tolist()
        self._regression = Regression(self._rows.shape[1], sd)
        pitches = [max(note.pitch for note in notes) for notes in solo.notes]
        self._memory = Memory(grid.quarters, pitches)
        # Shared by all twins: what lies behind the one who asks does not count.
        self._heard: dict[int, float] = {}
        self._levels: dict[int, float] = {}

    def copy(self) -> Self:
        """Make a twin that learns by itself."""
        twin = copy.copy(self)
        twin._regression = self._regression.copy()
        return twin

    def deviation(self, interval: int, event: int, gain: float) -> float:
        """Give the expected log ratio of an interval to an even tempo.

        Parameters
        ----------
        interval : int
            From solo event ``interval`` to the next.
        event : int
            Last event that has been heard.
        gain : float
            By how much of the expectation the soloist goes, as believed.
        """
        if self._alone or self._led[interval]:
            return self._expected[interval]
        expected = self._expected[interval] + self._regression.of(self._rows[interval])
        total = count = 0.0
        for place, weight in self._memory.alike(interval).items():
            if place >= event or place not in self._heard:
                continue
            level = self._levels.get(min(place + 1 + _LAG, event))
            if level is None:
                continue
            usual = self._expected[place] * gain + self._regression.of(self._rows[place])
            off = self._heard[place] - level - usual
            total += weight * min(max(off, -_MOST), _MOST)
            count += weight
        return expected + total / (count + self._counts_for[interval])

    def doubt(self, interval: int) -> float:
        """Variance of what is expected of an interval."""
        return self._doubt[interval]

    def freedom(self, interval: int) -> float:
        """By how much more than usual players differ in an interval, as a factor of variance."""
        return self._freedom[interval]

    def pass_event(self, first: int, event: int, level: float) -> None:
        """Note the log tempo as believed at events ``first`` to ``event``."""
        for passed in range(first, event + 1):
            self._levels[passed] = level

    def learn(self, interval: int, log_ratio: float, expected: float, length_s: float) -> None:
        """Learn from an interval that has been heard from onset to onset.

        Parameters
        ----------
        interval : int
        log_ratio : float
            Of played to written time.
        expected : float
            What it would have been as expected, the tempo known as it is now.
        length_s : float
            As played.
        """
        if self._alone or self._led[interval]:
            return
        self._heard[interval] = log_ratio
        self._memory.add(interval)
        self._regression.learn(self._rows[interval], log_ratio - expected, length_s)


def _centred(rows: FloatArray, grid: SoloGrid) -> FloatArray:
    """Take out what all of a piece has in common: that is its tempo."""
    lengths = np.diff(np.array(grid.seconds))
    if not len(rows) or not lengths.sum() > 0.0:
        return rows
    centred: FloatArray = rows - np.average(rows, axis=0, weights=lengths)
    return centred
