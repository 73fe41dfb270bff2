"""The performer's decisions on a clock that is turned by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from fake_outlets import FakeBoard, FakeSink, Hand, LaterSink, sounding
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.app.performer.core import STALE_S, PerformerCore
from accompanist.app.performer.sinks import Outlet, Rig
from accompanist.app.processes.links import Click, LoadPlan, Mix, Problem, Sent, SetClock
from accompanist.conducting.timeline import Timeline
from accompanist.performing.clock import ClockEvent, ClockKind, ClockPlan
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.tempo import written_tempo

OFFSET_S = 990.0
STEP_S = 0.0005
RATE = 2.0


def duet() -> LoadPlan:
    """Two parts of quarters and long notes, 120 beats a minute."""
    solo = Part(1, "Flute", tuple(Note(float(i), 1.0, 72) for i in range(16)))
    bass = Part(2, "Cello", tuple(Note(float(i), 0.9, 40 + i) for i in range(16)), program=42)
    pad = Part(3, "Organ", tuple(Note(8.0 * i, 8.0, 60 + i) for i in range(2)), program=19)
    bars = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(4))
    score = Score("Trio", (solo, bass, pad), bars, tempo_marks=(TempoMark(0.0, 120.0),))
    plan = accompaniment_plan(score, 1, written_tempo(score))
    return LoadPlan(plan, ClockPlan(end_quarter=16.0), {2: "Cello", 3: "Organ"})


PLAN = duet()
BASS, PAD = 1, 2
"""Their channels."""


class Hall:
    """A core with its board and sinks; `go` lets time pass."""

    def __init__(self, *, later: bool = False, load: bool = True) -> None:
        self.clock = Hand()
        self.board = FakeBoard(self.clock)
        self._core = PerformerCore(self.board, self.clock)
        self.midi: FakeSink = LaterSink(self.clock, "midi") if later else FakeSink(self.clock)
        self.synth = FakeSink(self.clock, "synth", kind="synth")
        self.ticks: FakeSink = LaterSink(self.clock, "clock") if later else FakeSink(self.clock)
        self.rig = Rig(Outlet(self.midi), {}, Outlet(self.synth), Outlet(self.ticks))
        self.until_s = 0.0
        self.core.on_stage = True
        self.core.change_rig(self.rig)
        self.events: list[Sent | Problem] = []
        if load:
            self.core.load(PLAN)
        self.beating = True

    @property
    def core(self) -> PerformerCore:
        """Whoever tells it something has it look at everything afterwards, as the process does."""
        self.until_s = 0.0
        return self._core

    def cue(self, at_s: float, quarter: float, state: str = "following", **more: object) -> Cue:
        """Publish: at take time ``at_s`` the ensemble is at ``quarter``."""
        gate = float(more.pop("gate", float("inf")))  # type: ignore[arg-type]
        rate = float(more.pop("rate", RATE))  # type: ignore[arg-type]
        now_s = self.clock.now_s - OFFSET_S
        line = Timeline((at_s,), (quarter,), rate, gate)
        cue = Cue(now_s, line, state, **more)  # type: ignore[arg-type]
        self.board.publish(cue, OFFSET_S)
        self.until_s = self.clock.now_s
        return cue

    def go(self, seconds: float) -> None:
        """Call the core whenever it has asked for it, and sinks once a cycle."""
        end_s = self.clock.now_s + seconds
        while self.clock.now_s < end_s:
            self.clock.now_s += STEP_S
            if self.beating:
                self.board.beat()
            for sink in (self.midi, self.ticks):
                if isinstance(sink, LaterSink):
                    sink.cycles()
            if self.clock.now_s >= self.until_s:
                self.until_s = self._core.run()
                if self._core.has_news:
                    self.events += self._core.take_events()

    @property
    def take_s(self) -> float:
        return self.clock.now_s - OFFSET_S

    def sent(self) -> list[tuple[TimedMessage, float]]:
        return [
            pair
            for event in (*self.events, *self.core.take_events())
            if isinstance(event, Sent)
            for pair in zip(event.messages, event.late_s, strict=True)
        ]


def volumes(sink: FakeSink) -> list[int]:
    """Give what the bass's volume has been set to."""
    return [
        m.value
        for _, m in sink.got
        if isinstance(m, Message) and (m.kind, m.channel, m.number) == (Kind.CC, BASS, 7)
    ]


