"""How exactly notes and clock leave our ports, and what that costs.

    python tests/benchmarks/timing.py [--minutes 3] [--write] [--keep-xruns]

The daemon runs in a JACK server on the dummy driver while a soloist plays into it, so that the
engine has everything to do; another process records the ports with the server's frames. Two
runs: *steady* (the ensemble keeps its own tempo: lateness, jitter and drift against a ruler) and
*hold* (each note waits for the soloist's: what is lost on the way from the sound to the note). A
run in which the server lost time is discarded and done again. ``--write`` puts the table into
``RESULTS.md`` beside this file.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hosts"))

from daemon_rig import RunningDaemon, write_piece
from rig import HERE, PERIOD, RATE_HZ, Child, Heard, MidiRecorder, jack_server

FloatArray = npt.NDArray[np.float64]

RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- timing -->", "<!-- /timing -->"
QPM = 120.0
BEAT_S = 60.0 / QPM
MELODY = (72, 74, 76, 77, 79, 81, 83, 84, 83, 79, 76, 72, 77, 74, 71, 72)
CHORD = (48, 52, 55)
SETTLED_S = 8.0
"""Of the beginning, in which the clock still bends to the tempo."""


@dataclass
class Load:
    """What processes used during a run."""

    cpu_percent: dict[str, float] = field(default_factory=dict)
    memory_mb: dict[str, tuple[float, float]] = field(default_factory=dict)
    """At the beginning and at the end."""
    others_percent: float = 0.0
    others: str = ""
    load_average: float = 0.0


@dataclass
class Run:
    """One run: what was heard, and what it took."""

    heard: list[Heard]
    xruns: int
    load: Load
    late_ms: FloatArray
    realtime: bool
    delays_ms: FloatArray = field(default_factory=lambda: np.zeros(0))


# ---- the soloist ---------------------------------------------------------------------------------


def write_solo(path: Path) -> None:
    """Write the melody as a tone with clear onsets, as long as it is in the score."""
    length = round(len(MELODY) * BEAT_S * RATE_HZ)
    out = np.zeros(length)
    for i, pitch in enumerate(MELODY):
        first = round(i * BEAT_S * RATE_HZ)
        t = np.arange(round(0.92 * BEAT_S * RATE_HZ)) / RATE_HZ
        f0 = 440.0 * 2 ** ((pitch - 69) / 12)
        tone = sum(0.6 ** (h - 1) * np.sin(2 * np.pi * f0 * h * t) for h in range(1, 8))
        shape = np.minimum(1.0, t / 0.006) * np.minimum(1.0, (t[-1] - t) / 0.03) * np.exp(-t)
        out[first : first + len(t)] += 0.15 * tone * shape
    soundfile.write(path, out.astype(np.float32), RATE_HZ, subtype="FLOAT")


# ---- what processes use --------------------------------------------------------------------------


def _ticks(pid: int) -> int:
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(rest[11]) + int(rest[12])


def _resident_mb(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    rows = [line for line in text.split("\n") if line.startswith("VmRSS")]
    return int(rows[0].split()[1]) / 1024.0 if rows else 0.0


def _everybody() -> dict[int, tuple[int, str]]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                name = (folder / "comm").read_text().strip()
            except OSError:
                continue
            found[int(folder.name)] = (_ticks(int(folder.name)), name)
    return found


@contextmanager
def measured(daemon: RunningDaemon, also: Sequence[int]) -> Iterator[Load]:
    """Measure what ours and all other processes use while the block runs."""
    engine, (performer, *spare) = daemon.engine(), daemon.performers()
    ours = {"daemon": daemon.process.pid, "engine": engine, "performer": performer}
    if spare:
        ours["spare performer"] = spare[0]
    load = Load()
    before, began_s = _everybody(), time.monotonic()
    memory = {name: _resident_mb(pid) for name, pid in ours.items()}
    yield load
    seconds, hz = time.monotonic() - began_s, os.sysconf("SC_CLK_TCK")
    after = _everybody()
    used = {pid: ticks - before.get(pid, (0, ""))[0] for pid, (ticks, _) in after.items()}
    for name, pid in ours.items():
        load.cpu_percent[name] = 100.0 * used.get(pid, 0) / hz / seconds
        load.memory_mb[name] = (memory[name], _resident_mb(pid))
    known = {*ours.values(), *also, os.getpid()}
    others = sorted(((t, after[p][1]) for p, t in used.items() if p not in known), reverse=True)
    load.others_percent = 100.0 * sum(t for t, _ in others) / hz / seconds
    load.others = ", ".join(
        f"{name} {100.0 * t / hz / seconds:.0f} %"
        for t, name in others[:4]
        if t > hz * seconds / 100
    )
    load.load_average = os.getloadavg()[0]


# ---- runs ----------------------------------------------------------------------------------------


def play(folder: Path, minutes: float, *, steady: bool) -> Run:
    """Play for some minutes; ``steady`` keeps the tempo, else each note waits for the soloist's."""
    folder.mkdir(parents=True)
    bars = max(8, int(np.ceil(minutes * QPM / 4)) + 4)
    piece = write_piece(
        folder / "timing.mid",
        bars=4 * -(-bars // 4),
        tempi=((1, QPM),),
        chord=CHORD,
        chord_beats=1,
        solo=MELODY,
    )
    solo = folder / "solo.wav"
    write_solo(solo)
    mode = ("follow.mode=fixed",) if steady else ("follow.mode=follow", "follow.policy=hold")
    settings = (*mode, "countin.mode=never", "clock.enabled=true", f"takes.ring_minutes={240}")
    command = [sys.executable, str(HERE / "jack_looped.py"), str(solo), "soloist"]
    with (
        jack_server("timing", folder) as jack,
        RunningDaemon(jack, folder / "home", *settings) as daemon,
        Child(command, jack.environment) as soloist,
    ):
        soloist.hear("ready")
        daemon.load(piece, seconds=300.0)
        into = jack.port("accompanist input")
        for other in jack.connections(into):
            jack.disconnect(other, into)
        jack.connect("soloist:out", into)
        time.sleep(SETTLED_S)
        with MidiRecorder(jack, folder / "heard.csv", ("parts", "clock")) as recorder:
            jack.connect("accompanist:parts", "recorder:parts")
            jack.connect("accompanist:clock", "recorder:clock")
            before = jack.xruns()
            also = [jack.server.pid, recorder.process.pid, soloist.process.pid]
            if steady:
                soloist.say("go")
                began = int(soloist.hear("began "))
                daemon.do("start")
            else:
                daemon.do("arm")
                daemon.wait_state("armed")
                time.sleep(1.0)
                soloist.say("go")
                began = int(soloist.hear("began "))
            daemon.wait_state("following")
            with measured(daemon, also) as load:
                time.sleep(60.0 * minutes)
            daemon.do("stop")
            time.sleep(1.5)
            xruns = jack.xruns() - before
            heard = recorder.stop()
        told = daemon.complaints()
        journal = sorted((daemon.home / "state" / "accompanist" / "takes").iterdir())[-1]
        run = Run(
            heard, xruns, load, _column(journal / "late.csv", "late_ms"), "without real" not in told
        )
        if not steady:
            run.delays_ms = _delays_ms(journal, solo, began, heard)
    return run


def _column(path: Path, name: str) -> FloatArray:
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return np.array([float(row[name]) for row in rows if row[name]])


def _delays_ms(journal: Path, solo: Path, began: int, heard: Sequence[Heard]) -> FloatArray:
    """From the end of the hop with which an onset was recognised to its notes at the port.

    The hop is all that the follower needs; what is more is ours: a period of the server in, the
    way through three processes, and out.
    """
    played = soundfile.read(solo)[0]
    taken = soundfile.read(journal / "solo.wav")[0]
    quiet = 1e-4
    first = int(np.flatnonzero(np.abs(taken) > quiet)[0])
    zero = began + int(np.flatnonzero(np.abs(played) > quiet)[0]) - first
    reports: dict[float, float] = {}
    with (journal / "onsets.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            reports.setdefault(round(float(row["quarter"]), 3), float(row["reported"]))
    strikes = sorted({m.frame for m in heard if m.port == "parts" and _struck(m)})
    sent: dict[float, float] = {}
    with (journal / "played.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            if row["kind"] == "on":
                sent.setdefault(round(float(row["quarter"]), 3), float(row["time"]))
    out = []
    for quarter, at_s in sent.items():
        if quarter not in reports or not strikes:
            continue
        frame = min(strikes, key=lambda f, at_s=at_s: abs(f - zero - at_s * RATE_HZ))  # type: ignore[misc]
        delay_ms = 1000.0 * ((frame - zero) / RATE_HZ - reports[quarter])
        if delay_ms >= -1.0:  # the others were sure enough not to wait
            out.append(delay_ms)
    return np.array(out)


def _struck(message: Heard) -> bool:
    return message.data[0] & 0xF0 == 0x90 and message.data[2] > 0


# ---- figures -------------------------------------------------------------------------------------


def _spread(values: FloatArray) -> tuple[float, float, float]:
    sizes = np.abs(values)
    return float(np.median(sizes)), float(np.percentile(sizes, 99)), float(np.max(sizes))


def note_errors_ms(heard: Sequence[Heard]) -> tuple[FloatArray, float]:
    """Give each chord's distance from a straight line, and the drift from its tempo in ppm."""
    frames = np.array(sorted({m.frame for m in heard if m.port == "parts" and _struck(m)}))
    frames = frames[frames > frames[0] + SETTLED_S * RATE_HZ]  # it is told to start at once
    beats = np.round((frames - frames[0]) / (BEAT_S * RATE_HZ))
    slope, start = np.polyfit(beats, frames, 1)
    errors_ms = 1000.0 * (frames - (slope * beats + start)) / RATE_HZ
    return errors_ms, 1e6 * (slope / (BEAT_S * RATE_HZ) - 1.0)


def clock_errors_ms(heard: Sequence[Heard]) -> FloatArray:
    """Give each tick's interval less what it is at this tempo."""
    frames = np.array([m.frame for m in heard if m.port == "clock" and m.data[0] == 0xF8])
    began = next(m.frame for m in heard if m.port == "parts" and _struck(m))
    ended = max(m.frame for m in heard if m.port == "parts" and _struck(m))
    frames = frames[(frames > began + SETTLED_S * RATE_HZ) & (frames < ended)]
    errors_ms: FloatArray = 1000.0 * np.diff(frames) / RATE_HZ - 1000.0 * BEAT_S / 24.0
    return errors_ms


def tick_jitter_ms(heard: Sequence[Heard]) -> FloatArray:
    """Give each tick's distance from the middle of its neighbours: jitter without the tempo."""
    frames = np.array([m.frame for m in heard if m.port == "clock" and m.data[0] == 0xF8], float)
    off_ms: FloatArray = 1000.0 * (frames[1:-1] - 0.5 * (frames[2:] + frames[:-2])) / RATE_HZ
    return off_ms


def table(steady: Run, hold: Run, minutes: float) -> list[str]:
    """Write it all as Markdown."""
    rows = ["| what | p50 | p99 | max | rms |", "| --- | ---: | ---: | ---: | ---: |"]

    def add(what: str, values: FloatArray) -> None:
        if len(values) == 0:
            rows.append(f"| {what} | – | – | – | – |")
            return
        p50, p99, most = _spread(values)
        rms = float(np.sqrt(np.mean(values**2)))
        rows.append(f"| {what} | {p50:.3f} | {p99:.3f} | {most:.3f} | {rms:.3f} |")

    errors_ms, drift_ppm = note_errors_ms(steady.heard)
    add("notes at the port, off a straight line, ms", errors_ms)
    add("notes, late by the performer's own account, ms", steady.late_ms)
    add("clock, interval from tick to tick, error, ms", clock_errors_ms(steady.heard))
    add("clock, tick off the middle of its neighbours, ms", tick_jitter_ms(steady.heard))
    add(f"report to note out (period {1000 * PERIOD / RATE_HZ:.1f} ms), ms", hold.delays_ms)
    load = steady.load
    drift_ms = drift_ppm * 60.0 * minutes / 1e3
    memory = [f"{name} {a:.0f} → {b:.0f} MB" for name, (a, b) in load.memory_mb.items()]
    besides = f"{load.others or 'nothing of weight'} ({load.others_percent:.0f} % in all)"
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    rows += [
        "",
        f"- drift over {minutes:g} minutes: {drift_ppm:+.2f} ppm ({drift_ms:+.3f} ms)",
        "- processor: " + ", ".join(f"{n} {p:.1f} %" for n, p in load.cpu_percent.items()),
        f"- memory at the beginning and the end: {', '.join(memory)}",
        f"- besides: {besides}, load average {load.load_average:.1f}",
        f"- xruns: {steady.xruns} steady, {hold.xruns} hold",
        f"- performer {'with' if steady.realtime else 'without'} SCHED_FIFO; "
        f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}; "
        f"{date.today():%Y-%m-%d}",
    ]
    return rows


def write(rows: Sequence[str]) -> None:
    """Put the table into the results, in place of an earlier one."""
    text = RESULTS.read_text("utf-8") if RESULTS.is_file() else "# Figures\n"
    section = "\n".join([BEGIN, "## Timing", "", "Written by `make timing`.", "", *rows, END])
    head, found, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2] if found else "\n"
    RESULTS.write_text(f"{head.rstrip()}\n\n{section}{tail}", "utf-8")


def clean_run(folder: Path, minutes: float, attempts: int, *, steady: bool) -> tuple[Run, bool]:
    """Play until there is a run without an xrun; give the best of some, and whether it is clean."""
    best: Run | None = None
    for i in range(attempts):
        run = play(folder / f"{'steady' if steady else 'hold'}{i}", minutes, steady=steady)
        name = "steady" if steady else "hold"
        sys.stderr.write(f"{name}, attempt {i + 1}: {run.xruns} xruns, {run.load.others}\n")
        if best is None or run.xruns < best.xruns:
            best = run
        if best.xruns == 0:
            return best, True
    assert best is not None
    return best, False


def main() -> int:
    """Measure and print; exit code 1 if there was no run without an xrun."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--hold-minutes", type=float, default=1.0)
    parser.add_argument("--attempts", type=int, default=3, help="to get one without an xrun")
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    parser.add_argument("--keep-xruns", action="store_true", help="take what there is")
    parser.add_argument("--json", type=Path, help="raw figures, for a closer look")
    options = parser.parse_args()
    # ended politely, it takes with it the server and all that it has started
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="accompanist-timing-") as name:
        steady, clean = clean_run(Path(name), options.minutes, options.attempts, steady=True)
        hold, clean_hold = clean_run(
            Path(name), options.hold_minutes, options.attempts, steady=False
        )
    rows = table(steady, hold, options.minutes)
    sys.stdout.write("\n".join(rows) + "\n")
    if options.json is not None:
        facts = {
            "late_ms": steady.late_ms.tolist(),
            "notes_ms": note_errors_ms(steady.heard)[0].tolist(),
            "clock_ms": clock_errors_ms(steady.heard).tolist(),
            "delays_ms": hold.delays_ms.tolist(),
        }
        options.json.write_text(json.dumps(facts))
    if not (clean and clean_hold) and not options.keep_xruns:
        sys.stderr.write("every run had xruns: these figures mean nothing and are not written\n")
        return 1
    if options.write:
        write(rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
