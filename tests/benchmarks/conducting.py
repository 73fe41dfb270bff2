"""How well the soloist is foreseen and met, with exact ears: real players' timing as the solo.

Run by hand: ``python tests/benchmarks/conducting.py DATA``, DATA holding ``timing/``. Every solo
onset is reported 25 ± 10 ms late (the hop in which it is told included), one in twenty 60 ms, one
in fifty never; the tempo is known to 15 % at first. The conductor is the real one, on a virtual
clock; a list of positions stands for the scheduler. Prints Markdown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.app.evaluating.timing import timing_takes
from accompanist.conducting.conductor import Conductor
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.registry import make_tempo_model
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import Estimate
from accompanist.score.solo import BUCKET_QUARTER
from accompanist.simulation.exact_ears import HOP_S, EarSettings, estimates
from accompanist.simulation.replaying import (
    Cue,
    TimedTake,
    asynchronies_s,
    next_onsets,
    play_along,
)
from accompanist.takes.figures_prediction import calibration

FloatArray = npt.NDArray[np.float64]
SETS = {
    "Chopin": "vienna/Chopin_op10_no3",
    "K331": "vienna/Mozart_K331_1st-mov",
    "Batik": "batik",
    "Brahms": "duo-brahms",
    "Brahms-part-1": "duo-brahms",
}
OWN = ("Brahms", "Brahms-part-1")
"""All takes are of one player."""
PART_1 = ("Brahms-part-1",)
"""The solo is the first player's part 1 alone, not both hands."""
REHEARSALS = {name: (0,) if name == "Batik" else (0, 1, 3) for name in SETS}
MODELS = ("linear", "kalman", "expecting", "mixed")
USUAL = EarSettings(0.025 - HOP_S / 2, 0.010, late_s=0.060 - HOP_S / 2)
PERFECT = EarSettings(0.020, 0.0, late_share=0.0, missed=0.0)
SETTLED = 10
"""A steady soloist is known after so many notes."""


@dataclass(frozen=True)
class Set:
    name: str
    takes: Sequence[TimedTake]

    def earlier(self, index: int, count: int) -> list[Performance]:
        """``count`` other takes of the same piece, drawn by lot."""
        others = [take for i, take in enumerate(self.takes) if i != index]
        chosen = np.random.default_rng(index).permutation(len(others))[:count]
        return [others[i].performance(own=self.name in OWN) for i in chosen]


def takes_of(data: Path, name: str) -> list[TimedTake]:
    folder = data / "timing" / SETS[name]
    if name not in PART_1:
        return timing_takes(folder)
    with tempfile.TemporaryDirectory() as kept:
        for path in folder.glob("*.csv"):
            rows = path.read_text(encoding="utf-8").splitlines()
            if "Primo" in path.name:
                rows = [rows[0], *(row for row in rows[1:] if row.rsplit(",", 1)[1] == "1")]
            (Path(kept) / path.name).write_text("\n".join(rows) + "\n", encoding="utf-8")
        return timing_takes(Path(kept))


def cues(take: TimedTake, ears: EarSettings, seed: int) -> Iterator[Cue]:
    delays = ears.delays_s(len(take.times_s), seed)
    for event, (time_s, delay_s) in enumerate(zip(take.times_s, delays, strict=True)):
        if np.isfinite(delay_s):
            yield Cue(event, float(time_s + delay_s - ears.known_s))


def foreseen(takes: Set, model: str, count: int) -> tuple[str, str]:
    """Mean absolute error of the next onset in ms, mean of the takes; and how honest it is."""
    means, errors, sds = [], [], []
    for i, take in enumerate(takes.takes):
        made = make_tempo_model(model, take.grid, take.solo, takes.earlier(i, count))
        got = next_onsets(take, made, cues(take, USUAL, i))
        means.append(float(np.mean(np.abs(got.error_s))))
        errors.append(got.error_s)
        sds.append(got.sd_s)
    honest = calibration(np.concatenate(errors), np.concatenate(sds))
    within = f"{100 * honest['within_1sd']:.0f}/{100 * honest['within_2sd']:.0f}"
    return f"{1000 * np.mean(means):.1f}", within


@dataclass
class Played:
    """What the ensemble did in some takes: errors in seconds, and the cost of a hop."""

    together: FloatArray
    between: FloatArray
    unplayed: int
    hop_us: float
    sent: list[dict[float, float]]


def accompany(takes: Set, settings: ConductorSettings, count: int) -> Played:
    together, between, unplayed, spent, sent = [], [], 0, [], []
    for i, take in enumerate(takes.takes):
        own, hop_us = perform(take, settings, takes.earlier(i, count), USUAL, i)
        a, b, gone = asynchronies_s(take, own)
        together.append(a)
        between.append(b)
        unplayed += gone
        spent.append(hop_us)
        sent.append(own)
    return Played(
        np.concatenate(together), np.concatenate(between), unplayed, float(np.mean(spent)), sent
    )


def perform(
    take: TimedTake,
    settings: ConductorSettings,
    earlier: Sequence[Performance],
    ears: EarSettings,
    seed: int,
) -> tuple[dict[float, float], float]:
    """When each position of the ensemble was sent; the conductor's mean time a hop in µs."""
    conductor = Conductor(
        take.score, take.solo, take.tempo, settings, take.ensemble_quarters, performances=earlier
    )
    spent = [0.0, 0]

    def heard() -> Iterator[Estimate]:
        rate = float(take.tempo.first_rate)
        for estimate in estimates(
            take.solo.onsets_quarter.tolist(), take.times_s, rate, ears, seed
        ):
            began = time.perf_counter()
            yield estimate  # back here when the conductor has taken it
            spent[0] += time.perf_counter() - began
            spent[1] += 1

    sent = play_along(take, conductor, heard(), HOP_S)
    return sent, spent[0] / max(spent[1], 1) * 1e6


