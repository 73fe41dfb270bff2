from __future__ import annotations

from itertools import pairwise

import pytest
from virtual_soloist import HOP_S, Stage

from accompanist.conducting.settings import ConductorSettings, FollowMode
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport
from accompanist.score.model import Fermata

QUARTERS = [float(i) for i in range(16)]
EIGHTHS = [i / 2 for i in range(32)]


def steady_times(first: int, count: int, start_s: float, step_s: float = 0.5) -> dict[int, float]:
    return {first + i: start_s + i * step_s for i in range(count)}


def test_nothing_sounds_before_the_soloist() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play({}, 3.0)
    assert stage.sent == {}
    assert stage.states == [(HOP_S, "armed")]


def test_it_starts_on_the_soloists_first_note() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(steady_times(0, 1, 2.0), 2.1)
    assert stage.sent[0.0] == pytest.approx(2.02, abs=HOP_S)
    assert stage.jumps == []


def test_steady_music_is_together_and_does_not_stutter() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    times = steady_times(0, 16, 1.0)
    stage.play(times, 9.0)
    together = [stage.sent[q] - times[int(q)] for q in QUARTERS[6:]]
    between = [stage.sent[q + 0.5] - (times[int(q)] + 0.25) for q in QUARTERS[6:-1]]
    assert max(abs(a) for a in together) < 0.025
    assert max(abs(a) for a in between) < 0.025
    assert all(stage.sent[a] < stage.sent[b] for a, b in pairwise(EIGHTHS))


@pytest.mark.parametrize("step_s", [0.27, 1.0])
def test_double_and_half_tempo_are_found(step_s: float) -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    times = steady_times(0, 16, 1.0, step_s)
    stage.play(times, 1.0 + 16 * step_s)
    late = [stage.sent[q] - times[int(q)] for q in QUARTERS[3:]]
    assert max(abs(a) for a in late) < 0.04
    assert stage.jumps == []


def test_latency_is_sent_ahead() -> None:
    plain = Stage(QUARTERS, EIGHTHS)
    early = Stage(QUARTERS, EIGHTHS, settings=ConductorSettings(latency_out_s=0.03))
    for stage in (plain, early):
        stage.play(steady_times(0, 16, 1.0), 9.0)
    gain = [plain.sent[q] - early.sent[q] for q in EIGHTHS[20:30]]
    assert sum(gain) / len(gain) == pytest.approx(0.03, abs=0.012)


def test_it_waits_at_a_fermata_and_goes_on_with_the_soloist() -> None:
    stage = Stage(QUARTERS, EIGHTHS, fermatas=(Fermata(7.0, 8.0),))
    times = {**steady_times(0, 8, 1.0), **steady_times(8, 8, 7.0)}
    stage.play(times, 12.0)
    assert stage.sent[8.0] == pytest.approx(7.02, abs=2 * HOP_S)
    assert stage.sent[7.5] < 5.5
    assert "holding" in [s for _, s in stage.states]
    assert "waiting" not in [s for _, s in stage.states]


def test_it_waits_at_a_hold_that_is_not_in_the_score() -> None:
    stage = Stage(QUARTERS, QUARTERS, settings=ConductorSettings(policy="hold"))
    times = {**steady_times(0, 8, 1.0), **steady_times(8, 8, 6.2)}
    stage.play(times, 12.0)
    assert stage.sent[8.0] == pytest.approx(6.22, abs=2 * HOP_S)


def test_it_does_not_run_away_from_a_soloist_who_stops_and_resumes_with_them() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(steady_times(0, 8, 1.0), 5.0)
    stage.play({}, 12.0, level_db=-90.0)
    assert max(stage.sent) < 11.0
    assert stage.states[-1][1] == "waiting"
    stage.play(steady_times(8, 8, 12.5), 17.0)
    assert stage.states[-1][1] != "waiting"
    times = steady_times(8, 8, 12.5)
    assert abs(stage.sent[13.0] - times[13]) < 0.05


def test_a_predicting_ensemble_plays_on_for_two_events_only() -> None:
    stage = Stage(QUARTERS, QUARTERS, settings=ConductorSettings(policy="predict"))
    solo = steady_times(0, 8, 1.0)
    # The follower notices nothing: its position is frozen but it says it follows.
    stage.play(solo, 4.9)
    for _ in range(2000):
        stage.hop += 1
        stage.hear(Estimate(stage.now_s, 7.5, 2.0, 0.4, FollowerState.FOLLOWING))
    assert max(stage.sent) == 9.0


