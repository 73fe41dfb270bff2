from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.kalman_tempo import KalmanTempo
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import Estimate, FollowerState, Heard, OnsetReport, PlayedNote
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.performing.performer import Performer
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import ControlChange, Measure, Note, Part, Score, TempoMark
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import Session, Step, hop_samples, mono

RATE = 8000
HOP = hop_samples(RATE)
FloatArray = npt.NDArray[np.float32]


class LoudHopFollower:
    """Takes every hop that is suddenly loud, and every key, for the next solo note."""

    def __init__(self, solo: SoloLine) -> None:
        self._quarters = solo.onsets_quarter
        self._next = 0
        self._level = 0.0
        self._heard_s = 0.0
        self.latency_s = 0.006
        self.located: list[float | None] = []

    def feed(self, heard: Heard) -> Estimate:
        level = float(np.abs(heard.samples).max(initial=0.0))
        struck = (level > 0.2 and self._level <= 0.2) or any(n.velocity for n in heard.notes)
        self._level = level
        onsets: tuple[OnsetReport, ...] = ()
        if struck and self._next < len(self._quarters):
            quarter = float(self._quarters[self._next])
            onsets = (OnsetReport(heard.time_s, heard.time_s - 0.002, quarter, self._next),)
            self._next += 1
            self._heard_s = heard.time_s
        at = float(self._quarters[max(self._next - 1, 0)])
        quarter = at + min(heard.time_s - self._heard_s, 1.0) if self._next else 0.0
        state = FollowerState.FOLLOWING if self._next else FollowerState.ARMED
        return Estimate(heard.time_s, quarter, 1.0, 0.9, state, onsets)

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        self.located.append(quarter)
        self._next = 0 if quarter is None else int(np.searchsorted(self._quarters, quarter - 1e-6))


def duet(bars: int = 4) -> Score:
    solo = tuple(Note(float(i), 1.0, 72) for i in range(4 * bars))
    piano = tuple(Note(i / 2, 0.5, 50 + i % 3) for i in range(8 * bars))
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(bars))
    parts = (Part(1, "Flute", solo), Part(2, "Piano", piano))
    return Score("Duet", parts, measures, tempo_marks=(TempoMark(0.0, 240.0),))


def make_session() -> Session:
    score = duet()
    tempo, line = written_tempo(score), solo_line(score.parts[0])
    plan = accompaniment_plan(score, 1, tempo)
    return Session(
        follower=LoudHopFollower(line),
        conductor=Conductor(score, line, tempo, None, plan.onsets_quarter),
        performer=Performer(plan),
        sample_rate=RATE,
        hop=HOP,
    )


def claps(times_s: Iterable[float], length_s: float) -> FloatArray:
    samples = np.zeros(int(length_s * RATE), dtype=np.float32)
    for time_s in times_s:
        start = int(time_s * RATE)
        samples[start : start + 200] = 0.8
    return samples


def steps_of(samples: FloatArray, cuts: Iterable[int] = ()) -> list[Step]:
    session = make_session()
    steps: list[Step] = []
    for block in np.split(samples, sorted(cuts)):
        steps += session.feed(block)
    return steps


TAKE = claps([0.5, 0.76, 1.01, 1.3, 1.5, 1.8, 2.05], 3.0)
WHOLE = steps_of(TAKE)


def test_a_step_comes_for_every_whole_hop() -> None:
    assert len(WHOLE) == len(TAKE) // HOP
    assert [s.estimate.time_s for s in WHOLE[:2]] == [HOP / RATE, 2 * HOP / RATE]


def test_the_ensemble_begins_with_the_soloist() -> None:
    first = next(m for s in WHOLE for m in s.messages if m.message.kind is Kind.ON)
    assert 0.5 < first.time_s < 0.53
    assert first.quarter == 0.0


def test_a_message_is_sent_between_the_end_of_the_hop_that_decided_it_and_the_next() -> None:
    for step in WHOLE:
        for message in step.messages:
            assert step.estimate.time_s <= message.time_s <= step.estimate.time_s + HOP / RATE


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(TAKE)), max_size=12))
def test_the_block_size_has_no_influence(cuts: list[int]) -> None:
    assert steps_of(TAKE, cuts) == WHOLE


