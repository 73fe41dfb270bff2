"""How well soloists are taken out of recordings: a table for each method, on stems.

    python tests/benchmarks/separation.py DATA [--methods a,b] [--subset] [--voices] [--jobs N]
        [--sound other] [--stretch 1.12] [--seed 0]

DATA holds ``bach10/`` (each part of five chorales alone: every instrument is the solo once) and
``stems-voice/`` (singer and karaoke apart). What shows the solo is never the stem: for the chorales
the part rendered with another sound and timing, for singers a hum made of their pitch, in another
tempo and not even.

SI-SDR of the accompaniment (Le Roux et al. 2019), its gain over the mixture's, and how much the
solo is suppressed: level of the accompaniment in the estimate over that of the solo, by least
squares.
``oracle`` is a Wiener mask of the true stems, 4096 samples.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accompanist.errors import AccompanistError
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.recordings.separation.methods import (
    METHOD_NAMES,
    SeparationSettings,
    make_method,
    separate,
)
from accompanist.recordings.separation.stft import Frames, resynthesise, spectra
from accompanist.recordings.sound import ArraySound

FloatArray = npt.NDArray[np.float32]

PARTS = ("violin", "clarinet", "saxphone", "bassoon")
SOUNDS = {"usual": (73, 73, 56, 42), "other": (68, 40, 52, 57), "plucked": (46, 46, 46, 46)}
"""Programs of General MIDI that stand for the four parts."""

SUBSET = ((0, 0), (0, 2), (1, 1), (2, 3), (3, 0), (3, 1), (4, 2), (4, 3))
VOICES = 7
VOICE_GAIN = 10.0 ** (-4.9 / 20.0)
"""Singers as loud as a mixture of 4.9 dB, the mean of the chorales'."""

FIXED = ("mix", "oracle")


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One recording: what is in it, and what shows its solo."""

    name: str
    group: str
    rate: int
    solo: FloatArray
    accompaniment: FloatArray
    line: FloatArray


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one method on one item; decibels, seconds of compute a second, megabytes."""

    item: str
    group: str
    method: str
    si_sdr: float
    gain: float
    suppression: float
    cost: float
    memory: float
    failed: str = ""


