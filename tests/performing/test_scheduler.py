from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.conducting.timeline import Timeline
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.performing.planning import accompaniment_plan
from accompanist.performing.scheduler import LONGEST_HOLD_S, SETTLE_S, Scheduler
from accompanist.score.model import ControlChange, Measure, Note, Part, Score
from accompanist.score.tempo import written_tempo

STEADY = Timeline((0.0,), (0.0,), 1.0)


def scheduler(*notes: Note, **more: tuple[Note, ...]) -> Scheduler:
    parts = [Part(1, "Solo", ()), Part(2, "Piano", notes)]
    parts += [Part(3 + i, name, others) for i, (name, others) in enumerate(more.items())]
    score = Score("Test", tuple(parts), (Measure(0.0, 4.0, "1"),))
    return Scheduler(accompaniment_plan(score, 1, written_tempo(score)))


def keys(messages: Sequence[TimedMessage]) -> list[tuple[float, str, int]]:
    return [
        (round(m.time_s, 4), m.message.kind.value, m.message.number)
        for m in messages
        if m.message.kind in (Kind.ON, Kind.OFF)
    ]


def test_notes_come_at_the_times_of_the_timeline() -> None:
    player = scheduler(Note(1.0, 0.5, 60), Note(2.0, 1.0, 62))
    half_speed = Timeline((0.0,), (0.0,), 0.5)
    assert keys(player.due(half_speed, 10.0)) == [
        (2.0, "on", 60),
        (3.0, "off", 60),
        (4.0, "on", 62),
        (6.0, "off", 62),
    ]


def test_nothing_at_or_behind_the_gate_is_due_and_it_comes_at_once_when_it_opens() -> None:
    player = scheduler(Note(0.0, 1.0, 60), Note(1.0, 1.0, 62))
    gated = Timeline((0.0,), (0.0,), 1.0, gate_quarter=1.0)
    assert keys(player.due(gated, 3.0)) == [(0.0, "on", 60)]
    assert keys(player.due(gated, 3.5)) == []
    opened = Timeline((3.5,), (1.0,), 1.0)
    assert keys(player.due(opened, 4.0)) == [(3.5, "off", 60), (3.5, "on", 62)]


def test_a_note_is_not_held_for_ever() -> None:
    player = scheduler(Note(0.0, 1.0, 60))
    gated = Timeline((0.0,), (0.0,), 1.0, gate_quarter=1.0)
    player.due(gated, 1.0)
    assert keys(player.due(gated, 60.0)) == [(2.0 + LONGEST_HOLD_S, "off", 60)]
    assert player.sounding == 0


def test_a_note_whose_time_is_over_before_it_could_be_struck_is_left_out() -> None:
    player = scheduler(Note(0.0, 0.5, 60), Note(1.0, 4.0, 62))
    player.due(Timeline((0.0,), (0.0,), 1.0, gate_quarter=0.0), 3.0)
    assert keys(player.due(STEADY, 3.1)) == [(3.0, "on", 62)]


def test_an_overlapping_unison_is_struck_again_and_let_go_once() -> None:
    player = scheduler(Note(0.0, 4.0, 60), Note(1.0, 1.0, 60))
    assert keys(player.due(STEADY, 9.0)) == [
        (0.0, "on", 60),
        (1.0, "off", 60),
        (1.0, "on", 60),
        (4.0, "off", 60),
    ]


def test_a_repeated_note_sounds_while_its_next_stroke_waits() -> None:
    player = scheduler(Note(0.0, 1.0, 60), Note(1.0, 1.0, 60))
    gated = Timeline((0.0,), (0.0,), 2.0, gate_quarter=1.0)
    assert keys(player.due(gated, 3.0)) == [(0.0, "on", 60)]
    waiting = Timeline((3.0, 3.5), (1.0 - 1e-4, 1.0), 2.0)
    assert player.next_s(waiting) == 3.475
    assert keys(player.due(waiting, 3.6)) == [(3.475, "off", 60), (3.5, "on", 60)]
    player = scheduler(Note(0.0, 1.0, 60), Note(1.0, 1.0, 60))
    player.due(gated, 3.0)
    heard = Timeline((3.0,), (1.0,), 2.0)
    assert keys(player.due(heard, 3.1)) == [(3.0, "off", 60), (3.0, "on", 60)]
    player = scheduler(Note(0.0, 1.0, 60), Note(1.0, 1.0, 60))
    player.due(gated, 3.0)
    assert keys(player.silence(3.0)) == [(3.0, "off", 60)]
    assert keys(player.due(waiting, 3.6)) == [(3.5, "on", 60)]


