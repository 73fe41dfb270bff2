"""The performer as a process of its own, without a device: it plays, it dies, another plays on."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from accompanist.app.performer.link import HANGS_S, PerformerEvent, PerformerLink
from accompanist.app.processes.board import Board
from accompanist.app.processes.links import (
    LoadPlan,
    Mix,
    OutputSettings,
    OutputsOpened,
    Problem,
    Sent,
    SetOutputs,
)
from accompanist.conducting.timeline import Timeline
from accompanist.performing.clock import ClockPlan
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.tempo import written_tempo

SILENT = OutputSettings(midi=False)
NOTE_S = 0.05


def plan(notes: int = 400) -> LoadPlan:
    """Repeated short notes, twenty a second."""
    solo = Part(1, "Flute", (Note(0.0, 1.0, 72),))
    bass = Part(2, "Cello", tuple(Note(0.1 * i, 0.1, 40 + i % 12) for i in range(notes)))
    score = Score("", (solo, bass), (Measure(0.0, 4.0, "1"),), tempo_marks=(TempoMark(0.0, 120.0),))
    return LoadPlan(accompaniment_plan(score, 1, written_tempo(score)), ClockPlan(), {2: "Cello"})


class Conducted:
    """A link with the cues of an ensemble that goes on at a steady tempo."""

    def __init__(self, link: PerformerLink) -> None:
        self.link = link
        self.events: list[PerformerEvent] = []
        self.board = Board.open(link.board_path)
        end_s = time.monotonic() + 10.0
        while not self.of(OutputsOpened):
            assert time.monotonic() < end_s
            select.select([link], [], [], 0.1)
            self.events += link.events()
        self.offset_s = time.monotonic()

    def go(self, until: Callable[[], bool], seconds: float = 10.0) -> None:
        """Publish a cue a hop until something is true."""
        end_s = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end_s, self.events[-3:]
            now_s = time.monotonic() - self.offset_s
            self.board.publish(
                Cue(now_s, Timeline((0.5,), (0.0,), 2.0), "following"), self.offset_s
            )
            select.select([self.link], [], [], 0.006)
            self.events += self.link.events()

    def go_for(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        self.go(lambda: time.monotonic() > end_s, seconds + 5.0)

    @property
    def struck(self) -> list[tuple[float, float]]:
        """(take time, lateness) of every note."""
        return [
            (m.time_s, late)
            for event in self.events
            if isinstance(event, Sent)
            for m, late in zip(event.messages, event.late_s, strict=True)
            if m.message.kind is Kind.ON
        ]

    def of(self, kind: type[PerformerEvent]) -> list[PerformerEvent]:
        return [event for event in self.events if isinstance(event, kind)]


def test_notes_are_sent_at_their_times_and_told(tmp_path: Path) -> None:
    with PerformerLink(tmp_path / "board", SILENT, spare=False) as link:
        hall = Conducted(link)
        link.send(plan())
        hall.go(lambda: len(hall.struck) >= 30)
        link.send(Mix(2, "mute", True))
        hall.go_for(0.3)
        count = len(hall.struck)
        hall.go_for(0.5)
        assert len(hall.struck) - count <= 1
        link.send(Mix(7, "mute", True))
        hall.go(lambda: bool(hall.of(Problem)))
    opened = hall.of(OutputsOpened)[0]
    assert isinstance(opened, OutputsOpened)
    assert opened.outputs == ()
    assert opened.realtime != bool(opened.why_not)
    times = [time_s - late for time_s, late in hall.struck]
    assert times[:30] == pytest.approx([0.5 + NOTE_S * i for i in range(30)], abs=0.002)
    assert sorted(late for _, late in hall.struck)[15] < 0.005
    hall.events += link.events()
    messages = [m for e in hall.of(Sent) if isinstance(e, Sent) for m in e.messages]
    ons = [m for m in messages if m.message.kind is Kind.ON]
    offs = [m for m in messages if m.message.kind is Kind.OFF]
    assert len(ons) == len(offs)


@pytest.mark.parametrize("spare", [True, False])
def test_when_the_performer_is_killed_another_plays_on(tmp_path: Path, spare: bool) -> None:
    with PerformerLink(tmp_path / "board", SILENT, spare=spare) as link:
        hall = Conducted(link)
        link.send(plan())
        link.send(Mix(2, "gain", -6.0))
        hall.go_for(1.5)
        first = link.pid
        killed_s = time.monotonic() - hall.offset_s
        os.kill(first, signal.SIGKILL)
        hall.go(lambda: bool(hall.struck) and hall.struck[-1][0] > killed_s + 1.0)
        assert link.pid != first
        problem = hall.of(Problem)[0]
        assert isinstance(problem, Problem)
        assert (problem.code, "SIGKILL" in problem.text) == (503, True)
        after = [time_s for time_s, _ in hall.struck if time_s > killed_s]
        assert after[0] - killed_s < (0.3 if spare else 3.0)
        if spare:  # and once more, when the next spare has had time to come
            hall.go_for(2.5)
            os.kill(link.pid, signal.SIGKILL)
            killed_s = time.monotonic() - hall.offset_s
            hall.go(lambda: hall.struck[-1][0] > killed_s + 0.5)
            after = [time_s for time_s, _ in hall.struck if time_s > killed_s]
            assert after[0] - killed_s < 0.3


def test_a_performer_that_hangs_is_replaced(tmp_path: Path) -> None:
    with PerformerLink(tmp_path / "board", SILENT) as link:
        hall = Conducted(link)
        link.send(plan())
        hall.go_for(1.0)
        first = link.pid
        os.kill(first, signal.SIGSTOP)
        hall.go(lambda: link.pid != first)
        stopped_s = time.monotonic() - hall.offset_s
        hall.go(lambda: hall.struck[-1][0] > stopped_s + 0.5)
        problems = [event.text for event in hall.of(Problem) if isinstance(event, Problem)]
        assert problems == ["the performer hung; another has taken its place"]
        hall.go_for(2 * HANGS_S)  # and the next one is not taken for hanging
        assert len(hall.of(Problem)) == 1


def test_a_spare_that_dies_is_replaced_without_a_word(tmp_path: Path) -> None:
    with PerformerLink(tmp_path / "board", SILENT) as link:
        hall = Conducted(link)
        link.send(plan())
        hall.go_for(1.0)
        assert link._spare is not None
        first = link._spare.pid
        os.kill(first, signal.SIGKILL)
        hall.go(lambda: link._spare is not None and link._spare.pid != first)
        assert not hall.of(Problem)


def test_an_output_that_cannot_be_is_one_clear_problem(tmp_path: Path) -> None:
    font = tmp_path / "no.sf2"
    with PerformerLink(tmp_path / "board", SILENT, spare=False) as link:
        hall = Conducted(link)
        link.send(SetOutputs(OutputSettings(midi=False, synth=True, soundfont=font)))
        hall.go(lambda: len(hall.of(OutputsOpened)) > 1)
        hall.go_for(1.5)  # it goes on trying, and does not go on complaining
    assert [e.text for e in hall.of(Problem) if isinstance(e, Problem)] == [
        f"{font}: there is no such sound font; install one (Debian/Ubuntu: timgm6mb-soundfont, "
        "Fedora: fluid-soundfont-gm, macOS: put an .sf2 into ~/Library/Audio/Sounds/Banks), or "
        "name one with --soundfont or SOUNDFONT"
    ]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_when_the_parent_is_killed_performer_and_spare_leave(tmp_path: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from accompanist.app.processes.links import OutputSettings\n"
        "from accompanist.app.performer.link import PerformerLink\n"
        f"link = PerformerLink(Path({str(tmp_path / 'board')!r}), OutputSettings(midi=False))\n"
        "link.start()\n"
        "print(link.pid, link._spare.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert all(_alive(pid) for pid in pids)
        parent.kill()
    end_s = time.monotonic() + 5.0
    while any(_alive(pid) for pid in pids):
        assert time.monotonic() < end_s
        time.sleep(0.05)
