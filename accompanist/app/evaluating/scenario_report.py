"""Figures of scenarios as tables for people, Markdown for the record, JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isinf, isnan
from typing import Any

from accompanist.app.evaluating.evaluation import LeftOut, TakeResult
from accompanist.app.evaluating.scenario_figures import (
    ALL,
    ScenarioFigures,
    believed,
    scenario_figures,
    take_figures,
)
from accompanist.simulation.scenarios.catalogue import CLEAN, scenarios
from accompanist.takes.figures_reliability import BINS, Reliability

__all__ = ["as_scenario_json", "as_scenario_markdown", "print_scenarios"]

_OTHERWISE = "–"

_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("position_median_ms", "median ms", "ms"),
    ("lost", "lost %", "%"),
    ("start_within", "start ≤1.5 s %", "%"),
    ("right_bar", "bar ≤2 s %", "%"),
    ("back_n", "jumps", "n"),
    ("back_median_s", "back s", "s"),
    ("back_p95_s", "p95", "s"),
    ("back_never", "never %", "%"),
    ("resumed_median_s", "resumed s", "s"),
    ("resumed_never", "never %", "%"),
    ("false_jumps_per_h", "false jumps/h", "n"),
    ("false_lost_per_h", "false lost/h", "n"),
    ("declared_median_s", "declared s", "s"),
    ("declared_never", "never %", "%"),
    ("taken_back_median_s", "found s", "s"),
    ("early", "early %", "%"),
    ("confidence", "conf.", "p"),
    ("calibration_error", "ECE", "p"),
)


def _text(value: float | None, kind: str) -> str:
    if value is None or isnan(value):
        return _OTHERWISE
    if isinf(value):
        return "never"
    if kind == "%":
        return f"{100 * value:.0f}"
    return {"ms": f"{value:.1f}", "s": f"{value:.2f}", "p": f"{value:.2f}"}.get(
        kind, f"{value:.0f}"
    )


def _tables(pooled: Sequence[ScenarioFigures]) -> list[tuple[list[str], list[list[str]]]]:
    """Give the table of shares by scenario and group, and that of events over all takes."""
    by_place = {(p.scenario, p.group): p for p in pooled}
    names = list(dict.fromkeys(p.scenario for p in pooled))
    groups = list(dict.fromkeys(p.group for p in pooled))
    shares, events = [], []
    for scenario in names:
        row = [scenario]
        for group in groups:
            place = by_place.get((scenario, group))
            row.append(_OTHERWISE if place is None else _share_cell(place))
        whole = by_place[scenario, ALL]
        row.append(f"{whole.figures['takes']:.0f}" + f" (−{whole.left_out})" * bool(whole.left_out))
        shares.append(row)
        events.append([scenario, *(_text(whole.figures.get(k), kind) for k, _, kind in _COLUMNS)])
    wanted = [
        i
        for i in range(1 + len(_COLUMNS))
        if i == 0 or any(row[i] not in (_OTHERWISE,) for row in events)
    ]
    header = ["scenario", *(label for _, label, _ in _COLUMNS)]
    return [
        (["≤100 ms % (loss)", *groups, "takes"], shares),
        ([header[i] for i in wanted], [[row[i] for i in wanted] for row in events]),
    ]


def _share_cell(place: ScenarioFigures) -> str:
    share = place.figures.get("position_within_100")
    if share is None:
        return _OTHERWISE
    loss = place.figures.get("loss_points")
    shown = "" if loss is None or place.scenario == CLEAN else f" ({loss:+.1f})"
    return f"{100 * share:.1f}{shown}"


def _without_jumps() -> set[str]:
    going_on = ("clean", "mistake", "interruption", "sound", "tempo")
    return {s.name for s in scenarios() if s.kind in going_on}


def _reliability_table(reliability: Reliability) -> tuple[list[str], list[list[str]]]:
    rows = []
    for i in range(BINS):
        count = reliability.count[i]
        rows.append(
            [
                f"{i / BINS:.1f}–{(i + 1) / BINS:.1f}",
                f"{100 * count / max(reliability.total, 1.0):.1f}",
                _text(float(reliability.mean_confidence[i]), "p"),
                _text(float(reliability.share_right[i]), "p"),
            ]
        )
    return ["confidence", "% of the time", "said", "right"], rows


def print_scenarios(results: Sequence[TakeResult], left_out: Sequence[LeftOut]) -> None:
    """Print the tables of scenarios and of confidence for each follower on stdout."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=240)
    pooled = scenario_figures(results, left_out)
    for follower in dict.fromkeys(r.follower for r in results):
        tables = _tables([p for p in pooled if p.follower == follower])
        tables.append(_reliability_table(believed([r for r in results if r.follower == follower])))
        for header, rows in tables:
            table = Table(box=box.SIMPLE, title=follower, title_justify="left")
            for i, name in enumerate(header):
                table.add_column(name, justify="right" if i else "left", no_wrap=True)
            for row in rows:
                table.add_row(*row)
            console.print(table)
    for line in _footnotes(results, left_out):
        console.print(line, soft_wrap=True)


