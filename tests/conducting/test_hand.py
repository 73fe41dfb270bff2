"""The human hand: hold, cue, resync, the stick, how closely to follow, what to do when lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from virtual_soloist import HOP_S, Stage

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport

QUARTERS = [float(i) for i in range(16)]
EIGHTHS = [i / 2 for i in range(32)]


def times(first: int, count: int, start_s: float, step_s: float = 0.5) -> dict[int, float]:
    return {first + i: start_s + i * step_s for i in range(count)}


def states(stage: Stage) -> list[str]:
    return [state for _, state in stage.states]


def silent(stage: Stage, until_s: float, quarter: float, state: FollowerState) -> None:
    while stage.now_s < until_s:
        stage.hop += 1
        stage.hear(Estimate(stage.now_s, quarter, 2.0, 0.9, state, level_db=-20.0))


# ---- hold and cue --------------------------------------------------------------------------------


def test_the_hand_holds_where_the_ensemble_is_as_long_as_it_likes() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0), 3.6, at={3.6: lambda c: c.hold()})
    silent(stage, 30.0, 5.2, FollowerState.HOLDING)
    assert stage.conductor.held
    assert max(stage.sent) == 5.0
    assert states(stage)[-1] == "holding"
    assert "waiting" not in states(stage)
    assert stage.direction is not None
    assert stage.direction.timeline.gate_quarter == pytest.approx(5.2, abs=0.03)


def test_let_go_it_plays_on_from_there_in_tempo() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0), 3.6, at={3.6: lambda c: c.hold()})
    silent(stage, 10.0, 5.2, FollowerState.HOLDING)
    assert stage.direction is not None
    place = stage.direction.quarter
    stage.conductor.hold()
    solo = times(6, 5, 10.0 + (6.0 - place) * 0.5)
    stage.play(solo, 12.5)
    assert not stage.conductor.held
    assert stage.jumps == []
    assert stage.sent[5.5] == pytest.approx(10.0 + (5.5 - place) * 0.5, abs=0.02)
    assert stage.sent[8.0] == pytest.approx(solo[8], abs=0.03)


def test_a_hold_that_is_let_go_meets_a_soloist_who_has_gone_on() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    solo = times(0, 14, 1.0)
    stage.play(solo, 5.6, at={3.6: lambda c: c.hold(True)})
    assert max(stage.sent) == 5.0
    stage.conductor.hold(False)
    stage.play(solo, 7.6)
    assert [q for _, q in stage.jumps] == [9.0]
    assert stage.sent[12.0] == pytest.approx(solo[12], abs=0.03)


def test_a_cue_lets_go_and_the_next_note_is_now() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0), 3.6, at={3.6: lambda c: c.hold()})
    silent(stage, 8.0, 5.2, FollowerState.HOLDING)
    stage.conductor.cue()
    stage.play({}, 8.1)
    assert not stage.conductor.held
    assert stage.sent[6.0] == pytest.approx(8.0, abs=0.04)
    assert stage.sent[6.0] - stage.sent[5.5] > 0.01  # not struck together


def test_a_hold_on_an_ensemble_with_a_tempo_of_its_own() -> None:
    stage = Stage(QUARTERS, EIGHTHS, settings=ConductorSettings(mode="fixed"))
    stage.play({0: 1.0}, 6.0, at={3.0: lambda c: c.hold(), 5.0: lambda c: c.hold()})
    held = stage.sent[4.5] - stage.sent[3.5]
    assert held == pytest.approx(2.0 + 0.5, abs=0.02)
    assert stage.sent[5.5] - stage.sent[4.5] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("when", ["armed", "stopped", "counting"])
def test_there_is_nothing_to_hold(when: str) -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    if when == "stopped":
        stage.conductor.stop()
    if when == "counting":
        stage.conductor.start()
    stage.play({}, 1.0)
    stage.conductor.hold()
    stage.play({}, 1.5)
    assert not stage.conductor.held


def test_stopping_lets_go_of_a_hold() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    commands = {3.0: lambda c: c.hold(), 3.5: lambda c: c.stop(), 4.0: lambda c: c.arm()}
    stage.play(times(0, 4, 1.0), 4.5, at=commands)
    assert not stage.conductor.held
    stage.play(times(5, 3, 5.0), 6.0)
    assert stage.sent[6.0] == pytest.approx(5.5, abs=0.03)


# ---- resync --------------------------------------------------------------------------------------


def test_resync_believes_the_follower_at_once() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0), 3.7)
    silent(stage, 3.75, 11.0, FollowerState.FOLLOWING)
    assert stage.jumps == []
    stage.conductor.resync()
    silent(stage, stage.now_s + HOP_S / 2, 11.2, FollowerState.FOLLOWING)
    assert stage.jumps == [(stage.now_s, 11.2)]


def test_resync_begins_an_armed_ensemble_where_the_soloist_is() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    silent(stage, 1.0, 6.25, FollowerState.FOLLOWING)
    assert states(stage) == ["armed"]
    stage.conductor.resync()
    silent(stage, 1.2, 6.5, FollowerState.FOLLOWING)
    assert states(stage)[-1] == "following"
    assert min(stage.sent) == 6.5


def test_resync_does_not_wake_an_ensemble_that_was_stopped() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor.stop()
    stage.conductor.resync()
    silent(stage, 1.0, 6.25, FollowerState.FOLLOWING)
    assert states(stage) == ["idle"]


# ---- under a stick -------------------------------------------------------------------------------


def beats(*at_s: float) -> dict[float, Callable[[Conductor], None]]:
    return {t: lambda c: c.beat() for t in at_s}


def conducted(ensemble: list[float] = EIGHTHS) -> Stage:
    return Stage(QUARTERS, ensemble, settings=ConductorSettings(mode="conduct"))


def test_every_tap_is_a_beat() -> None:
    stage = conducted()
    taps = [1.0, 1.6, 2.2, 2.9, 3.5]
    stage.play({}, 3.6, at=beats(*taps))
    assert [stage.sent[float(i)] for i in range(5)] == pytest.approx(taps, abs=HOP_S)
    # half beats in the tempo of the taps before
    assert stage.sent[0.5] == pytest.approx(1.25, abs=HOP_S)
    assert stage.sent[1.5] == pytest.approx(1.9, abs=HOP_S)
    assert stage.sent[2.5] == pytest.approx(2.5, abs=HOP_S)


def test_without_a_beat_there_is_no_music() -> None:
    stage = conducted()
    stage.play({}, 20.0, at=beats(1.0, 1.5, 2.0))
    assert max(stage.sent) == 2.5
    assert states(stage)[:1] == ["armed"]
    assert states(stage)[-2:] == ["holding", "waiting"]
    stage.conductor.beat()
    stage.play({}, 20.3)
    assert stage.sent[3.0] == pytest.approx(20.0, abs=2 * HOP_S)
    assert stage.sent[3.5] == pytest.approx(20.25, abs=2 * HOP_S)  # a hold is no tempo


def test_the_soloist_is_not_listened_to_under_a_stick() -> None:
    stage = conducted()
    stage.play(times(0, 12, 0.3, 0.3), 4.0, at=beats(1.0, 1.5, 2.0))
    assert max(stage.sent) == 2.5
    assert stage.jumps == []


def test_a_beat_that_comes_early_is_joined() -> None:
    stage = conducted()
    stage.play({}, 2.0, at=beats(1.0, 1.5, 1.8))
    assert stage.sent[2.0] == pytest.approx(1.8, abs=HOP_S)
    assert stage.sent[1.5] <= stage.sent[2.0]


def test_a_beat_that_comes_far_too_early_leaves_notes_out() -> None:
    slow = Stage(QUARTERS, EIGHTHS, qpm=30.0, settings=ConductorSettings(mode="conduct"))
    slow.play({}, 3.1, at=beats(1.0, 1.3))
    assert 0.5 not in slow.sent
    assert slow.sent[1.0] == pytest.approx(1.3, abs=HOP_S)


def test_a_cue_is_a_beat_and_so_is_start() -> None:
    stage = conducted()
    commands = {1.0: lambda c: c.start(), 1.5: lambda c: c.cue(), 2.0: lambda c: c.beat(1.99)}
    stage.play({}, 2.1, at=commands)
    assert [stage.sent[q] for q in (0.0, 1.0, 2.0)] == pytest.approx([1.0, 1.5, 2.0], abs=2 * HOP_S)


def test_taking_the_stick_in_the_middle_goes_to_the_next_beat_and_waits() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    commands = {3.1: lambda c: c.follow("conduct"), 5.0: lambda c: c.beat()}
    stage.play(times(0, 12, 1.0), 5.1, at=commands)
    assert stage.sent[4.5] == pytest.approx(3.25, abs=0.03)
    assert stage.sent[5.0] == pytest.approx(5.0, abs=HOP_S)
    assert stage.jumps == []


def test_giving_the_stick_away_follows_again_in_its_tempo() -> None:
    stage = conducted()
    taps = beats(*(1.0 + 0.7 * i for i in range(6)))
    stage.play({}, 4.55, at={**taps, 4.55: lambda c: c.follow("follow")})
    assert stage.conductor.mode == "follow"
    assert stage.conductor.tempo_qpm == pytest.approx(60.0 / 0.7, rel=0.01)
    solo = times(6, 6, 5.2, 0.7)
    stage.play(solo, 8.4)
    assert stage.sent[9.0] == pytest.approx(solo[9], abs=0.04)


def test_a_pause_under_the_stick() -> None:
    stage = conducted()
    commands = {
        **beats(1.0, 1.5),
        1.6: lambda c: c.pause(),
        1.8: lambda c: c.beat(),
        2.0: lambda c: c.resume(),
        3.0: lambda c: c.beat(),
    }
    stage.play({}, 3.1, at=commands)
    assert 1.5 in stage.sent
    assert stage.sent[2.0] == pytest.approx(3.0, abs=2 * HOP_S)


def test_the_last_beat_goes_on_to_the_end() -> None:
    stage = Stage(QUARTERS[:4], EIGHTHS[:8], settings=ConductorSettings(mode="conduct"))
    stage.play({}, 7.0, at=beats(*(1.0 + 0.5 * i for i in range(8))))
    assert max(stage.sent) == 3.5
    assert states(stage)[-1] == "ended"


# ---- how closely to follow -----------------------------------------------------------------------


def slowing(step_s: float = 0.6) -> dict[int, float]:
    return {**times(0, 6, 1.0), **times(6, 10, 1.0 + 5 * 0.5 + step_s, step_s)}


def steps(stage: Stage, first: int, last: int) -> list[float]:
    sent = [stage.sent[float(q)] for q in range(first, last)]
    return [b - a for a, b in pairwise(sent)]


def test_level_0_keeps_its_own_tempo() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(slowing(), 9.0, at={3.3: lambda c: c.level(0)})
    assert steps(stage, 6, 13) == pytest.approx([0.5] * 6, abs=0.01)
    assert stage.jumps == []
    assert stage.conductor.follow_level == 0


def test_level_10_is_as_ever() -> None:
    said, plain = Stage(QUARTERS, EIGHTHS), Stage(QUARTERS, EIGHTHS)
    said.conductor.level(10)
    for stage in (said, plain):
        stage.play(slowing(), 9.0)
    assert said.sent == plain.sent


def test_between_it_is_drawn_the_more_the_higher_the_level() -> None:
    tempi, lags = [], []
    for level in (1.0, 3.0, 6.0, 9.0):
        stage = Stage(QUARTERS, EIGHTHS)
        solo = slowing()
        stage.play(solo, 9.5, at={3.3: partial(Conductor.level, level=level)})
        tempi.append(sum(steps(stage, 7, 11)) / 3)
        lags.append(abs(stage.sent[9.0] - solo[9]))
    assert tempi == sorted(tempi)
    assert 0.5 < tempi[0] < 0.56
    assert lags == sorted(lags, reverse=True)
    assert lags[-1] < 0.05 < lags[0]


@pytest.mark.parametrize("level", [-1.0, 10.5, float("nan")])
def test_no_level_beyond_ten(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        Stage(QUARTERS, EIGHTHS).conductor.level(level)


def test_fixed_stays_fixed_when_a_lock_is_taken_off() -> None:
    stage = Stage(QUARTERS, EIGHTHS, settings=ConductorSettings(mode="fixed"))
    stage.conductor.lock(True)
    stage.conductor.lock(False)
    stage.play(slowing(), 8.0)
    assert steps(stage, 0, 10) == pytest.approx([0.5] * 9, abs=0.01)


# ---- lost ----------------------------------------------------------------------------------------


def lose(policy: str) -> tuple[Stage, list[tuple[float, float]]]:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor.lost(policy)
    stage.play(times(0, 6, 1.0), 3.7)
    fades = []
    for _ in range(1600):
        stage.hop += 1
        direction = stage.hear(Estimate(stage.now_s, 6.0, 2.0, 0.1, FollowerState.LOST))
        fades.append((stage.now_s, direction.fade))
    return stage, fades


def test_lost_and_held() -> None:
    stage, fades = lose("hold")
    assert max(stage.sent) < 6.0
    assert {fade for _, fade in fades} == {1.0}


def test_lost_and_going_on() -> None:
    stage, fades = lose("continue")
    assert 12.0 < max(stage.sent) < 15.0
    assert {fade for _, fade in fades} == {1.0}


def test_lost_and_fading() -> None:
    stage, fades = lose("fade")
    lost_s = fades[0][0]
    for after_s, fade in ((0.0, 1.0), (1.0, 0.75), (2.0, 0.5), (3.0, 0.25), (4.1, 0.0)):
        now = next(f for t, f in fades if t >= lost_s + after_s)
        assert now == pytest.approx(fade, abs=0.01)
    waits_s = next(t for t, state in stage.states if state == "waiting")
    assert waits_s == pytest.approx(lost_s + 4.0, abs=0.02)
    assert "holding" not in states(stage)[states(stage).index("lost") :]
    assert 11.5 <= max(stage.sent) <= 13.0  # it stands where its sound has gone


def test_found_again_it_is_as_loud_as_before() -> None:
    stage, _ = lose("fade")
    at_s = stage.now_s
    stage.play(times(12, 4, at_s + 0.1), at_s + 1.0)
    assert stage.direction is not None
    assert stage.direction.fade == 1.0
    assert stage.direction.state == "following"


def test_commands_wait_for_the_next_hop() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    conductor: Conductor = stage.conductor
    conductor.level(3)
    assert conductor.follow_level == 10
    stage.play({}, HOP_S)
    assert conductor.follow_level == 3


def test_reports_in_silence_while_held_are_not_believed() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0), 3.6, at={3.6: lambda c: c.hold()})
    # nothing sounds, and the follower takes that for a rest further on
    reports = tuple(
        OnsetReport(5.0, 5.0 - 0.01 * i, QUARTERS[12 - i], 12 - i) for i in (3, 2, 1, 0)
    )
    while stage.now_s < 8.0:
        stage.hop += 1
        told = reports if abs(stage.now_s - 5.0) < HOP_S / 2 else ()
        quarter = 5.2 if stage.now_s < 5.0 else 12.0
        state = FollowerState.HOLDING
        stage.hear(Estimate(stage.now_s, quarter, 2.0, 0.9, state, told, False, -90.0))
    assert stage.direction is not None
    place = stage.direction.quarter
    stage.conductor.hold()
    stage.hop += 1
    direction = stage.hear(Estimate(stage.now_s, 12.0, 2.0, 0.9, FollowerState.HOLDING))
    assert direction.follower_at == place
    solo = times(6, 6, 8.0 + (6.0 - place) * 0.5)
    stage.play(solo, 10.6)
    assert stage.jumps == []
    assert stage.conductor.tempo_qpm == pytest.approx(120.0, rel=0.05)
    assert stage.sent[9.0] == pytest.approx(solo[9], abs=0.04)
