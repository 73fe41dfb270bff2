"""The position filter: probability is neither made nor lost, whatever is heard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.followers.bayes.grid import FilterSettings, PositionFilter, ScoreGrid
from accompanist.followers.bayes.segments import make_segments
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.hearing.bank import FilterBank
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

HOP_S = 256 / 44_100
BANK = FilterBank(44_100)


def make(count: int = 6, length: float = 0.5) -> PositionFilter:
    part = Part(1, "solo", tuple(Note(i * length, length, 60 + 2 * i) for i in range(count)))
    score = Score("", (part,), (), tempo_marks=(TempoMark(0.0, 120.0),))
    segments = make_segments(solo_line(part), written_tempo(score), 0.7, 4.0)
    constants = FilterSettings()
    grid = ScoreGrid(segments, constants, HOP_S)
    return PositionFilter(grid, TemplateRing(BANK, segments, 0.0), constants, HOP_S)


def total(position: PositionFilter) -> float:
    low, high, held_low, held_high = (int(v) for v in position.support[:4])
    rows = np.arange(low, high) & (len(position.mass) - 1)
    waiting = np.arange(held_low, held_high) & (len(position.held) - 1)
    return float(position.mass[rows].sum() + position.held[waiting].sum())


@given(seed=st.integers(0, 2**32 - 1), presence=st.sampled_from([0.0, 0.4, 1.0]))
@settings(max_examples=12, deadline=None)
def test_probability_stays_one(seed: int, presence: float) -> None:
    rng = np.random.default_rng(seed)
    position = make()
    for _ in range(120):
        spectrum = rng.dirichlet(np.full(len(BANK) + 1, 0.05)).astype(np.float32)
        rise = np.maximum(0, rng.normal(0, 1, len(BANK))).astype(np.float32)
        belief = position.step(spectrum, rise, presence, 0.5)
        assert total(position) == pytest.approx(1.0, abs=2e-3)
        assert np.isfinite([belief.cell, belief.tempo, belief.log_evidence]).all()
        assert 0 <= belief.cell < len(position.grid.cell_segment)


def test_in_silence_it_waits() -> None:
    position = make()
    silence = np.zeros(len(BANK) + 1, dtype=np.float32)
    silence[-1] = 1.0
    for _ in range(400):
        belief = position.step(silence, np.zeros(len(BANK), dtype=np.float32), 0.0, 0.5)
    assert belief.held > 0.95
    assert belief.cell < position.grid.event_cell[0]


def test_cells_are_written_seconds() -> None:
    grid = make().grid
    assert grid.position_s(grid.cell_of(0.35)) == pytest.approx(0.35, abs=0.0071)
    assert grid.cell_of(-100.0) == 0
    assert grid.cell_of(1e6) == len(grid.cell_segment) - 1


def test_refilled_belief_is_where_it_is_put() -> None:
    position = make()
    tempi = np.full(len(position.grid.tempi), 1 / len(position.grid.tempi), dtype=np.float32)
    position.refill([(200, 220, 0.25), (240, 280, 0.75)], tempi)
    assert total(position) == pytest.approx(1.0, abs=1e-4)
    assert position.mass[240:280].sum() == pytest.approx(0.75, abs=1e-4)


def crossed(length: float, presence: float) -> float:
    """Share that is held of what crosses into the second event, before anything is weighed."""
    position = make(length=length)
    grid = position.grid
    tempi = (np.arange(len(grid.tempi)) == np.argmin(abs(grid.log_tempi))).astype(np.float32)
    border = int(grid.event_cell[1])
    position.refill([(border - 1, border, 1.0)], tempi)
    # Everything fits everything: what is heard leaves the shares as they are.
    even = np.full(len(BANK) + 1, 1.0 / (len(BANK) + 1), dtype=np.float32)
    position.templates.looks[:] = 0.0
    position.templates.slot_of[: len(grid.segments)] = np.arange(len(grid.segments))
    rise = np.full(len(BANK), position._s.onset_zero, dtype=np.float32)
    position.templates.stroke[:] = 1.0 / len(BANK)
    for _ in range(3):
        belief = position.step(even, rise, presence, 0.5)
    return belief.held


def test_long_notes_are_dwelt_on_and_short_ones_are_not() -> None:
    usual = FilterSettings()
    # A half and an eighth at 120: 1 s and 0.0625 s to the next onset.
    assert make(length=2.0).grid.dwelling.tolist() == [1.0] * 6
    assert make(length=0.125).grid.dwelling[1:] == pytest.approx(0.0625 / 0.2)
    leaving = np.exp(-usual.leave_hold_per_s * HOP_S * 2)
    assert crossed(2.0, 1.0) == pytest.approx(usual.enter_hold * leaving, rel=0.1)
    brief = usual.brief_hold + (1 - usual.brief_hold) * 0.0625 / 0.2
    assert crossed(0.125, 1.0) == pytest.approx(usual.enter_hold * brief * leaving, rel=0.1)


def test_where_nobody_plays_no_note_is_entered_however_short() -> None:
    assert crossed(0.125, 0.0) > 0.85
