"""Where a performer would rather begin."""

from __future__ import annotations

import numpy as np

from accompanist.score.landings import landing_places, weights_at
from accompanist.score.model import Fermata, Mark, Measure, Part, Score, TempoMark


def score() -> Score:
    bars = (
        Measure(0.0, 4.0, "1"), Measure(4.0, 4.0, "2"), Measure(8.0, 4.0, "1", visit=2),
        Measure(12.0, 4.0, "2", visit=2), Measure(16.0, 4.0, "3"), Measure(20.0, 4.0, "4"),
    )  # fmt: skip
    return Score(
        "",
        (Part(1, "solo", ()),),
        bars,
        tempo_marks=(TempoMark(0.0, 90.0, written=False), TempoMark(18.0, 60.0)),
        marks=(Mark(20.0, "A"),),
        fermatas=(Fermata(5.0, 6.0),),
    )


def test_bar_lines_breaks_and_marks_each_have_their_weight() -> None:
    assert landing_places(score()).tolist() == [
        [0.0, 1.5], [4.0, 1.5], [6.0, 2.0], [8.0, 2.0], [12.0, 1.5], [16.0, 2.0], [18.0, 2.0],
        [20.0, 3.0],
    ]  # fmt: skip


def test_a_piece_without_bars_has_no_such_places() -> None:
    assert landing_places(Score("", (Part(1, "solo", ()),), ())).shape == (0, 2)


def test_events_at_such_places_are_likelier_and_the_best_reason_counts() -> None:
    onsets = np.array([0.0, 1.0, 3.98, 5.0, 8.2])
    places = np.array([[0.0, 3.0], [4.0, 3.0], [4.02, 5.0], [6.0, 5.0], [8.0, 3.0], [12.0, 8.0]])
    assert weights_at(onsets, places).tolist() == [3.0, 1.0, 5.0, 1.0, 1.0]
    assert weights_at(onsets, np.zeros((0, 2))).tolist() == [1.0] * 5
