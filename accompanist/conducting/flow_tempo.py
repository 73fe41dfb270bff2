"""The tempo model of recordings: a place that flows, at a speed that is steady or is not.

Where a recording is followed, news of the soloist come at any time and from any place, and most of
them are rough. The state is the place (in written seconds) and the logarithm of the speed. How
freely the speed wanders is not known beforehand: three models, from calm to restless, run side by
side and are mixed as their predictions deserve (interacting multiple models: Blom & Bar-Shalom,
IEEE Trans. Automatic Control 33, 1988). A steady soloist so is followed smoothly, a free one
quickly. Every observation may be false altogether; it then moves the place by little.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import NamedTuple, Self

from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.tempo_model import FASTEST, SLOWEST, Prediction

__all__ = ["FlowSettings", "FlowTempo"]

_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """Constants of `FlowTempo`; found on pairs of recordings of the same music."""

    start_sd: float = 0.3
    """Of the log speed at the start."""
    wander: tuple[float, ...] = (0.02, 0.12, 0.4)
    """Random walk of the log speed, sd a root second, of each model."""
    change_per_s: float = 0.15
    """How often one model takes over from another."""
    report_sd_s: float = 0.025
    false_share: float = 0.1
    false_sd_s: float = 0.25
    """So many observations are false, and by so much."""


class _Flow(NamedTuple):
    """Mean and covariance of place (written seconds from the origin) and log speed."""

    x: float
    l: float  # noqa: E741
    xx: float
    xl: float
    ll: float


class FlowTempo:
    """A `accompanist.conducting.tempo_model.TempoModel` that takes news from anywhere.

    Not thread-safe; a prediction costs a few microseconds, an observation some twenty.
    """

    def __init__(self, grid: SoloGrid, settings: FlowSettings | None = None) -> None:
        self._grid = grid
        self._set = s = settings or FlowSettings()
        self._origin = grid.quarters[0] if len(grid) else 0.0
        self._time_s = 0.0
        start = _Flow(0.0, 0.0, s.report_sd_s**2, 0.0, s.start_sd**2)
        self._flows = [start] * len(s.wander)
        self._weights = [1.0 / len(s.wander)] * len(s.wander)

    @property
    def ratio(self) -> float:
        return exp(-self._mean().l)

    def copy(self) -> Self:
        twin = copy.copy(self)
        twin._flows, twin._weights = list(self._flows), list(self._weights)
        return twin

    def plain(self) -> Self:
        return self.copy()

    def begin(self, quarter: float, time_s: float, sd_s: float = 0.014) -> None:
        self._origin, self._time_s = quarter, time_s
        self._flows = [_Flow(0.0, f.l, (sd_s * exp(f.l)) ** 2, 0.0, f.ll) for f in self._flows]

    def set_ratio(self, ratio: float, sd_log: float) -> None:
        level = -min(max(log(ratio), FASTEST), SLOWEST)
        self._flows = [_Flow(f.x, level, f.xx, 0.0, sd_log**2) for f in self._flows]

    def report(self, event: int, time_s: float) -> None:
        self.observe(self._grid.quarters[event], time_s, self._set.report_sd_s)

    def observe(self, quarter: float, time_s: float, sd_s: float) -> None:
        """Take in that the soloist was at ``quarter`` at ``time_s``, give or take ``sd_s``.

        Times need not rise: what was a moment ago is carried on to the latest known instant.
        """
        if time_s > self._time_s:
            self._walk(time_s - self._time_s)
            self._time_s = time_s
        mean = self._mean()
        place = self._place(quarter) + exp(mean.l) * (self._time_s - time_s)
        noise = (sd_s * exp(mean.l)) ** 2
        learned = [self._learn(f, place - f.x, noise) for f in self._flows]
        weights = [w * fit for w, (_, fit) in zip(self._weights, learned, strict=True)]
        whole = sum(weights)
        self._flows = [flow for flow, _ in learned]
        self._weights = [w / whole for w in weights]

    def observe_speed(self, ratio: float, sd_log: float) -> None:
        """Take in that they play at this ratio of played to written time now."""
        level = -min(max(log(ratio), FASTEST), SLOWEST)
        self._flows = [_drawn(f, level, sd_log**2) for f in self._flows]

    def predict(self, quarter: float) -> Prediction:
        mean = self._mean()
        speed, distance = exp(mean.l), self._place(quarter) - mean.x
        reach = max(distance, 0.0)
        variance = mean.xx + 2.0 * reach * mean.xl + reach * reach * mean.ll
        return Prediction(self._time_s + distance / speed, sqrt(max(variance, 0.0)) / speed)

    def _place(self, quarter: float) -> float:
        return self._grid.to_written(quarter) - self._grid.to_written(self._origin)

    def _mean(self) -> _Flow:
        return _merged(self._weights, self._flows)

    def _walk(self, for_s: float) -> None:
        """Mix the models as far as one may have taken over from another, and go on."""
        s, count = self._set, len(self._flows)
        over = 1.0 - exp(-s.change_per_s * for_s)
        flows: list[_Flow] = []
        weights: list[float] = []
        for j, wander in enumerate(s.wander):
            shares = [
                w * (1.0 - over if i == j else over / max(count - 1, 1))
                for i, w in enumerate(self._weights)
            ]
            weight = sum(shares)
            x = _merged([share / weight for share in shares], self._flows)
            weights.append(weight)
            step = exp(x.l) * for_s
            walk = wander * wander * for_s
            flows.append(
                _Flow(
                    x.x + step,
                    x.l,
                    x.xx + 2.0 * step * x.xl + step * step * (x.ll + walk / 3.0),
                    x.xl + step * (x.ll + walk / 2.0),
                    x.ll + walk,
                )
            )
        self._flows, self._weights = flows, weights

    def _learn(self, flow: _Flow, error: float, noise: float) -> tuple[_Flow, float]:
        """Correct one model by an observation that is right or false; and how well it fits."""
        s = self._set
        wide = noise + (s.false_sd_s * exp(flow.l)) ** 2
        fits: list[float] = []
        flows: list[_Flow] = []
        for share, variance in ((1.0 - s.false_share, noise), (s.false_share, wide)):
            whole = flow.xx + variance
            fits.append(share * exp(-0.5 * error * error / whole) / sqrt(whole) + _TINY)
            kx, kl = flow.xx / whole, flow.xl / whole
            flows.append(
                _Flow(
                    flow.x + kx * error,
                    min(max(flow.l + kl * error, -SLOWEST), -FASTEST),
                    flow.xx - kx * flow.xx,
                    flow.xl - kx * flow.xl,
                    flow.ll - kl * flow.xl,
                )
            )
        fit = sum(fits)
        return _merged([f / fit for f in fits], flows), fit


def _drawn(flow: _Flow, level: float, noise: float) -> _Flow:
    """Correct a model by a log speed."""
    whole = flow.ll + noise
    kx, kl, error = flow.xl / whole, flow.ll / whole, level - flow.l
    return _Flow(
        flow.x + kx * error,
        flow.l + kl * error,
        flow.xx - kx * flow.xl,
        flow.xl - kl * flow.xl,
        flow.ll - kl * flow.ll,
    )


def _merged(weights: list[float], flows: list[_Flow]) -> _Flow:
    """Make one Gaussian with the moments of the mixture."""
    x = sum(w * f.x for w, f in zip(weights, flows, strict=True))
    l = sum(w * f.l for w, f in zip(weights, flows, strict=True))  # noqa: E741
    xx = xl = ll = 0.0
    for w, f in zip(weights, flows, strict=True):
        a, b = f.x - x, f.l - l
        xx += w * (f.xx + a * a)
        xl += w * (f.xl + a * b)
        ll += w * (f.ll + b * b)
    return _Flow(x, l, xx, xl, ll)
