"""Tremolos and trills go on while the ensemble waits for the soloist."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.conducting.timeline import Timeline
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.performing.planning import accompaniment_plan
from accompanist.performing.scheduler import LONGEST_HOLD_S, Scheduler
from accompanist.score.model import Fermata, Measure, Note, Ornament, Part, Score, TempoMark
from accompanist.score.tempo import written_tempo

HELD = Timeline((0.0,), (0.0,), 1.0, gate_quarter=2.0)


def scheduler(*notes: Note) -> Scheduler:
    parts = (Part(1, "Solo", ()), Part(2, "Strings", notes, program=48))
    bars = (Measure(0.0, 8.0, "1"),)
    score = Score("Test", parts, bars, tempo_marks=(TempoMark(0.0, 60.0),))
    return Scheduler(accompaniment_plan(score, 1, written_tempo(score)))


def tremolo(ornament: Ornament = Ornament.TREMOLO, end: float = 2.0) -> Note:
    return Note(0.0, end, 50, ornament=ornament)


def strokes(messages: Sequence[TimedMessage]) -> list[tuple[float, int]]:
    return [(m.time_s, m.message.number) for m in messages if m.message.kind is Kind.ON]


def test_a_short_wait_is_none() -> None:
    player = scheduler(tremolo())
    sent = player.due(HELD, 2.05)
    assert max(t for t, _ in strokes(sent)) < 2.0
    assert player.next_s(HELD) == pytest.approx(2.0 + 2.0 / 22)


@pytest.mark.parametrize(
    ("ornament", "pitches"), [(Ornament.TREMOLO, {50}), (Ornament.TRILL, {50, 52})]
)
def test_it_goes_on_at_its_own_pace_while_everything_waits(
    ornament: Ornament, pitches: set[int]
) -> None:
    player = scheduler(tremolo(ornament), Note(2.0, 1.0, 60))
    sent = list(player.due(HELD, 2.0))
    sent += player.due(HELD, 4.0)
    waited = strokes([m for m in sent if m.time_s > 2.0])
    assert {p for _, p in waited} == pitches
    steps = [b - a for (a, _), (b, _) in pairwise(waited)]
    assert min(steps) == pytest.approx(max(steps), abs=1e-6)
    assert 0.08 < steps[0] < 0.12
    if len(pitches) > 1:
        assert all(a != b for (_, a), (_, b) in pairwise(waited))
    opened = player.due(Timeline((4.0,), (2.0,), 1.0), 4.5)
    assert strokes(opened) == [(4.0, 60)]
    assert player.sounding == 1


def test_it_is_given_in_any_blocks_alike_and_asked_for_when_it_says() -> None:
    whole, blocks, woken = (scheduler(tremolo(Ornament.TRILL)) for _ in range(3))
    sent = whole.due(HELD, 5.0)
    pieces = [m for i in range(1, 1001) for m in blocks.due(HELD, 0.005 * i)]
    assert [m.message for m in pieces] == [m.message for m in sent]
    times = [m.time_s for m in sent]
    assert [m.time_s for m in pieces] == pytest.approx(times)
    rounds = 0
    found: list[TimedMessage] = []
    while woken.next_s(HELD) < 5.0:
        found += woken.due(HELD, woken.next_s(HELD) + 1e-6)
        rounds += 1
    assert [m.message for m in found] == [m.message for m in sent]
    assert [m.time_s for m in found] == pytest.approx(times)
    assert rounds <= len(sent)


@pytest.mark.parametrize("percussion", [False, True])
def test_under_a_fermata_too_and_on_a_drum(percussion: bool) -> None:
    held = (Fermata(0.0, 2.0),)
    parts = (
        Part(1, "Solo", ()),
        Part(2, "Timpani", (tremolo(),), program=47, percussion=percussion),
    )
    bars, marks = (Measure(0.0, 8.0, "1"),), (TempoMark(0.0, 60.0),)
    score = Score("Test", parts, bars, tempo_marks=marks, fermatas=held)
    player = Scheduler(accompaniment_plan(score, 1, written_tempo(score)))
    sent = player.due(HELD, 4.0)
    assert len([t for t, _ in strokes(sent) if t < 2.0]) == 22
    assert len([t for t, _ in strokes(sent) if t > 2.0]) > 18


def test_a_held_note_stays_a_held_note() -> None:
    player = scheduler(Note(0.0, 2.0, 50))
    assert len(strokes(player.due(HELD, 10.0))) == 1
    assert player.next_s(HELD) > 10.0


def test_it_does_not_go_on_for_ever() -> None:
    player = scheduler(tremolo())
    sent = player.due(HELD, 60.0)
    assert player.sounding == 0
    assert max(m.time_s for m in sent) < 2.0 + LONGEST_HOLD_S + 1.0
    assert player.next_s(HELD) == float("inf")


def test_two_that_meet_on_one_key_do_not_quarrel() -> None:
    player = scheduler(tremolo(Ornament.TRILL), Note(1.0, 1.0, 52), Note(0.5, 1.5, 50))
    sent = player.due(HELD, 6.0)
    assert _paired([*sent, *player.silence(6.0)])


def _paired(messages: Sequence[TimedMessage]) -> bool:
    down: Counter[int] = Counter()
    for m in messages:
        if m.message.kind is Kind.ON:
            down[m.message.number] += 1
            assert down[m.message.number] == 1
        elif m.message.kind is Kind.OFF:
            down[m.message.number] -= 1
            assert down[m.message.number] >= 0
    return not any(down.values())


@settings(max_examples=100, deadline=None)
@given(
    notes=st.lists(
        st.builds(
            Note,
            onset_quarter=st.integers(0, 12).map(lambda i: i / 2),
            duration_quarter=st.sampled_from([0.5, 1.0, 2.0]),
            pitch=st.integers(50, 54),
            ornament=st.sampled_from([Ornament.NONE, Ornament.TRILL, Ornament.TREMOLO]),
        ),
        min_size=1,
        max_size=8,
    ),
    steps=st.lists(
        st.tuples(
            st.floats(0.01, 1.5), st.sampled_from(["go", "gate", "jump", "mute", "silence"]),
            st.floats(0.0, 8.0),
        ),
        max_size=15,
    ),
)  # fmt: skip
def test_every_stroke_is_let_go_whatever_happens(
    notes: list[Note], steps: list[tuple[float, str, float]]
) -> None:
    player = scheduler(*notes)
    line, now_s = Timeline((0.0,), (0.0,), 1.0), 0.0
    sent: list[TimedMessage] = []
    for wait_s, what, where in steps:
        now_s += wait_s
        sent += player.due(line, now_s)
        at = min(line.to_quarter(now_s), line.gate_quarter)
        match what:
            case "go":
                line = Timeline((now_s,), (at,), 0.5 + where / 4)
            case "gate":
                line = Timeline((now_s,), (at,), 1.0, gate_quarter=max(at, where))
            case "jump":
                sent += player.locate(where, now_s, playing=where > 4.0)
                line = Timeline((now_s,), (where,), 1.0)
            case "mute":
                sent += player.mute(2, where > 4.0, now_s)
            case "silence":
                sent += player.silence(now_s)
        assert player.next_s(line) >= now_s
    times = [m.time_s for m in sent]
    assert times == sorted(times)
    assert _paired([*sent, *player.silence(now_s)])
