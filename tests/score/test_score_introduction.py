from dataclasses import replace

import pytest

from accompanist.score.introduction import Introduction, introduction
from accompanist.score.model import Measure, Note, Part, Score


def piece(solo: float, *others: float) -> tuple[Score, Part]:
    """A pickup of a quarter and bars of four; the solo and the others begin at these places."""
    measures = (Measure(0.0, 1.0, "0"), *(Measure(1.0 + 4 * i, 4.0, str(i + 1)) for i in range(4)))
    part = Part(1, "Solo", (Note(solo, 1.0, 72),))
    piano = Part(2, "Piano", tuple(Note(q, 1.0, 48) for q in others))
    return Score("Piece", (part, piano), measures), part


@pytest.mark.parametrize(
    ("solo", "others", "expected"),
    [
        (0.0, (0.0, 1.0), None),
        (0.0, (1.0,), None),
        (0.02, (0.0,), None),  # together, but for a hair
        (0.0, (), None),
        (9.0, (1.0, 5.0), Introduction(1.0, 9.0, 2)),
        (11.5, (0.0,), Introduction(0.0, 11.5, 3)),
        (2.0, (1.0,), Introduction(1.0, 2.0, 0)),
    ],
)
def test_the_ensemble_begins_or_it_does_not(
    solo: float, others: tuple[float, ...], expected: Introduction | None
) -> None:
    assert introduction(*piece(solo, *others)) == expected


def test_a_recording_begins_by_itself_where_its_soloist_is_known_to_come_in_late() -> None:
    late, part = piece(9.0)  # 4.5 s
    assert introduction(replace(late, recording_s=30.0), part) == Introduction(0.0, 9.0, 3)
    soon, part = piece(3.0)  # a silent lead
    assert introduction(replace(soon, recording_s=30.0), part) is None


def test_a_part_without_notes_has_no_introduction() -> None:
    score, _ = piece(4.0, 0.0)
    assert introduction(score, Part(3, "Nobody", ())) is None


@pytest.mark.parametrize(("bars", "words"), [(0, "a few beats"), (1, "1 bar"), (3, "3 bars")])
def test_its_length_in_words(bars: int, words: str) -> None:
    assert Introduction(0.0, 1.0, bars).length == words
