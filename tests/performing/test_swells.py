from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.performing.messages import Kind
from accompanist.performing.plan import Plan
from accompanist.performing.planning import accompaniment_plan
from accompanist.performing.swells import curve_under, swelled
from accompanist.score.model import Level, Measure, Note, Part, Score, TempoMark
from accompanist.score.tempo import written_tempo

SCORE = Score("T", (), (Measure(0.0, 16.0, "1"),), tempo_marks=(TempoMark(0.0, 60.0),))
TEMPO = written_tempo(SCORE)
RISING = (Level(0.0, 52.0), Level(8.0, 96.0), Level(16.0, 96.0))


def planned(*parts: Part) -> Plan:
    score = Score("T", parts, (Measure(0.0, 16.0, "1"),), tempo_marks=(TempoMark(0.0, 60.0),))
    return accompaniment_plan(score, 1, written_tempo(score))


def level_db(plan: Plan, quarter: float) -> float:
    """How loud the key is that is down: velocity and CC 11 together."""
    velocity = 0
    (expression,) = (e.message.value for e in plan.chase(0.0) if e.message.number == 11)
    for event in plan.events:
        if event.quarter > quarter + 1e-9:
            break
        if event.message.kind is Kind.ON:
            velocity = event.message.value
        elif event.message.kind is Kind.CC and event.message.number == 11:
            expression = event.message.value
    for event in plan.chase(quarter):
        if event.message.kind is Kind.CC and event.message.number == 11:
            assert event.message.value == expression
    return float(40.0 * np.log10(velocity * expression / 127**2))


def test_a_held_note_swells_with_the_hairpin() -> None:
    plan = planned(
        Part(1, "Solo", ()), Part(2, "Cello", (Note(0.0, 8.0, 50, 52),), program=42, levels=RISING)
    )
    for quarter in (0.0, 2.0, 4.0, 6.0, 7.9):
        wanted = 40.0 * np.log10(np.interp(quarter, (0.0, 8.0), (52.0, 96.0)) / 127.0)
        assert level_db(plan, quarter) == pytest.approx(wanted, abs=0.6)
    values = [e for e in plan.events if e.message.number == 11 and e.message.kind is Kind.CC]
    assert [e.message.value for e in values] == sorted(e.message.value for e in values)
    assert len(values) < 25


def test_what_dies_away_swells_by_its_strokes_alone() -> None:
    notes = tuple(Note(float(i), 1.0, 50, round(52 + 5.5 * i)) for i in range(8))
    plan = planned(Part(1, "Solo", ()), Part(2, "Piano", notes, levels=RISING))
    assert not any(e.message.number == 11 and e.message.kind is Kind.CC for e in plan.events)
    ons = [e.message.value for e in plan.events if e.message.kind is Kind.ON]
    assert ons == [note.velocity for note in notes]


def test_where_nothing_changes_within_a_note_nothing_is_sent() -> None:
    stepped = (Level(0.0, 52.0), Level(4.0, 52.0), Level(4.0, 96.0), Level(16.0, 96.0))
    notes = [Note(0.0, 4.0, 50, 52), Note(4.0, 4.0, 52, 96)]
    part = Part(2, "Cello", tuple(notes), program=42, levels=stepped)
    curve, _ = curve_under(part, None)
    assert swelled(notes, curve, TEMPO) == (notes, [])


def test_notes_that_overlap_are_struck_alike_and_follow_one_curve() -> None:
    notes = [Note(0.0, 4.0, 50, 52), Note(2.0, 4.0, 54, 63), Note(6.0, 2.0, 50, 85)]
    part = Part(2, "Organ", tuple(notes), program=19, levels=RISING)
    struck, steps = swelled(notes, curve_under(part, None)[0], TEMPO)
    values = dict(steps)
    assert struck[0].velocity * values[0.0] / 127 == pytest.approx(52, abs=1.5)
    assert struck[0].velocity == pytest.approx(struck[1].velocity, abs=2)
    assert struck[2].velocity == pytest.approx(96, abs=2)  # a time of its own


def test_a_note_struck_where_it_gets_loud_at_once_is_as_loud_as_marked() -> None:
    stepped = (Level(0.0, 40.0), Level(4.01, 40.0), Level(4.01, 96.0), Level(16.0, 96.0))
    notes = [Note(0.0, 8.0, 50, 40), Note(4.01, 2.0, 55, 96)]
    part = Part(2, "Organ", tuple(notes), program=19, levels=stepped)
    struck, steps = swelled(notes, curve_under(part, None)[0], TEMPO)
    assert [note.velocity for note in struck] == [96, 96]
    assert [value for _, value in steps] == [round(127 * 40 / 96), 127]
    assert steps[1][0] == pytest.approx(4.01, abs=1e-5)


