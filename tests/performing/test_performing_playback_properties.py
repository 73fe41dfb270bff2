"""Whatever a recording is cued to do: nothing is raised, nothing clicks, nothing is too loud."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from accompanist.performing.playback.player import Playback
from accompanist.recordings.sound import ArraySound
from accompanist.recordings.stretching.registry import make_stretcher
from accompanist.score.tempo import WrittenTempo

RATE = 8000
STATES = (
    "idle",
    "armed",
    "countin",
    "following",
    "holding",
    "waiting",
    "vamping",
    "lost",
    "paused",
    "ended",
)

FloatArray = npt.NDArray[np.float32]


def tones(seconds: float, hz: float) -> FloatArray:
    t = np.arange(round(seconds * RATE)) / RATE
    chord = np.sin(2 * np.pi * hz * t) + np.sin(2 * np.pi * 1.5 * hz * t)
    return np.asarray(0.1 * chord, dtype=np.float32)[:, None]


MIX, OTHERS = tones(6.0, 160.0) + tones(6.0, 200.0), tones(6.0, 200.0)
LARGEST_STEP = float(np.abs(np.diff(MIX, axis=0)).max())
TEMPO = WrittenTempo(np.array([0.0, 4.0, 8.0]), np.array([0.0, 2.0, 5.0]), 2.0, 4.0 / 3.0)


@st.composite
def cues(draw: st.DrawFn) -> list[Cue]:
    out: list[Cue] = []
    time_s, jumps, silences = 0.0, 0, 0
    for _ in range(draw(st.integers(1, 7))):
        time_s += draw(st.sampled_from((0.0, 0.003, 0.02, 0.1, 0.3)))
        quarter = draw(st.floats(-2.0, 14.0))
        jumps += draw(st.integers(0, 1))
        silences += draw(st.integers(0, 1))
        goes_on: bool = draw(st.booleans())
        if out and goes_on:  # at another speed
            quarter = out[-1].timeline.to_quarter(time_s)
        knot = draw(st.floats(0.01, 0.5))
        line = Timeline(
            (time_s, time_s + knot),
            (quarter, quarter + knot * draw(st.floats(0.02, 30.0))),
            draw(st.floats(0.02, 30.0)),
            draw(st.sampled_from((float("inf"), quarter - 0.5, quarter, quarter + 0.3))),
        )
        state = draw(st.sampled_from(STATES + ("following",) * 8))
        fade = draw(st.sampled_from((1.0, 1.0, 0.4, 0.0)))
        plays_from = draw(st.sampled_from((0.0, quarter, quarter + 0.2)))
        playing = draw(st.booleans())
        out.append(Cue(time_s, line, state, jumps, plays_from, playing, silences, fade))
    return out


@pytest.mark.parametrize("name", ["phase-gradient", "phase-vocoder"])
@given(told=cues(), level=st.floats(0.0, 1.0), block=st.sampled_from((32, 480, 1111)))
@settings(max_examples=25)
def test_whatever_it_is_told_it_goes_on_without_a_click(
    name: str, told: list[Cue], level: float, block: int
) -> None:
    player = Playback(
        ArraySound(MIX, RATE),
        ArraySound(OTHERS, RATE),
        TEMPO,
        out_rate=RATE,
        stretch=make_stretcher(name),
    )
    pieces = []
    for i in range(0, round((told[-1].time_s + 0.6) * RATE), block):
        while told and told[0].time_s <= i / RATE:
            player.take(told.pop(0))
        if i > RATE // 10:
            player.solo_level = level
        pieces.append(player.render(i / RATE, block))
    out = np.concatenate(pieces)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 1.0
    # Two voices at most sound at once, and a beginning takes 4 ms.
    begins = 2 * float(np.abs(MIX).max()) * np.pi / 2 / (0.004 * RATE)
    assert np.abs(np.diff(out, axis=0)).max() < 2.5 * LARGEST_STEP + begins
    for time_s, place_s in player.travelled():
        assert np.isfinite((time_s, place_s)).all()


@given(told=cues(), block=st.sampled_from((1000, 77)))
@settings(max_examples=10)
def test_the_block_size_has_no_influence_on_anything(told: list[Cue], block: int) -> None:
    outs = []
    for size in (256, block):
        player = Playback(
            ArraySound(OTHERS, RATE),
            None,
            TEMPO,
            out_rate=RATE,
            stretch=make_stretcher(),
        )
        for one in told:
            player.take(one)
        count = round((told[-1].time_s + 0.3) * RATE)
        parts = [player.render(i / RATE, size) for i in range(0, count, size)]
        outs.append(np.concatenate(parts)[:count])
    assert np.abs(outs[0] - outs[1]).max() < 1e-4
