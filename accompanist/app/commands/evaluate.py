"""``accompanist evaluate``: followers over takes with known truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from accompanist.app.evaluating.manifest import ManifestTake

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist evaluate takes/manifest.csv
  accompanist evaluate takes/manifest.csv --jobs 2 --out figures --json
  accompanist evaluate takes/manifest.csv --scenario skip-forward,mistakes-10
  accompanist evaluate --list-scenarios
  accompanist evaluate Bach10_v1.1 --dataset bach10
\b
The manifest is a CSV file with the columns score,solo,audio,truth and, if wanted,
id,group,start_quarter. Paths are relative to it; solo is a part's number or name.
A truth file has the columns quarter,time, a row for each solo onset. The score may
be a recording that is followed: then quarters are seconds of that recording.
"""


@click.command(name="evaluate", epilog=_EPILOG)
@click.argument("manifest", type=click.Path(path_type=Path), required=False)
@click.option(
    "--followers",
    help="Names, with commas between; if left out, the one that is usual for each piece.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Takes at a time."
)
@click.option(
    "--policy",
    type=click.Choice(["auto", "predict", "hold"]),
    default="auto",
    show_default=True,
    help="Release policy of the conductor.",
)
@click.option(
    "--dataset",
    type=click.Choice(["bach10", "musicnet"]),
    help="MANIFEST is the folder of such a data set, as it was unpacked.",
)
@click.option(
    "--scenario",
    "scenario",
    help="Names or kinds with commas between, or all: what happens in the takes.",
)
@click.option("--list-scenarios", is_flag=True, help="Say which scenarios there are.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=10.0),
    help="With --scenario: only so much of each take.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the scenarios and the bootstrap."
)
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for figures.json, figures.md and each take's trace, onsets and sent notes.",
)
def command(
    manifest: Path | None,
    followers: str | None,
    jobs: int,
    policy: str,
    dataset: str | None,
    scenario: str | None,
    list_scenarios: bool,
    seconds: float | None,
    seed: int,
    json_wanted: bool,
    markdown: bool,
    folder: Path | None,
) -> None:
    """Run followers over the takes of MANIFEST and print per-take and pooled figures.

    Each take goes through follower, conductor and scheduler as in render, without sound. With
    --scenario something happens in every take: jumps, wrong notes, noise, another tuning.
    """
    from accompanist.app.evaluating.material import prepare
    from accompanist.app.offline import listening_followers
    from accompanist.errors import UsageError

    if list_scenarios:
        _list_scenarios()
        return
    names: list[str | None] = [None]
    if followers is not None:
        names = list(dict.fromkeys(n.strip() for n in followers.split(",") if n.strip()))
    listening = listening_followers()
    if not names or any(name not in (None, *listening) for name in names):
        raise UsageError(
            f"--followers {followers}: there is no such follower that listens; "
            f"choose from {', '.join(listening)}"
        )
    if json_wanted and markdown:
        raise UsageError("--json and --markdown exclude each other: leave one of them out")
    if manifest is None:
        raise UsageError("no MANIFEST is given: name a CSV file of takes, or see --help")
    if seconds is not None and scenario is None:
        raise UsageError("--seconds goes with --scenario: name one, or clean")
    as_what = "json" if json_wanted else "markdown" if markdown else "tables"
    with _takes(manifest, dataset) as takes:
        prepare(take.score for take in takes)
        if scenario is None:
            _evaluate(takes, names, jobs, policy, seed, as_what, folder)
        else:
            _evaluate_scenarios(
                takes, names, scenario, jobs, policy, seed, seconds, as_what, folder
            )


@contextmanager
def _takes(path: Path, dataset: str | None) -> Iterator[list[ManifestTake]]:
    from accompanist.app.evaluating.datasets import dataset_takes
    from accompanist.app.evaluating.manifest import read_manifest

    if dataset is None:
        yield read_manifest(path)
        return
    with dataset_takes(dataset, path) as takes:
        yield takes


def _list_scenarios() -> None:
    from accompanist.simulation.scenarios.catalogue import scenarios

    width = max(len(s.name) for s in scenarios())
    for scenario in scenarios():
        click.echo(f"{scenario.name:{width}}  {scenario.kind:12}  {scenario.about}")


def _evaluate(
    takes: Sequence[ManifestTake],
    followers: Sequence[str | None],
    jobs: int,
    policy: str,
    seed: int,
    as_what: str,
    folder: Path | None,
) -> None:
    import json

    from accompanist.app.evaluating.evaluation import evaluate_takes
    from accompanist.app.evaluating.files import write_evaluation
    from accompanist.app.evaluating.report import as_json, as_markdown, pools, print_tables
    from accompanist.app.progress import progress_bar

    with progress_bar("Evaluating", total=len(takes) * len(followers)) as advance:
        results = evaluate_takes(
            takes, followers, jobs=jobs, policy=policy, done=lambda _result: advance(1)
        )
    pooled = pools(results, seed=seed)
    if folder is not None:
        write_evaluation(folder, results, pooled)
    if as_what == "json":
        click.echo(json.dumps(as_json(results, pooled), indent=2))
    elif as_what == "markdown":
        click.echo(as_markdown(results, pooled))
    else:
        print_tables(results, pooled)


def _evaluate_scenarios(
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
    import json

    from accompanist.app.evaluating.evaluation import LeftOut, TakeResult, evaluate_scenarios
    from accompanist.app.evaluating.files import write_scenarios, write_tables
    from accompanist.app.evaluating.scenario_report import (
        as_scenario_json,
        as_scenario_markdown,
        print_scenarios,
    )
    from accompanist.app.progress import progress_bar
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
    if as_what == "json":
        click.echo(json.dumps(as_scenario_json(results, left_out), indent=2))
    elif as_what == "markdown":
        click.echo(as_scenario_markdown(results, left_out))
    else:
        print_scenarios(results, left_out)
