"""Every address of the outer surface answers: asked, set, given a wrong type, a wrong range.

The lists are written out by hand from the description of the surface, so that the table that the
server dispatches from cannot lose one unnoticed.
"""

from __future__ import annotations

import pytest
from osc_virtual import Bench

from accompanist.app.desk.protocol import Values
from accompanist.app.osc.table import TABLE, Kind, find, keys
from bridges.osc import OscArgument, OscMessage

SWITCHES = (
    "/acc/tempo/lock", "/acc/countin/click", "/acc/part/2/mute", "/acc/part/2/solo",
    "/acc/tuning/auto", "/acc/clock/enable", "/acc/clock/continuous", "/acc/mtc/enable",
)  # fmt: skip

STATES: dict[str, tuple[str, OscArgument, OscArgument]] = {
    **dict.fromkeys(SWITCHES, ("i", 1, 2)),
    # address: type tag, a value it takes, a value out of range
    "/acc/tempo/base": ("f", 96.0, 0.0),
    "/acc/tempo/scale": ("f", 0.75, -1.0),
    "/acc/tempo/min": ("f", 40.0, 1e6),
    "/acc/tempo/max": ("f", 200.0, 0.0),
    "/acc/follow/mode": ("s", "wait", "lead"),
    "/acc/follow/level": ("f", 7.5, 10.5),
    "/acc/follow/dynamics": ("f", 0.75, 1.5),
    "/acc/follow/lostpolicy": ("s", "fade", "panic"),
    "/acc/countin/bars": ("i", 2, -1),
    "/acc/countin/mode": ("s", "never", "sometimes"),
    "/acc/part/1/gain": ("f", -6.0, 100.0),
    "/acc/part/3/pan": ("f", -1.0, -1.5),
    "/acc/part/1/channel": ("i", 16, 17),
    "/acc/part/1/program": ("i", 0, 128),
    "/acc/part/1/output": ("s", "synth", "tape"),
    "/acc/tuning/a4": ("f", 442.0, 391.0),
    "/acc/tuning/transpose": ("i", -2, 99),
    "/acc/input/gate": ("f", -60.0, 10.0),
    "/acc/input/gain": ("f", 6.0, 1000.0),
    "/acc/latency/in": ("f", 5.5, -1.0),
    "/acc/latency/out": ("f", 12.0, 1e5),
    "/acc/latency/lead": ("f", -10.0, 1000.0),
    "/acc/clock/offset": ("f", -3.0, 1e4),
    "/acc/link/mode": ("s", "follow", "both"),
    "/acc/recording/solo": ("f", 0.25, 1.5),
    "/acc/recording/gain": ("f", -6.0, 100.0),
}
STATES_OF_ANY_TEXT = ("/acc/input/device",)
READINGS = {
    "/acc/piece/info": "sii", "/acc/piece/marks": "ss", "/acc/state": "s", "/acc/position": "idf",
    "/acc/position/bar": "i", "/acc/position/beat": "f", "/acc/position/quarter": "d",
    "/acc/position/mark": "s", "/acc/position/page": "i", "/acc/tempo/now": "f",
    "/acc/follow/confidence": "f", "/acc/follow/lost": "i", "/acc/follow/here": "f",
    "/acc/part/2/name": "s",
    "/acc/input/level": "f", "/acc/timemap": "ddd", "/acc/beat": "iif", "/acc/status": "s",
    "/acc/error": "sis",
}  # fmt: skip
BUTTONS = (
    "/acc/arm", "/acc/start", "/acc/stop", "/acc/pause", "/acc/resume", "/acc/tempo/tap",
    "/acc/cue", "/acc/vamp/exit", "/acc/resync", "/acc/goto/next", "/acc/goto/prev",
    "/acc/latency/calibrate", "/acc/take/start", "/acc/take/stop", "/acc/take/discard",
    "/acc/midi/panic", "/acc/reload", "/acc/quit",
)  # fmt: skip
ACTIONS: dict[str, tuple[OscArgument, OscArgument | None]] = {
    # address: what it takes, a value out of range (None: any text will do)
    "/acc/piece/load": ("la-folia", None),
    "/acc/goto/bar": (12, -1),
    "/acc/goto/quarter": (16.25, -0.5),
    "/acc/goto/mark": ("B", None),
    "/acc/tempo/nudge": (0.02, 5.0),
    "/acc/hold": (1, 2),
    "/acc/take/save": ("best", None),
    "/acc/take/export": ("smf", "mp9"),
}
BEYOND_THE_CONTRACT = ("/acc/input/advice", "/acc/control/learn", "/acc/control/forget")
SERVER = ("/acc/subscribe", "/acc/unsubscribe", "/acc/ping")
LOOP = ("/acc/loop",)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_table_holds_these_addresses_and_no_others() -> None:
    def general(address: str) -> str:
        words = address.removeprefix("/acc/").split("/")
        return "/".join("{part}" if w.isdigit() else w for w in words)

    expected = [*STATES, *STATES_OF_ANY_TEXT, *READINGS, *BUTTONS, *ACTIONS, *LOOP, *SERVER]
    expected += BEYOND_THE_CONTRACT
    assert {entry.path for entry in TABLE} == {general(a) for a in expected}
    assert len(TABLE) == len({entry.path for entry in TABLE})