def test_a_long_solo_rest_is_played_through_by_the_tempo() -> None:
    onsets = [0.0, 1.0, 2.0, 3.0, 16.0, 17.0, 18.0]
    stage = Stage(onsets, [*EIGHTHS, 16.0, 16.5, 17.0, 17.5, 18.0], durations=[1.0] * 7)
    times = {**steady_times(0, 4, 1.0), **steady_times(4, 3, 9.05)}
    stage.play(times, 11.0)
    assert stage.jumps == []
    assert stage.sent[12.0] == pytest.approx(7.0, abs=0.25)
    assert stage.sent[16.0] == pytest.approx(9.07, abs=0.06)
    assert stage.sent[18.0] == pytest.approx(10.05, abs=0.06)


def test_an_entry_after_a_general_pause_waits_for_the_soloist() -> None:
    onsets = [0.0, 1.0, 2.0, 3.0, 8.0, 9.0]
    stage = Stage(onsets, onsets, durations=[1.0] * 6)
    stage.play({**steady_times(0, 4, 1.0), 4: 6.3, 5: 6.8}, 8.0)
    assert stage.sent[8.0] == pytest.approx(6.32, abs=2 * HOP_S)


def test_the_end_is_played_in_the_last_tempo_and_broadens() -> None:
    stage = Stage(QUARTERS[:8], EIGHTHS[:24], end_quarter=12.0)
    stage.play(steady_times(0, 8, 1.0, 0.6), 11.0)
    assert stage.sent[8.5] == pytest.approx(1.0 + 8.5 * 0.6, abs=0.05)
    lengths = [stage.sent[8.5 + (i + 1) / 2] - stage.sent[8.5 + i / 2] for i in range(6)]
    assert lengths == sorted(lengths)
    assert 1.1 < lengths[-1] / lengths[0] < 1.35
    assert stage.states[-1][1] == "ended"


@pytest.mark.parametrize("change", ["fixed", "loop"])
def test_it_does_not_broaden_where_it_keeps_its_tempo_or_goes_back(change: str) -> None:
    settings = ConductorSettings(mode="fixed" if change == "fixed" else "follow")
    stage = Stage(QUARTERS[:8], EIGHTHS[:24], end_quarter=12.0, settings=settings)
    if change == "loop":
        stage.conductor.loop(4.0, 12.0)
    stage.play(steady_times(0, 8, 1.0), 7.0)
    assert stage.sent[11.5] - stage.sent[9.5] == pytest.approx(1.0, abs=0.03)


def test_a_single_last_chord_is_not_delayed() -> None:
    stage = Stage(QUARTERS[:8], [*EIGHTHS[:15], 8.0], end_quarter=9.0)
    stage.play(steady_times(0, 8, 1.0), 7.0)
    assert stage.sent[8.0] == pytest.approx(5.0, abs=0.04)


def test_a_false_report_far_too_early_is_not_followed() -> None:
    stage = Stage(QUARTERS, QUARTERS)
    stage.play(steady_times(0, 10, 1.0), 5.55)
    # Event 10 is reported 0.4 s too early and given up at once.
    report = OnsetReport(stage.now_s, stage.now_s, 10.0, 10)
    stage.hop += 1
    stage.hear(Estimate(stage.now_s, 10.0, 2.0, 0.9, FollowerState.FOLLOWING, (report,)))
    for _ in range(30):
        stage.hop += 1
        stage.hear(Estimate(stage.now_s, 9.6, 2.0, 0.9, FollowerState.FOLLOWING))
    assert 10.0 not in stage.sent


def test_a_relocation_jumps_both_ways() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(steady_times(0, 6, 1.0), 4.0)
    for quarter in (12.2, 2.2):
        stage.hop += 1
        direction = stage.hear(
            Estimate(stage.now_s, quarter, 2.0, 0.9, FollowerState.FOLLOWING, (), True)
        )
        assert direction.jumped
        assert direction.quarter == quarter
    assert [round(q, 3) for _, q in stage.jumps] == [12.2, 2.2]


