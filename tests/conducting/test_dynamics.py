import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_soloist import Stage

from accompanist.conducting.dynamics import LIMIT_DB, Dynamics, expected_levels_db, velocity_db
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport
from accompanist.score.model import Note, Part
from accompanist.score.solo import SoloLine, solo_line

HOP_S = 0.0058
FOLLOWING = FollowerState.FOLLOWING


def line(velocities: Sequence[int], length: float = 1.0) -> SoloLine:
    notes = [Note(float(i), length, 60 + i % 7, v) for i, v in enumerate(velocities)]
    return solo_line(Part(1, "Solo", tuple(notes)))


def leans(
    dynamics: Dynamics,
    level_db: Callable[[float], float],
    seconds: float,
    *,
    from_s: float = 0.0,
    state: FollowerState = FOLLOWING,
    confidence: float = 0.9,
    quarter: Callable[[float], float] = lambda t: t,
    follows: bool = True,
) -> list[float]:
    """The lean at each hop while somebody plays a quarter a second, struck on the beat."""
    out = []
    first, last = round(from_s / HOP_S), round((from_s + seconds) / HOP_S)
    for hop in range(first + 1, last + 1):
        now_s = hop * HOP_S
        at = quarter(now_s)
        struck = math.floor(at) != math.floor(quarter(now_s - HOP_S))
        reports = (OnsetReport(now_s, now_s, float(math.floor(at)), math.floor(at)),)
        estimate = Estimate(
            now_s, at, 1.0, confidence, state, reports if struck else (), False, level_db(now_s)
        )
        out.append(dynamics.hear(estimate, follows=follows))
    return out


EVEN = line([80] * 120)


def test_an_even_soloist_is_accompanied_as_written() -> None:
    assert set(leans(Dynamics(EVEN), lambda t: -20.0, 60.0)) == {0.0}


def test_notes_that_die_away_are_not_a_diminuendo() -> None:
    def struck(t: float) -> float:
        return -20.0 - 15.0 * (t % 1.0)

    assert set(leans(Dynamics(EVEN), struck, 60.0)) == {0.0}


def test_whoever_gets_louder_takes_the_ensemble_along_half_as_far() -> None:
    dynamics = Dynamics(EVEN, depth=0.5)
    leans(dynamics, lambda t: -30.0, 20.0)
    late = leans(dynamics, lambda t: -24.0, 6.0, from_s=20.0)
    first = next(i for i, lean in enumerate(late) if lean > 0.0) * HOP_S
    assert 0.1 < first < 1.0
    assert late[round(3.0 / HOP_S)] == pytest.approx(2.0, abs=0.5)
    assert max(late) <= 2.5  # half of the six, less what chance does


def test_a_soft_first_note_is_not_taken_for_their_loudness() -> None:
    dynamics = Dynamics(EVEN)
    first = leans(dynamics, lambda t: -30.0 if t < 1.0 else -24.0, 20.0)
    assert max(map(abs, first)) <= 0.5


def test_the_depth_says_how_much_and_none_is_none() -> None:
    reached = []
    for depth in (0.0, 0.5, 1.0):
        dynamics = Dynamics(EVEN, depth=depth)
        leans(dynamics, lambda t: -30.0, 20.0)
        reached.append(leans(dynamics, lambda t: -22.0, 4.0, from_s=20.0)[-1])
    assert reached[0] == 0.0
    assert reached[2] == pytest.approx(2.0 * reached[1], abs=0.6)


def test_taking_the_depth_away_brings_it_back_to_the_marks() -> None:
    dynamics = Dynamics(EVEN, depth=1.0)
    leans(dynamics, lambda t: -30.0, 20.0)
    assert leans(dynamics, lambda t: -22.0, 4.0, from_s=20.0)[-1] > 3.0
    dynamics.depth = 0.0
    assert leans(dynamics, lambda t: -22.0, 4.0, from_s=24.0)[-1] == 0.0


@pytest.mark.parametrize("gain_db", [-40.0, 0.0, 15.0])
def test_the_gain_of_the_microphone_does_not_matter(gain_db: float) -> None:
    def swelling(t: float) -> float:
        return -30.0 + gain_db + 6.0 * math.sin(t / 2.0)

    assert leans(Dynamics(EVEN), swelling, 40.0) == leans(
        Dynamics(EVEN), lambda t: swelling(t) - gain_db, 40.0
    )


