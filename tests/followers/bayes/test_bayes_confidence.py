"""Whether the track is believed in: a wrong note is forgiven, a second of them is not."""

from __future__ import annotations

import pytest

from accompanist.followers.bayes.confidence import Confidence

STEP_S = 0.04


def heard(
    confidence: Confidence,
    deficit: float,
    seconds: float,
    presence: float = 1.0,
    stranger: float = 0.0,
    near: float = 1.0,
    here: float = 1.0,
    note_s: float = 0.3,
) -> None:
    """Something that another place (a single pitch) explains better, in notes of a length."""
    for step in range(round(seconds / STEP_S)):
        note = int(step * STEP_S / note_s) % 12
        confidence.hear(deficit, stranger, presence, near, here, note)


def test_one_wrong_note_is_not_being_lost_however_long_it_is() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 0.0, 2.0)
    heard(confidence, 90.0, 4.0, note_s=5.0)
    assert not confidence.lost
    assert confidence.share > 0.8


def test_lost_is_declared_within_two_seconds_and_taken_back() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 0.0, 10.0)
    heard(confidence, 60.0, 1.8)
    assert confidence.lost
    assert confidence.share < 0.25
    heard(confidence, 0.0, 2.5)
    assert not confidence.lost


def test_what_any_pitch_explains_better_is_not_this_piece() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 0.0, 10.0)
    heard(confidence, 0.0, 1.9, stranger=45.0)
    assert confidence.lost


def test_what_nothing_explains_better_is_believed_in_noise() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 2.0, 10.0)  # as measured 10 dB over pink noise
    heard(confidence, 2.0, 3.0, stranger=1.0, near=0.08, here=0.08)
    assert confidence.share > 0.75


def test_silence_tells_nothing() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 0.0, 2.0)
    before = confidence.odds
    heard(confidence, 90.0, 60.0, presence=0.0)
    assert confidence.odds == pytest.approx(before)


def test_a_place_found_is_believed_less_than_one_told() -> None:
    told, found = Confidence(STEP_S), Confidence(STEP_S)
    found.found()
    assert 0.5 < found.share < told.share


def test_whoever_is_found_again_and_again_is_nowhere() -> None:
    confidence = Confidence(STEP_S)
    odds = []
    for _ in range(4):
        heard(confidence, 0.0, 0.3)
        confidence.found()
        odds.append(confidence.odds)
    assert odds == sorted(odds, reverse=True)
    assert confidence.lost
    heard(confidence, 0.0, 20.0)
    confidence.found()
    assert confidence.odds == pytest.approx(odds[0], abs=0.05)
    assert not confidence.lost


def test_another_place_that_is_likelier_is_a_reason_to_doubt() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 0.0, 10.0)
    before = confidence.odds
    heard(confidence, 8.0, 1.0, near=0.02, here=0.03)
    assert confidence.odds < before - 0.5
    confidence.restart()
    heard(confidence, 0.0, 10.0, near=0.5, here=0.5)
    assert confidence.share > 0.98  # comes back literally: here or there is the same


def test_who_was_lost_when_found_is_believed_after_a_while() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 60.0, 4.5)
    assert confidence.lost
    confidence.found()
    assert confidence.lost
    heard(confidence, 0.0, 0.5)
    assert not confidence.lost


def test_chords_that_fit_better_by_themselves_mean_little_while_the_overview_is_sure() -> None:
    sure, unsure = Confidence(STEP_S), Confidence(STEP_S)
    heard(sure, 18.0, 8.0, near=0.98)
    heard(unsure, 18.0, 8.0, near=0.3)
    assert sure.share > 0.9
    assert unsure.lost


def test_who_has_just_been_lost_is_found_at_once() -> None:
    confidence = Confidence(STEP_S)
    steps = 0
    while not confidence.lost and steps < 100:
        confidence.hear(60.0, 0.0, 1.0, 0.0, 1.0, steps // 8)
        steps += 1
    assert steps < 50
    confidence.found()
    assert not confidence.lost