def test_when_lost_it_goes_on_for_a_while_and_then_holds() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(steady_times(0, 6, 1.0), 3.7)
    for _ in range(1600):
        stage.hop += 1
        stage.hear(Estimate(stage.now_s, 6.0, 2.0, 0.1, FollowerState.LOST))
    states = [s for _, s in stage.states]
    assert "holding" in states[states.index("lost") :]
    assert 12.0 < max(stage.sent) < 15.0


def test_count_in_then_the_introduction_in_the_written_tempo() -> None:
    stage = Stage(
        [4.0, 5.0, 6.0, 7.0],
        EIGHTHS[:16],
        settings=ConductorSettings(start="countin", countin_bars=1.0),
    )
    stage.play(steady_times(0, 4, 5.0), 8.0, at={1.0: lambda c: c.start()})
    assert [s for _, s in stage.states[:3]] == ["armed", "countin", "following"]
    assert stage.sent[0.0] == pytest.approx(3.0, abs=2 * HOP_S)
    assert stage.sent[3.5] == pytest.approx(4.75, abs=2 * HOP_S)
    assert stage.sent[6.0] == pytest.approx(6.0, abs=0.04)


@pytest.mark.parametrize("policy", ["auto", "predict"])
def test_a_count_in_to_the_middle_is_a_straight_line_and_nothing_sounds_before_it(
    policy: str,
) -> None:
    # A fermata and a rest of everybody lie before bar 3: who has been counted in needs no waiting.
    settings = ConductorSettings(policy=policy, start="countin", countin_bars=1.0)
    stage = Stage(
        [*QUARTERS[:6], *QUARTERS[8:]],
        [*EIGHTHS[:12], *EIGHTHS[16:]],
        durations=[1.0] * 14,
        fermatas=(Fermata(5.0, 8.0),),
        settings=settings,
    )
    stage.conductor.locate(8.0)
    stage.conductor.start()
    positions = []
    for hop in range(400):
        stage.play({}, (hop + 0.5) * HOP_S)
        assert stage.direction is not None
        positions.append((stage.direction.quarter, stage.direction.plays_from))
    assert [q for q, _ in positions] == pytest.approx([4.0 + 0.01 * i for i in range(400)])
    assert {begin for _, begin in positions} == {8.0}
    assert stage.jumps == [(HOP_S, 4.0)]
    stage.play({6 + i: 2.005 + 0.5 * i for i in range(6)}, 4.0)
    assert [s for _, s in stage.states] == ["countin", "following"]
    assert min(stage.sent) == 8.0
    assert stage.sent[8.0] == pytest.approx(2.005, abs=1e-9)
    assert stage.sent[10.0] == pytest.approx(3.005, abs=0.03)


@pytest.mark.parametrize("bars", [0.0, 1.0])
def test_once_started_the_ensemble_begins_without_having_heard_the_soloist(bars: float) -> None:
    settings = ConductorSettings(start="countin", countin_bars=bars)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    stage.conductor.locate(8.0)
    stage.conductor.start()
    for _ in range(1000):
        stage.hop += 1
        stage.hear(Estimate(stage.now_s, 8.0, 2.0, 0.9, FollowerState.HOLDING))
    assert stage.sent[8.0] == pytest.approx(HOP_S + 2.0 * bars)
    assert max(stage.sent) == 9.5  # it does not run away
    assert [s for _, s in stage.states][-2:] == ["following", "holding"]


def test_a_count_in_that_is_stopped_is_begun_again_at_the_same_place() -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    stage.conductor.locate(8.0)
    stage.conductor.start()
    stage.play({}, 3.25, at={1.0: lambda c: c.stop(), 1.2: lambda c: c.start()})
    assert [s for _, s in stage.states] == ["countin", "idle", "countin", "following"]
    assert stage.sent == {8.0: pytest.approx(3.2)}


def test_a_soloist_who_comes_in_before_the_end_of_the_count_in_is_joined() -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    stage.conductor.locate(8.0)
    stage.conductor.start()
    stage.play(steady_times(8, 6, 1.9), 4.5)
    assert min(stage.sent) == 8.0
    assert stage.sent[8.0] == pytest.approx(1.921, abs=1e-6)
    assert stage.sent[12.0] == pytest.approx(3.9, abs=0.04)


