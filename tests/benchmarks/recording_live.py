"""What a recording as the orchestra costs live, and whether it ever drops out.

    python tests/benchmarks/recording_live.py [--minutes 3] [--period 512] [--solo F] [--write]

The daemon runs in a JACK server on the dummy driver and accompanies with a recording (stereo,
44.1 kHz, with a second file without the soloist, half of whom is heard: both are read, mixed,
resampled and stretched), while a soloist plays into it in a tempo that wanders by 8 %. Another
process records what comes out. Told are drop-outs, xruns, the share of a core that each process
takes, and how far from the soloist the recording is heard. ``--write`` puts the table into
``RESULTS.md`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hosts"))

from daemon_rig import RunningDaemon
from recording_rig import Places
from rig import MidiRecorder, WavPlayer, jack_server, wait_for

FloatArray = npt.NDArray[np.float64]

RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- recording live -->", "<!-- /recording live -->"
RATE, SERVER_RATE = 44_100, 48_000
NOTE_S = 0.5
PLACES = 70
"""The pitch that tells the place comes again after so many notes."""
LOWEST_HZ, STEP_HZ = 90.0, 10.0
MELODY = (72, 76, 79, 77, 74, 71, 67, 69, 72, 74, 77, 76, 81, 79, 74, 72, 69, 65, 67, 71)
BEGIN_S = 1.5
WANDER, WANDER_S = 0.08, 20.0
SETTLED_S = 8.0
LIMIT_PERCENT = 35.0
_RECORDING, _SOLO, _OUT = "accompanist recording:out_1", "accompanist input:solo", "recorder:audio"


def _pitches(count: int) -> list[int]:
    generator = np.random.default_rng(11)
    return [int(MELODY[i]) for i in generator.integers(0, len(MELODY), count)]


def _sung(hz: float, seconds: float, rate: int) -> FloatArray:
    times = np.arange(round(seconds * rate)) / rate
    voices = sum(np.sin(2 * np.pi * hz * h * times) / h**1.2 for h in range(1, 7))
    shape = np.minimum(times / 0.01, 1.0) * np.clip((seconds - times) / 0.03, 0.0, 1.0)
    return np.asarray(0.15 * voices * shape * np.exp(-1.5 * times))


def _melody(begins_s: FloatArray, length_s: float, rate: int) -> FloatArray:
    """Sing a note at each time."""
    out = np.zeros(round(length_s * rate))
    ends_s = np.append(begins_s[1:], begins_s[-1] + NOTE_S)
    for pitch, begin_s, end_s in zip(_pitches(len(begins_s)), begins_s, ends_s, strict=True):
        tone = _sung(440.0 * 2 ** ((pitch - 69) / 12), 0.95 * (end_s - begin_s), rate)
        at = round(begin_s * rate)
        out[at : at + len(tone)] += tone[: len(out) - at]
    return out


def write_material(folder: Path, notes: int) -> FloatArray:
    """Write recording, accompaniment and soloist; give when the soloist begins each note."""
    place = np.arange(notes) % PLACES
    hz = np.repeat(LOWEST_HZ + STEP_HZ * place, round(NOTE_S * RATE))
    generator = np.random.default_rng(5)
    others = 0.2 * np.sin(2 * np.pi * np.cumsum(hz) / RATE)
    others = np.concatenate((others, np.zeros(RATE)))
    sides = np.stack([others, others], axis=1) + generator.normal(0, 1e-3, (len(others), 2))
    solo = _melody(NOTE_S * np.arange(notes, dtype=np.float64), len(others) / RATE, RATE)
    soundfile.write(folder / "concerto.wav", sides + solo[:, None], RATE, subtype="FLOAT")
    soundfile.write(folder / "without.wav", sides, RATE, subtype="FLOAT")
    begins_s = np.zeros(notes)
    begins_s[0] = BEGIN_S
    for i in range(1, notes):
        speed = 1.0 + WANDER * np.sin(2 * np.pi * begins_s[i - 1] / WANDER_S)
        begins_s[i] = begins_s[i - 1] + NOTE_S / speed
    live = _melody(begins_s, begins_s[-1] + 1.0, SERVER_RATE)
    soundfile.write(folder / "solo.wav", live, SERVER_RATE)
    return begins_s


@dataclass
class Result:
    """What a run took and brought."""

    minutes: float
    cpu_percent: dict[str, float]
    memory_mb: dict[str, float]
    drop_outs: int
    own_drop_outs: int
    """Without an xrun in the graph within a second or so."""
    ahead_ms: float
    server_xruns: int
    late_ms: FloatArray
    others_percent: float
    load_average: float
    realtime: bool


def _ticks(pid: int) -> int:
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(rest[11]) + int(rest[12])


def _resident_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    row = next(line for line in text.split("\n") if line.startswith("VmRSS"))
    return int(row.split()[1]) / 1024.0


def _all_ticks() -> int:
    return sum(_ticks(int(f.name)) for f in Path("/proc").iterdir() if f.name.isdecimal())


def run(folder: Path, minutes: float, period: int, solo: float) -> Result:
    """Play for so many minutes."""
    notes = round(60.0 * minutes / NOTE_S)
    begins_s = write_material(folder, notes)
    settings = (
        "output.to=none",
        "input.latency_ms=0",
        "output.latency_ms=0",
        f"recording.solo_level={solo}",
    )
    audio = folder / "heard.wav"
    with (
        jack_server("recordings", folder, period=period) as jack,
        RunningDaemon(jack, folder / "home", *settings) as daemon,
    ):
        _analyse(folder, daemon)
        daemon.load(folder / "concerto.wav", seconds=600.0)
        wait_for("the recording", lambda: "ready to play" in daemon.complaints(), 120.0)
        assert "without its soloist" in daemon.complaints(), daemon.complaints()[-2000:]
        wait_for("spare", lambda: len(daemon.recording_players()) == 2, 60.0)
        time.sleep(10.0)
        with (
            MidiRecorder(jack, folder / "midi.csv", (), audio=audio) as recorder,
            WavPlayer(jack, folder / "solo.wav") as player,
        ):
            jack.connect(_RECORDING, _OUT)
            jack.connect(player.port, _SOLO)
            daemon.do("arm")
            daemon.wait_state("armed")
            ours = {
                "daemon": daemon.process.pid,
                "engine": daemon.engine(),
                "recording's player": daemon.recording_players()[0],
                "its spare": daemon.recording_players()[1],
                "performer": daemon.performers()[0],
            }
            before = {name: _ticks(pid) for name, pid in ours.items()}
            all_before, xruns_before, began_s = _all_ticks(), jack.xruns(), time.monotonic()
            began = player.go()
            own_drop_outs = _watch(daemon, player, 60.0 * minutes * 1.3 + 60.0)
            seconds = time.monotonic() - began_s
            hz = os.sysconf("SC_CLK_TCK") * seconds / 100.0
            used = {name: (_ticks(pid) - before[name]) / hz for name, pid in ours.items()}
            others = (_all_ticks() - all_before) / hz - sum(used.values())
            answer = daemon.osc.ask("/acc/status", seconds=5.0)
            assert answer is not None
            told = json.loads(str(answer[0]))
            xruns = jack.xruns() - xruns_before
            memory = {name: _resident_mb(pid) for name, pid in ours.items()}
            recorder.say("stop")
            first = int(recorder.hear("kept", 60.0))
        late = _late_s(audio, (began - first) / SERVER_RATE, begins_s)
        return Result(
            seconds / 60.0,
            used,
            memory,
            int(told["recording"]["drop_outs"]),
            own_drop_outs,
            float(told["recording"]["ahead_ms"]),
            xruns,
            1000.0 * late,
            others,
            os.getloadavg()[2],
            bool(told["realtime"]),
        )


def _watch(daemon: RunningDaemon, player: WavPlayer, seconds: float) -> int:
    """Wait for the end; count the drop-outs at which nobody in the graph has lost time."""
    end_s, own = time.monotonic() + seconds, 0
    seen = xruns = pending = 0
    while not any(line.startswith("ended") for line in player.lines):
        assert time.monotonic() < end_s, "it does not end"
        time.sleep(1.0)
        answer = daemon.osc.ask("/acc/status", seconds=5.0)
        if answer is None:
            continue
        told = json.loads(str(answer[0])).get("recording", {"drop_outs": 0, "xruns": 0})
        if told["xruns"] == xruns:
            own += pending
            pending = told["drop_outs"] - seen
        else:
            pending = 0
        seen, xruns = told["drop_outs"], told["xruns"]
    return own + pending


def _analyse(folder: Path, daemon: RunningDaemon) -> None:
    """Have the recording listened to, and put the accompaniment beside what was found out."""
    daemon.load(folder / "concerto.wav", seconds=600.0)
    found = list((daemon.home / "cache").rglob("score.json"))
    assert len(found) == 1, found
    (folder / "without.wav").rename(found[0].with_name("accompaniment.wav"))


def _late_s(audio: Path, zero_s: float, begins_s: FloatArray) -> FloatArray:
    """How much later than the soloist each place was heard."""
    heard = Places.of(audio)
    late = []
    note = 0
    for i in range(1, len(heard.seconds)):
        here, before = heard.seconds[i], heard.seconds[i - 1]
        if not np.isfinite(here) or here == before or not np.isfinite(before):
            continue
        at_s = float(heard.times_s[i] + heard.times_s[i - 1]) / 2.0 - zero_s
        nearest = int(np.argmin(np.abs(begins_s - at_s)))
        for candidate in sorted(range(nearest - 2, nearest + 3), key=lambda n: abs(n - nearest)):
            fits = 0 <= candidate < len(begins_s) and (candidate % PLACES) * NOTE_S == here
            if fits and at_s > SETTLED_S and candidate > note:
                note = candidate
                late.append(at_s - begins_s[candidate])
                break
    return np.array(late)


def report(result: Result, period: int, solo: float) -> list[str]:
    """Lines of the table."""
    late = result.late_ms
    size = np.abs(late)
    player = result.cpu_percent["recording's player"]
    whole = player + result.cpu_percent["engine"]
    verdict = "met" if whole <= LIMIT_PERCENT else "**missed**"
    memory = ", ".join(f"{name} {mb:.0f}" for name, mb in result.memory_mb.items())
    return [
        f"- {result.minutes:.1f} minutes at {SERVER_RATE} Hz and {period} samples a period, "
        f"soloist of the recording at {solo:g}: **{result.own_drop_outs} drop-outs** (aim: none) "
        f"and {result.drop_outs - result.own_drop_outs} beside xruns of the graph (the server's "
        f"log has {result.server_xruns}); {result.ahead_ms:.0f} ms rendered ahead",
        f"- share of a core: mask, stretch and engine together {whole:.1f} % (aim ≤ "
        f"{LIMIT_PERCENT:g} %: {verdict}); "
        + ", ".join(f"{name} {percent:.1f}" for name, percent in result.cpu_percent.items()),
        f"- heard of the recording against the soloist, {len(late)} notes after the first "
        f"{SETTLED_S:g} s: median {np.median(late):.0f} ms, "
        f"p90 of the absolute value {np.quantile(size, 0.9):.0f} ms, within 100 ms "
        f"{100.0 * np.mean(size <= 100.0):.1f} %; medians of the quarters of the run "
        + ", ".join(f"{np.median(part):.0f}" for part in np.array_split(late, 4) if len(part)),
        f"- resident MB: {memory}; other processes took {result.others_percent:.0f} % of a core "
        f"meanwhile, load average {result.load_average:.1f}, real-time priority: "
        f"{'yes' if result.realtime else 'no'}",
    ]


def write(lines: Sequence[str]) -> None:
    """Put the lines into the file of results."""
    text = RESULTS.read_text("utf-8") if RESULTS.exists() else ""
    head = (
        f"## A recording as the orchestra, live\n\n`python tests/benchmarks/recording_live.py`, "
        f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, Python "
        f"{platform.python_version()}, {date.today()}.\n\n"
    )
    block = f"{BEGIN}\n{head}" + "\n".join(lines) + f"\n{END}\n"
    if BEGIN in text:
        before, _, rest = text.partition(BEGIN)
        block = before + block.rstrip("\n") + rest.partition(END)[2]
    else:
        block = text.rstrip("\n") + "\n\n" + block
    RESULTS.write_text(block, "utf-8")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--period", type=int, default=512)
    parser.add_argument("--solo", type=float, default=0.5)
    parser.add_argument("--write", action="store_true")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="recording-live-") as folder:
        result = run(Path(folder), words.minutes, words.period, words.solo)
    lines = report(result, words.period, words.solo)
    sys.stdout.write("\n".join(lines) + "\n")
    if words.write:
        write(lines)


if __name__ == "__main__":
    main()