def test_no_flood_and_no_zip() -> None:
    sharp = (Level(0.0, 40.0), Level(0.5, 120.0), Level(16.0, 120.0))
    notes = [Note(0.0, 8.0, 50, 40)]
    part = Part(2, "Cello", tuple(notes), program=42, levels=sharp)
    _, steps = swelled(notes, curve_under(part, None)[0], TEMPO)
    for (at, value), (then, other) in pairwise(steps):
        assert then - at >= 0.02  # a quarter a second
        assert abs(40.0 * np.log10(other / value)) <= 2.5
    assert len(steps) <= 21


def test_the_ensemble_is_not_marked_louder_than_the_soloist_while_they_play() -> None:
    soft = tuple(Note(4.0 + i, 1.0, 72, 52) for i in range(4))
    solo = Part(1, "Solo", soft, levels=(Level(0.0, 52.0), Level(16.0, 52.0)))
    notes = tuple(Note(float(i), 1.0, 50, 96) for i in range(16))
    piano = Part(2, "Piano", notes, levels=(Level(0.0, 96.0), Level(16.0, 96.0)))
    ons = {e.quarter: e.message.value for e in planned(solo, piano).events if e.message.value}
    assert {ons[q] for q in (4.0, 5.0, 6.0, 7.0)} == {round(52 * 10 ** (2.0 / 40.0))}
    assert {ons[q] for q in (0.0, 1.0, 2.0, 3.0, 9.0, 12.0)} == {96}
    # nobody knows how loud an unmarked solo is
    unmarked = Part(1, "Solo", soft)
    ons = {e.quarter: e.message.value for e in planned(unmarked, piano).events if e.message.value}
    assert set(ons.values()) == {96}


def test_a_held_tutti_chord_makes_room_for_the_soloist() -> None:
    solo = Part(1, "Solo", (Note(8.0, 4.0, 72, 40),), levels=(Level(0.0, 40.0), Level(16.0, 40.0)))
    chord = Part(
        2, "Strings", (Note(0.0, 8.0, 50, 96), Note(8.0, 8.0, 52, 96)), program=48,
        levels=(Level(0.0, 96.0), Level(16.0, 96.0)),
    )  # fmt: skip
    plan = planned(solo, chord)
    full, under = 40.0 * np.log10(96 / 127), 40.0 * np.log10(40 / 127) + 2.0
    assert level_db(plan, 7.0) == pytest.approx(full, abs=0.6)
    assert level_db(plan, 9.0) == pytest.approx(under, abs=0.6)
    assert level_db(plan, 14.0) == pytest.approx(full, abs=0.6)


@settings(max_examples=60, deadline=None)
@given(
    levels=st.lists(st.tuples(st.floats(0.0, 16.0), st.floats(12.0, 127.0)), max_size=8),
    spans=st.lists(st.tuples(st.floats(0.0, 15.0), st.floats(0.05, 9.0)), min_size=1, max_size=12),
)
def test_velocity_and_expression_together_are_the_curve(
    levels: list[tuple[float, float]], spans: list[tuple[float, float]]
) -> None:
    corners = tuple(Level(q, v) for q, v in sorted(levels))
    part = Part(2, "Cello", (), program=42, levels=corners)
    curve, _ = curve_under(part, None)
    notes = [
        Note(q, length, 50, max(1, min(127, round(float(curve.at(q)))))) for q, length in spans
    ]
    struck, steps = swelled(notes, curve, TEMPO)
    assert all(1 <= value <= 127 for _, value in steps)
    assert [q for q, _ in steps] == sorted(q for q, _ in steps)
    for note, before in zip(struck, notes, strict=True):
        assert 1 <= note.velocity <= 127
        if not steps:
            assert note.velocity == before.velocity
            continue
        accent = before.velocity / float(curve.at(before.onset_quarter))
        for quarter in (note.onset_quarter, note.onset_quarter + 0.4 * note.duration_quarter):
            value = next((v for q, v in reversed(steps) if q <= quarter + 1e-6), 127)
            if note.velocity == before.velocity and value == 127:
                continue  # too little changes within it
            made_db = 40.0 * np.log10(note.velocity * value / 127)
            # CC 11 comes in steps, and at most every 25 ms
            about = accent * curve.at(np.linspace(quarter - 0.03, quarter, 31))
            rounded_db = 40.0 * np.log10((1.0 + 0.6 / value) * (1.0 + 0.6 / note.velocity))
            assert made_db <= 40.0 * np.log10(about.max()) + 2.0 + rounded_db
            assert made_db >= 40.0 * np.log10(about.min()) - 2.0 - rounded_db
