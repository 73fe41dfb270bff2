"""The performer in a real JACK server: exact frames, stable names, nothing left hanging."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rig import RATE_HZ, Heard, Jack, MidiRecorder, finish, jack_server, needs, wait_for

from accompanist.app.performer.link import PerformerEvent, PerformerLink
from accompanist.app.processes.board import Board
from accompanist.app.processes.links import (
    LoadPlan,
    Mix,
    OutputSettings,
    OutputsOpened,
    Panic,
    Problem,
    Sent,
    SetClock,
    SetOutputs,
    Silence,
)
from accompanist.conducting.timeline import Timeline
from accompanist.performing.clock import ClockPlan
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.tempo import written_tempo

pytestmark = needs("jackd", "jackd2")

PARTS, CLOCK = "accompanist:parts", "accompanist:clock"
CHORD = (60, 64, 67)
FIRST_S = 1.0


def piece() -> LoadPlan:
    """Quavers over chords of four bars, 120 beats a minute."""
    solo = Part(1, "Flute", (Note(0.0, 1.0, 84),))
    bass = Part(2, "Cello", tuple(Note(0.5 * i, 0.4, 36 + i % 12) for i in range(160)), program=42)
    pad = Part(
        3,
        "Organ: great",
        tuple(Note(16.0 * i, 16.0, p) for i in range(5) for p in CHORD),
        program=19,
    )
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(20))
    score = Score("Trio", (solo, bass, pad), bars, tempo_marks=(TempoMark(0.0, 120.0),))
    plan = accompaniment_plan(score, 1, written_tempo(score))
    return LoadPlan(plan, ClockPlan(end_quarter=80.0), {2: "Cello", 3: "Organ: great"})


class Conducted:
    """A performer and the cues of an ensemble that goes on at a steady tempo."""

    def __init__(self, link: PerformerLink) -> None:
        self.link = link
        self.events: list[PerformerEvent] = []
        self.board = Board.open(link.board_path)
        self.state = "following"
        self.offset_s = time.monotonic()

    def start(self, *, wait_s: float = 10.0) -> None:
        """Wait for the outputs; the first note comes a second from now."""
        end_s = time.monotonic() + wait_s
        while not self.of(OutputsOpened):
            assert time.monotonic() < end_s, self.events
            self.hear()
        self.link.send(piece())
        self.offset_s = time.monotonic()

    def hear(self, seconds: float = 0.006) -> None:
        select.select([self.link], [], [], seconds)
        self.events += self.link.events()

    def go(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Publish a cue a hop for so long."""
        end_s = time.monotonic() + seconds
        line = Timeline((FIRST_S,), (0.0,), 2.0)
        while time.monotonic() < end_s and not until():
            now_s = time.monotonic() - self.offset_s
            self.board.publish(Cue(now_s, line, self.state), self.offset_s)
            self.hear()

    def of(self, kind: type[PerformerEvent]) -> list[PerformerEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def problems(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Problem)]

    @property
    def names(self) -> list[str]:
        """Names of what was opened last."""
        opened = [event for event in self.events if isinstance(event, OutputsOpened)][-1]
        return [output.name for output in opened.outputs]

    def lateness(self) -> list[float]:
        return [
            late
            for event in self.events
            if isinstance(event, Sent)
            for m, late in zip(event.messages, event.late_s, strict=True)
            if m.message.kind is Kind.ON
        ]


@pytest.fixture
def jack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jack]:
    with jack_server("performer", tmp_path) as server:
        for name in ("JACK_DEFAULT_SERVER", "JACK_NO_AUDIO_RESERVATION", "JACK_NO_START_SERVER"):
            monkeypatch.setenv(name, server.environment[name])
        yield server


@contextmanager
def conducted(tmp_path: Path, outputs: OutputSettings) -> Iterator[Conducted]:
    with PerformerLink(tmp_path / "board", outputs) as link:
        yield Conducted(link)


