"""matchmaker's followers over a manifest, measured as this project's own are.

    python tests/benchmarks/matchmaker.py MANIFEST.csv --python VENV/bin/python --out DIR

pymatchmaker 0.3 (OLTW after Arzt and after Dixon, outer-product HMM, switching Kalman filter) wants
numpy 1 and this project numpy 2, so it lives in a Python of its own::

    python -m venv VENV && VENV/bin/pip install --group bench        # pip 25.1 or newer

and every take is followed in a process of its own, with a time-out, and without the network. It is
given the solo alone, as a MIDI file of one track at the written tempo, and the take as it is
(unpacked, where it does not take the format).

What it says at *t* of its own clock it knows only when its window has been heard, two hops later:
that is when it is held to have said it (`traced`). So its figures are those of
`accompanist.takes.figures`: the position held at each true onset.

Traces are kept in DIR (``METHOD/TAKE.csv``, ``METHOD/TAKE.json``), and a take that has one is not
run again.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import mido
import numpy as np
import numpy.typing as npt
import soundfile as sf

from accompanist.app.evaluating.evaluation import ManifestTake, read_manifest
from accompanist.app.evaluating.material import open_material
from accompanist.score.model import Part
from accompanist.score.tempo import WrittenTempo, written_tempo
from accompanist.takes.figures import TakeErrors, measure
from accompanist.takes.pooling import summarise
from accompanist.takes.tables import read_truth
from bridges.soundfonts import find_soundfont

__all__ = ["METHODS", "Followed", "errors_of", "follow", "run_all", "traced", "write_solo"]

Array = npt.NDArray[np.float64]

METHODS: Final = ("arzt", "dixon", "outerhmm", "skf")
_WORKER: Final = Path(__file__).with_name("matchmaker_worker.py")
_TICKS: Final = 960
_TAKEN: Final = (".wav", ".flac", ".mp3", ".ogg")
_ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@dataclass(frozen=True, slots=True)
class Followed:
    """What a method made of a take: the worker's answer, or why there is none."""

    take: ManifestTake
    method: str
    answer: dict[str, Any]
    failure: str = ""


def write_solo(path: Path, solo: Part, tempo: WrittenTempo) -> float:
    """Write a part as MIDI, one track, 4/4 (a beat is a quarter); its tempo in quarters a minute.

    One tempo holds throughout, since the followers in question know only one: that which takes
    the solo to its end in the written time.
    """
    notes = [n for n in solo.notes if not n.grace]
    end = max(n.end_quarter for n in notes)
    qpm = 60.0 * end / float(tempo.to_seconds(end))
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(qpm), time=0))
    track.append(mido.MetaMessage("time_signature", numerator=4, denominator=4, time=0))
    events = []
    for note in notes:
        on = round(note.onset_quarter * _TICKS)
        off = max(round(note.end_quarter * _TICKS), on + 1)
        events += [(off, 0, note.pitch), (on, 64, note.pitch)]
    now = 0
    for tick, velocity, pitch in sorted(events):
        track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=tick - now))
        now = tick
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS)
    file.tracks.append(track)
    file.save(str(path))
    return qpm


def traced(
    perf_time_s: npt.ArrayLike, quarter: npt.ArrayLike, window_s: float
) -> tuple[Array, Array]:
    """Times at which positions were known, and the positions: the window is waited for.

    >>> traced([0.0, 0.5], [1.0, 2.0], 0.25)[0].tolist()
    [0.25, 0.75]
    """
    times = np.asarray(perf_time_s, dtype=np.float64) + window_s
    return times, np.asarray(quarter, dtype=np.float64)


