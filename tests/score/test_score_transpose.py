from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.score.model import Fermata, Key, Mark, Measure, Note, Part, Score, TempoMark
from accompanist.score.transpose import transposed

SCORE = Score(
    "a",
    (
        Part(1, "clarinet", (Note(0.0, 1.0, 60), Note(1.0, 1.0, 67)), transposition=-2),
        Part(2, "kit", (Note(0.0, 1.0, 36),), percussion=True),
    ),
    (Measure(0.0, 4.0, "1"),),
    tempo_marks=(TempoMark(0.0, 90.0),),
    keys=(Key(0.0, 0), Key(2.0, 3, minor=True)),
    marks=(Mark(0.0, "A"),),
    fermatas=(Fermata(1.0, 2.0),),
)


def test_all_pitches_but_percussion_and_the_keys_are_moved_and_nothing_else() -> None:
    moved = transposed(SCORE, 3)
    assert [n.pitch for n in moved.parts[0].notes] == [63, 70]
    assert moved.parts[1] == SCORE.parts[1]
    assert moved.keys == (Key(0.0, -3), Key(2.0, 0, minor=True))
    for name in ("title", "measures", "tempo_marks", "marks", "fermatas"):
        assert getattr(moved, name) == getattr(SCORE, name)
    assert moved.parts[0].transposition == -2


def test_by_nothing_it_is_the_same_score() -> None:
    assert transposed(SCORE, 0) is SCORE


@pytest.mark.parametrize(
    ("fifths", "semitones", "expected"),
    [(0, 1, -5), (0, -1, 5), (0, 2, 2), (0, 6, -6), (-1, -1, 4), (4, 12, 4), (-7, 12, 5)],
)
def test_keys(fifths: int, semitones: int, expected: int) -> None:
    score = Score("", (), (), keys=(Key(0.0, fifths),))
    assert transposed(score, semitones).keys[0].fifths == expected


@pytest.mark.parametrize(
    ("pitch", "semitones", "expected"), [(127, 1, 116), (120, 12, 120), (0, -1, 11), (5, -24, 5)]
)
def test_what_would_leave_the_range_stays_octaves_off(
    pitch: int, semitones: int, expected: int
) -> None:
    score = Score("", (Part(1, "a", (Note(0.0, 1.0, pitch),)),), ())
    assert transposed(score, semitones).parts[0].notes[0].pitch == expected


@given(st.lists(st.integers(0, 127), min_size=1, max_size=8), st.integers(-24, 24))
def test_every_note_keeps_its_letter_and_the_range_is_kept(
    pitches: list[int], semitones: int
) -> None:
    notes = tuple(Note(float(i), 1.0, p) for i, p in enumerate(pitches))
    moved = transposed(Score("", (Part(1, "a", notes),), ()), semitones).parts[0].notes
    for before, after in zip(notes, moved, strict=True):
        assert 0 <= after.pitch <= 127
        assert (after.pitch - before.pitch - semitones) % 12 == 0


@given(st.integers(-7, 7), st.integers(-24, 24))
def test_a_key_there_and_back_names_the_same_scale(fifths: int, semitones: int) -> None:
    score = Score("", (), (), keys=(Key(0.0, fifths),))
    back = transposed(transposed(score, semitones), -semitones)
    assert (back.keys[0].fifths - fifths) % 12 == 0