def still_down(heard: list[Heard]) -> dict[tuple[int, int], int]:
    """Keys with more ons than offs."""
    down: dict[tuple[int, int], int] = {}
    for note in heard:
        kind, channel = note.data[0] & 0xF0, note.data[0] & 0x0F
        if kind == 0x90:
            down[channel, note.data[1]] = down.get((channel, note.data[1]), 0) + 1
        elif kind == 0x80:
            down[channel, note.data[1]] = 0
    return {key: count for key, count in down.items() if count}


def off_line(frames: list[int], spacing: float) -> float:
    """By how many frames nine in ten of equally spaced events are off the line through all."""
    off = np.array(frames) - spacing * np.arange(len(frames))
    return float(np.quantile(np.abs(off - np.median(off)), 0.9))


def test_notes_and_clock_are_at_their_frames(tmp_path: Path, jack: Jack) -> None:
    with (
        MidiRecorder(jack, tmp_path / "heard.csv", ("in", "clock")) as recorder,
        conducted(tmp_path, OutputSettings(clock=True)) as hall,
    ):
        hall.link.send(SetClock(enabled=True))
        hall.start()
        assert hall.names == [PARTS, CLOCK]
        jack.connect(PARTS, "recorder:in")
        jack.connect(CLOCK, "recorder:clock")
        hall.go(9.0)
        hall.link.send(Silence())
        hall.go(0.3)
        heard = recorder.stop()
    notes = [h for h in heard if h.port == "in"]
    bass = [h.frame for h in notes if h.data[0] == 0x90]
    assert len(bass) >= 30
    ticks = [h.frame for h in heard if h.data == b"\xf8"]
    assert max(b - a for a, b in pairwise(ticks)) <= 0.2 * RATE_HZ
    transport = [h.data[0] for h in heard if h.port == "clock" and h.data != b"\xf8"]
    assert transport == [0xFA, 0xFC]
    start = next(h.frame for h in heard if h.data == b"\xfa")
    downbeat = next(f for f in ticks if f > start)
    assert downbeat - start >= RATE_HZ / 1000
    assert not still_down(notes)
    late = hall.lateness()
    assert sum(late_s == 0.0 for late_s in late) >= 0.9 * len(late)  # to the frame
    if jack.xruns() == 0:  # frames and seconds are one only while the server keeps up
        assert off_line(bass, 0.25 * RATE_HZ) <= 0.0005 * RATE_HZ
        running = [f for f in ticks if f >= downbeat]
        assert off_line(running[: 8 * 24], RATE_HZ / 48) <= 0.0005 * RATE_HZ
        assert abs(downbeat - bass[0]) <= 0.003 * RATE_HZ
    programs = [i for i, h in enumerate(notes) if h.data[0] == 0xC0]
    first = next(i for i, h in enumerate(notes) if h.data[0] & 0xF0 == 0x90)
    assert notes[first].frame - notes[programs[-1]].frame >= 0.01 * RATE_HZ


