"""A tempo model: an extended Kalman filter, with what is expected of the player."""

from __future__ import annotations

import copy
from math import exp, log, sqrt
from typing import Self

from accompanist.conducting.expecting.expectation import Expectation
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.kalman import Belief, Interval, KalmanSettings, advance, correct
from accompanist.conducting.tempo_model import FASTEST, SLOWEST, Prediction

__all__ = ["KalmanTempo"]

_EDGE_QUARTER = 1e-6
_FIRST_REPORTS = 3
"""The noise of a player is learned after these."""
_SHORTEST_S = 0.02
_MOST_SURPRISE = 2.0


class KalmanTempo:
    """Filter on onset time and tempo, in which each interval may have a deviation to be expected.

    The scale of the noise adapts to the player, and so does how exactly a report tells where the
    line is: where each surprise takes back half of the one before, onsets scatter about the line
    (or the ears err), and it is followed less; where one surprise follows another of its kind, it
    is followed more (an optimal filter leaves nothing to be foreseen in its surprises; Mehra, "On
    the identification of variances and adaptive Kalman filtering", IEEE Trans. Automatic Control
    15, 1970).

    Parameters
    ----------
    grid : SoloGrid
    settings : KalmanSettings, optional
    expectation : Expectation, optional
        Without one an even tempo is expected, apart from what is marked.

    Attributes
    ----------
    evidence : float
        Log of how well the last report was foreseen (a density, but for a constant factor).
    """

    def __init__(
        self,
        grid: SoloGrid,
        settings: KalmanSettings | None = None,
        expectation: Expectation | None = None,
    ) -> None:
        self._grid = grid
        self._set = s = settings or KalmanSettings()
        self._expectation = expectation
        self._quarter = grid.quarters[0] if len(grid) else 0.0
        self._noise = 1.0
        self._report_sd_s = s.report_sd_s
        self._surprise = 0.0
        self._reports = 0
        self._reported_s: float | None = None
        self.evidence = 0.0
        variances = s.report_sd_s**2, s.start_sd**2, s.fast_sd**2, s.gain_sd**2
        tt, ll, oo, gg = variances
        self._belief = Belief(
            0.0, 0.0, 0.0, 1.0, tt, 0.0, 0.0, 0.0, ll, 0.0, 0.0, oo, 0.0, gg
        )  # fmt: skip
        self._ahead: list[tuple[float, Belief]] = []

    @property
    def belief(self) -> Belief:
        """Mean and covariance of the state at the last report."""
        return self._belief

    def believe(self, belief: Belief) -> None:
        """Take over somebody else's belief about the same moment."""
        self._belief = belief
        self._ahead = []

    def plain(self) -> Self:
        """Make a twin that expects nothing: it goes on in tempo."""
        twin = self.copy()
        twin._expectation, twin._ahead = None, []
        return twin

    @property
    def ratio(self) -> float:
        return exp(self._belief.l + self._belief.o)

    @property
    def noise(self) -> float:
        """Adapted scale of the process noise; 1.0 is an expressive pianist."""
        return self._noise

    @property
    def gain(self) -> float:
        """By how much of what is expected of them the player goes, as believed."""
        return self._belief.g

    def copy(self) -> Self:
        twin = copy.copy(self)
        twin._ahead = list(self._ahead)
        if self._expectation is not None:
            twin._expectation = self._expectation.copy()
        return twin

    def begin(self, quarter: float, time_s: float, sd_s: float = 0.014) -> None:
        self._belief = self._belief._replace(t=time_s, tt=sd_s**2, tl=0.0, to=0.0, tg=0.0)
        self._quarter, self._reported_s, self._surprise = quarter, time_s, 0.0
        self._ahead = []

    def set_ratio(self, ratio: float, sd_log: float) -> None:
        level = min(max(log(ratio), FASTEST), SLOWEST)
        self._belief = self._belief._replace(
            l=level, o=0.0, tl=0.0, to=0.0, ll=sd_log**2, lo=0.0, lg=0.0, oo=self._set.fast_sd**2,
            og=0.0,
        )  # fmt: skip
        self._ahead = []

    def report(self, event: int, time_s: float) -> None:
        grid, s = self._grid, self._set
        last = grid.event_at(self._quarter)
        expected = self._deviation(last) if event == last + 1 else 0.0
        before = self._walk_to(event)
        total_s = max(before.t - self._belief.t, 0.0)
        held = any(grid.fermata_s[last:event])
        self._reports += 1
        if self._reports > _FIRST_REPORTS and not held:
            self._adapt((time_s - before.t) / sqrt(before.tt + self._report_sd_s**2))
        else:
            self._surprise = 0.0
        self._belief, self.evidence = correct(before, total_s, time_s, self._report_sd_s, s)
        if self._expectation is not None and last >= 0:
            self._learn(last, event, expected, time_s)
        self._quarter, self._reported_s = grid.quarters[event], time_s
        self._ahead = []

    def _adapt(self, surprise: float) -> None:
        """Learn how free the player is, and how exact the reports, from a surprise in its sds."""
        s = self._set
        surprise = min(max(surprise, -_MOST_SURPRISE), _MOST_SURPRISE)
        self._noise *= exp(s.adapt * (surprise**2 / 0.8 - 1.0))
        self._noise = min(max(self._noise, s.adapt_low), s.adapt_high)
        sd_s = self._report_sd_s * exp(-s.adapt_report * surprise * self._surprise)
        self._report_sd_s = min(max(sd_s, s.report_sd_s), s.report_sd_most_s)
        self._surprise = surprise

    def predict(self, quarter: float) -> Prediction:
        grid = self._grid
        if quarter <= self._quarter:
            x = self._belief
            back = grid.to_written(self._quarter) - grid.to_written(quarter)
            return Prediction(x.t - back * exp(x.l + x.o), x.sd_s)
        event = grid.event_at(quarter)
        if event >= 0 and grid.quarters[event] > self._quarter + _EDGE_QUARTER:
            left, belief = grid.quarters[event], self._walk_to(event)
        else:
            left, belief = self._quarter, self._belief
        if quarter <= left + _EDGE_QUARTER:
            return Prediction(belief.t, belief.sd_s)
        # Within an interval the line is straight in written time, a fermata's hold included.
        if event + 1 < len(grid):
            right = grid.quarters[event + 1]
            reached = self._walk_to(event + 1)
            whole = grid.to_written(right) - grid.to_written(left)
            share = (grid.to_written(quarter) - grid.to_written(left)) / whole
            variance = belief.tt + (reached.tt - belief.tt) * share * share
            time_s = belief.t + share * (reached.t - belief.t)
            return Prediction(time_s, sqrt(max(variance, 0.0)))
        rest = Interval(grid.to_written(quarter) - grid.to_written(left))
        x = advance(belief, rest, self._noise, self._set)
        return Prediction(x.t, x.sd_s)

    def _deviation(self, interval: int) -> float:
        if self._expectation is None or interval < 0:
            return 0.0
        heard = self._grid.event_at(self._quarter)
        return self._expectation.deviation(interval, heard, self._belief.g)

    def _interval(self, number: int, quarter: float, end_quarter: float) -> Interval:
        """Say what is to be known of solo interval ``number``, or of what is left of it."""
        grid = self._grid
        written_s = grid.to_written(end_quarter) - grid.to_written(quarter)
        if number < 0:
            return Interval(written_s)
        hold_s = grid.fermata_s[number]
        if self._expectation is None:
            return Interval(written_s, hold_s)
        expectation = self._expectation
        return Interval(
            written_s,
            hold_s,
            self._deviation(number),
            expectation.doubt(number),
            expectation.freedom(number),
        )

    def _walk_to(self, event: int) -> Belief:
        """Belief just before event ``event`` is heard; steps already taken are kept."""
        grid = self._grid
        first = grid.event_at(self._quarter) + 1
        if event < first:
            return self._belief
        while len(self._ahead) <= event - first:
            done = len(self._ahead)
            quarter, x = self._ahead[-1] if done else (self._quarter, self._belief)
            at = grid.quarters[first + done]
            interval = self._interval(first + done - 1, quarter, at)
            self._ahead.append((at, advance(x, interval, self._noise, self._set)))
        return self._ahead[event - first][1]

    def _learn(self, last: int, event: int, expected: float, time_s: float) -> None:
        """Have the expectation learn from what has been heard since event ``last``."""
        expectation, grid = self._expectation, self._grid
        assert expectation is not None
        level = self._belief.l + self._belief.o
        expectation.pass_event(last + 1, event, level)
        whole = abs(grid.quarters[last] - self._quarter) < _EDGE_QUARTER
        if event != last + 1 or not whole or self._reported_s is None or grid.fermata_s[last]:
            return
        length_s = max(time_s - self._reported_s, _SHORTEST_S)
        written_s = grid.to_written(grid.quarters[event]) - grid.to_written(grid.quarters[last])
        expectation.learn(
            last, log(length_s / written_s), level + self._belief.g * expected, length_s
        )
