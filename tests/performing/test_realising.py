import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.performing.articulation import articulated, sustains
from accompanist.performing.messages import Kind
from accompanist.performing.plan import Plan
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import (
    Articulation,
    Fermata,
    Level,
    Measure,
    Note,
    Ornament,
    Part,
    Score,
    TempoMark,
)
from accompanist.score.tempo import written_tempo

MARK = (TempoMark(0.0, 60.0),)
SCORE = Score("T", (), (Measure(0.0, 16.0, "1"),), tempo_marks=MARK)
TEMPO = written_tempo(SCORE)


def planned(*parts: Part, fermatas: tuple[Fermata, ...] = ()) -> Plan:
    bar = (Measure(0.0, 16.0, "1"),)
    score = Score("T", parts, bar, tempo_marks=MARK, fermatas=fermatas)
    return accompaniment_plan(score, 1, written_tempo(score))


def onsets(plan: Plan) -> list[tuple[float, int]]:
    return [
        (round(e.quarter, 3), e.message.number) for e in plan.events if e.message.kind is Kind.ON
    ]


@pytest.mark.parametrize(
    ("articulation", "length"),
    [
        (Articulation.PLAIN, 1.0),
        (Articulation.TENUTO, 1.0),
        (Articulation.LEGATO, 1.02),
        (Articulation.SLUR_END, 0.94),
        (Articulation.PORTATO, 0.75),
        (Articulation.STACCATO, 0.5),
        (Articulation.STACCATISSIMO, 0.3),
    ],
)
def test_how_long_a_note_sounds(articulation: Articulation, length: float) -> None:
    note = Note(0.0, 1.0, 60, articulation=articulation)
    assert articulated([note], TEMPO, joined=True)[0].duration_quarter == pytest.approx(length)


def test_a_short_note_stays_long_enough_to_be_heard() -> None:
    note = Note(0.0, 0.1, 60, articulation=Articulation.STACCATISSIMO)
    assert articulated([note], TEMPO, joined=True)[0].duration_quarter == pytest.approx(0.06)
    note = Note(0.0, 0.05, 60, articulation=Articulation.STACCATISSIMO)
    assert articulated([note], TEMPO, joined=True)[0].duration_quarter == 0.05


def test_a_slur_joins_only_what_sustains_and_never_a_pitch_to_itself() -> None:
    notes = [Note(float(q), 1.0, 60, articulation=Articulation.LEGATO) for q in range(2)]
    assert articulated(notes, TEMPO, joined=True)[0].duration_quarter == 1.0
    assert articulated(notes, TEMPO, joined=True)[1].duration_quarter > 1.0
    assert [n.duration_quarter for n in articulated(notes, TEMPO, joined=False)] == [1.0, 1.0]


def test_a_fermata_counts_for_more_than_a_dot() -> None:
    held = Note(0.0, 2.0, 60, fermata=True, articulation=Articulation.STACCATO)
    plan = planned(
        Part(1, "S", ()), Part(2, "P", (held,), program=40), fermatas=(Fermata(0.0, 2.0),)
    )
    assert [e.quarter for e in plan.events if e.message.kind is Kind.OFF] == [2.0]


@pytest.mark.parametrize(
    ("program", "percussion", "held"),
    [(0, False, False), (6, False, False), (19, False, True), (24, False, False), (40, False, True),
     (45, False, False), (46, False, False), (48, False, True), (53, False, True),
     (60, False, True), (73, False, True), (40, True, False)],
)  # fmt: skip
def test_which_instruments_hold_their_notes(program: int, percussion: bool, held: bool) -> None:
    part = Part(2, "x", (Note(0.0, 1.0, 60),), program=program, percussion=percussion)
    assert sustains(part) is held
    assert bool(planned(Part(1, "S", ()), part).sustained) is held


def chord(quarter: float) -> tuple[Note, ...]:
    return tuple(Note(quarter, 2.0, p, arpeggio=True) for p in (60, 64, 67))


def test_an_arpeggio_arrives_with_the_soloist_and_else_begins_on_the_beat() -> None:
    solo = Part(1, "Solo", (Note(3.0, 1.0, 72), Note(4.0, 2.0, 74), Note(12.0, 1.0, 76)))
    harp = Part(2, "Harp", (*chord(4.0), *chord(8.0), *chord(12.0)), program=46)
    assert onsets(planned(solo, harp)) == [
        (3.936, 60), (3.968, 64), (4.0, 67),
        (8.0, 60), (8.03, 64), (8.06, 67),  # nobody strikes with it
        (12.0, 60), (12.03, 64), (12.06, 67),  # they come in when they like
    ]  # fmt: skip


