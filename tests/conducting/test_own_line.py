"""The ensemble's own line: even, without stumbling, and who leads where the soloist rests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from virtual_soloist import Stage

from accompanist.conducting.settings import ConductorSettings

QUARTERS = [float(i) for i in range(32)]
SIXTEENTHS = [i / 4 for i in range(128)]


def steady(count: int, step_s: float = 0.5) -> dict[int, float]:
    return {i: 1.0 + i * step_s for i in range(count)}


def intervals(stage: Stage, first: float, last: float) -> list[float]:
    sent = [stage.sent[q] for q in sorted(stage.sent) if first <= q <= last]
    return [b - a for a, b in pairwise(sent)]


@pytest.mark.parametrize("solo_step", [0.5, 1.0, 2.0])
def test_under_a_steady_solo_it_is_even(solo_step: float) -> None:
    onsets = [i * solo_step for i in range(64)]
    stage = Stage(onsets, [i / 4 for i in range(int(256 * solo_step))])
    stage.play(steady(64, 0.5 * solo_step), 1.0 + 32 * solo_step)
    even = np.array(intervals(stage, 48 * solo_step, 63 * solo_step))
    assert np.std(even) < 0.003
    assert np.max(np.abs(even - 0.125)) < 0.02


def test_under_a_held_note_it_goes_on_evenly() -> None:
    onsets = [*QUARTERS[:16], 24.0]
    stage = Stage(onsets, SIXTEENTHS)
    stage.play(steady(16), 13.0)
    assert intervals(stage, 15.75, 23.5) == pytest.approx([0.125] * 31, abs=0.004)


def test_a_note_that_is_never_heard_is_no_stumble() -> None:
    stage = Stage(QUARTERS, SIXTEENTHS)
    times = steady(32)
    del times[20]
    stage.play(times, 17.0)
    passed = intervals(stage, 18.0, 24.0)
    assert max(passed) < 0.15 + 2 * 0.125 + 0.05
    assert min(passed) > 0.02


def test_a_note_that_comes_late_is_gone_along_with_by_and_by() -> None:
    stage = Stage(QUARTERS, SIXTEENTHS)
    times = {i: t + (0.06 if i >= 20 else 0.0) for i, t in steady(32).items()}
    stage.play(times, 17.0)
    bent = intervals(stage, 18.0, 24.0)
    assert max(bent) < 1.5 * 0.125
    assert min(bent) > 0.75 * 0.125
    assert stage.sent[20.75] - times[20] == pytest.approx(0.375, abs=0.05)
    assert stage.sent[22.0] - times[22] == pytest.approx(0.0, abs=0.03)


def test_an_early_one_too() -> None:
    stage = Stage(QUARTERS, SIXTEENTHS)
    times = {i: t - (0.06 if i >= 20 else 0.0) for i, t in steady(32).items()}
    stage.play(times, 17.0)
    assert min(intervals(stage, 18.0, 24.0)) > 0.4 * 0.125
    assert stage.sent[20.75] - times[20] == pytest.approx(0.375, abs=0.05)
    assert stage.sent[22.0] - times[22] == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize(("level", "stops"), [(10.0, True), (5.0, True), (2.0, False)])
def test_who_listens_less_gives_way_later_to_a_soloist_who_dwells(
    level: float, stops: bool
) -> None:
    settings = ConductorSettings(level=level)
    stage = Stage(QUARTERS, SIXTEENTHS, settings=settings)
    times = {i: t + (0.5 if i >= 20 else 0.0) for i, t in steady(32).items()}
    stage.play(times, 14.0)  # the note before 20 is held for a second instead of a half
    assert (max(intervals(stage, 18.0, 22.0)) > 0.25) == stops


# ---- where the soloist rests ---------------------------------------------------------------------


def test_the_ensembles_upbeat_leads_the_soloist_in() -> None:
    # Everybody rests in bar 3; the ensemble's three eighths lead to the entry on bar 4.
    onsets = [*QUARTERS[:8], *QUARTERS[12:20]]
    stage = Stage(
        onsets, [*SIXTEENTHS[:32], 10.5, 11.0, 11.5, *QUARTERS[12:20]], durations=[1.0] * 16
    )
    times = {i: 1.0 + 0.5 * q for i, q in enumerate(onsets)}
    stage.play(times, 10.0)
    assert [stage.sent[q] for q in (10.5, 11.0, 11.5)] == pytest.approx([6.25, 6.5, 6.75], abs=0.03)
    assert stage.sent[12.0] == pytest.approx(7.0, abs=0.03)


def test_an_entry_that_tarries_behind_an_upbeat_is_waited_for_a_little() -> None:
    onsets = [*QUARTERS[:8], *QUARTERS[12:20]]
    stage = Stage(
        onsets, [*SIXTEENTHS[:32], 10.5, 11.0, 11.5, *QUARTERS[12:20]], durations=[1.0] * 16
    )
    times = {i: 1.0 + 0.5 * q + (0.15 if q >= 12 else 0.0) for i, q in enumerate(onsets)}
    stage.play(times, 10.0)
    assert stage.sent[12.0] == pytest.approx(times[8], abs=0.17)
    assert stage.sent[14.0] == pytest.approx(times[10], abs=0.03)


def test_a_ritardando_at_the_end_of_a_phrase_is_not_the_tempo_of_the_tutti() -> None:
    onsets = [*QUARTERS[:16], *QUARTERS[28:]]
    times = {**steady(13), 13: 7.6, 14: 8.3, 15: 9.1}
    stage = Stage(onsets, SIXTEENTHS, durations=[1.0] * 20)
    stage.play(times, 16.0)
    tutti = np.mean(intervals(stage, 20.0, 27.0)) * 4
    assert 0.48 < tutti < 0.62


# ---- endings -------------------------------------------------------------------------------------


def test_the_last_chord_comes_with_the_last_note_however_late() -> None:
    onsets = QUARTERS[:16]
    stage = Stage(onsets, [*SIXTEENTHS[:48], 12.0, 13.0, 14.0, 15.0])
    times = {**steady(13), 13: 7.55, 14: 8.2, 15: 9.3}
    stage.play(times, 11.0)
    assert -0.02 < stage.sent[15.0] - times[15] < 0.04
    assert stage.states[-1][1] != "waiting"
