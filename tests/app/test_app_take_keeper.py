"""Every take is kept: from arm or start to the end, with what belongs to it."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from accompanist.app.keeping.journal import JournalFacts
from accompanist.app.keeping.keeper import TakeKeeper
from accompanist.app.keeping.ring import TakeRing
from accompanist.conducting.settings import ConductorSettings
from accompanist.conducting.timeline import Timeline
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.model import Measure, Note, Part, Score
from accompanist.session import Step

RATE, HOP = 1000, 10
HOP_S = HOP / RATE


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accompanist.app.keeping.journal.FLUSH_S", 0.005)
    monkeypatch.setattr("accompanist.app.keeping.keeper.LINGER_S", 0.0)


class Stagehand:
    """Feeds a keeper as the hearing thread would, a state after the other."""

    def __init__(self, folder: Path, *, by_itself: bool = True, minutes: float = 60.0) -> None:
        self.problems: list[str] = []
        self.ring = TakeRing(folder, minutes=minutes)
        self.keeper = TakeKeeper(self.ring, self.problems.append, by_itself=by_itself)
        self.keeper.load(facts_of("duet"))
        self.hop = 0

    @property
    def now_s(self) -> float:
        return self.hop * HOP_S

    def go(self, state: str, seconds: float, *, onset: bool = False) -> None:
        for i in range(round(seconds / HOP_S)):
            self.keeper.sound(np.full(HOP, 0.1, dtype=np.float32), self.now_s)
            self.hop += 1
            now_s = self.now_s
            onsets = (OnsetReport(now_s, now_s, 0.0, 0),) if onset and i == 0 else ()
            estimate = Estimate(now_s, 0.0, 2.0, 1.0, FollowerState.FOLLOWING, onsets)
            cue = Cue(now_s, Timeline((0.0,), (0.0,), 2.0), state)
            self.keeper.step(Step(estimate, (), cue, 0.0), 0.0001, None)

    def send(self, kind: Kind, number: int, value: int = 0, time_s: float | None = None) -> None:
        at_s = self.now_s if time_s is None else time_s
        timed = TimedMessage(at_s, 0.0, 2, Message(kind, 1, number, value))
        self.keeper.sent((timed,), (0.0,))

    def settle(self) -> None:
        """Wait until what is over is on disk."""
        pause = threading.Event()
        for _ in range(1000):
            self.keeper.tidy()
            if not self.keeper.writing:
                return
            pause.wait(0.01)
        raise AssertionError("a take is never written")

    def takes(self) -> list[Path]:
        self.keeper.close()
        return self.ring.journals()


def facts_of(piece: str) -> JournalFacts:
    solo = Part(1, "Flute", (Note(0.0, 1.0, 72),))
    score = Score("Duet", (solo,), (Measure(0.0, 4.0, "1"),))
    return JournalFacts(
        {"id": piece}, score, 1, "bayes", asdict(ConductorSettings()), RATE, HOP_S, 0.0, {}
    )


def table(take: Path, name: str) -> list[list[str]]:
    return [row.split(",") for row in (take / name).read_text("utf-8").splitlines()[2:]]


def test_a_take_goes_from_arm_to_stop(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path)
    hand.go("idle", 1.0)
    hand.keeper.begin()
    hand.go("armed", 0.5)
    hand.go("following", 1.0, onset=True)
    hand.go("idle", 2.0)
    (take,) = hand.takes()
    trace = table(take, "trace.csv")
    assert [row[4] for row in trace].count("armed") == 50
    assert [row[4] for row in trace].count("following") == 100
    assert 25 <= [row[4] for row in trace].count("idle") <= 35  # it lingers a little
    assert trace[0][0] == f"{HOP_S:.6f}"
    assert hand.keeper.last() == take
    assert hand.problems == []


def test_a_take_begins_and_ends_by_itself(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path)
    hand.go("idle", 0.2)
    hand.go("countin", 0.5)
    hand.go("following", 0.5, onset=True)
    hand.go("ended", 2.5)  # the last chord
    hand.go("ended", 5.0)
    (take,) = hand.takes()
    assert float(table(take, "trace.csv")[-1][0]) == pytest.approx(4.0, abs=0.1)


def test_arming_again_begins_another_take(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path)
    for _ in range(3):
        hand.keeper.begin()
        hand.go("following", 0.2, onset=True)
    assert len(hand.takes()) == 3


def test_a_take_in_which_nothing_was_played_is_not_kept(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path)
    hand.keeper.begin()
    hand.go("armed", 0.3)
    hand.go("idle", 1.0)
    assert hand.keeper.last() is None
    assert hand.takes() == []


def test_silence_before_the_soloist_does_not_pile_up(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path)
    hand.keeper.begin()
    hand.go("armed", 150.0)
    hand.go("following", 1.0, onset=True)
    (take,) = hand.takes()
    assert float(table(take, "trace.csv")[-1][0]) < 62.0


def test_what_was_sent_belongs_to_the_take_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accompanist.app.keeping.keeper.LINGER_S", 60.0)
    hand = Stagehand(tmp_path)
    hand.keeper.begin()
    hand.go("following", 1.0, onset=True)
    begun_s = hand.now_s
    hand.keeper.begin()
    hand.go("following", 1.0, onset=True)
    hand.send(Kind.ON, 60, 90, time_s=begun_s + 0.5)
    hand.send(Kind.ON, 61, 90, time_s=begun_s - 0.5)  # told late
    first, second = hand.takes()
    assert [row[4] for row in table(first, "played.csv")] == ["61"]
    assert [(row[0], row[4]) for row in table(second, "played.csv")] == [("0.500000", "60")]


def test_programs_that_stand_already_are_written_at_the_beginning(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path)
    hand.go("idle", 1.0)
    hand.send(Kind.PROGRAM, 40)
    hand.send(Kind.PROGRAM, 42)
    hand.send(Kind.CC, 7, 100)
    hand.send(Kind.CC, 120, 0)  # a mode: it does not stand
    for number, value in ((101, 0), (100, 1), (6, 65), (38, 3)):  # tuned
        hand.send(Kind.CC, number, value)
    hand.keeper.begin()
    hand.go("following", 0.5, onset=True)
    (take,) = hand.takes()
    sent = [(row[0], row[4], row[5], row[6]) for row in table(take, "played.csv")]
    assert sent == [
        ("0.000000", "42", "0", "program"),
        ("0.000000", "7", "100", "cc"),
        ("0.000000", "101", "0", "cc"),
        ("0.000000", "100", "1", "cc"),
        ("0.000000", "6", "65", "cc"),
        ("0.000000", "38", "3", "cc"),
    ]


def test_another_piece_ends_the_take(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path)
    hand.keeper.begin()
    hand.go("following", 0.5, onset=True)
    hand.keeper.load(facts_of("trio"))
    hand.keeper.forget_settings()
    hand.hop = 0
    hand.keeper.begin()
    hand.go("following", 0.5, onset=True)
    pieces = [json.loads((take / "take.json").read_text("utf-8")) for take in hand.takes()]
    assert [facts["piece"]["id"] for facts in pieces] == ["duet", "trio"]


def test_discarding(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path)
    for _ in range(2):
        hand.keeper.begin()
        hand.go("following", 0.2, onset=True)
    hand.keeper.discard()  # the one that runs
    hand.go("idle", 0.2)
    assert len(hand.takes()) == 1


def test_discarding_the_last_take(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path)
    hand.keeper.begin()
    hand.go("following", 0.2, onset=True)
    hand.go("idle", 1.0)
    assert hand.keeper.last() is not None
    hand.keeper.discard()
    assert hand.keeper.last() is None
    assert hand.takes() == []


def test_the_ring_is_trimmed_as_takes_end(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path, minutes=0.05)  # three seconds
    for _ in range(3):
        hand.keeper.begin()
        hand.go("following", 2.0, onset=True)
        hand.keeper.end()
        hand.settle()
    assert len(hand.takes()) == 1


def test_a_full_disk_is_told_and_the_next_take_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "takes"
    folder.write_text("in the way")
    hand = Stagehand(folder)
    hand.keeper.begin()
    hand.go("following", 0.5, onset=True)
    hand.keeper.close()
    assert len(hand.problems) == 1
    folder.unlink()
    hand.keeper.begin()
    hand.go("following", 0.5, onset=True)
    assert len(hand.takes()) == 1
    assert len(hand.problems) == 1


def test_without_rules_only_the_caller_begins_and_ends(tmp_path: Path) -> None:
    hand = Stagehand(tmp_path, by_itself=False)
    hand.go("following", 0.5, onset=True)
    hand.keeper.begin()
    hand.go("following", 0.5, onset=True)
    hand.go("idle", 5.0)
    hand.go("following", 0.5, onset=True)
    (take,) = hand.takes()
    assert float(table(take, "trace.csv")[-1][0]) == pytest.approx(6.0)
