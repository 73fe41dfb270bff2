"""Pedals: exact times on a virtual clock, bouncing, long presses, learning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.app.control.pedals import ACTIONS, DEFAULTS, Binding, Pedals, Wish, binding_of

CUE, BACK, PANIC = Wish("cue"), Wish("goto/prev"), Wish("midi/panic")
HOLD, GO_ON = Wish("hold", (1,)), Wish("hold", (0,))


def cc(number: int, value: int, channel: int = 1) -> bytes:
    return bytes([0xB0 + channel - 1, number, value])


def test_the_pedals_of_the_contract() -> None:
    pedals = Pedals()
    assert pedals.heard(cc(64, 127), 1.0) == (CUE,)
    assert pedals.heard(cc(64, 0), 1.2) == ()
    assert pedals.heard(cc(67, 127, channel=9), 2.0) == (BACK,)
    assert pedals.heard(cc(66, 127), 3.0) == (PANIC,)
    assert pedals.heard(bytes([0x90, 64, 127]), 4.0) == ()  # a note of that number is none


def test_a_long_press_holds_until_it_is_let_go() -> None:
    pedals = Pedals(hold_s=0.6)
    assert pedals.heard(cc(64, 127), 1.0) == (CUE,)
    assert pedals.due(1.599) == ()
    assert pedals.due(1.6) == (HOLD,)
    assert pedals.due(5.0) == ()
    assert pedals.heard(cc(64, 0), 6.0) == (GO_ON,)
    assert pedals.heard(cc(64, 127), 7.0) == (CUE,)
    assert pedals.heard(cc(64, 0), 7.3) == ()
    assert pedals.due(9.0) == ()


def test_only_the_cue_has_a_long_press() -> None:
    pedals = Pedals()
    assert pedals.heard(cc(67, 127), 0.0) == (BACK,)
    assert pedals.due(9.0) == ()
    assert pedals.heard(cc(67, 0), 10.0) == ()


def test_bouncing_is_one_press_and_one_release() -> None:
    pedals = Pedals(debounce_s=0.03)
    out = [
        pedals.heard(cc(64, value), time_s)
        for value, time_s in ((127, 1.0), (0, 1.004), (127, 1.008), (0, 1.3), (127, 1.305))
    ]
    assert out == [(CUE,), (), (), (), ()]
    assert pedals.heard(cc(64, 0), 1.31) == ()
    assert pedals.due(2.0) == ()
    assert pedals.heard(cc(64, 127), 3.0) == (CUE,)


def test_a_tap_shorter_than_the_bouncing_ends_all_the_same() -> None:
    pedals = Pedals(debounce_s=0.03, hold_s=0.6)
    assert pedals.heard(cc(64, 127), 1.0) == (CUE,)
    assert pedals.heard(cc(64, 0), 1.01) == ()
    assert pedals.due(1.03) == ()
    assert pedals.due(2.0) == ()  # no hold: it was let go
    assert pedals.heard(cc(64, 127), 2.1) == (CUE,)


def test_a_continuous_pedal_counts_once_on_its_way() -> None:
    pedals = Pedals(threshold=64)
    way = [3, 20, 50, 63, 64, 90, 127, 100, 66, 60, 63, 62, 49, 48, 47, 20, 0]
    out = [pedals.heard(cc(64, value), 0.1 * i) for i, value in enumerate(way)]
    assert [i for i, wishes in enumerate(out) if CUE in wishes] == [4]
    # trembling around the threshold is no second press; below 48 it is up
    assert GO_ON in out[14]


def test_a_note_and_a_program_as_cue() -> None:
    pedals = Pedals((Binding("note", 36, "cue", channel=10), Binding("program", 5, "back")))
    assert pedals.heard(bytes([0x99, 36, 20]), 1.0) == (CUE,)
    assert pedals.heard(bytes([0x99, 36, 0]), 1.1) == ()
    assert pedals.heard(bytes([0x90, 36, 20]), 2.0) == ()  # another channel
    assert pedals.heard(bytes([0xC3, 5]), 3.0) == (BACK,)
    assert pedals.heard(bytes([0xC3, 5]), 3.5) == (BACK,)
    assert pedals.heard(bytes([0xC3, 6]), 4.0) == ()


def test_a_lost_port_takes_the_feet_off() -> None:
    pedals = Pedals()
    pedals.heard(cc(64, 127), 0.0)
    pedals.due(1.0)
    assert pedals.release() == (GO_ON,)
    assert pedals.release() == ()
    assert pedals.heard(cc(64, 127), 2.0) == (CUE,)


@pytest.mark.parametrize(
    "message",
    [b"", b"\xf8", b"\xf0\x01\xf7", b"\xb0\x40", b"\xb0\x40\xff", b"\x40\x40\x40", b"\xe0\x00\x40"],
)
def test_other_messages_mean_nothing(message: bytes) -> None:
    assert Pedals().heard(message, 0.0) == ()


# ---- learning ------------------------------------------------------------------------------------


def test_the_next_note_is_learned_and_does_nothing_yet() -> None:
    pedals = Pedals()
    pedals.learn("cue")
    assert pedals.heard(bytes([0x80, 40, 0]), 0.5) == ()  # a key that was let go
    assert pedals.learning == "cue"
    assert pedals.heard(bytes([0x92, 36, 99]), 1.0) == ()
    assert pedals.learning == ""
    assert Binding("note", 36, "cue", channel=3) in pedals.bindings
    assert Binding("cc", 64, "cue") not in pedals.bindings
    assert pedals.due(9.0) == ()
    assert pedals.heard(bytes([0x82, 36, 0]), 10.0) == ()
    assert pedals.heard(bytes([0x92, 36, 99]), 11.0) == (CUE,)


def test_a_message_means_one_thing() -> None:
    pedals = Pedals()
    pedals.learn("panic")
    pedals.heard(cc(64, 127), 1.0)
    assert pedals.bindings == (Binding("cc", 67, "back"), Binding("cc", 64, "panic", channel=1))
    pedals.heard(cc(64, 0), 2.0)
    assert pedals.heard(cc(64, 127), 3.0) == (PANIC,)


def test_a_continuous_pedal_is_learned_the_right_way_round() -> None:
    pedals = Pedals()
    pedals.learn("back")
    for i, value in enumerate((2, 9, 30, 70, 127)):
        pedals.heard(cc(4, value), 0.02 * i)
    assert Binding("cc", 4, "back", channel=1) in pedals.bindings
    pedals.heard(cc(4, 0), 1.0)
    assert pedals.heard(cc(4, 127), 2.0) == (BACK,)


def test_a_pedal_that_sends_0_when_down_is_learned_inverted() -> None:
    pedals = Pedals()
    pedals.learn("back")
    pedals.heard(cc(80, 0), 1.0)
    assert pedals.due(1.2) == ()
    assert pedals.learning == "back"
    pedals.due(1.4)
    assert Binding("cc", 80, "back", channel=1, inverted=True) in pedals.bindings
    assert pedals.heard(cc(80, 127), 2.0) == ()  # up
    assert pedals.heard(cc(80, 0), 3.0) == (BACK,)


def test_learning_can_be_given_up_and_refuses_what_there_is_not() -> None:
    pedals = Pedals()
    pedals.learn("cue")
    pedals.learn("")
    assert pedals.heard(cc(64, 127), 0.0) == (CUE,)
    with pytest.raises(ValueError, match="there are cue, hold, back"):
        pedals.learn("dance")


def test_bindings_survive_a_file() -> None:
    pedals = Pedals()
    assert tuple(binding_of(row) for row in pedals.as_rows()) == DEFAULTS
    for nonsense in (None, 3, {}, {"kind": "cc"}, {"kind": "x", "number": 1, "action": "cue"}):
        assert binding_of(nonsense) is None


messages = st.one_of(
    st.builds(cc, st.sampled_from([64, 66, 67, 1]), st.integers(0, 127), st.integers(1, 16)),
    st.binary(max_size=4),
)


@given(st.lists(st.tuples(messages, st.floats(0.0, 0.5)), max_size=60))
def test_every_hold_has_its_end(steps: list[tuple[bytes, float]]) -> None:
    pedals, time_s, wishes = Pedals(), 0.0, []
    for message, wait_s in steps:
        time_s += wait_s
        wishes += [*pedals.heard(message, time_s)]
    wishes += [*pedals.due(time_s + 1.0), *pedals.release()]
    holds = [wish.values[0] for wish in wishes if wish.key == "hold"]
    assert holds == [1, 0] * (len(holds) // 2)
    # a hold comes only after a cue, and every wish is one that the desk knows
    keys = {a.key for a in ACTIONS.values()}
    assert all(wish.key in keys for wish in wishes)
