"""A recording made like a concerto, its soloist taken out, takes of it accompanied: a table.

    python tests/benchmarks/concerto.py [FOLDER] [--quality fast|full] [--noise-db -70]
        [--shown-rest SECONDS]

Introduction, solo, tutti, solo, played by FluidSynth (strings, clarinet, a violin). What shows the
solo is a flute, slower, with the rests or (``--shown-rest``) shorter ones. Takes: the soloist
begins at once; comes in late behind the tutti; early; waits for the end of the introduction.

Printed are the rests that were found, and of each take where the orchestra was at the soloist's
onsets, in ms from where it should have been: from 0.3 to 1.5 s into each solo, and behind that. (At
the very first note of each it waits for them.)
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from accompanist.app.offline import OfflineSettings, run_take
from accompanist.app.pieces import open_any, reference_of
from accompanist.app.separating.run import Choice
from accompanist.app.separating.separate import separate_piece
from accompanist.conducting.settings import ConductorSettings
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.tempo import written_tempo
from accompanist.session import Step
from bridges.fluidsynth import OfflineSynth, find_soundfont
from score_library.catalogue import Piece

FloatArray = npt.NDArray[np.float32]
Note = tuple[float, float, int, int, int]
"""Onset, length, pitch, channel, velocity."""

RATE = 44_100
BEAT_S = 0.6
BARS = (4, 6, 4, 6)
"""Of introduction, solo, tutti, solo."""
CHORDS = (
    (48, 60, 64, 67), (53, 60, 65, 69), (55, 59, 62, 67), (48, 60, 64, 67),
    (45, 60, 64, 69), (50, 62, 65, 69), (55, 59, 62, 65), (48, 60, 64, 67),
)  # fmt: skip
SCALE = (72, 74, 76, 77, 79, 81, 83, 84, 86)
VIOLIN, STRINGS, CLARINET, FLUTE = 40, 48, 71, 73


def orchestra() -> list[Note]:
    """Chords on every beat, broken ones above them, all through."""
    notes: list[Note] = []
    for bar in range(sum(BARS)):
        bass, *chord = CHORDS[bar % len(CHORDS)]
        begin = bar * 4 * BEAT_S
        for beat in range(4):
            at = begin + beat * BEAT_S
            notes.append((at, 0.9 * BEAT_S, bass - 12 * (beat % 2 == 0), 2, 80))
            notes += [(at, 0.85 * BEAT_S, pitch, 3, 70) for pitch in chord]
        for half in range(8):
            at = begin + half * BEAT_S / 2
            notes.append((at, 0.45 * BEAT_S, chord[half % 3] + 12, 4, 64))
    return notes


def melody(first_bar: int, bars: int, seed: int) -> list[Note]:
    """A line that goes up and down the scale in uneven notes."""
    rng, notes = np.random.default_rng(seed), []
    at, end, step = first_bar * 4 * BEAT_S, (first_bar + bars) * 4 * BEAT_S, 4
    while at < end - 1e-6:
        length = min(float(rng.choice([0.5, 1.0, 1.0, 1.5])) * BEAT_S, end - at)
        step = int(np.clip(step + rng.integers(-2, 3), 0, len(SCALE) - 1))
        notes.append((at, 0.95 * length, SCALE[step], 1, 100))
        at += length
    return notes


def played(notes: Iterable[Note], programs: dict[int, int]) -> FloatArray:
    """Let FluidSynth play [shape=(n, 2)]."""
    messages = [TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, c, p)) for c, p in programs.items()]
    for at, length, pitch, channel, velocity in notes:
        messages.append(TimedMessage(at, 0.0, 1, Message(Kind.ON, channel, pitch, velocity)))
        messages.append(TimedMessage(at + length, 0.0, 1, Message(Kind.OFF, channel, pitch)))
    messages.sort(key=lambda m: (m.time_s, m.message.kind is Kind.ON))
    with OfflineSynth(find_soundfont(), RATE) as synth:
        return np.asarray(synth.render(messages, messages[-1].time_s + 1.0), dtype=np.float32)


def moved(notes: Sequence[Note], begin_s: float, stretch: float) -> list[Note]:
    """Have a solo begin at a moment, and go so much slower."""
    first = notes[0][0]
    return [(begin_s + (t - first) * stretch, d * stretch, p, c, v) for t, d, p, c, v in notes]


def make(folder: Path, quality: str, rest_s: float | None) -> tuple[Piece, list[Note], list[Note]]:
    """Make the recording and take its soloist out."""
    first = melody(BARS[0], BARS[1], 1)
    second = melody(sum(BARS[:3]), BARS[3], 2)
    others = played(orchestra(), {2: STRINGS, 3: STRINGS, 4: CLARINET})
    solo = played(first + second, {1: VIOLIN})
    both = np.zeros((max(len(others), len(solo)), 2), dtype=np.float32)
    both[: len(others)] += others
    both[: len(solo)] += 1.2 * solo
    soundfile.write(folder / "concerto.flac", 0.8 * both / np.abs(both).max(), RATE)
    shown = moved(first, 0.5, 1.08)
    between_s = second[0][0] - first[-1][0] - first[-1][1]
    rest_s = 1.08 * between_s if rest_s is None else rest_s
    shown += moved(second, shown[-1][0] + shown[-1][1] + rest_s, 1.08)
    soundfile.write(folder / "shown.wav", played(shown, {1: FLUTE}).mean(axis=1), RATE)
    name = str(folder / "concerto.flac")
    separate_piece(open_any(name), [folder / "shown.wav"], Choice(quality=quality))
    return open_any(name), first, second


def accompanied(
    piece: Piece, notes: Sequence[Note], places_s: npt.NDArray[np.float64], noise_db: float,
    *, introduced: bool,
) -> npt.NDArray[np.float64]:  # fmt: skip
    """Give how far the orchestra was ahead at each onset, seconds."""
    sound = played(notes, {1: VIOLIN}).mean(axis=1)
    noise = np.random.default_rng(3).normal(0.0, 10.0 ** (noise_db / 20.0), len(sound))
    how = ConductorSettings()
    if introduced:
        how = ConductorSettings(start="countin", start_at_s=0.0, countin_bars=0.0)
    way: list[tuple[float, float]] = []

    def hear(step: Step) -> None:
        way.append((step.estimate.time_s, step.played_quarter))

    run_take(
        piece.score, piece.solo_part, (sound + noise).astype(np.float32), RATE,
        OfflineSettings("recording", how), reference=reference_of(piece), each=hear,
    )  # fmt: skip
    times, quarters = np.array(way).T
    onsets = np.array([n[0] for n in notes])
    there = written_tempo(piece.score).to_seconds(np.interp(onsets, times, quarters))
    return np.asarray(there - places_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--quality", default="fast", choices=("fast", "full"))
    parser.add_argument("--noise-db", type=float, default=-70.0)
    parser.add_argument("--shown-rest", type=float, metavar="SECONDS")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="concerto-"))
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")  # what was shown before is kept there
    piece, first, second = make(folder, args.quality, args.shown_rest)
    tempo = written_tempo(piece.score)
    onsets = tempo.to_seconds([n.onset_quarter for n in piece.solo_part.notes])
    end = first[-1][0] + first[-1][1]
    tutti = onsets[onsets > end + 1.0]
    within = onsets < first[0][0] - 0.5
    within |= (onsets > end + 0.5) & (onsets < second[0][0] - 0.5)
    print(  # noqa: T201
        f"entries at {first[0][0]:.2f} and {second[0][0]:.2f} s, found at {onsets[0]:.2f} and "
        f"{tutti[0]:.2f} s; events within the rests: {int(within.sum())}"
    )
    print("| take | 0.3 to 1.5 s into a solo, median / worst ms | behind that, median / worst ms |")  # noqa: T201
    print("| --- | --- | --- |")  # noqa: T201
    places = np.array([n[0] for n in (*first, *second)])
    rest_s = second[0][0] - end
    for name, begin_s, stretches, late_s, introduced in (
        ("begins at once", 0.5, (1.1, 1.0), 0.0, False),
        ("3 s late behind the tutti", 0.5, (1.1, 1.0), 3.0, False),
        ("2 s early", 0.5, (1.1, 1.0), -2.0, False),
        ("waits for the introduction, 0.9 s late", first[0][0] + 0.9, (1.05, 0.95), 0.0, True),
    ):
        solo = moved(first, begin_s, stretches[0])
        ended = solo[-1][0] + solo[-1][1]
        entry = ended + rest_s * stretches[0] + late_s
        notes = solo + moved(second, entry, stretches[1])
        off_ms = 1000.0 * np.abs(
            accompanied(piece, notes, places, args.noise_db, introduced=introduced)
        )
        at = np.array([n[0] for n in notes])
        into = np.where(at < entry, at - begin_s, at - entry)
        soon = (into > 0.3) & (into < 1.5)
        told = [f"{np.median(off_ms[m]):.0f} / {off_ms[m].max():.0f}" for m in (soon, into >= 1.5)]
        print(f"| {name} | {told[0]} | {told[1]} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