def test_killed_in_mid_chord_the_keys_are_let_go_and_the_music_goes_on(
    tmp_path: Path, jack: Jack
) -> None:
    with (
        MidiRecorder(jack, tmp_path / "heard.csv") as recorder,
        conducted(tmp_path, OutputSettings(clock=True)) as hall,
    ):
        hall.start()
        jack.connect(PARTS, "recorder:in")
        hall.go(3.6)
        first = hall.link.pid
        killed_s = time.monotonic()
        os.kill(first, signal.SIGKILL)
        hall.go(3.0)
        assert hall.link.pid != first
        assert jack.connections(PARTS) == {"recorder:in"}
        hall.link.send(Silence())
        hall.go(0.2)
        heard = recorder.stop()
    assert hall.names == [PARTS, CLOCK]
    assert [p for p in hall.problems if "SIGKILL" in p]
    first_on = next(h.frame for h in heard if h.data[0] == 0x90)  # a second after the beginning
    killed = first_on + (killed_s - hall.offset_s - FIRST_S) * RATE_HZ
    chord = [h for h in heard if h.frame > killed and h.data[1] in CHORD]
    released = [h for h in chord if h.data[0] == 0x81][:3]
    assert {h.data[1] for h in released} == set(CHORD)
    assert released[-1].frame - killed <= 0.2 * RATE_HZ, "the chord hung"
    pedal = next(h for h in heard if h.data == b"\xb1\x40\x00" and h.frame > killed)
    assert heard.index(pedal) > heard.index(released[-1])
    # the bass goes on, and the chord, half of which was still to come, is struck again
    assert len([h for h in heard if h.data[0] == 0x90 and h.frame > killed]) >= 8
    assert len([h for h in chord if h.data[0] == 0x91]) == 3
    program = max(h.frame for h in heard if h.frame > killed and h.data[0] & 0xF0 == 0xC0)
    ons = [h.frame for h in heard if h.frame > killed and h.data[0] & 0xF0 == 0x90]
    assert ons[0] - program >= 0.01 * RATE_HZ - 1
    assert not still_down(heard)


def test_the_server_is_killed_and_started_again(tmp_path: Path, jack: Jack) -> None:
    with conducted(tmp_path, OutputSettings()) as hall:
        hall.start()
        with MidiRecorder(jack, tmp_path / "one.csv"):
            jack.connect(PARTS, "recorder:in")
            hall.go(2.0)
            jack.server.kill()
            jack.server.wait(10)
            hall.go(1.0)
        assert hall.names == []
        assert hall.problems == ["the JACK server has gone; trying again every second"]
        pid = hall.link.pid
        time.sleep(1.0)
        again = _restart(jack)
        try:
            with MidiRecorder(jack, tmp_path / "two.csv") as recorder:
                hall.go(3.0, lambda: hall.names == [PARTS])
                hall.go(2.5)
                hall.link.send(Silence())
                hall.go(0.3)
                heard = recorder.stop()  # who was connected is connected again
        finally:
            finish(again)
    assert hall.link.pid == pid
    assert len(hall.problems) == 1
    assert len([h for h in heard if h.data[0] == 0x90]) >= 4
    assert not still_down(heard)


def _restart(jack: Jack):  # type: ignore[no-untyped-def]
    """Start a server of the same name once more."""
    import subprocess

    server = subprocess.Popen(
        [str(word) for word in jack.server.args],  # type: ignore[union-attr]
        env=jack.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        restore_signals=False,
    )
    subprocess.run(
        ["jack_wait", "-s", jack.name, "-w", "-t", "10"],
        env=jack.environment,
        check=True,
        capture_output=True,
        timeout=20,
    )
    return server


def test_a_second_one_of_the_same_name_is_refused(tmp_path: Path, jack: Jack) -> None:
    (tmp_path / "second").mkdir()
    with conducted(tmp_path, OutputSettings()) as one:
        one.start()
        with conducted(tmp_path / "second", OutputSettings()) as other:
            other.start()
            assert other.problems == [
                "the JACK name 'accompanist' is taken: another accompanist runs; end it, or give "
                "this one another name (output.client_name)"
            ]
            assert other.names == []
            ours = [p for p in jack.ports() if p.startswith("accompanist")]
            assert ours == [PARTS]
            other.link.send(SetOutputs(OutputSettings(client_name="second")))
            other.go(5.0, lambda: other.names == ["second:parts"])
            assert other.names == ["second:parts"]
        assert jack.has(PARTS)


