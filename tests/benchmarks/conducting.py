"""How well the soloist is predicted and met, with exact ears: real players' timing as the solo.

Run by hand: ``python tests/benchmarks/conducting.py DATA``, DATA holding ``timing/`` and
``bach10/``. Every solo onset is reported with a delay; some are late, some are never reported.
The conductor runs on a virtual clock, hop by hop; a list of positions stands for the scheduler.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.expecting.expectation import Expectation
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.kalman_tempo import KalmanTempo
from accompanist.conducting.linear_tempo import LinearTempo
from accompanist.conducting.settings import ConductorSettings
from accompanist.conducting.tempo_model import TempoModel
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport
from accompanist.score.model import Note, Part, Score
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo

FloatArray = npt.NDArray[np.float64]
HOP_S = 256 / 44100
_PASSED_S = 0.1
"""So long after a missed onset the follower's position is past it all the same."""


@dataclass(frozen=True)
class Take:
    """A performance: the solo's true times and where the ensemble has notes."""

    name: str
    solo: SoloLine
    times_s: FloatArray
    others: tuple[float, ...]
    tempo: WrittenTempo
    first_event: int = 0


@dataclass(frozen=True)
class Ears:
    """How the onsets are reported; ``delay_s`` is the follower's own idea of its delay."""

    mean_s: float = 0.025
    sd_s: float = 0.010
    late_share: float = 0.05
    late_s: float = 0.060
    missed: float = 0.02

    def delays(self, count: int, seed: int) -> FloatArray:
        """Delay of each report in seconds, NaN where the onset is missed."""
        rng = np.random.default_rng(seed)
        delays = np.maximum(rng.normal(self.mean_s, self.sd_s, count), 0.003)
        delays[rng.random(count) < self.late_share] = self.late_s
        missed = rng.random(count) < self.missed
        missed[0] = False
        delays[missed] = np.nan
        return delays

    @property
    def known_s(self) -> float:
        return (1 - self.late_share) * self.mean_s + self.late_share * self.late_s


def steady(qpm: float) -> WrittenTempo:
    return WrittenTempo(np.array([0.0]), np.array([0.0]), qpm / 60.0, qpm / 60.0)


def timing_take(path: Path, seed: int) -> Take:
    """A file of ``timing/``: part 1 is the solo, the tempo is known to 15 %."""
    with path.open() as lines:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]
    tune = [r for r in rows if r["part"] == 1]
    notes = tuple(Note(r["quarter"], max(r["duration"], 0.05), int(r["pitch"])) for r in tune)
    solo = solo_line(Part(1, "solo", notes))
    onsets = solo.onsets_quarter
    top: dict[int, tuple[float, float]] = {}
    for r in tune:
        event = int(np.searchsorted(onsets, r["quarter"] + 1e-6)) - 1
        top[event] = max(top.get(event, (-1.0, 0.0)), (r["pitch"], r["onset"]))
    times = np.array([top[i][1] for i in range(len(onsets))])
    times = np.maximum.accumulate(times) + np.arange(len(times)) * 1e-6
    spq = (times[-1] - times[0]) / (onsets[-1] - onsets[0])
    known = spq * np.exp(np.random.default_rng(seed).normal(0.0, 0.15))
    others = tuple(sorted({r["quarter"] for r in rows if r["part"] != 1}))
    return Take(path.stem, solo, times, others, steady(60.0 / known))


def chorale_takes(folder: Path) -> Iterator[Take]:
    """Each part of a chorale as the solo, the other three as the ensemble."""
    midi = mido.MidiFile(folder / "score.mid")
    tempo = next(m.tempo for t in midi.tracks for m in t if m.type == "set_tempo")
    parts = [_midi_notes(track, midi.ticks_per_beat) for track in midi.tracks]
    parts = [p for p in parts if p]
    for name, own in zip(("violin", "clarinet", "saxphone", "bassoon"), parts, strict=True):
        with (folder / f"{name}.csv").open() as lines:
            truth = [(float(r["quarter"]), float(r["time"])) for r in csv.DictReader(lines)]
        solo = solo_line(Part(1, name, tuple(own)))
        known = dict(truth)
        times = np.array(
            [
                known.get(round(float(q), 3), known.get(float(q), np.nan))
                for q in solo.onsets_quarter
            ]
        )
        gaps = np.isnan(times)
        times[gaps] = np.interp(
            solo.onsets_quarter[gaps], [q for q, _ in truth], [t for _, t in truth]
        )
        others = {n.onset_quarter for p in parts if p is not own for n in p}
        label = f"{folder.name[:2]}-{name}"
        yield Take(label, solo, times, tuple(sorted(others)), steady(mido.tempo2bpm(tempo)))


