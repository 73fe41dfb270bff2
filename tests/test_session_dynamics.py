"""The soloist's loudness, from the samples to the velocities and controllers that are sent."""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import Estimate, FollowerState, Heard, OnsetReport
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.performing.performer import Performer
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import Session, hop_samples

RATE = 8000
HOP = hop_samples(RATE)
BARS = 12
FloatArray = npt.NDArray[np.float32]


class PunctualFollower:
    """Knows that the soloist plays a quarter a second from the first second on."""

    latency_s = 0.0

    def __init__(self, solo: SoloLine) -> None:
        self._count = len(solo)
        self._next = 0

    def feed(self, heard: Heard) -> Estimate:
        level_db = 10.0 * math.log10(float(np.mean(np.square(heard.samples))) + 1e-12)
        quarter = heard.time_s - 1.0
        onsets: tuple[OnsetReport, ...] = ()
        if self._next <= quarter and self._next < self._count:
            at = float(self._next)
            onsets = (OnsetReport(heard.time_s, at + 1.0, at, self._next),)
            self._next += 1
        state = FollowerState.FOLLOWING if self._next else FollowerState.ARMED
        return Estimate(heard.time_s, quarter, 1.0, 0.9, state, onsets, False, level_db)

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        self._next = 0 if quarter is None else math.ceil(quarter)


def trio() -> Score:
    solo = tuple(Note(float(i), 1.0, 72) for i in range(4 * BARS))
    piano = tuple(Note(float(i), 1.0, 60 + i % 3) for i in range(4 * BARS))
    strings = tuple(Note(8.0 * i, 8.0, 50 + i % 3) for i in range(BARS // 2))
    parts = (
        Part(1, "Flute", solo), Part(2, "Piano", piano), Part(3, "Strings", strings, program=48),
    )  # fmt: skip
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(BARS))
    return Score("Trio", parts, bars, tempo_marks=(TempoMark(0.0, 60.0),))


def swelling(length_s: float, db: float) -> FloatArray:
    """Noise from the first second on that gets louder and softer by so many dB, 16 s a swell."""
    t = np.arange(int(length_s * RATE)) / RATE
    gain = 0.05 * 10.0 ** (db * np.sin(2 * np.pi * t / 16.0) / 20.0)
    noise = np.random.default_rng(5).standard_normal(len(t)) * gain
    return np.where(t < 1.0, 1e-5, noise).astype(np.float32)


def sent(samples: FloatArray, block: int, depth: float = 0.5) -> list[TimedMessage]:
    score = trio()
    tempo, line = written_tempo(score), solo_line(score.parts[0])
    plan = accompaniment_plan(score, 1, tempo)
    how = ConductorSettings(dynamics_depth=depth)
    session = Session(
        follower=PunctualFollower(line),
        conductor=Conductor(score, line, tempo, how, plan.onsets_quarter),
        performer=Performer(plan),
        sample_rate=RATE,
        hop=HOP,
    )
    steps = [
        step
        for start in range(0, len(samples), block)
        for step in session.feed(samples[start : start + block])
    ]
    return [message for step in steps for message in step.messages]


SWELLING = swelling(40.0, 8.0)
WHOLE = sent(SWELLING, len(SWELLING))


def velocities(messages: list[TimedMessage], part: int) -> list[tuple[float, int]]:
    return [
        (m.time_s, m.message.value)
        for m in messages
        if m.part == part and m.message.kind is Kind.ON
    ]


def expressions(messages: list[TimedMessage]) -> list[tuple[float, int]]:
    return [
        (m.time_s, m.message.value)
        for m in messages
        if m.part == 3 and m.message.kind is Kind.CC and m.message.number == 11
    ]


def test_the_strokes_swell_with_the_soloist_a_little_later() -> None:
    times, struck = (np.array(column) for column in zip(*velocities(WHOLE, 2), strict=True))
    levels_db = 40.0 * np.log10(struck / 80.0)
    likeness = [
        np.corrcoef(levels_db[8:], np.sin(2 * np.pi * (times[8:] - lag_s) / 16.0))[0, 1]
        for lag_s in np.arange(0.0, 8.0, 0.1)
    ]
    assert max(likeness) > 0.93
    assert 0.5 < 0.1 * int(np.argmax(likeness)) < 2.5
    assert 1.5 < levels_db.max() < 4.5
    assert -5.0 < levels_db.min() < -1.5


def test_held_notes_swell_within_in_small_steps_and_not_too_many() -> None:
    steps = expressions(WHOLE)
    held = [(t, v) for t, v in steps if 9.2 < t % 8.0 + 8.0 < 16.8]
    assert len({v for _, v in held}) > 4
    assert len(steps) / 40.0 < 4.0
    struck = {t for t, _ in velocities(WHOLE, 3)}
    for (at, value), (then, other) in pairwise(steps):
        if then not in struck:  # between two notes it may take a new stand
            assert abs(40.0 * math.log10(other / value)) < 2.0
            assert then - at > 0.02


def test_an_even_soloist_and_a_depth_of_nothing_leave_all_as_written() -> None:
    for messages in (sent(swelling(30.0, 0.0), 4096), sent(SWELLING, 4096, depth=0.0)):
        assert {v for _, v in velocities(messages, 2) + velocities(messages, 3)} == {80}
        assert {v for _, v in expressions(messages)} == {127}


@pytest.mark.parametrize("block", [64, 1000])
def test_blocks_do_not_matter(block: int) -> None:
    assert sent(SWELLING, block) == WHOLE


def test_what_is_sent_does_not_depend_on_what_comes_later() -> None:
    until_s = 20.0
    cut = sent(SWELLING[: int(until_s * RATE)], 512)
    last_s = until_s - 2 * HOP / RATE
    assert [m for m in cut if m.time_s < last_s] == [m for m in WHOLE if m.time_s < last_s]
