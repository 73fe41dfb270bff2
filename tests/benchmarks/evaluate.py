"""Figures of the default follower on real takes, written to ``RESULTS.md`` beside this file.

    python tests/benchmarks/evaluate.py DATA [--jobs N] [--followers a,b]

DATA is a folder with a ``manifest.csv`` (see ``accompanist evaluate --help``). Groups that a
floor is named for (`FLOORS`) are held against it; the exit code is 1 if one is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from accompanist import __version__
from accompanist.app.evaluating.evaluation import TakeResult, evaluate_takes, read_manifest
from accompanist.app.evaluating.report import Pool, as_markdown, pools
from accompanist.app.progress import progress_bar
from accompanist.followers.registry import DEFAULT_FOLLOWER

RESULTS = Path(__file__).with_name("RESULTS.md")
ALL = "all takes"


@dataclass(frozen=True, slots=True)
class Floor:
    """A figure of a group and what it has to reach; ``at_most`` says which way is better."""

    text: str
    group: str
    key: str
    limit: float
    at_most: bool
    factor: float = 1.0
    unit: str = ""


FLOORS = (
    Floor("takes lost", ALL, "lost", 0.0, True, 100.0, " %"),
    Floor("position error, violin, median", "violin", "position_median_ms", 14, True, 1, " ms"),
    Floor("… within 100 ms", "violin", "position_within_100", 0.96, False, 100.0, " %"),
    Floor("position error, bach10, median", "bach10", "position_median_ms", 12, True, 1, " ms"),
    Floor("… within 100 ms", "bach10", "position_within_100", 0.89, False, 100.0, " %"),
    Floor("position error, piano, median", "piano-k265", "position_median_ms", 11, True, 1, " ms"),
    Floor("… within 100 ms", "piano-k265", "position_within_100", 0.95, False, 100.0, " %"),
    Floor("asynchrony, bach10, median", "bach10", "asynchrony_median_ms", 30, True, 1, " ms"),
    Floor("… within 100 ms", "bach10", "asynchrony_within_100", 0.88, False, 100.0, " %"),
    Floor("missed, bach10", "bach10", "missed", 0.04, True, 100.0, " %"),
    Floor("missed, violin", "violin", "missed", 0.04, True, 100.0, " %"),
    Floor("missed, piano", "piano-k265", "missed", 0.04, True, 100.0, " %"),
    Floor("compute a hop, mean, worst take", ALL, "compute_mean_ms", 0.8, True, 1, " ms"),
    Floor("compute a hop, p99, worst take", ALL, "compute_p99_ms", 3.0, True, 1, " ms"),
    Floor("times real time, slowest take", ALL, "real_time_factor", 10.0, False),
)
HELP_FLOOR_S = 0.4


def help_seconds(runs: int = 5) -> float:
    """Median wall time of ``accompanist --help`` in a fresh process."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        command = [sys.executable, "-m", "accompanist", "--help"]
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return sorted(times)[runs // 2]


def machine() -> str:
    """Name processor, cores, system and Python."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [ln for ln in info.read_text().splitlines() if ln.startswith("model name")]
        processor = names[0].partition(":")[2].strip() if names else processor
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{processor}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def floor_rows(pooled: Sequence[Pool], help_s: float) -> list[tuple[str, str, str, bool]]:
    """What, floor, measured, met: for every floor whose group was measured."""
    rows = []
    figures = {p.group: p.figures for p in pooled if p.follower == DEFAULT_FOLLOWER}
    for floor in FLOORS:
        value = figures.get(floor.group, {}).get(floor.key)
        if value is None:
            continue
        met = value <= floor.limit if floor.at_most else value >= floor.limit
        sign = "≤" if floor.at_most else "≥"
        limit = f"{sign} {floor.limit * floor.factor:g}{floor.unit}"
        rows.append((floor.text, limit, f"{value * floor.factor:.2f}{floor.unit}", met))
    rows.append(("--help, cold", f"≤ {HELP_FLOOR_S} s", f"{help_s:.2f} s", help_s <= HELP_FLOOR_S))
    return rows


def document(
    results: Sequence[TakeResult], rows: Sequence[tuple[str, str, str, bool]], command: str
) -> str:
    """Set the page."""
    lines = [
        "# Figures",
        "",
        "Written by `make bench`. Errors in ms; [low, high] is the 95 % confidence interval,",
        "bootstrapped by take. Definitions: `accompanist/takes/figures.py`.",
        "",
        f"- command: `{command}`",
        f"- version: {__version__}",
        f"- machine: {machine()}",
        f"- date: {date.today().isoformat()}",
        "",
        "| what | floor | measured | met |",
        "| --- | ---: | ---: | --- |",
        *(f"| {w} | {f} | {m} | {'yes' if met else 'no'} |" for w, f, m, met in rows),
        "",
        as_markdown(results, pools(results)),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def timing_section(path: Path) -> str:
    """Give what ``timing.py`` has written there, which is not ours to replace."""
    text = path.read_text("utf-8") if path.is_file() else ""
    _, found, rest = text.partition("<!-- timing -->")
    return f"\n{found}{rest}" if found else ""


def main() -> int:
    """Run it all; 0 if every floor is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with manifest.csv")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--followers", default=DEFAULT_FOLLOWER)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    takes = read_manifest(options.data / "manifest.csv")
    followers = options.followers.split(",")
    with progress_bar("Evaluating", total=len(takes) * len(followers)) as advance:
        results = evaluate_takes(takes, followers, jobs=options.jobs, done=lambda _: advance(1))
    rows = floor_rows(pools(results), help_seconds())
    command = f"accompanist evaluate manifest.csv --followers {options.followers}"
    beside = options.out.with_name(f".{options.out.name}.part")
    kept = timing_section(options.out)
    beside.write_text(document(results, rows, command) + kept, encoding="utf-8")
    beside.replace(options.out)
    for what, floor, measured, met in rows:
        print(f"{'  ' if met else '! '}{what:36s} {floor:>10s} {measured:>12s}")  # noqa: T201
    return 0 if all(met for *_, met in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
