"""Tempo models compared: tables for people, Markdown for the record, JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from accompanist.app.evaluating.tempo_models import ModelResult
from accompanist.simulation.replaying import Predicted, TimedTake, asynchronies_s
from accompanist.takes.figures_prediction import calibration, spread_ms

__all__ = ["ModelPool", "as_model_json", "as_model_markdown", "model_pools", "print_models"]

_HUMAN = "as played"
_NOTE = (
    "ms: mean absolute error · its median; next: the next solo onset, predicted from those before "
    "(z: error over predicted sd, 1 is honest); together: notes on solo onsets as played by the "
    "conductor; between: the others, against the time between the onsets"
)
_HEADER = (
    "tempo model", "takes", "onsets", "next", "≤50 %", "≤100 %", "z", "within 2 sd %",
    "together", "sd", "bias", "≤50 %", "≤100 %", "unplayed", "between", "≤100 %",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelPool:
    """Takes of one group and one model put together."""

    group: str
    model: str
    takes: int
    rehearsed: tuple[int, int]
    """Fewest and most takes that a take was rehearsed with."""
    next_onset: dict[str, float]
    together: dict[str, float]
    between: dict[str, float]
    unplayed: int


def model_pools(
    results: Sequence[ModelResult], takes: Sequence[TimedTake] = ()
) -> tuple[ModelPool, ...]:
    """Pool takes by group and model, in the order they first come.

    ``takes`` that a human ensemble played in, too, are a model of their own, "as played".
    """
    every = [*results, *_humans(takes)]
    pooled = []
    for group in dict.fromkeys(r.group for r in every):
        within = [r for r in every if r.group == group]
        for model in dict.fromkeys(r.model for r in within):
            mine = [r for r in within if r.model == model]
            pooled.append(_pool(group, model, mine))
    return tuple(pooled)


def _pool(group: str, model: str, mine: Sequence[ModelResult]) -> ModelPool:
    errors = np.concatenate([r.predicted.error_s for r in mine])
    sds = np.concatenate([r.predicted.sd_s for r in mine])
    rehearsed = [r.rehearsed for r in mine]
    return ModelPool(
        group=group,
        model=model,
        takes=len(mine),
        rehearsed=(min(rehearsed), max(rehearsed)),
        next_onset=spread_ms(errors) | calibration(errors, sds),
        together=spread_ms(np.concatenate([r.together_s for r in mine])),
        between=spread_ms(np.concatenate([r.between_s for r in mine])),
        unplayed=sum(r.unplayed for r in mine),
    )


def _humans(takes: Sequence[TimedTake]) -> list[ModelResult]:
    """Measure what human ensembles did."""
    nothing = Predicted(np.empty(0), np.empty(0))
    results = []
    for take in takes:
        if take.played_s:
            together, between, unplayed = asynchronies_s(take, take.played_s)
            results.append(
                ModelResult(take.name, take.group, _HUMAN, nothing, together, between, unplayed, 0)
            )
    return results


def _row(pool: ModelPool) -> list[str]:
    ahead, together, between = pool.next_onset, pool.together, pool.between
    return [
        pool.model,
        str(pool.takes),
        _number(ahead, "count"),
        _pair(ahead),
        _share(ahead, "within_50"),
        _share(ahead, "within_100"),
        f"{ahead['z_scale']:.2f}" if ahead else "–",
        _share(ahead, "within_2sd"),
        _pair(together),
        _number(together, "sd_ms", 1),
        _number(together, "bias_ms", 1),
        _share(together, "within_50"),
        _share(together, "within_100"),
        str(pool.unplayed),
        _pair(between),
        _share(between, "within_100"),
    ]


def _pair(figures: dict[str, float]) -> str:
    if not figures:
        return "–"
    return f"{figures['mean_abs_ms']:.1f} · {figures['median_abs_ms']:.1f}"


def _number(figures: dict[str, float], key: str, digits: int = 0) -> str:
    return f"{figures[key]:.{digits}f}" if figures else "–"


def _share(figures: dict[str, float], key: str) -> str:
    return f"{100.0 * figures[key]:.0f}" if figures else "–"


def _title(group: str, pooled: Sequence[ModelPool]) -> str:
    least = min(p.rehearsed[0] for p in pooled if p.group == group and p.model != _HUMAN)
    most = max(p.rehearsed[1] for p in pooled if p.group == group)
    if not most:
        return f"{group}, without rehearsal"
    many = f"{most}" if least == most else f"{least} to {most}"
    return f"{group}, rehearsed with {many} other take{'s' if most > 1 else ''}"


def print_models(pooled: Sequence[ModelPool]) -> None:
    """Print a table for each group on stdout."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=220)
    for group in dict.fromkeys(p.group for p in pooled):
        table = Table(box=box.SIMPLE, title=_title(group, pooled), title_justify="left")
        for i, name in enumerate(_HEADER):
            table.add_column(name, justify="right" if i else "left", no_wrap=True)
        for pool in pooled:
            if pool.group == group:
                table.add_row(*_row(pool))
        console.print(table)
    console.print(_NOTE)


def as_model_markdown(pooled: Sequence[ModelPool]) -> str:
    """Set the tables of `print_models` as Markdown."""
    lines: list[str] = []
    for group in dict.fromkeys(p.group for p in pooled):
        lines += [f"{_title(group, pooled)}:", "", f"| {' | '.join(_HEADER)} |"]
        lines.append("| --- |" + " ---: |" * (len(_HEADER) - 1))
        lines += [f"| {' | '.join(_row(p))} |" for p in pooled if p.group == group]
        lines.append("")
    return "\n".join([*lines, _NOTE])


def as_model_json(results: Sequence[ModelResult], pooled: Sequence[ModelPool]) -> dict[str, Any]:
    """Everything as plain values; what is not finite becomes None."""
    return {
        "takes": [
            {"id": r.take, **_plain_pool(_pool(r.group, r.model, [r])), "rehearsed": r.rehearsed}
            for r in results
        ],
        "groups": [
            {**_plain_pool(p), "takes": p.takes, "rehearsed": list(p.rehearsed)} for p in pooled
        ],
    }


def _plain_pool(pool: ModelPool) -> dict[str, Any]:
    return {
        "group": pool.group,
        "model": pool.model,
        "next_onset": _plain(pool.next_onset),
        "together": _plain(pool.together),
        "between": _plain(pool.between),
        "unplayed": pool.unplayed,
    }


def _plain(figures: dict[str, float]) -> dict[str, float | None]:
    return {k: v if isfinite(v) else None for k, v in figures.items()}
