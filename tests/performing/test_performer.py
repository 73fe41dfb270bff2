from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.performer import Performer
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import ControlChange, Measure, Note, Part, Score
from accompanist.score.tempo import written_tempo

STEADY = Timeline((0.0,), (0.0,), 1.0)


def performer() -> Performer:
    """A piano and a bass, a note a quarter each, sixteen of them."""
    piano = tuple(Note(float(i), 0.5, 60 + i) for i in range(16))
    bass = tuple(Note(float(i), 1.0, 40) for i in range(16))
    quieter = (ControlChange(4.0, "cc", 7, 50),)
    parts = (Part(1, "Solo", ()), Part(2, "Piano", piano, controls=quieter), Part(3, "Bass", bass))
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(4))
    score = Score("Test", parts, measures)
    return Performer(accompaniment_plan(score, 1, written_tempo(score)))


def cue(time_s: float = 0.0, timeline: Timeline = STEADY, **more: float | bool) -> Cue:
    return Cue(
        time_s,
        timeline,
        "following",
        jumps=int(more.get("jumps", 0)),
        plays_from=float(more.get("plays_from", 0.0)),
        playing=bool(more.get("playing", False)),
        silences=int(more.get("silences", 0)),
    )


def notes(messages: Sequence[TimedMessage], kind: Kind = Kind.ON) -> list[tuple[float, int, int]]:
    return [
        (round(m.time_s, 4), m.part, m.message.number) for m in messages if m.message.kind is kind
    ]


def test_nothing_is_due_before_the_first_cue() -> None:
    player = performer()
    assert player.due(10.0) == ()
    assert player.next_s == float("inf")


def test_the_first_cue_sets_up_the_channels_and_the_notes_follow() -> None:
    player = performer()
    programs = [m.message for m in player.take(cue()) if m.message.kind is Kind.PROGRAM]
    assert [m.channel for m in programs] == [1, 2]
    assert player.next_s == pytest.approx(0.0105)
    assert notes(player.due(1.5)) == [(0.0105, 2, 60), (0.0105, 3, 40), (1.0, 2, 61), (1.0, 3, 40)]
    assert player.next_s == pytest.approx(1.5)


def test_whoever_wakes_at_next_s_misses_nothing_and_is_not_woken_for_nothing() -> None:
    player, asked_once = performer(), performer()
    player.take(cue())
    asked_once.take(cue())
    sent: list[TimedMessage] = []
    wakes = 0
    while player.next_s < 15.5:
        assert player.due(player.next_s) == ()
        sent += player.due(player.next_s + 1e-6)
        wakes += 1
    assert sent == [m for m in asked_once.due(15.5) if m.time_s < 15.5]
    assert wakes <= 48


def test_a_jump_is_seen_however_many_cues_were_missed() -> None:
    player = performer()
    player.take(cue())
    player.due(1.2)
    there = Timeline((2.0,), (8.0,), 1.0)
    let_go = player.take(cue(2.0, there, jumps=3, plays_from=8.0))
    assert notes(let_go, Kind.OFF) == [(2.0, 2, 61), (2.0, 3, 40)]
    assert notes(player.due(3.5)) == [(2.0, 2, 68), (2.0, 3, 40), (3.0, 2, 69), (3.0, 3, 40)]


def test_a_silence_lets_go_and_says_so_once() -> None:
    player = performer()
    player.take(cue())
    player.due(1.2)
    closed = Timeline((1.3,), (1.3,), 1.0, float("-inf"))
    assert len(notes(player.take(cue(1.3, closed, silences=1)), Kind.OFF)) == 2
    assert player.take(cue(1.4, closed, silences=1)) == ()
    assert player.sounding == 0


def test_mute_and_solo_silence_at_once_and_give_back() -> None:
    player = performer()
    player.take(cue())
    player.due(0.2)
    assert notes(player.mix(2, "mute", True, 0.3), Kind.OFF) == [(0.3, 2, 60)]
    assert notes(player.due(1.2)) == [(1.0, 3, 40)]
    player.mix(2, "mute", False, 1.3)
    assert notes(player.mix(2, "solo", True, 1.3), Kind.OFF) == [(1.3, 3, 40)]
    assert notes(player.due(2.2)) == [(2.0, 2, 62)]
    player.mix(2, "solo", False, 2.3)
    assert notes(player.due(3.2)) == [(3.0, 2, 63), (3.0, 3, 40)]


def test_a_gain_scales_the_scores_own_volume_now_and_later() -> None:
    player = performer()
    player.take(cue())
    assert [m.message for m in player.mix(2, "gain", -6.0, 0.5)] == [Message(Kind.CC, 1, 7, 71)]
    later = [m.message for m in player.due(4.1) if m.message.kind is Kind.CC]
    assert later == [Message(Kind.CC, 1, 7, 35)]
    assert [m.message.value for m in player.mix(2, "gain", -60.0, 4.2)] == [0]


