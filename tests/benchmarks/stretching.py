"""How well time is stretched: music against the same music played at the other tempo.

Run by hand: ``python tests/benchmarks/stretching.py [--write]``; it needs FluidSynth and a sound
font. ``--write`` puts the tables into ``RESULTS.md`` beside this file.

- *distance*: bundled pieces are played by FluidSynth at the recorded and at the other tempo; the
  former is stretched and compared with the latter. Root mean square of the difference of
  log-mel spectra, dB, over what is less than 60 dB below the loudest; *fine in time* with windows
  of 23 ms, *fine in frequency* with windows of 93 ms. FluidSynth's notes do not die away slower at
  a slower tempo, so that no method reaches zero.
- *attack*: by how many dB the 20 ms from a true onset on are louder than the 20 ms that end 5 ms
  before it; less what they are in the reference. Negative: blunted.
- *bursts*: the same of bursts of noise in a soft chord, against the unstretched sound.
- *pitch*: the partial of a harmonic tone that is farthest from where it belongs, cents.
- *place*: how far the centre of a click is from where it belongs, the worst of fifty.
- *held*: how far the spectrum of the first three seconds of a held sound is from that of the
  140 ms before, dB, and how much its loudness fluctuates, standard deviation over 10 ms in dB;
  twenty places in the pieces. *Standing still* is the stretcher at rate 0, for comparison.
- *cost*: seconds of computing a second of stereo sound at 44.1 kHz, rendered 256 samples at a time.

``signalsmith`` is python-stretch, which stretches a whole sound at one rate and cannot be used
live (its ``process`` begins anew at each call); it is here for comparison.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from accompanist.performing.performer import Performer
from accompanist.performing.planning import accompaniment_plan
from accompanist.performing.playback.player import Playback
from accompanist.recordings.sound import ArraySound
from accompanist.recordings.stretching.freeze import Freeze
from accompanist.recordings.stretching.protocol import Stretcher
from accompanist.recordings.stretching.registry import make_stretcher, stretcher_names
from accompanist.score.tempo import WrittenTempo, written_tempo
from bridges.fluidsynth import OfflineSynth, find_soundfont
from score_library.catalogue import open_piece

FloatArray = npt.NDArray[np.float32]
Stretch = Callable[[FloatArray, float], FloatArray]

RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- stretching -->", "<!-- /stretching -->"
RATE = 44_100
TEMPI = (0.8, 0.9, 1.1, 1.25)
PIECES = (
    "weber-concertino",
    "bach-prelude-c",
    "schubert-lindenbaum",
    "mozart-k156-adagio",
    "when-the-saints",
)
LENGTH_S = 16.0
LEAD_S = 0.5
BLOCK = 256


@dataclass(frozen=True, eq=False)
class Music:
    """A piece at one tempo [samples shape=(n, 2)], and the true places of its onsets."""

    samples: FloatArray
    onsets_s: npt.NDArray[np.float64]


def play(piece: str, tempo: float) -> Music:
    """Let FluidSynth play the beginning of a piece."""
    score = open_piece(piece).score
    written = written_tempo(score)
    line = Timeline(
        tuple(float(s) / tempo + LEAD_S for s in written.seconds),
        tuple(float(q) for q in written.quarters),
        written.last_rate * tempo,
    )
    performer = Performer(accompaniment_plan(score, 0, written))
    messages = [*performer.take(Cue(0.0, line, "following"))]
    messages += performer.due(LEAD_S + LENGTH_S / tempo)
    with OfflineSynth(find_soundfont(), RATE) as synth:
        samples = synth.render(messages, LEAD_S + LENGTH_S / tempo)[round(LEAD_S * RATE) :]
    struck = {round(m.time_s - LEAD_S, 4) for m in messages if m.message.kind.value == "on"}
    return Music(0.7 * samples / np.abs(samples).max(), np.array(sorted(struck)))


def with_stretcher(name: str) -> Stretch:
    """Stretch as it is done while playing: a few samples at a time."""

    def stretch(samples: FloatArray, rate: float) -> FloatArray:
        source = make_stretcher(name)(ArraySound(samples, RATE))
        source.locate(0.0, rate)
        count = int(len(samples) / rate) // BLOCK
        return np.concatenate([source.render(BLOCK, rate) for _ in range(count)])

    return stretch


def signalsmith(samples: FloatArray, rate: float) -> FloatArray:
    """Stretch a whole sound at once with python-stretch, as it comes."""
    from python_stretch import Signalsmith

    stretch = Signalsmith.Stretch(0)
    stretch.preset(samples.shape[1], float(RATE))
    stretch.timeFactor = rate
    return np.asarray(stretch.process(np.ascontiguousarray(samples.T))).T


def log_mel(samples: FloatArray, size: int, hop: int, bands: int) -> npt.NDArray[np.float64]:
    import librosa

    filters = librosa.filters.mel(sr=RATE, n_fft=size, n_mels=bands, fmin=40, fmax=16_000)
    power = np.abs(librosa.stft(samples.mean(axis=1), n_fft=size, hop_length=hop)) ** 2
    return np.asarray(10 * np.log10(filters @ power + 1e-6))


def distance_db(one: FloatArray, other: FloatArray, size: int, hop: int, bands: int) -> float:
    first, second = log_mel(one, size, hop, bands), log_mel(other, size, hop, bands)
    heard = np.maximum(first, second) > first.max() - 60
    sounding = first.max(axis=0) > first.max() - 45
    squares = np.where(heard, (first - second) ** 2, 0.0)[:, sounding].sum(axis=0)
    return float(np.sqrt(squares / np.maximum(heard[:, sounding].sum(axis=0), 1)).mean())


def attacks_db(samples: FloatArray, onsets_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """By how much it is louder behind each onset than before."""
    total = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64).sum(axis=1))))

    def power(begin_s: float, end_s: float) -> npt.NDArray[np.float64]:
        begin = np.round((onsets_s + begin_s) * RATE).astype(int)
        end = np.round((onsets_s + end_s) * RATE).astype(int)
        return np.asarray((total[end] - total[begin]) / (end - begin) + 1e-9)

    return np.asarray(10 * np.log10(power(0.0, 0.02) / power(-0.025, -0.005)))


def bursts() -> Music:
    """Bursts of noise in a soft chord."""
    t = np.arange(8 * RATE) / RATE
    chord_hz = np.array((220.0, 277.2, 329.6, 440.0))
    out = 0.02 * np.sin(2 * np.pi * chord_hz[:, None] * t).sum(axis=0)
    chance, onsets_s = np.random.default_rng(0), np.arange(1.0, 7.0, 0.37)
    for onset_s in onsets_s:
        at = int(onset_s * RATE)
        decay = np.exp(-np.arange(4410) / 600)
        out[at : at + 4410] += 0.3 * decay * chance.standard_normal(4410)
    return Music(np.stack((out, out), axis=1).astype(np.float32), onsets_s)


def worst_cents(stretch: Stretch, rate: float) -> float:
    t = np.arange(4 * RATE) / RATE
    hz = 196.0 * np.arange(1, 13)
    tone = sum(0.8**k * np.sin(2 * np.pi * f * t + k * k) for k, f in enumerate(hz))
    out = stretch(np.stack((0.05 * tone,) * 2, axis=1).astype(np.float32), rate)
    part = out[RATE // 2 : RATE // 2 + 2 * RATE, 0]
    spectrum = np.log(np.abs(np.fft.rfft(part * np.hanning(len(part)))) + 1e-12)
    errors = []
    for f in hz:
        k = round(f * 2) - 4 + int(np.argmax(spectrum[round(f * 2) - 4 : round(f * 2) + 5]))
        a, b, c = spectrum[k - 1 : k + 2]
        found = (k + 0.5 * (a - c) / (a - 2 * b + c)) / 2
        errors.append(abs(1200 * np.log2(found / f)))
    return float(max(errors))


def worst_place_ms(stretch: Stretch, rate: float) -> float:
    apart = RATE // 10
    clicks = np.zeros((6 * RATE, 2), dtype=np.float32)
    clicks[apart::apart] = 0.5
    out = stretch(clicks, rate)
    errors = []
    for i in range(5, 55):
        due = apart * i / rate
        first = round(due) - 800
        power = np.square(out[first : first + 1600, 0], dtype=np.float64)
        if len(power) == 1600:
            centre = first + (power * np.arange(1600)).sum() / power.sum()
            errors.append(abs(centre - due) / RATE * 1000)
    return float(max(errors))


def row(name: str, stretch: Stretch, music: dict[tuple[str, float], Music]) -> list[str]:
    """Measure one way of stretching."""
    distances: dict[float, list[tuple[float, float]]] = {tempo: [] for tempo in TEMPI}
    attacks: list[float] = []
    spent_s = given_s = 0.0
    for piece in PIECES:
        for tempo in TEMPI:
            reference = music[piece, tempo]
            began = time.process_time()
            out = stretch(music[piece, 1.0].samples, tempo)
            spent_s += time.process_time() - began
            given_s += len(out) / RATE
            count = min(len(out), len(reference.samples))
            out, there = out[:count], reference.samples[:count]
            distances[tempo].append(
                (distance_db(there, out, 1024, 220, 80), distance_db(there, out, 4096, 1024, 128))
            )
            onsets_s = reference.onsets_s
            onsets_s = onsets_s[(onsets_s > 0.1) & (onsets_s < count / RATE - 0.1)]
            attacks.append(float(np.mean(attacks_db(out, onsets_s) - attacks_db(there, onsets_s))))
    noisy = bursts()
    burst = np.mean(
        [
            attacks_db(stretch(noisy.samples, tempo), noisy.onsets_s / tempo)
            - attacks_db(noisy.samples, noisy.onsets_s)
            for tempo in (TEMPI[0], TEMPI[-1])
        ]
    )
    fine = [float(np.mean([d[0] for d in distances[tempo]])) for tempo in TEMPI]
    every = np.array([pair for pairs in distances.values() for pair in pairs])
    cells = [f"{value:.2f}" for value in (*every.mean(axis=0), *fine)]
    cells += [f"{np.mean(attacks):+.2f}", f"{burst:+.1f}"]
    cells.append(f"{max(worst_cents(stretch, t) for t in TEMPI):.2f}")
    cells.append(f"{max(worst_place_ms(stretch, t) for t in TEMPI):.1f}")
    return [name, *cells, f"{100 * spent_s / given_s:.1f} %"]


def turning_ms() -> tuple[float, float]:
    """How long a changed tempo takes to be heard: median and worst of a few moments.

    The tempo rises by a quarter. A single click, due ever later, tells when: it counts as soon as
    it comes half a millisecond before the old tempo would have had it.
    """
    waits = []
    for moment_s in 1.0 + np.arange(8) * 0.0137:
        for wait_ms in range(2, 200, 2):
            due = round((moment_s + wait_ms / 1000) * RATE)
            click = np.zeros(2 * RATE, dtype=np.float32)
            click[due] = 0.5
            player = one_player(click)
            player.take(cue(0.0, 0.5, 1.0))
            player.take(cue(moment_s - 0.5, moment_s, 1.25))
            out = player.render(0.0, RATE)[:, 0]
            power = np.square(out, dtype=np.float64)
            centre = (power * np.arange(RATE)).sum() / power.sum()
            if due - RATE // 2 - centre > 0.0005 * RATE:
                waits.append(float(wait_ms))
                break
    return float(np.median(waits)), max(waits)


def held(music: dict[tuple[str, float], Music], *, freeze: bool) -> tuple[float, float]:
    """Distance and fluctuation of held sounds."""
    found = []
    for piece in PIECES:
        sound = ArraySound(music[piece, 1.0].samples, RATE)
        for at_s in (2.3, 4.9, 7.7, 10.1):
            at = round(at_s * RATE)
            if freeze:
                source: Stretcher = Freeze(sound)
                source.locate(at, 0.0)
            else:
                source = make_stretcher()(sound)
                source.locate(at - RATE, 1.0)
                source.render(RATE - source.lookahead, 1.0)
                source.render(source.lookahead, 0.0)
            out, before = source.render(3 * RATE, 0.0), sound.read(at - 6174, 6174)
            level = 10 * np.log10(np.square(out).mean(axis=1).reshape(-1, RATE // 100).mean(1))
            there, here = mean_spectrum_db(before), mean_spectrum_db(out)
            heard = there > there.max() - 50
            found.append((np.sqrt(np.mean((here - there)[heard] ** 2)), level.std()))
    distance, fluctuation = np.mean(found, axis=0)
    return float(distance), float(fluctuation)


def mean_spectrum_db(samples: FloatArray) -> npt.NDArray[np.float64]:
    mono, window = samples.mean(axis=1), np.hanning(4096)
    frames = [mono[i : i + 4096] * window for i in range(0, len(mono) - 4095, 2048)]
    power = np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0)
    return np.asarray(10 * np.log10(power[: 8 * (len(power) // 8)].reshape(-1, 8).mean(1) + 1e-9))


def playing(samples: FloatArray) -> tuple[float, float]:
    """Share of a core, and the most computing for 256 samples in ms: rubato, holds and jumps."""
    player = one_player(samples, 0.5 * samples)
    player.solo_level = 0.3
    place_s, jumps, times = 0.0, 0, []
    began = time.process_time()
    count = 40 * RATE // BLOCK
    for i in range(count):
        now_s = i * BLOCK / RATE
        speed = 1.0 + 0.2 * np.sin(now_s)
        held = 3.0 < now_s % 8.0 < 4.0
        if i % 500 == 499:
            jumps, place_s = jumps + 1, (7.3 * jumps) % 10
        before = time.thread_time()
        player.take(cue(now_s, place_s, speed, place_s if held else float("inf"), jumps))
        player.render(now_s, BLOCK)
        times.append(time.thread_time() - before)
        place_s += 0.0 if held else speed * BLOCK / RATE
    return (time.process_time() - began) / (count * BLOCK / RATE), 1000 * max(times)


def one_player(mix: FloatArray, accompaniment: FloatArray | None = None) -> Playback:
    ends = np.array([0.0, 1.0])
    return Playback(
        ArraySound(mix, RATE),
        None if accompaniment is None else ArraySound(accompaniment, RATE),
        WrittenTempo(ends, ends, 1.0, 1.0),
        out_rate=RATE,
        stretch=make_stretcher(),
    )


def cue(
    time_s: float, place_s: float, speed: float, gate_s: float = float("inf"), jumps: int = 0
) -> Cue:
    line = Timeline((time_s,), (place_s,), speed, gate_s)
    return Cue(time_s, line, "following", jumps)


def report() -> str:
    sys.stderr.write("playing the pieces …\n")
    music = {(p, tempo): play(p, tempo) for p in PIECES for tempo in (*TEMPI, 1.0)}
    ways: list[tuple[str, Stretch]] = [(n, with_stretcher(n)) for n in stretcher_names()]
    ways.append(("signalsmith (whole)", signalsmith))
    head = ["", "distance, fine in time (dB)", "… in frequency"]
    head += [f"… in time at {tempo:g}" for tempo in TEMPI]
    head += ["attack (dB)", "bursts (dB)", "pitch (cents)", "place (ms)", "cost"]
    lines = [BEGIN, "## Stretching", "", f"Written by `tests/benchmarks/stretching.py`, {today()}."]
    lines += ["", "| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for name, stretch in ways:
        sys.stderr.write(f"{name} …\n")
        lines.append("| " + " | ".join(row(name, stretch, music)) + " |")
    median_ms, worst_ms = turning_ms()
    share, longest_ms = playing(music[PIECES[0], 1.0].samples)
    lines += ["", "| playing | aim | measured |", "| --- | ---: | ---: |"]
    lines.append(
        "| tempo change to audible tempo change, median · worst | ≤ 60 ms "
        f"| {median_ms:.0f} · {worst_ms:.0f} ms |"
    )
    for name, freeze in (("held sound", True), ("standing still", False)):
        distance, fluctuation = held(music, freeze=freeze)
        lines.append(f"| {name}: spectrum, loudness | | {distance:.1f} · {fluctuation:.1f} dB |")
    lines.append(
        "| share of a core, stereo at 44.1 kHz, solo level 0.3, rubato, holds and jumps "
        f"| ≤ 15 % | {100 * share:.1f} % |"
    )
    lines.append(f"| most computing for 256 samples, at a jump | | {longest_ms:.1f} ms |")
    return "\n".join([*lines, END])


def today() -> str:
    return date.today().isoformat()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args(arguments)
    text = report()
    sys.stdout.write(f"{text}\n")
    if words.write:
        there = RESULTS.read_text("utf-8")
        if BEGIN in there:
            before, rest = there.split(BEGIN, 1)
            there = before + text + rest.split(END, 1)[1]
        else:
            there = there.rstrip() + "\n\n" + text + "\n"
        RESULTS.write_text(there, encoding="utf-8")


if __name__ == "__main__":
    main()
