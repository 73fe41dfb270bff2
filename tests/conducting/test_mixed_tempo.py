"""The default tempo model: whom it takes the soloist for, and what it makes of rehearsals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_soloist import Stage

from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.kalman_tempo import KalmanTempo
from accompanist.conducting.mixed_tempo import METRONOME, MixedTempo, foreseeing
from accompanist.conducting.tempo_model import TempoModel
from accompanist.score.model import Note, Part
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo

FloatArray = npt.NDArray[np.float64]

STEADY = WrittenTempo(np.array([0.0]), np.array([0.0]), 2.0, 2.0)
LENGTHS = [1.0, 0.5, 0.5, 1.0, 0.5, 0.5, 0.25, 0.25, 0.5, 2.0] * 8
PITCHES = [60, 62, 64, 67, 65, 64, 62, 60, 59, 60] * 4 + [
    67,
    65,
    64,
    60,
    72,
    71,
    69,
    67,
    65,
    64,
] * 4


def tune() -> SoloLine:
    at = np.cumsum([0.0, *LENGTHS])
    notes = [Note(float(q), d, p) for q, d, p in zip(at, LENGTHS, PITCHES, strict=False)]
    return solo_line(Part(1, "solo", tuple(notes)))


SOLO = tune()
COUNT = len(SOLO)


def grid(others: Sequence[float] = ()) -> SoloGrid:
    return SoloGrid(SOLO, STEADY, None, others)


def whims(seed: int, size: float = 0.12) -> FloatArray:
    """Log ratios of one interpretation: much the same at like places, and slow waves."""
    rng = np.random.default_rng(seed)
    waves = np.sin(np.arange(COUNT - 1) / 4.0 + rng.uniform(0, 6))
    return size * (rng.normal(size=COUNT - 1) + 0.7 * waves)


def times(deviations: npt.ArrayLike, tempo: float = 1.0, noise_s: float = 0.0) -> FloatArray:
    lengths = np.diff(SOLO.onsets_quarter) / 2.0 * tempo
    onsets = 1.0 + np.concatenate([[0.0], np.cumsum(lengths * np.exp(np.asarray(deviations)))])
    onsets += np.random.default_rng(3).normal(0.0, noise_s, len(onsets))
    return np.asarray(np.maximum.accumulate(onsets) + 1e-4 * np.arange(len(onsets)))


def performance(deviations: npt.ArrayLike, tempo: float = 1.0, own: bool = False) -> Performance:
    return Performance(SOLO.onsets_quarter, times(deviations, tempo), own)


def like(interpretation: FloatArray, seed: int, own: bool = False) -> Performance:
    """Another performance of the same interpretation."""
    noise = np.random.default_rng(seed).normal(0.0, 0.04, COUNT - 1)
    return performance(interpretation + noise, own=own)


def played(model: TempoModel, onsets: FloatArray) -> FloatArray:
    """Predicted less true time of each next onset."""
    model.set_ratio(1.0, 0.2)
    model.begin(float(SOLO.onsets_quarter[0]), float(onsets[0]))
    off = []
    for event in range(1, COUNT):
        off.append(model.predict(float(SOLO.onsets_quarter[event])).time_s - float(onsets[event]))
        model.report(event, float(onsets[event]))
    return np.array(off)


def error(model: TempoModel, onsets: FloatArray) -> float:
    return float(np.mean(np.abs(played(model, onsets)[5:])))


# ---- whom it takes the soloist for ---------------------------------------------------------------


@pytest.mark.parametrize(("noise_s", "most_s"), [(0.0, 0.0005), (0.005, 0.0015), (0.010, 0.003)])
def test_a_steady_soloist_is_foreseen_steadily(noise_s: float, most_s: float) -> None:
    model = foreseeing(grid(), SOLO)
    even, heard = times(np.zeros(COUNT - 1)), times(np.zeros(COUNT - 1), noise_s=noise_s)
    expected = played(model, heard) + heard[1:]
    jitter = np.diff(expected)[12:] - np.diff(even[1:])[12:]
    assert float(np.std(jitter)) <= most_s
    assert model.shares[0] > 0.9


def test_who_has_whims_is_no_metronome_and_who_loses_them_is_one() -> None:
    model = foreseeing(grid(), SOLO)
    free = whims(1)
    free[60:] = 0.0
    onsets = times(free)
    model.begin(0.0, float(onsets[0]))
    shares = []
    for event in range(1, COUNT):
        model.report(event, float(onsets[event]))
        shares.append(model.shares[0])
    assert max(shares[8:59]) < 0.5
    assert min(shares[10:59]) < 0.01
    assert shares[-1] > 0.8


def test_one_false_report_does_not_unsettle_a_steady_line() -> None:
    model = foreseeing(grid(), SOLO)
    onsets = times(np.zeros(COUNT - 1))
    heard = onsets.copy()
    heard[40] += 0.05
    off = played(model, heard)
    assert float(np.abs(off[40:]).max()) < 0.02


def test_the_longer_somebody_is_a_metronome_the_less_it_is_doubted() -> None:
    free = KalmanTempo(grid())
    changes = (0.998, 0.002), (0.001, 0.999)
    model = MixedTempo((KalmanTempo(grid(), METRONOME), free), (0.5, 0.5), changes)
    onsets = times(np.zeros(COUNT - 1))
    model.begin(0.0, float(onsets[0]))
    beside = []
    for event in range(1, COUNT - 1):
        model.report(event, float(onsets[event]))
        quarter = float(SOLO.onsets_quarter[event]) + 2.0
        beside.append(model.predict(quarter).sd_s / free.predict(quarter).sd_s)
    assert beside[7] > 0.28
    assert beside[15] < 0.26
    assert min(beside) > 0.045  # anybody may cease to be one at the next note


@pytest.mark.parametrize("step", [0.5, 1.0])
@pytest.mark.parametrize(
    ("what", "first_s", "then_s"),
    [("slower", 0.16, 0.13), ("dwells", 1.01, 0.025), ("faster", 0.03, 0.03)],
)
def test_who_leaves_the_even_tempo_after_twenty_notes_is_met(
    step: float, what: str, first_s: float, then_s: float
) -> None:
    lengths = np.full(31, 0.5 * step)
    if what == "dwells":
        lengths[20] += 1.0
    else:
        lengths[20:] *= 1.3 if what == "slower" else 0.77
    onsets = 1.0 + np.concatenate([[0.0], np.cumsum(lengths)])
    quarters = [i * step for i in range(32)]
    stage = Stage(quarters, quarters)
    stage.play(dict(enumerate(onsets.tolist())), float(onsets[-1]) + 1.0)
    off = np.abs([stage.sent[quarters[i]] - onsets[i] for i in range(21, 27)])
    assert off[0] < first_s
    assert off[1:].max() < then_s


def test_a_change_of_tempo_is_followed_as_quickly_as_by_one_who_expects_none() -> None:
    lengths = np.zeros(COUNT - 1)
    lengths[40:] = np.log(1.2)
    onsets = times(lengths)
    mixed, alone = foreseeing(grid(), SOLO), KalmanTempo(grid())
    off, plain = np.abs(played(mixed, onsets)), np.abs(played(alone, onsets))
    assert off[40:46].mean() < 1.3 * plain[40:46].mean()
    assert off[50:].mean() < 0.01


def test_it_is_no_surer_of_a_free_player_than_it_may_be() -> None:
    inside = []
    for seed in range(8):
        model, onsets = foreseeing(grid(), SOLO), times(whims(seed))
        model.begin(0.0, float(onsets[0]))
        for event in range(1, COUNT):
            expected = model.predict(float(SOLO.onsets_quarter[event]))
            inside.append(abs(expected.time_s - onsets[event]) / expected.sd_s)
            model.report(event, float(onsets[event]))
    assert 0.55 < np.mean(np.array(inside) < 1.0) < 0.85
    assert np.mean(np.array(inside) < 2.0) > 0.88


# ---- the ensemble's own line ---------------------------------------------------------------------


def test_the_plain_twin_goes_straight_on_from_the_same_place_in_the_same_tempo() -> None:
    model = foreseeing(grid(), SOLO, [performance(whims(1))] * 3)
    onsets = times(whims(1))
    model.begin(0.0, float(onsets[0]))
    for event in range(1, 30):
        model.report(event, float(onsets[event]))
    plain = model.plain()
    here = float(SOLO.onsets_quarter[29])
    assert plain.predict(here).time_s == pytest.approx(model.predict(here).time_s, abs=0.02)
    line = [plain.predict(here + k).time_s for k in range(12)]
    steps = [b - a for a, b in pairwise(line)]
    assert steps == pytest.approx([0.5 * plain.ratio] * 11, rel=1e-6)
    assert plain.ratio == pytest.approx(model.ratio, rel=0.05)
    expected = [model.predict(here + k).time_s for k in range(12)]
    assert float(np.std(np.diff(expected))) > 0.005


def test_behind_a_rest_in_which_others_play_nothing_is_expected_of_the_soloist() -> None:
    notes = [Note(float(q), 1.0, 60 + q) for q in range(4)] + [Note(12.0, 1.0, 60)]
    solo = solo_line(Part(1, "solo", tuple(notes)))
    lone = SoloGrid(solo, STEADY, None, [i / 2 for i in range(26)])
    assert lone.led[4]
    model = foreseeing(lone, solo)
    model.begin(0.0, 1.0)
    for event in range(1, 4):
        model.report(event, 1.0 + 0.5 * event)
    steps = [model.predict(3.0 + k).time_s - model.predict(2.0 + k).time_s for k in range(1, 10)]
    assert steps == pytest.approx([steps[0]] * 9)


# ---- rehearsal -----------------------------------------------------------------------------------


def mean_error(performances: Callable[[int], Sequence[Performance]]) -> float:
    """Over some players: each has an interpretation, which takes may share."""
    found = []
    for seed in range(4):
        now = np.random.default_rng(100 + seed).normal(0.0, 0.04, COUNT - 1)
        onsets = times(whims(seed) + now)
        found.append(error(foreseeing(grid(), SOLO, performances(seed)), onsets))
    return float(np.mean(found))


def test_one_take_helps_and_many_help_more() -> None:
    def takes(count: int, seed: int) -> list[Performance]:
        return [like(whims(seed), 10 * seed + i) for i in range(count)]

    cold, one, three, eight = (mean_error(partial(takes, n)) for n in (0, 1, 3, 8))
    assert one < 0.8 * cold
    assert three < 0.93 * one
    assert eight < three


def test_own_takes_count_for_more_than_those_of_others() -> None:
    def takes(seed: int, own: bool) -> list[Performance]:
        others = [like(whims(50 + seed + i), i) for i in range(2)]
        return [*others, *(like(whims(seed), 10 * seed + i, own=own) for i in range(2))]

    assert mean_error(lambda s: takes(s, True)) < 0.9 * mean_error(lambda s: takes(s, False))


def another_piece(seed: int) -> Performance:
    rng = np.random.default_rng(seed)
    return Performance(SOLO.onsets_quarter, np.cumsum(rng.choice([0.2, 0.4, 0.8, 1.6], COUNT)))


def shuffled(seed: int) -> Performance:
    steps = np.diff(times(whims(seed)))
    np.random.default_rng(seed).shuffle(steps)
    return Performance(SOLO.onsets_quarter, np.concatenate([[0.0], np.cumsum(steps)]))


def another_reading(seed: int) -> Performance:
    return performance(whims(seed + 70))


@pytest.mark.parametrize("wrong", [another_piece, shuffled, another_reading])
def test_a_wrong_take_does_no_harm(wrong: Callable[[int], Performance]) -> None:
    cold = mean_error(lambda seed: [])
    assert mean_error(lambda seed: [wrong(seed)]) < 1.1 * cold
    good = mean_error(lambda seed: [like(whims(seed), 10 * seed + i) for i in range(3)])
    spoilt = mean_error(
        lambda seed: [wrong(seed), *(like(whims(seed), 10 * seed + i) for i in range(3))]
    )
    assert spoilt < 1.12 * good
    assert spoilt < 0.9 * cold


def test_half_a_take_helps_in_its_half_and_does_no_harm_in_the_other() -> None:
    half = COUNT // 2
    cold, warm = [], []
    for seed in range(4):
        whole, onsets = performance(whims(seed)), times(whims(seed))
        first = Performance(whole.quarters[:half], whole.times_s[:half])
        cold.append(np.abs(played(foreseeing(grid(), SOLO), onsets)))
        warm.append(np.abs(played(foreseeing(grid(), SOLO, [first]), onsets)))
    without, with_it = np.mean(cold, axis=0), np.mean(warm, axis=0)
    assert with_it[5 : half - 1].mean() < 0.8 * without[5 : half - 1].mean()
    assert with_it[half + 5 :].mean() < 1.1 * without[half + 5 :].mean()


def test_a_take_in_another_tempo_helps_as_much() -> None:
    onsets = times(whims(2))
    same = error(foreseeing(grid(), SOLO, [performance(whims(2))]), onsets)
    other = error(foreseeing(grid(), SOLO, [performance(whims(2), 2.3)]), onsets)
    assert other == pytest.approx(same, rel=0.02)


def test_nothing_of_use_is_nothing() -> None:
    apart = Performance(np.array([900.0, 901.0]), np.array([0.0, 1.0]))
    assert len(foreseeing(grid(), SOLO, [apart]).shares) == 2
    assert len(foreseeing(grid(), SOLO, [performance(whims(1))]).shares) == 3


@given(
    steps=st.lists(st.floats(0.02, 4.0), min_size=COUNT - 1, max_size=COUNT - 1),
    own=st.booleans(),
    copies=st.integers(1, 3),
)
@settings(max_examples=12, deadline=None)
def test_whatever_is_called_a_rehearsal_costs_little(
    steps: list[float], own: bool, copies: int
) -> None:
    onsets = times(whims(4))
    junk = Performance(SOLO.onsets_quarter, np.concatenate([[0.0], np.cumsum(steps)]), own)
    cold = error(foreseeing(grid(), SOLO), onsets)
    model = foreseeing(grid(), SOLO, [junk] * copies)
    assert isinstance(model, MixedTempo)
    assert error(model, onsets) < 1.25 * cold