def errors_of(followed: Followed) -> TakeErrors:
    """Errors of one take; one without an answer is lost, and every onset is missed.

    These followers report no onsets: a report is where the held position first reaches an event.
    """
    truth_quarter, truth_time_s = read_truth(followed.take.truth)
    if not followed.answer.get("quarter"):
        nothing = np.full(len(truth_time_s), np.inf)
        return TakeErrors(nothing, np.full(len(truth_time_s), np.nan), lost=True)
    answer = followed.answer
    times, quarters = traced(answer["perf_time_s"], answer["quarter"], answer["window_s"])
    reached = np.maximum.accumulate(quarters)
    events = np.unique(truth_quarter)
    row = np.searchsorted(reached, events - 1e-3)
    there = row < len(times)
    # Before anything is known the soloist is held to be at the beginning.
    return measure(
        truth_quarter=truth_quarter,
        truth_time_s=truth_time_s,
        trace_time_s=np.concatenate(([0.0], times)),
        trace_quarter=np.concatenate(([float(truth_quarter[0])], quarters)),
        reported_s=times[row[there]],
        reported_quarter=events[there],
    )


def _readable(audio: Path, scratch: Path) -> Path:
    """Give the take in a format that it takes: others (Opus) are unpacked, nothing else is done."""
    if audio.suffix.lower() in _TAKEN:
        return audio
    samples, rate = sf.read(str(audio), dtype="float32")
    unpacked = scratch / f"{audio.stem}.wav"
    sf.write(str(unpacked), samples, rate, subtype="FLOAT")
    return unpacked


def follow(
    take: ManifestTake, method: str, python: Path, folder: Path, timeout_s: float
) -> Followed:
    """Run one take in a process of its own; an answer that is there already is taken."""
    kept = folder / method / f"{take.id}.json"
    if kept.is_file():
        return Followed(take, method, json.loads(kept.read_text("utf-8")))
    kept.parent.mkdir(parents=True, exist_ok=True)
    opened = open_material(take.score, take.solo or None, "bayes")
    with tempfile.TemporaryDirectory() as scratch:
        solo = Path(scratch) / "solo.mid"
        answered = Path(scratch) / "answer.json"
        request = {
            "score": str(solo),
            "audio": str(_readable(take.audio.resolve(), Path(scratch))),
            "method": method,
            "qpm": write_solo(solo, opened.solo, written_tempo(opened.score)),
            "soundfont": str(find_soundfont(None)),
            "answer": str(answered),
        }
        asked = Path(scratch) / "request.json"
        asked.write_text(json.dumps(request), encoding="utf-8")
        command = [str(python), "-W", "ignore", "-P", str(_WORKER), str(asked)]
        try:
            done = subprocess.run(
                command,
                cwd=scratch,
                env={**os.environ, **_ONE_THREAD, "PYTHONPATH": ""},
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Followed(take, method, {}, f"no answer after {timeout_s:g} s")
        if done.returncode != 0 or not answered.is_file():
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            return Followed(take, method, {}, said[-1])
        answer = json.loads(answered.read_text("utf-8"))
    times, quarters = traced(answer["perf_time_s"], answer["quarter"], answer["window_s"])
    with kept.with_suffix(".csv").open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow(("time", "quarter"))
        writer.writerows((f"{t:.4f}", f"{q:.4f}") for t, q in zip(times, quarters, strict=True))
    kept.write_text(json.dumps(answer), encoding="utf-8")
    return Followed(take, method, answer)


def run_all(
    takes: Sequence[ManifestTake],
    methods: Sequence[str],
    python: Path,
    folder: Path,
    timeout_s: float,
) -> list[Followed]:
    """Run every take with every method, one after another, and tell of each."""
    out = []
    for take in takes:
        for method in methods:
            followed = follow(take, method, python, folder, timeout_s)
            out.append(followed)
            figures = summarise([errors_of(followed)])
            print(  # noqa: T201
                f"{method:9s} {take.id:32s} {figures['position_median_ms']:9.1f} ms"
                f" {100 * figures['position_within_50']:5.1f} %"
                f" {100 * figures['position_within_100']:5.1f} %"
                f" {'lost' if figures['lost'] else ''} {followed.failure}",
                flush=True,
            )
    return out


def main() -> int:
    """Run it all; 0 if every take has an answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--python", type=Path, required=True, help="where pymatchmaker is")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds a take")
    options = parser.parse_args()
    followed = run_all(
        read_manifest(options.manifest),
        options.methods.split(","),
        options.python.absolute(),
        options.out,
        options.timeout,
    )
    return 1 if any(f.failure for f in followed) else 0


if __name__ == "__main__":
    sys.exit(main())
