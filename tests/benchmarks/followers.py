"""Every decision model on the same takes, by the same definition: a section of ``RESULTS.md``.

    python tests/benchmarks/followers.py MANIFEST.csv --matchmaker DIR --jobs 2

Runs this project's followers of scores over the manifest, the follower of keys over what was
struck where a take has it (``notes.csv`` beside the sound: ``pitch,onset,offset,velocity``), and
adds what ``matchmaker.py`` has left in DIR. If that has not been through all takes, it is
compared on those that all of its methods have been through, in a table of its own; so are
followers whose ear takes most of a processor, on one take of each group.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from accompanist.app.evaluating.evaluation import evaluate_takes
from accompanist.app.evaluating.manifest import ManifestTake, read_manifest
from accompanist.app.evaluating.material import open_material
from accompanist.app.offline import listening_followers
from accompanist.app.progress import progress_bar
from accompanist.followers.protocol import Heard, PlayedNote
from accompanist.followers.registry import follows_recordings, make_follower
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import hop_samples, mono
from accompanist.takes.figures import TakeErrors, measure
from accompanist.takes.pooling import summarise
from accompanist.takes.tables import read_truth
from bridges.audio_files import read_audio

__all__ = ["Line", "section", "table", "with_section"]

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- followers -->", "<!-- /followers -->"
KEYS: Final = "notes"
TITLES: Final = {
    "arzt": "matchmaker, OLTW (Arzt)",
    "dixon": "matchmaker, OLTW (Dixon)",
    "outerhmm": "matchmaker, outer-product HMM",
    "skf": "matchmaker, switching Kalman filter",
}
SLOW: Final = "-librosa"
"""Followers whose ear takes most of a processor: run on the first take of each group only."""

_RATE: Final = 44_100
_COST_S: Final = 60.0
_EMPTY: Final = np.empty(0, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Line:
    """What one follower made of one take. ``reports``: it says which events it has recognised."""

    follower: str
    take: str
    group: str
    errors: TakeErrors
    hop_s: float
    compute_ms: float
    """Mean processor time of a hop."""
    reports: bool = True


def _own(takes: Sequence[ManifestTake], names: Sequence[str], jobs: int) -> list[Line]:
    with progress_bar("Following", total=len(takes) * len(names)) as advance:
        results = evaluate_takes(takes, names, jobs=jobs, done=lambda _: advance(1))
    if not takes or not names:
        return []
    one_of = {take.group: take for take in reversed(takes)}
    cost = {name: np.mean([_cost_ms(t, name) for t in one_of.values()]) for name in names}
    return [
        Line(r.follower, r.take.id, r.take.group, r.errors, r.hop_s, float(cost[r.follower]))
        for r in results
    ]


def _cost_ms(take: ManifestTake, name: str) -> float:
    """Processor time of a hop, hearing and decision, over the beginning of a take."""
    opened = open_material(take.score, take.solo or None, name)
    audio = read_audio(take.audio)
    hop = hop_samples(audio.rate)
    samples = mono(audio.samples[: round(_COST_S * audio.rate)])
    follower = make_follower(
        name,
        solo=solo_line(opened.solo),
        tempo=written_tempo(opened.score),
        sample_rate=audio.rate,
        hop=hop,
    )
    hops = len(samples) // hop
    began = time.process_time()
    for i in range(hops):
        follower.feed(Heard((i + 1) * hop / audio.rate, samples[i * hop : (i + 1) * hop]))
    return 1000.0 * (time.process_time() - began) / hops


def _struck(path: Path) -> list[PlayedNote]:
    """Keys as they were struck and released, in order."""
    out = []
    with path.open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            pitch = int(row["pitch"])
            out.append(PlayedNote(float(row["onset"]), pitch, max(int(row["velocity"]), 1)))
            out.append(PlayedNote(float(row["offset"]), pitch, 0))
    return sorted(out, key=lambda n: (n.time_s, n.velocity))


def _keys(take: ManifestTake) -> Line | None:
    """Follow the keys of a take, where they are known, with no delay on their way."""
    path = take.audio.with_name("notes.csv")
    if not path.is_file():
        return None
    opened = open_material(take.score, take.solo or None, None)
    line = solo_line(opened.solo)
    hop = hop_samples(_RATE)
    follower = make_follower(
        KEYS, solo=line, tempo=written_tempo(opened.score), sample_rate=_RATE, hop=hop
    )
    notes = _struck(path)
    hops = int((notes[-1].time_s + 1.0) * _RATE / hop)
    estimates, spent, given = [], 0.0, 0
    for i in range(1, hops + 1):
        now, first = i * hop / _RATE, given
        while given < len(notes) and notes[given].time_s <= now:
            given += 1
        heard = Heard(now, _EMPTY, tuple(notes[first:given]))
        began = time.process_time()
        estimates.append(follower.feed(heard))
        spent += time.process_time() - began
    truth_quarter, truth_time_s = read_truth(take.truth)
    told = [o for e in estimates for o in e.onsets]
    errors = measure(
        truth_quarter=truth_quarter,
        truth_time_s=truth_time_s,
        trace_time_s=np.array([e.time_s for e in estimates]),
        trace_quarter=np.array([e.quarter for e in estimates]),
        reported_s=np.array([o.reported_s for o in told]),
        reported_quarter=np.array([o.quarter for o in told]),
    )
    return Line(KEYS, take.id, take.group, errors, hop / _RATE, 1000.0 * spent / hops)


def _theirs(takes: Sequence[ManifestTake], folder: Path) -> list[Line]:
    import json

    import matchmaker as bench  # the script beside this one

    lines = []
    for method in bench.METHODS:
        for take in takes:
            kept = folder / method / f"{take.id}.json"
            if kept.is_file():
                answer = json.loads(kept.read_text("utf-8"))
                errors = bench.errors_of(bench.Followed(take, method, answer))
                cost, hop_s = answer.get("compute_ms", np.nan), answer["hop_s"]
                lines.append(Line(method, take.id, take.group, errors, hop_s, cost, reports=False))
    return lines


def _answered(theirs: Sequence[Line]) -> list[str]:
    """Takes that all methods have been through."""
    methods = {line.follower for line in theirs}
    return [
        take
        for take in dict.fromkeys(line.take for line in theirs)
        if {line.follower for line in theirs if line.take == take} == methods
    ]


def _cell(lines: Sequence[Line]) -> str:
    figures = summarise([line.errors for line in lines])
    median = figures["position_median_ms"]
    text = "–" if not np.isfinite(median) else f"{median:.0f}"
    shares = "/".join(f"{100 * figures[f'position_within_{n}']:.0f}" for n in (50, 100))
    lost = sum(line.errors.lost for line in lines)
    missed = f" · {100 * figures['missed']:.1f}" if lines[0].reports else ""
    return f"{text} · {shares} · {lost}{missed}"


def table(lines: Sequence[Line], groups: Sequence[str]) -> list[str]:
    """Set a row for each follower: every group's figures, and what a hop costs."""
    counts = {g: len({line.take for line in lines if line.group == g}) for g in groups}
    heads = [f"{g} ({counts[g]})" for g in groups]
    rows = [
        f"| | {' | '.join(heads)} | compute a hop |",
        f"| --- |{' --- |' * len(heads)} ---: |",
    ]
    for name in dict.fromkeys(line.follower for line in lines):
        mine = [line for line in lines if line.follower == name]
        cells = []
        for group in groups:
            here = [line for line in mine if line.group == group]
            cells.append(_cell(here) if here else "")
        cost = float(np.nanmean([line.compute_ms for line in mine]))
        hop_ms = 1000.0 * float(np.median([line.hop_s for line in mine]))
        title = TITLES.get(name, f"`{name}`")
        rows.append(f"| {title} | {' | '.join(cells)} | {cost:.2f} of {hop_ms:.0f} ms |")
    return rows


