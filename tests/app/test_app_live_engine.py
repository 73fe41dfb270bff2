"""The live driver makes the offline driver's decisions, obeys, and is silent however it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.app.engine.feeds import AudioFeed, KeyFeed
from accompanist.app.engine.live import LiveEngine, differs
from accompanist.app.playing.player import TapSource
from accompanist.conducting.conductor import Conductor
from accompanist.conducting.timeline import Timeline
from accompanist.errors import DeviceError
from accompanist.followers.notes import NotesFollower
from accompanist.followers.protocol import Estimate, Follower, FollowerState, Heard, OnsetReport
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.performer import Performer
from accompanist.performing.plan import Plan
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.session import Session, Step
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

    def locate(self, quarter: float | None, anywhere: bool = False) -> None:
        self._event = -1 if quarter is None else round(quarter) - 1


def session_of(follower: Follower, *, performs: bool = False) -> tuple[Session, Plan]:
    score = duet()
    tempo, line = written_tempo(score), solo_line(score.parts[0])
    plan = accompaniment_plan(score, 1, tempo)
    session = Session(
        follower=follower,
        conductor=Conductor(score, line, tempo, None, plan.onsets_quarter),
        performer=Performer(plan) if performs else None,
        sample_rate=RATE,
        hop=HOP,
    )
    return session, plan


def solo_sound() -> npt.NDArray[np.float32]:
    sound = np.zeros(round(4.7 * RATE), dtype=np.float32)
    for i in range(8):
        sound[round((0.3 + 0.5 * i) * RATE) :][: round(0.4 * RATE)] = 0.5
    return sound


class Ensemble:
    """A stage on which the ensemble stands at once: plays by each cue up to the next hop."""

    def __init__(self, plan: Plan, struck: Callable[[Message], None] | None = None) -> None:
        self._performer = Performer(plan)
        self._struck = struck
        self.cues: list[Cue] = []
        self.offsets_s: list[float] = []
        self.sent: list[TimedMessage] = []

    def publish(self, cue: Cue, offset_s: float) -> None:
        self.cues.append(cue)
        self.offsets_s.append(offset_s)
        self.sent.extend(self._performer.take(cue))
        fresh = self._performer.due(cue.time_s + HOP / RATE)
        self.sent.extend(fresh)
        for timed in fresh:
            if self._struck is not None and timed.message.kind is Kind.ON:
                self._struck(timed.message)

    @property
    def sounding(self) -> set[int]:
        down: set[int] = set()
        for timed in self.sent:
            if timed.message.kind is Kind.ON:
                down.add(timed.message.number)
            elif timed.message.kind is Kind.OFF:
                down.discard(timed.message.number)
        return down


class Notebook:
    """A scribe that keeps all in memory."""

    def __init__(self) -> None:
        self.record = TakeRecord()
        self.blocks: list[npt.NDArray[np.float32]] = []
        self.starts_s: list[float] = []
        self.compute_s: list[float] = []
        self.publish_s: list[float | None] = []
        self.late_s: list[float] = []

    def sound(self, samples: npt.NDArray[np.float32], start_s: float) -> None:
        self.blocks.append(samples)
        self.starts_s.append(start_s)

    def step(self, step: Step, compute_s: float, publish_s: float | None) -> None:
        self.record.add(step)
        self.compute_s.append(compute_s)
        self.publish_s.append(publish_s)

    def sent(self, messages: Sequence[TimedMessage], late_s: Sequence[float]) -> None:
        self.record.messages.extend(messages)
        self.late_s.extend(late_s)


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
    session, plan = session_of(LoudFollower(), performs=True)
    for step in session.feed(sound):
        offline.add(step)

    session, plan = session_of(LoudFollower())
    ensemble, notes = Ensemble(plan), Notebook()
    source = PretendInput(sound, RATE, speed=20.0)
    feed = AudioFeed(source, ends=True)
    with LiveEngine(feed, ensemble, session=session, scribe=notes) as engine:
        until_over(engine)
    live = notes.record
    played = ensemble.sent[: len(offline.messages)]
    assert played == offline.messages
    assert live.onsets == offline.onsets
    assert live.states == offline.states
    np.testing.assert_array_equal(live.quarters, offline.quarters)
    struck = [m.message.number for m in ensemble.sent if m.message.kind is Kind.ON]
    assert struck == [48, 49, 50, 51]
    assert ensemble.sounding == set()
    assert ensemble.cues[-1].state in ("idle", "ended")
    np.testing.assert_array_equal(np.concatenate(notes.blocks), sound)
    np.testing.assert_allclose(
        notes.starts_s, np.cumsum([0] + [len(b) for b in notes.blocks[:-1]]) / RATE, atol=1e-9
    )
    figures = engine.figures
    assert len(figures.hop_seconds) == len(live) == engine.worked[1]
    assert len(figures.publish_seconds) == sum(p is not None for p in notes.publish_s)
    assert 4 <= len(figures.publish_seconds) < len(live)
    assert (figures.xruns, figures.lost_samples) == (0, 0)


def test_what_the_performer_has_sent_comes_into_the_take() -> None:
    session, plan = session_of(LoudFollower())
    notes = Notebook()
    engine = LiveEngine(KeyFeed(TapSource()), Ensemble(plan), session=session, scribe=notes)
    on = TimedMessage(1.0, 0.0, 2, Message(Kind.ON, 1, 48, 80))
    off = TimedMessage(1.5, 2.0, 2, Message(Kind.OFF, 1, 48))
    engine.played((on, off), (0.002, 0.9))
    assert notes.record.messages == [on, off]
    assert notes.late_s == [0.002, 0.9]
    assert engine.figures.messages_sent == 2
    assert engine.figures.late_seconds.tolist() == [0.002]
    engine.stop()


def test_a_device_that_wakes_up_with_a_click_is_not_the_first_note() -> None:
    click = np.zeros(round(0.1 * RATE), dtype=np.float32)
    click[300:500] = 0.9
    session, plan = session_of(LoudFollower())
    notes = Notebook()
    source = PretendInput(np.concatenate([click, solo_sound()]), RATE, speed=20.0)
    feed = AudioFeed(source, ends=True, settle_s=0.1)
    with LiveEngine(feed, Ensemble(plan), session=session, scribe=notes) as engine:
        until_over(engine)
    assert notes.record.onsets[0].time_s == pytest.approx(0.3, abs=0.01)
    np.testing.assert_array_equal(np.concatenate(notes.blocks), solo_sound())


def test_leaving_in_the_middle_lets_every_note_go() -> None:
    session, plan = session_of(LoudFollower())
    sounds = threading.Event()
    ensemble = Ensemble(plan, lambda message: sounds.set())
    source = PretendInput(solo_sound(), RATE, speed=4.0)
    with LiveEngine(AudioFeed(source, ends=True), ensemble, session=session) as engine:
        assert sounds.wait(10.0)
    assert ensemble.sounding == set()
    assert ensemble.cues[-1].state == "idle"
    assert ensemble.cues[-1].silences == ensemble.cues[-2].silences + 1
    assert ensemble.cues[-1].time_s >= ensemble.cues[-2].time_s
    ons = [m for m in ensemble.sent if m.message.kind is Kind.ON]
    offs = [m for m in ensemble.sent if m.message.kind is Kind.OFF]
    assert len(ons) == len(offs) > 0
    engine.stop()  # twice does no harm


def test_another_piece_begins_at_time_zero_and_the_first_falls_silent() -> None:
    first, plan = session_of(LoudFollower())
    second, _ = session_of(LoudFollower())
    ensemble, steps = Ensemble(plan), Notebook()
    source = PretendInput(np.tile(solo_sound(), 2), RATE, speed=10.0)
    feed = AudioFeed(source, ends=True)
    with LiveEngine(feed, ensemble, session=first, scribe=steps) as engine:
        assert _eventually(lambda: len(steps.record.onsets) >= 3)
        engine.do(lambda: engine.change(second))
        until_over(engine)
        assert engine.session is second
    times_s = steps.record.times_s
    change = int(np.argmin(np.diff(times_s))) + 1
    assert times_s[change] == pytest.approx(HOP / RATE)
    silent = ensemble.cues[change]
    assert (silent.state, silent.silences) == ("idle", ensemble.cues[change - 1].silences + 1)
    heard_s = ensemble.offsets_s[change + 1] - ensemble.offsets_s[change - 1]
    assert heard_s > 0.0  # take time has begun anew, so its zero is later


def test_commands_are_obeyed_by_the_feeding_thread() -> None:
    session, plan = session_of(LoudFollower())
    names: list[str] = []
    notes = Notebook()
    source = PretendInput(solo_sound(), RATE, speed=20.0)
    engine = LiveEngine(AudioFeed(source, ends=True), Ensemble(plan), session=session, scribe=notes)
    engine.do(lambda: names.append(threading.current_thread().name))
    engine.do(lambda: session.conductor.locate(4.0))
    with engine:
        until_over(engine)
    assert names[0].startswith("accompanist")
    assert notes.record.onsets[0].quarter == 4.0


def test_what_a_command_breaks_is_told_to_the_watcher() -> None:
    session, plan = session_of(LoudFollower())
    source = PretendInput(solo_sound(), RATE)
    engine = LiveEngine(AudioFeed(source, ends=True), Ensemble(plan), session=session)

    def broken() -> None:
        raise ValueError("a defect")

    engine.do(broken)
    with pytest.raises(ValueError, match="a defect"), engine:
        until_over(engine)


def test_a_microphone_that_goes_away_is_a_device_error() -> None:
    session, plan = session_of(LoudFollower())
    ensemble = Ensemble(plan)
    source = PretendInput(solo_sound()[:4000], RATE, name="USB Microphone", speed=20.0)
    with (
        pytest.raises(DeviceError, match="USB Microphone: gives no sound any more"),
        LiveEngine(AudioFeed(source), ensemble, session=session) as engine,
    ):
        until_over(engine)
    assert len(ensemble.cues) > 0
    assert ensemble.sounding == set()


def test_taps_drive_the_ensemble() -> None:
    score = duet()
    line, tempo = solo_line(score.parts[0]), written_tempo(score)
    session, plan = session_of(NotesFollower(line, tempo))
    taps, notes = TapSource(), Notebook()
    struck = threading.Event()
    ensemble = Ensemble(plan, lambda message: struck.set())
    with LiveEngine(KeyFeed(taps), ensemble, session=session, scribe=notes) as engine:
        assert _eventually(lambda: engine.view is not None)
        taps.tap(time.monotonic())
        assert struck.wait(5.0)
    onset = notes.record.onsets[0]
    assert onset.event == 0
    assert 0.0 <= onset.reported_s - onset.time_s < 0.1
    assert ensemble.sounding == set()


def test_a_cue_differs_by_what_it_says_and_not_by_when() -> None:
    line = Timeline((0.0,), (0.0,), 2.0)
    cue = Cue(1.0, line, "following", 1, 0.0, True, 2)
    assert differs(cue, None)
    assert not differs(Cue(1.5, Timeline((0.0,), (0.0,), 2.0), "following", 1, 0.0, True, 2), cue)
    for other in (
        Cue(1.5, Timeline((0.0,), (0.0,), 2.1), "following", 1, 0.0, True, 2),
        Cue(1.5, Timeline((0.0,), (0.0,), 2.0, 4.0), "following", 1, 0.0, True, 2),
        Cue(1.5, line, "holding", 1, 0.0, True, 2),
        Cue(1.5, line, "following", 2, 0.0, True, 2),
        Cue(1.5, line, "following", 1, 0.0, True, 3),
    ):
        assert differs(other, cue)


def _eventually(true: Callable[[], bool]) -> bool:
    return any(true() for _ in _ticks())


def _ticks() -> Iterator[None]:
    pause = threading.Event()
    for _ in range(500):
        yield
        pause.wait(0.01)
