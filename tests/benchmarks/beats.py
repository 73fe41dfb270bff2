"""How well beats and bars are found in recordings: F-measure within 70 ms of known beats.

Run by hand: ``python tests/benchmarks/beats.py DATA [--groups a,b] [--cache DIR]``, DATA holding
``timing/``, ``bach10/`` and ``piano-k265/``. Known beats come from

- ``catalogue``: bundled pieces, all parts played by FluidSynth under a random smooth tempo curve;
- ``vienna``, ``batik``: real pianists' timing, played by FluidSynth; a beat stands where the notes
  of its quarter began (in the middle of them), between such places evenly;
- ``k265``, ``bach10``: real recordings with the true times of their notes.

``F`` counts the beats of the metre (by real pianists: quarters); ``level`` the best of a third,
half, as many, twice and three times as many beats (a matter of taste), the first five seconds left
out.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.performing.clock_plan import beat_quarter
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.recordings.analysis import analyse
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import Score
from accompanist.score.tempo import written_tempo
from bridges.audio_files import read_audio
from bridges.fluidsynth import OfflineSynth, find_soundfont
from score_library.catalogue import list_pieces, open_piece

RATE = 44_100
WITHIN_S = 0.07
LEFT_OUT_S = 5.0
LONGEST_S = 180.0
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Item:
    """A recording with known beats; ``bars_s`` is empty where they are not known."""

    group: str
    name: str
    samples: npt.NDArray[np.float32]
    rate: int
    beats_s: FloatArray
    bars_s: FloatArray


Played = list[tuple[float, float, int, int, int, int]]
"""Start and end in seconds, pitch, velocity, channel, program."""


def played_by_synth(notes: Played, end_s: float) -> npt.NDArray[np.float32]:
    """Sound of notes [shape=(n, 2)]."""
    channels = {channel: program for *_, channel, program in notes}
    sent = [
        TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, channel, program))
        for channel, program in channels.items()
        if channel != 10
    ]
    events: list[tuple[float, int, Message]] = []
    for start, end, pitch, velocity, channel, _ in notes:
        events.append((start, 1, Message(Kind.ON, channel, pitch, velocity)))
        events.append((max(end, start + 0.03), 0, Message(Kind.OFF, channel, pitch)))
    sent += [TimedMessage(at, 0.0, 1, m) for at, _, m in sorted(events, key=lambda e: e[:2])]
    with OfflineSynth(find_soundfont(None), RATE) as synth:
        return synth.render(sent, end_s)


def tempo_curve(seed: int, quarters: float) -> tuple[FloatArray, FloatArray]:
    """Quarters and the factors on the tempo there: ±12 % slow waves, slower at the ends."""
    rng = np.random.default_rng(seed)
    q = np.arange(0.0, quarters + 1.0, 0.25)
    wave = sum(
        rng.uniform(0.02, 0.07) * np.sin(2 * np.pi * (q / length + rng.uniform()))
        for length in (8.0, 16.0, 37.0)
    )
    return q, np.asarray(rng.uniform(0.85, 1.15) * np.exp(wave))


def bundled() -> Iterator[Item]:
    for seed, info in enumerate(list_pieces()):
        if info.bundled:
            yield from rendered(info.id, open_piece(info.id).score, seed)


def rendered(name: str, score: Score, seed: int) -> Iterator[Item]:
    tempo = written_tempo(score)
    q, factor = tempo_curve(seed, score.end_quarter)
    steps = np.diff(tempo.to_seconds(q)) / factor[:-1]
    seconds = 0.7 + np.concatenate(([0.0], np.cumsum(steps)))

    def at(quarter: float) -> float:
        return float(np.interp(quarter, q, seconds))

    channels = [c for c in range(1, 17) if c != 10]
    notes: Played = [
        (at(n.onset_quarter), at(n.end_quarter), n.pitch, n.velocity,
         10 if part.percussion else channels[i % 15], part.program)
        for i, part in enumerate(score.parts) for n in part.notes
        if at(n.onset_quarter) < LONGEST_S
    ]  # fmt: skip
    first = min(n.onset_quarter for part in score.parts for n in part.notes)
    last = max(note[0] for note in notes)
    bars = [(m.start_quarter, m.end_quarter) for m in score.measures]
    beats = []
    for start, end in bars:
        metre = [m for m in score.metres if m.quarter <= start + 1e-6]
        beat = beat_quarter(metre[-1]) if metre else 1.0
        beats += list(np.arange(start, end - 1e-6, beat))
    inside = [b for b in beats if b >= first - 1e-6 and at(b) <= last]
    yield Item(
        "catalogue", name, played_by_synth(notes, last + 2.0), RATE,
        np.array([at(b) for b in inside]),
        np.array([at(s) for s, _ in bars if s >= first - 1e-6 and at(s) <= last]),
    )  # fmt: skip


def human(folder: Path, group: str, most: int) -> Iterator[Item]:
    """Rows of notes by real pianists, played by a sampled piano."""
    for path in spread(sorted(folder.rglob("*.csv")), most):
        with path.open(newline="") as file:
            rows = [r for r in csv.DictReader(file) if float(r["onset"]) < LONGEST_S]
        start = 0.5 - min(float(r["onset"]) for r in rows)
        notes: Played = [
            (float(r["onset"]) + start, float(r["offset"]) + start, int(r["pitch"]),
             int(r["velocity"]), 1, 0)
            for r in rows
        ]  # fmt: skip
        quarters = np.array([float(r["quarter"]) for r in rows])
        onsets = np.array([float(r["onset"]) + start for r in rows])
        beats = beats_between(quarters, onsets)
        sound = played_by_synth(notes, onsets.max() + 2.0)
        yield Item(group, f"{path.parent.name}/{path.stem}", sound, RATE, beats, np.zeros(0))


def spread(paths: list[Path], most: int) -> list[Path]:
    return paths[:: max(1, -(-len(paths) // most))]


def beats_between(quarters: FloatArray, onsets_s: FloatArray) -> FloatArray:
    """Times of whole quarters."""
    places = np.unique(np.round(quarters, 4))
    times = np.array([np.median(onsets_s[np.abs(quarters - p) < 1e-3]) for p in places])
    rising = np.concatenate(([True], np.diff(np.maximum.accumulate(times)) > 1e-6))
    places, times = places[rising], times[rising]
    whole = np.arange(np.ceil(places[0] - 1e-6), places[-1] + 1e-6)
    return np.asarray(np.interp(whole, places, times))


def recorded(data: Path) -> Iterator[Item]:
    for folder in sorted((data / "piano-k265").iterdir()):
        audio = read_audio(folder / "take.mp3")
        q, t = truth(folder / "truth.csv")
        yield Item("k265", folder.name, audio.samples, audio.rate, beats_between(q, t), np.zeros(0))
    for folder in sorted((data / "bach10").iterdir()):
        audio = read_audio(folder / "mix.flac")
        both = [truth(p) for p in sorted(folder.glob("*.csv"))]
        q, t = (np.concatenate([b[i] for b in both]) for i in (0, 1))
        beats = beats_between(q, t)
        yield Item("bach10", folder.name, audio.samples, audio.rate, beats, np.zeros(0))


def truth(path: Path) -> tuple[FloatArray, FloatArray]:
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    return rows[:, 0], rows[:, 1]


def f_measure(true_s: FloatArray, found_s: FloatArray) -> float:
    """Twice the hits over all; each beat is hit once at most (both ascending)."""
    true_s = true_s[true_s >= LEFT_OUT_S]
    if not len(true_s):
        return float("nan")
    found_s = found_s[(found_s >= LEFT_OUT_S) & (found_s <= true_s[-1] + WITHIN_S)]
    hits, j = 0, 0
    for beat in true_s:
        while j < len(found_s) and found_s[j] < beat - WITHIN_S:
            j += 1
        if j < len(found_s) and found_s[j] <= beat + WITHIN_S:
            hits, j = hits + 1, j + 1
    return 2.0 * hits / (len(true_s) + len(found_s))


def levels(true_s: FloatArray) -> Iterator[FloatArray]:
    """Give the beats at the levels that a listener may tap at."""
    yield true_s
    yield true_s[::2]
    yield true_s[1::2]
    yield np.sort(np.concatenate((true_s, (true_s[:-1] + true_s[1:]) / 2)))
    between = np.diff(true_s)
    yield np.sort(
        np.concatenate((true_s, true_s[:-1] + between / 3, true_s[:-1] + 2 * between / 3))
    )
    yield true_s[::3]
    yield true_s[1::3]
    yield true_s[2::3]


def items(data: Path, groups: list[str]) -> Iterator[Item]:
    if "catalogue" in groups:
        yield from bundled()
    if "vienna" in groups:
        yield from human(data / "timing" / "vienna", "vienna", 12)
    if "batik" in groups:
        yield from human(data / "timing" / "batik", "batik", 12)
    if "k265" in groups or "bach10" in groups:
        yield from (item for item in recorded(data) if item.group in groups)


def kept(item: Item, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    name = f"{item.group}-{item.name.replace('/', '-')}.npz"
    np.savez(
        cache / name, group=item.group, name=item.name, samples=item.samples, rate=item.rate,
        beats_s=item.beats_s, bars_s=item.bars_s,
    )  # fmt: skip


def from_cache(cache: Path, groups: list[str]) -> Iterator[Item]:
    for path in sorted(cache.glob("*.npz")):
        with np.load(path) as row:
            if str(row["group"]) in groups:
                yield Item(
                    str(row["group"]), str(row["name"]), row["samples"], int(row["rate"]),
                    row["beats_s"], row["bars_s"],
                )  # fmt: skip


def main() -> int:
    """Print a line a recording and the means of each group."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path)
    parser.add_argument("--groups", default="catalogue,vienna,batik,k265,bach10")
    parser.add_argument("--cache", type=Path, help="keeps the rendered recordings")
    options = parser.parse_args()
    groups = options.groups.split(",")
    found: dict[str, list[tuple[float, float, float]]] = {}
    heard_s = wall_s = 0.0
    source = items(options.data, groups)
    if options.cache is not None:
        if not any(options.cache.glob("*.npz")):
            for item in source:
                kept(item, options.cache)
        source = from_cache(options.cache, groups)
    for item in source:
        sound = ArraySound(item.samples, item.rate)
        began = time.perf_counter()
        result = analyse(sound)
        wall_s += time.perf_counter() - began
        heard_s += sound.length / sound.rate
        beats = np.asarray(result.beats_s)
        score = f_measure(item.beats_s, beats)
        best = max(f_measure(level, beats) for level in levels(item.beats_s))
        bars = f_measure(item.bars_s, np.asarray(result.bars_s))
        found.setdefault(item.group, []).append((score, best, bars))
        print(  # noqa: T201
            f"{item.group:10}{item.name[:40]:42}F {score:5.2f}  level {best:5.2f}  bars {bars:5.2f}"
            f"  {60 / np.median(np.diff(item.beats_s)):6.1f} → {result.qpm:6.1f} bpm, "
            f"{result.beats_a_bar} a bar, pulse {result.pulse:.2f}",
            flush=True,
        )
    for group, rows in found.items():
        table = np.array(rows)
        known = table[np.isfinite(table[:, 2]), 2]
        told = f"  bars {known.mean():.3f}" if len(known) else ""
        line = f"{group:10}{len(rows):3} F {table[:, 0].mean():.3f}  level "
        line += f"{table[:, 1].mean():.3f}{told}"
        print(line)  # noqa: T201
    print(f"{wall_s / heard_s:.4f} × real time")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
