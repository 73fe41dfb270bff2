"""The semi-Markov follower on tones made to order: tempo, tuning, holds, hostile sound."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.app.offline import OfflineSettings, run_take
from accompanist.followers.hsmm.follower import HsmmFollower
from accompanist.followers.protocol import Estimate, FollowerState, Heard
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo, written_tempo
from accompanist.session import hop_samples

MELODY = [67, 69, 71, 72, 74, 71, 67, 62, 64, 66, 67, 71, 69, 74, 72, 69]
QPM = 100.0
STEP_S = 60.0 / QPM
RATE, HOP = 22_050, 128


def written(pitches: list[int]) -> tuple[SoloLine, WrittenTempo]:
    notes = tuple(Note(float(i), 1.0, p) for i, p in enumerate(pitches))
    score = Score("t", (Part(1, "solo", notes),), (), tempo_marks=(TempoMark(0.0, QPM),))
    return solo_line(score.parts[0]), written_tempo(score)


def made(pitches: list[int], a4_hz: float | None = None) -> HsmmFollower:
    solo, tempo = written(pitches)
    return HsmmFollower(solo, tempo, RATE, HOP, a4_hz=a4_hz)


def feed(follower: HsmmFollower, samples: npt.NDArray[np.float32]) -> list[Estimate]:
    return [
        follower.feed(Heard((i + 1) * HOP / RATE, samples[i * HOP : (i + 1) * HOP]))
        for i in range(len(samples) // HOP)
    ]


def steady(count: int, step_s: float, start_s: float = 0.3) -> list[float]:
    return [start_s + i * step_s for i in range(count)]


def notes_at(
    pitches: list[int], times_s: list[float], end_s: float
) -> list[tuple[float, float, float]]:
    return list(zip(times_s, [*times_s[1:], end_s], pitches, strict=True))


def reports(estimates: list[Estimate]) -> dict[int, float]:
    return {o.event: o.reported_s for e in estimates for o in e.onsets}


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.9])
def test_hsmm_finds_the_tempo_from_half_to_about_double_the_mark(
    play_tones: Any, ratio: float
) -> None:
    step = STEP_S / ratio
    times = steady(len(MELODY), step)
    samples = play_tones(notes_at(MELODY, times, times[-1] + step), rate=RATE)
    estimates = feed(made(MELODY), samples)
    told = reports(estimates)
    assert sorted(told) == list(range(len(MELODY)))
    assert max(abs(told[i] - times[i]) for i in range(3, len(MELODY))) < 0.09
    at = next(e for e in estimates if e.time_s > times[8] + 0.1)
    assert at.quarters_per_s == pytest.approx(QPM / 60 * ratio, rel=0.12)
    assert at.confidence > 0.9


def test_hsmm_is_where_the_soloist_is_between_the_notes(play_tones: Any) -> None:
    times = steady(len(MELODY), 0.5)
    samples = play_tones(notes_at(MELODY, times, times[-1] + 0.5), rate=RATE)
    errors_s = [
        e.quarter * 0.5 + 0.3 - e.time_s
        for e in feed(made(MELODY), samples)
        if times[4] < e.time_s < times[-1]
    ]
    # What makes up for the slow attacks of real instruments is ahead of these quick ones.
    assert 0.0 < float(np.median(errors_s)) < 0.03
    assert max(abs(x) for x in errors_s) < 0.06


def test_hsmm_holds_a_fermata_and_bends_no_tempo(play_tones: Any) -> None:
    times = steady(8, STEP_S)
    times += [times[-1] + 2.6 + STEP_S * i for i in range(8)]
    samples = play_tones(notes_at(MELODY, times, times[-1] + STEP_S), rate=RATE)
    estimates = feed(made(MELODY), samples)
    during = [e for e in estimates if times[7] + 1.0 < e.time_s < times[8]]
    assert all(e.quarter <= 8.0 for e in during)
    assert all(e.state is FollowerState.HOLDING for e in during)
    after = next(e for e in estimates if e.time_s > times[9] + 0.1)
    assert after.quarters_per_s == pytest.approx(QPM / 60, rel=0.12)
    assert abs(reports(estimates)[8] - times[8]) < 0.09


@pytest.mark.parametrize("a4_hz", [415.0, 440.0, 452.0])
def test_hsmm_finds_the_tuning(play_tones: Any, a4_hz: float) -> None:
    times = steady(len(MELODY), 0.5)
    samples = play_tones(notes_at(MELODY, times, times[-1] + 0.5), a4_hz=a4_hz, rate=RATE)
    follower = made(MELODY)
    told = reports(feed(follower, samples))
    assert 1200 * np.log2(follower.a4_hz / a4_hz) == pytest.approx(0.0, abs=14)
    assert max(abs(told[i] - times[i]) for i in range(4, len(MELODY))) < 0.09


def test_hsmm_waits_through_silence_and_noise_and_starts_on_the_first_note(play_tones: Any) -> None:
    times = steady(6, STEP_S, start_s=3.0)
    samples = play_tones(notes_at(MELODY[:6], times, times[-1] + STEP_S), rate=RATE)
    rng = np.random.default_rng(3)
    noise = slice(RATE, 2 * RATE)
    samples[noise] += 0.02 * rng.normal(size=RATE).astype(np.float32)
    estimates = feed(made(MELODY[:6]), samples)
    assert all(e.state is FollowerState.ARMED for e in estimates if e.time_s < 2.9)
    assert all(e.quarter == 0.0 for e in estimates if e.time_s < 2.9)
    assert abs(reports(estimates)[0] - 3.0) < 0.08


def test_hsmm_starts_where_it_was_told_and_ends_at_the_end(play_tones: Any) -> None:
    times = steady(6, 0.5)
    samples = play_tones(notes_at(MELODY[10:], times, times[-1] + 0.5), rate=RATE, tail_s=2.0)
    follower = made(MELODY)
    follower.locate(10.0)
    estimates = feed(follower, samples)
    told = reports(estimates)
    assert sorted(told) == list(range(10, 16))
    assert max(abs(told[10 + i] - times[i]) for i in range(6)) < 0.09
    assert estimates[-1].state is FollowerState.ENDED
    assert estimates[-1].quarter == 16.0


def test_hsmm_says_that_it_is_lost_in_other_music_and_takes_it_back(play_tones: Any) -> None:
    other = [55, 61, 58, 68, 63, 75, 70, 56] * 2
    right = notes_at(MELODY[:5], steady(5, STEP_S), 0.3 + 5 * STEP_S)
    away_s, back_s = 0.3 + 5 * STEP_S, 0.3 + 5 * STEP_S + 16 * 0.3
    wrong = notes_at(other, steady(16, 0.3, away_s), back_s)
    again = notes_at(MELODY[5:], steady(11, STEP_S, back_s), back_s + 11 * STEP_S)
    follower = made(MELODY * 3, 440.0)
    cut = round(back_s * RATE)
    samples = play_tones(right + wrong + again, rate=RATE)
    before = feed(follower, samples[:cut])
    assert all(e.confidence > 0.9 for e in before if e.time_s < away_s)
    assert not any(e.state is FollowerState.LOST for e in before if e.time_s < away_s)
    astray = [e for e in before if e.time_s > away_s + 2.0]
    assert np.mean([e.state is FollowerState.LOST for e in astray]) > 0.9
    assert np.mean([e.confidence < 0.5 for e in astray]) > 0.9
    follower.locate(5.0)
    after = feed(follower, samples[cut:])
    assert not any(e.state is FollowerState.LOST for e in after)
    assert after[-1].confidence > 0.9


@settings(max_examples=4, deadline=None)
@given(block=st.integers(1, 3000), cut=st.integers(RATE, 2 * RATE), seed=st.integers(0, 99))
def test_hsmm_does_not_care_for_blocks_nor_for_what_comes_later(
    block: int, cut: int, seed: int
) -> None:
    notes = tuple(Note(float(i), 1.0, p) for i, p in enumerate(MELODY[:4]))
    score = Score("t", (Part(1, "solo", notes),), (), tempo_marks=(TempoMark(0.0, 200.0),))
    t = np.arange(2 * RATE) / RATE
    tone = np.sin(2 * np.pi * 440 * 2 ** ((np.array(MELODY)[(t / 0.3).astype(int)] - 69) / 12) * t)
    samples = 0.1 * tone + 0.01 * np.random.default_rng(seed).normal(size=len(t))
    traces = []
    for size, end in ((4096, len(samples)), (block, cut)):
        asked = OfflineSettings(follower="hsmm", block=size)
        take = run_take(score, score.parts[0], samples[:end].astype(np.float32), RATE, asked)
        traces.append((take.record.times_s, take.record.quarters))
    count = len(traces[1][0])
    assert count >= cut // hop_samples(RATE) - 1
    assert list(traces[0][0][:count]) == list(traces[1][0])
    assert list(traces[0][1][:count]) == list(traces[1][1])


@pytest.mark.parametrize("kind", ["nan", "loud", "noise", "click"])
def test_hsmm_hears_anything_out(kind: str) -> None:
    rng = np.random.default_rng(5)
    samples = 0.1 * rng.normal(size=RATE).astype(np.float32)
    if kind == "nan":
        samples[1000:1100] = np.nan
        samples[3000] = np.inf
    elif kind == "loud":
        samples *= 1e4
    elif kind == "click":
        samples[:] = 0.0
        samples[::5000] = 1.0
    for e in feed(made(MELODY), samples):
        assert np.isfinite([e.quarter, e.quarters_per_s, e.confidence, e.level_db]).all()


def test_an_empty_solo_is_refused_by_hsmm() -> None:
    solo, tempo = written([])
    with pytest.raises(ValueError, match="without notes"):
        HsmmFollower(solo, tempo, RATE, HOP)
