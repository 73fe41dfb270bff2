"""The semi-Markov model on toys: durations, the tempo that an end tells, mass that is kept."""

from __future__ import annotations

from math import erf, exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.followers.bayes.segments import make_segments
from accompanist.followers.bayes.templates import AGES_S, TemplateRing
from accompanist.followers.hsmm.model import EventFilter, EventScore, HsmmSettings, look_weights
from accompanist.followers.hsmm.passing import advance
from accompanist.hearing.bank import FilterBank
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

HOP_S = 0.01
ROWS, AGES = 8, 64


class Toy:
    """A filter's state with three events of half a second, and nothing to hear."""

    def __init__(self, lengths_s: tuple[float, ...] = (0.5, 0.5, 0.5)) -> None:
        self.support = np.array([0, 0])
        self.flow = np.zeros((ROWS, AGES), np.float32)
        self.dwell = np.zeros((ROWS, AGES), np.float32)
        self.drift = np.zeros((ROWS, AGES), np.float32)
        self.spread = np.zeros((ROWS, AGES), np.float32)
        self.lasting = np.zeros((ROWS, AGES), np.float32)
        self.born = np.zeros((ROWS, 2), np.int64)
        self.old = np.zeros((ROWS, 4))
        self.leaving = np.zeros((ROWS, 3))
        self.waiting = np.array([1.0, 0.0, 0.0, 0.04])
        self.length_s = np.array(lengths_s)
        self.now = 0

    def pass_hop(self, **changed: float) -> None:
        self.now += 1
        given = {
            "leave_wait": 1.0, "dwell_share": 0.0, "dwell_repeat": 0.0, "leave_dwell": 0.0,
            "sure": 1.0, "skip": 0.0, "jitter": 0.1, "jitter_s": 0.0, "wander": 0.0,
            "regress": 0.0, "usual": 0.0,
        }  # fmt: skip
        given |= changed
        advance(
            self.now, HOP_S, self.support, self.flow, self.dwell, self.drift, self.spread,
            self.lasting, self.born, self.old, self.leaving, self.waiting, self.length_s,
            np.zeros(len(self.length_s), np.bool_), *given.values(),
        )  # fmt: skip

    def mass(self, event: int) -> float:
        if not self.support[0] <= event < self.support[1]:
            return 0.0
        row = event & (ROWS - 1)
        return float(self.flow[row].sum() + self.dwell[row].sum() + self.old[row, 0])

    @property
    def total(self) -> float:
        return float(self.waiting[0]) + sum(self.mass(e) for e in range(len(self.length_s)))


def survival(age_s: float, length_s: float, tempo_var: float, jitter: float) -> float:
    """P(duration > age): the tempo's and the note's own variance of a log-normal duration."""
    z = log(age_s / length_s) / sqrt(tempo_var + jitter**2)
    return 0.5 * (1.0 - erf(z / sqrt(2.0)))


def test_a_note_lasts_as_its_survival_function_says() -> None:
    toy = Toy()
    toy.pass_hop()  # all begin at once
    assert toy.mass(0) == pytest.approx(1.0)
    for hops in range(1, 55):
        toy.pass_hop()
        assert toy.mass(0) == pytest.approx(survival(hops * HOP_S, 0.5, 0.04, 0.1), abs=2e-5)


def test_its_end_tells_the_tempo_as_a_kalman_filter_hears_it() -> None:
    toy = Toy()
    for _ in range(41):
        toy.pass_hop()
    at = toy.now % AGES  # what enters event 1 now, after 0.4 s of a note of 0.5 s
    gain = 0.04 / (0.04 + 0.1**2)
    assert toy.drift[1, at] == pytest.approx(gain * log(0.5 / 0.4), rel=1e-4)
    assert toy.spread[1, at] == pytest.approx((1 - gain) * 0.04, rel=1e-3)


def test_who_dwells_keeps_the_tempo() -> None:
    toy = Toy()
    toy.waiting[2] = 0.1
    toy.pass_hop(dwell_share=1.0)
    for _ in range(50):
        toy.pass_hop(dwell_share=1.0, leave_dwell=0.2)
    assert 0.0 < toy.mass(0) < 0.5
    assert toy.drift[1, toy.now % AGES] == pytest.approx(0.1, rel=1e-5)
    assert toy.spread[1, toy.now % AGES] == pytest.approx(0.04, rel=1e-4)


def test_who_dwells_does_not_leave_early() -> None:
    toy = Toy()
    toy.pass_hop(dwell_share=1.0)
    for _ in range(44):  # 0.44 s of 0.5: more than a tenth before the end
        toy.pass_hop(dwell_share=1.0, leave_dwell=0.5)
    assert toy.mass(0) == pytest.approx(1.0)


