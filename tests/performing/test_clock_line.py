"""The clock through everything that happens in a rehearsal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clock_receiver import CLOSED, Receiver, armed, follow, going, perform

from accompanist.conducting.timeline import Timeline
from accompanist.performing.clock import ClockEvent, ClockKind, ClockPlan
from accompanist.performing.clock_line import ClockLine
from accompanist.performing.cue import Cue

TICK, STOP, START = ClockKind.TICK, ClockKind.STOP, ClockKind.START
TICK_S = 60.0 / 120.0 / 24.0
LONG = ClockPlan(end_quarter=400.0)


def test_armed_the_ticks_run_regularly_in_the_written_tempo() -> None:
    receiver = follow([armed()], 5.0, ClockPlan(rate_quarter_s=1.5))
    assert len(receiver.ticks_s) == pytest.approx(5.0 * 1.5 * 24, abs=1)
    assert receiver.intervals_s == pytest.approx([1 / 36] * len(receiver.intervals_s))
    assert receiver.starts == [] == receiver.stops_s


def test_from_the_top_the_soloists_first_note_gets_the_nearest_tick() -> None:
    for begin_s in (1.0, 1.004, 1.009, 1.013, 1.017):
        receiver = follow([armed(), going(begin_s, 0.0, 120)], 6.0)
        (start,) = receiver.starts
        assert start.kind is START
        downbeat_s, quarter = receiver.counted[0]
        assert quarter == 0.0
        assert begin_s - TICK_S / 2 <= downbeat_s <= begin_s + TICK_S + 0.005
        assert receiver.places == [] == receiver.stops_s
        assert receiver.intervals_s == pytest.approx([TICK_S] * len(receiver.intervals_s), rel=0.04)


def test_what_was_late_at_the_beginning_is_made_up_for() -> None:
    receiver = follow([armed(), going(1.013, 0.0, 120)], 12.0)
    late_s = [t - 1.013 - quarter / 2.0 for t, quarter in receiver.counted]
    assert late_s[0] > 0.005
    assert abs(late_s[-1]) < 0.001


def test_after_a_count_in_the_tick_falls_on_the_downbeat() -> None:
    for qpm in (85, 100, 111, 120, 128, 160):
        begin_s = 1.0 + 4 * 60 / qpm
        receiver = follow([armed(), going(1.0, -4.0, qpm, "countin", jumps=1)], begin_s + 3)
        assert receiver.starts[0].kind is START
        downbeat_s, quarter = receiver.counted[0]
        assert quarter == 0.0
        assert downbeat_s == pytest.approx(begin_s, abs=0.002)


def test_from_the_middle_the_place_is_told_while_waiting_there() -> None:
    cues = [armed(16.0, jumps=1), going(2.0, 16.0, 120, jumps=1, plays_from=16.0)]
    receiver = follow(cues, 4.0, LONG)
    ((place_s, sixteenth),) = receiver.places
    assert (sixteenth, place_s < 0.01) == (64, True)
    (start,) = receiver.starts
    assert start.kind is ClockKind.CONTINUE
    time_s, quarter = receiver.counted[0]
    assert quarter == 16.0
    assert time_s == pytest.approx(2.0, abs=TICK_S + 0.005)


def test_a_count_in_to_the_middle_continues_on_its_downbeat() -> None:
    cue = going(1.0, 12.0, 120, "countin", jumps=1, plays_from=16.0)
    receiver = follow([armed(16.0), cue], 5.0, LONG)
    assert [sixteenth for _, sixteenth in receiver.places] == [64]
    time_s, quarter = receiver.counted[0]
    assert quarter == 16.0
    assert time_s == pytest.approx(3.0, abs=0.004)


def test_a_place_between_two_sixteenths_waits_for_the_next_one() -> None:
    at = 16.0 + 1 / 3
    cues = [armed(at), going(2.0, at, 60, plays_from=at)]
    receiver = follow(cues, 4.0, ClockPlan(rate_quarter_s=1.0))
    time_s, quarter = receiver.counted[0]
    assert quarter == 16.5
    assert time_s == pytest.approx(2.0 + 1 / 6, abs=0.022)


def test_a_jump_relocates_at_once_and_never_shows_in_the_ticks() -> None:
    cues = [armed(), going(1.0, 0.0, 120), going(4.2, 64.0, 120, jumps=1, plays_from=64.0)]
    receiver = follow(cues, 8.0, LONG)
    assert receiver.stops_s == [pytest.approx(4.2, abs=0.006)]
    place_s, sixteenth = receiver.places[0]
    assert 0.0 < place_s - receiver.stops_s[0] < 0.01
    assert sixteenth == 257
    assert 0.02 <= receiver.starts[1].time_s - place_s < 0.15
    for time_s, quarter in receiver.counted[-60:]:
        assert quarter == pytest.approx(64.0 + 2 * (time_s - 4.2), abs=1 / 24)
    assert receiver.intervals_s == pytest.approx([TICK_S] * len(receiver.intervals_s), rel=0.04)


def test_a_jump_to_where_the_clock_is_anyway_is_none() -> None:
    cues = [armed(), going(1.0, 0.0, 120), going(4.0, 6.02, 120, jumps=1, plays_from=6.02)]
    receiver = follow(cues, 6.0, LONG)
    assert receiver.stops_s == []


def test_a_jump_back_to_the_top_starts_anew() -> None:
    cues = [armed(), going(1.0, 0.0, 120), going(4.0, 0.0, 120, jumps=1)]
    receiver = follow(cues, 8.0, LONG)
    assert [e.kind for e in receiver.starts] == [START, START]
    assert receiver.places == []


def test_of_two_jumps_within_ten_milliseconds_the_second_counts() -> None:
    cues = [
        armed(),
        going(1.0, 0.0, 120),
        going(4.000, 100.0, 120, jumps=1, plays_from=100.0),
        going(4.008, 200.0, 120, jumps=2, plays_from=200.0),
    ]
    receiver = follow(cues, 6.0, LONG, step_s=0.001)
    assert len(receiver.stops_s) == 1
    assert len(receiver.starts) == 2
    assert receiver.counted[-1][1] == pytest.approx(200.0 + 2 * (6.0 - 4.008), abs=0.06)


def test_a_jump_during_settle_moves_the_place_and_settles_again() -> None:
    cues = [
        armed(),
        going(1.0, 0.0, 120),
        going(4.000, 100.0, 120, jumps=1, plays_from=100.0),
        going(4.015, 50.0, 120, jumps=2, plays_from=50.0),
    ]
    receiver = follow(cues, 6.0, LONG, step_s=0.001)
    assert [sixteenth // 4 for _, sixteenth in receiver.places] == [100, 50]
    assert receiver.counted[-1][1] == pytest.approx(50.0 + 2 * (6.0 - 4.015), abs=0.06)


def test_a_stop_during_settle_continues_nothing() -> None:
    cues = [
        armed(),
        going(1.0, 0.0, 120),
        going(4.000, 100.0, 120, jumps=1, plays_from=100.0),
        replace(armed(100.0, 4.015, jumps=1), state="idle"),
    ]
    receiver = follow(cues, 6.0, LONG, step_s=0.001)
    assert len(receiver.starts) == 1
    assert receiver.label is None


def test_a_short_hold_leaves_receivers_running() -> None:
    cues = [
        armed(),
        going(1.0, 0.0, 120),
        going(2.5, 3.0, 120, "holding", gate=3.0),
        going(2.6, 3.0, 120),
    ]
    receiver = follow(cues, 6.0, LONG)
    assert receiver.stops_s == []


def test_a_hold_longer_than_two_beats_stops_and_later_continues_there() -> None:
    cues = [
        armed(),
        going(1.0, 0.0, 120),
        going(2.5, 2.9998, 120, "holding", gate=3.0),
        going(7.0, 3.0, 120),
    ]
    receiver = follow(cues, 9.0, LONG)
    assert receiver.stops_s == [pytest.approx(3.5, abs=0.05)]
    assert [sixteenth for _, sixteenth in receiver.places] == [12]
    assert receiver.places[0][0] < 3.6
    continued = [(t, q) for t, q in receiver.counted if t > 7.0 - TICK_S]
    assert continued[0][1] == 3.0
    assert continued[0][0] == pytest.approx(7.0, abs=TICK_S + 0.005)
    assert receiver.intervals_s == pytest.approx([TICK_S] * len(receiver.intervals_s), rel=0.04)


def test_a_hold_is_not_mended_by_relocation_before_it_is_over() -> None:
    cues = [
        armed(),
        going(1.0, 0.0, 120),
        going(2.5, 2.9998, 120, "holding", gate=3.0),
        going(3.3, 3.0, 120),
    ]
    receiver = follow(cues, 9.0, LONG)
    (stopped_s,) = receiver.stops_s
    assert stopped_s == pytest.approx(3.3, abs=0.01)
    assert receiver.counted[-1][1] == pytest.approx(3.0 + 2 * (9.0 - 3.3), abs=0.05)


def test_a_jump_out_of_a_hold_goes_there() -> None:
    hold = going(2.5, 2.9998, 120, "holding", gate=3.0)
    for jump_s in (2.8, 5.0):
        jump = going(jump_s, 40.0, 120, jumps=1, plays_from=40.0)
        receiver = follow([armed(), going(1.0, 0.0, 120), hold, jump], 8.0, LONG)
        assert receiver.counted[-1][1] == pytest.approx(40.0 + 2 * (8.0 - jump_s), abs=0.06)
        assert len(receiver.starts) == 2


def test_a_planned_wait_is_a_hold_too() -> None:
    line = Timeline((2.5, 5.0), (3.0, 3.0001), 2.0)
    cues = [armed(), going(1.0, 0.0, 120), Cue(2.5, line, "following")]
    receiver = follow(cues, 8.0, LONG)
    assert receiver.stops_s == [pytest.approx(3.5, abs=0.1)]
    assert receiver.counted[-1][1] == pytest.approx(3.0 + 2 * 3.0, abs=0.05)


@pytest.mark.parametrize("state", ["paused", "armed", "idle", "waiting"])
def test_pause_stop_and_waiting_stop_receivers_at_once(state: str) -> None:
    rest = Cue(3.0, Timeline((3.0,), (4.0,), 1.0, CLOSED), state)
    again = going(6.0, 4.0, 120)
    receiver = follow([armed(), going(1.0, 0.0, 120), rest, again], 9.0, LONG)
    assert receiver.stops_s == [pytest.approx(3.0, abs=0.006)]
    assert receiver.counted[-1][1] == pytest.approx(10.0, abs=0.05)
    assert max(receiver.intervals_s) < 0.2


def test_lost_and_vamping_go_on() -> None:
    cues = [
        armed(),
        going(1.0, 0.0, 120),
        going(3.0, 4.0, 120, "lost"),
        going(5.0, 8.0, 120, "vamping"),
    ]
    assert follow(cues, 9.0, LONG).stops_s == []


def test_a_loop_relocates_at_every_turn() -> None:
    cues = [armed()]
    cues += [going(1.0 + 4.0 * i, 8.0, 120, jumps=i, plays_from=8.0) for i in range(4)]
    receiver = follow(cues, 16.99, LONG)
    assert len(receiver.starts) == 4
    assert len(receiver.stops_s) == 4  # one before the first place, one a turn
    for turn in range(4):
        quarters = [q for t, q in receiver.counted if 1.5 < t - 4.0 * turn < 4.9]
        assert min(quarters) > 8.9
        assert max(quarters) == pytest.approx(16.0, abs=0.3)


def test_receivers_stop_after_the_last_note_off() -> None:
    cues = [armed(), going(1.0, 0.0, 120)]
    receiver = follow(cues, 8.0, ClockPlan(end_quarter=8.0))
    assert receiver.stops_s == [pytest.approx(5.0, abs=TICK_S + 0.003)]
    assert receiver.stops_s[0] > 5.0
    ended = follow([*cues, going(4.99, 7.98, 120, "ended")], 8.0, ClockPlan(end_quarter=8.0))
    assert ended.stops_s[0] > 5.0
    assert len(ended.stops_s) == 1
    assert ended.places == []


def test_the_tempo_bends_by_four_percent_a_beat_and_arrives() -> None:
    cues = [armed(), going(1.0, 0.0, 120), going(5.0, 8.0, 160)]
    receiver = follow(cues, 20.0, LONG)
    ratios = receiver.beat_ratios()
    assert max(ratios) <= 1.04
    assert max(ratios) > 1.035
    assert receiver.intervals_s[-1] == pytest.approx(60 / 160 / 24, rel=0.01)


def test_within_a_written_ritardando_it_bends_by_twelve() -> None:
    plan = ClockPlan(end_quarter=400.0, gradual_quarter=((8.0, 16.0),))
    receiver = follow([armed(), going(1.0, 0.0, 120), going(5.0, 8.0, 70)], 15.0, plan)
    ratios = receiver.beat_ratios()
    assert 1.08 < max(ratios) <= 1.12
    before = Receiver([ClockEvent(t, TICK) for t in receiver.ticks_s if t < 4.9])
    assert max(before.beat_ratios()) <= 1.04


def test_in_compound_time_the_beat_is_the_dotted_quarter() -> None:
    plan = ClockPlan(((0.0, 1.5),), end_quarter=400.0)
    receiver = follow([armed(), going(1.0, 0.0, 120), going(5.0, 8.0, 160)], 15.0, plan)
    assert 1.035 < max(receiver.beat_ratios(1.5)) <= 1.04


def test_a_written_change_of_tempo_is_met_and_not_felt_as_an_error_before() -> None:
    plan = ClockPlan(end_quarter=400.0, written_quarter_s=((0.0, 2.0), (32.0, 1.5)))
    line = Timeline((1.0, 17.0), (0.0, 32.0), 1.5)  # the tempo behind the last knot is the new one
    receiver = follow([armed(), replace(going(1.0, 0.0, 120), timeline=line)], 14.0, plan)
    assert receiver.intervals_s[-1] == pytest.approx(TICK_S, rel=0.005)


def test_a_large_written_change_is_bent_to_without_overshooting() -> None:
    # 100 to 130 at quarter 20: begun half of the way before, tempo and place are right together
    plan = ClockPlan(
        end_quarter=400.0,
        rate_quarter_s=100 / 60,
        written_quarter_s=((0.0, 100 / 60), (20.0, 130 / 60)),
    )
    line = Timeline((1.0, 13.0), (0.0, 20.0), 130 / 60)
    receiver = follow([armed(), replace(going(1.0, 0.0, 100), timeline=line)], 25.0, plan)
    assert receiver.stops_s == []
    tempi = [
        (tick_s, 60.0 / 24.0 / interval_s)
        for tick_s, interval_s in zip(receiver.ticks_s, receiver.intervals_s, strict=False)
        if tick_s > 2.0
    ]
    assert max(tempo for _, tempo in tempi) < 131.0
    reached_s = next(tick_s for tick_s, tempo in tempi if tempo > 128.0)
    assert 13.0 < reached_s < 15.5
    for tick_s, quarter in receiver.counted:
        assert abs(quarter - line.to_quarter(tick_s)) < 0.4
    assert receiver.counted[-1][1] == pytest.approx(line.to_quarter(25.0), abs=0.05)


def test_an_error_of_position_is_mended_by_relocation() -> None:
    cues = [armed(), going(1.0, 0.0, 120), going(5.0, 8.6, 120)]
    receiver = follow(cues, 9.0, LONG)
    assert receiver.stops_s == [pytest.approx(5.0, abs=0.01)]
    assert receiver.counted[-1][1] == pytest.approx(8.6 + 8.0, abs=0.05)
    small = follow([armed(), going(1.0, 0.0, 120), going(5.0, 8.3, 120)], 20.0, LONG)
    assert small.stops_s == []
    assert small.counted[-1][1] == pytest.approx(8.3 + 30.0, abs=0.05)


def test_places_beyond_a_song_position_are_folded_by_whole_bars() -> None:
    receiver = follow([armed(5000.0)], 1.0)
    (_, sixteenth) = receiver.places[0]
    assert sixteenth == 20000 - 15120


def test_without_new_cues_it_coasts_until_told_to_stop() -> None:
    line = ClockLine(LONG)
    events = perform(line, [armed(), going(1.0, 0.0, 120)], 60.0)
    assert Receiver(events).counted[-1][1] == pytest.approx(118.0, abs=0.05)
    last = line.stop(60.0)
    assert [e.kind for e in last] == [STOP]
    later = line.due(62.0)
    assert {e.kind for e in later} == {TICK}
    Receiver([*events, *last, *later])
    assert line.stop(62.0) == ()


def test_after_a_stop_a_new_cue_goes_on_where_the_ensemble_is() -> None:
    line = ClockLine(LONG)
    events = perform(line, [armed(), going(1.0, 0.0, 120)], 5.0)
    events += line.stop(5.0)
    events += line.due(8.0)
    line.take(going(8.0, 14.0, 120))
    events += line.due(12.0)
    assert Receiver(events).counted[-1][1] == pytest.approx(22.0, abs=0.05)


def test_in_idle_there_are_ticks_only_if_continuous() -> None:
    idle = replace(armed(), state="idle")
    assert perform(ClockLine(continuous=False), [idle], 2.0) == []
    assert len(perform(ClockLine(continuous=True), [idle], 2.0)) > 90
    line = ClockLine(continuous=False)
    events = perform(line, [armed(), going(1.0, 0.0, 120), replace(idle, time_s=2.0)], 3.0)
    assert events[-1] == ClockEvent(events[-1].time_s, STOP)
    assert line.next_s == float("inf")


def test_disabled_it_stops_what_runs_and_is_silent() -> None:
    line = ClockLine(LONG)
    events = perform(line, [armed(), going(1.0, 0.0, 120)], 2.0)
    line.configure(enabled=False)
    assert [e.kind for e in line.due(2.5)] == [STOP]
    assert line.due(10.0) == ()
    line.configure(enabled=True)
    assert line.due(10.0) == ()
    events = list(line.due(10.5))
    assert events[0].time_s >= 10.0  # nothing is made up for
    assert Receiver([ClockEvent(2.0, STOP), *events]).counted[-1][1] == pytest.approx(19.0, abs=0.1)


def test_an_offset_moves_the_clock_against_the_notes() -> None:
    for offset_s in (-0.03, 0.03):
        line = ClockLine(LONG, offset_s=offset_s)
        events = perform(line, [armed(), going(1.0, -4.0, 120, "countin")], 12.0)
        late_s = [t - 1.0 - (quarter + 4.0) / 2.0 for t, quarter in Receiver(events).counted]
        assert late_s[-1] == pytest.approx(offset_s, abs=0.002)


def test_another_piece_stops_receivers_and_leaves_the_ticks_alone() -> None:
    line = ClockLine(LONG)
    events = perform(line, [armed(), going(1.0, 0.0, 120)], 3.0)
    line.load(ClockPlan(rate_quarter_s=1.0), 3.0)
    events += line.due(9.0)
    receiver = Receiver(events)
    assert receiver.stops_s == [pytest.approx(3.0)]
    assert max(receiver.beat_ratios()) <= 1.04
    assert receiver.intervals_s[-1] > 0.03


def test_a_new_origin_of_time_leaves_the_ticks_alone() -> None:
    line = ClockLine(LONG)
    events = perform(line, [armed(), going(1.0, 0.0, 120)], 3.0)
    line.shift(-3.0)
    later = [replace(e, time_s=e.time_s + 3.0) for e in line.due(2.0)]
    receiver = Receiver([*events, *later])
    assert receiver.intervals_s == pytest.approx([TICK_S] * len(receiver.intervals_s), rel=0.04)
    assert receiver.label is None


def test_held_up_it_makes_no_burst_and_relocates() -> None:
    line = ClockLine(LONG)
    events = perform(line, [armed(), going(1.0, 0.0, 120)], 3.0)
    line.skip(4.0)
    events += line.due(8.0)
    receiver = Receiver(events)
    assert min(receiver.intervals_s) > 0.02
    assert receiver.stops_s == [4.0]
    assert receiver.counted[-1][1] == pytest.approx(14.0, abs=0.05)


def test_the_next_moment_is_known_beforehand_and_holds() -> None:
    line = ClockLine(LONG)
    line.due(0.0)
    line.take(armed())
    line.due(0.001)
    line.take(going(0.5, 0.0, 120))
    for _ in range(500):
        next_s = line.next_s
        assert line.due(next_s) == ()
        events = line.due(next_s + 1e-9)
        assert events[0].time_s == next_s


def test_how_often_it_is_asked_changes_nothing() -> None:
    cues = [armed(), going(1.0, 0.0, 120), going(4.0, 100.0, 130, jumps=1, plays_from=100.0)]
    seen = [perform(ClockLine(LONG), cues, 6.0, step) for step in (0.001, 0.002, 0.005, 0.2)]
    for other in seen[1:]:
        assert [e.kind for e in other] == [e.kind for e in seen[0]]
        assert [e.time_s for e in other] == pytest.approx([e.time_s for e in seen[0]])
