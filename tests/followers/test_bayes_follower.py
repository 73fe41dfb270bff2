"""The default follower on tones made to order: tempo, tuning, holds, jumps, hostile sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.followers.bayes.follower import BayesFollower
from accompanist.followers.protocol import Estimate, FollowerState, Heard, Tuned
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo, written_tempo

TUNE = [67, 69, 71, 72, 74, 71, 67, 62, 64, 66, 67, 71, 69, 74, 72, 69, 66, 69, 67, 67, 71, 74, 79]
QPM = 100.0


def written(pitches: list[int], length: float = 1.0) -> tuple[SoloLine, WrittenTempo]:
    notes = tuple(Note(i * length, length, p) for i, p in enumerate(pitches))
    score = Score("t", (Part(1, "solo", notes),), (), tempo_marks=(TempoMark(0.0, QPM),))
    return solo_line(score.parts[0]), written_tempo(score)


def performed(
    pitches: list[int], times_s: list[float], end_s: float
) -> list[tuple[float, float, float]]:
    ends = [*times_s[1:], end_s]
    return [(a, b, p) for a, b, p in zip(times_s, ends, pitches, strict=True)]


def follow(
    samples: npt.NDArray[np.float32], pitches: list[int], rate: int = 44_100, length: float = 1.0
) -> list[Estimate]:
    solo, tempo = written(pitches, length)
    hop = round(256 * rate / 44_100)
    follower = BayesFollower(solo, tempo, rate, hop)
    count = len(samples) // hop
    return [
        follower.feed(Heard((i + 1) * hop / rate, samples[i * hop : (i + 1) * hop]))
        for i in range(count)
    ]


def reports(estimates: list[Estimate]) -> dict[int, float]:
    """Last report time of each event."""
    return {o.event: o.reported_s for e in estimates for o in e.onsets}


def steady(count: int, step_s: float, start_s: float = 0.3) -> list[float]:
    return [start_s + i * step_s for i in range(count)]


@pytest.mark.parametrize("ratio", [0.5, 0.75, 1.0, 1.5, 2.0])
def test_finds_the_tempo_from_half_to_double_the_mark(play_tones: Any, ratio: float) -> None:
    step = 0.6 / ratio
    times = steady(len(TUNE), step)
    estimates = follow(play_tones(performed(TUNE, times, times[-1] + step)), TUNE)
    told = reports(estimates)
    late = [told[i] - times[i] for i in range(3, len(TUNE))]
    assert max(abs(x) for x in late) < 0.09
    at = next(e for e in estimates if e.time_s > times[6] + 0.1)
    assert at.quarters_per_s == pytest.approx(QPM / 60 * ratio, rel=0.15)


@pytest.mark.parametrize("cents", [-100, -31, 40, 100])
def test_finds_the_tuning_within_a_semitone(play_tones: Any, cents: int) -> None:
    times = steady(len(TUNE), 0.5)
    samples = play_tones(performed(TUNE, times, times[-1] + 0.5), a4_hz=440 * 2 ** (cents / 1200))
    solo, tempo = written(TUNE)
    follower = BayesFollower(solo, tempo, 44_100, 256)
    told: dict[int, float] = {}
    for i in range(len(samples) // 256):
        for o in follower.feed(
            Heard((i + 1) * 256 / 44_100, samples[i * 256 : (i + 1) * 256])
        ).onsets:
            told[o.event] = o.reported_s
    assert follower.tuning_cents == pytest.approx(cents, abs=12)
    assert max(abs(told[i] - times[i]) for i in range(4, len(TUNE))) < 0.09


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000, 96_000])
@pytest.mark.parametrize("gain", [0.002, 0.2])
def test_any_sample_rate_and_level(play_tones: Any, rate: int, gain: float) -> None:
    times = steady(len(TUNE), 0.5)
    samples = play_tones(performed(TUNE, times, times[-1] + 0.5), rate=rate, gain=gain)
    told = reports(follow(samples, TUNE, rate))
    assert max(abs(told[i] - times[i]) for i in range(3, len(TUNE))) < 0.09


def test_a_fermata_holds_the_position_and_bends_no_tempo(play_tones: Any) -> None:
    times = steady(10, 0.6)
    times += [times[-1] + 2.6 + 0.6 * i for i in range(10)]
    estimates = follow(play_tones(performed(TUNE[:20], times, times[-1] + 0.6)), TUNE[:20])
    during = [e for e in estimates if times[9] + 1.0 < e.time_s < times[10]]
    assert all(e.quarter <= 10.0 for e in during)
    assert sum(e.state is FollowerState.HOLDING for e in during) > 0.9 * len(during)
    after = next(e for e in estimates if e.time_s > times[11] + 0.1)
    assert after.quarters_per_s == pytest.approx(QPM / 60, rel=0.12)
    told = reports(estimates)
    assert abs(told[10] - times[10]) < 0.09


def test_waits_through_silence_and_starts_on_the_first_note(play_tones: Any) -> None:
    times = steady(8, 0.6, start_s=3.0)
    estimates = follow(play_tones(performed(TUNE[:8], times, times[-1] + 0.6)), TUNE[:8])
    assert all(e.state is FollowerState.ARMED for e in estimates if e.time_s < 2.9)
    assert not any(e.onsets for e in estimates if e.time_s < 2.99)
    assert abs(reports(estimates)[0] - 3.0) < 0.08


def test_a_page_skipped_is_found_again(play_tones: Any) -> None:
    rng = np.random.default_rng(4)
    long = [int(p) for p in 60 + rng.integers(0, 20, 120)]
    played = long[:25] + long[80:115]
    times = steady(len(played), 0.4)
    estimates = follow(play_tones(performed(played, times, times[-1] + 0.4)), long)
    assert any(e.relocated for e in estimates)
    found = next(e for e in estimates if e.relocated)
    assert found.time_s - times[25] < 4.0
    told = reports(estimates)
    assert abs(told[110] - times[25 + 30]) < 0.09


def test_ends_after_the_last_note(play_tones: Any) -> None:
    times = steady(8, 0.5)
    estimates = follow(
        play_tones(performed(TUNE[:8], times, times[-1] + 0.5), tail_s=2.0), TUNE[:8]
    )
    assert estimates[-1].state is FollowerState.ENDED


def test_locate_waits_at_the_place_named(play_tones: Any) -> None:
    times = steady(8, 0.5)
    samples = play_tones(performed(TUNE[8:16], times, times[-1] + 0.5))
    solo, tempo = written(TUNE)
    follower = BayesFollower(solo, tempo, 44_100, 256)
    follower.locate(8.0)
    told: dict[int, float] = {}
    for i in range(len(samples) // 256):
        heard = Heard((i + 1) * 256 / 44_100, samples[i * 256 : (i + 1) * 256])
        for o in follower.feed(heard).onsets:
            told[o.event] = o.reported_s
    assert min(told) == 8
    assert abs(told[12] - times[4]) < 0.09


def test_a_prefix_gives_the_same_estimates(play_tones: Any) -> None:
    times = steady(8, 0.5)
    samples = play_tones(performed(TUNE[:8], times, times[-1] + 0.5))
    whole = follow(samples, TUNE)
    half = follow(samples[: len(samples) // 2], TUNE)
    assert whole[: len(half)] == half


@given(st.integers(0, 2**32 - 1), st.sampled_from(["noise", "clicks", "clipped", "silence", "dc"]))
@settings(max_examples=15, deadline=None)
def test_no_sound_upsets_it(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    samples = np.zeros(44_100, dtype=np.float32)
    if kind == "noise":
        samples = rng.normal(0, rng.uniform(0, 1), 44_100).astype(np.float32)
    elif kind == "clicks":
        samples[rng.integers(0, 44_100, 20)] = 1.0
    elif kind == "clipped":
        samples = np.sign(rng.normal(0, 1, 44_100)).astype(np.float32)
    elif kind == "dc":
        samples[:] = rng.uniform(-1, 1)
    for e in follow(samples, TUNE):
        assert np.isfinite([e.quarter, e.quarters_per_s, e.confidence, e.level_db]).all()
        assert 0.0 <= e.confidence <= 1.0
        assert e.quarters_per_s > 0


def test_pitches_beyond_the_bank_are_followed_by_their_neighbours(play_tones: Any) -> None:
    pitches = [67, 69, 127, 72, 74, 12, 67, 62]
    times = steady(len(pitches), 0.5)
    audible = [p if 20 < p < 120 else 69 for p in pitches]
    estimates = follow(play_tones(performed(audible, times, times[-1] + 0.5)), pitches)
    assert abs(reports(estimates)[7] - times[7]) < 0.15


def test_no_events_is_refused() -> None:
    solo, tempo = written([])
    with pytest.raises(ValueError, match="without notes"):
        BayesFollower(solo, tempo, 44_100, 256)


@pytest.mark.parametrize("kind", ["hiss", "loud noise", "hum", "clicks", "bursts"])
def test_what_is_not_a_note_does_not_start_the_piece(kind: str) -> None:
    rng = np.random.default_rng(5)
    seconds = 3
    t = np.arange(seconds * 44_100) / 44_100
    sounds = {
        "hiss": rng.normal(0, 10 ** (-70 / 20), len(t)),
        "loud noise": rng.normal(0, 0.05, len(t)),
        "hum": 0.01 * np.sin(2 * np.pi * 50 * t) + 0.005 * np.sin(2 * np.pi * 150 * t),
        "clicks": np.where(np.arange(len(t)) % 22_050 == 0, 0.5, 0.0),
        "bursts": rng.normal(0, 0.05, len(t)) * (np.sin(2 * np.pi * 3 * t) > 0),
    }
    samples = np.concatenate([np.zeros(22_050), sounds[kind]]).astype(np.float32)
    estimates = follow(samples, TUNE)
    assert not any(e.onsets for e in estimates)
    assert all(e.state is FollowerState.ARMED for e in estimates)


def test_behind_the_last_note_nothing_moves(play_tones: Any) -> None:
    times = steady(8, 0.5)
    samples = play_tones(performed(TUNE[:8], times, times[-1] + 0.5), tail_s=6.0)
    estimates = follow(samples, TUNE[:8])
    ended = [e for e in estimates if e.state is FollowerState.ENDED]
    assert ended[-1] is estimates[-1]
    assert {e.quarter for e in ended} == {8.0}
    assert len({e.quarters_per_s for e in ended}) == 1
    assert ended[-1].confidence > 0.9


@pytest.mark.parametrize("level_db", [-80, -40])
def test_noise_does_not_begin_a_piece_located_in_its_middle(level_db: float) -> None:
    rng = np.random.default_rng(6)
    noise = rng.normal(0, 10 ** (level_db / 20), 4 * 44_100).astype(np.float32)
    solo, tempo = written(TUNE)
    follower = BayesFollower(solo, tempo, 44_100, 256)
    follower.locate(8.0)
    for i in range(len(noise) // 256):
        e = follower.feed(Heard((i + 1) * 256 / 44_100, noise[i * 256 : (i + 1) * 256]))
        assert not e.onsets
        assert e.quarter == pytest.approx(8.0, abs=0.05)


def test_confidence_tells_the_piece_from_another(play_tones: Any) -> None:
    times = steady(16, 0.5)
    samples = play_tones(performed(TUNE[:16], times, times[-1] + 0.5))
    right = [e.confidence for e in follow(samples, TUNE) if 2.0 < e.time_s < 8.0]
    other = [85, 88, 83, 90, 87, 95, 84, 89, 94, 86, 91, 82, 93, 85, 88, 92]
    wrong = [e.confidence for e in follow(samples, other) if 2.0 < e.time_s < 8.0]
    assert np.median(right) > 0.95
    assert np.median(wrong) < 0.5


@pytest.mark.parametrize(("a4_hz", "heard_hz"), [(415.0, 415.0), (442.0, 438.0), (392.0, 394.0)])
def test_a_tuning_that_is_known_is_found_at_once(
    play_tones: Any, a4_hz: float, heard_hz: float
) -> None:
    times = steady(len(TUNE), 0.5)
    samples = play_tones(performed(TUNE, times, times[-1] + 0.5), a4_hz=heard_hz)
    solo, tempo = written(TUNE)
    follower = BayesFollower(solo, tempo, 44_100, 256, a4_hz=a4_hz)
    assert follower.a4_hz == pytest.approx(a4_hz)
    told: dict[int, float] = {}
    for i in range(len(samples) // 256):
        now_s = (i + 1) * 256 / 44_100
        heard = Heard(now_s, samples[i * 256 : (i + 1) * 256])
        for o in follower.feed(heard).onsets:
            told[o.event] = o.reported_s
        # never far from what was said, not even in the first seconds
        assert abs(1200 * np.log2(follower.a4_hz / a4_hz)) < 60
    assert isinstance(follower, Tuned)
    assert 1200 * np.log2(follower.a4_hz / heard_hz) == pytest.approx(0.0, abs=12)
    assert max(abs(told[i] - times[i]) for i in range(3, len(TUNE))) < 0.09
