"""What takes tell that are of a part of the piece, and of entries behind others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from accompanist.conducting.expecting.expectation import Expectation
from accompanist.conducting.expecting.rehearsal import Performance, rehearse
from accompanist.conducting.grid import SoloGrid
from accompanist.score.model import Note, Part
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo

STEADY = WrittenTempo(np.array([0.0]), np.array([0.0]), 1.0, 1.0)


def quarters(count: int, rest_behind: int = -1) -> SoloLine:
    """Quarter notes with a tune that returns every four; the one before a rest is half as long."""
    return solo_line(
        Part(
            1,
            "Solo",
            tuple(
                Note(float(q), 0.5 if q == rest_behind else 1.0, (60, 64, 62, 67)[q % 4])
                for q in range(count)
            ),
        )
    )


def grid_of(solo: SoloLine, others: Sequence[float] = ()) -> SoloGrid:
    return SoloGrid(solo, STEADY, None, others)


def take(solo: SoloLine, log_ratios: Sequence[float], first: int = 0) -> Performance:
    times = 3.0 + np.cumsum([0.0, *np.exp(log_ratios)])
    return Performance(solo.onsets_quarter[first : first + len(times)], times, own=True)


def test_a_habit_behind_a_rest_in_which_others_play_is_foreseen_once_it_was_rehearsed() -> None:
    solo = quarters(17, rest_behind=8)
    grid = grid_of(solo, others=[8.5, 8.75])
    assert grid.led[9]
    assert Expectation(grid, solo).deviation(8, 8, 1.0) == 0.0
    late = [0.3 if i == 8 else 0.0 for i in range(16)]
    warm = Expectation(grid, solo, [take(solo, late)] * 3)
    assert 0.2 < warm.deviation(8, 8, 1.0) < 0.3


def test_where_nothing_was_rehearsed_as_much_is_learned_as_ever() -> None:
    solo = quarters(101)
    grid = grid_of(solo)
    learned = []
    for rehearsed in (0, 12, 100):
        earlier = [take(solo, [0.0] * rehearsed)] if rehearsed else []
        fresh, told = (Expectation(grid, solo, earlier) for _ in range(2))
        for event in range(60):
            told.pass_event(event, event, 0.0)
            told.learn(event, 0.25 if event % 4 == 3 else 0.0, 0.0, 1.0)
        learned.append(told.deviation(67, 60, 1.0) - fresh.deviation(67, 60, 1.0))
    cold, part, whole = learned
    assert part == pytest.approx(cold, rel=0.2)
    assert 0.0 < whole < 0.7 * cold


@pytest.mark.parametrize(("intervals", "counts"), [(12, True), (11, False)])
def test_some_bars_of_a_long_movement_are_worth_practising(intervals: int, counts: bool) -> None:
    solo = quarters(401)
    bars = take(solo, [0.02 * i for i in range(intervals)], first=200)
    found = rehearse(grid_of(solo), [bars])
    assert found.counts.sum() == (intervals if counts else 0)
