"""What sounds of a recording, in virtual time: the cue, the desk, silence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.app.recording_player.core import FADE_S, STALE_S, RecordingCore
from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from accompanist.performing.playback.player import Playback
from accompanist.recordings.sound import ArraySound
from accompanist.recordings.stretching.registry import make_stretcher as vocoder
from accompanist.score.model import Score, TempoMark
from accompanist.score.tempo import written_tempo

RATE = 1000
BLOCK = 50
OFFSET_S = 500.0
"""Monotonic minus take time."""

FloatArray = npt.NDArray[np.float32]


class FakeBoard:
    def __init__(self) -> None:
        self.version = self.read_version = 0
        self.heartbeat_s = float("-inf")
        self.cue: tuple[Cue, float] | None = None

    def publish(self, cue: Cue, now_s: float, offset_s: float = OFFSET_S) -> None:
        self.version += 1
        self.cue = (cue, offset_s)
        self.heartbeat_s = now_s

    def read(self) -> tuple[Cue, float] | None:
        self.read_version = self.version
        return self.cue


class FakePlayback:
    """Gives the number of the source's sample at each moment, thousandths: a ramp."""

    def __init__(self) -> None:
        self.solo_level, self.gain = 0.0, 1.0
        self.taken: list[Cue] = []
        self.asked: list[tuple[float, int]] = []

    @property
    def source_s(self) -> float | None:
        return 1.0

    def take(self, cue: Cue) -> None:
        self.taken.append(cue)

    def render(self, start_s: float, count: int) -> FloatArray:
        self.asked.append((start_s, count))
        times = start_s + np.arange(count) / RATE
        line = self.taken[-1].timeline
        quarters = [line.to_quarter(float(t)) for t in times]
        return (self.gain * np.array(quarters, dtype=np.float32) / 1000.0)[:, None]


class Hall:
    """A core, its clock, and the board in front of it."""

    def __init__(self) -> None:
        self.now_s = OFFSET_S
        self.board, self.playback = FakeBoard(), FakePlayback()
        self.core = RecordingCore(self.board, lambda: self.now_s)
        self.core.load(self.playback, RATE, asked_s=self.now_s - 1.0)

    def cue(self, rate: float = 1.0, **changes: object) -> Cue:
        cue = Cue(self.now_s - OFFSET_S, Timeline((0.0,), (0.0,), rate), "following")
        return replace(cue, **changes)  # type: ignore[arg-type]

    def publish(self, cue: Cue | None = None, offset_s: float = OFFSET_S) -> None:
        self.board.publish(cue or self.cue(), self.now_s, offset_s)

    def render(self, count: int = BLOCK) -> FloatArray:
        sound = self.core.render(self.now_s, count)
        self.now_s += count / RATE
        assert sound.shape == (count, 2)
        assert sound.dtype == np.float32
        return sound


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_nothing_sounds_before_there_is_a_cue(hall: Hall) -> None:
    assert not hall.render().any()
    assert hall.playback.asked == []


def test_what_is_heard_at_a_time_is_what_the_timeline_says(hall: Hall) -> None:
    hall.publish()
    for _ in range(4):
        hall.render()
        hall.board.heartbeat_s = hall.now_s
    begin_s = hall.now_s - OFFSET_S
    np.testing.assert_allclose(
        hall.render()[:, 0], (begin_s + np.arange(BLOCK) / RATE) / 1000.0, atol=1e-7
    )


def test_sound_comes_and_goes_gently(hall: Hall) -> None:
    hall.now_s += 10.0
    hall.publish()
    risen = hall.render()[:, 0]
    fade = round(FADE_S * RATE)
    assert np.all(np.diff(risen[:fade]) > 0)
    assert risen[fade] == pytest.approx(0.010, rel=0.01)
    hall.core.silence()
    fallen = hall.render()[:, 0]
    assert np.all(np.diff(fallen[: fade - 1]) < 0)
    assert not fallen[fade:].any()
    assert not hall.render().any()


def test_after_silence_the_same_cue_says_nothing_and_a_new_one_does(hall: Hall) -> None:
    hall.publish()
    hall.render()
    hall.core.silence()
    hall.render()
    hall.board.heartbeat_s = hall.now_s
    assert not hall.render().any()
    hall.publish(hall.cue(rate=1.1))
    assert hall.render().any()


def test_an_engine_that_says_nothing_is_not_played_for_and_one_that_is_back_is(hall: Hall) -> None:
    hall.publish()
    hall.render()
    hall.now_s += STALE_S
    hall.render()
    assert not hall.render().any()
    hall.board.heartbeat_s = hall.now_s
    assert hall.render().any()


def test_a_cue_from_before_the_piece_was_asked_for_is_not_taken(hall: Hall) -> None:
    hall.publish()
    hall.core.load(hall.playback, RATE, asked_s=hall.now_s + 1.0)
    assert not hall.render().any()
    hall.now_s += 2.0
    hall.publish()
    assert hall.render().any()


