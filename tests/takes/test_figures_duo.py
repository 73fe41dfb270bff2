import numpy as np
import pytest

from accompanist.takes.figures_duo import duo_figures
from accompanist.takes.figures_prediction import calibration, spread_ms

QUARTER = np.arange(400.0)


def test_a_duo_that_slows_down_drifts() -> None:
    steady = 0.5 * QUARTER
    slowing = np.cumsum(np.full(400, 0.5) * (1 + 0.1 * QUARTER / 400))
    assert duo_figures(QUARTER, steady, steady + 0.01, 0.5)["drift"] == pytest.approx(0.0)
    figures = duo_figures(QUARTER, slowing, slowing + 0.01, 0.5)
    assert figures["drift"] == pytest.approx(0.086, abs=0.005)  # of the last minute
    assert figures["mean_ms"] == pytest.approx(10.0)
    assert figures["sd_ms"] == pytest.approx(0.0, abs=1e-6)


def test_who_swings_from_side_to_side_is_found_out() -> None:
    swing = 0.02 * (-1.0) ** QUARTER
    figures = duo_figures(QUARTER, 0.5 * QUARTER, 0.5 * QUARTER + swing, 0.5)
    assert figures["lag1"] == pytest.approx(-1.0, abs=0.01)
    assert figures["growth"] == pytest.approx(1.0, abs=0.01)
    growing = swing * np.exp(QUARTER / 200.0)
    assert duo_figures(QUARTER, 0.5 * QUARTER, 0.5 * QUARTER + growing, 0.5)["growth"] > 3.0


def test_what_is_not_played_counts() -> None:
    ensemble = 0.5 * QUARTER
    ensemble[::4] = np.nan
    figures = duo_figures(QUARTER, 0.5 * QUARTER, ensemble, 0.5)
    assert figures["unplayed"] == 0.25
    assert figures["mean_ms"] == 0.0


def test_too_short_a_duo_says_so() -> None:
    with pytest.raises(ValueError, match="too few"):
        duo_figures(QUARTER[:4], 0.5 * QUARTER[:4], 0.5 * QUARTER[:4], 0.5)


def test_spreads_are_in_ms_and_shares() -> None:
    figures = spread_ms(np.array([0.02, -0.06, 0.12, 0.0]))
    assert figures["mean_abs_ms"] == pytest.approx(50.0)
    assert figures["median_abs_ms"] == pytest.approx(40.0)
    assert figures["bias_ms"] == pytest.approx(20.0)
    assert (figures["within_50"], figures["within_100"]) == (0.5, 0.75)
    assert spread_ms(np.empty(0)) == {} == calibration(np.empty(0), np.empty(0))


def test_honest_predictions_have_a_scale_of_one() -> None:
    errors = np.random.default_rng(0).normal(0.0, 0.05, 20_000)
    honest = calibration(errors, np.full(20_000, 0.05))
    assert honest["z_scale"] == pytest.approx(1.0, abs=0.02)
    assert honest["within_1sd"] == pytest.approx(0.683, abs=0.01)
    assert calibration(errors, np.full(20_000, 0.025))["z_scale"] == pytest.approx(2.0, abs=0.05)