def section(
    own: Sequence[Line], theirs: Sequence[Line], when: str, slow: Sequence[Line] = ()
) -> str:
    """Set the whole section: a table of all takes, and what has heard but some of them apart."""
    groups = list(dict.fromkeys(line.group for line in own))
    answered = _answered(theirs)
    all_of_them = len(answered) == len({line.take for line in own})
    text = [
        BEGIN,
        "## Every decision model on the same takes",
        "",
        f"Written by `tests/benchmarks/followers.py`, {when}; number of takes in brackets.",
        "Position held at the true onset: median ms · % within 50 / 100 ms · takes lost, and where",
        "a follower reports events % missed (no report within 300 ms). What is known only when a",
        "window has been heard counts from then. Compute: processor time, mean.",
    ]
    if theirs and all_of_them:
        text += [
            "pymatchmaker 0.3 by `tests/benchmarks/matchmaker.py`: each take in a process of its",
            "own, its window of two hops (32 to 80 ms) counted.",
        ]
    text += ["", *table([*own, *(theirs if all_of_them else ())], groups)]
    if theirs and not all_of_them:
        text += [
            "",
            "With pymatchmaker 0.3 (`tests/benchmarks/matchmaker.py`), each take in a process of",
            f"its own, on the {len(answered)} that all of its methods have been through; its",
            "window of two hops (32 to 80 ms) counted:",
            "",
            *_shared([*own, *theirs], answered, groups),
        ]
    if slow:
        taken = list(dict.fromkeys(line.take for line in slow))
        quick = {line.follower.removesuffix(SLOW) for line in slow}
        text += [
            "",
            f"Librosa's constant-Q chroma beside ours, on {', '.join(taken)}:",
            "",
            *_shared([*(o for o in own if o.follower in quick), *slow], taken, groups),
        ]
    return "\n".join([*text, END]) + "\n"