def test_a_new_origin_of_time_is_a_jump(hall: Hall) -> None:
    hall.publish(hall.cue(jumps=3))
    hall.render()
    hall.publish(hall.cue(jumps=3, rate=1.2))
    hall.render()
    hall.publish(hall.cue(jumps=3), offset_s=OFFSET_S + 7.0)
    hall.render()
    hall.publish(hall.cue(jumps=4), offset_s=OFFSET_S + 7.0)
    hall.render()
    assert [cue.jumps for cue in hall.playback.taken] == [1, 1, 2, 3]


def test_the_desk_is_heard(hall: Hall) -> None:
    hall.core.mix("gain", -6.0)
    assert hall.playback.gain == pytest.approx(0.501, abs=1e-3)
    hall.core.mix("mute", 1.0)
    assert hall.playback.gain == 0.0
    hall.core.mix("mute", 0.0)
    hall.core.mix("gain", 40.0)
    assert hall.playback.gain == pytest.approx(10 ** (12 / 20))
    hall.core.mix("solo", 0.4)
    assert hall.playback.solo_level == 0.4
    with pytest.raises(ValueError, match="no control"):
        hall.core.mix("reverb", 1.0)


def test_the_balance_moves_within_a_block(hall: Hall) -> None:
    hall.now_s += 10.0
    hall.publish()
    hall.render()
    hall.core.mix("pan", 1.0)
    moving = hall.render()
    assert np.all(np.diff(moving[:, 0]) < 0)
    assert np.all(np.diff(moving[:, 1]) > 0)
    after = hall.render()
    assert not after[:, 0].any()
    assert after[:, 1].all()


def test_a_fresh_recording_is_set_as_the_desk_is(hall: Hall) -> None:
    hall.core.mix("solo", 0.7)
    hall.core.mix("gain", -90.0)
    fresh = FakePlayback()
    hall.core.load(fresh, RATE, asked_s=hall.now_s)
    assert (fresh.solo_level, fresh.gain) == (0.7, 0.0)


@given(
    st.lists(
        st.tuples(st.sampled_from(("publish", "silence", "wait", "mute", "load", "render")),
                  st.integers(1, 90)),
        min_size=1,
        max_size=30,
    )
)  # fmt: skip
def test_whatever_happens_there_is_no_click(steps: list[tuple[str, int]]) -> None:
    """Sound of a constant level changes by no more than the fade allows."""
    hall = Hall()
    hall.playback.render = (  # type: ignore[method-assign]
        lambda start_s, count: np.ones((count, 1), dtype=np.float32)
    )
    heard = [np.zeros((1, 2), dtype=np.float32)]
    for what, count in steps:
        match what:
            case "publish":
                hall.publish(hall.cue(rate=1.0 + count / 100.0))
            case "silence":
                hall.core.silence()
            case "wait":
                hall.board.heartbeat_s -= count / 50.0
            case "mute":
                hall.core.mix("mute", count % 2)
            case "load":
                hall.core.silence()
                heard.append(hall.render(40))
                hall.core.load(hall.playback, RATE, asked_s=hall.now_s)
        heard.append(hall.render(count))
    sound = np.concatenate(heard)
    assert np.max(np.abs(np.diff(sound, axis=0))) <= 1.01 / (FADE_S * RATE)


# ---- with the real recording player --------------------------------------------------------------


@pytest.mark.parametrize(("speed", "amiss_s"), [(1.0, 0.0005), (1.25, 0.006), (0.8, 0.006)])
def test_a_click_is_handed_over_when_a_note_of_that_time_would_be(
    speed: float, amiss_s: float
) -> None:
    """A click a second in the recording: second *s* leaves at the cue's time of *s*."""
    rate, begin_s = 16_000, 2.0
    clicks = np.zeros((8 * rate, 1), dtype=np.float32)
    for second in range(1, 8):
        clicks[second * rate : second * rate + 32] = 0.8
    tempo = written_tempo(Score("", (), (), tempo_marks=(TempoMark(0.0, 60.0),), recording_s=8.0))
    board = FakeBoard()
    core = RecordingCore(board, lambda: board.heartbeat_s)
    playback = Playback(ArraySound(clicks, rate), None, tempo, out_rate=rate, stretch=vocoder())
    core.load(playback, rate, asked_s=0.0)
    line = Timeline((begin_s,), (0.0,), speed)
    heard = []
    for block in range(round((begin_s + 6.5 / speed) * rate) // 256):
        at_s = OFFSET_S + block * 256 / rate
        board.publish(Cue(at_s - OFFSET_S, line, "following", plays_from=0.0), at_s)
        heard.append(core.render(at_s, 256)[:, 0])
    sound = np.abs(np.concatenate(heard))
    for second in range(1, 6):
        due_s = begin_s + second / speed
        near = sound[round((due_s - 0.2) * rate) : round((due_s + 0.2) * rate)]
        weight = near**2
        centre_s = float(np.sum(weight * np.arange(len(near))) / np.sum(weight)) / rate - 0.2
        assert centre_s == pytest.approx(0.001, abs=amiss_s + 0.0005), second
