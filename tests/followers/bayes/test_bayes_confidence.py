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
    match: float = 100.0,
    here: float = 1.0,
) -> None:
    for _ in range(round(seconds / STEP_S)):
        confidence.hear(deficit, match, 100.0, presence, here)


def test_one_wrong_note_is_not_being_lost() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 0.0, 2.0)
    heard(confidence, 90.0, 0.5)
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


def test_what_fits_nowhere_is_not_this_piece() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 0.0, 10.0)
    heard(confidence, 0.0, 1.9, match=0.0)
    assert confidence.lost


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


def test_another_place_that_is_likelier_for_a_second_is_doubt_enough() -> None:
    confidence = Confidence(STEP_S)
    heard(confidence, 0.0, 10.0)
    heard(confidence, 8.0, 1.9, here=0.03)
    assert confidence.lost
    confidence.restart()
    heard(confidence, 0.0, 10.0, here=0.5)
    assert confidence.share > 0.98  # comes back literally: here or there is the same
