"""Figures of scenarios: how much each costs against the clean take, and what came of its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from accompanist.app.evaluating.evaluation import LeftOut, TakeResult
from accompanist.simulation.scenarios.catalogue import CLEAN
from accompanist.takes.figures_reliability import Reliability
from accompanist.takes.figures_scenarios import summarise_outcomes

__all__ = ["ALL", "ScenarioFigures", "believed", "scenario_figures", "take_figures"]

ALL = "all takes"
_ON_TIME_MS = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioFigures:
    """A scenario over the takes of a group."""

    follower: str
    scenario: str
    group: str
    figures: dict[str, float]
    """See `scenario_figures`."""
    left_out: int = 0


def scenario_figures(
    results: Sequence[TakeResult], left_out: Sequence[LeftOut] = ()
) -> tuple[ScenarioFigures, ...]:
    """Pool results by follower, scenario and group, and all groups together.

    Figures: ``takes``; ``position_median_ms``, ``position_within_100`` and ``lost`` as in
    `accompanist.takes.pooling`; ``loss_points``, the percentage points by which fewer of the
    onsets are within 100 ms than of the same onsets of the clean takes; and those of
    `accompanist.takes.figures_scenarios.summarise_outcomes`.
    """
    clean = _clean(results)
    pooled: list[ScenarioFigures] = []
    groups = list(dict.fromkeys(r.take.group for r in results))
    for follower in dict.fromkeys(r.follower for r in results):
        mine = [r for r in results if r.follower == follower]
        for scenario in dict.fromkeys(r.scenario for r in mine):
            for group in [*groups, ALL] if len(groups) > 1 else [ALL]:
                chosen = [
                    r for r in mine if r.scenario == scenario and group in (ALL, r.take.group)
                ]
                without = sum(
                    1
                    for o in left_out
                    if o.scenario == scenario
                    and o.follower in (None, follower)
                    and group in (ALL, o.take.group)
                )
                if chosen:
                    figures = _figures(chosen, clean)
                    pooled.append(ScenarioFigures(follower, scenario, group, figures, without))
    return tuple(pooled)


def believed(results: Sequence[TakeResult]) -> Reliability:
    """Confidence against outcome over all these results."""
    return Reliability.together(r.outcome.believed for r in results if r.outcome is not None)


def take_figures(results: Sequence[TakeResult]) -> list[dict[str, float]]:
    """Figures of each result by itself, against the clean take among them."""
    clean = _clean(results)
    return [_figures([result], clean) for result in results]


def _clean(results: Sequence[TakeResult]) -> dict[tuple[str, str], TakeResult]:
    return {(r.follower, r.take.id): r for r in results if r.scenario == CLEAN}


def _figures(
    results: Sequence[TakeResult], clean: dict[tuple[str, str], TakeResult]
) -> dict[str, float]:
    figures = {"takes": float(len(results))}
    figures |= summarise_outcomes([r.outcome for r in results if r.outcome is not None])
    played = [r for r in results if len(r.errors.position_s)]
    if not played:
        return figures
    size_ms = 1000.0 * np.abs(np.concatenate([r.errors.position_s for r in played]))
    figures["position_median_ms"] = float(np.median(size_ms))
    figures["position_within_100"] = float(np.mean(size_ms <= _ON_TIME_MS))
    figures["lost"] = float(np.mean([r.errors.lost for r in played]))
    loss = _loss_points(played, clean)
    if loss is not None:
        figures["loss_points"] = loss
    return figures


def _loss_points(
    results: Sequence[TakeResult], clean: dict[tuple[str, str], TakeResult]
) -> float | None:
    ours, theirs = [], []
    for result in results:
        other = clean.get((result.follower, result.take.id))
        if other is None or not len(result.origin):
            return None
        if result.origin.max() >= len(other.errors.position_s):
            return None
        ours.append(np.abs(result.errors.position_s))
        theirs.append(np.abs(other.errors.position_s[result.origin]))
    limit_s = _ON_TIME_MS / 1000.0
    share = [float(np.mean(np.concatenate(part) <= limit_s)) for part in (ours, theirs)]
    return 100.0 * (share[1] - share[0])
