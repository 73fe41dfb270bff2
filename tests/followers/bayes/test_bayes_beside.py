"""Pictures of a soloist beside others, and what an ear hears of both."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.followers.bayes.beside import mix
from accompanist.hearing.bank import FilterBank
from accompanist.hearing.evidence import Ear

RATE, HOP = 22_050, 128


@pytest.mark.parametrize("shift", [-3, 0, 2])
def test_a_picture_beside_others_is_the_logarithm_of_the_sum(shift: int) -> None:
    dice = np.random.default_rng(3)
    pictures = dice.dirichlet(np.full(41, 0.3), (4, 3)).astype(np.float32) + np.float32(1e-9)
    waiting = np.log(dice.dirichlet(np.ones(41))).astype(np.float32)
    others = (0.7 * dice.dirichlet(np.full(40, 0.5))).astype(np.float32)
    out, waiting_out = np.full_like(pictures, 7.0), np.zeros_like(waiting)
    mix(pictures, waiting, others, 5, 6, shift, out, waiting_out)
    theirs = np.zeros(41)
    for k in range(40):
        if 0 <= k + shift < 40:
            theirs[k] = others[k + shift]
    solo = 1.0 - float(others.sum())
    assert out[1:3] == pytest.approx(np.log(pictures[1:3] * solo + theirs), abs=1e-4)
    assert (out[0] == 7.0).all()
    assert (out[3] == 7.0).all()
    assert waiting_out == pytest.approx(np.log(np.exp(waiting) * solo + theirs), abs=1e-4)


def tone(hz: float, hops: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (0.1 * np.sin(2 * np.pi * hz * np.arange(hops * HOP) / RATE)).astype(np.float32)


def test_an_ear_tells_the_others_from_what_is_left() -> None:
    alone, beside = Ear(FilterBank(RATE), HOP / RATE), Ear(FilterBank(RATE), HOP / RATE)
    bank = FilterBank(RATE)
    theirs = np.zeros(len(bank), dtype=np.float32)
    mine, others = tone(880.0, 200), tone(220.0, 200)
    for i in range(200):
        hop = slice(i * HOP, (i + 1) * HOP)
        bank.push(others[hop], theirs)
        alone.hear(mine[hop])
        beside.push(mine[hop] + others[hop])
        beside.weigh(theirs)
    assert alone.others is None
    assert alone.clearness == 1.0
    assert alone.whole is alone.spectrum
    assert beside.others is not None
    assert beside.whole.sum() == pytest.approx(1.0, abs=1e-3)
    assert float(beside.others.sum()) == pytest.approx(0.5, abs=0.1)
    assert 0.15 < beside.clearness < 0.4
    left = np.abs(beside.spectrum - alone.spectrum).sum()
    assert left < 0.15
    assert beside.presence > 0.8
    # Mine ends; theirs is all there is: nobody plays, a moment later.
    for i in range(200):
        hop = slice(i * HOP, (i + 1) * HOP)
        bank.push(others[hop], theirs)
        beside.push(others[hop])
        beside.weigh(theirs)
    assert beside.presence < 0.05
    assert float(beside.others.sum()) <= 0.95 + 1e-3