def si_sdr(estimate: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Scale-invariant ratio of signal to distortion, decibels."""
    e, r = np.asarray(estimate, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    wanted = (e @ r) / (r @ r) * r
    return float(10.0 * np.log10((wanted @ wanted) / max(float(np.sum((e - wanted) ** 2)), 1e-20)))


def suppression(estimate: FloatArray, item: Item) -> float:
    """How much more of the accompaniment than of the solo is left, against the mixture, dB."""
    both = np.stack([item.accompaniment, item.solo], axis=1).astype(np.float64)
    kept, left = np.linalg.lstsq(both, estimate.astype(np.float64), rcond=None)[0]
    return float(20.0 * np.log10(abs(kept) / max(abs(left), 1e-6)))


def rendered(
    notes: Sequence[tuple[float, float, int]], program: int, stretch: float, seed: int
) -> FloatArray:
    """Play a part with another sound and slower, half a second of silence and some noise to it."""
    from bridges.fluidsynth import OfflineSynth, find_soundfont

    messages = [TimedMessage(0.0, 0.0, 1, Message(Kind.PROGRAM, 1, program))]
    for on_s, off_s, pitch in notes:
        begin, end = on_s * stretch + 0.5, max(off_s * stretch, on_s * stretch + 0.05) + 0.5
        messages.append(TimedMessage(begin, 0.0, 1, Message(Kind.ON, 1, pitch, 90)))
        messages.append(TimedMessage(end, 0.0, 1, Message(Kind.OFF, 1, pitch)))
    messages.sort(key=lambda m: (m.time_s, m.message.kind is Kind.ON))
    with OfflineSynth(find_soundfont(), 44100) as synth:
        sound = synth.render(messages, messages[-1].time_s + 1.0).mean(axis=1)
    noise = np.random.default_rng(seed + 7).normal(0.0, 3e-4, len(sound))
    return np.asarray(sound + noise, dtype=np.float32)


def hummed(voice: FloatArray, rate: int, stretch: float) -> FloatArray:
    """Hum what a voice sings, slower and swaying by ±4 % in tempo."""
    import librosa

    hop = 256
    pitch, voiced, _ = librosa.pyin(
        voice, fmin=70.0, fmax=900.0, sr=rate, frame_length=2048, hop_length=hop
    )
    length_s = len(voice) / rate * stretch
    at_s = np.arange(int(length_s * rate)) / rate
    sway = 0.04 * 4.0 / (2 * np.pi) * np.sin(2 * np.pi * at_s / 4.0)
    frame = np.clip((at_s + sway) / stretch * rate / hop, 0, len(pitch) - 1)
    known = np.flatnonzero(voiced)
    hz = np.interp(frame, known, pitch[known])
    sounding = voiced[np.rint(frame).astype(int)].astype(np.float64)
    level = np.convolve(sounding, np.hanning(rate // 50) / (rate // 100), mode="same")
    phase = 2 * np.pi * np.cumsum(hz) / rate
    hum = sum(np.sin(h * phase) / h**1.5 for h in range(1, 6)) * level * 0.2
    lead = np.zeros(int(0.3 * rate))
    sound = np.concatenate([lead, hum, lead])
    noise = np.random.default_rng(7).normal(0.0, 3e-4, len(sound))
    return np.asarray(sound + noise, dtype=np.float32)


def chorale(data: Path, piece: int, part: int, args: argparse.Namespace) -> Item:
    """Load a chorale with one part as the solo."""
    import pretty_midi
    import soundfile

    folder = sorted(p for p in (data / "bach10").iterdir() if p.is_dir())[piece]
    stems = [soundfile.read(folder / f"{name}.flac", dtype="float32")[0] for name in PARTS]
    length = min(map(len, stems))
    stack = np.stack([stem[:length] for stem in stems]) / 4
    score = pretty_midi.PrettyMIDI(str(folder / "score.mid"))
    notes = [(n.start, n.end, n.pitch) for n in score.instruments[part].notes]
    line = rendered(notes, SOUNDS[args.sound][part], args.stretch, args.seed)
    name = f"{folder.name[:2]} {PARTS[part]}"
    return Item(name, PARTS[part], 44100, stack[part], stack.sum(axis=0) - stack[part], line)


def singer(data: Path, number: int, args: argparse.Namespace) -> Item:
    """Load a singer; the first clip of every one of them in turn."""
    import soundfile

    path = sorted((data / "stems-voice").glob("*_01.solo.flac"))[number]
    solo, rate = soundfile.read(path, dtype="float32")
    other, _ = soundfile.read(
        path.with_name(path.name.replace(".solo", ".accompaniment")), dtype="float32"
    )
    length = min(len(solo), len(other))
    solo, other = solo[:length] * np.float32(args.voice_gain), other[:length]
    line = hummed(solo, rate, args.stretch)
    return Item(path.name.split(".")[0], "voice", rate, solo, other, line)


def oracle(item: Item) -> FloatArray:
    frames = Frames(4096, 1024)
    count = frames.count(len(item.solo))
    power = [
        np.abs(spectra(ArraySound(stem, item.rate), frames, 0, count)[0]) ** 2
        for stem in (item.solo, item.accompaniment)
    ]
    mask = (power[0] / (power[0] + power[1] + 1e-12)).astype(np.float32)
    mixture = item.solo + item.accompaniment
    solo = np.concatenate(list(resynthesise(ArraySound(mixture, item.rate), frames, [mask])))
    return np.asarray(mixture - solo[:, 0], dtype=np.float32)


def measure(work: tuple[str, tuple[str, int, int], argparse.Namespace]) -> Figures:
    """Run one method on one item; in a process of its own, for the memory."""
    method, (kind, first, second), args = work
    item = (
        chorale(args.data, first, second, args)
        if kind == "chorale"
        else singer(args.data, first, args)
    )
    mixture = item.solo + item.accompaniment
    before = time.process_time()
    try:
        estimate = _estimate(method, item, mixture, args)
    except AccompanistError as error:
        nothing = np.nan, np.nan, np.nan, np.nan, np.nan
        return Figures(item.name, item.group, method, *nothing, str(error))
    cost = (time.process_time() - before) / (len(mixture) / item.rate)
    reached = si_sdr(estimate, item.accompaniment)
    return Figures(
        item.name,
        item.group,
        method,
        reached,
        reached - si_sdr(mixture, item.accompaniment),
        suppression(estimate, item),
        cost,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _estimate(method: str, item: Item, mixture: FloatArray, args: argparse.Namespace) -> FloatArray:
    if method == "mix":
        return mixture
    if method == "oracle":
        return oracle(item)
    blocks: list[FloatArray] = []
    made = make_method(method)
    separate(
        ArraySound(mixture, item.rate),
        [ArraySound(item.line, item.rate)] if made.needs_solo else [],
        made,
        SeparationSettings(alpha=args.alpha, seed=args.seed),
        lambda accompaniment, solo: blocks.append(accompaniment),
    )
    return np.concatenate(blocks)[:, 0]


def table(results: Sequence[Figures]) -> Iterator[str]:
    """Lay out means by method: all chorales, each instrument, singers."""
    groups = [*dict.fromkeys(r.group for r in results if r.group != "voice")]
    yield "| method | items | SI-SDR | gain | suppression | compute | memory |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for method in dict.fromkeys(r.method for r in results):
        for title, wanted in (("chorales", groups), ("voices", ["voice"])):
            rows = [r for r in results if r.method == method and r.group in wanted and not r.failed]
            if not rows:
                continue
            each = " · ".join(
                f"{np.mean([r.si_sdr for r in rows if r.group == g]):.1f}"
                for g in wanted
                if any(r.group == g for r in rows)
            )
            mean: dict[str, Any] = {
                key: np.mean([getattr(r, key) for r in rows])
                for key in ("si_sdr", "gain", "suppression", "cost")
            }
            yield (
                f"| {method} | {len(rows)} {title} | {mean['si_sdr']:.2f} ({each}) | "
                f"{mean['gain']:.2f} | {mean['suppression']:.2f} | {mean['cost']:.2f} × | "
                f"{max(r.memory for r in rows):.0f} MB |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--methods", default=",".join((*FIXED, *METHOD_NAMES)))
    parser.add_argument("--subset", action="store_true", help="eight of the twenty chorale items")
    parser.add_argument("--voices", action="store_true", help="the singers only")
    parser.add_argument("--chorales", action="store_true", help="the chorales only")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--sound", choices=SOUNDS, default="usual")
    parser.add_argument("--stretch", type=float, default=1.12)
    parser.add_argument("--voice-gain", type=float, default=VOICE_GAIN)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pairs = SUBSET if args.subset else [(i, k) for i in range(5) for k in range(4)]
    items = [] if args.voices else [("chorale", i, k) for i, k in pairs]
    items += [] if args.chorales else [("voice", n, 0) for n in range(VOICES)]
    work = [(method, item, args) for method in args.methods.split(",") for item in items]
    results = []
    with ProcessPoolExecutor(args.jobs, max_tasks_per_child=1) as pool:
        for one in pool.map(measure, work):
            results.append(one)
            print(  # noqa: T201
                f"{one.method} {one.item}: {one.si_sdr:.2f} dB, suppressed {one.suppression:.2f}, "
                f"{one.cost:.2f} × {one.failed}",
                flush=True,
            )
    print("\n".join(["", *table(results)]))  # noqa: T201


if __name__ == "__main__":
    main()
