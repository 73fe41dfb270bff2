"""Errors of takes put together: figures of one take or many, with confidence intervals.

Onsets are pooled; the confidence intervals are percentile bootstraps which draw whole takes,
since errors within a take hang together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["ASYNCHRONY_LIMITS_MS", "POSITION_LIMITS_MS", "TakeErrors", "bootstrap", "summarise"]

Array = npt.NDArray[np.float64]

POSITION_LIMITS_MS = (25, 50, 100, 300)
ASYNCHRONY_LIMITS_MS = (30, 50, 100)


def _empty() -> Array:
    return np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class TakeErrors:
    """The raw errors of one take, from which all figures are made.

    Attributes
    ----------
    position_s : ndarray [shape=(n_truth,)]
        Position error at each true onset, seconds of local tempo, ahead is positive.
    delay_s : ndarray [shape=(n_truth,)]
        Report less true onset; NaN where the event was missed.
    asynchrony_s, between_s : ndarray
        Sounding less true time of the notes on solo onsets, and of those between; infinite for
        a note that should have been played and was not.
    lost : bool
    reports, false_reports : int
        Reports of events that the truth knows, and those of them at a wrong time.
    """

    position_s: Array
    delay_s: Array
    asynchrony_s: Array = field(default_factory=_empty)
    between_s: Array = field(default_factory=_empty)
    lost: bool = False
    reports: int = 0
    false_reports: int = 0


def _spread(name: str, errors_s: Array, limits_ms: Sequence[int]) -> dict[str, float]:
    """Median, p90, p95 of the absolute value in ms, signed median, shares within the limits."""
    size_ms = np.abs(errors_s) * 1000.0
    figures = {
        f"{name}_{label}_ms": float(np.quantile(size_ms, q, method="inverted_cdf"))
        if q != 0.5
        else float(np.median(size_ms))
        for label, q in (("median", 0.5), ("p90", 0.9), ("p95", 0.95))
    }
    figures[f"{name}_bias_ms"] = float(np.median(errors_s)) * 1000.0
    for limit in limits_ms:
        figures[f"{name}_within_{limit}"] = float(np.mean(size_ms <= limit + 1e-6))
    return figures


def summarise(takes: Sequence[TakeErrors]) -> dict[str, float]:
    """Figures of one take or of several pooled by onset. Shares are 0–1.

    Keys: ``takes``, ``onsets``, ``position_{median,p90,p95,bias}_ms``, ``position_within_{25,50,
    100,300}``, ``delay_{median,p90,p95}_ms``, ``missed``, ``false_reports`` (share of reports),
    ``lost`` (share of takes), and where something was to be played ``asynchrony_…`` and
    ``between_…``: ``notes``, ``unplayed``, and the same with limits 30, 50, 100. The bias is the
    signed median.
    """
    position = np.concatenate([t.position_s for t in takes])
    delay = np.concatenate([t.delay_s for t in takes])
    heard = delay[np.isfinite(delay)]
    figures: dict[str, float] = {"takes": float(len(takes)), "onsets": float(len(position))}
    figures |= _spread("position", position, POSITION_LIMITS_MS)
    if len(heard):
        figures["delay_median_ms"] = float(np.median(heard)) * 1000.0
        figures["delay_p90_ms"] = float(np.quantile(heard, 0.9)) * 1000.0
        figures["delay_p95_ms"] = float(np.quantile(heard, 0.95)) * 1000.0
    figures["missed"] = 1.0 - len(heard) / len(delay)
    reports = sum(t.reports for t in takes)
    if reports:
        figures["false_reports"] = sum(t.false_reports for t in takes) / reports
    figures["lost"] = float(np.mean([t.lost for t in takes]))
    for name in ("asynchrony", "between"):
        late = np.concatenate([getattr(t, f"{name}_s") for t in takes])
        if len(late):
            figures[f"{name}_notes"] = float(len(late))
            figures[f"{name}_unplayed"] = float(np.mean(np.isinf(late)))
            figures |= _spread(name, late, ASYNCHRONY_LIMITS_MS)
    return figures


def bootstrap(
    takes: Sequence[TakeErrors], *, resamples: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % confidence interval of every figure of `summarise`: takes drawn with replacement.

    A single take has no interval: the answer is empty then.
    """
    if len(takes) < 2:
        return {}
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(resamples):
        choice = generator.integers(len(takes), size=len(takes))
        for name, value in summarise([takes[i] for i in choice]).items():
            drawn.setdefault(name, []).append(value)
    return {
        name: (float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975)))
        for name, values in drawn.items()
        if name != "takes" and not name.endswith(("onsets", "notes")) and np.isfinite(values).all()
    }
