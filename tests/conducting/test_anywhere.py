"""Armed with no place named, the soloist may begin anywhere; the ensemble joins them there."""

from __future__ import annotations

import pytest
from virtual_soloist import HOP_S, Stage

from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport

QUARTERS = [float(i) for i in range(32)]
EIGHTHS = [i / 2 for i in range(64)]


def told_after(stage: Stage) -> tuple[float | None, bool]:
    """Where the follower is told to look by the command that was given last, and how widely."""
    stage.play({}, stage.now_s + HOP_S / 2)
    assert stage.direction is not None
    return stage.direction.follower_at, stage.direction.follower_anywhere


def test_arm_listens_anywhere_until_somebody_says_where() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor.arm()
    assert told_after(stage) == (0.0, True)
    stage.conductor.locate(8.0)
    assert told_after(stage) == (8.0, False)
    stage.conductor.arm()
    assert told_after(stage) == (8.0, False)


def test_what_has_been_played_says_where_too() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor.arm()
    stage.play({i: 0.5 + i * 0.5 for i in range(5)}, 2.8, at={2.7: lambda c: c.stop()})
    stage.conductor.arm()
    at, anywhere = told_after(stage)
    assert not anywhere
    assert at == pytest.approx(4.4, abs=0.1)


def test_a_pause_while_armed_anywhere_ends_so() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor.arm()
    stage.play({}, 0.5, at={0.2: lambda c: c.pause()})
    stage.conductor.resume()
    assert told_after(stage) == (0.0, True)


def test_the_ensemble_joins_a_soloist_who_begins_in_the_middle_without_making_up() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor.arm()
    stage.play({}, 1.0)
    # Found one and a half seconds after the note at quarter 16: they are at 19 by now.
    stage.hop += 1
    now_s = stage.now_s
    report = OnsetReport(now_s, now_s - 0.05, 19.0, 19)
    stage.hear(Estimate(now_s, 19.1, 2.0, 0.8, FollowerState.FOLLOWING, (report,), True, -20.0))
    assert not stage.sent
    stage.last, stage.last_s = 19, now_s - 0.05
    solo = {19 + i: now_s - 0.05 + 0.5 * i for i in range(1, 8)}
    stage.play(solo, now_s + 3.4)
    assert min(stage.sent) >= 19.0
    at_once = [q for q, time_s in stage.sent.items() if time_s < now_s + 0.1]
    assert len(at_once) <= 1
    late = [stage.sent[float(e)] - solo[e] for e in range(21, 26)]
    assert max(abs(x) for x in late) < 0.06