def test_what_the_marks_say_is_no_reason_to_lean() -> None:
    marked = line([52] * 20 + [96] * 20 + [52] * 20)
    change = 0.8 * (velocity_db(96) - velocity_db(52))

    def as_marked(t: float) -> float:
        return -30.0 + (change if 20.0 <= t < 40.0 else 0.0)

    known = leans(Dynamics(marked), as_marked, 60.0)
    unknown = leans(Dynamics(line([80] * 60)), as_marked, 60.0)
    assert max(map(abs, known)) <= 1.0
    assert max(map(abs, unknown)) >= 2.5


def test_what_they_did_in_earlier_takes_is_expected() -> None:
    def habit(t: float) -> float:
        return -30.0 + (8.0 if 20.0 <= t < 30.0 else 0.0)

    quarters = np.arange(60.0)
    levels = np.array([habit(q) for q in quarters])
    levels -= levels.mean()
    before = Performance(quarters, quarters, own=True, levels_db=levels)
    flat = line([80] * 60)
    assert max(map(abs, leans(Dynamics(flat, performances=[before] * 3), habit, 40.0))) <= 1.0
    assert max(map(abs, leans(Dynamics(flat), habit, 40.0))) >= 2.5


def test_earlier_takes_outweigh_the_marks_the_more_of_them_there_are() -> None:
    marked = line([52, 96])
    louder_first = Performance(
        np.array([0.0, 1.0]), np.array([0.0, 1.0]), levels_db=np.array([3.0, -3.0])
    )
    partial = Performance(np.array([7.0]), np.array([0.0]), levels_db=np.array([5.0]))
    nothing = Performance(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    alone, share = expected_levels_db(marked, [nothing])
    assert alone[1] - alone[0] == pytest.approx(velocity_db(96) - velocity_db(52))
    assert share < 1.0
    steps = []
    for count in (1, 5):
        levels, share = expected_levels_db(marked, [louder_first] * count + [partial])
        steps.append(levels[1] - levels[0])
        assert sum(levels) == pytest.approx(0.0)
        assert share == 1.0
    assert steps[0] > steps[1]
    assert steps[1] == pytest.approx((0.7 * (alone[1] - alone[0]) - 30.0) / 6.0)


@pytest.mark.parametrize("state", [FollowerState.LOST, FollowerState.HOLDING, FollowerState.ENDED])
def test_who_is_lost_or_dwells_is_not_listened_to(state: FollowerState) -> None:
    dynamics = Dynamics(EVEN)
    leans(dynamics, lambda t: -30.0, 20.0)
    assert set(leans(dynamics, lambda t: -10.0, 10.0, from_s=20.0, state=state)) == {0.0}


def test_what_is_hardly_believed_does_not_count() -> None:
    dynamics = Dynamics(EVEN)
    leans(dynamics, lambda t: -30.0, 20.0)
    assert set(leans(dynamics, lambda t: -10.0, 10.0, from_s=20.0, confidence=0.2)) == {0.0}


def test_breaths_and_noise_in_them_do_not_count() -> None:
    notes = line([80] * 120, length=0.5)  # half of each second is a rest

    def breathing(t: float) -> float:
        return -20.0 if t % 1.0 < 0.5 else -55.0

    assert set(leans(Dynamics(notes), breathing, 60.0)) == {0.0}


def test_in_a_long_rest_the_ensemble_returns_to_its_marks_and_whoever_sounds_there_is_nobody() -> (
    None
):
    notes = [Note(float(i), 1.0, 60) for i in range(30)] + [Note(60.0, 1.0, 60)]
    dynamics = Dynamics(solo_line(Part(1, "Solo", tuple(notes))))
    leans(dynamics, lambda t: -30.0, 20.0)
    assert leans(dynamics, lambda t: -20.0, 10.0, from_s=20.0)[-1] >= 2.0
    tutti = leans(dynamics, lambda t: -10.0, 15.0, from_s=30.0)
    assert tutti[round(1.0 / HOP_S)] >= 2.0
    assert tutti[-1] == 0.0


def test_steady_noise_moves_nothing() -> None:
    noise_db = -32.0

    def noisy(t: float) -> float:
        return 10.0 * math.log10(10.0 ** (-2.0) + 10.0 ** (noise_db / 10.0))

    dynamics = Dynamics(EVEN)
    leans(dynamics, lambda t: noise_db, 5.0, follows=False)
    assert set(leans(dynamics, noisy, 30.0, from_s=5.0, quarter=lambda t: t - 5.0)) == {0.0}
    # nor is a soloist whom the noise drowns thought to play louder and softer
    drowned = Dynamics(EVEN)
    leans(drowned, lambda t: noise_db, 20.0, follows=False)
    soft = leans(
        drowned,
        lambda t: noise_db + 3.0 * (math.floor(t) % 10 > 5),
        30.0,
        from_s=20.0,
        quarter=lambda t: t - 20.0,
    )
    assert set(soft) == {0.0}


@settings(max_examples=40, deadline=None)
@given(
    data=st.lists(
        st.tuples(st.floats(-130.0, 20.0), st.sampled_from(list(FollowerState)), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    depth=st.floats(0.0, 1.0),
)
def test_it_leans_slowly_by_small_steps_and_not_far(
    data: list[tuple[float, FollowerState, bool]], depth: float
) -> None:
    dynamics = Dynamics(line([40, 112] * 20), depth=depth)
    found = [0.0]
    for i, (level, state, follows) in enumerate(data):
        found += leans(
            dynamics,
            lambda t, level=level: level,  # type: ignore[misc]
            1.5,
            from_s=1.5 * i,
            state=state,
            follows=follows,
        )
    changes = np.diff(found)
    assert set(np.abs(changes)) <= {0.0, 0.5}
    assert max(map(abs, found)) <= LIMIT_DB
    window = round(1.0 / HOP_S)
    in_a_second = [abs(a - b) for a, b in zip(found, found[window:], strict=False)]
    assert max(in_a_second, default=0.0) <= 2.5


def test_positions_that_are_none_are_survived() -> None:
    dynamics = Dynamics(EVEN)
    assert set(leans(dynamics, lambda t: -20.0, 1.0, quarter=lambda t: 1e9)) == {0.0}
    estimate = Estimate(2.0, float("nan"), 1.0, 0.9, FOLLOWING, (), False, -20.0)
    assert dynamics.hear(estimate) == 0.0
    empty = Dynamics(solo_line(Part(1, "Solo", ())))
    assert empty.hear(Estimate(0.0, 0.0, 1.0, 0.9, FOLLOWING)) == 0.0
    assert empty.hear(Estimate(0.1, 0.0, 1.0, 0.9, FOLLOWING)) == 0.0


# ---- on the stage --------------------------------------------------------------------------------


QUARTERS = [float(q) for q in range(80)]
BEATS_S = {i: 1.0 + 0.5 * i for i in range(80)}


def led(settings: ConductorSettings | None = None) -> Stage:
    """Twenty seconds as soft as can be, then some louder ones."""
    stage = Stage(QUARTERS, QUARTERS, settings=settings)
    stage.play(BEATS_S, 0.9, level_db=-70.0)
    stage.play(BEATS_S, 20.0, level_db=-30.0)
    assert stage.direction is not None
    assert stage.direction.lean_db == 0.0
    stage.play(BEATS_S, 25.0, level_db=-22.0)
    return stage


def test_the_conductor_says_how_far_to_lean() -> None:
    direction = led().direction
    assert direction is not None
    assert direction.lean_db == pytest.approx(3.0, abs=0.5)


@pytest.mark.parametrize("how", [{"dynamics_depth": 0.0}, {"mode": "fixed"}])
def test_whoever_is_not_to_listen_does_not_lean(how: dict[str, Any]) -> None:
    direction = led(ConductorSettings(**how)).direction
    assert direction is not None
    assert direction.lean_db == 0.0


def test_the_depth_may_be_changed_while_they_play() -> None:
    stage = led()
    stage.conductor.dynamics(0.0)
    stage.play(BEATS_S, 30.0, level_db=-22.0)
    assert stage.direction is not None
    assert stage.direction.lean_db == 0.0
    with pytest.raises(ValueError, match="from 0 to 1"):
        stage.conductor.dynamics(1.5)
    with pytest.raises(ValueError, match="dynamics_depth"):
        ConductorSettings(dynamics_depth=-0.1)
