"""Doubt on pictures made to order: the right note, another, and the second it takes to tell."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.followers.bayes.templates import pitch_templates
from accompanist.followers.hsmm.doubt import Doubt
from accompanist.hearing.bank import FilterBank

HOP_S, KAPPA = 0.01, 150.0


def heard_and_expected(
    sounding: int, expected: int, cents: float = 0.0
) -> tuple[np.ndarray, float, float]:
    """Sound of one pitch, how well another explains it, and how well noise does."""
    bank = FilterBank(22_050)
    rows = pitch_templates(bank, np.array([sounding, expected], dtype=np.int32), cents)
    looks = np.hstack((0.98 * (0.7 * rows + 0.3 / len(bank)), np.full((2, 1), 0.02)))
    spectrum = np.append(0.98 * rows[0], 0.02).astype(np.float32)
    noise = KAPPA * float(spectrum @ np.full(len(spectrum), -np.log(len(spectrum))))
    match = KAPPA * float(np.log(looks[1]) @ spectrum) - noise
    return spectrum, match, noise


def listened(sounding: int, expected: int, seconds: float, presence: float = 1.0) -> Doubt:
    doubt = Doubt(FilterBank(22_050), HOP_S, 0.0)
    spectrum, match, noise = heard_and_expected(sounding, expected)
    for _ in range(round(seconds / HOP_S)):
        doubt.hear(spectrum, presence, match, noise, KAPPA)
    return doubt


def test_the_right_note_leaves_no_doubt() -> None:
    doubt = listened(67, 67, 3.0)
    assert doubt.margin_per_s == pytest.approx(0.0, abs=0.1)
    assert doubt.believed > 0.95
    assert not doubt.lost


def test_another_note_is_doubted_within_a_second() -> None:
    doubt = listened(61, 67, 1.0)
    assert doubt.lost
    assert doubt.believed < 0.1


def test_a_short_slip_is_forgiven_and_doubt_is_taken_back() -> None:
    assert not listened(61, 67, 0.1).lost
    doubt = listened(61, 67, 1.0)
    spectrum, match, noise = heard_and_expected(67, 67)
    for _ in range(400):
        doubt.hear(spectrum, 1.0, match, noise, KAPPA)
    assert not doubt.lost
    doubt = listened(61, 67, 1.0)
    doubt.forget()
    assert not doubt.lost
    assert doubt.margin_per_s == 0.0


def test_silence_tells_nothing() -> None:
    assert listened(61, 67, 5.0, presence=0.0).margin_per_s == 0.0


def test_a_soloist_who_is_tuned_low_is_no_other_music() -> None:
    doubt = Doubt(FilterBank(22_050), HOP_S, 0.0)
    doubt.retune(-45.0)
    spectrum, match, noise = heard_and_expected(67, 67, -45.0)
    for _ in range(300):
        doubt.hear(spectrum, 1.0, match, noise, KAPPA)
    assert doubt.margin_per_s == pytest.approx(0.0, abs=0.1)
