"""The followers on chroma, on tones made to order: what each of them can do, and cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.followers.protocol import Estimate, Follower, FollowerState, Heard
from accompanist.followers.registry import make_follower
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

RATE, HOP = 44_100, 256
TUNE = [67, 69, 71, 72, 74, 71, 67, 62, 64, 66, 67, 71, 69, 74, 72, 69, 66, 69, 67, 64, 71, 74, 79]
NAMES = ("oltw", "oltw-arzt", "hmm")
QPM = 100.0


def make(name: str, pitches: Sequence[int] = TUNE, a4_hz: float | None = None) -> Follower:
    notes = tuple(Note(float(i), 1.0, p) for i, p in enumerate(pitches))
    score = Score("t", (Part(1, "solo", notes),), (), tempo_marks=(TempoMark(0.0, QPM),))
    return make_follower(
        name, solo=solo_line(score.parts[0]), tempo=written_tempo(score), sample_rate=RATE,
        hop=HOP, a4_hz=a4_hz,
    )  # fmt: skip


def follow(follower: Follower, samples: npt.NDArray[np.float32]) -> list[Estimate]:
    return [
        follower.feed(Heard((i + 1) * HOP / RATE, samples[i * HOP : (i + 1) * HOP]))
        for i in range(len(samples) // HOP)
    ]


def times(count: int, step_s: float, start_s: float = 0.3) -> list[float]:
    return [start_s + i * step_s for i in range(count)]


def performed(
    pitches: Sequence[int], starts_s: list[float], last_s: float = 0.6
) -> list[tuple[float, float, float]]:
    ends = [*starts_s[1:], starts_s[-1] + last_s]
    return list(zip(starts_s, ends, pitches, strict=True))


def lateness(estimates: list[Estimate], starts_s: list[float]) -> npt.NDArray[np.float64]:
    told = {o.event: o.reported_s for e in estimates for o in e.onsets}
    return np.array([told.get(i, np.inf) - s for i, s in enumerate(starts_s)])


@pytest.mark.parametrize(
    ("name", "ratio"),
    [("oltw", 1.0), ("oltw", 0.8), ("oltw-arzt", 0.8), ("oltw-arzt", 1.3), ("hmm", 0.8),
     ("hmm", 1.0), ("hmm", 1.3)],
)  # fmt: skip
def test_steady_playing_is_followed(play_tones: Any, name: str, ratio: float) -> None:
    starts = times(len(TUNE), 0.6 / ratio)
    late = lateness(follow(make(name), play_tones(performed(TUNE, starts))), starts)
    assert np.median(np.abs(late)) < 0.08
    assert np.mean(np.abs(late) < 0.3) > 0.85


def test_dixon_cannot_go_faster_than_written_at_first(play_tones: Any) -> None:
    """Its published band begins along the diagonal, ten seconds long; tempo-aware, it can."""
    starts = times(len(TUNE), 0.4)
    sound = play_tones(performed(TUNE, starts))
    bound = follow(make("oltw"), sound)
    assert max(e.quarter for e in bound) < starts[-1] * QPM / 60 + 1.0
    free = follow(make("oltw-arzt"), sound)
    assert max(e.quarter for e in free) > len(TUNE) - 1.5


@pytest.mark.parametrize("name", NAMES)
def test_it_waits_through_silence_and_noise(play_tones: Any, name: str) -> None:
    starts = times(10, 0.6, start_s=3.0)
    sound = play_tones(performed(TUNE[:10], starts))
    quiet = round(1.5 * RATE)
    sound[quiet : 2 * quiet] += np.random.default_rng(1).normal(0, 0.01, quiet).astype(np.float32)
    estimates = follow(make(name), sound)
    before = [e for e in estimates if e.time_s < 2.95]
    assert all(e.state is FollowerState.ARMED and e.quarter == 0.0 for e in before)
    assert not any(e.onsets for e in before)
    assert abs(lateness(estimates, starts)[0]) < 0.15
    assert any(e.state is FollowerState.FOLLOWING for e in estimates)


@pytest.mark.parametrize("name", NAMES)
def test_it_waits_where_it_is_told_to(play_tones: Any, name: str) -> None:
    follower = make(name)
    follower.locate(8.0)
    starts = times(len(TUNE) - 8, 0.6)
    estimates = follow(follower, play_tones(performed(TUNE[8:], starts)))
    assert estimates[0].quarter == 8.0
    events = [o.event for e in estimates for o in e.onsets]
    assert events[0] == 8
    assert events == sorted(set(events))
    last = next(e for e in estimates if e.time_s > starts[-1] + 0.2)
    assert last.quarter == pytest.approx(len(TUNE) - 0.7, abs=0.7)


@pytest.mark.parametrize("name", NAMES)
def test_confidence_falls_and_it_is_lost_when_something_else_is_played(
    play_tones: Any, name: str
) -> None:
    starts = times(len(TUNE), 0.6)
    right = follow(make(name), play_tones(performed(TUNE, starts)))
    other = [58, 63, 61, 68, 70, 58, 56, 61, 63, 68, 66, 58, 73, 70, 63, 61, 56, 58, 68, 70, 75, 73]
    wrong = follow(
        make(name), play_tones([*performed(TUNE[:4], times(4, 0.6)),
                                *performed(other, times(len(other), 0.6, start_s=2.8))])
    )  # fmt: skip
    sure = np.mean([e.confidence for e in right if 2.0 < e.time_s < 12.0])
    unsure = np.mean([e.confidence for e in wrong if 5.0 < e.time_s < 12.0])
    assert sure > 0.8
    assert unsure < 0.3
    assert any(e.state is FollowerState.LOST for e in wrong)
    assert not any(e.state is FollowerState.LOST for e in right)


@pytest.mark.parametrize("name", NAMES)
def test_it_ends_with_the_music(play_tones: Any, name: str) -> None:
    starts = times(8, 0.6)
    sound = play_tones(performed(TUNE[:8], starts), tail_s=2.0)
    estimates = follow(make(name, TUNE[:8]), sound)
    assert estimates[-1].state is FollowerState.ENDED
    assert estimates[-1].quarter == pytest.approx(8.0, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_tuning_that_is_told_is_heard_by(play_tones: Any, name: str) -> None:
    starts = times(12, 0.6)
    sound = play_tones(performed(TUNE[:12], starts), a4_hz=415.0)
    late = lateness(follow(make(name, TUNE[:12], a4_hz=415.0), sound), starts)
    assert np.median(np.abs(late)) < 0.1


@pytest.mark.parametrize("name", NAMES)
@given(
    seed=st.integers(0, 10_000),
    bad=st.sampled_from([0.0, float("nan"), float("inf"), 1e30, -1e-30]),
    locate=st.sampled_from([None, 0.0, 7.3, 1e9]),
)
@settings(max_examples=5, deadline=None)
def test_no_sound_makes_it_raise(name: str, seed: int, bad: float, locate: float | None) -> None:
    rng = np.random.default_rng(seed)
    follower = make(name, TUNE[:6])
    sound = rng.normal(0, 10 ** rng.uniform(-6, 1), 200 * HOP).astype(np.float32)
    sound[rng.integers(0, len(sound), 2_000)] = bad
    sound[80 * HOP : 120 * HOP] = bad
    for i in range(200):
        if i == 100:
            follower.locate(locate)
        e = follower.feed(Heard((i + 1) * HOP / RATE, sound[i * HOP : (i + 1) * HOP]))
        assert np.isfinite([e.quarter, e.quarters_per_s, e.confidence, e.level_db]).all()
        assert 0.0 <= e.confidence <= 1.0
        assert e.quarters_per_s > 0.0


@pytest.mark.parametrize("name", NAMES)
def test_one_note_and_chords_and_nothing_are_music_too(name: str) -> None:
    assert follow(make(name, [60]), np.zeros(20 * HOP, np.float32))[-1].quarter == 0.0
    with pytest.raises(ValueError, match="without notes"):
        make(name, [])
