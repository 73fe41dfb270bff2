"""How long to wait for a report: what costs least by all that is known of soloist and ears.

The soloist's note comes at T, its report at T + D; with probability m there is none. Silence is
the only news until then, so a plan is one deadline a: sound at min(T + D, a). Being early or late
by x costs ``early`` or ``late`` times c(x), and the ensemble's own line, held up beyond its time τ,
costs ``gap`` times c(a − τ); c is x² up to ``knee_s`` and goes on straight from there, as apart is
apart. To move the deadline changes the cost only while no report has come::

    dC/da = late · E[c'(a − T); T < a, silent at a] − early · E[c'(T − a); T > a]
            + gap · c'(a − τ) · P(silent at a)

where P(silent at a | T) = m + (1 − m) P(D > a − T). T − τ is Student's t with four degrees of
freedom, its scale 0.75 of the predicted sd (so errors turn out to fall), D is normal. C is added up
from τ on and its least place taken. With c = |x|, no gap, m = 0 and a hazard of T that hardly
changes within a delay this is hazard(a) · E[D] = early / late; for equal weights that falls on the
curve of `accompanist.conducting.policy.wait_s`.

A soloist who dwells though nothing announces it is another matter: then T is later by much more
than any prediction's sd, and what saves the ensemble is the moment, some ``verdict_s`` behind the
time of a report, from which a follower says that the note before is held. To hold out until then
costs more than the best deadline does; how much is told by `Deadlines.patience_s`, to be weighed
against the share of notes that are dwelt on.

All lengths count in mean delays, so that one row of numbers over sd/delay serves for long; a row is
made when it is first asked for, in a millisecond or two.
"""

from __future__ import annotations

from bisect import bisect_right
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Deadlines"]

_SCALE: Final = 0.75
_FARTHEST, _NODES = 14.0, 81
"""Nodes of Student's t: up to so many scales, the closer the nearer to the middle."""
_LATEST, _TIMES, _BEYOND = 8.0, 48, 48
"""Deadlines that are tried, up to so many scales behind the prediction; more until a verdict."""
_SCALES: Final = (0.05, 30.0, 18)
"""First, last and number of the scales (in mean delays) in a row; geometric."""
_SPREAD_STEP, _LOG_STEP = 0.15, 0.25
"""What is measured is rounded by these, so that there are few rows."""
_SHORTEST_S = 0.003
_LEAST_MISSED, _MOST_MISSED = 0.005, 0.3

FloatArray = npt.NDArray[np.float64]
_Row = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]
"""Scales; the wait for each; what to wait for the verdict costs more."""


