"""Repeats, voltas and jumps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.score.unfold import MAX_TIMES, BarSigns, JumpTo, unfold, visits

B = BarSigns


def ending(*numbers: int, times: int = 0) -> BarSigns:
    return B(endings=frozenset(numbers), repeat_times=times, ending_starts=True)


START, BACK = B(repeat_start=True), B(repeat_times=2)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([B(), B()], [0, 1], id="straight on"),
        pytest.param([B(), START, BACK, B()], [0, 1, 2, 1, 2, 3], id="a repeat"),
        pytest.param([B(), BACK, B()], [0, 1, 0, 1, 2], id="without a start: from the beginning"),
        pytest.param([BACK, B(), BACK], [0, 0, 1, 2, 1, 2], id="… or from behind the last repeat"),
        pytest.param([START, B(repeat_times=4)], [0, 1] * 4, id="four times"),
        pytest.param([B(repeat_times=MAX_TIMES + 1)], [0, 0], id="absurdly often: twice"),
        pytest.param([START, B(), B()], [0, 1, 2], id="a start without an end"),
        pytest.param([B(), ending(1, times=2), ending(2), B()], [0, 1, 0, 2, 3], id="voltas"),
        pytest.param(
            [START, ending(1), ending(2), B()], [0, 1, 0, 2, 3], id="first ending without a repeat"
        ),
        pytest.param(
            [B(), ending(1, 2, times=2), ending(3)], [0, 1, 0, 1, 0, 2], id="one ending for two"
        ),
        pytest.param(
            [B(), ending(1, times=2), ending(2, 3, times=2), B()],
            [0, 1, 0, 2, 0, 2, 3],
            id="the last ending repeated as well",
        ),
        pytest.param([B(), ending(1, times=2), B()], [0, 1, 0, 2], id="second ending not drawn"),
        pytest.param([B(), ending(1), B()], [0, 1, 2], id="a lone bracket without a repeat"),
        pytest.param(
            [B(), ending(1, times=2), ending(2), B(), ending(1, times=2), ending(2)],
            [0, 1, 0, 2, 3, 4, 3, 5],
            id="two repeats with voltas, the second without a start",
        ),
        pytest.param(
            [
                B(),
                B(endings=frozenset([1]), ending_starts=True),
                B(endings=frozenset([1]), repeat_times=2),
                ending(2),
            ],
            [0, 1, 2, 0, 3],
            id="an ending of two bars",
        ),
        pytest.param(
            [B(), B(fine=True), B(jump=JumpTo.START)], [0, 1, 2, 0, 1], id="da capo al fine"
        ),
        pytest.param(
            [B(), B(fine=True), B(), B(repeat_times=2, jump=JumpTo.START)],
            [0, 1, 2, 3, 2, 3, 0, 1],
            id="a trio behind Fine",
        ),
        pytest.param(
            [START, B(fine=True), B(), B(repeat_times=2)],
            [0, 1, 2, 3, 0, 1, 2, 3],
            id="Fine within a repeat",
        ),
        pytest.param(
            [B(), B(segno=True), B(fine=True), B(jump=JumpTo.SEGNO)],
            [0, 1, 2, 3, 1, 2],
            id="dal segno al fine",
        ),
        pytest.param(
            [
                B(segno=True),
                B(to_coda=True),
                B(jump=JumpTo.SEGNO, jump_al_coda=True),
                B(coda=True),
                BACK,
            ],
            [0, 1, 2, 0, 1, 3, 4, 3, 4],
            id="al coda, and a repeat in it",
        ),
        pytest.param([B(), BACK, B(jump=JumpTo.START)], [0, 1, 0, 1, 2, 0, 1, 2], id="no repeats"),
        pytest.param(
            [B(), ending(1, times=2), ending(2), B(jump=JumpTo.START)],
            [0, 1, 0, 2, 3, 0, 2, 3],
            id="after da capo the last ending",
        ),
        pytest.param(
            [B(), B(jump=JumpTo.SEGNO), B()], [0, 1, 0, 1, 2], id="dal segno without a segno"
        ),
        pytest.param(
            [B(), B(jump=JumpTo.START, jump_al_coda=True), B()],
            [0, 1, 0, 1, 2],
            id="al coda without a coda",
        ),
        pytest.param(
            [B(jump=JumpTo.START), B(jump=JumpTo.START)], [0, 0, 1, 0, 1], id="each jump once"
        ),
    ],
)
def test_the_order_of_performance(signs: list[BarSigns], expected: list[int]) -> None:
    assert unfold(signs) == expected


def test_visits_count_each_time_a_measure_is_played() -> None:
    assert visits(unfold([B(), BACK, B()])) == [1, 1, 2, 2, 1]


any_signs = st.builds(
    BarSigns,
    repeat_start=st.booleans(),
    repeat_times=st.sampled_from([0, 0, 0, 2, 3, 99]),
    endings=st.sampled_from([frozenset[int](), frozenset([1]), frozenset([2]), frozenset([1, 3])]),
    ending_starts=st.booleans(),
    segno=st.booleans(),
    coda=st.booleans(),
    to_coda=st.booleans(),
    fine=st.booleans(),
    jump=st.sampled_from(JumpTo),
    jump_al_coda=st.booleans(),
)


@settings(max_examples=50)
@given(st.lists(any_signs, max_size=24))
def test_any_signs_end_in_a_bounded_performance(signs: list[BarSigns]) -> None:
    order = unfold(signs)
    jumps = sum(bar.jump is not JumpTo.NOWHERE for bar in signs)
    assert all(0 <= index < len(signs) for index in order)
    assert len(order) <= (MAX_TIMES + 2) * len(signs) * (jumps + 1)
    assert (order[0] < len(signs)) if signs else order == []


@given(st.lists(any_signs, min_size=1, max_size=24), st.integers(0, 20))
@settings(max_examples=30)
def test_the_limit_breaks_off_the_same_performance(signs: list[BarSigns], most: int) -> None:
    assert unfold(signs, most) == unfold(signs)[: most + 1]


@given(st.integers(0, 30))
def test_without_signs_it_is_what_is_printed(count: int) -> None:
    assert unfold([B()] * count) == list(range(count))