@pytest.mark.parametrize("later", [False, True])
def test_each_note_leaves_at_its_time(later: bool) -> None:
    hall = Hall(later=later)
    hall.cue(11.0, 0.0)  # monotonic 1001
    hall.go(3.9)
    bass = [(t, n) for t, n in hall.midi.struck if n < 60]
    assert [n for _, n in bass] == [40, 41, 42, 43, 44, 45]
    for i, (time_s, _) in enumerate(bass):
        assert time_s == pytest.approx(1001.0 + i / RATE, abs=1e-9 if later else 2 * STEP_S)
    assert [n for _, n in hall.synth.struck] == [n for _, n in hall.midi.struck]
    struck = [(m, late) for m, late in hall.sent() if m.message.kind is Kind.ON]
    assert len(struck) == len(hall.midi.struck)  # told once, though there are two outlets
    assert max(late for _, late in struck) <= (1e-9 if later else 2 * STEP_S)
    assert [m.time_s for m, _ in struck if m.part == 2] == pytest.approx(
        [11.0 + i / RATE for i in range(6)], abs=2 * STEP_S
    )


def test_bank_and_program_come_ten_milliseconds_before_the_notes() -> None:
    hall = Hall()
    hall.cue(9.99, 0.0)  # the music should have begun by now
    hall.go(0.5)
    kinds = [(t, m) for t, m in hall.midi.got if isinstance(m, Message)]
    program_s = max(t for t, m in kinds if m.kind is Kind.PROGRAM)
    first_s = min(t for t, m in kinds if m.kind is Kind.ON)
    assert first_s - program_s >= 0.010 - 1e-9
    numbers = [m.number for _, m in kinds if m.channel == BASS and m.kind is Kind.CC]
    assert numbers.index(0) < numbers.index(7)


def test_whoever_comes_in_later_begins_where_the_music_is() -> None:
    hall = Hall()
    hall.cue(10.0 - 2.6, 0.0)  # at 5.2 quarters now
    hall.go(0.3)
    struck = [n for _, n in hall.midi.struck]
    assert struck == [60]  # the organ's note, which has three quarters to go, and no old bass
    hall.go(0.3)
    assert [n for _, n in hall.midi.struck] == [60, 46]


def test_silence_holds_until_there_is_a_new_cue() -> None:
    hall = Hall()
    hall.cue(10.0, 0.0)
    hall.go(1.3)
    assert sounding(hall.midi) == {(BASS, 42), (PAD, 60)}
    hall.core.silence()
    assert sounding(hall.midi) == sounding(hall.synth) == set()
    kinds = [(kind, number) for _, kind, number in hall.midi.notes]
    assert kinds.index((Kind.OFF, 42)) < len(kinds) - kinds[::-1].index((Kind.CC, 64)) - 1
    before = len(hall.midi.got)
    hall.go(2.0)
    assert len(hall.midi.got) == before
    hall.cue(hall.take_s, 8.0)
    hall.go(0.1)
    assert {n for _, n in hall.midi.struck[-2:]} == {48, 61}


def test_panic_has_every_means_and_the_second_one_more() -> None:
    hall = Hall()
    hall.cue(10.0, 0.0)
    hall.go(0.3)
    hall.midi.got.clear()
    hall.core.panic()
    hall.go(0.02)
    mine = [m for _, m in hall.midi.got if isinstance(m, Message) and m.channel == BASS]
    rows = [(m.kind, m.number) for m in mine]
    order = [rows.index(wanted) for wanted in ((Kind.OFF, 40), (Kind.CC, 64), (Kind.CC, 66))]
    order += [rows.index((Kind.CC, 123)), rows.index((Kind.CC, 121)), rows.index((Kind.BEND, 0))]
    assert order == sorted(order)
    assert rows.index((Kind.PROGRAM, 42)) > rows.index((Kind.CC, 121))  # set up again
    assert (Kind.CC, 120) not in rows
    assert {m.channel for _, m in hall.midi.got if isinstance(m, Message)} == set(range(1, 17))
    hall.go(1.0)
    hall.core.panic()
    hall.go(0.02)
    assert any(number == 120 for _, _, number in hall.midi.notes)
    hall.go(3.0)
    hall.midi.got.clear()
    hall.core.panic()
    hall.go(0.02)
    assert not any(number == 120 for _, _, number in hall.midi.notes)


