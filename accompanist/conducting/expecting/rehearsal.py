"""What earlier performances of a piece tell of the next one: timing with its variance.

A performance counts by its log ratio of played to written time in each interval, less its own
mean: its tempo on the whole does not matter. Where there are three or more, one that is far off in
a place counts less there (reweighting by Student's t, Lange, Little & Taylor 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.conducting.grid import SoloGrid

__all__ = ["Performance", "Rehearsed", "rehearse", "shrunk"]

FloatArray = npt.NDArray[np.float64]

_SHORTEST_S = 0.02
_MOST_LOG = 1.2
"""A pause of any length says no more than that there was one."""
_SPREAD = 0.09
_ONSET_SD_S = 0.012
"""Sd of an interval's log ratio from one performance to the next, and of an onset's truth."""
_PRIOR_COUNT = 4.0
_ROUNDS = 3
_FREEDOM = 4.0
"""Of Student's t."""
_LEAST_VARIANCE = 0.03**2
_SHRINK = 0.5
_LEAST_FACTOR, _MOST_FACTOR = 0.3, 4.0
_LEAST_SHARE, _LEAST = 0.05, 12
"""A performance of fewer of the intervals than this share and this number tells nothing."""
_STRANGE = 3.0
"""One whose mean square deviation from the others is this many times theirs is left out."""
_USUAL_ROUGHNESS = 0.25
_ROUGHNESS_POWER = 4.0
"""Players' log ratios scatter by up to this sd; trust falls with this power of more."""


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """Where the solo's onsets were: quarters and seconds, both increasing; all of it or a part."""

    quarters: FloatArray
    times_s: FloatArray
    own: bool = False
    """Played by the soloist who is to be expected, not by somebody else."""
    levels_db: FloatArray | None = None
    """How loud each onset was, against the mean of the take; None where nobody knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsed:
    """What performances tell of each interval; arrays [shape=(n_intervals,)].

    ``mean`` is the log ratio less the performance's own, ``variance`` that of one performance,
    ``counts`` how many there were, those that are trusted in part as a part; 0 where there was
    none (then mean 0.0).
    """

    mean: FloatArray
    variance: FloatArray
    counts: FloatArray
    factor: FloatArray
    """By how much players differ here, beside how much they differ on the whole."""


def rehearse(grid: SoloGrid, performances: Sequence[Performance]) -> Rehearsed:
    """Learn from performances.

    Those that hardly begin, and those that have nothing in common with the others, do not count.
    """
    lengths = np.maximum(np.diff(np.array(grid.seconds)), 1e-3)
    rows = [_deviations(grid, lengths, p) for p in performances]
    fewest = max(min(_LEAST_SHARE * len(lengths), _LEAST), 1)
    rows = [row for row in rows if np.isfinite(row).sum() >= fewest]
    usual = _SPREAD**2 + 2.0 * (_ONSET_SD_S / lengths) ** 2
    rows = _alike(rows, usual)
    if not rows:
        nothing = np.zeros(len(lengths))
        return Rehearsed(nothing, usual, nothing, np.ones(len(lengths)))
    table = np.array(rows)
    there = np.isfinite(table) * _trusts(rows)[:, None]
    counts = there.sum(axis=0)
    table = np.where(there > 0.0, table, 0.0)
    mean = (there * table).sum(axis=0) / np.maximum(counts, 1e-9)
    variance = _variance(table, there, mean, usual)
    if len(rows) >= 3:
        for _ in range(_ROUNDS):
            far = (table - mean) ** 2 / variance
            weights = there * (_FREEDOM + 1.0) / (_FREEDOM + far)
            mean = (weights * table).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-9)
            variance = _variance(table, there, mean, usual)
    factor = np.clip(variance / usual, _LEAST_FACTOR, _MOST_FACTOR)
    return Rehearsed(mean, variance, counts, np.where(counts > 0, factor, 1.0))


def shrunk(rehearsed: Rehearsed, prior: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Join what was rehearsed with what is expected without.

    Parameters
    ----------
    rehearsed : Rehearsed
    prior : ndarray [shape=(n_intervals,)]
        Expected deviations without rehearsal.

    Returns
    -------
    (ndarray, ndarray) [shape=(n_intervals,)]
        Expected deviations, and the variance of these.
    """
    known = rehearsed.counts > 0
    if not known.any():
        return prior, np.zeros(len(prior))
    doubt = rehearsed.variance / np.maximum(rehearsed.counts, 1.0)
    apart = rehearsed.mean[known] - prior[known]
    spread = max(float(np.var(apart) - np.mean(doubt[known])), _LEAST_VARIANCE)
    share = np.where(known, spread / (spread + _SHRINK * doubt), 0.0)
    expected = prior + share * (rehearsed.mean - prior)
    return expected, np.where(known, spread * doubt / (spread + doubt), 0.0)


def _deviations(grid: SoloGrid, lengths: FloatArray, performance: Performance) -> FloatArray:
    """Log ratios [shape=(n_intervals,)] less their mean weighted by time; NaN where not played."""
    quarters = np.array(grid.quarters)
    times = np.interp(
        quarters, performance.quarters, performance.times_s, left=np.nan, right=np.nan
    )
    played = np.maximum(np.diff(times), _SHORTEST_S)
    logs: FloatArray = np.log(played / lengths)
    there = np.isfinite(logs)
    if not there.any():
        return logs
    level = float(np.median(logs[there]))
    logs = np.clip(logs, level - _MOST_LOG, level + _MOST_LOG)
    weights = lengths[there] * np.exp(logs[there])
    deviations: FloatArray = logs - float(np.sum(weights * logs[there]) / np.sum(weights))
    return deviations


def _alike(rows: list[FloatArray], usual: FloatArray) -> list[FloatArray]:
    """Bring partial performances to the level of the others; leave out those unlike all others."""
    levelled = _levelled(rows)
    if len(rows) < 3:
        return levelled
    middle = _medians(np.array(levelled))
    apart = [float(np.nanmean((row - middle) ** 2 / usual)) for row in levelled]
    most = _STRANGE * max(float(np.median(apart)), 1.0)
    return _levelled([row for row, far in zip(rows, apart, strict=True) if far <= most])


def _levelled(rows: list[FloatArray]) -> list[FloatArray]:
    for _ in range(2 if len(rows) > 1 else 0):
        middle = _medians(np.array(rows))
        rows = [row - float(np.nanmedian(row - middle)) for row in rows]
    return rows


def _trusts(rows: list[FloatArray]) -> FloatArray:
    """How far to trust each performance, 0–1: one much rougher than the smoothest hardly at all.

    Times that belong to other notes scatter by a factor of two and more about those written.
    """
    roughness = np.maximum([float(np.nanstd(row)) for row in rows], _USUAL_ROUGHNESS)
    trusts: FloatArray = (roughness.min() / roughness) ** _ROUGHNESS_POWER
    return trusts


def _medians(table: FloatArray) -> FloatArray:
    """Median of each column of what there is; 0.0 where there is nothing."""
    middle = np.zeros(table.shape[1])
    known = np.isfinite(table).any(axis=0)
    middle[known] = np.nanmedian(table[:, known], axis=0)
    return middle


def _variance(
    table: FloatArray, there: FloatArray, mean: FloatArray, usual: FloatArray
) -> FloatArray:
    counts = there.sum(axis=0)
    squares = (there * (table - mean) ** 2).sum(axis=0)
    found: FloatArray = (_PRIOR_COUNT * usual + squares) / (
        _PRIOR_COUNT + np.maximum(counts - 1.0, 0.0)
    )
    variance: FloatArray = np.where(counts > 1, found, usual)
    return variance