def _midi_notes(track: mido.MidiTrack, ticks: int) -> list[Note]:
    at, open_notes, notes = 0, {}, []
    for message in track:
        at += message.time
        if message.type == "note_on" and message.velocity:
            open_notes[message.note] = at
        elif message.type in ("note_on", "note_off") and message.note in open_notes:
            start = open_notes.pop(message.note)
            notes.append(Note(start / ticks, (at - start) / ticks, message.note))
    return sorted(notes, key=lambda n: n.onset_quarter)


def predict(
    take: Take, make: Callable[[SoloGrid], TempoModel], ears: Ears, seed: int
) -> FloatArray:
    """Error of the prediction of each next solo onset, seconds."""
    grid = SoloGrid(take.solo, take.tempo)
    model = make(grid)
    model.set_ratio(1.0, 0.2)
    delays = ears.delays(len(grid), seed)
    errors, heard = [], -1
    for event, (true_s, delay_s) in enumerate(zip(take.times_s, delays, strict=True)):
        if heard >= 0:
            errors.append(true_s - model.predict(grid.quarters[event]).time_s)
        if np.isnan(delay_s):
            continue
        time_s = true_s + delay_s - ears.known_s
        if heard < 0:
            model.begin(grid.quarters[event], time_s)
        else:
            model.report(event, time_s)
        heard = event
    return np.array(errors)


def estimates(take: Take, ears: Ears, seed: int) -> Iterator[Estimate]:
    """What a follower with these ears would say, hop by hop.

    Between reports its position goes on in the tempo of the last intervals and stops before the
    next event; there it reports a held note. A missed onset is passed without a report.
    """
    onsets = [float(q) for q in take.solo.onsets_quarter]
    delays = ears.delays(len(onsets), seed)
    missed = np.isnan(delays)
    delays[missed] = _PASSED_S
    reports = sorted(
        (float(t + d), float(max(t + d - ears.known_s, 0.0)), e)
        for e, (t, d) in enumerate(zip(take.times_s, delays, strict=True))
    )
    last_event, last_s, rate, index = -1, 0.0, float(take.tempo.first_rate), 0
    for hop in range(1, int((take.times_s[-1] + 6.0) / HOP_S)):
        now_s = hop * HOP_S
        told = []
        while index < len(reports) and reports[index][0] <= now_s:
            _, at_s, event = reports[index]
            index += 1
            if event <= last_event:
                continue
            if last_event >= 0 and at_s > last_s + 0.02:
                fresh = (onsets[event] - onsets[last_event]) / (at_s - last_s)
                rate += 0.3 * (min(max(fresh, rate / 2), rate * 2) - rate)
            last_event, last_s = event, at_s
            if not missed[event]:
                told.append(OnsetReport(now_s, at_s, onsets[event], event))
        if last_event < 0:
            yield Estimate(now_s, onsets[0], rate, 0.9, FollowerState.ARMED)
            continue
        quarter = onsets[last_event] + (now_s - last_s) * rate
        state = FollowerState.FOLLOWING
        if last_event + 1 < len(onsets) and quarter >= onsets[last_event + 1] - 1e-3:
            if quarter > onsets[last_event + 1] + 0.03 * rate:
                state = FollowerState.HOLDING
            quarter = onsets[last_event + 1] - 1e-3
        yield Estimate(now_s, quarter, rate, 0.9, state, tuple(told))


def play(
    take: Take, conductor: Conductor, ears: Ears, seed: int
) -> tuple[dict[float, float], float]:
    """Send times of the ensemble's positions, and the conductor's mean time a hop in µs."""
    sent: dict[float, float] = {}
    cursor, spent_s, hops = 0, 0.0, 0
    for estimate in estimates(take, ears, seed):
        began = time.perf_counter()
        direction = conductor.hear(estimate)
        spent_s += time.perf_counter() - began
        hops += 1
        if direction.jumped:
            cursor = int(np.searchsorted(take.others, direction.quarter - 1e-9))
        until_s = estimate.time_s + HOP_S
        while cursor < len(take.others):
            due_s = direction.timeline.due_s(take.others[cursor])
            if due_s >= until_s:
                break
            sent[take.others[cursor]] = max(due_s, estimate.time_s)
            cursor += 1
    return sent, spent_s / max(hops, 1) * 1e6