def test_parts_go_where_they_are_sent_and_offs_follow_their_ons() -> None:
    hall = Hall()
    hall.core.mix(Mix(2, "output", "midi"))
    hall.core.mix(Mix(3, "output", "none"))
    hall.cue(10.0, 0.0)
    hall.go(0.2)
    assert [n for _, n in hall.midi.struck] == [40]
    assert hall.synth.struck == []
    hall.core.mix(Mix(2, "output", "synth"))
    hall.go(0.5)
    assert [n for _, n in hall.midi.struck] == [40]
    assert sounding(hall.midi) == set()
    assert [n for _, n in hall.synth.struck] == [41]
    assert {m.part for m, _ in hall.sent() if m.message.kind is Kind.ON} == {2, 3}


def test_the_desk_is_set_and_survives_a_new_origin_of_time() -> None:
    hall = Hall()
    hall.cue(10.0, 0.0)
    hall.core.mix(Mix(3, "mute", True))
    hall.core.mix(Mix(2, "gain", -6.0))
    hall.core.mix(Mix(2, "gain", 99.0))
    hall.go(0.2)
    assert [n for _, n in hall.midi.struck] == [40]
    assert [e.code for e in hall.events if isinstance(e, Problem)] == [422]
    assert volumes(hall.midi) == [71]
    line = Timeline((1.0,), (0.0,), RATE)  # the engine has been started again: take time 1 is now
    hall.midi.got.clear()
    hall.board.publish(Cue(1.0, line, "following"), hall.clock.now_s - 1.0)
    hall.until_s = 0.0
    hall.go(0.2)
    assert [n for _, n in hall.midi.struck] == [40]
    assert volumes(hall.midi) == [71]


