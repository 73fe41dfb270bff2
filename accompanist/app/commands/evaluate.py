"""``accompanist evaluate``: followers over takes with known truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from accompanist.app.evaluating.manifest import ManifestTake
    from accompanist.simulation.replaying import TimedTake

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist evaluate takes/manifest.csv
  accompanist evaluate takes/manifest.csv --jobs 2 --out figures --json
  accompanist evaluate takes/manifest.csv --scenario skip-forward,mistakes-10
  accompanist evaluate --list-scenarios
  accompanist evaluate Bach10_v1.1 --dataset bach10
  accompanist evaluate takes/manifest.csv --tempo-models linear,kalman,expecting
  accompanist evaluate pianists --dataset timing --tempo-models expecting --rehearsal 3
  accompanist evaluate --closed-loop --soloist listening,stubborn --minutes 10
\b
The manifest is a CSV file with the columns score,solo,audio,truth and, if wanted,
id,group,start_quarter. Paths are relative to it; solo is a part's number or name.
A truth file has the columns quarter,time, a row for each solo onset. The score may
be a recording that is followed: then quarters are seconds of that recording.
A data set of the kind timing is a folder with a CSV file for each performance:
quarter,duration,pitch,onset,offset,velocity,part, a row a note, part 1 the solo.
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
    type=click.Choice(["bach10", "musicnet", "timing"]),
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
    "--tempo-models",
    help="Names with commas between, or all: compare how they predict the soloist.",
)
@click.option(
    "--ears",
    type=click.Choice(["exact", "follower"]),
    default="exact",
    show_default=True,
    help="With --tempo-models: who hears the onsets. exact: the truth, reported a little late.",
)
@click.option(
    "--rehearsal",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="With --tempo-models: so many other takes of the piece are known beforehand.",
)
@click.option("--same-player", is_flag=True, help="With --rehearsal: the soloist played them.")
@click.option(
    "--closed-loop", is_flag=True, help="A simulated soloist who hears the ensemble plays with it."
)
@click.option(
    "--soloist",
    help="With --closed-loop: listening, adaptive, stubborn, forgetful, with commas between.",
)
@click.option(
    "--soloist-gain",
    "gain",
    type=click.FloatRange(0.0, 2.0),
    help="With --closed-loop: share of what is apart that they make up for (default 0.25).",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0.5, 120.0),
    default=10.0,
    show_default=True,
    help="With --closed-loop: length of the piece.",
)
@click.option(
    "--runs",
    type=click.IntRange(1, 1000),
    default=4,
    show_default=True,
    help="With --closed-loop: so many, each with dice of its own.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of everything that is left to chance."
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
    tempo_models: str | None,
    ears: str,
    rehearsal: int,
    same_player: bool,
    closed_loop: bool,
    soloist: str | None,
    gain: float | None,
    minutes: float,
    runs: int,
    seed: int,
    json_wanted: bool,
    markdown: bool,
    folder: Path | None,
) -> None:
    """Run followers over the takes of MANIFEST and print per-take and pooled figures.

    Each take goes through follower, conductor and scheduler as in render, without sound. With
    --scenario something happens in every take: jumps, wrong notes, noise, another tuning. With
    --tempo-models and --closed-loop the conductor is evaluated by itself.
    """
    from accompanist.app.evaluating.material import prepare
    from accompanist.app.evaluating.modes import (
        evaluate_duos,
        evaluate_followers,
        evaluate_in_scenarios,
        evaluate_models,
        known_models,
        known_soloists,
    )
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
    if tempo_models is None and (rehearsal or same_player or ears != "exact"):
        raise UsageError("--ears, --rehearsal and --same-player go with --tempo-models")
    if not closed_loop and (soloist is not None or gain is not None):
        raise UsageError("--soloist and --soloist-gain go with --closed-loop")
    as_what = "json" if json_wanted else "markdown" if markdown else "tables"
    models = known_models(tempo_models)
    if models and (scenario is not None or seconds is not None):
        raise UsageError("--scenario and --seconds say nothing to --tempo-models: leave them out")
    if models and followers is not None and (ears == "exact" or len(names) > 1):
        raise UsageError("--followers with --tempo-models: one, and with --ears follower")
    if closed_loop:
        if manifest is not None or scenario is not None:
            raise UsageError("--closed-loop makes its own piece: leave MANIFEST and --scenario out")
        evaluate_duos(
            known_soloists(soloist),
            gain,
            models,
            policy=policy,
            minutes=minutes,
            runs=runs,
            seed=seed,
            jobs=jobs,
            as_what=as_what,
            folder=folder,
        )
        return
    if manifest is None:
        raise UsageError("no MANIFEST is given: name a CSV file of takes, or see --help")
    if seconds is not None and scenario is None:
        raise UsageError("--seconds goes with --scenario: name one, or clean")
    if models:
        with _timings(manifest, dataset, seed) as (timings, sounds):
            if ears == "follower" and not sounds:
                raise UsageError(f"{manifest}: there is no sound to be heard; leave --ears out")
            evaluate_models(
                timings,
                models,
                sounds=sounds,
                follower=(names[0] or "") if ears == "follower" else None,
                rehearsal=rehearsal,
                own=same_player,
                policy=policy,
                seed=seed,
                jobs=jobs,
                as_what=as_what,
                folder=folder,
            )
        return
    if dataset == "timing":
        raise UsageError("there is no sound in such a data set: add --tempo-models")
    with _takes(manifest, dataset) as takes:
        prepare(take.score for take in takes)
        if scenario is None:
            evaluate_followers(takes, names, jobs, policy, seed, as_what, folder)
        else:
            evaluate_in_scenarios(
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


@contextmanager
def _timings(
    path: Path, dataset: str | None, seed: int
) -> Iterator[tuple[list[TimedTake], list[ManifestTake]]]:
    """Give takes with the times of their onsets, and where they sound, if they do."""
    if dataset == "timing":
        from accompanist.app.evaluating.timing import timing_takes

        yield timing_takes(path, seed), []
        return
    from accompanist.app.evaluating.tempo_models import manifest_timings

    with _takes(path, dataset) as takes:
        yield manifest_timings(takes), takes


def _list_scenarios() -> None:
    from accompanist.simulation.scenarios.catalogue import scenarios

    width = max(len(s.name) for s in scenarios())
    for scenario in scenarios():
        click.echo(f"{scenario.name:{width}}  {scenario.kind:12}  {scenario.about}")
