from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.performing.ornaments import alternated, realise, spread
from accompanist.score.model import Note, Ornament


def test_a_plain_note_stays_as_it_is() -> None:
    note = Note(3.0, 1.0, 60)
    assert realise(note, 0, 2.0) == (note,)


def test_a_trill_alternates_with_the_upper_neighbour_of_the_key_and_ends_on_the_note() -> None:
    played = realise(Note(0.0, 1.0, 66, ornament=Ornament.TRILL), 2, 1.0)
    assert [n.pitch for n in played] == [66, 67, 66, 67, 66, 67, 66, 67, 66]
    assert played[0].onset_quarter == 0.0
    assert abs(played[-1].end_quarter - 1.0) < 1e-9


def test_a_short_trill_is_a_plain_note() -> None:
    note = Note(0.0, 0.25, 66, ornament=Ornament.TRILL)
    assert realise(note, 0, 1.0) == (note,)


def test_a_tremolo_repeats_the_note_eleven_times_a_second() -> None:
    played = realise(Note(0.0, 4.0, 50, ornament=Ornament.TREMOLO), 0, 2.0)
    assert len(played) == 22
    assert {n.pitch for n in played} == {50}


def test_a_turn_goes_round_the_note_and_rests_on_it() -> None:
    played = realise(Note(1.0, 1.0, 60, ornament=Ornament.TURN), 0, 1.0)
    assert [n.pitch for n in played] == [62, 60, 59, 60]
    assert played[-1].duration_quarter > 0.7


def test_a_mordent_touches_the_lower_neighbour() -> None:
    played = realise(Note(1.0, 1.0, 60, ornament=Ornament.MORDENT), 0, 1.0)
    assert [n.pitch for n in played] == [60, 59, 60]


def test_an_arpeggio_begins_on_the_beat_at_the_bottom_and_ends_together() -> None:
    chord = [Note(2.0, 2.0, p, arpeggio=True) for p in (67, 60, 64)]
    played = spread(chord, 1.0)
    assert [n.pitch for n in played] == [60, 64, 67]
    assert [round(n.onset_quarter, 3) for n in played] == [2.0, 2.03, 2.06]
    assert {round(n.end_quarter, 9) for n in played} == {4.0}


@settings(max_examples=40)
@given(
    ornament=st.sampled_from(list(Ornament)),
    duration=st.floats(0.02, 8.0),
    fifths=st.integers(-7, 7),
    rate=st.floats(0.3, 5.0),
    pitch=st.integers(30, 100),
)
def test_ornaments_fill_the_note_without_gap_or_overlap(
    ornament: Ornament, duration: float, fifths: int, rate: float, pitch: int
) -> None:
    note = Note(1.0, duration, pitch, ornament=ornament)
    played = realise(note, fifths, rate)
    assert played[0].onset_quarter == 1.0
    assert abs(played[-1].end_quarter - note.end_quarter) < 1e-6
    for before, after in pairwise(played):
        assert abs(before.end_quarter - after.onset_quarter) < 1e-6
        assert before.duration_quarter > 0
    assert all(abs(n.pitch - pitch) <= 2 for n in played)


def test_an_arpeggio_that_arrives_has_its_top_note_on_the_beat() -> None:
    chord = [Note(2.0, 2.0, p, arpeggio=True) for p in (67, 60, 64)]
    played = spread(chord, 2.0, arrives=True)
    assert [n.pitch for n in played] == [60, 64, 67]
    assert [round(n.onset_quarter, 3) for n in played] == [1.88, 1.94, 2.0]
    assert {round(n.end_quarter, 9) for n in played} == {4.0}


def test_two_chords_by_turns_fill_both_their_lengths() -> None:
    first = [Note(0.0, 1.0, p, ornament=Ornament.ALTERNATION) for p in (60, 64)]
    second = [Note(1.0, 1.0, 67, ornament=Ornament.ALTERNATION)]
    played = alternated(first, second, 1.0)
    starts = sorted({n.onset_quarter for n in played})
    assert len(starts) == 22
    assert [n.pitch for n in played[:3]] == [60, 64, 67]
    assert max(n.end_quarter for n in played) == 2.0
