"""A recording whose cues come late: the engine fell behind, or nobody asked for sound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from accompanist.performing.playback.player import Playback
from accompanist.recordings.sound import ArraySound
from accompanist.recordings.stretching.registry import make_stretcher
from accompanist.score.tempo import WrittenTempo

RATE = 16_000
LOUD = 0.123
"""Level of `tones`."""

FloatArray = npt.NDArray[np.float32]


def tones(seconds: float = 10.0) -> FloatArray:
    t = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * 200.0 * k * t + k) for k in (1, 1.26, 1.5))
    return np.asarray(0.1 * chord, dtype=np.float32)


def playback(mix: FloatArray) -> Playback:
    """A recording whose quarters are seconds."""
    ends = np.array([0.0, 1.0])
    tempo = WrittenTempo(ends, ends, 1.0, 1.0)
    return Playback(ArraySound(mix, RATE), None, tempo, out_rate=RATE, stretch=make_stretcher())


def cue(told_s: float, place_s: float, *, since_s: float | None = None, hold: bool = False) -> Cue:
    """Told at a take time: at a place, going on or held there, since then or earlier."""
    line = Timeline(
        (told_s if since_s is None else since_s,),
        (place_s,),
        1.0,
        place_s if hold else float("inf"),
    )
    return Cue(told_s, line, "holding" if hold else "following")


def played(player: Playback, *cues: Cue, seconds: float) -> FloatArray:
    for one in cues:
        player.take(one)
    return np.concatenate(
        [player.render(i / 100, RATE // 100) for i in range(round(100 * seconds))]
    )


def levels(samples: FloatArray) -> FloatArray:
    """Of each tenth of a second."""
    tenths = samples.reshape(-1, RATE // 10)
    return np.asarray(np.sqrt(np.square(tenths).mean(axis=1)), dtype=np.float32)


def steps(samples: FloatArray) -> float:
    return float(np.abs(np.diff(samples, axis=0)).max())


@pytest.mark.parametrize("late_s", [0.05, 0.2, 0.35, 0.8, 1.5])
def test_a_hold_that_is_told_late_is_held_at_its_place(late_s: float) -> None:
    mix = tones()
    player = playback(mix)
    hold = cue(2.0 + late_s, 2.0, since_s=2.0, hold=True)
    out = played(player, cue(0.0, 0.0), hold, cue(4.5, 2.0), seconds=6.0)
    times, places = np.array(player.travelled()).T
    held = (times > 2.1 + late_s) & (times < 4.49)
    assert places[held] == pytest.approx(2.0, abs=0.02)
    on = times > 4.7
    assert places[on] == pytest.approx(times[on] - 2.5, abs=0.002)
    assert levels(out)[1:] == pytest.approx(LOUD, rel=0.35)
    assert steps(out) < 1.6 * steps(mix[:, None])


def test_after_a_standstill_a_hold_farther_on_is_held() -> None:
    player = playback(tones())
    player.take(cue(0.0, 0.0))
    player.render(0.0, RATE)
    player.take(cue(1.0, 2.0, since_s=2.0, hold=True))
    out = player.render(3.0, RATE)
    assert levels(out)[1:] == pytest.approx(LOUD, rel=0.35)
    assert player.source_s == pytest.approx(2.0, abs=0.02)


def test_a_hold_that_moves_back_far_while_it_is_held_is_held_there() -> None:
    player = playback(tones())
    holds = cue(2.0, 2.0, hold=True), cue(3.0, 1.2, since_s=1.2, hold=True)
    out = played(player, cue(0.0, 0.0), *holds, cue(4.0, 1.2), seconds=5.0)
    assert levels(out)[1:] == pytest.approx(LOUD, rel=0.35)
    assert player.source_s == pytest.approx(2.2, abs=0.02)
