"""Loops and vamps."""

from __future__ import annotations

from itertools import pairwise

import pytest
from virtual_soloist import HOP_S, Stage

from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport

ONSETS = [0.0, 1.0, 2.0, 3.0, 12.0, 13.0, 14.0, 15.0]
"""The soloist rests from 4 to 12."""
EIGHTHS = [i / 2 for i in range(32)]


class Vamp(Stage):
    """Remembers every note that was played, however often."""

    def __init__(self) -> None:
        super().__init__(ONSETS, EIGHTHS, durations=[1.0] * 8)
        self.played: list[tuple[float, float]] = []

    def rest(self, until_s: float) -> None:
        """Let the soloist be silent; the follower waits before their entry."""
        while self.now_s < until_s:
            self.hop += 1
            self.wait()

    def wait(self, *reports: OnsetReport) -> None:
        before = dict(self.sent)
        quarter = ONSETS[reports[-1].event] if reports else 11.999
        state = FollowerState.FOLLOWING if reports else FollowerState.HOLDING
        self.hear(Estimate(self.now_s, quarter, 2.0, 0.9, state, reports, False, -20.0))
        self.played += [(t, q) for q, t in self.sent.items() if before.get(q) != t]

    def begin(self, command: str = "loop", region: tuple[float, float] = (4.0, 8.0)) -> None:
        getattr(self.conductor, command)(*region)
        self.play({i: 1.0 + 0.5 * i for i in range(4)}, 2.9)


def states(stage: Stage) -> list[str]:
    """In their order; that it held a note for a moment is of no interest here."""
    named = [state for _, state in stage.states if state != "holding"]
    return [s for i, s in enumerate(named) if i == 0 or named[i - 1] != s]


def test_a_loop_over_a_rest_of_the_soloist_is_a_vamp() -> None:
    stage = Vamp()
    stage.begin()
    stage.rest(11.5)
    assert states(stage) == ["armed", "following", "vamping"]
    # bar 2 from 3 s on, 2 s a round
    assert [t for t, _ in stage.jumps] == pytest.approx([5.0, 7.0, 9.0, 11.0], abs=2 * HOP_S)
    assert {q for _, q in stage.jumps} == {4.0}
    assert 8.0 not in stage.sent


def test_the_rounds_of_a_vamp_do_not_drift() -> None:
    stage = Vamp()
    stage.begin()
    stage.rest(40.0)
    rounds = [t for t, q in stage.played if q == 6.0]
    round_s = 4.0 * 60.0 / stage.conductor.tempo_qpm
    assert len(rounds) > 15
    assert [t - rounds[0] for t in rounds] == pytest.approx(
        [round_s * i for i in range(len(rounds))], abs=0.012
    )


def test_a_vamp_plays_on_at_the_end_of_the_round_when_it_is_let_go() -> None:
    stage = Vamp()
    stage.begin()
    stage.rest(7.5)
    stage.conductor.vamp_exit()
    stage.rest(10.9)
    assert [q for _, q in stage.jumps] == [4.0, 4.0]  # none at 9 s
    assert states(stage)[-1] == "following"
    assert stage.sent[8.0] == pytest.approx(9.0, abs=0.02)
    assert stage.sent[11.5] == pytest.approx(10.75, abs=0.03)
    assert stage.conductor.looping is None


def test_the_soloist_who_comes_in_ends_the_vamp_at_once() -> None:
    stage = Vamp()
    stage.begin()
    stage.rest(7.5)
    stage.hop += 1
    stage.wait(OnsetReport(stage.now_s, stage.now_s - 0.02, 12.0, 4))
    assert stage.direction is not None
    assert (stage.direction.state, stage.direction.quarter) == ("following", 12.0)
    assert stage.conductor.looping is None
    entry_s = stage.now_s
    stage.play({5: entry_s + 0.48, 6: entry_s + 0.98, 7: entry_s + 1.48}, entry_s + 2.0)
    assert stage.sent[14.0] == pytest.approx(entry_s + 0.98, abs=0.03)


def test_the_follower_is_left_alone_while_it_waits_for_the_entry() -> None:
    stage = Vamp()
    told: list[float | None] = []
    stage.begin()
    for _ in range(800):
        stage.hop += 1
        stage.wait()
        assert stage.direction is not None
        told.append(stage.direction.follower_at)
    assert set(told) == {None}


