"""Dixon's band: path costs of toy matrices worked out by hand and by a plain recursion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.followers.oltw.band import Band


def column(*values: float) -> npt.NDArray[np.float32]:
    """One number a row: distances are differences."""
    return np.array(values, dtype=np.float32)[:, None]


def plain_costs(heard: list[float], score: list[float]) -> list[float]:
    """Last row of the whole path-cost matrix, diagonal steps weighing twice."""
    costs = np.full((len(heard), len(score)), np.inf)
    for t, a in enumerate(heard):
        for j, b in enumerate(score):
            d = abs(a - b)
            ways = [d] if t == j == 0 else []
            if t and j:
                ways.append(costs[t - 1, j - 1] + 2 * d)
            if t:
                ways.append(costs[t - 1, j] + d)
            if j:
                ways.append(costs[t, j - 1] + d)
            costs[t, j] = min(ways)
    return [float(c) for c in costs[-1]]


def test_path_costs_of_a_matrix_worked_out_by_hand() -> None:
    band = Band(column(0, 1, 2, 3, 4, 5), width=8)
    for value in (0.0, 1.0, 2.0):
        band.add(column(value)[0])
    first, costs = band.costs()
    # j = 0: 0 + 1 + 2; j = 1: over (1, 1), then one off; j = 2: the diagonal.
    assert (first, costs.tolist()) == (0, [3.0, 1.0, 0.0])
    assert (band.t, band.j, band.best) == (2, 2, 2)


@given(
    heard=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    score=st.lists(st.integers(0, 4), min_size=13, max_size=16),
)
@settings(max_examples=60, deadline=None)
def test_within_the_width_it_is_plain_time_warping(heard: list[int], score: list[int]) -> None:
    band = Band(column(*score), width=20)
    for value in heard:
        band.add(column(value)[0])
    expected = plain_costs([float(x) for x in heard], [float(x) for x in score[: len(heard)]])
    assert band.costs()[1].tolist() == pytest.approx(expected)
    # The position: least cost for the length of the way there; of equals, the furthest.
    means = np.array(expected) / (len(heard) + np.arange(len(expected)))
    assert means[band.best] == pytest.approx(means.min())


def test_the_first_width_of_frames_goes_along_the_diagonal() -> None:
    band = Band(column(*range(40)), width=10)
    for _ in range(9):
        band.add(column(0.0)[0])
    assert band.j == 8
    assert band.best == 0


def test_behind_it_the_run_count_drives_both_sides_on() -> None:
    band = Band(column(*range(200)), width=10, longest_run=3)
    for _ in range(10):
        band.add(column(0.0)[0])
    grown = []
    for _ in range(40):
        band.add(column(0.0)[0])
        grown.append(band.j)
    # Nothing but the first row is heard: the score's turn comes after every fourth frame.
    assert np.diff(grown).max() == 1
    assert grown[-1] - grown[0] == pytest.approx(40 / 4, abs=1)


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.0, 1.5, 2.5])
def test_a_player_at_another_tempo_is_kept_up_with(ratio: float) -> None:
    score = column(*np.sin(np.arange(2000) / 7) * 5 + np.arange(2000) / 9)
    band = Band(score, width=50)
    for i in range(600):
        band.add(score[round(i * ratio)])
    assert band.best == pytest.approx(599 * ratio, abs=4)


def test_it_can_begin_at_any_row_and_again() -> None:
    score = column(*range(300))
    band = Band(score, width=20)
    for row in (100, 30):
        band.restart(row)
        assert band.best == row
        for i in range(60):
            band.add(score[row + i])
        assert band.best == band.j == row + 59


def test_the_end_of_the_score_is_not_passed() -> None:
    band = Band(column(*range(30)), width=10)
    for i in range(100):
        band.add(column(min(i, 29))[0])
    assert band.best == band.j == 29