@settings(max_examples=30, deadline=None)
@given(st.integers(0, len(TAKE)))
def test_a_take_cut_short_begins_like_the_whole(length: int) -> None:
    steps = steps_of(TAKE[:length])
    assert steps == WHOLE[: length // HOP]


def test_hops_that_were_not_asked_for_come_with_the_next_block() -> None:
    session = make_session()
    early = session.feed(TAKE[: 10 * HOP])
    steps = [next(early), next(early)]
    steps += session.feed(TAKE[10 * HOP : 20 * HOP])
    assert steps == WHOLE[:20]


def test_finish_lets_everything_go() -> None:
    session = make_session()
    sent = [m for s in session.feed(TAKE) for m in s.messages] + list(session.finish())
    ons = sum(m.message.kind is Kind.ON for m in sent)
    offs = sum(m.message.kind is Kind.OFF for m in sent)
    assert ons == offs > 10


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_do_no_harm(bad: float) -> None:
    samples = TAKE.copy()
    samples[100:2000:7] = bad
    assert len(steps_of(samples)) == len(WHOLE)


def test_channels_are_mixed_sample_by_sample() -> None:
    stereo = np.stack((TAKE, TAKE), axis=1)
    assert np.array_equal(mono(stereo), TAKE)
    six = np.zeros((100, 6), dtype=np.int16)
    assert mono(six).dtype == np.float32


def test_keys_drive_the_same_machine() -> None:
    session = make_session()
    struck = [PlayedNote(0.5 + 0.25 * i, 72, 80) for i in range(6)]
    steps = list(session.feed_notes(struck[:3], 1.1)) + list(session.feed_notes(struck[3:], 2.5))
    assert len(steps) == int(2.5 * RATE / HOP)
    reported = [o.event for s in steps for o in s.estimate.onsets]
    assert reported == [0, 1, 2, 3, 4, 5]
    assert any(m.message.kind is Kind.ON for s in steps for m in s.messages)


class ErraticFollower:
    """Says whatever it is told to say: reports in any order, leaps, doubts."""

    latency_s = 0.02

    def __init__(self, script: list[tuple[int, FollowerState, bool]], every: int) -> None:
        self._script, self._every, self._hops = script, every, 0
        self._at = (0, FollowerState.ARMED, False)

    def feed(self, heard: Heard) -> Estimate:
        self._hops += 1
        index, due = divmod(self._hops, self._every)
        fresh = due == 0 and index <= len(self._script)
        if fresh:
            self._at = self._script[index - 1]
        event, state, relocated = self._at
        onsets: tuple[OnsetReport, ...] = ()
        if fresh and state is FollowerState.FOLLOWING:
            onsets = (OnsetReport(heard.time_s, heard.time_s - 0.02, float(event), event),)
        return Estimate(
            heard.time_s, float(event), 2.0, 0.6, state, onsets, relocated and fresh, -30.0
        )

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        self._at = (int(quarter or 0), FollowerState.ARMED, False)


COMMANDS = ("start", "stop", "arm", "cue", "locate", "lock", "unlock", "loop")


def command(session: Session, name: str) -> None:
    match name:
        case "locate":
            session.locate(5.0)
        case "lock" | "unlock":
            session.lock(name == "lock")
        case "loop":
            session.loop(4.0, 6.0)
        case _:
            getattr(session, name)()


@settings(max_examples=40, deadline=None)
@given(
    script=st.lists(
        st.tuples(st.integers(0, 15), st.sampled_from(list(FollowerState)), st.booleans()),
        max_size=30,
    ),
    every=st.integers(5, 60),
    commands=st.lists(st.tuples(st.integers(0, 600), st.sampled_from(COMMANDS)), max_size=8),
)
def test_whatever_is_heard_and_commanded_every_on_has_one_off_in_time(
    script: list[tuple[int, FollowerState, bool]],
    every: int,
    commands: list[tuple[int, str]],
) -> None:
    score = duet()
    tempo, line = written_tempo(score), solo_line(score.parts[0])
    plan = accompaniment_plan(score, 1, tempo)
    session = Session(
        follower=ErraticFollower(script, every),
        conductor=Conductor(score, line, tempo, None, plan.onsets_quarter),
        performer=Performer(plan),
        sample_rate=RATE,
        hop=HOP,
    )
    hop_s, last_s = HOP / RATE, 0.0
    down: set[tuple[int, int]] = set()
    sent: list[TimedMessage] = []
    for hop in range(600):
        for at, name in commands:
            if at == hop:
                command(session, name)
        (step,) = session.feed(np.zeros(HOP, dtype=np.float32))
        for message in step.messages:
            assert step.estimate.time_s - 1e-9 <= message.time_s
            assert message.time_s <= step.estimate.time_s + hop_s + 1e-9
        sent += step.messages
    for message in (*sent, *session.finish()):
        assert message.time_s >= last_s
        last_s = message.time_s
        key = (message.message.channel, message.message.number)
        if message.message.kind is Kind.ON:
            assert key not in down
            down.add(key)
        elif message.message.kind is Kind.OFF:
            down.remove(key)
    assert not down


def test_stop_silences_and_locate_moves_everybody() -> None:
    score = duet()
    tempo, line = written_tempo(score), solo_line(score.parts[0])
    plan = accompaniment_plan(score, 1, tempo)
    follower = LoudHopFollower(line)
    session = Session(
        follower=follower,
        conductor=Conductor(score, line, tempo, None, plan.onsets_quarter),
        performer=Performer(plan),
        sample_rate=RATE,
        hop=HOP,
    )
    list(session.feed(TAKE[:8000]))
    session.stop()
    (step,) = session.feed(TAKE[8000 : 8000 + HOP])
    assert step.state == "idle"
    assert any(m.message.kind is Kind.OFF for m in step.messages)
    session.locate(8.0)
    (step,) = session.feed(np.zeros(HOP, dtype=np.float32))
    assert (step.state, step.jumped, step.played_quarter) == ("armed", True, 8.0)
    assert follower.located == [8.0]
    steps = list(session.feed(claps([0.5], 1.0)))
    first = next(m for s in steps for m in s.messages if m.message.kind is Kind.ON)
    assert first.quarter == 8.0


class SkippingFollower:
    """Hears the first note at 0.1 s and, at 0.6 s, finds the soloist a bar further on."""

    latency_s = 0.0

    def feed(self, heard: Heard) -> Estimate:
        now_s = heard.time_s
        quarter = 0.0 if now_s < 0.1 else 4.0 * (now_s - 0.1) + (4.0 if now_s >= 0.6 else 0.0)
        first = OnsetReport(now_s, now_s, 0.0, 0)
        onsets = (first,) if now_s >= 0.1 > now_s - HOP / RATE else ()
        relocated = now_s >= 0.6 > now_s - HOP / RATE
        return Estimate(now_s, quarter, 4.0, 0.9, FollowerState.FOLLOWING, onsets, relocated, -20.0)

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        """Nobody says so."""


@pytest.mark.parametrize("command", ["skip", "stop", "goto"])
def test_a_skip_of_the_soloist_does_not_cut_the_long_chord_but_a_human_does(command: str) -> None:
    flute = Part(1, "Flute", tuple(Note(float(i), 1.0, 72) for i in range(16)))
    chord = (Note(0.0, 12.0, 48), Note(0.0, 4.0, 55), *(Note(i / 2, 0.5, 72) for i in range(24)))
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(4))
    score = Score(
        "Drone", (flute, Part(2, "Organ", chord)), measures, tempo_marks=(TempoMark(0.0, 240.0),)
    )
    tempo, line = written_tempo(score), solo_line(flute)
    plan = accompaniment_plan(score, 1, tempo)
    session = Session(
        follower=SkippingFollower(),
        conductor=Conductor(score, line, tempo, None, plan.onsets_quarter),
        performer=Performer(plan),
        sample_rate=RATE,
        hop=HOP,
    )
    steps = list(session.feed(np.zeros(int(0.5 * RATE), dtype=np.float32)))
    if command == "stop":
        session.stop()
    if command == "goto":
        session.locate(6.0)
    steps += session.feed(np.zeros(int(0.2 * RATE), dtype=np.float32))
    assert any(s.jumped for s in steps) == (command != "stop")
    sent = [m.message for s in steps for m in s.messages if m.message.number in (48, 55)]
    assert sorted(m.number for m in sent if m.kind is Kind.ON) == [48, 55]
    offs = sorted(m.number for m in sent if m.kind is Kind.OFF)
    assert offs == ([55] if command == "skip" else [48, 55])


