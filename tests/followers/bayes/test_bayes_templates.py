"""Pictures: normalised, ready where asked for, the same whenever they are made."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.followers.bayes.segments import Segments, make_segments
from accompanist.followers.bayes.templates import (
    AGES_S,
    SLOTS,
    TemplateRing,
    age_mixture,
    coarse_templates,
    pitch_templates,
)
from accompanist.hearing.bank import FilterBank
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

BANK = FilterBank(44_100)


def cut(count: int) -> Segments:
    notes = tuple(Note(i * 1.0, 0.8, 50 + (i * 7) % 30) for i in range(count))
    part = Part(1, "solo", notes)
    score = Score("", (part,), (), tempo_marks=(TempoMark(0.0, 60.0),))
    return make_segments(solo_line(part), written_tempo(score), 0.7, 4.0)


def test_a_pitch_is_its_partials_through_the_bank() -> None:
    template = pitch_templates(BANK, np.array([69], dtype=np.int32), cents=0.0)[0]
    harmonics = np.arange(1, 13)
    gains = 0.75 ** (harmonics - 1.0)
    answers = BANK.response(np.asarray(440.0 * harmonics, dtype=np.float64))
    power = ((gains[:, None] * answers) ** 2).sum(axis=0)
    expected = np.sqrt(power) / np.sqrt(power).sum()
    assert template == pytest.approx(expected, abs=1e-6)


def test_tuning_moves_a_pitch_by_bands() -> None:
    pitch = np.array([76], dtype=np.int32)
    sharp = pitch_templates(BANK, pitch, cents=100 / 3)[0]
    plain = pitch_templates(BANK, pitch, cents=0.0)[0]
    assert sharp[1:].argmax() == plain.argmax()


def test_a_pitch_out_of_reach_is_flat() -> None:
    high = pitch_templates(FilterBank(8_000), np.array([125], dtype=np.int32), cents=0.0)[0]
    assert high == pytest.approx(np.full(len(high), 1 / len(high)))


def test_looks_and_strokes_sum_to_one() -> None:
    segments = cut(12)
    ring = TemplateRing(BANK, segments, cents=0.0)
    ring.fill(0, len(segments) - 1)
    looks = np.exp(ring.looks[: len(segments)])
    assert looks.sum(axis=-1) == pytest.approx(np.ones((len(segments), len(AGES_S) + 1)), abs=1e-3)
    begins = np.flatnonzero(segments.begins)
    assert ring.stroke[begins].sum(axis=1) == pytest.approx(np.ones(len(begins)), abs=1e-4)


def test_a_slot_taken_by_another_segment_is_made_anew_the_same() -> None:
    segments = cut(SLOTS)
    ring = TemplateRing(BANK, segments, cents=0.0)
    ring.fill(5, 5)
    first = ring.looks[5].copy()
    ring.fill(5 + SLOTS, 5 + SLOTS)
    assert ring.slot_of[5] == 5 + SLOTS
    assert not np.array_equal(ring.looks[5], first)
    ring.fill(5, 5)
    assert np.array_equal(ring.looks[5], first)


def test_retuning_forgets_every_picture() -> None:
    ring = TemplateRing(BANK, cut(4), cents=0.0)
    ring.fill(0, 4)
    before = ring.looks[1].copy()
    ring.retune(50.0)
    assert (ring.slot_of == -1).all()
    ring.fill(0, 4)
    assert not np.array_equal(ring.looks[1], before)


def test_age_mixture_begins_as_the_old_sound_and_ends_as_the_new() -> None:
    mixture = age_mixture(0.0058, 41)
    assert mixture.sum(axis=1) == pytest.approx(np.ones(41), abs=1e-6)
    assert mixture[0, 0] > 0.99
    assert mixture[-1, -1] > 0.99
    assert (np.diff(mixture[:, 0]) <= 1e-6).all()


def test_coarse_looks_are_one_for_each_sound() -> None:
    segments = cut(12)
    templates = pitch_templates(BANK, segments.pitches, cents=0.0)
    coarse = coarse_templates(segments, templates)
    assert coarse.shape == (len(segments.unique), len(BANK))
    assert np.isfinite(coarse).all()