def test_locate_lets_go_lifts_pedals_and_sets_up_the_new_place() -> None:
    player = scheduler(Note(0.0, 4.0, 60), Note(8.0, 1.0, 65))
    player.locate(0.0, 0.0)
    player.due(STEADY, 1.0)
    sent = player.locate(8.0, 1.0)
    kinds = [(m.message.kind.value, m.message.number, m.message.value) for m in sent]
    assert kinds[:2] == [("off", 60, 0), ("cc", 64, 0)]
    assert ("program", 0, 0) in kinds
    assert {m.time_s for m in sent} == {1.0}
    assert keys(player.due(Timeline((1.0,), (8.0,), 1.0), 1.5)) == [(1.0, "on", 65)]


def test_after_the_first_program_change_notes_wait_for_it_to_settle() -> None:
    player = scheduler(Note(0.0, 1.0, 60))
    player.locate(0.0, 0.0)
    assert player.due(STEADY, 0.006) == ()
    assert keys(player.due(STEADY, 0.02)) == [(SETTLE_S, "on", 60)]


def test_whoever_takes_over_waits_for_the_programs_and_a_hair_longer() -> None:
    player = scheduler(Note(0.0, 1.0, 60))
    assert any(m.message.kind is Kind.PROGRAM for m in player.chase(0.0))
    ((struck_s, kind, pitch),) = keys(player.due(STEADY, 0.02))
    assert (kind, pitch) == ("on", 60)
    assert struck_s == SETTLE_S
    assert 0.0104 < struck_s < 0.011


def test_after_a_jump_a_long_note_sounds_when_the_timeline_moves() -> None:
    player = scheduler(Note(0.0, 8.0, 60), Note(1.0, 1.5, 64))
    player.locate(2.0, 5.0)
    waiting = Timeline((5.0,), (2.0,), 1.0, gate_quarter=2.0)
    assert player.due(waiting, 6.0) == ()
    assert keys(player.due(Timeline((6.0,), (2.0,), 1.0), 6.1)) == [(6.0, "on", 60)]


def test_while_playing_a_jump_lets_go_only_what_does_not_sound_there() -> None:
    player = scheduler(
        *(Note(0.0, 8.0, 48), Note(0.0, 8.0, 52)),  # a long chord: sounds on
        *(Note(0.0, 2.0, 60), Note(2.0, 1.0, 62)),  # one that is over by then, one skipped
        *(Note(3.0, 1.0, 64), Note(2.0, 4.0, 67)),  # one to come, one to be struck late
    )
    player.locate(0.0, 0.0)
    player.due(STEADY, 1.0)
    sent = player.locate(3.0, 1.0, playing=True)
    assert keys(sent) == [(1.0, "off", 60)]
    assert Kind.PROGRAM not in {m.message.kind for m in sent}
    assert player.sounding == 2
    assert keys(player.due(Timeline((1.0,), (3.0,), 1.0), 9.0)) == [
        (1.0, "on", 67),
        (1.0, "on", 64),
        (2.0, "off", 64),
        (4.0, "off", 67),
        (6.0, "off", 48),
        (6.0, "off", 52),
    ]


def test_a_jump_back_within_a_long_note_does_not_cut_it() -> None:
    player = scheduler(Note(0.0, 8.0, 48), Note(2.0, 1.0, 62))
    player.locate(0.0, 0.0)
    player.due(STEADY, 2.5)
    assert keys(player.locate(1.0, 2.5, playing=True)) == [(2.5, "off", 62)]
    assert keys(player.due(Timeline((2.5,), (1.0,), 1.0), 10.0)) == [
        (3.5, "on", 62),
        (4.5, "off", 62),
        (9.5, "off", 48),
    ]


def test_of_two_notes_on_one_key_the_longer_one_sounds_on_after_a_jump() -> None:
    player = scheduler(Note(0.0, 4.0, 60), Note(1.0, 5.0, 60))
    player.locate(0.0, 0.0)
    player.due(STEADY, 0.5)
    assert keys(player.locate(2.0, 0.5, playing=True)) == []
    assert keys(player.due(Timeline((0.5,), (2.0,), 1.0), 9.0)) == [(4.5, "off", 60)]


def test_a_muted_part_falls_silent_and_the_others_go_on() -> None:
    player = scheduler(Note(0.0, 4.0, 60), Note(2.0, 1.0, 62), Cello=(Note(2.0, 1.0, 40),))
    player.due(STEADY, 1.0)
    assert keys(player.mute(2, True, 1.0)) == [(1.0, "off", 60)]
    assert keys(player.due(STEADY, 9.0)) == [(2.0, "on", 40), (3.0, "off", 40)]