def test_an_instrument_that_is_unplugged_and_plugged_in_again(tmp_path: Path, jack: Jack) -> None:
    outputs = OutputSettings(backend="port", port="instrument", clock=True)
    with (
        MidiRecorder(jack, tmp_path / "one.csv", name="instrument") as first,
        conducted(tmp_path, outputs) as hall,
    ):
        hall.link.send(SetClock(enabled=True))
        hall.start()
        assert hall.names == ["instrument:in"]
        hall.go(2.0)
        before = first.stop()
        hall.go(2.0, lambda: not hall.names)
        assert hall.problems == ["instrument:in: the port has gone; trying again every second"]
        with MidiRecorder(jack, tmp_path / "two.csv", name="instrument") as again:
            hall.go(4.0, lambda: bool(hall.names))
            hall.go(1.5)
            hall.link.send(Silence())
            hall.go(0.3)
            after = again.stop()
    for heard in (before, after):
        assert len([h for h in heard if h.data[0] == 0x90]) >= 3
        assert len([h for h in heard if h.data == b"\xf8"]) >= 40  # one socket for both
    assert not still_down(after)
    assert len(hall.problems) == 1


def test_on_request_each_part_has_a_port(tmp_path: Path, jack: Jack) -> None:
    cello, organ = "accompanist:Cello", "accompanist:Organ  great"
    with (
        MidiRecorder(jack, tmp_path / "heard.csv", ("all", "cello", "organ")) as recorder,
        conducted(tmp_path, OutputSettings(port_per_part=True)) as hall,
    ):
        hall.start()
        hall.go(0.8, lambda: len(hall.names) == 3)
        assert hall.names == [PARTS, cello, organ]
        for port, ear in ((PARTS, "all"), (cello, "cello"), (organ, "organ")):
            jack.connect(port, f"recorder:{ear}")
        hall.go(2.5)
        hall.link.send(Mix(3, "mute", True))
        hall.go(0.2)
        hall.link.send(Panic())
        hall.go(0.3)
        hall.link.send(Silence())
        hall.go(0.2)
        heard = recorder.stop()
    struck = {(h.port, h.data[0] & 0x0F) for h in heard if h.data[0] & 0xF0 == 0x90}
    assert struck == {("cello", 0), ("organ", 1)}
    for port in ("all", "cello", "organ"):
        mine = [h for h in heard if h.port == port]
        assert not still_down(mine)
        assert any(h.data == b"\xb0\x7b\x00" for h in mine)


def test_the_performer_that_plays_has_no_numpy(
    tmp_path: Path, jack: Jack, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "modules.txt"
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, sys\n"
        "def tell(*_):\n"
        f"    open({str(told)!r}, 'w').write(' '.join(sorted(sys.modules)))\n"
        "signal.signal(signal.SIGUSR1, tell)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with conducted(tmp_path, OutputSettings(clock=True, synth=True, driver="jack")) as hall:
        hall.start(wait_s=20.0)
        hall.go(2.5)
        assert [name.split(",")[0] for name in hall.names] == [PARTS, CLOCK, "FluidSynth"]
        assert hall.lateness()
        os.kill(hall.link.pid, signal.SIGUSR1)
        wait_for("list of modules", lambda: told.is_file() and told.stat().st_size > 0, 5.0)
    modules = told.read_text().split()
    assert {"jack", "fluidsynth", "accompanist.performing.performer"} <= set(modules)
    heavy = {"numpy", "scipy", "numba", "soundfile", "music21", "asyncio"}
    assert not heavy & {name.partition(".")[0] for name in modules}


def test_the_end_leaves_nothing_sounding(tmp_path: Path, jack: Jack) -> None:
    for ending in ("close", "terminate"):
        with MidiRecorder(jack, tmp_path / f"{ending}.csv") as recorder:
            with conducted(tmp_path, OutputSettings()) as hall:
                hall.start()
                jack.connect(PARTS, "recorder:in")
                hall.go(2.2)
                if ending == "terminate":
                    os.kill(hall.link.pid, signal.SIGTERM)
                    hall.go(0.5, lambda: bool(hall.problems))
            heard = recorder.stop()
        assert [h for h in heard if h.data[0] == 0x91]
        assert not still_down(heard)
        with suppress(FileNotFoundError):
            (tmp_path / "board").unlink()
