"""What goes wrong in real playing, and what each costs: a section of ``RESULTS.md``.

    python tests/benchmarks/scenarios.py DATA [--scenarios all] [--seconds S] [--jobs N]

DATA is a folder with a ``manifest.csv`` (see ``accompanist evaluate --help``). Writes the section
between ``<!-- scenarios -->`` marks and ``reliability.svg`` beside it.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import date
from pathlib import Path

from accompanist.app.evaluating.evaluation import evaluate_scenarios, read_manifest
from accompanist.app.evaluating.scenario_figures import believed
from accompanist.app.evaluating.scenario_report import as_scenario_markdown
from accompanist.app.progress import progress_bar
from accompanist.followers.registry import DEFAULT_FOLLOWER
from accompanist.simulation.scenarios.catalogue import chosen_scenarios
from accompanist.takes.reliability_picture import draw_reliability

RESULTS = Path(__file__).with_name("RESULTS.md")
OPEN, CLOSE = "<!-- scenarios -->", "<!-- /scenarios -->"


def with_section(text: str, section: str) -> str:
    """Put the section where an older one stands, or at the end."""
    before, found, rest = text.partition(OPEN)
    if not found:
        return f"{text.rstrip()}\n\n{OPEN}\n{section}\n{CLOSE}\n"
    return f"{before}{OPEN}\n{section}\n{CLOSE}{rest.partition(CLOSE)[2]}"


def main() -> int:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with manifest.csv")
    parser.add_argument("--scenarios", default="all")
    parser.add_argument("--followers", default=DEFAULT_FOLLOWER)
    parser.add_argument("--seconds", type=float, default=None, help="so much of each take")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    takes = read_manifest(options.data / "manifest.csv")
    names = [scenario.name for scenario in chosen_scenarios(options.scenarios)]
    followers = options.followers.split(",")
    with progress_bar("Evaluating", total=len(takes) * len(names) * len(followers)) as advance:
        results, left_out = evaluate_scenarios(
            takes,
            followers,
            names,
            jobs=options.jobs,
            seed=options.seed,
            at_most_s=options.seconds,
            done=lambda _: advance(1),
        )
    draw_reliability(
        options.out.with_name("reliability.svg"),
        {name: believed([r for r in results if r.follower == name]) for name in followers},
    )
    much = "" if options.seconds is None else f", the first {options.seconds:g} s of each"
    section = "\n".join(
        [
            "## When things go wrong",
            "",
            f"`python tests/benchmarks/scenarios.py`, {len(takes)} takes{much}, seed "
            f"{options.seed}, {platform.machine()}, Python {platform.python_version()}, "
            f"{date.today().isoformat()}. Scenarios: `accompanist evaluate --list-scenarios`.",
            "",
            as_scenario_markdown(results, left_out).replace("\n### ", "\n#### ").strip(),
            "",
            "![How sure, and how often right](reliability.svg)",
        ]
    )
    beside = options.out.with_name(f".{options.out.name}.{os.getpid()}.part")
    text = options.out.read_text("utf-8") if options.out.is_file() else "# Figures\n"
    beside.write_text(with_section(text, section), encoding="utf-8")
    beside.replace(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
