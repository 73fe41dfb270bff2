"""The default follower when the soloist is elsewhere: jumps, any beginning, other music."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.followers.bayes.follower import BayesFollower
from accompanist.followers.protocol import Estimate, FollowerState, Heard
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

RATE, HOP = 44_100, 256
PITCHES = [int(p) for p in 60 + np.random.default_rng(4).integers(0, 20, 100)]
STEP_S = 0.3


def follow(
    samples: npt.NDArray[np.float32],
    *,
    anywhere: bool = False,
    at: float | None = None,
    a4_hz: float | None = None,
) -> list[Estimate]:
    notes = tuple(Note(float(i), 1.0, p) for i, p in enumerate(PITCHES))
    score = Score("t", (Part(1, "solo", notes),), (), tempo_marks=(TempoMark(0.0, 180.0),))
    line = solo_line(score.parts[0])
    follower = BayesFollower(line, written_tempo(score), RATE, HOP, a4_hz=a4_hz)
    follower.locate(at, anywhere=anywhere)
    return [
        follower.feed(Heard((i + 1) * HOP / RATE, samples[i * HOP : (i + 1) * HOP]))
        for i in range(len(samples) // HOP)
    ]


def tones(play_tones: Any, pitches: list[int], start_s: float = 0.3) -> npt.NDArray[np.float32]:
    times = [start_s + i * STEP_S for i in range(len(pitches) + 1)]
    rows = [(a, b, p) for a, b, p in zip(times[:-1], times[1:], pitches, strict=True)]
    samples: npt.NDArray[np.float32] = play_tones(rows)
    return samples


def at(estimates: list[Estimate], time_s: float) -> Estimate:
    return next(e for e in estimates if e.time_s >= time_s)


@pytest.mark.parametrize(("leave", "land"), [(20, 55), (60, 12)])
def test_a_jump_is_followed_after_a_few_notes(play_tones: Any, leave: int, land: int) -> None:
    played = PITCHES[leave - 14 : leave] + PITCHES[land : land + 12]
    estimates = follow(tones(play_tones, played), at=leave - 14.0, a4_hz=440.0)
    jumped_s = 0.3 + 14 * STEP_S
    moved = [e for e in estimates if e.relocated]
    assert len(moved) == 1
    assert moved[0].time_s - jumped_s < 1.5
    later_s = jumped_s + 8.5 * STEP_S
    assert at(estimates, later_s).quarter == pytest.approx(land + 8.5, abs=0.4)
    assert at(estimates, later_s).confidence > 0.7


@pytest.mark.parametrize("begin", [0, 33])
def test_whoever_may_begin_anywhere_is_found_in_two_seconds(play_tones: Any, begin: int) -> None:
    estimates = follow(tones(play_tones, PITCHES[begin : begin + 12]), anywhere=True)
    assert at(estimates, 0.2).state is FollowerState.ARMED
    assert at(estimates, 2.3).quarter == pytest.approx(begin + 2.0 / STEP_S, abs=0.5)
    assert at(estimates, 2.3).state is FollowerState.FOLLOWING
    assert any(e.relocated for e in estimates) == (begin > 0)
    first = next(o for e in estimates for o in e.onsets if e.quarter >= begin)
    assert first.event >= begin


def test_who_is_awaited_somewhere_is_not_looked_for_elsewhere_before(play_tones: Any) -> None:
    # Somebody tries a passage over before they begin where they are awaited.
    played = PITCHES[70:74]
    estimates = follow(tones(play_tones, played), at=40.0, a4_hz=440.0)
    assert not any(e.relocated for e in estimates)


def test_a_wrong_note_that_is_right_elsewhere_leads_nowhere(play_tones: Any) -> None:
    played = PITCHES[:24]
    wrong = dict.fromkeys((8, 13, 19), 3)
    for i, by in wrong.items():
        played[i] = PITCHES[i] + by
    estimates = follow(tones(play_tones, played), a4_hz=440.0)
    assert not any(e.relocated for e in estimates)
    assert not any(e.state is FollowerState.LOST for e in estimates)
    assert at(estimates, 0.3 + 23.5 * STEP_S).quarter == pytest.approx(23.5, abs=0.5)


def test_other_music_is_noticed_and_never_run_after(play_tones: Any) -> None:
    other = [int(p) for p in 36 + np.random.default_rng(9).permutation(18)]
    estimates = follow(tones(play_tones, PITCHES[:14] + other + PITCHES[14:26]), a4_hz=440.0)
    left_s, back_s = 0.3 + 14 * STEP_S, 0.3 + 32 * STEP_S
    lost = [e for e in estimates if e.state is FollowerState.LOST]
    assert left_s < lost[0].time_s < left_s + 2.2
    during = [e for e in estimates if left_s + 2.5 < e.time_s < back_s]
    assert max(e.quarter for e in during) < 14 + 4.0 / STEP_S
    assert np.mean([e.confidence for e in during]) < 0.3
    assert not any(e.onsets for e in lost)
    again = at(estimates, back_s + 2.5)
    assert again.state is FollowerState.FOLLOWING
    assert again.quarter == pytest.approx(14 + 2.5 / STEP_S, abs=0.6)


def test_a_long_pause_is_waited_through(play_tones: Any) -> None:
    first, second = tones(play_tones, PITCHES[:12]), tones(play_tones, PITCHES[12:20])
    pause = np.zeros(12 * RATE, dtype=np.float32)
    estimates = follow(np.concatenate((first, pause, second)), a4_hz=440.0)
    began_s = (len(first) + len(pause)) / RATE + 0.3
    assert at(estimates, began_s - 0.1).quarter <= 12.01
    assert not any(e.relocated for e in estimates)
    assert at(estimates, began_s + 4.5 * STEP_S).quarter == pytest.approx(16.5, abs=0.4)


def test_a_pause_before_a_rest_is_not_taken_for_the_rest(play_tones: Any) -> None:
    # After six notes the soloist stops for four seconds; six notes ahead there is a long rest.
    rest = 10.0
    notes = tuple(
        Note(float(i) + (rest if i >= 12 else 0.0), 1.0, p) for i, p in enumerate(PITCHES[:30])
    )
    score = Score("t", (Part(1, "solo", notes),), (), tempo_marks=(TempoMark(0.0, 180.0),))
    line = solo_line(score.parts[0])
    follower = BayesFollower(line, written_tempo(score), RATE, HOP, a4_hz=440.0)
    follower.locate(0.0)
    first, second = tones(play_tones, PITCHES[:6]), tones(play_tones, PITCHES[6:10])
    pause = np.zeros(4 * RATE, dtype=np.float32)
    samples = np.concatenate((first, pause, second))
    estimates = [
        follower.feed(Heard((i + 1) * HOP / RATE, samples[i * HOP : (i + 1) * HOP]))
        for i in range(len(samples) // HOP)
    ]
    began_s = (len(first) + len(pause)) / RATE + 0.3
    assert at(estimates, began_s - 0.1).quarter <= 6.01
    assert at(estimates, began_s + 2.5 * STEP_S).quarter == pytest.approx(8.5, abs=0.3)
    assert not any(e.relocated for e in estimates)