def human(takes: Set) -> tuple[FloatArray, FloatArray]:
    """What a human second player did, where there was one."""
    pairs = [asynchronies_s(take, take.played_s)[:2] for take in takes.takes]
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def beside_human(takes: Set, sent: Sequence[dict[float, float]]) -> FloatArray:
    """Notes between solo onsets against where the human second player had them."""
    apart = []
    for take, own in zip(takes.takes, sent, strict=True):
        for quarter, time_s in own.items():
            far = np.min(np.abs(take.solo.onsets_quarter - quarter)) > BUCKET_QUARTER
            if far and quarter in take.played_s:
                apart.append(time_s - take.played_s[quarter])
    return np.array(apart)


def jitter_ms(take: TimedTake, noise_s: float, ears: EarSettings, seed: int) -> float:
    """Sd of the ensemble's inter-onset intervals while the soloist plays this score evenly."""
    quarters = take.solo.onsets_quarter
    pace = float(take.times_s[-1] - take.times_s[0]) / float(quarters[-1] - quarters[0])
    even = 1.0 + (quarters - quarters[0]) * pace
    noise = np.random.default_rng(seed).normal(0.0, noise_s, len(even))
    steady = replace(
        take, times_s=np.maximum.accumulate(even + noise) + 1e-6 * np.arange(len(even))
    )
    sent, _ = perform(steady, ConductorSettings(), (), ears, seed)
    own = [q for q in take.ensemble_quarters if q in sent and quarters[SETTLED] < q < quarters[-1]]
    got, wanted = np.array([sent[q] for q in own]), np.array(own) * pace
    return float(np.std(np.diff(got) - np.diff(wanted))) * 1000.0


def figures(errors_s: FloatArray) -> str:
    """Mean absolute error · sd in ms, % within 50 / 100 ms."""
    if not len(errors_s):
        return "–"
    size = np.abs(errors_s) * 1000
    near = [100 * float(np.mean(size <= limit)) for limit in (50, 100)]
    return f"{size.mean():.1f} · {errors_s.std() * 1000:.0f}, {near[0]:.0f}/{near[1]:.0f}"


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], write: Callable[[str], object]
) -> None:
    write("\n| " + " | ".join(head) + " |\n|" + " --- |" * len(head) + "\n")
    for row in rows:
        write("| " + " | ".join(row) + " |\n")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--policies", default="predict,hold,auto")
    parser.add_argument("--every", type=int, default=1, help="only every so-manieth take")
    options = parser.parse_args(arguments)
    chosen = [name for name in SETS if name in options.sets.split(",")]
    sets = [Set(name, takes_of(options.data, name)[:: options.every]) for name in chosen]
    out = sys.stdout.write
    counts = {s.name: [n for n in REHEARSALS[s.name] if n < len(s.takes)] for s in sets}
    out("Next onset, mean absolute error in ms (mean of takes); |z| within 1/2 sd in %\n")
    cells = [(s, n) for s in sets for n in counts[s.name]]
    rows = []
    for model in MODELS:
        got = [
            foreseen(s, model, n) if n == 0 or model not in MODELS[:2] else ("", "")
            for s, n in cells
        ]
        rows.append([model, *(f"{error} ({z})" if error else "" for error, z in got)])
    table(["model", *(f"{s.name}, {n} takes" for s, n in cells)], rows, out)
    out("\nReleased: mean absolute error · sd in ms, % within 50/100 ms\n")
    rows, duo = [], []
    for s in sets:
        for policy in filter(None, options.policies.split(",")):
            for count in counts[s.name] if policy == "auto" else (0,):
                played = accompany(s, ConductorSettings(policy=policy), count)
                rows.append(
                    [
                        f"{s.name}, {policy}, {count} takes",
                        figures(played.together),
                        figures(played.between),
                        str(played.unplayed),
                        f"{played.hop_us:.0f}",
                    ]
                )
                if s.name in OWN and policy == "auto":
                    beside = beside_human(s, played.sent)
                    duo.append(
                        [
                            f"{count} own takes",
                            *map(figures, (played.together, played.between, beside)),
                        ]
                    )
    table(["", "with solo onsets", "between", "unplayed", "µs a hop"], rows, out)
    for s in sets:
        if s.name in OWN:
            out("\nIn place of the human second player\n")
            first = ["human", *map(figures, human(s)), ""]
            table(
                ["", "with solo onsets", "between", "between, against the human's"],
                [first, *duo],
                out,
            )
    out("\nThe ensemble's inter-onset jitter under a steady soloist, sd in ms\n")
    rows = []
    for label, ears in (("reports exact", PERFECT), ("usual reports", USUAL)):
        for noise_ms in (0, 5, 10):
            each = [
                [jitter_ms(t, noise_ms / 1000, ears, i) for i, t in enumerate(s.takes[:2])]
                for s in sets
            ]
            rows.append([f"{label}, onsets ± {noise_ms} ms", *(f"{np.mean(x):.1f}" for x in each)])
    table(["", *(s.name for s in sets)], rows, out)


if __name__ == "__main__":
    main(sys.argv[1:])
