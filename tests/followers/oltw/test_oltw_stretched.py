"""Tempo-aware warping: backward paths of toy matrices, tempo found, wrong decisions taken back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.followers.oltw.stretched import STRAIGHT, Stretched, retrace

Float32Array = npt.NDArray[np.float32]

NOTE_ROWS = 20
MELODY = [0, 2, 4, 5, 4, 2, 7, 9, 11, 9, 7, 5, 0, 5, 9, 5, 4, 0, 2, 7] * 4


def rows(melody: list[int], note_rows: int = NOTE_ROWS) -> Float32Array:
    """Unit vectors, a pitch class a note and its fifth."""
    eye = np.eye(13)
    looks = np.array([eye[p] + 0.3 * eye[(p + 7) % 12] + 0.05 for p in melody])
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    return np.repeat(looks, note_rows, axis=0).astype(np.float32)


def onsets(melody: list[int]) -> npt.NDArray[np.float64]:
    return np.arange(len(melody), dtype=np.float64) * NOTE_ROWS


def test_a_backward_path_worked_out_by_hand() -> None:
    distances = np.array([[0.0, 9.0, 9.0], [9.0, 0.0, 9.0], [9.0, 0.0, 9.0], [9.0, 9.0, 0.0]])
    path = np.zeros(4, dtype=np.int64)
    assert retrace(distances, 2, path) == 0
    assert path.tolist() == [0, 1, 1, 2]


def test_a_backward_path_begins_where_the_mean_is_least() -> None:
    # Everything before cell 2 is far from what was heard: the path begins there.
    distances = np.array([[5.0, 5.0, 0.1], [5.0, 5.0, 0.1]])
    path = np.zeros(2, dtype=np.int64)
    assert retrace(distances, 2, path) == 2
    assert path.tolist() == [2, 2]
    assert STRAIGHT > 0  # or the diagonal would have no privilege


@pytest.mark.parametrize("ratio", [0.5, 0.75, 1.0, 1.5, 2.0])
def test_the_tempo_is_found_and_the_position_kept(ratio: float) -> None:
    score = rows(MELODY)
    aligner = Stretched(score, onsets(MELODY))
    count = int(min(600, (len(score) - NOTE_ROWS) / ratio))
    for i in range(count):
        aligner.add(score[int(i * ratio)])
    assert aligner.tempo == pytest.approx(ratio, rel=0.06)
    assert aligner.position == pytest.approx((count - 1) * ratio, abs=NOTE_ROWS / 2)


def test_a_tempo_that_changes_is_followed() -> None:
    score = rows(MELODY)
    aligner = Stretched(score, onsets(MELODY))
    position = 0.0
    for i in range(800):
        position += 1.0 if i < 300 else 1.6
        aligner.add(score[int(position)])
    assert aligner.tempo == pytest.approx(1.6, rel=0.06)
    assert aligner.position == pytest.approx(position, abs=NOTE_ROWS / 2)


def test_within_a_long_note_the_tempo_carries_it_on() -> None:
    melody = [*MELODY[:20], 7, 0]
    score = np.concatenate([rows(MELODY[:20]), rows([7], 150), rows([0])])
    aligner = Stretched(score, np.array([*onsets(melody)[:21], 550.0]))
    for i in range(480):
        aligner.add(score[i])
    assert aligner.position == pytest.approx(479, abs=12)


def test_it_can_begin_at_any_row_and_again() -> None:
    score = rows(MELODY)
    aligner = Stretched(score, onsets(MELODY))
    for row in (400, 200):
        aligner.restart(row)
        assert (aligner.position, aligner.tempo) == (row, 1.0)
        for i in range(100):
            aligner.add(score[row + i])
        assert aligner.position == pytest.approx(row + 99, abs=4)


def test_the_end_of_the_score_is_not_passed() -> None:
    score = rows(MELODY[:5])
    aligner = Stretched(score, onsets(MELODY[:5]))
    for i in range(300):
        aligner.add(score[min(i, len(score) - 1)])
    assert len(score) - 3 <= aligner.position <= len(score) - 1