class Deadlines:
    """Waits for any prediction and any ears; not thread-safe (it keeps what it has worked out).

    Parameters
    ----------
    early, late, gap : float
        Costs; only their ratios matter.
    knee_s : float
        So far apart the cost ceases to grow with the square.
    verdict_s : float
        So long past the moment of its report a follower says that a note is held.
    """

    def __init__(
        self,
        early: float = 1.0,
        late: float = 1.0,
        gap: float = 0.0,
        knee_s: float = 0.03,
        verdict_s: float = 0.13,
    ) -> None:
        self.costs = early, late, gap
        self._knee_s, self._verdict_s = knee_s, verdict_s
        self._rows: dict[tuple[int, int, int, bool], _Row] = {}

    def wait_s(
        self,
        sd_s: float,
        delay_s: float,
        delay_sd_s: float = 0.01,
        missed_share: float = 0.02,
        *,
        running: bool = False,
    ) -> float:
        """Say how long past the prediction to wait.

        Parameters
        ----------
        sd_s : float
            Of the prediction.
        delay_s, delay_sd_s : float
            Of the reports.
        missed_share : float
            Of notes that are never reported.
        running : bool
            Whether the ensemble has a line of its own that would be held up.
        """
        row, delay_s = self._row_of(delay_s, delay_sd_s, missed_share, running)
        return delay_s * _read(row[0], row[1], _SCALE * sd_s / delay_s)

    def patience_s(
        self,
        sd_s: float,
        delay_s: float,
        delay_sd_s: float = 0.01,
        missed_share: float = 0.02,
        *,
        running: bool = False,
    ) -> float:
        """Say what it costs to wait until a held note is called held, instead of `wait_s`.

        In seconds of being apart (beyond the knee): whoever dwells on one note in *n* for that
        many times *n* had better be waited for. Parameters as for `wait_s`.
        """
        row, delay_s = self._row_of(delay_s, delay_sd_s, missed_share, running)
        return delay_s * _read(row[0], row[2], _SCALE * sd_s / delay_s)

    def _row_of(
        self, delay_s: float, delay_sd_s: float, missed_share: float, running: bool
    ) -> tuple[_Row, float]:
        delay_s = max(delay_s, _SHORTEST_S)
        missed = min(max(missed_share, _LEAST_MISSED), _MOST_MISSED)
        key = (
            min(max(round(delay_sd_s / delay_s / _SPREAD_STEP), 1), 8),
            round(log(missed) / _LOG_STEP),
            round(log(self._knee_s / delay_s) / _LOG_STEP),
            running,
        )
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = self._row(*key)
        return row, delay_s

    def _row(self, spread: int, missed: int, knee: int, running: bool) -> _Row:
        """Work out the wait for each of some scales, all in mean delays."""
        early, late, gap = self.costs
        scales = np.geomspace(*_SCALES)
        share, off = float(np.exp(missed * _LOG_STEP)), float(np.exp(knee * _LOG_STEP))
        core, weights = _students_t()
        verdict = 1.0 + off * self._verdict_s / self._knee_s
        waits, extras = [], []
        for scale in scales:
            last = _LATEST * scale
            at = np.concatenate([[0.0], np.geomspace(0.01 * scale, last, _TIMES)])
            if verdict > last:
                at = np.concatenate([at, np.linspace(last, verdict, _BEYOND + 1)[1:]])
            behind = at[:, None] - scale * core
            # P(D > behind), the normal distribution by the logistic function.
            steps = np.clip(1.702 * (behind - 1.0) / (spread * _SPREAD_STEP), -40.0, 40.0)
            silent = share + (1.0 - share) / (1.0 + np.exp(steps))
            slope = np.minimum(np.abs(behind) / off, 1.0)
            rise = late * ((behind > 0.0) * slope * silent) @ weights
            rise -= early * ((behind < 0.0) * slope) @ weights
            if running:
                rise += gap * np.minimum(at / off, 1.0) * (silent @ weights)
            cost = np.concatenate([[0.0], np.cumsum((rise[1:] + rise[:-1]) / 2.0 * np.diff(at))])
            waits.append(_least(at[: _TIMES + 1], rise, cost[: _TIMES + 1]))
            late_cost = np.interp(max(verdict, waits[-1]), at, cost)
            extras.append(float(late_cost - np.interp(waits[-1], at, cost)))
        return tuple(scales.tolist()), tuple(waits), tuple(extras)


def _students_t() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Student's t with four degrees of freedom."""
    even = np.linspace(-1.0, 1.0, _NODES)
    nodes = _FARTHEST * np.sign(even) * np.abs(even) ** 2.2
    weights = np.gradient(nodes) * (1.0 + nodes**2 / 4.0) ** -2.5
    return nodes, weights / weights.sum()


def _least(at: FloatArray, rise: FloatArray, cost: FloatArray) -> float:
    """Where a cost is least whose values and slopes at some places are given."""
    i = int(np.argmin(cost))
    # Between two places: where the slope is nought.
    for j in (i - 1, i):
        if 0 <= j < len(at) - 1 and rise[j] < 0.0 <= rise[j + 1]:
            share = rise[j] / (rise[j] - rise[j + 1])
            return float(at[j] + share * (at[j + 1] - at[j]))
    return float(at[i])


def _read(scales: tuple[float, ...], waits: tuple[float, ...], scale: float) -> float:
    if scale <= scales[0]:
        return waits[0] * scale / scales[0]
    i = bisect_right(scales, scale)
    if i == len(scales):
        return waits[-1] * scale / scales[-1]
    share = (scale - scales[i - 1]) / (scales[i] - scales[i - 1])
    return waits[i - 1] + share * (waits[i] - waits[i - 1])
