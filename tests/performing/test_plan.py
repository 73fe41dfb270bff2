import pytest

from accompanist.performing.channels import assign_channels
from accompanist.performing.messages import Kind, Message
from accompanist.performing.plan import Plan
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import ControlChange, Fermata, Measure, Note, Ornament, Part, Score
from accompanist.score.tempo import written_tempo


def planned(*parts: Part, solo: int = 1) -> Plan:
    score = Score("Test", parts, (Measure(0.0, 4.0, "1"),))
    return accompaniment_plan(score, solo, written_tempo(score))


def listed(plan: Plan) -> list[tuple[float, str, int]]:
    return [(round(e.quarter, 3), e.message.kind.value, e.message.number) for e in plan.events]


def test_all_parts_but_the_solo_play_sorted_by_position() -> None:
    plan = planned(
        Part(1, "Solo", (Note(0.0, 1.0, 80),)),
        Part(2, "Viola", (Note(1.0, 1.0, 60),)),
        Part(3, "Cello", (Note(0.0, 2.0, 48),)),
    )
    assert listed(plan) == [
        (0.0, "on", 48),
        (1.0, "on", 60),
        (2.0, "off", 60),
        (2.0, "off", 48),
    ]
    assert plan.channels == {2: 1, 3: 2}
    assert plan.onsets_quarter == (0.0, 1.0)


def test_at_one_position_offs_come_first_and_ons_last() -> None:
    plan = planned(
        Part(1, "Solo", ()),
        Part(
            2,
            "Organ",
            (Note(0.0, 1.0, 60), Note(1.0, 1.0, 62)),
            controls=(ControlChange(1.0, "cc", 11, 90), ControlChange(1.0, "program", 0, 19)),
        ),
    )
    assert [k for q, k, _ in listed(plan) if q == 1.0] == ["off", "cc", "program", "on"]


def test_a_repeated_pitch_is_let_go_before_it_is_struck_again() -> None:
    plan = planned(Part(1, "S", ()), Part(2, "P", (Note(0.0, 1.0, 60), Note(1.0, 1.0, 60))))
    off = next(e for e in plan.events if e.message.kind is Kind.OFF)
    assert 0.9 < off.quarter < 1.0


def test_unisons_of_two_voices_are_one_stroke_as_long_as_the_longer() -> None:
    notes = (Note(0.0, 1.0, 60, velocity=50), Note(0.0, 3.0, 60, velocity=70))
    plan = planned(Part(1, "S", ()), Part(2, "P", notes))
    assert listed(plan) == [(0.0, "on", 60), (3.0, "off", 60)]
    assert plan.events[0].message.value == 70


def test_what_sounds_under_a_fermata_is_held_to_its_end() -> None:
    notes = (Note(0.0, 1.8, 60), Note(0.0, 0.9, 64), Note(2.0, 1.0, 67))
    parts = (Part(1, "S", ()), Part(2, "P", notes))
    score = Score("T", parts, (Measure(0.0, 4.0, "1"),), fermatas=(Fermata(0.0, 2.0),))
    plan = accompaniment_plan(score, 1, written_tempo(score))
    ends = {e.message.number: e.quarter for e in plan.events if e.message.kind is Kind.OFF}
    assert ends == {60: 2.0, 64: 0.9, 67: 3.0}


def test_the_start_sets_bank_program_volume_pan_expression_and_pedal() -> None:
    plan = planned(Part(1, "S", ()), Part(2, "P", (Note(0.0, 1.0, 60),), program=24))
    assert [e.message for e in plan.chase(0.0)] == [
        Message(Kind.CC, 1, 0, 0),
        Message(Kind.CC, 1, 32, 0),
        Message(Kind.PROGRAM, 1, 24),
        Message(Kind.CC, 1, 7, 100),
        Message(Kind.CC, 1, 10, 64),
        Message(Kind.CC, 1, 11, 127),
        Message(Kind.CC, 1, 64, 0),
        Message(Kind.BEND, 1, 0, 0),
    ]


def test_what_the_source_sets_is_chased_where_it_stands() -> None:
    controls = (
        ControlChange(0.0, "cc", 7, 80),
        ControlChange(2.0, "cc", 64, 127),
        ControlChange(3.0, "bend", 0, -500),
        ControlChange(4.0, "cc", 64, 0),
        ControlChange(1.0, "cc", 123, 0),
    )
    plan = planned(Part(1, "S", ()), Part(2, "P", (Note(0.0, 8.0, 60),), controls=controls))
    at_start = {(e.message.kind, e.message.number): e.message.value for e in plan.chase(0.0)}
    at_three = {(e.message.kind, e.message.number): e.message.value for e in plan.chase(3.5)}
    assert at_start[Kind.CC, 7] == 80
    assert at_start[Kind.CC, 64] == 0
    assert (at_three[Kind.CC, 64], at_three[Kind.BEND, 0]) == (127, -500)
    assert (Kind.CC, 123) not in at_three


def test_percussion_and_only_percussion_plays_on_ten() -> None:
    parts = [Part(n, f"p{n}", (), program=n) for n in range(1, 16)]
    channels = assign_channels([*parts, Part(16, "kit", (), percussion=True)])
    assert channels[16] == 10
    assert sorted(channels[n] for n in range(1, 16)) == [1, 2, 3, 4, 5, 6, 7, 8, 9, *range(11, 17)]


@pytest.mark.parametrize("programs", [[p // 2 for p in range(20)], list(range(0, 128, 3))])
def test_more_parts_than_channels_share_by_program_or_family(programs: list[int]) -> None:
    parts = [Part(n, str(n), (), program=p) for n, p in enumerate(programs, start=1)]
    channels = assign_channels(parts)
    assert 10 not in channels.values()
    by_program = {p.program: channels[p.number] for p in parts}
    assert all(channels[p.number] == by_program[p.program] for p in parts)


def test_a_trill_in_the_accompaniment_is_played() -> None:
    plan = planned(Part(1, "S", ()), Part(2, "P", (Note(0.0, 4.0, 60, ornament=Ornament.TRILL),)))
    assert {e.message.number for e in plan.events} == {60, 62}
    assert len(plan.events) > 20