def test_the_tempo_locked_while_counting_keeps_the_line() -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    stage.conductor.locate(8.0)
    stage.conductor.start()
    stage.play({}, 4.0, at={1.0: lambda c: c.lock(True)})
    assert [stage.sent[8.0 + i] for i in range(4)] == pytest.approx(
        [2.005 + 0.5 * i for i in range(4)], abs=2e-5
    )


def test_a_sound_early_in_the_count_in_is_not_taken_for_the_entry() -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    stage.conductor.locate(8.0)
    stage.conductor.start()
    stage.play({}, 0.3)
    report = OnsetReport(stage.now_s, stage.now_s, 8.0, 8)
    while stage.now_s < 2.0:
        stage.hop += 1
        stage.hear(Estimate(stage.now_s, 8.0, 2.0, 0.9, FollowerState.FOLLOWING, (report,)))
    stage.play(steady_times(8, 4, 2.005), 3.0)
    assert stage.jumps == [(HOP_S, 4.0)]
    assert stage.sent[8.0] == pytest.approx(2.005, abs=1e-9)


def test_a_sound_during_the_introduction_is_not_taken_for_the_entry() -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage([8.0, 9.0, 10.0, 11.0], EIGHTHS[:24], settings=settings)
    stage.conductor.start()
    stage.play({}, 2.5)
    report = OnsetReport(stage.now_s, stage.now_s, 8.0, 0)
    stage.hop += 1
    stage.hear(Estimate(stage.now_s, 8.0, 2.0, 0.3, FollowerState.FOLLOWING, (report,)))
    stage.play(steady_times(0, 4, 6.005), 8.0)
    assert stage.jumps == [(HOP_S, -4.0)]
    assert [stage.sent[i / 2] for i in range(12)] == pytest.approx(
        [2.005 + 0.25 * i for i in range(12)], abs=1e-3
    )
    assert stage.sent[9.0] == pytest.approx(6.505, abs=0.03)


def test_a_soloist_who_leaves_the_introduction_out_is_joined() -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage([8.0, 9.0, 10.0, 11.0], EIGHTHS[:24], settings=settings)
    stage.conductor.start()
    stage.play(steady_times(0, 4, 1.0), 3.0)
    assert stage.jumps[-1] == pytest.approx((1.52, 9.0))
    assert stage.sent[10.0] == pytest.approx(2.0, abs=0.04)


def test_where_the_ensemble_begins_the_soloist_still_begins_after_a_goto() -> None:
    stage = Stage(QUARTERS, EIGHTHS, settings=ConductorSettings(start="countin"))
    stage.play(steady_times(0, 2, 0.5), 1.5)
    assert stage.sent == {}
    stage.conductor.locate(8.0)
    stage.play(steady_times(8, 2, 2.0), 2.6)
    assert stage.sent[8.0] == pytest.approx(2.02, abs=HOP_S)


def test_a_known_beginning_starts_by_itself() -> None:
    settings = ConductorSettings(start="countin", countin_bars=0.0, start_at_s=1.5)
    stage = Stage([4.0, 5.0], EIGHTHS[:12], settings=settings)
    stage.play({0: 3.5, 1: 4.0}, 5.0)
    assert stage.sent[0.0] == pytest.approx(1.5, abs=2 * HOP_S)


def test_an_introduction_is_left_out_when_the_soloist_begins() -> None:
    stage = Stage([4.0, 5.0, 6.0, 7.0], EIGHTHS[:16])
    stage.play(steady_times(0, 4, 1.0), 3.0)
    assert min(stage.sent) == 4.0
    assert stage.jumps[0][1] == 4.0


def test_locate_waits_there_and_tells_the_follower() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(steady_times(0, 4, 1.0), 2.6)
    stage.conductor.locate(8.0)
    stage.hop += 1
    direction = stage.hear(Estimate(stage.now_s, 3.2, 2.0, 0.9, FollowerState.FOLLOWING))
    assert (direction.state, direction.quarter, direction.follower_at) == ("armed", 8.0, 8.0)
    assert direction.jumped
    before = dict(stage.sent)
    stage.play({}, 4.0)
    assert stage.sent == before
    stage.play(steady_times(8, 4, 4.5), 6.0)
    assert stage.sent[8.0] == pytest.approx(4.52, abs=2 * HOP_S)


