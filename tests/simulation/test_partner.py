from dataclasses import replace

import numpy as np
import pytest

from accompanist.errors import UsageError
from accompanist.simulation.partner import (
    PARTNERS,
    ListeningSoloist,
    PartnerSettings,
    partner,
)

EVEN = PartnerSettings(timekeeper=0.0, motor_s=0.0, delay_s=0.0, together_s=0.0)
QUARTERS = [float(q) for q in range(200)]


def intervals(soloist: ListeningSoloist, late_s: float | None = None) -> np.ndarray:
    """Let the soloist play to the end, the ensemble coming so late with every note."""
    now_s = 0.0
    while len(soloist.onsets_s) < len(QUARTERS):
        now_s += 0.01
        for event, time_s in list(soloist.due(now_s)):
            if late_s is not None:
                soloist.hear(event, time_s + late_s)
    return np.diff(soloist.onsets_s)


def test_without_noise_and_company_it_is_a_metronome() -> None:
    assert intervals(ListeningSoloist(QUARTERS, 0.5, EVEN, 0)) == pytest.approx(0.5)


def test_two_levels_of_noise_make_neighbours_correlate() -> None:
    noisy = replace(EVEN, timekeeper=0.03, motor_s=0.010)
    lags, sds = [], []
    for seed in range(12):
        gaps = intervals(ListeningSoloist(QUARTERS, 0.5, noisy, seed))
        centred = gaps - gaps.mean()
        lags.append(np.mean(centred[1:] * centred[:-1]) / np.mean(centred**2))
        sds.append(gaps.std())
    clock, motor = 0.015**2, 0.010**2
    assert np.mean(lags) == pytest.approx(-motor / (clock + 2 * motor), abs=0.05)
    assert np.mean(sds) == pytest.approx(np.sqrt(clock + 2 * motor), rel=0.06)


def test_a_quarter_of_what_is_apart_is_made_up_for() -> None:
    gaps = intervals(ListeningSoloist(QUARTERS, 0.5, EVEN, 0), late_s=0.04)
    assert gaps == pytest.approx(0.51)
    stubborn = intervals(ListeningSoloist(QUARTERS, 0.5, replace(EVEN, gain=0.0), 0), 0.04)
    assert stubborn == pytest.approx(0.5)


def test_an_early_ensemble_is_remembered_until_they_play() -> None:
    soloist = ListeningSoloist(QUARTERS, 0.5, EVEN, 0)
    list(soloist.due(1.0))
    soloist.hear(1, 1.46)
    list(soloist.due(1.5))
    assert soloist.onsets_s[1] == pytest.approx(1.5)
    list(soloist.due(2.0))
    assert soloist.onsets_s[2] == pytest.approx(2.0 - 0.25 * 0.04)


def test_what_is_heard_too_late_counts_for_the_onset_after() -> None:
    soloist = ListeningSoloist(QUARTERS, 0.5, EVEN, 0)
    list(soloist.due(1.0))
    soloist.hear(0, 1.45)  # clipped to 0.3 of the interval, and too late to change the next one
    list(soloist.due(2.2))
    assert soloist.onsets_s[1] == pytest.approx(1.5)
    assert soloist.onsets_s[2] == pytest.approx(2.0 + 0.25 * 0.15)


def test_what_seems_together_moves_nothing() -> None:
    far = replace(EVEN, together_s=0.0115)
    assert intervals(ListeningSoloist(QUARTERS, 0.5, far, 0), 0.0115) == pytest.approx(0.5)


def test_a_masked_ensemble_is_not_heard() -> None:
    deaf = replace(EVEN, ensemble_db=-40.0)
    assert intervals(ListeningSoloist(QUARTERS, 0.5, deaf, 0), 0.1) == pytest.approx(0.5)


def test_the_adaptive_corrects_more_when_apart_and_less_when_together() -> None:
    adaptive = replace(EVEN, adaptive=True)
    far = intervals(ListeningSoloist(QUARTERS, 0.5, adaptive, 0), 0.06)
    near = intervals(ListeningSoloist(QUARTERS, 0.5, adaptive, 0), 0.004)
    assert far[-1] == pytest.approx(0.5 + 3 * 0.25 * 0.06)
    assert near[-1] == pytest.approx(0.5 + 0.5 * 0.25 * 0.004)


def test_the_forgetful_takes_corrections_over_and_others_come_back() -> None:
    for kind, last in (("forgetful", 0.5 + 0.01 + 199 / 16 * 0.01), ("listening", 0.51)):
        settings = replace(partner(kind), timekeeper=0.0, motor_s=0.0, together_s=0.0)
        gaps = intervals(ListeningSoloist(QUARTERS, 0.5, settings, 0), 0.04)
        assert gaps[-1] == pytest.approx(last, abs=0.002)


def test_kinds_have_names() -> None:
    assert all(isinstance(partner(kind, 0.5), PartnerSettings) for kind in PARTNERS)
    assert partner("stubborn", 0.5).gain == 0.0
    with pytest.raises(UsageError, match="choose from listening"):
        partner("deaf")
