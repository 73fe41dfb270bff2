"""Who leads where: passages of the score and of the settings, and the hand over both."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from virtual_soloist import HOP_S, Stage, make_score, make_solo, steady

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.passages import Passages
from accompanist.conducting.settings import ConductorSettings, FollowMode
from accompanist.score.model import Passage

QUARTERS = [float(i) for i in range(24)]
EIGHTHS = [i / 2 for i in range(48)]


def times(first: int, count: int, start_s: float, step_s: float = 0.5) -> dict[int, float]:
    return {first + i: start_s + i * step_s for i in range(count)}


def slowing() -> dict[int, float]:
    """0.5 s a quarter up to 6, then 0.6 s."""
    return {**times(0, 7, 1.0), **times(7, 17, 4.6, 0.6)}


def steps(stage: Stage, first: int, last: int) -> list[float]:
    return [b - a for a, b in pairwise(stage.sent[float(q)] for q in range(first, last))]


def staged(*passages: Passage, level: float = 10.0, mode: str = "follow") -> Stage:
    settings = ConductorSettings(passages=passages, level=level, mode=mode)
    return Stage(QUARTERS, EIGHTHS, settings=settings)


# ---- where they hold -----------------------------------------------------------------------------


def test_outside_of_passages_all_is_as_usual() -> None:
    passages = Passages(FollowMode.FOLLOW, 8.0, (), (Passage(4.0, 8.0, 2.0),))
    passages.come_to(0.0)
    assert (passages.mode, passages.level, passages.passage) == (FollowMode.FOLLOW, 8.0, None)
    assert passages.come_to(3.95)  # its first note belongs to it
    assert passages.level == 2.0
    assert not passages.come_to(7.5)
    assert passages.come_to(8.0)
    assert passages.level == 8.0


def test_the_settings_win_over_the_score_and_what_is_said_last_over_the_rest() -> None:
    written = (Passage(0.0, 16.0, 1.0),)
    said = (Passage(4.0, 12.0, 2.0), Passage(8.0, 10.0, mode="fixed"))
    passages = Passages(FollowMode.FOLLOW, 8.0, written, said)
    found = []
    for quarter in range(0, 20, 2):
        passages.come_to(float(quarter))
        found.append("fixed" if passages.mode is FollowMode.FIXED else passages.level)
    assert found == [1.0, 1.0, 2.0, 2.0, "fixed", 2.0, 1.0, 1.0, 8.0, 8.0]


def test_a_passage_is_entered_again_after_a_jump_back() -> None:
    passages = Passages(FollowMode.FOLLOW, 8.0, (), (Passage(4.0, 8.0, 2.0),))
    levels = []
    for quarter in (5.0, 9.0, 5.0, 0.0, 5.0):
        passages.come_to(quarter)
        levels.append(passages.level)
    assert levels == [2.0, 8.0, 2.0, 8.0, 2.0]


@pytest.mark.parametrize("mode", [FollowMode.WAIT, FollowMode.CONDUCT])
def test_who_practises_or_beats_time_is_not_disturbed(mode: FollowMode) -> None:
    passages = Passages(mode, 10.0, (Passage(0.0, 8.0, mode="fixed"),))
    passages.come_to(4.0)
    assert passages.mode is mode


def test_a_level_of_a_passage_follows_where_the_ensemble_usually_does_not() -> None:
    passages = Passages(FollowMode.FIXED, 10.0, (Passage(0.0, 8.0, 6.0),))
    passages.come_to(4.0)
    assert (passages.mode, passages.level) == (FollowMode.FOLLOW, 6.0)


@pytest.mark.parametrize(
    "passage",
    [
        Passage(4.0, 4.0, 3.0),
        Passage(0.0, 4.0, 10.5),
        Passage(0.0, 4.0, float("nan")),
        Passage(0.0, 4.0, mode="conduct"),
        Passage(0.0, 4.0, mode="lead"),
    ],
)
def test_passages_that_make_no_sense(passage: Passage) -> None:
    with pytest.raises(ValueError, match="passage"):
        ConductorSettings(passages=(passage,))


def test_settings_come_back_from_plain_values() -> None:
    plain = {"start_quarter": 0.0, "end_quarter": 4.0, "level": 3.0, "mode": None, "latency_s": 0.0}
    assert ConductorSettings(passages=[plain]).passages == (Passage(0.0, 4.0, 3.0),)  # type: ignore[arg-type]


# ---- what becomes of the ensemble ----------------------------------------------------------------


def test_it_keeps_its_own_tempo_in_a_passage_and_follows_again_behind_it() -> None:
    stage, solo = staged(Passage(4.0, 10.0, mode="fixed")), slowing()
    stage.play(solo, 15.0)
    assert steps(stage, 4, 10) == pytest.approx([0.5] * 5, abs=0.01)
    late = [stage.sent[float(q)] - solo[q] for q in (14, 16, 18)]
    assert late == pytest.approx([0.0] * 3, abs=0.03)
    assert stage.jumps == []


def test_from_following_to_not_and_back_nothing_jumps_or_stops() -> None:
    stage = staged(Passage(12.0, 16.0, 0.0), Passage(18.0, 21.0, 3.0))
    stage.play(times(0, 24, 1.0), 13.0)
    assert steps(stage, 10, 23) == pytest.approx([0.5] * 12, abs=0.02)
    assert stage.jumps == []
    assert {s for t, s in stage.states if t > 2.0} <= {"following"}


def test_the_first_note_of_a_waiting_passage_is_waited_for() -> None:
    stage = staged(Passage(8.0, 12.0, mode="wait"))
    stage.play({**times(0, 8, 1.0), **times(8, 8, 6.0)}, 9.5)
    assert stage.sent[7.5] == pytest.approx(4.75, abs=0.03)
    assert stage.sent[8.0] == pytest.approx(6.02, abs=2 * HOP_S)
    assert stage.sent[13.0] == pytest.approx(8.5, abs=0.03)


def test_a_passage_of_the_score_needs_no_settings() -> None:
    score = replace(make_score(24.0), passages=(Passage(4.0, 10.0, mode="fixed"),))
    stage = Stage(QUARTERS, EIGHTHS)
    stage.conductor = Conductor(score, make_solo(QUARTERS), steady(120.0), None, EIGHTHS)
    stage.play(slowing(), 9.0)
    assert steps(stage, 4, 10) == pytest.approx([0.5] * 5, abs=0.01)


def test_what_is_expected_late_is_answered_earlier() -> None:
    plain, late = staged(), staged(Passage(8.0, 16.0, 10.0, latency_s=0.04))
    for stage in (plain, late):
        stage.play(times(0, 24, 1.0), 13.0)
    gain = np.array([plain.sent[float(q)] - late.sent[float(q)] for q in range(24)])
    assert gain[:8] == pytest.approx(np.zeros(8), abs=1e-9)
    assert gain[10:15] == pytest.approx(np.full(5, 0.04), abs=0.015)
    assert gain[18:] == pytest.approx(np.zeros(6), abs=0.006)


# ---- the hand ------------------------------------------------------------------------------------


def test_a_level_set_in_a_passage_wins_until_it_ends_and_is_the_usual_one_then() -> None:
    stage = staged(Passage(4.0, 8.0, 2.0), Passage(12.0, 16.0, 3.0))
    levels = {}

    def look(conductor: Conductor) -> None:
        levels[round(stage.now_s, 1)] = (conductor.follow_level, conductor.passage is not None)

    seen = dict.fromkeys((2.0, 3.2, 4.5, 6.0, 7.6), look)
    stage.play(times(0, 24, 1.0), 8.0, at={**seen, 3.6: lambda c: c.level(7.0)})
    assert levels == {
        2.0: (10.0, False),
        3.2: (2.0, True),
        4.5: (7.0, False),
        6.0: (7.0, False),
        7.6: (3.0, True),
    }


def test_a_mode_set_in_a_passage_wins_until_it_ends() -> None:
    stage = staged(Passage(4.0, 12.0, mode="fixed"))
    solo = slowing()
    stage.play(solo, 9.0, at={3.4: lambda c: c.follow("follow")})
    assert stage.sent[11.0] == pytest.approx(solo[11], abs=0.03)
    assert stage.conductor.mode is FollowMode.FOLLOW


def test_what_is_set_at_rest_overrules_no_passage() -> None:
    stage = staged(Passage(0.0, 8.0, 2.0))
    stage.conductor.level(9.0)
    stage.conductor.follow("follow")
    stage.play(times(0, 8, 1.0), 3.0)
    assert stage.conductor.follow_level == 2.0
