import numpy as np
import pytest

from accompanist.errors import UsageError
from accompanist.score.model import Measure, Note, Part, Score
from accompanist.score.tempo import written_tempo
from accompanist.simulation.route import Leg, bar_quarter, legs, measure_at, written_gaps_s
from accompanist.simulation.settings import Jump

PART = Part(1, "Violin", tuple(Note(float(q), 1.0, 60) for q in range(16)))
MEASURES = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(4))
SCORE = Score("Test", (PART,), MEASURES)


def test_a_bar_is_found_by_its_printed_number() -> None:
    assert bar_quarter(SCORE, "3") == 8.0


def test_an_unknown_bar_is_told_with_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"bar 9: .* it has 1 to 4"):
        bar_quarter(SCORE, "9")


def test_the_measure_of_a_position() -> None:
    assert measure_at(SCORE, 4.0) == MEASURES[1]
    assert measure_at(SCORE, 3.999) == MEASURES[0]
    assert measure_at(Score("No bars", (PART,), ()), 1.0) is None


def test_without_jumps_there_is_one_leg() -> None:
    assert legs(SCORE, ()) == (Leg(0.0, 16.0),)


def test_a_jump_back_and_then_on() -> None:
    route = legs(SCORE, (Jump("3", "1"), Jump("2", "4")))
    assert route == (Leg(0.0, 8.0), Leg(0.0, 4.0), Leg(12.0, 16.0))


def test_a_jump_from_a_place_already_passed_is_refused() -> None:
    with pytest.raises(UsageError, match="jump 2:3"):
        legs(SCORE, (Jump("4", "3"), Jump("2", "3")))


def test_the_gap_across_a_jump_is_what_is_left_of_both_legs() -> None:
    route = (Leg(0.0, 8.0), Leg(4.0, 16.0))
    quarter = np.array([6.0, 7.0, 5.0])
    gaps = written_gaps_s(quarter, np.array([0, 0, 1]), route, written_tempo(SCORE))
    # At 100 qpm: one quarter; then one to the end of bar 2 and one from the start of bar 2.
    assert gaps == pytest.approx([0.6, 1.2])
