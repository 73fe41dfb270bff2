"""The closed loop: soloists of several kinds who hear the ensemble, and what becomes of the two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from accompanist.app.evaluating.workers import in_workers
from accompanist.app.interrupts import end_with_parent
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.registry import make_tempo_model
from accompanist.conducting.settings import ConductorSettings
from accompanist.conducting.tempo_model import TempoModel
from accompanist.errors import AccompanistError
from accompanist.simulation.duo import play_duo, steady_piece
from accompanist.simulation.exact_ears import EarSettings
from accompanist.simulation.partner import partner
from accompanist.takes.figures_duo import duo_figures

__all__ = ["Duo", "DuoResult", "as_duo_json", "as_duo_markdown", "duos", "print_duos", "run_duos"]

_COLUMNS = (
    ("drift", "drift %"),
    ("drift_spread", "± %"),
    ("mean_ms", "mean ms"),
    ("mean_abs_ms", "mean abs ms"),
    ("sd_ms", "sd ms"),
    ("lag1", "lag-1"),
    ("growth", "growth"),
    ("unplayed", "unplayed %"),
)
_PERCENT = frozenset({"drift", "drift_spread", "unplayed"})
_NOTE = (
    "drift: the tempo of the last minute against the one in the soloist's mind at first (slower is "
    "positive; ±: spread over the runs); mean, sd: the ensemble less the soloist where both have a "
    "note; lag-1: correlation of neighbouring asynchronies (near -1 they swing from side to side); "
    "growth: their sd in the last third over that in the first"
)


@dataclass(frozen=True, slots=True)
class Duo:
    """Who plays with whom, for how long.

    Attributes
    ----------
    soloist : str
        See `accompanist.simulation.partner.partner`.
    gain : float or None
        Share of an asynchrony that they make up for; None: as usual.
    tempo_model : str or None
        By name; None: the conductor's own.
    """

    soloist: str = "listening"
    gain: float | None = None
    tempo_model: str | None = None
    policy: str = "auto"
    length_s: float = 600.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class DuoResult:
    """Figures of `accompanist.takes.figures_duo.duo_figures` of one run."""

    duo: Duo
    figures: dict[str, float]


def duos(
    soloists: Sequence[str],
    gains: Sequence[float | None],
    models: Sequence[str | None],
    *,
    policy: str,
    length_s: float,
    seed: int,
    runs: int,
) -> list[Duo]:
    """Everybody with every gain and model, so many runs each."""
    return [
        Duo(soloist, gain, model, policy, length_s, seed + run)
        for model in models
        for soloist in soloists
        for gain in gains
        for run in range(runs)
    ]


def run_duos(
    wanted: Sequence[Duo], *, jobs: int = 1, done: Callable[[DuoResult], None] | None = None
) -> list[DuoResult]:
    """Run duos, in the order given.

    Raises
    ------
    UsageError
        There is no such soloist or model.
    AccompanistError
        A process died.
    """
    found: dict[int, DuoResult] = {}
    with closing(in_workers(run_duo, wanted, jobs, end_with_parent)) as ended:
        for index, future in ended:
            try:
                found[index] = future.result()
            except BrokenProcessPool as error:
                raise AccompanistError("a worker process died; give fewer --jobs") from error
            if done is not None:
                done(found[index])
    return [found[i] for i in range(len(wanted))]


def run_duo(duo: Duo) -> DuoResult:
    """Have two play together and measure it."""
    piece = steady_piece(duo.length_s)
    made = None
    if duo.tempo_model is not None:
        made = partial(_model, duo.tempo_model, piece.solo)
    together = play_duo(
        piece,
        partner(duo.soloist, duo.gain),
        EarSettings(),
        seed=duo.seed,
        conductor=ConductorSettings(policy=duo.policy),
        tempo_model=made,
    )
    figures = duo_figures(
        together.quarter, together.solo_s, together.ensemble_s, together.intended_s
    )
    return DuoResult(duo, figures)


def _model(name: str, solo: Any, grid: SoloGrid) -> TempoModel:
    return make_tempo_model(name, grid, solo)


def _pooled(results: Sequence[DuoResult]) -> list[tuple[Duo, dict[str, float]]]:
    """Mean over the runs of each duo; the drift's spread beside it."""
    by_duo: dict[tuple[str, float | None, str | None], list[DuoResult]] = {}
    for result in results:
        duo = result.duo
        by_duo.setdefault((duo.soloist, duo.gain, duo.tempo_model), []).append(result)
    pooled = []
    for mine in by_duo.values():
        figures = {key: float(np.mean([r.figures[key] for r in mine])) for key in mine[0].figures}
        figures["drift_spread"] = float(np.std([r.figures["drift"] for r in mine]))
        figures["runs"] = float(len(mine))
        pooled.append((mine[0].duo, figures))
    return pooled


def _rows(results: Sequence[DuoResult]) -> tuple[list[str], list[list[str]]]:
    header = ["soloist", "gain", "tempo model", "runs", *(label for _, label in _COLUMNS)]
    rows = []
    for duo, figures in _pooled(results):
        cells = [
            f"{100.0 * figures[key]:.1f}" if key in _PERCENT else f"{figures[key]:.2f}"
            if key in ("lag1", "growth") else f"{figures[key]:.1f}"
            for key, _ in _COLUMNS
        ]  # fmt: skip
        gain = partner(duo.soloist, duo.gain).gain
        rows.append(
            [duo.soloist, f"{gain:g}", duo.tempo_model or "usual", f"{figures['runs']:.0f}", *cells]
        )
    return header, rows


def print_duos(results: Sequence[DuoResult]) -> None:
    """Print a table on stdout, a row a duo."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=160)
    header, rows = _rows(results)
    table = Table(box=box.SIMPLE)
    for i, name in enumerate(header):
        table.add_column(name, justify="right" if i else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(_NOTE)


def as_duo_markdown(results: Sequence[DuoResult]) -> str:
    """Set the table of `print_duos` as Markdown."""
    header, rows = _rows(results)
    lines = [f"| {' | '.join(header)} |", "| --- |" + " ---: |" * (len(header) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), "", _NOTE])


def as_duo_json(results: Sequence[DuoResult]) -> dict[str, Any]:
    """Everything as plain values."""
    return {
        "runs": [{**_described(r.duo), "seed": r.duo.seed, **r.figures} for r in results],
        "duos": [{**_described(duo), **figures} for duo, figures in _pooled(results)],
    }


def _described(duo: Duo) -> dict[str, Any]:
    return {
        "soloist": duo.soloist,
        "gain": partner(duo.soloist, duo.gain).gain,
        "tempo_model": duo.tempo_model,
        "policy": duo.policy,
        "length_s": duo.length_s,
    }