def test_a_vamp_by_command_goes_round_whatever_the_soloist_plays() -> None:
    stage = Vamp()
    stage.conductor.vamp(0.0, 4.0)
    stage.play({i: 1.0 + 0.5 * i for i in range(4)}, 2.9)
    assert states(stage) == ["armed", "vamping"]
    for event in (1, 4, 5):
        stage.rest(stage.now_s + 0.7)
        stage.hop += 1
        stage.wait(OnsetReport(stage.now_s, stage.now_s - 0.02, ONSETS[event], event))
    stage.rest(8.0)
    assert {q for _, q in stage.jumps} == {0.0}
    assert len(stage.jumps) == 3
    assert states(stage)[-1] == "vamping"
    stage.conductor.vamp_exit()
    stage.rest(8.8)
    assert states(stage)[-1] == "vamping"
    assert stage.conductor.looping is None
    stage.rest(10.0)
    assert stage.sent[4.5] == pytest.approx(9.25, abs=0.03)
    assert states(stage)[-1] == "following"


def test_a_vamp_ahead_begins_when_the_ensemble_gets_there() -> None:
    stage = Vamp()
    stage.begin(region=(6.0, 8.0))
    stage.rest(3.9)
    assert states(stage)[-1] == "following"
    stage.rest(6.0)
    assert states(stage)[-1] == "vamping"
    assert stage.jumps[0] == pytest.approx((5.0, 6.0), abs=2 * HOP_S)


def test_a_loop_in_the_soloists_part_is_no_vamp() -> None:
    stage = Stage([float(i) for i in range(16)], EIGHTHS)
    stage.conductor.loop(4.0, 8.0)
    stage.play({i: 1.0 + 0.5 * i for i in range(8)}, 4.99)
    stage.play({4 + i: 5.0 + 0.5 * i for i in range(4)}, 6.9)
    assert "vamping" not in states(stage)
    assert [q for _, q in stage.jumps] == [4.0]


def test_a_locked_tempo_stays_through_the_rounds_of_a_loop() -> None:
    stage = Stage([float(i) for i in range(16)], EIGHTHS)
    stage.conductor.loop(4.0, 8.0)
    solo = {i: 1.0 + 0.5 * i for i in range(7)}
    stage.play(solo, 4.2, at={3.2: lambda c: c.lock(True)})
    # the soloist slows down: it is of no concern
    stage.play({4 + i: 5.2 + 0.7 * i for i in range(4)}, 12.0)
    rounds = [t for t, _ in stage.jumps]
    assert [b - a for a, b in pairwise(rounds)] == pytest.approx(
        [2.0] * (len(rounds) - 1), abs=0.02
    )
    assert len(rounds) == 4


def test_going_behind_a_loop_ends_it() -> None:
    stage = Stage([float(i) for i in range(16)], EIGHTHS)
    stage.conductor.loop(4.0, 8.0)
    stage.conductor.locate(10.0)
    stage.play({10: 1.0, 11: 1.5, 12: 2.0}, 2.6)
    assert stage.conductor.looping is None
    assert stage.sent[12.0] == pytest.approx(2.0, abs=0.03)


def test_going_before_a_loop_keeps_it() -> None:
    stage = Stage([float(i) for i in range(16)], EIGHTHS)
    stage.conductor.loop(4.0, 8.0)
    stage.conductor.locate(2.0)
    stage.play({}, 0.1)
    assert stage.conductor.looping == (4.0, 8.0)


def test_a_vamp_that_is_let_go_does_not_run_after_the_followers_idea_of_the_rest() -> None:
    stage = Vamp()
    stage.begin()
    stage.rest(7.2)
    # the follower has played the rest on in tempo and stands near its end
    stage.conductor.vamp_exit()
    jumps = list(stage.jumps)
    told = []
    while stage.now_s < 10.9:
        stage.hop += 1
        state = FollowerState.FOLLOWING
        direction = stage.hear(Estimate(stage.now_s, 11.5, 2.0, 0.9, state, level_db=-20.0))
        told.append(direction.follower_at)
    assert stage.jumps == jumps
    assert stage.sent[11.5] == pytest.approx(10.75, abs=0.03)
    assert told[0] is not None  # it is told where the ensemble is
    assert set(told[1:]) == {None}