def test_controllers_travel_with_the_notes() -> None:
    part = Part(2, "P", (Note(0.0, 4.0, 60),), controls=(ControlChange(1.0, "cc", 64, 127),))
    score = Score("Test", (Part(1, "S", ()), part), (Measure(0.0, 4.0, "1"),))
    player = Scheduler(accompaniment_plan(score, 1, written_tempo(score)))
    sent = player.due(STEADY, 2.0)
    assert [(m.time_s, m.message.kind.value) for m in sent] == [(0.0, "on"), (1.0, "cc")]


@dataclass(frozen=True)
class Act:
    """Something that may happen in a hop."""

    kind: str
    value: float = 0.0


acts = st.lists(
    st.one_of(
        st.builds(Act, st.just("hop"), st.sampled_from([0.0058, 0.1, 0.7, 3.0])),
        st.builds(Act, st.just("tempo"), st.floats(0.05, 20.0)),
        st.builds(Act, st.just("gate"), st.floats(0.0, 12.0)),
        st.builds(Act, st.just("open")),
        st.builds(Act, st.just("leap"), st.floats(0.0, 12.0)),
        st.builds(Act, st.just("locate"), st.floats(0.0, 12.0)),
        st.builds(Act, st.just("jump"), st.floats(0.0, 12.0)),
        st.builds(Act, st.just("stop")),
        st.builds(Act, st.just("mute"), st.sampled_from([2.0, 3.0])),
        st.builds(Act, st.just("unmute"), st.sampled_from([2.0, 3.0])),
    ),
    max_size=40,
)
some_notes = st.lists(
    st.builds(
        Note,
        st.integers(0, 40).map(lambda n: n / 4),
        st.sampled_from([0.01, 0.25, 0.5, 1.0, 3.0]),
        st.integers(60, 63),
    ),
    max_size=25,
)


def perform(first: list[Note], second: list[Note], happenings: list[Act]) -> list[TimedMessage]:
    """Let things happen to a scheduler; all messages in the order of sending."""
    player = scheduler(*first, Cello=tuple(second))
    now_s, quarter, rate, gate = 0.0, 0.0, 1.0, float("inf")
    sent = list(player.locate(0.0, 0.0))
    for act in happenings:
        match act.kind:
            case "hop":
                timeline = Timeline((now_s,), (quarter,), rate, gate)
                now_s += act.value
                sent += player.due(timeline, now_s)
                quarter = min(timeline.to_quarter(now_s), max(gate, quarter))
            case "tempo":
                rate = act.value
            case "gate":
                gate = act.value
            case "open":
                gate = float("inf")
            case "leap":
                quarter = act.value
            case "locate":
                quarter = act.value
                sent += player.locate(quarter, now_s)
            case "jump":
                quarter = act.value
                sent += player.locate(quarter, now_s, playing=True)
            case "stop":
                sent += player.silence(now_s)
            case "mute":
                sent += player.mute(int(act.value), True, now_s)
            case "unmute":
                sent += player.mute(int(act.value), False, now_s)
    sent += player.silence(now_s)
    return sent


@settings(max_examples=50, deadline=None)
@given(first=some_notes, second=some_notes, happenings=acts)
def test_every_on_has_one_off_and_time_never_goes_back(
    first: list[Note], second: list[Note], happenings: list[Act]
) -> None:
    sent = perform(first, second, happenings)
    down: Counter[tuple[int, int]] = Counter()
    for message in sent:
        key = (message.message.channel, message.message.number)
        if message.message.kind is Kind.ON:
            assert down[key] == 0, "struck while down"
            down[key] += 1
        elif message.message.kind is Kind.OFF:
            assert down[key] == 1, "let go while up"
            down[key] -= 1
    assert not +down
    times = [m.time_s for m in sent]
    assert times == sorted(times)


@settings(max_examples=30, deadline=None)
@given(notes=some_notes, hop_s=st.sampled_from([0.0058, 0.05, 0.4]), rate=st.floats(0.3, 4.0))
def test_what_is_due_does_not_depend_on_how_often_one_asks(
    notes: list[Note], hop_s: float, rate: float
) -> None:
    timeline = Timeline((0.0,), (0.0,), rate)
    end_s = 14.0 / rate
    at_once = scheduler(*notes).due(timeline, end_s)
    player = scheduler(*notes)
    bit_by_bit: list[TimedMessage] = []
    now_s = 0.0
    while now_s < end_s:
        now_s = min(now_s + hop_s, end_s)
        bit_by_bit += player.due(timeline, now_s)
    assert keys(bit_by_bit) == keys(at_once)
