import numpy as np
import pytest

from accompanist.simulation.duo import play_duo, steady_piece
from accompanist.simulation.exact_ears import EarSettings
from accompanist.simulation.partner import partner
from accompanist.takes.figures_duo import duo_figures


def test_the_piece_is_as_long_as_is_wanted_and_has_both() -> None:
    piece = steady_piece(60.0, qpm=120.0)
    assert piece.score.end_quarter == 120.0
    assert piece.solo.end_quarter == 120.0
    assert piece.ensemble_quarters == tuple(0.5 * i for i in range(240))
    assert set(piece.solo.onsets_quarter) <= set(piece.ensemble_quarters)


def test_two_who_listen_stay_together_and_in_tempo() -> None:
    together = play_duo(steady_piece(75.0), partner("listening"), EarSettings(), seed=3)
    figures = duo_figures(
        together.quarter, together.solo_s, together.ensemble_s, together.intended_s
    )
    assert abs(figures["drift"]) < 0.02
    assert figures["sd_ms"] < 25.0
    assert abs(figures["mean_ms"]) < 10.0
    assert figures["unplayed"] == 0.0


def test_the_same_dice_play_the_same() -> None:
    one, two = (
        play_duo(steady_piece(20.0), partner("adaptive"), EarSettings(), seed=5) for _ in "ab"
    )
    assert np.array_equal(one.ensemble_s, two.ensemble_s, equal_nan=True)
    assert np.array_equal(one.solo_s, two.solo_s)


def test_a_latency_nobody_knows_of_is_heard_by_the_soloist() -> None:
    def late_ms(latency_s: float) -> float:
        together = play_duo(
            steady_piece(40.0), partner("stubborn"), EarSettings(), seed=1, latency_s=latency_s
        )
        return float(np.nanmedian(together.ensemble_s - together.solo_s)) * 1000.0

    assert late_ms(0.05) - late_ms(0.0) == pytest.approx(50.0, abs=1e-6)
