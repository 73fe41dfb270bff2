"""The live driver makes the offline driver's decisions, obeys, and is silent however it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.app.live import LiveEngine
from accompanist.app.live_feeds import AudioFeed, KeyFeed
from accompanist.app.playing import TapSource
from accompanist.app.solo_recorder import SoloRecorder
from accompanist.conducting.conductor import Conductor
from accompanist.errors import DeviceError
from accompanist.followers.notes import NotesFollower
from accompanist.followers.protocol import Estimate, Follower, FollowerState, Heard, OnsetReport
from accompanist.performing.messages import Kind, Message
from accompanist.performing.plan import accompaniment_plan
from accompanist.performing.scheduler import Scheduler
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import Session
from accompanist.takes.record import TakeRecord
from bridges.audio_pretend import PretendInput

RATE, HOP = 8000, 46


def duet() -> Score:
    solo = Part(1, "Flute", tuple(Note(float(i), 1.0, 72 + i) for i in range(8)))
    bass = Part(2, "Cello", tuple(Note(2.0 * i, 2.0, 48 + i) for i in range(4)), program=42)
    measures = (Measure(0.0, 4.0, "1"), Measure(4.0, 4.0, "2"))
    return Score("Duet", (solo, bass), measures, tempo_marks=(TempoMark(0.0, 120.0),))


class LoudFollower:
    """Takes every rise out of silence for the next event."""

    latency_s = 0.0

    def __init__(self) -> None:
        self._event = -1
        self._loud = False

    def feed(self, heard: Heard) -> Estimate:
        loud = bool(np.max(np.abs(heard.samples)) > 0.1)
        onsets: tuple[OnsetReport, ...] = ()
        if loud and not self._loud and self._event < 7:
            self._event += 1
            event = self._event
            onsets = (OnsetReport(heard.time_s, heard.time_s, float(event), event),)
        self._loud = loud
        state = FollowerState.ARMED if self._event < 0 else FollowerState.FOLLOWING
        return Estimate(heard.time_s, max(self._event, 0.0), 2.0, 1.0, state, onsets)

    def locate(self, quarter: float | None) -> None:
        self._event = -1 if quarter is None else round(quarter) - 1


def session_of(follower: Follower) -> tuple[Session, Conductor]:
    score = duet()
    tempo, line = written_tempo(score), solo_line(score.parts[0])
    plan = accompaniment_plan(score, 1, tempo)
    conductor = Conductor(score, line, tempo, None, plan.onsets_quarter)
    session = Session(
        follower=follower,
        conductor=conductor,
        scheduler=Scheduler(plan),
        sample_rate=RATE,
        hop=HOP,
    )
    return session, conductor


def solo_sound() -> npt.NDArray[np.float32]:
    sound = np.zeros(round(4.7 * RATE), dtype=np.float32)
    for i in range(8):
        sound[round((0.3 + 0.5 * i) * RATE) :][: round(0.4 * RATE)] = 0.5
    return sound


class Ears:
    """A sink that keeps what it gets."""

    latency_s = 0.0

    def __init__(self, struck: Callable[[Message], None] | None = None) -> None:
        self.got: list[Message] = []
        self.panics = self.closed = 0
        self._struck = struck

    def send(self, message: Message) -> None:
        self.got.append(message)
        if self._struck is not None:
            self._struck(message)

    def panic(self) -> None:
        self.panics += 1

    def close(self) -> None:
        self.closed += 1

    @property
    def sounding(self) -> set[int]:
        down: set[int] = set()
        for message in self.got:
            if message.kind is Kind.ON:
                down.add(message.number)
            elif message.kind is Kind.OFF:
                down.discard(message.number)
        return down


def until_over(engine: LiveEngine, seconds: float = 20.0) -> None:
    pause = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if not engine.check():
            return
        pause.wait(0.01)
    raise AssertionError("the take does not end")


def test_live_makes_the_decisions_of_offline() -> None:
    sound = solo_sound()
    offline = TakeRecord()
    session, _ = session_of(LoudFollower())
    for step in session.feed(sound):
        offline.add(step)
    offline.messages.extend(session.finish())

    session, _ = session_of(LoudFollower())
    ears, recorder = Ears(), SoloRecorder(RATE)
    source = PretendInput(sound, RATE, speed=20.0)
    with LiveEngine(
        session, AudioFeed(source, recorder, ends=True), [ears], recorder=recorder
    ) as engine:
        until_over(engine)
    live = engine.record
    assert live.messages == offline.messages
    assert live.onsets == offline.onsets
    assert live.states == offline.states
    np.testing.assert_array_equal(live.quarters, offline.quarters)
    assert [m.number for m in ears.got if m.kind is Kind.ON] == [48, 49, 50, 51]
    assert (ears.sounding, ears.panics, ears.closed) == (set(), 1, 1)
    np.testing.assert_allclose(recorder.take()[:, 0], sound, atol=1e-6)
    recorder.discard()
    assert not recorder.path.exists()
    figures = engine.figures
    assert len(figures.hop_seconds) == len(live)
    assert figures.messages_sent == len(ears.got)
    assert (figures.xruns, figures.lost_samples) == (0, 0)


def test_a_device_that_wakes_up_with_a_click_is_not_the_first_note() -> None:
    click = np.zeros(round(0.1 * RATE), dtype=np.float32)
    click[300:500] = 0.9
    session, _ = session_of(LoudFollower())
    recorder = SoloRecorder(RATE)
    source = PretendInput(np.concatenate([click, solo_sound()]), RATE, speed=20.0)
    feed = AudioFeed(source, recorder, ends=True, settle_s=0.1)
    with LiveEngine(session, feed, [Ears()], recorder=recorder) as engine:
        until_over(engine)
    assert engine.record.onsets[0].time_s == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(recorder.take()[:, 0], solo_sound(), atol=1e-6)
    recorder.discard()


def test_leaving_in_the_middle_lets_every_note_go() -> None:
    session, _ = session_of(LoudFollower())
    sounds = threading.Event()

    def struck(message: Message) -> None:
        if message.kind is Kind.ON:
            sounds.set()

    ears = Ears(struck)
    source = PretendInput(solo_sound(), RATE, speed=4.0)
    with LiveEngine(session, AudioFeed(source, ends=True), [ears]) as engine:
        assert sounds.wait(10.0)
    assert len(engine.record) > 0
    assert (ears.sounding, ears.panics, ears.closed) == (set(), 1, 1)
    ons = [m for m in engine.record.messages if m.message.kind is Kind.ON]
    offs = [m for m in engine.record.messages if m.message.kind is Kind.OFF]
    assert len(ons) == len(offs)
    engine.stop()  # twice does no harm


def test_commands_are_obeyed_by_the_feeding_thread() -> None:
    session, _ = session_of(LoudFollower())
    names: list[str] = []
    source = PretendInput(solo_sound(), RATE, speed=20.0)
    engine = LiveEngine(session, AudioFeed(source, ends=True), [Ears()])
    engine.do(lambda: names.append(threading.current_thread().name))
    engine.do(lambda: session.locate(4.0))
    with engine:
        until_over(engine)
    assert names[0].startswith("accompanist")
    assert engine.record.onsets[0].quarter == 4.0


def test_what_a_command_breaks_is_told_to_the_watcher() -> None:
    session, _ = session_of(LoudFollower())
    ears = Ears()
    source = PretendInput(solo_sound(), RATE)
    engine = LiveEngine(session, AudioFeed(source, ends=True), [ears])

    def broken() -> None:
        raise ValueError("a defect")

    engine.do(broken)
    with pytest.raises(ValueError, match="a defect"), engine:
        until_over(engine)
    assert (ears.panics, ears.closed) == (1, 1)


def test_a_microphone_that_goes_away_is_a_device_error() -> None:
    session, _ = session_of(LoudFollower())
    ears = Ears()
    source = PretendInput(solo_sound()[:4000], RATE, name="USB Microphone", speed=20.0)
    with (
        pytest.raises(DeviceError, match="USB Microphone: gives no sound any more"),
        LiveEngine(session, AudioFeed(source), [ears]) as engine,
    ):
        until_over(engine)
    assert len(engine.record) > 0
    assert (ears.sounding, ears.panics) == (set(), 1)


def test_taps_drive_the_ensemble() -> None:
    score = duet()
    line, tempo = solo_line(score.parts[0]), written_tempo(score)
    session, _ = session_of(NotesFollower(line, tempo))
    taps = TapSource()
    struck = threading.Event()

    def heard(message: Message) -> None:
        if message.kind is Kind.ON:
            struck.set()

    ears = Ears(heard)
    with LiveEngine(session, KeyFeed(taps), [ears]) as engine:
        ready = _eventually(lambda: engine.view is not None)
        assert ready
        taps.tap(time.monotonic())
        assert struck.wait(5.0)
    assert engine.record.onsets[0].event == 0
    onset = engine.record.onsets[0]
    assert 0.0 <= onset.reported_s - onset.time_s < 0.1
    assert ears.sounding == set()
    assert ears.got[-1].kind is not Kind.ON


def _eventually(true: Callable[[], bool]) -> bool:
    return any(true() for _ in _ticks())


def _ticks() -> Iterator[None]:
    pause = threading.Event()
    for _ in range(500):
        yield
        pause.wait(0.01)
