import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from accompanist.performing.expression import Expression, scaled
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.performer import Performer
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Level, Measure, Note, Part, Score, TempoMark
from accompanist.score.tempo import written_tempo

STEADY = Timeline((0.0,), (0.0,), 1.0)


def performer(*, long: float = 4.0) -> Performer:
    """A piano with a note a second, strings with one of ``long`` seconds after another."""
    piano = tuple(Note(float(i), 1.0, 60 + i % 5) for i in range(32))
    strings = tuple(Note(long * i, long, 50 + i % 5) for i in range(int(32 / long)))
    parts = (
        Part(1, "Solo", ()), Part(2, "Piano", piano), Part(3, "Strings", strings, program=48),
    )  # fmt: skip
    score = Score("Test", parts, (Measure(0.0, 32.0, "1"),))
    tempo = written_tempo(score)
    return Performer(accompaniment_plan(score, 1, tempo))


def cue(time_s: float, lean_db: float = 0.0) -> Cue:
    return Cue(time_s, STEADY, "following", lean_db=lean_db)


def struck(messages: Sequence[TimedMessage], part: int) -> list[tuple[float, int]]:
    return [
        (round(m.time_s, 3), m.message.value)
        for m in messages
        if m.message.kind is Kind.ON and m.part == part
    ]


def expressions(messages: Sequence[TimedMessage]) -> list[tuple[float, int, int]]:
    return [
        (round(m.time_s, 3), m.message.channel, m.message.value)
        for m in messages
        if m.message.kind is Kind.CC and m.message.number == 11
    ]


def test_without_a_lean_everything_is_as_it_was() -> None:
    player = performer()
    first = player.take(cue(0.0))
    assert expressions(first) == [(0.0, 1, 127), (0.0, 2, 127)]
    sent = player.due(30.0)
    assert {v for _, v in struck(sent, 2) + struck(sent, 3)} == {80}
    assert expressions(sent) == []


def test_what_dies_away_is_struck_louder_and_nothing_else() -> None:
    player = performer()
    player.take(cue(0.0))
    player.due(1.5)
    assert expressions(player.take(cue(1.5, 2.0))) == []
    louder = player.due(3.5)
    assert struck(louder, 2) == [(2.0, scaled(80, 2.0)), (3.0, scaled(80, 2.0))]
    assert struck(louder, 2)[0][1] == 90


def test_a_sustained_note_gets_softer_within_and_no_louder_than_it_was_struck() -> None:
    player = performer()
    player.take(cue(0.0))
    player.due(1.0)
    assert expressions(player.take(cue(1.0, 0.5))) == []  # it stands at its fullest
    assert expressions(player.take(cue(1.5, -0.5))) == [(1.5, 2, scaled(127, -0.5))]
    # back to how it was struck
    assert expressions(player.take(cue(2.0, 0.0))) == [(2.0, 2, 127)]


def test_once_it_leans_sustained_notes_have_room_to_grow() -> None:
    player = performer()
    player.take(cue(0.0))
    player.due(1.0)
    player.take(cue(1.0, 1.0))
    sent = player.due(4.5)
    assert struck(sent, 3) == [(4.0, scaled(80, 4.0))]
    assert expressions(sent) == [(4.0, 2, scaled(127, -3.0))]
    assert expressions(player.take(cue(4.5, 2.0))) == [(4.5, 2, scaled(127, -2.0))]
    # the next one is as loud from the start; what is left of the room will do
    sent = player.due(8.5)
    assert struck(sent, 3) == [(8.0, scaled(80, 4.0))]
    assert expressions(sent) == []
    player.take(cue(8.6, 3.5))
    sent = player.due(12.5)
    assert struck(sent, 3) == [(12.0, scaled(80, 6.5))]
    assert expressions(sent)[-1] == (12.0, 2, scaled(127, -3.0))


def test_a_leap_of_the_lean_comes_in_small_steps_apart() -> None:
    player = performer()
    player.take(cue(0.0))
    player.due(1.0)
    sent = [*player.take(cue(1.0, -6.0)), *player.due(1.001)]
    while player.next_s < 2.0:
        sent += player.due(player.next_s + 1e-6)
    steps = [(t, v) for t, channel, v in expressions(sent) if channel == 2]
    assert [v for _, v in steps] == [scaled(127, -float(db)) for db in range(1, 7)]
    assert min(b - a for (a, _), (b, _) in pairwise(steps)) >= 0.019


