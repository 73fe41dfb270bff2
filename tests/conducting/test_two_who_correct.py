"""Ensemble and soloist listen to one another: they stay together, and do not swing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from virtual_soloist import make_score, make_solo, steady

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport

FloatArray = npt.NDArray[np.float64]
HOP_S, DELAY_S, STEP_S = 0.0058, 0.02, 0.5


def together(
    level: float, gain: float, count: int, *, kick_s: float = 0.0, noise_s: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Let a soloist play who makes up ``gain`` of each asynchrony that they hear.

    At note 40 they are late once by ``kick_s``.

    Returns
    -------
    (ndarray, ndarray) [shape=(count,)]
        Onsets of the soloist, and how much later the ensemble was.
    """
    rng = np.random.default_rng(1)
    onsets = [float(i) for i in range(count)]
    ensemble = [i / 2 for i in range(2 * count)]
    conductor = Conductor(
        make_score(float(count)), make_solo(onsets), steady(120.0),
        ConductorSettings(level=level), ensemble,
    )  # fmt: skip
    solo, sent, cursor, told, hop = [1.0], dict[float, float](), 0, -1, 0
    next_s: float | None = None
    while len(solo) < count or len(sent) < 2 * count - 2:
        hop += 1
        now_s = hop * HOP_S
        last = len(solo) - 1
        if next_s is None and last < count - 1 and now_s > solo[-1] + 0.6 * STEP_S:
            late_s = solo[-1] - sent.get(float(last), now_s)
            next_s = solo[-1] + STEP_S - gain * late_s + noise_s * float(rng.standard_normal())
            next_s += kick_s if last == 39 else 0.0
        if next_s is not None and now_s >= next_s:
            solo.append(next_s)
            next_s = None
        reports = []
        while told < len(solo) - 1 and solo[told + 1] + DELAY_S <= now_s:
            told += 1
            reports.append(OnsetReport(now_s, solo[told], onsets[told], told))
        quarter, state = 0.0, FollowerState.ARMED
        if told >= 0:
            quarter = told + min((now_s - solo[told]) / STEP_S, 0.999)
            state = FollowerState.FOLLOWING
        direction = conductor.hear(Estimate(now_s, quarter, 2.0, 0.9, state, tuple(reports)))
        while cursor < len(ensemble):
            due_s = direction.timeline.due_s(ensemble[cursor])
            if due_s >= now_s + HOP_S:
                break
            sent[ensemble[cursor]] = max(due_s, now_s)
            cursor += 1
        assert now_s < 3.0 * count
    return np.array(solo), np.array([sent[float(i)] for i in range(count - 1)]) - solo[:-1]


@pytest.mark.parametrize("level", [2.0, 5.0, 8.0, 10.0])
@pytest.mark.parametrize("gain", [0.0, 0.5, 1.0])
def test_a_stumble_is_made_up_for_without_swinging(level: float, gain: float) -> None:
    _, apart = together(level, gain, 64, kick_s=0.06)
    before, behind = apart[34:40], apart[40:]
    assert behind[0] == pytest.approx(-0.06 + np.mean(before), abs=0.015)
    swings = behind[1:] - np.mean(before)
    # Never again as far apart, and less and less.
    assert np.max(np.abs(swings[:4])) < 0.06
    assert np.max(np.abs(swings[8:])) < max(0.02, 0.5 * np.max(np.abs(swings[:4])))


@pytest.mark.parametrize(("level", "gain"), [(5.0, 0.25), (10.0, 0.25), (10.0, 1.0)])
def test_with_human_noise_they_stay_together_and_in_tempo(level: float, gain: float) -> None:
    solo, apart = together(level, gain, 120, noise_s=0.01)
    assert np.std(apart[20:]) < 0.02
    assert (solo[-1] - solo[20]) / (99 * STEP_S) == pytest.approx(
        1.0, abs=0.01 if gain < 1.0 else 0.03
    )


def test_the_higher_the_level_the_sooner_they_are_together() -> None:
    left = [abs(float(together(level, 0.0, 48, kick_s=0.06)[1][43])) for level in (1.0, 4.0, 7.0)]
    assert left == sorted(left, reverse=True)
    assert left[0] > 0.04
    assert left[2] < 0.02
