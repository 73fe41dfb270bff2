"""Pairs of recordings of the same music with true times, made from the evaluation data.

Three families: takes of one pianist against one another (``k265``), pianists rendered with
different sounds, the melody alone against the full recording (``vienna``), and parts recorded
alone and stretched by known smooth curves against the mix (``bach10``; optimistic, since the part
sounds in the mix). Each has pairs on which the follower was tuned and others (``aside``) that
were never looked at while tuning. Everything is cached in a folder of the caller's.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FAMILIES", "Pair", "make_pairs", "mono_sound", "render_notes", "stretched"]

FloatArray = npt.NDArray[np.float64]
Samples = npt.NDArray[np.float32]

FAMILIES = ("k265", "vienna", "bach10")
RATE = 44_100
SOUND_FONT = Path("/usr/share/sounds/sf2/default-GM.sf2")
SPREAD = 0.25
"""Tempo of the stretched stems: e to the power of ± this, a new value every eighth of the take."""

_CHUNK = 2205
_SAME_ONSET_S = 0.02
_VIENNA_LEAD_S = 1.0

FLUTE, CLARINET, PIANO, VIOLIN, TENOR_SAX, TRUMPET = 73, 71, 0, 40, 66, 56
CHOPIN, MOZART = "Chopin_op10_no3", "Mozart_K331_1st-mov"

VIENNA = (
    (CHOPIN, "p01", "p11", FLUTE),
    (CHOPIN, "p05", "p19", TENOR_SAX),
    (CHOPIN, "p14", "p08", PIANO),
    (MOZART, "p05", "p11", FLUTE),
    (MOZART, "p08", "p19", TENOR_SAX),
    (MOZART, "p02", "p16", PIANO),
)
VIENNA_ASIDE = (
    (CHOPIN, "p03", "p17", CLARINET),
    (CHOPIN, "p20", "p02", VIOLIN),
    (CHOPIN, "p09", "p13", FLUTE),
    (CHOPIN, "p12", "p06", TRUMPET),
    (MOZART, "p03", "p17", CLARINET),
    (MOZART, "p20", "p01", VIOLIN),
    (MOZART, "p09", "p13", FLUTE),
    (MOZART, "p12", "p06", TRUMPET),
)
BACH10 = (
    ("01", ("violin", "saxphone")),
    ("03", ("clarinet", "saxphone")),
    ("05", ("saxphone", "violin")),
    ("07", ("violin", "clarinet")),
    ("09", ("clarinet", "violin")),
)
BACH10_ASIDE = (
    ("01", ("clarinet", "bassoon")),
    ("03", ("violin", "bassoon")),
    ("05", ("clarinet", "bassoon")),
    ("07", ("saxphone", "bassoon")),
    ("09", ("saxphone", "bassoon")),
)
K265 = ("short1", "short_fast1", "short_slow1")


@dataclass(frozen=True, slots=True)
class Pair:
    """A recording, a soloist's take of the same music, and where the one is in the other."""

    family: str
    name: str
    recording: Path
    take: Path
    recording_s: FloatArray
    """Of each onset of the take [shape=(n,)], in the recording."""
    take_s: FloatArray
    aside: bool = False


def mono_sound(path: Path) -> tuple[Samples, int]:
    """Read a file: the mean of its channels, and its rate."""
    import soundfile

    samples, rate = soundfile.read(path, always_2d=True, dtype="float32")
    return np.ascontiguousarray(samples.mean(axis=1)), int(rate)


def make_pairs(data: Path, cache: Path, *, aside: bool) -> list[Pair]:
    """Make all pairs, or find them in ``cache``; those tuned on, or those kept aside."""
    cache.mkdir(parents=True, exist_ok=True)
    found = [*_vienna(data, cache, VIENNA_ASIDE if aside else VIENNA)]
    found += _bach10(data, cache, BACH10_ASIDE if aside else BACH10)
    if not aside:
        found = [*_k265(data), *found]
    return [_thinned(pair, aside) for pair in found]


def _thinned(pair: Pair, aside: bool) -> Pair:
    """Keep one onset of those that are struck together."""
    order = np.argsort(pair.take_s, kind="stable")
    take, recording = pair.take_s[order], pair.recording_s[order]
    keep = np.concatenate(([True], np.diff(take) > _SAME_ONSET_S))
    return Pair(
        pair.family, pair.name, pair.recording, pair.take, recording[keep], take[keep], aside
    )


def _k265(data: Path) -> Iterator[Pair]:
    folder = data / "piano-k265"
    truth = {
        take: np.loadtxt(folder / take / "truth.csv", delimiter=",", skiprows=1) for take in K265
    }
    for a in K265:
        for b in K265:
            if a != b:
                common = np.intersect1d(truth[a][:, 0], truth[b][:, 0])
                times = [np.interp(common, t[:, 0], t[:, 1]) for t in (truth[a], truth[b])]
                sounds = [folder / take / "take.mp3" for take in (a, b)]
                yield Pair("k265", f"{a} < {b}", sounds[0], sounds[1], times[0], times[1])


