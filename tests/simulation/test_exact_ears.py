import numpy as np
import pytest

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.linear_tempo import LinearTempo
from accompanist.followers.protocol import FollowerState
from accompanist.score.model import Measure, Note, Part, Score
from accompanist.score.solo import solo_line
from accompanist.score.tempo import WrittenTempo
from accompanist.simulation.exact_ears import HOP_S, EarSettings, ExactEars, estimates
from accompanist.simulation.replaying import (
    Cue,
    TimedTake,
    asynchronies_s,
    next_onsets,
    play_along,
)

PROMPT = EarSettings(mean_s=0.02, sd_s=0.0, late_share=0.0, missed=0.0)
QUARTERS = [float(q) for q in range(12)]


def take(times_s: list[float]) -> TimedTake:
    notes = tuple(Note(q, 1.0, 60) for q in QUARTERS)
    part = Part(1, "solo", notes)
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(3))
    tempo = WrittenTempo(np.array([0.0]), np.array([0.0]), 2.0, 2.0)
    others = tuple(0.5 * i for i in range(24))
    return TimedTake(
        "t", "g", "p", Score("", (part,), measures), solo_line(part), tempo,
        np.array(times_s), others, {},
    )  # fmt: skip


def test_delays_are_as_they_are_said_to_be() -> None:
    ears = EarSettings()
    delays = ears.delays_s(20_000, 1)
    heard = delays[np.isfinite(delays)]
    assert np.isnan(delays).mean() == pytest.approx(0.02, abs=0.005)
    assert heard.mean() == pytest.approx(ears.known_s, abs=0.0005)
    assert (heard == 0.06).mean() == pytest.approx(0.05, abs=0.005)
    assert np.isfinite(delays[0])
    assert np.array_equal(ears.delays_s(50, 3), ears.delays_s(50, 3), equal_nan=True)


def test_an_onset_is_reported_late_and_dated_back() -> None:
    ears = ExactEars([0.0, 1.0], 2.0, PROMPT, 0)
    assert ears.hear(0.5).state is FollowerState.ARMED
    ears.played(0, 0.6)
    assert not ears.hear(0.61).onsets
    (report,) = ears.hear(0.625).onsets
    assert (report.event, report.quarter, report.reported_s) == (0, 0.0, 0.625)
    assert report.time_s == pytest.approx(0.6)


def test_between_reports_it_goes_on_and_stops_before_the_next() -> None:
    ears = ExactEars([0.0, 1.0, 2.0], 2.0, PROMPT, 0)
    ears.played(0, 1.0)
    ears.hear(1.1)
    assert ears.hear(1.25).quarter == pytest.approx(0.5)
    held = ears.hear(1.9)
    assert held.quarter == pytest.approx(1.0, abs=0.01)
    assert held.quarter < 1.0
    assert held.state is FollowerState.HOLDING


def test_what_is_missed_is_passed_and_never_told() -> None:
    times = np.array([1.0, np.nan, 2.0, 2.5, np.nan])
    heard = list(estimates([0.0, 1.0, 2.0, 3.0, 4.0], times, 2.0, PROMPT, 0))
    told = [onset.event for e in heard for onset in e.onsets]
    assert told == [0, 2, 3]
    passing = next(e.time_s for e in heard if e.quarter >= 1.0)
    assert passing == pytest.approx(1.6, abs=2 * HOP_S)


def test_every_next_onset_is_predicted_from_those_before() -> None:
    steady = take([1.0 + 0.5 * q for q in QUARTERS])
    model = LinearTempo(SoloGrid(steady.solo, steady.tempo))
    late = [Cue(event, 1.0 + 0.5 * event) for event in range(12) if event != 5]
    predicted = next_onsets(steady, model, late)
    assert predicted.error_s == pytest.approx(np.zeros(11), abs=1e-9)
    assert (predicted.sd_s > 0).all()


def test_what_comes_late_is_an_error_of_its_size() -> None:
    held = take([1.0 + 0.5 * q + (0.3 if q >= 6 else 0.0) for q in QUARTERS])
    model = LinearTempo(SoloGrid(held.solo, held.tempo))
    told = [Cue(event, time_s) for event, time_s in enumerate(held.times_s.tolist())]
    errors = next_onsets(held, model, told).error_s
    assert errors[:5] == pytest.approx(np.zeros(5), abs=1e-9)
    assert errors[5] == pytest.approx(0.3)


def test_an_onset_that_was_not_played_is_no_error() -> None:
    times = [1.0 + 0.5 * q for q in QUARTERS]
    times[4] = np.nan
    gap = take(times)
    told = [Cue(e, t) for e, t in enumerate(times) if np.isfinite(t)]
    assert len(next_onsets(gap, LinearTempo(gap.grid), told).error_s) == 10


def test_the_ensemble_plays_along_with_a_steady_soloist() -> None:
    steady = take([1.0 + 0.5 * q for q in QUARTERS])
    conductor = Conductor(steady.score, steady.solo, steady.tempo, None, steady.ensemble_quarters)
    heard = estimates(QUARTERS, steady.times_s, 2.0, PROMPT, 0)
    sent = play_along(steady, conductor, heard, HOP_S)
    together, between, unplayed = asynchronies_s(steady, sent)
    assert (len(together), len(between), unplayed) == (12, 11, 0)
    assert np.abs(together[3:]).max() < 0.03
    assert np.abs(between[3:]).max() < 0.03


def test_asynchronies_are_late_when_positive_and_count_what_was_left_out() -> None:
    steady = take([1.0 + 0.5 * q for q in QUARTERS])
    sent = {q: 1.02 + 0.5 * q for q in steady.ensemble_quarters if q != 3.0}
    together, between, unplayed = asynchronies_s(steady, sent)
    assert together == pytest.approx(np.full(11, 0.02))
    assert between == pytest.approx(np.full(11, 0.02))
    assert unplayed == 1
