"""Figures of an evaluation as tables for people, Markdown for the record, JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from accompanist.app.evaluating.evaluation import TakeResult
from accompanist.takes.pooling import bootstrap, summarise

__all__ = ["Pool", "as_json", "as_markdown", "pools", "print_tables"]

_ROWS: tuple[tuple[str, str, str], ...] = (
    ("takes", "takes", "count"),
    ("onsets", "true onsets", "count"),
    ("position_median_ms", "position error, median", "ms"),
    ("position_p90_ms", "position error, p90", "ms"),
    ("position_p95_ms", "position error, p95", "ms"),
    ("position_bias_ms", "position bias (ahead is positive)", "ms"),
    ("position_within_25", "position within 25 ms", "%"),
    ("position_within_50", "position within 50 ms", "%"),
    ("position_within_100", "position within 100 ms", "%"),
    ("position_within_300", "position within 300 ms", "%"),
    ("delay_median_ms", "report delay, median", "ms"),
    ("delay_p95_ms", "report delay, p95", "ms"),
    ("missed", "missed (no report within 300 ms)", "%"),
    ("false_reports", "false reports (50 ms early or 300 ms late)", "%"),
    ("lost", "takes lost", "%"),
    ("asynchrony_notes", "played on solo onsets", "count"),
    ("asynchrony_unplayed", "of them never played", "%"),
    ("asynchrony_median_ms", "asynchrony, median", "ms"),
    ("asynchrony_p90_ms", "asynchrony, p90", "ms"),
    ("asynchrony_p95_ms", "asynchrony, p95", "ms"),
    ("asynchrony_bias_ms", "asynchrony bias (late is positive)", "ms"),
    ("asynchrony_within_30", "asynchrony within 30 ms", "%"),
    ("asynchrony_within_50", "asynchrony within 50 ms", "%"),
    ("asynchrony_within_100", "asynchrony within 100 ms", "%"),
    ("between_notes", "played between", "count"),
    ("between_unplayed", "of them never played", "%"),
    ("between_median_ms", "between, median", "ms"),
    ("between_p95_ms", "between, p95", "ms"),
    ("between_within_50", "between within 50 ms", "%"),
    ("between_within_100", "between within 100 ms", "%"),
    ("compute_mean_ms", "compute a hop, mean (worst take)", "ms+"),
    ("compute_p99_ms", "compute a hop, p99 (worst take)", "ms+"),
    ("real_time_factor", "times real time (slowest take)", "count"),
    ("peak_memory_mb", "peak memory, MB", "count"),
)
_TAKE_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("onsets", "onsets", "count"),
    ("position_median_ms", "median", "ms"),
    ("position_p90_ms", "p90", "ms"),
    ("position_p95_ms", "p95", "ms"),
    ("position_within_50", "≤50", "%"),
    ("position_within_100", "≤100", "%"),
    ("delay_median_ms", "delay", "ms"),
    ("missed", "missed", "%"),
    ("lost", "lost", "%"),
    ("asynchrony_median_ms", "async", "ms"),
    ("asynchrony_within_100", "≤100", "%"),
    ("compute_mean_ms", "hop", "ms+"),
    ("compute_p99_ms", "p99", "ms+"),
    ("real_time_factor", "×real", "count"),
)
_PIPED_WIDTH = 200
_LABEL_WIDTH = 44
_POOL_WIDTH = 27
"""A figure with its interval, and the space about it."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Takes of one group and one follower put together."""

    follower: str
    group: str
    figures: dict[str, float]
    interval: dict[str, tuple[float, float]]


def _figures(results: Sequence[TakeResult]) -> dict[str, float]:
    figures = summarise([r.errors for r in results])
    figures["compute_mean_ms"] = max(r.compute_ms["mean"] for r in results)
    figures["compute_p99_ms"] = max(r.compute_ms["p99"] for r in results)
    figures["real_time_factor"] = min(r.real_time_factor for r in results)
    figures["peak_memory_mb"] = max(r.peak_memory_mb for r in results)
    return figures


def pools(
    results: Sequence[TakeResult], *, resamples: int = 1000, seed: int = 0
) -> tuple[Pool, ...]:
    """Pool takes by follower and group, in the order they first come, and all (if several)."""
    pooled = []
    for follower in dict.fromkeys(r.follower for r in results):
        mine = [r for r in results if r.follower == follower]
        groups = list(dict.fromkeys(r.take.group for r in mine))
        for group in [*groups, None] if len(groups) > 1 else groups:
            chosen = [r for r in mine if group in (None, r.take.group)]
            interval = bootstrap([r.errors for r in chosen], resamples=resamples, seed=seed)
            pooled.append(Pool(follower, group or "all takes", _figures(chosen), interval))
    return tuple(pooled)