def test_news_that_counts_later_is_waited_for_as_much_longer() -> None:
    # Too quick to dwell on a note; then silence.
    uneven = {i: 1.0 + 0.22 * i + (0.03 if i % 2 else 0.0) for i in range(8)}
    released = []
    for reaction_s in (0.0, 0.02):
        stage = Stage(QUARTERS, EIGHTHS, settings=ConductorSettings(reaction_s=reaction_s))
        stage.play(uneven, 4.0)
        released.append(stage.sent[8.0])
    assert released[1] - released[0] == pytest.approx(0.02, abs=1e-3)


def test_lock_freezes_the_tempo_and_lets_go_again() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    times = {**steady_times(0, 8, 1.0), **steady_times(8, 8, 5.3, 0.7)}
    stage.play(times, 9.5, at={3.2: lambda c: c.lock(True), 8.2: lambda c: c.lock(False)})
    locked = [stage.sent[q] for q in (6.0, 8.0, 10.0, 12.0)]
    assert [b - a for a, b in pairwise(locked)] == pytest.approx([1.0] * 3, abs=0.03)
    assert stage.jumps == []


def test_locate_in_fixed_mode_plays_on_there() -> None:
    stage = Stage(QUARTERS, EIGHTHS, settings=ConductorSettings(mode="fixed"))
    stage.play({0: 1.0}, 5.5, at={3.2: lambda c: c.locate(8.0)})
    assert stage.jumps[-1][1] == 8.0
    assert stage.sent[8.0] == pytest.approx(3.2, abs=2 * HOP_S)
    assert stage.sent[10.0] - stage.sent[8.0] == pytest.approx(1.0, abs=0.02)
    waiting = Stage(QUARTERS, EIGHTHS, settings=ConductorSettings(mode="fixed"))
    waiting.play({}, 3.0, at={1.0: lambda c: c.locate(8.0)})
    assert waiting.sent == {}


def test_fixed_mode_listens_to_nobody_once_begun() -> None:
    stage = Stage(QUARTERS, EIGHTHS, settings=ConductorSettings(mode="fixed"))
    stage.play(steady_times(0, 10, 1.0, 0.8), 7.0)
    assert stage.sent[8.0] - stage.sent[0.0] == pytest.approx(4.0, abs=0.02)


def test_wait_mode_never_passes_an_unheard_note() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor.follow(FollowMode.WAIT)
    stage.play(steady_times(0, 4, 1.0), 12.0)
    assert max(stage.sent) == 3.5


def test_a_cue_goes_on_without_the_follower() -> None:
    stage = Stage(QUARTERS, EIGHTHS, settings=ConductorSettings(mode="wait"))
    stage.play(steady_times(0, 4, 1.0), 6.0, at={4.0: lambda c: c.cue(), 4.5: lambda c: c.cue()})
    assert stage.sent[4.0] == pytest.approx(4.0, abs=2 * HOP_S)
    assert stage.sent[5.0] == pytest.approx(4.5, abs=2 * HOP_S)
    assert 6.0 not in stage.sent


def test_a_cue_starts_an_armed_ensemble() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play({}, 1.5, at={1.0: lambda c: c.cue()})
    assert stage.sent[0.0] == pytest.approx(1.0, abs=2 * HOP_S)


def test_a_loop_goes_round_without_a_gap() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor.loop(4.0, 8.0)
    stage.play(steady_times(0, 8, 1.0), 4.99)
    stage.play(steady_times(4, 4, 5.0), 6.0)
    assert stage.jumps[0][1] == 4.0
    assert stage.jumps[0][0] == pytest.approx(5.0, abs=0.05)
    assert 8.0 not in stage.sent


def test_stop_silences_and_arm_waits_again() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(steady_times(0, 8, 1.0), 4.0, at={3.1: lambda c: c.stop()})
    assert stage.states[-1][1] == "idle"
    assert max(stage.sent) < 5.0
    stage.play(steady_times(8, 4, 5.0), 7.0, at={4.5: lambda c: c.arm()})
    assert stage.states[-1][1] == "following"
    assert stage.sent[8.0] == pytest.approx(5.02, abs=2 * HOP_S)
