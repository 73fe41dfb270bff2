"""Bytes on the wire, read back by another library."""

from __future__ import annotations

import mido
from hypothesis import given
from hypothesis import strategies as st

from accompanist.performing.clock import ClockEvent, ClockKind
from accompanist.performing.messages import Kind, Message
from bridges.midi_bytes import clock_bytes, lets_go, message_bytes, panics

seven = st.integers(0, 127)


@given(st.sampled_from(list(Kind)), st.integers(1, 16), seven, seven, st.integers(-8192, 8191))
def test_every_message_is_read_back(
    kind: Kind, channel: int, number: int, value: int, bend: int
) -> None:
    message = Message(kind, channel, number, bend if kind is Kind.BEND else value)
    read = mido.Message.from_bytes(message_bytes(message))
    assert read.channel == channel - 1
    match kind:
        case Kind.ON | Kind.OFF:
            assert read.type == ("note_on" if kind is Kind.ON else "note_off")
            assert (read.note, read.velocity) == (number, value)
        case Kind.CC:
            assert (read.control, read.value) == (number, value)
        case Kind.PROGRAM:
            assert read.program == number
        case Kind.BEND:
            assert read.pitch == bend


@given(st.sampled_from(list(Kind)), st.integers(1, 16), st.integers(), st.integers())
def test_no_value_makes_a_status_byte(kind: Kind, channel: int, number: int, value: int) -> None:
    data = message_bytes(Message(kind, channel, number, value))
    assert data[0] >= 0x80
    assert all(byte < 0x80 for byte in data[1:])


@given(st.sampled_from(list(ClockKind)), st.integers(0, 20_000))
def test_the_clock_is_read_back(kind: ClockKind, sixteenth: int) -> None:
    read = mido.Message.from_bytes(clock_bytes(ClockEvent(0.0, kind, sixteenth)))
    names = {
        ClockKind.TICK: "clock",
        ClockKind.START: "start",
        ClockKind.CONTINUE: "continue",
        ClockKind.STOP: "stop",
        ClockKind.POSITION: "songpos",
    }
    assert read.type == names[kind]
    if kind is ClockKind.POSITION:
        assert read.pos == min(sixteenth, 16_383)


def test_letting_go_is_offs_then_pedals() -> None:
    assert [message_bytes(m).hex() for m in lets_go([(1, 60), (3, 64)], [1, 3])] == [
        "803c00",
        "824000",
        "b04000",
        "b24000",
    ]


def test_panic_has_its_order_and_never_a_reset_or_active_sensing() -> None:
    for tails in (False, True):
        sent = [message_bytes(m) for m in panics([(1, 60)], tails=tails)]
        assert sent[0].hex() == "803c00"
        mine = [data.hex() for data in sent[1:] if data[0] & 0x0F == 0]
        assert mine == ["b04000", "b04200", "b07b00", "b07900", "e00040"] + ["b07800"] * tails
        assert {data[0] & 0x0F for data in sent} == set(range(16))
        assert not any(data[0] >= 0xF0 for data in sent)
