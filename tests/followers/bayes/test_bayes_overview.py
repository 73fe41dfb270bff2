"""The coarse look at the whole score, and the tuning that is heard without one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.followers.bayes.grid import FilterSettings, PositionFilter, ScoreGrid
from accompanist.followers.bayes.overview import Overview, landing_weights
from accompanist.followers.bayes.pitch import PitchGrid
from accompanist.followers.bayes.segments import make_segments
from accompanist.followers.bayes.templates import TemplateRing, pitch_templates
from accompanist.hearing.bank import FilterBank
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

HOP_S = 256 / 44_100
BANK = FilterBank(44_100)
PITCHES = [int(p) for p in 60 + np.random.default_rng(3).integers(0, 23, 60)]


def make(gap_after: int = -1) -> tuple[Overview, PositionFilter, TemplateRing]:
    notes = tuple(
        Note(i * 0.5 + (1.0 if 0 <= gap_after < i else 0.0), 0.5, p) for i, p in enumerate(PITCHES)
    )
    part = Part(1, "solo", notes)
    score = Score("", (part,), (), tempo_marks=(TempoMark(0.0, 120.0),))
    segments = make_segments(solo_line(part), written_tempo(score), 0.7, 4.0)
    settings = FilterSettings()
    grid = ScoreGrid(segments, settings, HOP_S)
    ring = TemplateRing(BANK, segments, 0.0)
    overview = Overview(grid, ring.templates, HOP_S, landing_weights(segments))
    return overview, PositionFilter(grid, ring, settings, HOP_S), ring


def spectrum_of(pitch: int) -> npt.NDArray[np.float32]:
    picture = pitch_templates(BANK, np.array([pitch], dtype=np.int32), 0.0)[0]
    return np.append(picture, np.float32(0.0)).astype(np.float32)


def play(overview: Overview, fine: PositionFilter, events: range, presence: float = 1.0) -> None:
    """Sound events for 0.25 s each while the fine filter stays where it is."""
    position_s = fine.grid.position_s(float(fine.support[0]))
    for event in events:
        heard = spectrum_of(PITCHES[event])
        for _ in range(round(0.25 / HOP_S)):
            overview.step(heard, position_s, 1.0, fine, presence)


def test_landings_are_on_notes_and_rather_behind_a_rest() -> None:
    fine = make(gap_after=20)[1]
    segments = fine.grid.segments
    weights = landing_weights(segments)
    assert weights.sum() == pytest.approx(1.0, abs=1e-4)
    assert not weights[~segments.begins].any()
    entry, usual = segments.event_segment[21], segments.event_segment[10]
    assert weights[entry] == pytest.approx(4.0 * weights[usual])


def test_landings_are_rather_where_a_bar_begins() -> None:
    segments = make()[1].grid.segments
    likelier = np.ones(len(PITCHES))
    likelier[8] = 3.0
    weights = landing_weights(segments, likelier)
    at = segments.event_segment
    assert weights[at[8]] == pytest.approx(3.0 * weights[at[9]])


def test_a_passage_from_elsewhere_is_proposed_with_where_and_when_it_began() -> None:
    overview, fine, _ = make()
    play(overview, fine, range(3))
    began = overview.steps
    play(overview, fine, range(30, 38))
    assert overview.near < 0.1
    best = overview.propose(0.3)[0]
    segments = fine.grid.segments
    assert segments.event[best.segment] == pytest.approx(37, abs=1)
    assert overview.share(float(segments.start_s[best.segment])) > 0.3
    # of a path older than a second or two it is told where that was then
    since_s = (overview.steps - best.came_step) * overview.step_s
    assert 0.9 < since_s < (overview.steps - began) * overview.step_s + 0.1
    assert segments.event[best.came_segment] == pytest.approx(37 - since_s / 0.25, abs=1.5)
    assert overview.deficit_per_s > 20.0


def test_breaths_and_noise_move_nothing() -> None:
    overview, fine, _ = make()
    play(overview, fine, range(1))
    play(overview, fine, range(30, 38), presence=0.0)
    segments = fine.grid.segments
    assert overview.share(float(segments.event_s[37])) < 0.05


def test_it_costs_memory_for_segments_and_little_else() -> None:
    overview, _, _ = make()
    held = sum(a.nbytes for a in vars(overview).values() if isinstance(a, np.ndarray))
    assert held < 2_000_000


@pytest.mark.parametrize("cents", [-40.0, 0.0, 25.0])
def test_the_tuning_is_heard_to_a_few_cents_without_a_score(cents: float) -> None:
    pitches = np.array([60, 64, 67, 71], dtype=np.int32)
    listener = PitchGrid(pitch_templates(BANK, pitches, 0.0), HOP_S)
    for row in pitch_templates(BANK, pitches, cents):
        for _ in range(40):
            listener.hear(np.append(row, np.float32(0.0)), 1.0)
    assert listener.shift * 100 / 3 == pytest.approx(cents, abs=4.0)


def test_a_tuning_that_was_never_heard_is_none() -> None:
    pitches = np.array([60], dtype=np.int32)
    assert PitchGrid(pitch_templates(BANK, pitches, 0.0), HOP_S).shift == 0.0
