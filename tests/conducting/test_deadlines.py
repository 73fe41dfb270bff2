"""The wait for a report follows from a stated cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.conducting.deadlines import Deadlines
from accompanist.conducting.policy import wait_s as rule_s

SDS = [0.004, 0.008, 0.015, 0.03, 0.05, 0.08, 0.12, 0.2, 0.4, 1.0]


def cost(waits_s: list[float], sd_s: float, ears: tuple[float, float, float]) -> list[float]:
    """Mean cost of some waits, by trying: the soloist's notes, the reports, and the dice."""
    rng = np.random.default_rng(1)
    delay_s, delay_sd_s, missed = ears
    onset = 0.75 * sd_s * rng.standard_t(4, 60_000)
    report = onset + np.maximum(rng.normal(delay_s, delay_sd_s, len(onset)), 0.0)
    report[rng.random(len(onset)) < missed] = np.inf
    means = []
    for wait in waits_s:
        apart = np.abs(np.minimum(report, wait) - onset)
        means.append(float(np.where(apart < 0.03, apart**2, 0.06 * apart - 0.0009).mean()))
    return means


@pytest.mark.parametrize("ears", [(0.025, 0.010, 0.02), (0.05, 0.02, 0.02), (0.025, 0.01, 0.15)])
@pytest.mark.parametrize("sd_s", [0.015, 0.04, 0.09])
def test_no_other_wait_costs_less(sd_s: float, ears: tuple[float, float, float]) -> None:
    wait = Deadlines().wait_s(sd_s, *ears)
    tried = [wait, *np.linspace(0.0, 4.0 * sd_s, 60)]
    costs = cost(tried, sd_s, ears)
    assert costs[0] <= 1.012 * min(costs)


def test_an_absolute_cost_leads_to_the_rule() -> None:
    absolute = Deadlines(knee_s=1e-4)
    for sd_s in (0.02, 0.03, 0.04, 0.05, 0.06, 0.1, 0.15, 0.2):
        assert absolute.wait_s(sd_s, 0.025) == pytest.approx(rule_s(sd_s, 0.025), rel=0.2, abs=5e-4)


def test_steady_music_is_played_through_and_uncertain_music_waited_for() -> None:
    waits = [Deadlines().wait_s(sd, 0.025) for sd in SDS]
    assert waits == sorted(waits)
    assert waits[0] < 0.0005
    assert waits[5] > 0.1


def test_ears_that_are_slow_or_deaf_are_waited_for_less() -> None:
    deadlines = Deadlines()
    assert deadlines.wait_s(0.05, 0.06) < 0.7 * deadlines.wait_s(0.05, 0.02)
    assert deadlines.wait_s(0.2, 0.025, 0.01, 0.2) < 0.6 * deadlines.wait_s(0.2, 0.025, 0.01, 0.01)


def test_who_minds_being_early_waits_and_who_minds_being_late_or_a_gap_does_not() -> None:
    plain, early, late, gap = (
        Deadlines(*costs).wait_s(0.05, 0.025, running=True)
        for costs in ((1.0, 1.0, 0.0), (3.0, 1.0, 0.0), (1.0, 3.0, 0.0), (1.0, 1.0, 0.5))
    )
    assert late < 0.8 * plain < plain < 0.8 * early
    assert gap < 0.8 * plain
    assert Deadlines(gap=0.5).wait_s(0.05, 0.025) == plain  # there is no line to hold up


@given(
    sd_s=st.floats(0.0, 20.0),
    delay_s=st.floats(0.0, 0.3),
    delay_sd_s=st.floats(0.0, 0.3),
    missed=st.floats(0.0, 1.0),
)
@settings(max_examples=60, deadline=None)
def test_no_wait_is_negative_or_beyond_reason(
    sd_s: float, delay_s: float, delay_sd_s: float, missed: float
) -> None:
    wait = DEADLINES.wait_s(sd_s, delay_s, delay_sd_s, missed)
    assert 0.0 <= wait <= 8.0 * 0.75 * sd_s + 1e-9


DEADLINES = Deadlines()