def wrong_type(tag: str) -> OscArgument:
    return 3 if tag == "s" else "three"


@pytest.mark.parametrize("address", STATES)
def test_a_state_is_asked_set_and_guarded(bench: Bench, address: str) -> None:
    tag, value, outside = STATES[address]
    before = bench.desk.values[address.removeprefix("/acc/")]
    assert bench.ask(address) == [OscMessage(address, before)]

    (answer,) = bench.ask(address, value)
    assert answer == OscMessage(address, (value,))
    assert bench.desk.values[address.removeprefix("/acc/")] == (value,)
    assert bench.ask(address) == [answer]

    assert bench.error(address, wrong_type(tag)) == (address, 400)
    assert bench.error(address, value, value) == (address, 400)
    assert bench.error(address, b"blob") == (address, 400)
    if tag != "s":
        assert bench.error(address, float("nan")) == (address, 400)
        assert bench.error(address, float("inf")) == (address, 400)
    assert bench.error(address, outside) == (address, 422)
    assert bench.ask(address) == [answer]


@pytest.mark.parametrize("address", STATES_OF_ANY_TEXT)
def test_a_text_is_asked_set_and_guarded(bench: Bench, address: str) -> None:
    assert bench.ask(address) == [OscMessage(address, ("",))]
    assert bench.ask(address, "hw:1") == [OscMessage(address, ("hw:1",))]
    assert bench.error(address, 1) == (address, 400)
    assert bench.error(address, "two\nlines") == (address, 400)
    assert bench.error(address, "x" * 5000) == (address, 400)


@pytest.mark.parametrize("address", READINGS)
def test_a_reading_can_only_be_asked(bench: Bench, address: str) -> None:
    (answer,) = bench.ask(address)
    assert answer.address == address
    kinds = {"i": int, "f": float, "d": float, "s": str}
    assert [type(a) for a in answer.arguments] == [kinds[t] for t in READINGS[address]]
    assert bench.error(address, 1) == (address, 400)
    assert bench.error(address, "x") == (address, 400)


@pytest.mark.parametrize("address", BUTTONS)
def test_a_button_is_pressed_with_or_without_its_1_and_released_with_0(
    bench: Bench, address: str
) -> None:
    key = address.removeprefix("/acc/")
    pressed: tuple[tuple[OscArgument, ...], ...] = ((), (1,), (1.0,), (True,), (None,))
    for press in pressed:
        assert bench.ask(address, *press) == [OscMessage(address)]
    assert bench.desk.done == [(key, ())] * len(pressed)
    for release in (0, 0.0, False):
        assert bench.ask(address, release) == []
    assert len(bench.desk.done) == len(pressed)
    assert bench.error(address, "now") == (address, 400)
    assert bench.error(address, 1, 1) == (address, 400)