def asynchrony(take: Take, sent: dict[float, float]) -> tuple[FloatArray, FloatArray, int]:
    """(coincident, between) asynchronies in seconds, and how many coincident were not played."""
    onsets, coincident, between, lost = take.solo.onsets_quarter, [], [], 0
    for quarter in take.others:
        event = int(np.argmin(np.abs(onsets - quarter)))
        together = abs(onsets[event] - quarter) < 0.03
        if quarter < onsets[0] - 0.03 or quarter > onsets[-1] + 0.03:
            continue
        if quarter not in sent:
            lost += together
        elif together:
            coincident.append(sent[quarter] - take.times_s[event])
        else:
            between.append(sent[quarter] - np.interp(quarter, onsets, take.times_s))
    return np.array(coincident), np.array(between), lost


def figures(errors_s: FloatArray) -> str:
    """Mean absolute / median / % within 50 / % within 100 ms."""
    e = np.abs(errors_s) * 1000
    if not len(e):
        return "–"
    within = [float(np.mean(e <= limit)) * 100 for limit in (50, 100)]
    return f"{e.mean():.0f}/{np.median(e):.0f}/{within[0]:.0f}/{within[1]:.0f}"


def tempo_model(
    label: str, takes: Sequence[Take], index: int, count: int
) -> Callable[[SoloGrid], TempoModel]:
    """Make a model for a take, with ``count`` others of the same piece as rehearsal."""
    if label == "linear":
        return LinearTempo
    if label == "kalman":
        return KalmanTempo
    others = [take for i, take in enumerate(takes) if i != index]
    chosen = np.random.default_rng(index).permutation(len(others))[:count]
    earlier = [Performance(others[i].solo.onsets_quarter, others[i].times_s) for i in chosen]
    solo = takes[index].solo
    return lambda grid: KalmanTempo(grid, expectation=Expectation(grid, solo, earlier))


def new_conductor(take: Take, settings: ConductorSettings) -> Conductor:
    score = Score("", (), ())
    return Conductor(score, take.solo, take.tempo, settings, take.others)


def sets(data: Path, seed: int) -> dict[str, list[Take]]:
    timing = data / "timing"
    chorales = sorted(p for p in (data / "bach10").iterdir() if p.is_dir())

    def load(folder: Path, pattern: str) -> list[Take]:
        return [timing_take(p, seed + i) for i, p in enumerate(sorted(folder.glob(pattern)))]

    return {
        "Chopin": load(timing / "vienna", "Chopin*/*.csv"),
        "K331": load(timing / "vienna", "Mozart*/*.csv"),
        "Batik": load(timing / "batik", "*.csv"),
        "bach10": [take for folder in chorales for take in chorale_takes(folder)],
    }


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", default="Chopin,K331,Batik,bach10")
    parser.add_argument("--policies", default="predict,hold,auto")
    parser.add_argument("--delay-ms", type=float, default=25.0)
    parser.add_argument("--delay-sd-ms", type=float, default=10.0)
    parser.add_argument("--no-drag", action="store_true")
    parser.add_argument("--takes", action="store_true", help="print every take")
    options = parser.parse_args(arguments)
    mean_s, sd_s = options.delay_ms / 1000, options.delay_sd_ms / 1000
    ears = Ears(mean_s, sd_s, late_s=max(0.06, mean_s + 0.035))
    out = sys.stdout
    for name, takes in sets(options.data, 0).items():
        if name not in options.sets.split(","):
            continue
        for label in ("linear", "kalman", "expecting", "rehearsed 1", "rehearsed 3"):
            counted = int(label.split()[1]) if " " in label else 0
            if counted and name not in ("Chopin", "K331"):
                continue
            errors = [
                predict(t, tempo_model(label, takes, i, counted), ears, i)
                for i, t in enumerate(takes)
            ]
            out.write(f"{name:8} next onset, {label:11} {figures(np.concatenate(errors))}\n")
        for policy in filter(None, options.policies.split(",")):
            settings = ConductorSettings(policy=policy, anti_drag=not options.no_drag)
            together, between, lost, cost = [], [], 0, []
            for i, take in enumerate(takes):
                sent, spent = play(take, new_conductor(take, settings), ears, i)
                a, b, gone = asynchrony(take, sent)
                together.append(a)
                between.append(b)
                cost.append(spent)
                lost += gone
                if options.takes:
                    out.write(f"  {take.name:14} {figures(a)}  {figures(b)}  unplayed {gone}\n")
            out.write(
                f"{name:8} released, {policy:8} together {figures(np.concatenate(together))}"
                f"  between {figures(np.concatenate(between))}  unplayed {lost}"
                f"  {np.mean(cost):.0f} µs a hop\n"
            )
            out.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
