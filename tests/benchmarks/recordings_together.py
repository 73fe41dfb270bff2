"""How far a recording is from its soloist as it is played, as a markdown table on stdout.

    python tests/benchmarks/recordings_together.py [DATA] [--cache FOLDER] [--aside]

Pairs are those of `recording_pairs`, and ``steady``: a pianist's melody with another sound and at
a constant other speed, against the full recording of the very same performance, where the
recording's speed ought not to move at all. Every take goes through follower, conductor and all as
in ``render``. *Asynchrony* is the time at which the recording came by the place of a true onset,
less that onset; *wobble* is what the speed in 50 ms strays from its mean (68 % of the time).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from recording_pairs import (
    CHOPIN,
    CLARINET,
    FAMILIES,
    FLUTE,
    MOZART,
    PIANO,
    TENOR_SAX,
    VIOLIN,
    Pair,
    make_pairs,
    render_notes,
)

from accompanist.app.evaluating.material import open_material
from accompanist.app.measuring import Measured, errors_of
from accompanist.app.offline import OfflineSettings, run_take
from accompanist.takes.pooling import TakeErrors, summarise
from bridges.audio_files import read_audio

FloatArray = npt.NDArray[np.float64]

STEADY = (
    (CHOPIN, "p01", FLUTE, 0.9),
    (MOZART, "p05", TENOR_SAX, 1.1),
    (MOZART, "p08", VIOLIN, 0.95),
    (CHOPIN, "p05", CLARINET, 1.05),
)
_LEAD_S = 1.0
_SETTLED_S = 8.0
_OVER_S = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """One take as it was played."""

    errors: TakeErrors
    wobble: float
    held: float


def steady_pairs(data: Path, cache: Path) -> Iterator[Pair]:
    """Melodies at a constant speed against the full recording."""
    cache.mkdir(parents=True, exist_ok=True)
    for piece, player, program, speed in STEADY:
        path = data / "timing" / "vienna" / piece / f"{player}.csv"
        rows = np.genfromtxt(path, delimiter=",", names=True)
        names = ("onset", "offset", "pitch", "velocity")
        notes = np.column_stack([rows[name] for name in names])
        notes[:, :2] += _LEAD_S - notes[0, 0]
        melody = notes[rows["part"] == 1]
        there = np.unique(melody[:, 0])
        files = cache / f"{piece}-{player}-full.wav", cache / f"steady-{piece}-{player}.wav"
        slower = melody.copy()
        slower[:, :2] /= speed
        for file, sounding, sound in ((files[0], notes, PIANO), (files[1], slower, program)):
            if not file.is_file():
                render_notes(sounding, sound, file)
        keep = np.concatenate(([True], np.diff(there) > 0.02))
        yield Pair("steady", f"{piece[:6]} {player}", *files, there[keep], there[keep] / speed)


def run(pair: Pair) -> Run:
    """Follow and accompany one take."""
    piece = open_material(pair.recording, None, None)
    audio = read_audio(pair.take)
    take = run_take(
        piece.score,
        piece.solo,
        audio.samples,
        audio.rate,
        OfflineSettings(follower=piece.follower),
        reference=piece.reference,
    )
    tables = Measured(take)
    errors = errors_of(take, pair.recording_s, pair.take_s, tables=tables)
    states = take.record.states
    return Run(errors, wobble(*tables.sent.T), float(np.mean([s == "holding" for s in states])))


def wobble(times_s: FloatArray, places_s: FloatArray) -> float:
    """What the speed strays from its mean, as a share of it."""
    hops = max(round(_OVER_S / (times_s[1] - times_s[0])), 1)
    speed = (places_s[hops:] - places_s[:-hops]) / (times_s[hops:] - times_s[:-hops])
    speed = speed[(times_s[hops:] > _SETTLED_S) & (speed > 0) & (speed < 4.0)]
    if not len(speed):
        return 0.0
    return float(np.quantile(np.abs(speed / np.mean(speed) - 1.0), 0.68))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("build/pairs"))
    parser.add_argument("--aside", action="store_true", help="pairs that nothing was tuned on")
    options = parser.parse_args()
    pairs = make_pairs(options.data, options.cache, aside=options.aside)
    if not options.aside:
        pairs = [*pairs, *steady_pairs(options.data, options.cache)]
    sys.stdout.write(
        "| pairs | takes | median ms | ≤ 50 ms | ≤ 100 ms | never | bias ms | wobble | holding |\n"
    )
    sys.stdout.write("| --- " + "| ---: " * 8 + "|\n")
    for family in (*FAMILIES, "steady"):
        runs = [run(pair) for pair in pairs if pair.family == family]
        if not runs:
            continue
        figures = summarise([r.errors for r in runs])
        sys.stdout.write(
            f"| {family} | {len(runs)} | {figures['asynchrony_median_ms']:.0f} "
            f"| {figures['asynchrony_within_50']:.0%} | {figures['asynchrony_within_100']:.0%} "
            f"| {figures['asynchrony_unplayed']:.1%} | {figures['asynchrony_bias_ms']:.0f} "
            f"| {np.median([r.wobble for r in runs]):.1%} "
            f"| {np.mean([r.held for r in runs]):.1%} |\n"
        )


if __name__ == "__main__":
    main()