def test_whoever_stops_gives_back_what_the_lean_has_taken() -> None:
    player = performer()
    player.take(cue(0.0))
    player.due(1.0)
    player.take(cue(1.0, -2.0))
    player.due(1.5)
    waiting = replace(cue(1.5, -2.0), silences=1, state="waiting")
    assert expressions(player.take(waiting)) == []  # tails go on as they are
    stopped = replace(waiting, time_s=2.0, silences=2, state="idle")
    assert expressions(player.take(stopped)) == [(2.0, 2, 127)]
    assert expressions(player.silence(3.0)) == []


def test_a_hairpin_that_was_broken_off_goes_on_where_it_was() -> None:
    rising = (Level(0.0, 52.0), Level(16.0, 96.0))
    notes = tuple(Note(4.0 * i, 4.0, 50 + i, 52 + 11 * i) for i in range(4))
    parts = (Part(1, "Solo", ()), Part(2, "Cello", notes, program=42, levels=rising))
    marks = (TempoMark(0.0, 60.0),)
    score = Score("Test", parts, (Measure(0.0, 16.0, "1"),), tempo_marks=marks)
    player = Performer(accompaniment_plan(score, 1, written_tempo(score)))
    first = expressions(player.take(cue(0.0)))[-1][2]
    assert first < 127
    player.due(2.0)
    assert expressions(player.silence(2.0)) == [(2.0, 1, 127)]
    sent = player.due(4.5)
    assert expressions(sent)[-1][2] < 127
    assert expressions(player.silence(5.0)) == [(5.0, 1, 127)]
    assert expressions(player.silence(6.0)) == []


def test_a_jump_sets_it_up_as_it_stands_there() -> None:
    player = performer()
    player.take(cue(0.0))
    player.due(1.0)
    player.take(cue(1.0, -2.0))
    player.due(1.5)
    there = replace(cue(2.0, -2.0), jumps=1, plays_from=8.0, timeline=Timeline((2.0,), (8.0,), 1.0))
    sent = [*player.take(there), *player.due(2.5)]
    assert struck(sent, 3) == [(2.0, scaled(80, 1.0))]
    assert expressions(sent)[-1] == (2.0, 2, scaled(127, -3.0))


@settings(max_examples=60, deadline=None)
@given(
    leans=st.lists(st.sampled_from([x / 2 for x in range(-12, 13)]), min_size=1, max_size=20),
    velocity=st.integers(1, 127),
    long=st.sampled_from([0.5, 2.0, 8.0]),
)
def test_what_is_heard_is_what_the_lean_says_at_every_stroke(
    leans: list[float], velocity: int, long: float
) -> None:
    """Velocity and CC 11 together make the lean, as far as 127 goes; steps are small."""
    expression = Expression({2})
    down = False
    for i, lean in enumerate(leans):
        expression.lean_db = lean
        if down and i % 2:
            expression.release(2)
            down = False
        if not down:
            expression.strike(2, velocity)
            down = True
            made = 40.0 * _log(expression.velocity(2, velocity) * expression.value(2, 127))
            wanted = min(40.0 * _log(velocity * 127) + lean, 40.0 * _log(127 * 127))
            if velocity * 10 ** (lean / 40.0) > 20:
                assert made == pytest.approx(wanted, abs=0.8)
        for step in range(int(40 * long)):
            before = 40.0 * _log(expression.value(2, 127))
            expression.glide(100.0 * i + 0.02 * step)
            assert abs(40.0 * _log(expression.value(2, 127)) - before) <= 1.4
        assert 1 <= expression.velocity(2, velocity) <= 127
        assert 0 <= expression.value(2, 127) <= 127


def _log(value: float) -> float:
    return math.log10(max(value, 1e-9))


def test_a_muted_channel_counts_no_keys() -> None:
    player = performer()
    player.take(cue(0.0))
    player.due(1.0)
    player.mix(3, "mute", True, 1.0)
    assert expressions(player.take(cue(1.5, -2.0))) == []
    assert player.mix(3, "gain", -6.0, 1.6)[0].message == Message(Kind.CC, 2, 7, 71)
