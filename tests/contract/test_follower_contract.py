"""What every follower promises, whatever it hears by: one suite for all of them."""

from __future__ import annotations

from copy import deepcopy
from functools import cache

import numpy as np
import pytest

from accompanist.errors import UsageError
from accompanist.followers.protocol import (
    EnsembleNote,
    Estimate,
    Follower,
    Heard,
    HearsEnsemble,
    PlayedNote,
    Tuned,
)
from accompanist.followers.registry import (
    DEFAULT_FOLLOWER,
    follower_names,
    follows_recordings,
    make_follower,
)
from accompanist.recordings.reference import Reference, reference_of
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

RATE, HOP = 44_100, 256
PITCHES = (60, 64, 67, 72, 71, 69, 67, 65, 64, 62, 60, 67)
PART = Part(1, "solo", tuple(Note(float(i), 1.0, p) for i, p in enumerate(PITCHES)))
SCORE = Score("scale", (PART,), (), tempo_marks=(TempoMark(0.0, 120.0),))


@cache
def reference() -> Reference:
    """Give the same scale as a recording: other sound, at the written tempo."""
    seconds = np.arange(round(0.5 * RATE)) / RATE
    tones = []
    for pitch in PITCHES:
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(0.6**h * np.sin(2 * np.pi * f0 * (h + 1) * seconds) for h in range(5))
        tones.append(0.1 * np.minimum(1.0, seconds / 0.005) * np.exp(-seconds) * tone)
    return reference_of(ArraySound(np.concatenate(tones).astype(np.float32), RATE))


def make(name: str, a4_hz: float | None = None) -> Follower:
    return make_follower(
        name,
        solo=solo_line(PART),
        tempo=written_tempo(SCORE),
        sample_rate=RATE,
        hop=HOP,
        a4_hz=a4_hz,
        reference=reference() if follows_recordings(name) else None,
    )


def stream(seed: int, hops: int) -> list[Heard]:
    """Sound and keys at once: each follower takes what it knows."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(1, hops + 1):
        phase = np.arange((i - 1) * HOP, i * HOP) / RATE
        pitch = PITCHES[min(int(i * HOP / RATE / 0.5), len(PITCHES) - 1)]
        tone = np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * phase)
        samples = (0.2 * tone + 0.02 * rng.normal(size=HOP)).astype(np.float32)
        struck = rng.random() < 0.02
        notes = (PlayedNote(i * HOP / RATE, int(rng.integers(-1, 128)), 80),) if struck else ()
        out.append(Heard(i * HOP / RATE, samples, notes))
    return out


def feed(follower: Follower, heard: list[Heard]) -> list[Estimate]:
    return [follower.feed(h) for h in heard]


SLOW_EARS = ("hmm-librosa", "oltw-librosa")
"""Followers that are tried here under another name, with an ear that takes 40 ms a frame."""


@pytest.fixture(params=[name for name in follower_names() if name not in SLOW_EARS])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_estimates_are_finite_and_carry_the_time_of_the_hop(name: str) -> None:
    heard = stream(1, 700)
    for h, e in zip(heard, feed(make(name), heard), strict=True):
        assert e.time_s == h.time_s
        assert np.isfinite([e.quarter, e.quarters_per_s, e.level_db]).all()
        assert e.quarters_per_s > 0
        assert 0.0 <= e.confidence <= 1.0


def test_reports_name_real_events_and_lie_in_their_hop(name: str) -> None:
    onsets = solo_line(PART).onsets_quarter
    told = [o for e in feed(make(name), stream(2, 900)) for o in e.onsets]
    assert told
    for o in told:
        assert o.quarter == onsets[o.event]
        assert o.time_s <= o.reported_s


def test_a_prefix_of_the_take_gives_a_prefix_of_the_estimates(name: str) -> None:
    heard = stream(3, 600)
    assert feed(make(name), heard)[:300] == feed(make(name), heard[:300])


def test_one_that_hears_the_ensemble_is_as_causal_and_never_raises(name: str) -> None:
    def told(hops: int) -> list[Estimate]:
        follower = make(name)
        assert isinstance(follower, HearsEnsemble)
        out = []
        for i, heard in enumerate(stream(5, 500)[:hops]):
            if i % 40 == 0:
                note = EnsembleNote(heard.time_s, float(40 + i % 67), 90 * (i % 80 == 0), i % 3)
                follower.ensemble((note, EnsembleNote(heard.time_s, -1.0, 100, 9)))
            out.append(follower.feed(heard))
        return out

    if not isinstance(make(name), HearsEnsemble):
        pytest.skip("hears the soloist alone")
    estimates = told(500)
    assert estimates[:250] == told(250)
    assert all(np.isfinite([e.quarter, e.confidence, e.level_db]).all() for e in estimates)


def test_two_of_a_kind_agree_and_share_nothing(name: str) -> None:
    heard = stream(4, 300)
    a, b = make(name), make(name)
    for h in heard:
        assert a.feed(h) == b.feed(h)


def test_locate_is_obeyed_and_taken_back(name: str) -> None:
    follower = make(name)
    silence = Heard(HOP / RATE, np.zeros(HOP, np.float32))
    follower.locate(5.0)
    assert follower.feed(silence).quarter == pytest.approx(5.0, abs=0.6)
    follower.locate(None)
    assert follower.feed(silence).quarter == pytest.approx(0.0, abs=0.6)


def test_latency_is_a_few_hundredths_of_a_second(name: str) -> None:
    assert 0.0 <= make(name).latency_s <= 0.1


@pytest.mark.parametrize("slow", SLOW_EARS)
def test_a_slow_ear_keeps_the_promises_too(slow: str) -> None:
    assert slow in follower_names()
    heard = stream(5, 120)
    follower = make(slow)
    again = deepcopy(follower)
    estimates = feed(follower, heard)
    assert feed(again, heard[:60]) == estimates[:60]
    assert [e.time_s for e in estimates] == [h.time_s for h in heard]
    assert all(np.isfinite([e.quarter, e.quarters_per_s]).all() for e in estimates)
    assert [o.event for e in estimates for o in e.onsets][:1] == [0]
    assert 0.0 <= follower.latency_s <= 0.12
    follower.locate(5.0)
    silence = Heard(HOP / RATE, np.zeros(HOP, np.float32))
    assert follower.feed(silence).quarter == pytest.approx(5.0, abs=0.6)


def test_an_unknown_name_is_a_usage_error_that_lists_the_known() -> None:
    assert DEFAULT_FOLLOWER in follower_names()
    with pytest.raises(UsageError, match=DEFAULT_FOLLOWER):
        make("nobody")


@pytest.mark.parametrize("of_recordings", ["recording", "recording-hmm"])
def test_a_follower_of_recordings_wants_one(of_recordings: str) -> None:
    assert of_recordings in follower_names()
    with pytest.raises(UsageError, match="this piece has a score: use bayes"):
        make_follower(
            of_recordings, solo=solo_line(PART), tempo=written_tempo(SCORE), sample_rate=RATE,
            hop=HOP,
        )  # fmt: skip


def test_a_tuning_may_be_known(name: str) -> None:
    follower = make(name, a4_hz=415.0)
    assert follower.feed(stream(1, 1)[0]).time_s == HOP / RATE
    if isinstance(follower, Tuned):
        assert follower.a4_hz == pytest.approx(415.0, rel=0.02)


@pytest.mark.parametrize("a4_hz", [0.0, 300.0, 500.0, float("nan")])
def test_a_tuning_that_nobody_plays_in_is_refused(name: str, a4_hz: float) -> None:
    with pytest.raises(UsageError, match="392"):
        make(name, a4_hz)