def _vienna(
    data: Path, cache: Path, wanted: tuple[tuple[str, str, str, int], ...]
) -> Iterator[Pair]:
    for piece, x, u, program in wanted:
        full, played = _performance(data, piece, x), _performance(data, piece, u)
        melody = played[played[:, 5] == 1]
        files = cache / f"{piece}-{x}-full.wav", cache / f"{piece}-{u}-melody-{program}.wav"
        for path, notes, sound in ((files[0], full, PIANO), (files[1], melody, program)):
            if not path.is_file():
                render_notes(notes[:, 1:5], sound, path)
        there, here = _onsets(full), _onsets(melody)
        name = f"{piece[:6]} {x} < {u} {program}"
        yield Pair("vienna", name, *files, np.interp(here[0], *there), here[1])


def _performance(data: Path, piece: str, player: str) -> FloatArray:
    columns = ("quarter", "onset", "offset", "pitch", "velocity", "part")
    with (data / "timing" / "vienna" / piece / f"{player}.csv").open(encoding="utf-8") as file:
        notes = np.array([[float(row[c]) for c in columns] for row in csv.DictReader(file)])
    notes[:, 1:3] += _VIENNA_LEAD_S - notes[0, 1]
    return notes


def _onsets(notes: FloatArray) -> tuple[FloatArray, FloatArray]:
    quarters = np.unique(notes[:, 0])
    return quarters, np.array([notes[notes[:, 0] == q, 1].min() for q in quarters])


def render_notes(notes: FloatArray, program: int, path: Path) -> None:
    """Render rows (onset, offset, pitch, velocity) with a sound of the general MIDI font."""
    import fluidsynth
    import soundfile

    synth = fluidsynth.Synth(samplerate=float(RATE), gain=0.5)
    synth.program_select(0, synth.sfload(str(SOUND_FONT)), 0, program)
    events = [(on, 1, int(p), int(v)) for on, _, p, v in notes]
    events += [(max(off, on + 0.05), 0, int(p), 0) for on, off, p, _ in notes]
    rendered, done = [], 0
    for time_s, on, pitch, velocity in sorted(events):
        count = round(time_s * RATE) - done
        if count > 0:
            rendered.append(synth.get_samples(count))
            done += count
        if on:
            synth.noteon(0, pitch, velocity)
        else:
            synth.noteoff(0, pitch)
    rendered.append(synth.get_samples(RATE))
    synth.delete()
    samples = np.concatenate(rendered).reshape(-1, 2).mean(axis=1) / 32768
    samples += np.random.default_rng(0).normal(0, 3e-4, len(samples))
    soundfile.write(path, samples, RATE)


def _bach10(
    data: Path, cache: Path, wanted: tuple[tuple[str, tuple[str, ...]], ...]
) -> Iterator[Pair]:
    for number, parts in wanted:
        folder = next((data / "bach10").glob(f"{number}-*"))
        for part in parts:
            path = cache / f"bach10-{number}-{part}.wav"
            curve = path.with_suffix(".json")
            if not curve.is_file():
                seed = int(number) * 10 + ("violin", "clarinet", "saxphone", "bassoon").index(part)
                _stretch_stem(folder / f"{part}.flac", path, curve, seed)
            there, here = np.array(json.loads(curve.read_text("utf-8")))
            onsets = np.loadtxt(folder / f"{part}.csv", delimiter=",", skiprows=1)[:, 1]
            take_s = np.interp(onsets, there, here)
            yield Pair("bach10", f"{number} {part}", folder / "mix.flac", path, onsets, take_s)


def _stretch_stem(source: Path, path: Path, curve: Path, seed: int) -> None:
    import soundfile

    samples, rate = mono_sound(source)
    rng = np.random.default_rng(seed)
    knots_s = np.linspace(0, len(samples) / rate, 9)
    tempi = np.exp(rng.uniform(-SPREAD, SPREAD, len(knots_s)))
    out, there, here = stretched(samples, rate, knots_s, tempi)
    soundfile.write(path, out, rate)
    curve.write_text(json.dumps([there.tolist(), here.tolist()]), encoding="utf-8")


def stretched(
    samples: Samples, rate: int, knots_s: FloatArray, tempi: FloatArray
) -> tuple[Samples, FloatArray, FloatArray]:
    """Stretch by a tempo that runs through ``tempi`` at ``knots_s``; the sound and its true map.

    The map is counted from the samples that each short chunk really became.
    """
    import python_stretch

    stretch: Any = python_stretch.Signalsmith.Stretch()
    stretch.preset(1, rate)
    chunks: list[Samples] = []
    there, here = [0.0], [0.0]
    for start in range(0, len(samples), _CHUNK):
        chunk = samples[None, start : start + _CHUNK]
        middle_s = (start + chunk.shape[1] / 2) / rate
        stretch.setTimeFactor(float(np.interp(middle_s, knots_s, tempi)))
        chunks.append(stretch.process(chunk)[0])
        there.append((start + chunk.shape[1]) / rate)
        here.append(here[-1] + len(chunks[-1]) / rate)
    return np.concatenate(chunks), np.array(there), np.array(here)