def _shared(lines: Sequence[Line], takes: Sequence[str], groups: Sequence[str]) -> list[str]:
    shared = [line for line in lines if line.take in takes]
    return table(shared, [g for g in groups if any(line.group == g for line in shared)])


def with_section(text: str, block: str) -> str:
    """Put the section into the page: in its old place, or at the end.

    >>> with_section("# Figures\\n", f"{BEGIN}\\nnew\\n{END}\\n").splitlines()
    ['# Figures', '', '<!-- followers -->', 'new', '<!-- /followers -->']
    """
    before, found, rest = text.partition(BEGIN)
    if not found:
        return f"{text.rstrip()}\n\n{block}"
    return before + block.rstrip("\n") + rest.partition(END)[2]


def main() -> None:
    """Run it all and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--followers", help="names with commas; all followers of scores")
    parser.add_argument("--matchmaker", type=Path, help="folder that matchmaker.py has written")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    takes = read_manifest(options.manifest)
    usual = [n for n in listening_followers() if not follows_recordings(n)]
    names = options.followers.split(",") if options.followers else usual
    theirs = _theirs(takes, options.matchmaker) if options.matchmaker else []
    quick = [n for n in names if not n.endswith(SLOW)]
    own = _own(takes, quick, options.jobs)
    own += [line for take in takes if (line := _keys(take)) is not None]
    firsts = {take.group: take for take in reversed(takes)}
    some = [take for take in takes if take in firsts.values()]
    slow = _own(some, [n for n in names if n.endswith(SLOW)], options.jobs)
    block = section(own, theirs, date.today().isoformat(), slow)
    text = options.out.read_text("utf-8") if options.out.is_file() else ""
    beside = options.out.with_name(f".{options.out.name}.part")
    beside.write_text(with_section(text, block), encoding="utf-8")
    beside.replace(options.out)
    print(block)  # noqa: T201


if __name__ == "__main__":
    main()
