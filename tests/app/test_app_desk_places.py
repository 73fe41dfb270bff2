"""Bars, beats and marks as the desk names them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from desk_pieces import duet
from hypothesis import given
from hypothesis import strategies as st

from accompanist.app.desk.places import Beat, Places
from accompanist.app.desk.protocol import DeskError
from accompanist.score.model import Mark, Measure, Metre, Part, Score

PLACES = Places(duet())


def refused(error: pytest.ExceptionInfo[DeskError]) -> tuple[int, str]:
    return error.value.code, str(error.value)


def test_bars_and_beats_count_as_on_paper() -> None:
    assert [PLACES.bar(q) for q in (0.0, 0.99, 1.0, 4.999, 5.0, 32.9)] == [0, 0, 1, 1, 2, 8]
    assert [PLACES.beat(q) for q in (0.0, 0.5, 1.0, 2.5, 4.5)] == [4.0, 4.5, 1.0, 2.5, 4.5]
    assert [PLACES.page(q) for q in (0.0, 16.9, 17.0)] == [1, 1, 2]


def test_marks() -> None:
    assert PLACES.mark_names == ("A", "B")
    assert [PLACES.mark(q) for q in (0.0, 8.9, 9.0, 20.0)] == ["", "", "A", "B"]
    assert PLACES.mark_quarter(" b ") == 17.0
    with pytest.raises(DeskError) as error:
        PLACES.mark_quarter("Z")
    assert refused(error) == (422, "there is no mark 'Z'; there are: A, B")


def test_going_from_mark_to_mark() -> None:
    assert [PLACES.next_mark(q) for q in (0.0, 9.0)] == [9.0, 17.0]
    assert [PLACES.previous_mark(q) for q in (30.0, 18.0, 10.0, 3.0)] == [17.0, 9.0, 0.0, 0.0]
    with pytest.raises(DeskError) as error:
        PLACES.next_mark(17.0)
    assert error.value.code == 422


def test_without_marks_one_goes_by_bars() -> None:
    score = duet()
    plain = Places(Score(score.title, score.parts, score.measures, metres=score.metres))
    assert plain.next_mark(1.5) == 5.0
    assert plain.previous_mark(12.0) == 9.0
    assert plain.previous_mark(9.5) == 5.0


def test_a_bar_that_is_not_there_is_refused_with_the_range() -> None:
    assert PLACES.bar_quarter(3) == 9.0
    with pytest.raises(DeskError) as error:
        PLACES.bar_quarter(9)
    assert refused(error) == (422, "there is no bar 9; bars go from 0 to 8")


def test_loops() -> None:
    assert PLACES.span(2, 3) == (5.0, 13.0)
    assert PLACES.span(2, 2) == (5.0, 9.0)
    with pytest.raises(DeskError) as error:
        PLACES.span(3, 2)
    assert refused(error) == (422, "bars 3 to 2: the last comes before the first")
    with pytest.raises(DeskError, match="no bar 99"):
        PLACES.span(1, 99)


@pytest.mark.parametrize("quarter", [-0.1, 33.0, 1e9])
def test_positions_outside_the_piece(quarter: float) -> None:
    with pytest.raises(DeskError, match="0 to 33"):
        PLACES.checked(quarter)


def test_beats_in_order_and_counted_backwards_before_the_first() -> None:
    assert PLACES.beats(-0.1, 2.0) == [Beat(0.0, 0, 4), Beat(1.0, 1, 1), Beat(2.0, 1, 2)]
    assert PLACES.beats(0.0, 1.0) == [Beat(1.0, 1, 1)]
    assert PLACES.beats(-4.0, -0.5) == [Beat(-3.0, 0, 1), Beat(-2.0, 0, 2), Beat(-1.0, 0, 3)]
    assert PLACES.beats(-5.0, -3.9) == [Beat(-4.0, -1, 4)]


def test_beats_of_other_metres() -> None:
    score = Score(
        "",
        (Part(1, "", ()),),
        (Measure(0.0, 0.25, "0"), Measure(0.25, 3.0, "1"), Measure(3.25, 2.0, "2a")),
        metres=(Metre(0.0, 6, 8), Metre(3.25, 2, 4)),
        marks=(Mark(0.25, "A"),),
    )
    places = Places(score)
    beats = places.beats(-0.01, 9.0)
    assert [(b.bar, b.beat) for b in beats] == [
        (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (2, 1), (2, 2),
    ]  # fmt: skip
    assert [b.quarter for b in beats[-2:]] == [3.25, 4.25]


@given(st.lists(st.floats(-4.0, 33.0), min_size=2, max_size=12))
def test_however_one_looks_every_beat_comes_once(cuts: list[float]) -> None:
    cuts.sort()
    pieces = [b for a, z in pairwise(cuts) for b in PLACES.beats(a, z)]
    assert pieces == PLACES.beats(cuts[0], cuts[-1])


def test_a_score_without_bars() -> None:
    places = Places(Score("", (), ()))
    assert (places.bar(3.0), places.page(3.0), places.beats(0.0, 9.0)) == (1, 1, [])
    with pytest.raises(DeskError, match="no bars"):
        places.bar_quarter(1)
