"""What is heard of a recording in a take made offline, in virtual time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from accompanist.app.keeping.ensemble_sound import EnsembleSound
from accompanist.conducting.timeline import Timeline
from accompanist.followers.protocol import Estimate, FollowerState
from accompanist.performing.cue import Cue
from accompanist.performing.playback.player import Playback
from accompanist.recordings.sound import ArraySound
from accompanist.recordings.stretching.registry import make_stretcher
from accompanist.score.tempo import WrittenTempo
from accompanist.session import Step, hop_samples

RATE = 16_000
HOP = hop_samples(RATE)


def recording(seconds: float) -> npt.NDArray[np.float32]:
    """A click every second, and soft noise."""
    out = np.random.default_rng(0).normal(0.0, 1e-3, (round(seconds * RATE), 2))
    out[RATE::RATE] = 0.5
    return out.astype(np.float32)


def step(hop: int, speed: float) -> Step:
    time_s = hop * HOP / RATE
    line = Timeline((0.0,), (0.5,), speed)
    estimate = Estimate(time_s, 0.0, 1.0, 1.0, FollowerState.FOLLOWING)
    return Step(estimate, (), Cue(time_s, line, "following"), 0.0)


def test_the_recording_is_in_the_files_where_the_cues_had_it(tmp_path: Path) -> None:
    ends = np.array([0.0, 1.0])
    player = Playback(
        ArraySound(recording(8.0), RATE),
        None,
        WrittenTempo(ends, ends, 1.0, 1.0),
        out_rate=RATE,
        stretch=make_stretcher(),
    )
    soloist = np.zeros((4 * RATE, 1), dtype=np.float32)
    with EnsembleSound(player, tmp_path) as ensemble:
        for hop in range(1, 4 * RATE // HOP):
            ensemble.hear(step(hop, 1.25))
        ensemble.write(tmp_path, soloist)
        travelled = ensemble.travelled
    assert sorted(p.name for p in tmp_path.iterdir()) == ["accompaniment.wav", "mix.wav"]
    for name in ("accompaniment.wav", "mix.wav"):
        found, rate = soundfile.read(tmp_path / name)
        assert rate == RATE
        assert 4.0 <= len(found) / RATE <= 4.3
        for place_s in (2, 3, 4, 5):
            due = (place_s - 0.5) / 1.25
            near = slice(round((due - 0.05) * RATE), round((due + 0.05) * RATE))
            at = near.start + int(np.argmax(np.abs(found[near, 0])))
            assert abs(at / RATE - due) < 0.002
        assert not found[: HOP - 1].any()
        assert not found[-RATE // 10 :].any()
    there = travelled[travelled[:, 0] < 3.9]
    assert np.abs(there[:, 1] - 0.5 - 1.25 * there[:, 0]).max() < 1e-3


def test_given_up_half_way_it_leaves_nothing_behind(tmp_path: Path) -> None:
    ends = np.array([0.0, 1.0])
    player = Playback(
        ArraySound(recording(1.0), RATE),
        None,
        WrittenTempo(ends, ends, 1.0, 1.0),
        out_rate=RATE,
        stretch=make_stretcher(),
    )
    with EnsembleSound(player, tmp_path) as ensemble:
        ensemble.hear(step(1, 1.0))
    assert not list(tmp_path.iterdir())