def test_the_pitch_is_set_before_the_notes_and_again_after_a_panic() -> None:
    hall = Hall()
    hall.core.mix(Mix(0, "a4", 442.0))
    hall.cue(10.0, 0.0)
    hall.go(0.2)

    def tuned() -> list[tuple[int, int]]:
        """Coarse and fine data of the bass, in order."""
        return [
            (m.number, m.value)
            for _, m in hall.midi.got
            if isinstance(m, Message) and m.channel == BASS and m.number in (6, 38)
        ]

    fine = 8192 + -(-8 * 8192 // 100)  # 8 cents: 7.85 rounded to whole ones
    assert tuned() == [(6, 64), (38, 0), (6, fine >> 7), (38, fine & 127)]
    kinds = [(kind, number) for _, kind, number in hall.midi.notes]
    assert kinds.index((Kind.CC, 38)) < next(i for i, k in enumerate(kinds) if k[0] is Kind.ON)
    hall.midi.got.clear()
    hall.core.panic()
    hall.go(0.1)
    assert len(tuned()) == 4
    assert [e for e in hall.events if isinstance(e, Problem)] == []


def test_time_code_runs_with_the_ensemble_and_at_speed_one() -> None:
    hall = Hall()
    hall.core.set_clock(SetClock(enabled=False, mtc=True))
    hall.cue(10.0, 0.0, state="armed", gate=float("-inf"))
    hall.go(0.5)
    assert hall.ticks.got == []
    hall.cue(hall.take_s, 4.0, rate=3.0, jumps=1, plays_from=4.0)  # faster than written
    began_s = hall.clock.now_s
    hall.go(1.0)
    codes = [(t, data) for t, data in hall.ticks.got if isinstance(data, bytes)]
    # quarter 4 is two seconds into the piece as written
    assert codes[0][1].hex(" ") == "f0 7f 7f 01 01 60 00 02 00 f7"
    quarters = [t for t, data in codes if data[0] == 0xF1]
    assert len(quarters) == pytest.approx(120, abs=9)
    assert quarters[0] - began_s < 0.1
    hall.core.silence()
    count = len(hall.ticks.got)
    hall.go(0.5)
    assert len(hall.ticks.got) == count


def test_a_cue_about_the_piece_before_is_not_obeyed() -> None:
    hall = Hall()
    hall.cue(10.0, 0.0)
    hall.go(0.3)
    hall.core.load(PLAN)
    hall.beating = False
    hall.midi.got.clear()
    hall.go(0.5)
    assert hall.midi.struck == []
    hall.beating = True
    hall.go(0.3)  # published since: it is about this piece
    assert hall.midi.struck


def test_an_engine_that_is_not_heard_of_is_told_of_and_silence_kept() -> None:
    hall = Hall()
    hall.cue(10.0, 0.0, rate=0.25)
    hall.go(1.0)
    assert sounding(hall.midi)
    hall.beating = False
    hall.go(STALE_S - 0.1)
    assert sounding(hall.midi)
    hall.go(STALE_S)
    assert sounding(hall.midi) == set()
    assert [e.code for e in hall.events if isinstance(e, Problem)] == [503]
    hall.beating = True
    hall.cue(hall.take_s, 4.0)
    hall.go(0.1)
    assert 44 in [n for _, n in hall.midi.struck]


def test_an_idle_engine_may_be_silent() -> None:
    hall = Hall()
    hall.cue(10.0, 0.0, state="idle", gate=float("-inf"))
    hall.beating = False
    hall.go(3 * STALE_S)
    assert not [e for e in hall.events if isinstance(e, Problem)]
    assert hall.midi.struck == []


def test_clicks_sound_at_their_time_and_not_after_a_silence() -> None:
    hall = Hall(load=False)
    hall.cue(20.0, 0.0, state="countin")
    hall.go(0.01)
    on, off = Message(Kind.ON, 10, 76, 100), Message(Kind.OFF, 10, 76)
    at_s = hall.take_s
    clicks = [TimedMessage(at_s + 0.1 * i, 0.0, 0, m) for i, m in ((1, on), (1.5, off), (2, on))]
    hall.core.click(Click(tuple(clicks)))
    hall.go(0.16)
    assert hall.midi.struck[0][0] == pytest.approx(at_s + OFFSET_S + 0.1, abs=2 * STEP_S)
    hall.core.silence()
    hall.go(0.2)
    assert len(hall.midi.struck) == 1
    assert sounding(hall.midi) == set()


def test_a_port_that_comes_back_is_set_up_again() -> None:
    hall = Hall(later=True)
    hall.cue(10.0, 0.0)
    hall.go(0.3)
    hall.midi.gone = "the server has gone"
    hall.core.change_rig(Rig(synth=hall.rig.synth))
    hall.go(0.5)
    assert [n for _, n in hall.synth.struck] == [40, 60, 41]  # it never stopped
    fresh = LaterSink(hall.clock, "midi again")
    hall.midi = fresh
    hall.core.change_rig(Rig(Outlet(fresh), {}, hall.rig.synth))
    hall.go(0.45)
    kinds = [kind for _, kind, _ in fresh.notes]
    assert kinds.index(Kind.PROGRAM) < kinds.index(Kind.ON)
    assert fresh.struck[0][1] == 42


def test_where_nobody_has_heard_it_the_music_begins_in_the_middle() -> None:
    hall = Hall()
    hall.core.change_rig(Rig())
    hall.cue(10.0, 0.0)
    hall.go(1.2)
    assert hall.midi.got == []
    hall.core.change_rig(Rig(hall.rig.midi))
    hall.go(0.05)
    assert [n for _, n in hall.midi.struck] == [60]
    program_s = max(t for t, kind, _ in hall.midi.notes if kind is Kind.PROGRAM)
    assert hall.midi.struck[0][0] - program_s >= 0.01 - 1e-9
    hall.go(0.5)
    assert [n for _, n in hall.midi.struck] == [60, 43]


def test_a_port_that_is_closed_lets_its_keys_go_first() -> None:
    hall = Hall()
    hall.cue(10.0, 0.0)
    hall.go(0.3)
    hall.core.change_rig(Rig(synth=hall.rig.synth))
    assert sounding(hall.midi) == set()
    assert sounding(hall.synth) == {(BASS, 40), (PAD, 60)}


def test_a_spare_says_and_does_nothing() -> None:
    hall = Hall()
    hall.core.on_stage = False
    hall.cue(10.0, 0.0)
    hall.go(1.0)
    assert hall.midi.got == []
    assert hall.core.run() == float("inf")
    assert hall.core.take_events() == []


@pytest.mark.parametrize("later", [False, True])
def test_the_clock_ticks_24_a_quarter_and_starts_before_its_tick(later: bool) -> None:
    hall = Hall(later=later)
    hall.core.set_clock(SetClock(enabled=True, continuous=False))
    hall.cue(12.0, 0.0)
    hall.go(8.0)
    events = [(t, e) for t, e in hall.ticks.got if isinstance(e, ClockEvent)]
    start_s = next(t for t, e in events if e.kind is ClockKind.START)
    ticks = [t for t, e in events if e.kind is ClockKind.TICK and t > start_s]
    assert ticks[0] == pytest.approx(1002.0, abs=0.002)
    assert ticks[0] - start_s >= 0.001
    gaps = [b - a for a, b in pairwise(ticks)]
    assert gaps == pytest.approx([1 / 48] * len(gaps), abs=1e-6 if later else 3 * STEP_S)
    hall.core.silence()
    hall.go(0.05)
    assert [e.kind for _, e in hall.ticks.got if isinstance(e, ClockEvent)][-1] in (
        ClockKind.STOP,
        ClockKind.TICK,
    )
    assert any(isinstance(e, ClockEvent) and e.kind is ClockKind.STOP for _, e in hall.ticks.got)


def test_a_clock_that_was_held_up_makes_up_for_nothing() -> None:
    hall = Hall()
    hall.core.set_clock(SetClock(enabled=True))
    hall.cue(10.0, 0.0)
    hall.go(1.0)
    before = len(hall.ticks.got)
    hall.clock.now_s += 1.0  # the process stood still
    hall.go(0.05)
    assert len(hall.ticks.got) - before < 10


actions = st.lists(
    st.tuples(
        st.sampled_from(["cue", "jump", "hold", "silence", "panic", "mute", "out", "load", "rig"]),
        st.floats(0.0, 14.0),
        st.floats(0.5, 4.0),
        st.floats(0.01, 0.7),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(actions, st.booleans())
def test_whatever_happens_every_key_is_let_go(
    acts: list[tuple[str, float, float, float]], later: bool
) -> None:
    hall = Hall(later=later)
    hall.cue(10.0, 0.0)
    jumps, muted = 0, False
    outputs = ["midi", "synth", "none", "both"]
    for act, quarter, rate, wait_s in acts:
        match act:
            case "cue" | "jump" | "hold":
                jumps += act == "jump"
                gate = quarter + 1.0 if act == "hold" else float("inf")
                hall.cue(
                    hall.take_s,
                    quarter,
                    rate=rate,
                    jumps=jumps,
                    plays_from=quarter if act == "jump" else 0.0,
                    playing=act == "jump",
                    gate=gate,
                )
            case "silence":
                hall.core.silence()
            case "panic":
                hall.core.panic()
            case "mute":
                muted = not muted
                hall.core.mix(Mix(2, "mute", muted))
            case "out":
                outputs.append(outputs.pop(0))
                hall.core.mix(Mix(3, "output", outputs[0]))
            case "load":
                hall.core.load(PLAN)
            case "rig":
                hall.core.change_rig(replace(hall.rig, synth=None))
                hall.core.change_rig(hall.rig)
        hall.go(wait_s)
    hall.core.silence()
    hall.go(0.1)
    assert sounding(hall.midi) == set()
    assert sounding(hall.synth) == set()
