"""Figures of offline alignment on recordings with known times.

    python tests/benchmarks/aligning.py DATA [--out FILE.md]

DATA is a folder with a ``manifest.csv`` (columns score, solo, audio, truth, id, group). Its takes
are aligned with their scores; takes of one piece (group ``piano-k265``) with one another; and,
where there is a folder ``timing/vienna`` (one pianist a file, exact times), pianists rendered
with different sounds with one another. The error at a true onset is the time that the alignment
gives less the true one; *shift* is its median, which tells a constant difference between a sound
file and its truth (MP3 files begin late) from a wrong alignment.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.recordings.aligning.alignment import align_features
from accompanist.recordings.aligning.features import Features, sound_features
from accompanist.recordings.aligning.notes import LEAD_S, score_features, score_onsets_s
from accompanist.recordings.aligning.scored import align_score
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import Score
from accompanist.score.tempo import written_tempo
from accompanist.takes.tables import read_truth
from bridges.audio_files import read_audio
from score_library.load import load_score

FloatArray = npt.NDArray[np.float64]

ALONE = "bach10"
"""Takes of this group are of one part of their score; its mixes are of all."""
AGAINST_ONE_ANOTHER = "piano-k265"
VIENNA_SOUNDS = (0, 6)
"""General MIDI: a piano against a harpsichord. (Bowed sounds begin too slowly to have times.)"""
VIENNA_PAIRS = 4
RATE = 22_050


@dataclass(frozen=True)
class Row:
    """Errors of one alignment, in seconds; an onset without a place counts as infinite."""

    what: str
    errors_s: FloatArray
    work_s: float
    sound_s: float


def heard(path: Path) -> Features:
    """Hear a sound file."""
    audio = read_audio(path)
    return sound_features(ArraySound(audio.samples, audio.rate))


def errors(found_s: FloatArray, true_s: FloatArray) -> FloatArray:
    """Differences; infinite where there is nothing."""
    return np.where(np.isnan(found_s), np.inf, found_s - true_s)


def score_against_takes(data: Path, takes: Sequence[dict[str, str]]) -> Iterator[Row]:
    """Align each take with its score."""
    for take in takes:
        score = load_score(data / take["score"])
        if take["group"] == ALONE:
            own = tuple(p for p in score.parts if p.number == int(take["solo"]))
            score = replace(score, parts=own)
        quarters, times_s = read_truth(data / take["truth"])
        began = time.process_time()
        features = heard(data / take["audio"])
        found = align_features(score_features(score), features, onsets_s=score_onsets_s(score))
        places = written_tempo(score).to_seconds(quarters) + LEAD_S
        yield Row(
            f"score → take, {take['group']}",
            errors(found.map.second_s(places), times_s),
            time.process_time() - began,
            features.duration_s,
        )


def tied_scores(data: Path, takes: Sequence[dict[str, str]]) -> Iterator[Row]:
    """Tie whole scores to mixes and takes: written seconds against true times."""
    by_folder = defaultdict(list)
    for take in takes:
        by_folder[Path(take["audio"]).parent].append(take)
    for folder, members in by_folder.items():
        mix = data / folder / "mix.flac"
        path = mix if mix.is_file() else data / members[0]["audio"]
        score = load_score(data / members[0]["score"])
        began = time.process_time()
        features = heard(path)
        tied = align_score(score, features, features.duration_s).score
        work_s = time.process_time() - began
        for take in members:
            quarters, times_s = read_truth(data / take["truth"])
            found_s = written_tempo(tied).to_seconds(quarters + _moved_by(score, tied))
            name = f"score tied to recording, {take['group']}"
            yield Row(name, found_s - times_s, work_s / len(members), features.duration_s)


def _moved_by(score: Score, tied: Score) -> float:
    """How far a bar in the middle stands behind where it stood."""
    middle = score.measures[len(score.measures) // 2]
    for measure in tied.measures:
        if (measure.printed, measure.visit) == (middle.printed, middle.visit):
            return measure.start_quarter - middle.start_quarter
    raise ValueError(f"bar {middle.printed} is not there any more")


def takes_against_one_another(data: Path, takes: Sequence[dict[str, str]]) -> Iterator[Row]:
    """Align every take of a group with every other one."""
    own = [take for take in takes if take["group"] == AGAINST_ONE_ANOTHER]
    features = {take["id"]: heard(data / take["audio"]) for take in own}
    truth = {take["id"]: read_truth(data / take["truth"]) for take in own}
    late_s = {}
    for take in own:
        audio = read_audio(data / take["audio"])
        onsets_s = truth[take["id"]][1]
        late_s[take["id"]] = lateness_s(audio.samples.mean(axis=1), audio.rate, onsets_s)
    for a, b in permutations(features, 2):
        shared = np.intersect1d(truth[a][0], truth[b][0])
        at_a, at_b = (np.interp(shared, *truth[k]) for k in (a, b))
        began = time.process_time()
        found = align_features(features[a], features[b])
        work_s = time.process_time() - began
        what = f"take → take, {AGAINST_ONE_ANOTHER}"
        yield Row(what, errors(found.map.second_s(at_a), at_b), work_s, features[b].duration_s)
        corrected = found.map.second_s(at_a + late_s[a]) - late_s[b]
        name = f"{what}, less the lateness of each file"
        yield Row(name, errors(corrected, at_b), work_s, features[b].duration_s)


def lateness_s(samples: npt.NDArray[np.float32], rate: int, times_s: FloatArray) -> float:
    """Find the lag at which the sound rises most after the true onsets."""
    hop = rate // 1000
    count = len(samples) // hop
    change = np.abs(np.diff(samples, prepend=0.0))[: count * hop]
    level = np.log(1e-4 + change.reshape(count, hop).mean(axis=1))
    rise = np.maximum(level[6:] - level[:-6], 0.0)
    lags = np.arange(-40, 80)
    at = (times_s * 1000.0).astype(int)
    total = [rise[np.clip(at + lag - 3, 0, len(rise) - 1)].sum() for lag in lags]
    return float(lags[int(np.argmax(total))]) / 1000.0


def pianists(data: Path) -> Iterator[Row]:
    """Align pianists rendered with one sound with others rendered with another."""
    from bridges.fluidsynth import OfflineSynth, find_soundfont

    font = find_soundfont(None)
    for folder in sorted((data / "timing" / "vienna").glob("*")):
        players = sorted(folder.glob("p*.csv"))
        for first, second in zip(players, players[7:], strict=False):
            if players.index(first) % 5 or players.index(first) // 5 >= VIENNA_PAIRS:
                continue
            sides = []
            for path, program in zip((first, second), VIENNA_SOUNDS, strict=True):
                with path.open() as file:
                    notes = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
                start_s = min(note["onset"] for note in notes) - 1.0
                messages = [TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, 1, program))]
                for note in notes:
                    pitch, q = int(note["pitch"]), note["quarter"]
                    on, off = note["onset"] - start_s, note["offset"] - start_s
                    struck = Message(Kind.ON, 1, pitch, int(note["velocity"]))
                    messages.append(TimedMessage(on, q, 1, struck))
                    messages.append(
                        TimedMessage(max(off, on + 0.05), q, 1, Message(Kind.OFF, 1, pitch))
                    )
                messages.sort(key=lambda m: m.time_s)
                with OfflineSynth(font, RATE) as synth:
                    sound = synth.render(messages, messages[-1].time_s + 1.0)
                earliest: dict[float, float] = {}
                for note in notes:
                    at = note["onset"] - start_s
                    earliest[note["quarter"]] = min(at, earliest.get(note["quarter"], np.inf))
                sides.append((sound_features(ArraySound(sound, RATE)), earliest))
            (a, when_a), (b, when_b) = sides
            shared = sorted(when_a.keys() & when_b.keys())
            began = time.process_time()
            found = align_features(a, b)
            at_a, at_b = (np.array([w[q] for q in shared]) for w in (when_a, when_b))
            yield Row(
                f"pianist → other pianist and sound, {folder.name}",
                errors(found.map.second_s(at_a), at_b),
                time.process_time() - began,
                b.duration_s,
            )


def table(rows: Sequence[Row]) -> str:
    """Pool the rows by what they are, as Markdown."""
    lines = [
        "| what | alignments | onsets | median | ≤ 50 ms | ≤ 100 ms | p95 | shift | × real time |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for what in dict.fromkeys(row.what for row in rows):
        own = [row for row in rows if row.what == what]
        signed = 1000.0 * np.concatenate([row.errors_s for row in own])
        off = np.abs(signed)
        work = sum(row.work_s for row in own) / sum(row.sound_s for row in own)
        lines.append(
            f"| {what} | {len(own)} | {len(off)} | {np.median(off):.1f} ms "
            f"| {100 * np.mean(off <= 50):.1f} % | {100 * np.mean(off <= 100):.1f} % "
            f"| {np.quantile(off, 0.95, method='lower'):.0f} ms | {np.median(signed):+.1f} ms "
            f"| {work:.3f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run it all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with manifest.csv")
    parser.add_argument("--out", type=Path, help="write the table there too")
    options = parser.parse_args()
    with (options.data / "manifest.csv").open(encoding="utf-8") as file:
        takes = list(csv.DictReader(file))
    rows = [
        *score_against_takes(options.data, takes),
        *tied_scores(options.data, takes),
        *takes_against_one_another(options.data, takes),
        *pianists(options.data),
    ]
    text = table(rows)
    print(text)  # noqa: T201
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
