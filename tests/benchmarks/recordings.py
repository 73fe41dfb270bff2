"""Figures of the followers of recordings, as a markdown table on stdout.

    python tests/benchmarks/recordings.py [DATA] [--cache FOLDER] [--followers a,b]
        [--aside] [--scenarios] [--only FAMILY]

Pairs are made by `recording_pairs`; ``--aside`` takes those that nothing was tuned on. Nobody
says where the soloist begins; a follower may expect it at the beginning of the recording. The error
is the believed position at every true onset less the true one, in ms at the true local tempo. The
cost of a hop is processor time.
``--scenarios`` adds edits of the takes (`recording_scenarios`) and how long the default follower
of recordings takes to be back within 300 ms (for five onsets on end).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from recording_pairs import FAMILIES, Pair, make_pairs, mono_sound
from recording_scenarios import SCENARIOS, Edited, back_after_s

from accompanist.errors import BadInputError
from accompanist.followers.protocol import Heard
from accompanist.followers.registry import follower_names, follows_recordings, make_follower
from accompanist.recordings.reference import Reference, analyse_reference, load_reference
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import hop_samples
from accompanist.takes.figures import is_lost, position_errors_s, report_delays_s

FloatArray = npt.NDArray[np.float64]

LIMITS_MS = (50, 100, 300)


@dataclass(frozen=True, slots=True)
class Run:
    """One take followed through one recording."""

    errors_s: FloatArray
    delays_s: FloatArray
    hop_ms: FloatArray
    back_s: float
    relocations: int

    @property
    def lost(self) -> bool:
        return is_lost(self.errors_s)


def reference_of_file(path: Path, cache: Path) -> Reference:
    """Analyse a recording, or find its analysis in ``cache``."""
    folder = cache / f"reference-{path.parent.name}-{path.stem}"
    try:
        return load_reference(folder)
    except BadInputError:
        folder.mkdir(parents=True, exist_ok=True)
        samples, rate = mono_sound(path)
        analyse_reference(ArraySound(samples, rate), folder)
        return load_reference(folder)


def follow(name: str, reference: Reference, pair: Pair, edited: Edited, rate: int) -> Run:
    """Feed a take hop by hop and hold it against its truth. Quarters are seconds here."""
    events = np.unique(np.round(pair.recording_s, 3))
    part = Part(1, "solo", tuple(Note(float(s), 0.1, 60) for s in events))
    score = Score("recording", (part,), (), tempo_marks=(TempoMark(0.0, 60.0),))
    hop = hop_samples(rate)
    follower = make_follower(
        name,
        solo=solo_line(part),
        tempo=written_tempo(score),
        sample_rate=rate,
        hop=hop,
        reference=reference,
    )
    follower.locate(None, anywhere=True)  # as when it is armed and nobody has said where
    hops = len(edited.samples) // hop
    trace = np.zeros((hops, 3))
    reports: list[tuple[float, float]] = []
    relocations = 0
    for i in range(hops):
        heard = Heard((i + 1) * hop / rate, edited.samples[i * hop : (i + 1) * hop])
        started = time.thread_time()
        estimate = follower.feed(heard)
        trace[i] = estimate.time_s, estimate.quarter, 1000 * (time.thread_time() - started)
        reports += [(o.reported_s, o.quarter) for o in estimate.onsets]
        relocations += estimate.relocated
    told = np.array(reports).reshape(-1, 2)
    errors = position_errors_s(edited.recording_s, edited.take_s, trace[:, 0], trace[:, 1])
    return Run(
        errors_s=errors,
        delays_s=report_delays_s(
            np.round(edited.recording_s, 3), edited.take_s, told[:, 0], told[:, 1]
        ),
        hop_ms=trace[:, 2],
        back_s=back_after_s(errors, edited.take_s, edited.since_s),
        relocations=relocations,
    )


def run_all(
    name: str, pairs: Iterable[Pair], cache: Path, scenario: str
) -> dict[str, list[tuple[Pair, Run]]]:
    """Follow all pairs by family; edits that a take is too short for are left out."""
    found: dict[str, list[tuple[Pair, Run]]] = {}
    for pair in pairs:
        samples, rate = mono_sound(pair.take)
        edited = SCENARIOS[scenario](samples, rate, pair.recording_s, pair.take_s)
        if edited is not None:
            reference = reference_of_file(pair.recording, cache)
            run = follow(name, reference, pair, edited, rate)
            found.setdefault(pair.family, []).append((pair, run))
            print(".", end="", file=sys.stderr, flush=True)  # noqa: T201
    return found


def position_row(runs: list[tuple[Pair, Run]]) -> str:
    """Columns of one family: errors, reports, cost."""
    errors = 1000 * np.concatenate([r.errors_s for _, r in runs])
    delays = 1000 * np.concatenate([r.delays_s for _, r in runs])
    hops = np.concatenate([r.hop_ms for _, r in runs])
    within = " / ".join(f"{100 * np.mean(np.abs(errors) <= limit):.0f}" for limit in LIMITS_MS)
    told = np.nanmedian(delays) if np.isfinite(delays).any() else np.nan
    return (
        f"{np.median(np.abs(errors)):.0f} | {np.median(errors):+.0f} | {within} | "
        f"{sum(r.lost for _, r in runs)} of {len(runs)} | "
        f"{told:+.0f} / {100 * np.mean(np.isnan(delays)):.0f} % | "
        f"{hops.mean():.2f} / {np.percentile(hops, 99):.2f}"
    )


def tables(names: list[str], pairs: list[Pair], cache: Path, *, scenarios: bool) -> str:
    """All figures as markdown."""
    lines = [
        "| follower | family | median ms | bias | ≤ 50 / 100 / 300 ms % | lost "
        "| report median ms / missed | hop mean / p99 ms |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    single = ["", "| follower | pair | median ms | ≤ 100 ms % | lost | found anew |"]
    single.append("| --- | --- | --- | --- | --- | --- |")
    for name in names:
        for family, runs in run_all(name, pairs, cache, "clean").items():
            lines.append(f"| {name} | {family} | {position_row(runs)} |")
            single += [
                f"| {name} | {family} {pair.name} | {1000 * np.median(np.abs(run.errors_s)):.0f} "
                f"| {100 * np.mean(np.abs(run.errors_s) <= 0.1):.0f} | {'lost' * run.lost} "
                f"| {run.relocations} |"
                for pair, run in runs
            ]
    lines += single
    if scenarios:
        lines += ["", "| scenario | family | back: median / max s | within 3 s | lost |"]
        lines.append("| --- | --- | --- | --- | --- |")
        for scenario in list(SCENARIOS)[1:]:
            for family, runs in run_all(names[0], pairs, cache, scenario).items():
                back = np.array([r.back_s for _, r in runs])
                lines.append(
                    f"| {scenario} | {family} | {np.median(back):.1f} / {back.max():.1f} | "
                    f"{int(np.sum(back <= 3.0))} of {len(back)} | {sum(r.lost for _, r in runs)} |"
                )
    return "\n".join(lines)


def default_cache() -> Path:
    """Give the user's cache folder for this benchmark."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("accompanist")) / "benchmark-recordings"


def main() -> None:
    """Make the pairs, follow them, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=None)
    parser.add_argument("--followers", default=None)
    parser.add_argument("--aside", action="store_true")
    parser.add_argument("--scenarios", action="store_true")
    parser.add_argument("--only", choices=FAMILIES, default=None)
    args = parser.parse_args()
    cache = args.cache or default_cache()
    known = [name for name in follower_names() if follows_recordings(name)]
    names = args.followers.split(",") if args.followers else known
    pairs = make_pairs(args.data, cache, aside=args.aside)
    pairs = [p for p in pairs if args.only in (None, p.family)]
    print(tables(names, pairs, cache, scenarios=args.scenarios))  # noqa: T201


if __name__ == "__main__":
    main()
