"""``accompanist evaluate``: followers over takes with known truth."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]

_EPILOG = """\b
Examples:
  accompanist evaluate takes/manifest.csv
  accompanist evaluate takes/manifest.csv --jobs 2 --out figures --json
\b
The manifest is a CSV file with the columns score,solo,audio,truth and, if wanted,
id,group,start_quarter. Paths are relative to it; solo is a part's number or name.
A truth file has the columns quarter,time, a row for each solo onset. The score may
be a recording that is followed: then quarters are seconds of that recording.
"""


@click.command(name="evaluate", epilog=_EPILOG)
@click.argument("manifest", type=click.Path(path_type=Path))
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
@click.option("--seed", type=int, default=0, show_default=True, help="Of the bootstrap.")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for figures.json, figures.md and each take's trace, onsets and sent notes.",
)
def command(
    manifest: Path,
    followers: str | None,
    jobs: int,
    policy: str,
    seed: int,
    json_wanted: bool,
    markdown: bool,
    folder: Path | None,
) -> None:
    """Run followers over the takes of MANIFEST and print per-take and pooled figures.

    Each take goes through follower, conductor and scheduler as in render, without sound.
    """
    import json

    from accompanist.app.evaluating.evaluation import evaluate_takes, read_manifest
    from accompanist.app.evaluating.files import write_evaluation
    from accompanist.app.evaluating.material import prepare
    from accompanist.app.evaluating.report import as_json, as_markdown, pools, print_tables
    from accompanist.app.offline import listening_followers
    from accompanist.app.progress import progress_bar
    from accompanist.errors import UsageError

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
    takes = read_manifest(manifest)
    prepare(take.score for take in takes)
    with progress_bar("Evaluating", total=len(takes) * len(names)) as advance:
        results = evaluate_takes(
            takes, names, jobs=jobs, policy=policy, done=lambda _result: advance(1)
        )
    pooled = pools(results, seed=seed)
    if folder is not None:
        write_evaluation(folder, results, pooled)
    if json_wanted:
        click.echo(json.dumps(as_json(results, pooled), indent=2))
    elif markdown:
        click.echo(as_markdown(results, pooled))
    else:
        print_tables(results, pooled)
