import pytest

from accompanist.conducting.habits import Habits


def test_one_hold_makes_a_soloist_who_dwells_and_many_even_notes_unmake_them() -> None:
    habits = Habits(0.03)
    assert habits.hold_share(still=True) == pytest.approx(0.03)
    assert habits.hold_share(still=False) == pytest.approx(0.0075)
    for _ in range(8):
        habits.came(0.01, 0.6, 0.02, still=True)
    assert habits.hold_share(still=True) < 0.025
    habits.came(1.3, 0.6, 0.02, still=True)
    assert habits.hold_share(still=True) > 0.045
    for _ in range(60):
        habits.came(0.0, 0.6, 0.02, still=True)
    assert habits.hold_share(still=True) < 0.022


def test_a_hold_where_all_stand_still_says_little_of_notes_under_a_line_that_moves() -> None:
    habits = Habits(0.03)
    habits.came(1.3, 0.6, 0.02, still=True)
    assert habits.hold_share(still=False) == pytest.approx(0.0075)


def test_what_is_late_within_the_usual_is_no_hold() -> None:
    habits = Habits(0.03)
    for late_s, length_s, sd_s in ((0.14, 0.3, 0.01), (0.5, 2.0, 0.1), (0.25, 0.5, 0.1)):
        habits.came(late_s, length_s, sd_s, still=True)
    assert habits.hold_share(still=True) < 0.03


def test_delays_and_missing_reports_are_counted() -> None:
    habits = Habits(0.03)
    for _ in range(100):
        habits.reported(0.05)
    assert habits.delay_s == pytest.approx(0.05, abs=0.001)
    assert habits.delay_sd_s == pytest.approx(0.01, abs=0.003)
    before = habits.missed_share
    habits.missed(1)
    assert habits.missed_share > before
    left_out = habits.missed_share
    habits.missed(9)
    assert habits.missed_share == left_out