def as_scenario_markdown(results: Sequence[TakeResult], left_out: Sequence[LeftOut]) -> str:
    """Set the tables of `print_scenarios` as Markdown."""
    pooled = scenario_figures(results, left_out)
    lines: list[str] = []
    for follower in dict.fromkeys(r.follower for r in results):
        lines += [f"### {follower}", ""]
        tables = _tables([p for p in pooled if p.follower == follower])
        tables.append(_reliability_table(believed([r for r in results if r.follower == follower])))
        for header, rows in tables:
            lines += [
                "| " + " | ".join(row) + " |"
                for row in [header, ["---", *("---:" for _ in header[1:])], *rows]
            ]
            lines.append("")
    return "\n".join([*lines, *_footnotes(results, left_out), ""])


def _footnotes(results: Sequence[TakeResult], left_out: Sequence[LeftOut]) -> list[str]:
    lines = [
        "loss: points fewer of the same onsets within 100 ms than in the clean take; back: on "
        "track (300 ms) for a second, from the first note after the jump"
    ]
    for follower in dict.fromkeys(r.follower for r in results):
        mine = believed([r for r in results if r.follower == follower])
        lines.append(
            f"{follower}: expected calibration error {mine.calibration_error:.3f}, "
            f"Brier {mine.brier:.3f}, over {mine.total / 36000:.2f} h"
        )
        steady = [
            r.outcome
            for r in results
            if r.follower == follower and r.outcome and r.scenario in _without_jumps()
        ]
        hours = sum(o.playing_s for o in steady) / 3600.0
        if hours > 0:
            leaps, cries = (
                sum(getattr(o, n) for o in steady) for n in ("false_jumps", "false_lost")
            )
            lines.append(
                f"{follower}: {leaps} false jumps and {cries} times falsely lost in {hours:.2f} h "
                "of playing in which nobody jumped or left the piece"
            )
    reasons: dict[tuple[str, str], list[str]] = {}
    for out in left_out:
        reasons.setdefault((out.scenario, out.reason), []).append(out.take.id)
    lines += [
        f"left out of {scenario}: {', '.join(ids)}: {reason}"
        for (scenario, reason), ids in reasons.items()
    ]
    return lines


def as_scenario_json(results: Sequence[TakeResult], left_out: Sequence[LeftOut]) -> dict[str, Any]:
    """Everything as plain values; what is not finite becomes None."""
    return {
        "takes": [
            {
                "id": r.take.id,
                "group": r.take.group,
                "follower": r.follower,
                "scenario": r.scenario,
                "duration_s": r.duration_s,
                **_plain(figures),
            }
            for r, figures in zip(results, take_figures(results), strict=True)
        ],
        "scenarios": [
            {
                "follower": p.follower,
                "scenario": p.scenario,
                "group": p.group,
                "left_out": p.left_out,
                "figures": _plain(p.figures),
            }
            for p in scenario_figures(results, left_out)
        ],
        "reliability": [
            _reliability_json(follower, believed([r for r in results if r.follower == follower]))
            for follower in dict.fromkeys(r.follower for r in results)
        ],
        "left_out": [
            {"id": o.take.id, "scenario": o.scenario, "reason": o.reason} for o in left_out
        ],
    }


def _reliability_json(follower: str, reliability: Reliability) -> dict[str, Any]:
    return {
        "follower": follower,
        "instants": reliability.count.tolist(),
        "confidence": [v if isfinite(v) else None for v in reliability.mean_confidence.tolist()],
        "right": [v if isfinite(v) else None for v in reliability.share_right.tolist()],
        **_plain({"calibration_error": reliability.calibration_error, "brier": reliability.brier}),
    }


def _plain(figures: dict[str, float]) -> dict[str, float | None]:
    return {k: v if isfinite(v) else None for k, v in figures.items()}