def test_an_arpeggio_at_the_very_beginning_does_not_come_before_it() -> None:
    solo = Part(1, "Solo", (Note(0.0, 4.0, 72),))
    assert onsets(planned(solo, Part(2, "Harp", chord(0.0), program=46)))[0] == (0.0, 60)


def test_a_tremolo_of_counted_strokes_goes_by_the_beat() -> None:
    note = Note(0.0, 2.0, 50, ornament=Ornament.TREMOLO, stroke_quarter=0.25)
    plan = planned(Part(1, "S", ()), Part(2, "Viola", (note,), program=41))
    assert [q for q, _ in onsets(plan)] == [0.25 * i for i in range(8)]
    # strokes nobody could count are as fast as can be
    fast = Note(0.0, 2.0, 50, ornament=Ornament.TREMOLO, stroke_quarter=0.03)
    plan = planned(Part(1, "S", ()), Part(2, "Viola", (fast,), program=41))
    assert len(onsets(plan)) == 22


def test_a_tremolo_between_two_notes_goes_to_and_fro_over_both() -> None:
    pair = (
        Note(0.0, 1.0, 50, ornament=Ornament.ALTERNATION, stroke_quarter=0.25),
        Note(1.0, 1.0, 57, ornament=Ornament.ALTERNATION, stroke_quarter=0.25),
    )
    plan = planned(Part(1, "S", ()), Part(2, "Viola", pair, program=41))
    assert onsets(plan) == [(0.25 * i, 57 if i % 2 else 50) for i in range(8)]
    assert {roll.pitches for roll in plan.rolls.values()} == {(50, 57), (57, 50)}
    alone = planned(Part(1, "S", ()), Part(2, "Viola", pair[:1], program=41))
    assert onsets(alone) == [(0.0, 50)]


def test_a_trill_and_a_tremolo_can_go_on() -> None:
    notes = (
        Note(0.0, 2.0, 60, ornament=Ornament.TRILL),
        Note(4.0, 2.0, 50, ornament=Ornament.TREMOLO),
        Note(8.0, 2.0, 55),
    )
    plan = planned(Part(1, "S", ()), Part(2, "Viola", notes, program=41))
    assert {roll.pitches for roll in plan.rolls.values()} == {(60, 62), (62, 60), (50, 50)}
    assert all(0.05 < roll.stroke_s < 0.15 for roll in plan.rolls.values())
    assert {plan.start_quarters[n] // 4.0 for n in plan.rolls} == {0.0, 1.0}


NOTES = st.lists(
    st.builds(
        Note,
        onset_quarter=st.integers(0, 60).map(lambda i: i / 4),
        duration_quarter=st.sampled_from([0.25, 0.5, 1.0, 4.0]),
        pitch=st.integers(48, 60),
        velocity=st.integers(20, 120),
        arpeggio=st.booleans(),
        grace=st.booleans(),
        ornament=st.sampled_from(list(Ornament)),
        articulation=st.sampled_from(list(Articulation)),
        stroke_quarter=st.sampled_from([0.0, 0.125, 0.25]),
    ),
    min_size=1,
    max_size=20,
)
LEVELS = st.lists(st.builds(Level, st.floats(0, 16), st.floats(10, 127)), max_size=5)


@settings(max_examples=80, deadline=None)
@given(notes=NOTES, levels=LEVELS, solo=NOTES, program=st.sampled_from([0, 40, 48]))
def test_whatever_stands_in_the_score_makes_a_sound_plan(
    notes: list[Note], levels: list[Level], solo: list[Note], program: int
) -> None:
    marks = tuple(sorted(levels, key=lambda level: level.quarter))
    lead = Part(1, "Solo", tuple(sorted(solo, key=lambda n: n.onset_quarter)), levels=marks[:2])
    part = Part(2, "P", tuple(notes), program=program, levels=marks)
    plan = planned(lead, part)
    assert list(plan.quarters) == sorted(plan.quarters)
    for start, end in zip(plan.start_quarters, plan.end_quarters, strict=True):
        assert start < end
    for event in plan.events:
        assert 0 <= event.message.value <= 127
        assert event.message.kind is not Kind.ON or event.message.value >= 1
    assert set(plan.rolls) <= set(range(len(plan.start_quarters)))