def _text(value: float, kind: str) -> str:
    if np.isnan(value):
        return "–"
    if not isfinite(value):
        return "never"
    if kind == "%":
        return f"{100 * value:.1f} %"
    return {"ms": f"{value:.1f}", "ms+": f"{value:.3f}"}.get(kind, f"{value:.0f}")


def _cell(pool: Pool, key: str, kind: str) -> str:
    if key not in pool.figures:
        return ""
    text = _text(pool.figures[key], kind)
    if key in pool.interval:
        low, high = (_text(v, kind).removesuffix(" %") for v in pool.interval[key])
        text += f" [{low}, {high}]"
    return text


def _pool_rows(pooled: Sequence[Pool]) -> list[list[str]]:
    unit = {"ms": " (ms)", "ms+": " (ms)"}
    return [
        [label + unit.get(kind, ""), *(_cell(pool, key, kind) for pool in pooled)]
        for key, label, kind in _ROWS
        if any(key in pool.figures for pool in pooled)
    ]


def _take_rows(results: Sequence[TakeResult]) -> list[list[str]]:
    rows = []
    for result in results:
        figures = _figures([result])
        cells = [
            _text(figures[key], kind).removesuffix(" %") if key in figures else ""
            for key, _, kind in _TAKE_COLUMNS
        ]
        rows.append([result.take.id, *cells])
    return rows


def _take_header() -> list[str]:
    return ["take", *(f"{label} %" if kind == "%" else label for _, label, kind in _TAKE_COLUMNS)]


def print_tables(results: Sequence[TakeResult], pooled: Sequence[Pool]) -> None:
    """Print a table of takes and a table of groups for each follower on stdout."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:  # piped into a file nothing must be folded to eighty columns
        console = Console(highlight=False, markup=False, width=_PIPED_WIDTH)
    beside = max((console.width - _LABEL_WIDTH) // _POOL_WIDTH, 1)
    for follower in dict.fromkeys(r.follower for r in results):
        mine = [p for p in pooled if p.follower == follower]
        tables = [(_take_header(), _take_rows([r for r in results if r.follower == follower]))]
        for first in range(0, len(mine), beside):
            some = mine[first : first + beside]
            tables.append(([follower, *(p.group for p in some)], _pool_rows(some)))
        for header, rows in tables:
            table = Table(box=box.SIMPLE)
            for i, name in enumerate(header):
                table.add_column(name, justify="right" if i else "left", no_wrap=True)
            for row in rows:
                table.add_row(*row)
            console.print(table)
    console.print(
        "errors in ms; [low, high]: 95 % confidence, bootstrapped by take; "
        "position: believed position at the true onset, held"
    )


def as_markdown(results: Sequence[TakeResult], pooled: Sequence[Pool]) -> str:
    """Set the tables of `print_tables` as Markdown, the groups first."""
    lines: list[str] = []
    for follower in dict.fromkeys(r.follower for r in results):
        mine = [p for p in pooled if p.follower == follower]
        lines += _markdown([follower, *(p.group for p in mine)], _pool_rows(mine))
        takes = [r for r in results if r.follower == follower]
        lines += ["", *_markdown(_take_header(), _take_rows(takes)), ""]
    return "\n".join(lines)


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    table = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return ["| " + " | ".join(row) + " |" for row in table]


def as_json(results: Sequence[TakeResult], pooled: Sequence[Pool]) -> dict[str, Any]:
    """Everything as plain values; what is not finite becomes None."""
    return {
        "takes": [
            {
                "id": r.take.id,
                "group": r.take.group,
                "follower": r.follower,
                "duration_s": r.duration_s,
                "hop_s": r.hop_s,
                "compute_ms": r.compute_ms,
                **_plain(_figures([r])),
            }
            for r in results
        ],
        "groups": [
            {
                "follower": p.follower,
                "group": p.group,
                "figures": _plain(p.figures),
                "confidence_95": {k: list(v) for k, v in p.interval.items()},
            }
            for p in pooled
        ],
    }


def _plain(figures: dict[str, float]) -> dict[str, float | None]:
    return {k: v if isfinite(v) else None for k, v in figures.items()}
