"""A known sound is taken out of the microphone, whoever else plays meanwhile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.hearing.echo import EchoCanceller

RATE, HOP = 16_000, 93
Array = npt.NDArray[np.float32]


def noise(seed: int, seconds: float) -> Array:
    count = int(seconds * RATE) // HOP * HOP
    return np.random.default_rng(seed).normal(size=count).astype(np.float32) * np.float32(0.1)


def through(sent: Array, delay: int, ring: int = 0) -> Array:
    response = np.zeros(delay + ring + 1)
    response[delay] = 0.8
    if ring:
        tail = np.random.default_rng(9).normal(size=ring) * np.exp(-np.arange(ring) / (ring / 5))
        response[delay + 1 :] = 0.1 * tail
    return np.convolve(sent, response)[: len(sent)].astype(np.float32)


def cancelled(heard: Array, sent: Array) -> Array:
    canceller = EchoCanceller(RATE, HOP)
    hops = range(0, len(heard), HOP)
    return np.concatenate([canceller.hear(heard[i : i + HOP], sent[i : i + HOP]) for i in hops])


def power_db(sound: Array) -> float:
    return 10 * float(np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-20))


def test_what_is_sent_vanishes_whatever_its_delay() -> None:
    sent = noise(1, 4.0)
    for delay in (RATE * 30 // 1000, RATE * 150 // 1000 + 7):
        echo = through(sent, delay, ring=800)
        left = cancelled(echo, sent)
        assert power_db(left[-RATE:]) < power_db(echo[-RATE:]) - 20.0


def test_a_soloist_as_loud_is_kept_and_does_not_spoil_it() -> None:
    sent, solo = noise(2, 8.0), noise(3, 8.0)
    echo = through(sent, RATE * 80 // 1000)
    left = cancelled(solo + echo, sent)
    amiss = (left - solo)[-2 * RATE :]
    assert power_db(amiss) < power_db(echo[-2 * RATE :]) - 10.0


def test_nothing_is_taken_from_a_microphone_that_hears_nothing_of_it() -> None:
    solo = noise(4, 6.0)
    left = cancelled(solo, noise(5, 6.0))
    assert power_db((left - solo)[RATE:]) < power_db(solo) - 10.0
    assert np.array_equal(cancelled(solo, np.zeros_like(solo)), solo)


def test_the_past_does_not_depend_on_what_follows() -> None:
    sent = noise(6, 1.0)
    heard = through(sent, 400)
    half = len(sent) // HOP // 2 * HOP
    assert np.array_equal(cancelled(heard, sent)[:half], cancelled(heard[:half], sent[:half]))


@pytest.mark.parametrize("gain", [0.02, 0.3, 4.0, 20.0])
def test_it_is_learned_from_the_first_second_however_the_microphone_is_set(gain: float) -> None:
    sent = noise(10, 3.0)
    quiet = noise(11, 3.0) * np.float32(0.01 * gain)
    echo = np.float32(gain) * through(sent, RATE * 60 // 1000, ring=800)
    left = cancelled(echo + quiet, sent)
    after = slice(RATE, 2 * RATE)
    assert power_db(left[after] - quiet[after]) < power_db(echo[after]) - 9.0


def test_in_the_end_one_way_is_left() -> None:
    """What is tried side by side is so for some seconds of sound only."""
    sent = noise(12, 7.0)
    canceller = EchoCanceller(RATE, HOP)
    echo = through(sent, 500)
    for i in range(0, len(sent), HOP):
        canceller.hear(echo[i : i + HOP], sent[i : i + HOP])
    assert len(canceller._ways) == 1