def test_a_count_in_to_bar_three_strikes_nothing_before_it() -> None:
    score = duet()
    tempo, line = written_tempo(score), solo_line(score.parts[0])
    plan = accompaniment_plan(score, 1, tempo)
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    onsets = plan.onsets_quarter
    session = Session(
        follower=LoudHopFollower(line),
        conductor=Conductor(score, line, tempo, settings, onsets, tempo_model=KalmanTempo),
        performer=Performer(plan),
        sample_rate=RATE,
        hop=HOP,
    )
    session.locate(8.0)
    session.start()
    steps = list(session.feed(np.zeros(int(1.2 * RATE), dtype=np.float32)))
    counted = [s for s in steps if s.state == "countin"]
    hop_s = HOP / RATE
    assert [s.played_quarter for s in counted] == pytest.approx(
        [4.0 + 4.0 * hop_s * i for i in range(len(counted))]
    )
    struck = [m for s in steps for m in s.messages if m.message.kind is Kind.ON]
    assert [m.quarter for m in struck] == [8.0, 8.5]
    assert [m.time_s for m in struck] == pytest.approx([hop_s + 1.0, hop_s + 1.125], abs=2e-5)


def test_after_a_count_in_from_the_beginning_the_first_controllers_stand() -> None:
    piano = Part(2, "Piano", (Note(0.0, 4.0, 50),), controls=(ControlChange(0.0, "cc", 7, 33),))
    flute = Part(1, "Flute", (Note(0.0, 4.0, 72),))
    score = Score("Duet", (flute, piano), (Measure(0.0, 4.0, "1"),))
    tempo, line = written_tempo(score), solo_line(flute)
    plan = accompaniment_plan(score, 1, tempo)
    session = Session(
        follower=LoudHopFollower(line),
        conductor=Conductor(score, line, tempo, ConductorSettings(start="countin")),
        performer=Performer(plan),
        sample_rate=RATE,
        hop=HOP,
    )
    session.start()
    sent = [m.message for s in session.feed(np.zeros(RATE)) for m in s.messages]
    assert [m.value for m in sent if m.kind is Kind.CC and m.number == 7] == [33]


def test_without_a_performer_the_cues_alone_say_what_is_to_be_played() -> None:
    """Whoever reads only every seventh cue plays the same notes, none of them early."""
    whole = [m for s in make_session().feed(TAKE) for m in s.messages]
    score = duet()
    tempo, line = written_tempo(score), solo_line(score.parts[0])
    plan = accompaniment_plan(score, 1, tempo)
    session = Session(
        follower=LoudHopFollower(line),
        conductor=Conductor(score, line, tempo, None, plan.onsets_quarter),
        sample_rate=RATE,
        hop=HOP,
    )
    apart = Performer(plan)
    sent: list[TimedMessage] = []
    for i, step in enumerate(session.feed(TAKE)):
        assert step.messages == ()
        if i % 7 == 0:
            sent += apart.take(step.cue)
        sent += apart.due(step.cue.time_s)
    struck = [m.quarter for m in sent if m.message.kind is Kind.ON]
    assert struck == [m.quarter for m in whole if m.message.kind is Kind.ON][: len(struck)]
    assert len(struck) > 10
    assert session.finish() == ()
