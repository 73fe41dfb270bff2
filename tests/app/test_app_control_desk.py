"""The desk: every address, the exact commands that come of it, and what is refused."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any

import pytest
from desk_pieces import FakeLink, duet, loaded, make_desk, view

from accompanist.app.config.settings import Config, InputConfig, OutputConfig
from accompanist.app.desk.protocol import DeskError, Values
from accompanist.app.desk.transport import RUNNING
from accompanist.app.osc.table import TABLE, Kind, keys
from accompanist.app.processes.links import (
    Click,
    Do,
    EngineDied,
    EngineSettings,
    InputOpened,
    InputSettings,
    LoadPiece,
    LoadPlan,
    Mix,
    OpenInput,
    OutputInfo,
    OutputsOpened,
    Panic,
    Played,
    Problem,
    Sent,
    SetClock,
    SetOutputs,
    Silence,
)
from accompanist.performing.messages import Kind as Message_kind
from accompanist.performing.messages import Message, TimedMessage


def refused(code: int, text: str) -> AbstractContextManager[object]:
    def right(error: DeskError) -> bool:
        return error.code == code and text in str(error)

    return pytest.raises(DeskError, check=right)


# ---- every address -------------------------------------------------------------------------------


def test_every_state_of_the_table_has_a_value() -> None:
    desk, *_ = make_desk()
    states = {e.path for e in TABLE if e.kind in (Kind.STATE, Kind.READING)}
    for key in keys(desk.parts()):
        entry = next(e for e in TABLE if key == e.path or (e.per_part and key.startswith("part/")))
        if entry.path in states:
            values = desk.get(key)
            assert isinstance(values, tuple)


def test_every_action_of_the_table_is_known() -> None:
    desk, *_ = make_desk()
    arguments: dict[str, Values] = {
        "piece/load": ("duet",),
        "tempo/nudge": (0.1,),
        "goto/bar": (2,),
        "goto/quarter": (3.0,),
        "goto/mark": ("A",),
        "control/learn": ("cue",),
        "take/export": ("smf",),
    }
    codes: dict[str, int] = {}
    for entry in TABLE:
        if entry.kind is Kind.ACTION:
            desk, *_ = make_desk(state="following")
            try:
                desk.do(entry.path, arguments.get(entry.path, ()))
            except DeskError as error:
                codes[entry.path] = error.code
    assert set(codes.values()) <= {409}
    assert set(codes) == {"start", "resume", "vamp/exit", "latency/calibrate"}


def test_every_state_can_be_set_and_is_told_to_all() -> None:
    values: dict[str, Values] = {"input/device": ("USB",), "loop": (1, 2, 3)}
    for entry in TABLE:
        if entry.kind is Kind.STATE:
            desk, *_, told = make_desk()
            key = entry.key(2)
            argument = entry.arguments[0]
            choice: Values = (argument.choices[-1],) if argument.choices else (argument.high or 0,)
            wanted = values.get(entry.path, choice)
            if entry.path == "tempo/min":
                wanted = (30.0,)
            desk.set(key, wanted)
            assert desk.get(key) == wanted
            assert (key, wanted) in told.changes


def test_what_is_not_there() -> None:
    desk, *_ = make_desk()
    with refused(404, "no/such has no value"):
        desk.get("no/such")
    with refused(404, "no/such cannot be set"):
        desk.set("no/such", (1,))
    with refused(404, "position/bar cannot be set"):
        desk.set("position/bar", (1,))
    with refused(404, "there is no action no/such"):
        desk.do("no/such", ())
    with refused(400, "wants a value"):
        desk.set("tempo/scale", ())


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "values", "command"),
    [
        ("tempo/base", (80.0,), Do("tempo_base", (80.0,))),
        ("tempo/scale", (0.8,), Do("tempo_scale", (0.8,))),
        ("tempo/min", (60.0,), Do("tempo_limits", (60.0, 400.0))),
        ("tempo/max", (150.0,), Do("tempo_limits", (20.0, 150.0))),
        ("tempo/lock", (1,), Do("lock", (True,))),
        ("follow/mode", ("wait",), Do("follow", ("wait",))),
        ("follow/level", (7.5,), Do("level", (7.5,))),
        ("follow/dynamics", (0.8,), Do("dynamics", (0.8,))),
        ("follow/lostpolicy", ("fade",), Do("lost", ("fade",))),
        ("countin/bars", (2,), Do("countin", (2.0, "auto"))),
        ("countin/mode", ("always",), Do("countin", (1.0, "always"))),
        ("loop", (1, 2, 3), Do("loop", (5.0, 13.0))),
        ("loop", (0, 2, 3), Do("loop", (None,))),
        ("input/gain", (6.0,), OpenInput(InputSettings(gain_db=6.0))),
        ("input/gate", (-60.0,), OpenInput(InputSettings(gate_db=-60.0))),
        ("input/device", ("USB",), OpenInput(InputSettings(device="USB"))),
    ],
)
def test_settings_of_the_engine(key: str, values: Values, command: object) -> None:
    desk, _, engine, performer, _, _ = make_desk()
    desk.set(key, values)
    assert engine.sent == [command]
    assert performer.sent == []


@pytest.mark.parametrize(
    ("key", "values", "commands"),
    [
        ("clock/enable", (1,), [SetOutputs, SetClock(enabled=True)]),
        ("clock/continuous", (0,), [SetClock(continuous=False)]),
        ("clock/offset", (-20.0,), [SetClock(offset_s=-0.02)]),
        ("mtc/enable", (1,), [SetOutputs, SetClock(mtc=True)]),
        ("tuning/a4", (442.0,), [Mix(0, "a4", 442.0)]),
        ("part/2/mute", (1,), [Mix(2, "mute", True)]),
        ("part/3/solo", (1,), [Mix(3, "solo", True)]),
        ("part/2/gain", (-6.0,), [Mix(2, "gain", -6.0)]),
        ("part/2/pan", (0.5,), [Mix(2, "pan", 0.5)]),
        ("part/2/channel", (5,), [Mix(2, "channel", 5)]),
        ("part/2/program", (19,), [Mix(2, "program", 19)]),
        ("part/2/output", ("synth",), [Mix(2, "output", "synth")]),
    ],
)
def test_settings_of_the_performer(key: str, values: Values, commands: list[object]) -> None:
    desk, _, engine, performer, _, _ = make_desk()
    desk.set(key, values)
    assert len(performer.sent) == len(commands)
    for sent, wanted in zip(performer.sent, commands, strict=True):
        assert isinstance(sent, wanted) if isinstance(wanted, type) else sent == wanted
    # The engine hears the ensemble in the microphone: it is told who falls silent.
    silenced = [c for c in commands if isinstance(c, Mix) and c.control in ("mute", "solo")]
    assert engine.sent == silenced


def test_the_clock_has_its_port_while_it_is_wanted() -> None:
    desk, _, _, performer, _, _ = make_desk()
    desk.set("clock/enable", (1,))
    assert isinstance(performer.sent[0], SetOutputs)
    assert performer.sent[0].outputs.clock
    desk.set("clock/enable", (0,))
    assert isinstance(performer.sent[2], SetOutputs)
    assert not performer.sent[2].outputs.clock


@pytest.mark.parametrize(
    ("settings", "whole_s", "lead_s"),
    [
        ({"latency/out": 20.0}, 0.02, 0.0),
        ({"latency/in": 5.0, "latency/out": 20.0}, 0.02, 0.0),  # the engine knows its input
        ({"latency/out": 20.0, "latency/lead": 30.0}, 0.02, 0.03),
        ({"latency/out": 20.0, "latency/lead": -15.0}, 0.02, -0.015),
    ],
)
def test_delays(settings: dict[str, float], whole_s: float, lead_s: float) -> None:
    desk, _, engine, _, _, _ = make_desk()
    for key, value in settings.items():
        desk.set(key, (value,))
    assert engine.sent[-2:] == [Do("latency_out", (whole_s,)), Do("lead", (lead_s,))]


def test_what_a_driver_says_counts_until_a_human_says_it() -> None:
    desk, events, engine, _, _, _ = make_desk()
    outputs = (OutputInfo("parts", "jack", 0.004), OutputInfo("clock", "jack", 0.012))
    events.performer(OutputsOpened(outputs, realtime=True))
    assert desk.get("latency/out") == (12.0,)
    assert Do("latency_out", (0.012,)) in engine.taken()
    desk.set("latency/out", (30.0,))
    events.performer(OutputsOpened(outputs, realtime=True))
    assert desk.get("latency/out") == (30.0,)
    events.engine(InputOpened("other microphone", 44_100, 0.006))
    assert desk.get("latency/in") == (6.0,)


def test_the_slowest_is_below_the_fastest() -> None:
    desk, _, engine, _, _, _ = make_desk()
    with refused(422, "the slowest (500) must be below the fastest (400)"):
        desk.set("tempo/min", (500.0,))
    assert desk.get("tempo/min") == (20.0,)
    assert engine.sent == []


@pytest.mark.parametrize("state", sorted(RUNNING | {"paused"}))
@pytest.mark.parametrize("key", ["tuning/transpose", "input/device"])
def test_what_cannot_change_while_music_goes_on(key: str, state: str) -> None:
    desk, _, engine, _, _, told = make_desk(state=state)
    before = desk.get(key)
    with refused(409, "only while nothing plays; stop first"):
        desk.set(key, (2,) if key == "tuning/transpose" else ("USB",))
    assert desk.get(key) == before
    assert (engine.sent, told.changes) == ([], [])


def test_transposing_loads_the_piece_again() -> None:
    desk, _, engine, _, _, _ = make_desk()
    desk.set("tuning/transpose", (-2,))
    assert engine.sent == [LoadPiece("duet", EngineSettings(transpose=-2))]
    assert desk.get("state") == ("loading",)


def test_without_a_piece_settings_wait_for_one() -> None:
    desk, events, engine, performer, _, _ = make_desk(piece=False)
    desk.set("follow/mode", ("wait",))
    desk.set("tempo/scale", (0.5,))
    desk.set("tempo/lock", (1,))
    desk.set("latency/lead", (10.0,))
    assert engine.sent == []
    desk.do("piece/load", ("duet",))
    engine.taken()
    events.engine(loaded())
    assert engine.sent == [
        Do("follow", ("wait",)),
        Do("level", (desk.get("follow/level")[0],)),
        Do("dynamics", (0.5,)),
        Do("lost", ("continue",)),
        Do("tempo_scale", (0.5,)),
        Do("tempo_limits", (20.0, 400.0)),
        Do("countin", (1.0, "auto")),
        Do("lock", (True,)),
        Do("latency_out", (0.0,)),
        Do("lead", (0.01,)),
    ]
    assert isinstance(performer.sent[0], LoadPlan)


def test_the_soloists_tuning_is_taken_over_if_wanted() -> None:
    desk, events, _, performer, _, _ = make_desk()
    events.engine(view("following", a4_hz=443.0))
    assert performer.sent == []
    desk.set("tuning/auto", (1,))
    events.engine(view("following", a4_hz=443.0))
    events.engine(view("following", a4_hz=443.2))
    assert performer.sent == [Mix(0, "a4", 443.0)]
    assert desk.get("tuning/a4") == (443.0,)


# ---- transport -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "key", "values", "commands"),
    [
        ("idle", "arm", (), [Do("arm")]),
        ("idle", "start", (), [Do("start")]),
        ("following", "stop", (), [Do("stop")]),
        ("following", "pause", (), [Do("pause")]),
        ("paused", "resume", (), [Do("resume")]),
        ("armed", "cue", (), [Do("cue")]),
        ("waiting", "hold", (), [Do("hold")]),
        ("vamping", "vamp/exit", (), [Do("vamp_exit")]),
        ("lost", "resync", (), [Do("resync")]),
        ("following", "tempo/tap", (), [Do("tempo_tap")]),
        ("following", "tempo/nudge", (0.05,), [Do("tempo_nudge", (0.05,))]),
        ("following", "goto/bar", (3,), [Do("locate", (9.0,))]),
        ("idle", "goto/quarter", (2.5,), [Do("locate", (2.5,))]),
        ("armed", "goto/mark", ("b",), [Do("locate", (17.0,))]),
        ("idle", "goto/next", (), [Do("locate", (9.0,))]),
        ("idle", "goto/prev", (), [Do("locate", (0.0,))]),
        ("idle", "take/start", (), [Do("take_start")]),
        ("idle", "take/stop", (), [Do("take_stop")]),
        ("idle", "take/discard", (), [Do("take_discard")]),
    ],
)
def test_actions(state: str, key: str, values: Values, commands: list[object]) -> None:
    desk, _, engine, _, _, _ = make_desk(state=state)
    desk.do(key, values)
    assert engine.sent == commands


@pytest.mark.parametrize(
    ("state", "key"),
    [
        ("following", "start"),
        ("idle", "pause"),
        ("following", "resume"),
        ("idle", "cue"),
        ("paused", "hold"),
        ("following", "vamp/exit"),
        ("ended", "resync"),
        ("armed", "latency/calibrate"),
    ],
)
def test_what_makes_no_sense_now(state: str, key: str) -> None:
    desk, _, engine, _, _, _ = make_desk(state=state)
    with refused(409, f"while {state}"):
        desk.do(key, ())
    assert engine.sent == []


@pytest.mark.parametrize("key", ["arm", "start", "goto/next", "resync", "take/start"])
def test_without_a_piece_there_is_nothing_to_play(key: str) -> None:
    desk, *_ = make_desk(piece=False)
    with refused(409, "no piece is loaded"):
        desk.do(key, ())


def test_without_an_input_nobody_can_be_waited_for() -> None:
    desk, events, engine, _, _, told = make_desk()
    events.engine(Problem(503, "USB: gives no sound any more", "input/device"))
    assert ("error", ("input/device", 503, "USB: gives no sound any more")) in told.changes
    assert desk.get("state") == ("error",)
    for key in ("arm", "start"):
        with refused(503, "USB: gives no sound any more"):
            desk.do(key, ())
    desk.set("follow/mode", ("fixed",))
    engine.taken()
    desk.do("start", ())  # whoever keeps the tempo alone needs no ears
    assert engine.sent[-1] == Do("start")
    events.engine(InputOpened("USB", 44_100, 0.0))
    assert desk.get("state") == ("idle",)


def test_the_music_goes_on_when_the_input_is_lost() -> None:
    desk, events, *_ = make_desk(state="following")
    events.engine(Problem(503, "gone", "input/device"))
    events.engine(view("following"))
    assert desk.get("state") == ("following",)


def test_clicks_are_heard_if_wanted() -> None:
    desk, events, _, performer, _, _ = make_desk()
    click = Click((TimedMessage(1.0, 0.0, 0, Message(Message_kind.ON, 10, 76, 100)),))
    events.engine(click)
    desk.set("countin/click", (0,))
    events.engine(click)
    assert performer.sent == [click]


def test_a_hold_is_held_and_let_go() -> None:
    desk, _, engine, _, _, _ = make_desk(state="following")
    desk.do("hold", ())
    desk.do("hold", (1,))
    desk.do("hold", (0,))
    assert engine.taken() == [Do("hold"), Do("hold", (True,)), Do("hold", (False,))]


def test_whoever_conducts_beats_time() -> None:
    desk, _, engine, _, _, _ = make_desk(state="following")
    desk.set("follow/mode", ("conduct",))
    engine.taken()
    desk.do("tempo/tap", ())
    assert engine.sent == [Do("beat")]


@pytest.mark.parametrize(
    ("key", "values", "text"),
    [
        ("goto/bar", (9,), "there is no bar 9; bars go from 0 to 8"),
        ("goto/quarter", (33.0,), "quarter 33 is not in the piece: 0 to 33"),
        ("goto/mark", ("Q",), "there is no mark 'Q'; there are: A, B"),
    ],
)
def test_places_that_are_not_there(key: str, values: Values, text: str) -> None:
    desk, _, engine, _, _, _ = make_desk(state="following")
    with refused(422, text):
        desk.do(key, values)
    assert engine.sent == []


def test_whoever_leaves_a_loop_ends_it() -> None:
    desk, _, engine, _, _, _ = make_desk(state="following")
    desk.set("loop", (1, 2, 3))
    desk.do("goto/bar", (3,))
    assert desk.get("loop") == (1, 2, 3)
    engine.taken()
    desk.do("goto/bar", (5,))
    assert engine.sent == [Do("loop", (None,)), Do("locate", (17.0,))]
    assert desk.get("loop") == (0, 2, 3)


def test_whoever_keeps_the_tempo_alone_goes_on_at_the_new_place() -> None:
    desk, _, engine, _, _, _ = make_desk(state="following")
    desk.set("follow/mode", ("fixed",))
    engine.taken()
    desk.do("goto/bar", (3,))
    assert engine.sent == [Do("locate", (9.0,)), Do("start")]


def test_a_loop_of_bars_that_are_not_there() -> None:
    desk, _, engine, _, _, _ = make_desk()
    with refused(422, "no bar 12"):
        desk.set("loop", (1, 2, 12))
    assert desk.get("loop")[0] == 0
    assert engine.sent == []


def test_panic_goes_straight_to_the_performer() -> None:
    desk, _, engine, performer, _, _ = make_desk(piece=False)
    desk.do("midi/panic", ())
    assert (performer.sent, engine.sent) == ([Panic()], [])


# ---- pieces and parts ----------------------------------------------------------------------------


def test_loading() -> None:
    desk, events, engine, performer, _, told = make_desk(piece=False)
    desk.do("piece/load", (" duet ",))
    assert engine.sent == [LoadPiece("duet", EngineSettings())]
    assert desk.get("state") == ("loading",)
    with refused(409, "a piece is being loaded"):
        desk.do("pause", ())
    events.engine(loaded())
    assert desk.get("state") == ("idle",)
    assert desk.get("piece/info") == ("Duet", 9, 3)
    assert desk.get("piece/marks") == ("A", "B")
    assert desk.get("tempo/base") == (96.0,)
    assert desk.parts() == (2, 3)
    plan = performer.sent[0]
    assert isinstance(plan, LoadPlan)
    assert plan.part_names == {2: "Piano", 3: "Cello"}
    assert ("part/2/name", ("Piano",)) in told.changes


@pytest.mark.parametrize("key", ["arm", "start"])
@pytest.mark.parametrize("input_first", [True, False])
def test_whoever_loads_and_arms_at_once_need_not_wait(key: str, input_first: bool) -> None:
    desk, events, engine, _, _, told = make_desk(piece=False)
    desk.do("piece/load", ("duet",))
    desk.do(key, ())
    there = [loaded(), InputOpened("microphone", 48_000, 0.0)]
    if input_first:
        there.reverse()
    events.engine(there[0])
    events.engine(view("idle"))
    assert Do(key) not in engine.sent
    events.engine(there[1])
    assert engine.taken()[-1] == Do(key)
    events.engine(view("idle"))
    assert engine.sent == []  # once is enough
    assert told.of("error") == []


def test_a_start_without_ears_waits_for_the_piece_alone() -> None:
    desk, events, engine, _, _, _ = make_desk(piece=False)
    desk.set("follow/mode", ("fixed",))
    desk.do("piece/load", ("duet",))
    desk.do("start", ())
    events.engine(loaded())
    assert engine.sent[-1] == Do("start")


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda desk, events: desk.do("stop", ()),
        lambda desk, events: desk.do("piece/load", ("other",)),
        lambda desk, events: events.engine(Problem(404, "there is no such piece", "piece/load")),
        lambda desk, events: events.engine(EngineDied("twice", piece_dropped=True)),
    ],
)
def test_a_wish_to_play_ends_with_its_piece(meanwhile: Any) -> None:
    desk, events, engine, _, _, _ = make_desk()
    desk.do("piece/load", ("duet",))
    desk.do("arm", ())
    meanwhile(desk, events)
    events.engine(loaded())
    events.engine(view("idle"))
    assert Do("arm") not in engine.sent


def test_a_wish_that_no_input_comes_for_is_refused() -> None:
    desk, events, engine, _, _, told = make_desk(piece=False)
    desk.do("piece/load", ("duet",))
    desk.do("arm", ())
    events.engine(Problem(503, "there is no audio input", "input/device"))
    events.engine(loaded())
    assert Do("arm") not in engine.sent
    assert ("error", ("input/device", 503, "there is no audio input")) in told.changes


def test_a_transposed_piece_keeps_the_tempo_that_was_set() -> None:
    desk, events, engine, _, _, _ = make_desk()
    desk.set("tempo/base", (80.0,))
    desk.set("tuning/transpose", (2,))
    engine.taken()
    events.engine(loaded())
    assert desk.get("tempo/base") == (80.0,)
    assert Do("tempo_base", (80.0,)) in engine.sent
    desk.do("piece/load", ("duet",))
    engine.taken()
    events.engine(loaded())
    assert desk.get("tempo/base") == (96.0,)
    assert Do("tempo_base", (80.0,)) not in engine.sent


@pytest.mark.parametrize("state", ["armed", "following"])
def test_the_same_piece_made_ready_for_another_input_changes_nothing(state: str) -> None:
    desk, events, engine, performer, _, told = make_desk(state=state)
    desk.set("tempo/base", (80.0,))
    desk.set("part/2/gain", (-6.0,))
    for link in (engine, performer, told):
        link.taken()
    events.engine(loaded())
    assert desk.get("state") == (state,)
    assert told.of("state") == []
    assert desk.get("tempo/base") == (80.0,)
    assert engine.sent == []  # it knows
    assert isinstance(performer.sent[0], LoadPlan)
    assert Mix(2, "gain", -6.0) in performer.sent


def test_a_piece_that_cannot_be_loaded() -> None:
    desk, events, _, _, _, told = make_desk()
    desk.do("piece/load", ("no-such-piece",))
    events.engine(Problem(404, "no-such-piece: there is no such piece", "piece/load"))
    assert desk.get("state") == ("idle",)
    assert desk.get("piece/info")[0] == "Duet"  # the one before is still there
    assert ("error", ("piece/load", 404, "no-such-piece: there is no such piece")) in told.changes
    desk.set("tuning/transpose", (1,))
    assert desk.wiring.facts.request == LoadPiece("duet", EngineSettings(transpose=1))


def test_parts_have_what_the_score_says() -> None:
    desk, *_ = make_desk()
    assert [desk.get(f"part/3/{c}")[0] for c in ("name", "mute", "gain", "channel", "program")] == [
        "Cello", 0, 0.0, 2, 42,
    ]  # fmt: skip
    assert desk.get("part/2/pan") == (-0.444,)


def test_parts_that_are_not_there() -> None:
    desk, *_ = make_desk()
    with refused(404, "part 1 is the soloist's"):
        desk.set("part/1/mute", (1,))
    with refused(404, "there is no part 7; there are 2, 3"):
        desk.get("part/7/mute")
    with refused(404, "cannot be set"):
        desk.set("part/2/name", ("x",))
    empty, *_ = make_desk(piece=False)
    with refused(409, "no piece is loaded"):
        empty.get("part/2/mute")


def test_the_same_piece_again_keeps_its_mix_and_another_does_not() -> None:
    desk, events, _, performer, _, _ = make_desk()
    desk.set("part/2/gain", (-6.0,))
    desk.set("loop", (1, 2, 3))
    performer.taken()
    events.engine(loaded())
    assert performer.sent[1:] == [Mix(2, "gain", -6.0)]
    assert desk.get("loop") == (1, 2, 3)
    performer.taken()
    events.engine(loaded(duet(12), piece_id="other"))
    assert performer.sent[1:] == []
    assert desk.get("part/2/gain") == (0.0,)
    assert desk.get("loop") == (0, 2, 3)


# ---- what the processes say ----------------------------------------------------------------------


def test_views_are_told_as_they_change() -> None:
    _, events, _, _, _, told = make_desk()
    events.engine(view("lost", qpm=87.654, confidence=0.123, level_db=-33.33))
    events.engine(view("lost", qpm=87.654, confidence=0.123, level_db=-33.33))
    assert dict(told.changes) == {
        "state": ("lost",),
        "tempo/now": (87.65,),
        "follow/confidence": (0.12,),
        "follow/lost": (1,),
        "input/level": (-33.3,),
    }
    assert len(told.changes) == 5


def test_a_piece_has_its_written_tempo_before_the_first_hop() -> None:
    desk, events, _, _, _, _ = make_desk()
    events.engine(loaded(duet(12), piece_id="other"))
    assert desk.get("tempo/now") == desk.get("tempo/base") == (96.0,)
    events.engine(view("idle", qpm=0.0))
    assert desk.get("tempo/now") == (96.0,)


def test_the_desk_goes_with_the_tempo_marks_and_with_a_vamp_that_ends() -> None:
    desk, events, _, _, _, told = make_desk(state="following")
    desk.set("loop", (1, 2, 3))
    desk.set("tempo/base", (80.0,))
    told.taken()
    for base_qpm, looping in ((96.0, False), (80.0, True), (80.0, True), (120.0, False)):
        events.engine(view("following", led_qpm=101.0, base_qpm=base_qpm, looping=looping))
    assert told.of("tempo/now") == [(101.0,)]
    assert told.of("tempo/base") == [(96.0,), (80.0,), (120.0,)]
    assert told.of("loop") == [(0, 2, 3)]
    assert desk.get("loop") == (0, 2, 3)


def test_a_dead_engine_is_silenced_first_of_all() -> None:
    desk, events, _, performer, _, told = make_desk(state="following")
    events.engine(EngineDied("the engine has ended"))
    assert performer.sent == [Silence()]
    assert desk.get("state") == ("error",)
    assert ("error", ("state", 503, "the engine has ended")) in told.changes
    with refused(503, "the engine has ended"):
        desk.do("arm", ())
    events.engine(InputOpened("microphone", 48_000, 0.0))
    assert desk.get("state") == ("loading",)
    events.engine(loaded())
    events.engine(view("armed"))
    assert desk.get("state") == ("armed",)
    assert any(isinstance(sent, LoadPlan) for sent in performer.sent)


def test_a_piece_of_which_the_engine_dies_is_dropped() -> None:
    desk, events, *_ = make_desk()
    desk.do("piece/load", ("deadly",))
    events.engine(EngineDied("the engine has ended twice", piece_dropped=True))
    events.engine(view("idle"))
    assert desk.get("state") == ("idle",)
    with refused(409, "no piece is loaded"):
        desk.do("arm", ())


def test_what_was_sent_goes_to_the_take() -> None:
    _, events, engine, _, _, _ = make_desk()
    messages = (TimedMessage(1.0, 0.0, 2, Message(Message_kind.ON, 1, 60, 80)),)
    events.performer(Sent(messages, (0.001,)))
    assert engine.sent == [Played(messages, (0.001,))]


def test_the_same_complaint_is_not_told_over_and_over() -> None:
    _, events, _, _, _, told = make_desk()
    for _ in range(5):
        events.performer(Problem(503, "the port is gone"))
    assert told.of("error") == [("output", 503, "the port is gone")]


def test_a_watcher_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    desk, *_, told = make_desk()

    def broken(key: str, values: Values) -> None:
        raise ValueError("broken")

    desk.watch(broken)
    desk.watch(told)
    desk.set("tempo/scale", (0.9,))
    assert told.of("tempo/scale") == [(0.9,), (0.9,)]
    assert "a watcher of tempo/scale failed" in caplog.text


def test_status_is_one_line_of_json() -> None:
    desk, *_ = make_desk(state="armed")
    (line,) = desk.get("status")
    assert isinstance(line, str)
    assert "\n" not in line
    status = json.loads(line)
    assert (status["state"], status["piece"], status["input"]) == ("armed", "duet", "microphone")


def test_the_settings_are_what_the_desk_begins_with() -> None:
    config = Config(
        input=InputConfig(device="USB", gain_db=3.0, latency_ms=7.0),
        output=OutputConfig(latency_ms=20.0, lead_ms=5.0),
    )
    desk, events, engine, _, _, _ = make_desk(config, piece=False)
    assert desk.get("input/device") == ("USB",)
    assert desk.get("latency/out") == (20.0,)
    desk.wiring.open_input()
    assert engine.sent == [OpenInput(InputSettings(device="USB", gain_db=3.0, latency_s=0.007))]
    events.engine(InputOpened("USB", 44_100, 0.5))
    assert desk.get("latency/in") == (7.0,)


def test_what_others_do_is_left_to_them() -> None:
    desk, _, _, _, helpers, _ = make_desk()
    for key, values in (
        ("quit", ()),
        ("reload", ()),
        ("take/save", ("best",)),
        ("take/save", ()),
        ("take/export", ("smf",)),
        ("latency/calibrate", ()),
        ("control/learn", ("cue",)),
        ("control/forget", ()),
    ):
        desk.do(key, values)
    desk.set("link/mode", ("lead",))
    assert helpers.asked == [
        ("leave",),
        ("reload",),
        ("keep_take", "best"),
        ("keep_take", ""),
        ("export_take", "smf", ""),
        ("calibrate",),
        ("learn", "cue"),
        ("forget",),
        ("set_link", "lead"),
    ]


def test_links_are_only_told_what_they_know() -> None:
    """Whatever is sent by the desk can be sent by a real link: plain, picklable values."""
    import pickle

    desk, events, engine, performer, _, _ = make_desk()
    desk.do("arm", ())
    desk.set("part/2/mute", (1,))
    desk.set("clock/enable", (1,))
    events.engine(loaded())
    for link in (engine, performer):
        assert isinstance(link, FakeLink)
        assert pickle.loads(pickle.dumps(link.sent)) is not None