@pytest.mark.parametrize("address", ACTIONS)
def test_an_action_takes_what_it_needs(bench: Bench, address: str) -> None:
    key = address.removeprefix("/acc/")
    value, outside = ACTIONS[address]
    (answer,) = bench.ask(address, value)
    assert answer.address == address
    ((done, values),) = bench.desk.done
    assert (done, values) == (key, (value,))
    found = find(key)
    assert found is not None
    if found[0].least:
        assert bench.error(address) == (address, 400)
    else:
        assert bench.ask(address) == [OscMessage(address)]
        assert bench.desk.done[-1] == (key, ())
    assert bench.error(address, wrong_type(found[0].arguments[0].tag)) == (address, 400)
    if outside is not None:
        assert bench.error(address, outside) == (address, 422)


def test_the_loop_takes_its_bars_or_keeps_them(bench: Bench) -> None:
    assert bench.ask("/acc/loop") == [OscMessage("/acc/loop", (0, 1, 1))]
    assert bench.ask("/acc/loop", 1, 12, 16) == [OscMessage("/acc/loop", (1, 12, 16))]
    assert bench.ask("/acc/loop", 0) == [OscMessage("/acc/loop", (0, 12, 16))]
    assert bench.ask("/acc/loop", 1) == [OscMessage("/acc/loop", (1, 12, 16))]
    assert bench.error("/acc/loop", 2) == ("/acc/loop", 422)
    assert bench.error("/acc/loop", "on") == ("/acc/loop", 400)
    assert bench.error("/acc/loop", 1, -4, 8) == ("/acc/loop", 422)


@pytest.mark.parametrize(
    ("sent", "tags"), [(1, "i"), (1.0, "f"), (1.0, "d"), (True, ""), (1, "h"), (0.9, "f")]
)
def test_numbers_and_truth_values_are_taken_for_one_another(
    bench: Bench, sent: OscArgument, tags: str
) -> None:
    assert bench.ask("/acc/part/1/mute", sent, tags=tags) == [OscMessage("/acc/part/1/mute", (1,))]
    expected = 0.9 if sent == 0.9 else 1.0
    bench.ask("/acc/tempo/scale", sent, tags=tags)
    assert bench.desk.values["tempo/scale"] == (expected,)


@pytest.mark.parametrize("value", [0.2, -0.2])
def test_a_limit_sent_as_a_float_is_within_the_limits(bench: Bench, value: float) -> None:
    bench.ask("/acc/tempo/nudge", value, tags="f")
    assert bench.desk.done == [("tempo/nudge", (value,))]


def test_parts_that_are_not_there(bench: Bench) -> None:
    for address in (
        "/acc/part/4/gain",
        "/acc/part/0/gain",
        "/acc/part/01/gain",
        "/acc/part/x/gain",
    ):
        assert bench.error(address) == (address, 404)
    bench.desk.numbers = ()
    assert bench.error("/acc/part/1/gain", -3.0) == ("/acc/part/1/gain", 404)


@pytest.mark.parametrize(
    "address",
    ["/", "/acc", "/acc/", "/acc/tempo", "/acc/tempo/scale/", "/acc/Tempo/scale", "/xyz",
     "/accc/tempo/scale", "/acc//tempo/scale", "/acc/part/{part}/gain", "/acc/*/nothing"],
)  # fmt: skip
def test_addresses_that_are_none(bench: Bench, address: str) -> None:
    assert bench.error(address) == (address, 404)


@pytest.mark.parametrize("key", list(keys((1,))))
def test_defaults_fit_their_own_entries(key: str) -> None:
    from accompanist.app.osc.arguments import taken

    found = find(key)
    assert found is not None
    entry = found[0]
    assert entry.doc
    if entry.kind is Kind.STATE:
        values: Values = entry.default
        assert taken(entry, values) == values
