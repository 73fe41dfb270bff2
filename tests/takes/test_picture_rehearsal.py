"""The picture of a rehearsal: what is drawn of each beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from accompanist.score.model import Measure, Metre, Note, Part, Score
from accompanist.takes.picture_rehearsal import TakeCurve, TakenTime, draw_rehearsal, over_beats


def test_a_beat_is_the_mean_of_its_notes_by_their_lengths() -> None:
    quarters = np.array([0.0, 0.5, 1.0, 1.25, 3.0, 4.0])
    values = np.array([0.1, 0.3, 1.0, 0.2, np.nan, 0.7])
    weights = np.array([0.5, 0.5, 0.25, 0.75, 1.0, 0.0])
    at, means = over_beats(quarters, values, weights, 1.0)
    assert at.tolist() == [0.0, 1.0]
    np.testing.assert_allclose(means, [0.2, 0.4])
    at, means = over_beats(quarters, values, weights, 1.5)
    assert at.tolist() == [0.0]
    nothing, _ = over_beats(quarters, np.full(6, np.nan), weights, 1.0)
    assert len(nothing) == 0


@pytest.mark.parametrize("metre", [(), (Metre(0.0, 6, 8),), (Metre(0.0, 2, 2),)])
@pytest.mark.parametrize("takes", [0, 1, 3])
def test_it_can_be_drawn_of_anything(tmp_path: Path, metre: tuple[Metre, ...], takes: int) -> None:
    quarters = np.arange(12) / 2.0
    notes = tuple(Note(q, 0.5, 60) for q in quarters)
    bars = tuple(Measure(3.0 * i, 3.0, str(i)) for i in range(2)) if metre else ()
    score = Score("Jig", (Part(1, "Pipe", notes),), bars, metres=metre)
    levels = (None, np.linspace(-3.0, 3.0, 12), np.full(12, np.nan))
    draw_rehearsal(
        tmp_path / "r.svg",
        score,
        quarters=quarters,
        seconds=quarters * 0.4,
        mean=np.full(11, 0.0 if takes else np.nan),
        takes=[TakeCurve(np.full(11, 0.02 * i), i > 0, levels[i]) for i in range(takes)],
        times_taken=[TakenTime(3.0, True, 1, 1)][:takes],
        title="Jig",
    )
    text = (tmp_path / "r.svg").read_text()
    assert "Jig" in text
    assert ("a breath" in text) == (takes > 0)
    assert ("loudness" in text) == (takes > 1)
    assert ("where they mostly are" in text) == (takes > 1)