def test_pan_and_program_are_sent_at_once_and_kept_through_a_jump() -> None:
    player = performer()
    player.take(cue())
    assert [m.message for m in player.mix(3, "pan", -1.0, 0.5)] == [Message(Kind.CC, 2, 10, 0)]
    assert [m.message for m in player.mix(3, "program", 32, 0.5)] == [Message(Kind.PROGRAM, 2, 32)]
    again = [m.message for m in player.take(cue(1.0, STEADY, jumps=1, plays_from=4.0))]
    assert Message(Kind.PROGRAM, 2, 32) in again
    assert Message(Kind.CC, 2, 10, 0) in again
    assert [m.message.number for m in player.mix(3, "program", -1, 2.0)] == [0]


def test_no_note_comes_sooner_than_a_new_program_has_settled() -> None:
    player = performer()
    player.take(cue())
    player.due(0.999)
    player.mix(2, "program", 19, 0.999)
    assert notes(player.due(1.5))[0] == (1.0095, 2, 61)


def test_a_part_moves_to_another_channel_and_leaves_nothing_behind() -> None:
    player = performer()
    player.take(cue())
    player.due(0.2)
    moved = player.mix(3, "channel", 7, 0.3)
    assert [(m.message.kind, m.message.channel) for m in moved[:1]] == [(Kind.OFF, 2)]
    assert {m.message.channel for m in moved[1:]} == {7}
    ons = [m.message.channel for m in player.due(1.2) if m.message.kind is Kind.ON]
    assert ons == [1, 7]


@pytest.mark.parametrize(
    ("part", "control", "value"),
    [(9, "mute", True), (2, "colour", 1), (2, "gain", 99.0), (2, "pan", 2.0), (2, "program", 128)],
)
def test_what_cannot_be_is_refused(part: int, control: str, value: float) -> None:
    with pytest.raises(ValueError, match=r"part|goes from"):
        performer().mix(part, control, value, 0.0)


STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 2.0),
        st.sampled_from(["go", "jump", "silence", "mute", "unmute", "solo", "channel", "tempo"]),
        st.integers(0, 15),
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_every_on_has_its_off_whatever_is_told(steps: list[tuple[float, str, int]]) -> None:
    player = performer()
    now = cue()
    sent = list(player.take(now))
    time_s = 0.0
    jumps = silences = 0
    line = STEADY
    for wait_s, what, number in steps:
        time_s += wait_s
        sent += player.due(time_s)
        match what:
            case "jump":
                jumps += 1
                line = Timeline((time_s,), (float(number),), 1.0)
                sent += player.take(
                    Cue(time_s, line, "following", jumps, float(number), bool(number % 2), silences)
                )
            case "tempo":
                line = Timeline((time_s,), (line.to_quarter(time_s),), 0.3 + number / 4)
                sent += player.take(Cue(time_s, line, "following", jumps, 0.0, False, silences))
            case "silence":
                silences += 1
                sent += player.take(Cue(time_s, line, "waiting", jumps, 0.0, False, silences))
            case "mute" | "unmute":
                sent += player.mix(2 + number % 2, "mute", what == "mute", time_s)
            case "solo":
                sent += player.mix(2 + number % 2, "solo", number > 7, time_s)
            case "channel":
                sent += player.mix(2 + number % 2, "channel", number + 1, time_s)
    sent += player.silence(time_s)
    down: dict[tuple[int, int], int] = {}
    last_s = 0.0
    for m in sent:
        assert m.time_s >= last_s - 1e-9
        last_s = m.time_s
        key = (m.message.channel, m.message.number)
        if m.message.kind is Kind.ON:
            down[key] = down.get(key, 0) + 1
        elif m.message.kind is Kind.OFF:
            down[key] -= 1
            assert down[key] >= 0
    assert not any(down.values())


def expressions(messages: Sequence[TimedMessage]) -> list[tuple[int, int]]:
    return [
        (m.message.channel, m.message.value)
        for m in messages
        if m.message.kind is Kind.CC and m.message.number == 11
    ]


def test_a_fade_goes_by_expression_and_comes_back() -> None:
    player = performer()
    player.take(cue())
    player.due(1.0)
    assert expressions(player.take(replace(cue(1.0), fade=0.75))) == [(1, 95), (2, 95)]
    assert player.take(replace(cue(1.01), fade=0.7499)) == ()  # nothing that could be heard
    assert expressions(player.take(replace(cue(1.5), fade=0.0))) == [(1, 0), (2, 0)]
    # what the score sets up anew keeps to the fade
    there = replace(cue(2.0, jumps=1, plays_from=8.0), fade=0.0)
    assert set(expressions(player.take(there))) == {(1, 0), (2, 0)}
    assert expressions(player.take(replace(there, time_s=2.5, fade=1.0))) == [(1, 127), (2, 127)]


def test_a_part_that_changes_its_channel_in_a_fade_is_as_soft_there() -> None:
    player = performer()
    player.take(replace(cue(), fade=0.5))
    assert (7, 64) in expressions(player.mix(2, "channel", 7, 1.0))
