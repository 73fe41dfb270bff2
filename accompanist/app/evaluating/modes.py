"""What ``evaluate`` does: run, write the files, print what is wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from accompanist.app.evaluating.files import write_figures
from accompanist.app.evaluating.manifest import ManifestTake
from accompanist.app.progress import progress_bar
from accompanist.errors import UsageError
from accompanist.simulation.partner import PARTNERS
from accompanist.simulation.replaying import TimedTake

__all__ = [
    "evaluate_duos",
    "evaluate_followers",
    "evaluate_in_scenarios",
    "evaluate_models",
    "known_models",
    "known_soloists",
]


def known_models(text: str | None) -> list[str]:
    """Read names of tempo models with commas between, or all; none if there is no text.

    Raises
    ------
    UsageError
        One of them is not known.
    """
    from accompanist.conducting.registry import tempo_model_names

    names = tempo_model_names()
    return list(names) if text == "all" else _known("--tempo-models", text, names)


def known_soloists(text: str | None) -> list[str]:
    """Read kinds of soloists, all of them if there is no text.

    Raises
    ------
    UsageError
        One of them is not known.
    """
    return _known("--soloist", text, PARTNERS) or list(PARTNERS)


def _known(option: str, text: str | None, names: Sequence[str]) -> list[str]:
    if text is None:
        return []
    wanted = list(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))
    if not wanted or any(name not in names for name in wanted):
        raise UsageError(f"{option} {text}: choose from {', '.join(names)}")
    return wanted


def evaluate_followers(
    takes: Sequence[ManifestTake],
    followers: Sequence[str | None],
    jobs: int,
    policy: str,
    seed: int,
    as_what: str,
    folder: Path | None,
) -> None:
    """Run followers over takes.

    Raises
    ------
    AccompanistError
        As `accompanist.app.evaluating.evaluation.evaluate_takes`.
    """
    from accompanist.app.evaluating.evaluation import evaluate_takes
    from accompanist.app.evaluating.files import write_evaluation
    from accompanist.app.evaluating.report import as_json, as_markdown, pools, print_tables

    with progress_bar("Evaluating", total=len(takes) * len(followers)) as advance:
        results = evaluate_takes(
            takes, followers, jobs=jobs, policy=policy, done=lambda _result: advance(1)
        )
    pooled = pools(results, seed=seed)
    if folder is not None:
        write_evaluation(folder, results, pooled)
    _tell(
        as_what,
        None,
        as_json(results, pooled),
        as_markdown(results, pooled),
        lambda: print_tables(results, pooled),
    )


def evaluate_in_scenarios(
    takes: Sequence[ManifestTake],
    followers: Sequence[str | None],
    wanted: str,
    jobs: int,
    policy: str,
    seed: int,
    seconds: float | None,
    as_what: str,
    folder: Path | None,
) -> None:
    """Run followers over what happens in takes, by the names in ``wanted``.

    Raises
    ------
    AccompanistError
        As `accompanist.app.evaluating.evaluation.evaluate_scenarios`.
    """
    from accompanist.app.evaluating.evaluation import LeftOut, TakeResult, evaluate_scenarios
    from accompanist.app.evaluating.files import write_scenarios, write_tables
    from accompanist.app.evaluating.scenario_report import (
        as_scenario_json,
        as_scenario_markdown,
        print_scenarios,
    )
    from accompanist.simulation.scenarios.catalogue import chosen_scenarios

    names = [scenario.name for scenario in chosen_scenarios(wanted)]
    with progress_bar("Evaluating", total=len(takes) * len(followers) * len(names)) as advance:

        def done(result: TakeResult | LeftOut) -> None:
            if folder is not None and isinstance(result, TakeResult):
                write_tables(folder, result)
            advance(1)

        results, left_out = evaluate_scenarios(
            takes,
            followers,
            names,
            jobs=jobs,
            policy=policy,
            seed=seed,
            at_most_s=seconds,
            done=done,
        )
    if folder is not None:
        write_scenarios(folder, results, left_out)
    _tell(
        as_what,
        None,
        as_scenario_json(results, left_out),
        as_scenario_markdown(results, left_out),
        lambda: print_scenarios(results, left_out),
    )


def evaluate_models(
    takes: Sequence[TimedTake],
    models: Sequence[str],
    *,
    sounds: Sequence[ManifestTake],
    follower: str | None,
    rehearsal: int,
    own: bool,
    policy: str,
    seed: int,
    jobs: int,
    as_what: str,
    folder: Path | None,
) -> None:
    """Compare tempo models on takes and print the figures; see `tempo_models.compare`.

    Raises
    ------
    AccompanistError
        As `compare`.
    """
    from accompanist.app.evaluating.tempo_models import compare
    from accompanist.app.evaluating.tempo_report import (
        as_model_json,
        as_model_markdown,
        model_pools,
        print_models,
    )

    with progress_bar("Comparing", total=len(takes) * len(models)) as advance:
        results = compare(
            takes,
            models,
            rehearsal=rehearsal,
            own=own,
            policy=policy,
            seed=seed,
            jobs=jobs,
            follower=follower,
            sounds=sounds,
            done=advance,
        )
    pooled = model_pools(results, takes)
    _tell(
        as_what,
        folder,
        as_model_json(results, pooled),
        as_model_markdown(pooled),
        lambda: print_models(pooled),
    )


def evaluate_duos(
    soloists: Sequence[str],
    gain: float | None,
    models: Sequence[str],
    *,
    policy: str,
    minutes: float,
    runs: int,
    seed: int,
    jobs: int,
    as_what: str,
    folder: Path | None,
) -> None:
    """Let soloists who listen play with the conductor and print what comes of it.

    Raises
    ------
    AccompanistError
        As `run_duos`.
    """
    from accompanist.app.evaluating.duo import (
        as_duo_json,
        as_duo_markdown,
        duos,
        print_duos,
        run_duos,
    )

    wanted = duos(
        soloists,
        [gain],
        list(models) or [None],
        policy=policy,
        length_s=60.0 * minutes,
        seed=seed,
        runs=runs,
    )
    with progress_bar("Playing", total=len(wanted)) as advance:
        results = run_duos(wanted, jobs=jobs, done=lambda _result: advance(1))
    _tell(
        as_what,
        folder,
        as_duo_json(results),
        as_duo_markdown(results),
        lambda: print_duos(results),
    )


def _tell(
    as_what: str,
    folder: Path | None,
    plain: dict[str, Any],
    markdown: str,
    show: Callable[[], None],
) -> None:
    if folder is not None:
        write_figures(folder, plain, markdown)
    if as_what == "json":
        click.echo(json.dumps(plain, indent=2))
    elif as_what == "markdown":
        click.echo(markdown)
    else:
        show()