def test_tempo_walks_and_leans_back_to_the_usual_one() -> None:
    toy = Toy()
    toy.pass_hop()
    for _ in range(40):
        toy.pass_hop(wander=0.2, regress=1.0, usual=-0.3)
    gain = 0.04 / (0.04 + 0.1**2)
    told, kept = gain * log(0.5 / 0.4), exp(-0.5)
    at = toy.now % AGES
    assert toy.drift[1, at] == pytest.approx(kept * told - 0.3 * (1 - kept), rel=1e-3)
    assert toy.spread[1, at] == pytest.approx(kept**2 * (1 - gain) * 0.04 + 0.2**2 * 0.5, rel=1e-3)


def test_no_note_begins_where_nobody_plays() -> None:
    toy = Toy()
    toy.pass_hop()
    for _ in range(90):
        toy.pass_hop(sure=0.0)
    assert toy.mass(0) == pytest.approx(1.0, abs=1e-4)


def test_a_note_is_skipped_at_the_given_rate() -> None:
    toy = Toy((0.1, 10.0, 10.0))
    for _ in range(60):
        toy.pass_hop(skip=0.25)
    assert toy.mass(2) == pytest.approx(0.25, abs=1e-3)
    assert toy.mass(1) == pytest.approx(0.75, abs=1e-3)


def test_the_last_event_stays() -> None:
    toy = Toy((0.1,))
    for _ in range(200):  # longer than the ring remembers
        toy.pass_hop(leave_dwell=0.5)
    assert toy.mass(0) == pytest.approx(1.0, abs=1e-5)
    assert toy.old[0, 0] > 0.99
    assert toy.old[0, 3] >= AGES - 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.002, 3.0), min_size=1, max_size=5),
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.2)), min_size=1, max_size=100
    ),
)
def test_passing_time_neither_makes_nor_loses_mass(
    lengths_s: list[float], hops: list[tuple[float, float, float]]
) -> None:
    toy = Toy(tuple(lengths_s))
    for sure, dwell, skip in hops:
        toy.pass_hop(
            leave_wait=0.1, sure=sure, dwell_share=dwell, leave_dwell=0.1, skip=skip, jitter_s=0.02
        )
        assert toy.total == pytest.approx(1.0, abs=1e-4)
        assert float(toy.flow.min()) >= 0.0
        assert float(toy.dwell.min()) >= 0.0


def test_a_note_looks_like_the_one_before_at_first_and_like_itself_in_the_end() -> None:
    weights = look_weights(HOP_S, 0.03)
    assert weights.sum(axis=1) == pytest.approx(1.0)
    assert int(np.argmax(weights[0])) == 0
    assert weights[-1, -1] == pytest.approx(1.0, abs=1e-4)
    mean = weights @ np.array(AGES_S)
    assert (np.diff(mean) > 0).all()


@pytest.fixture(scope="module")
def parts() -> Any:
    pitches = (60, 64, 64, 67, 72, 60)
    notes = tuple(Note(i * 0.5, 0.4, p) for i, p in enumerate(pitches))
    score = Score("t", (Part(1, "solo", notes),), (), tempo_marks=(TempoMark(0.0, 120.0),))
    segments = make_segments(solo_line(score.parts[0]), written_tempo(score), 0.7, 4.0)
    bank = FilterBank(8_000)
    made = HsmmSettings()
    return EventScore(segments, made, HOP_S), TemplateRing(bank, segments, 0.0), made, len(bank)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(-7, 4), st.floats(0, 1), st.floats(0, 1))
def test_belief_is_always_normalised(
    parts: Any, seed: int, shift: int, presence: float, audible: float
) -> None:
    score, templates, made, bands = parts
    heard = EventFilter(score, templates, made, HOP_S, shift)
    rng = np.random.default_rng(seed)
    for _ in range(50):
        spectrum = rng.random(bands + 1).astype(np.float32) ** 4
        spectrum /= spectrum.sum()
        rise = 3.0 * rng.random(bands).astype(np.float32) ** 3
        belief = heard.step(spectrum, rise, presence, audible)
        low, high = heard.support
        mass = heard.waiting[0] + sum(heard.mass_of(e) for e in range(low, high))
        assert mass == pytest.approx(1.0, abs=1e-4)
        assert np.isfinite([belief.position_s, belief.log_tempo, belief.log_evidence]).all()
        assert -1 <= belief.event < len(score.event_s)


def test_a_spectrum_that_is_no_number_is_survived(parts: Any) -> None:
    score, templates, made, bands = parts
    heard = EventFilter(score, templates, made, HOP_S)
    rise = np.zeros(bands, np.float32)
    heard.step(np.full(bands + 1, np.nan, np.float32), rise, 1.0, 0.5)
    flat = np.full(bands + 1, 1 / (bands + 1), np.float32)
    belief = heard.step(flat, rise, 1.0, 0.5)
    assert np.isfinite(belief.log_evidence)
    assert belief.position_s == score.event_s[0]
