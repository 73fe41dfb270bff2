"""OSC packets as bytes, and the socket they come through."""

from __future__ import annotations

import logging
import random
import socket
import struct
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridges.osc import (
    IMMEDIATELY,
    LARGEST_PACKET,
    OscArgument,
    OscError,
    OscMessage,
    decode,
    encode,
    encode_bundle,
    ntp_from_unix,
    unix_from_ntp,
)
from bridges.osc_udp import OscUdp

# Bytes as other programs send them.
OSCSEND_FLOAT = bytes.fromhex("2f6163632f74656d706f2f7363616c6500000000 2c660000 3f666666")
"""oscsend localhost 7010 /acc/tempo/scale f 0.9"""
TOUCHOSC_PRESS = bytes.fromhex("2f6163632f73746172740000 2c660000 3f800000")
TOUCHOSC_RELEASE = bytes.fromhex("2f6163632f73746172740000 2c660000 00000000")
OPEN_STAGE_CONTROL_TRUE = bytes.fromhex("2f6163632f706172742f312f6d75746500000000 2c540000")
NO_ARGUMENTS = bytes.fromhex("2f6163632f73746174650000 2c000000")
NO_TYPE_TAGS = bytes.fromhex("2f6163632f73746174650000")
SPECIFICATION_EXAMPLE = bytes.fromhex(
    "2f666f6f00000000 2c69697366660000 000003e8 ffffffff 68656c6c6f000000 3f9df3b6 40b5b22d"
)
"""The second example of the OSC 1.0 specification: /foo 1000 -1 "hello" 1.234 5.678."""
IMMEDIATE_BUNDLE = bytes.fromhex(
    "2362756e646c6500 0000000000000001 00000014 2f6163632f73746172740000 2c660000 3f800000"
)


def single(value: float) -> float:
    return float(struct.unpack(">f", struct.pack(">f", value))[0])


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (OSCSEND_FLOAT, OscMessage("/acc/tempo/scale", (single(0.9),))),
        (TOUCHOSC_PRESS, OscMessage("/acc/start", (1.0,))),
        (TOUCHOSC_RELEASE, OscMessage("/acc/start", (0.0,))),
        (OPEN_STAGE_CONTROL_TRUE, OscMessage("/acc/part/1/mute", (True,))),
        (NO_ARGUMENTS, OscMessage("/acc/state")),
        (NO_TYPE_TAGS, OscMessage("/acc/state")),
        (
            SPECIFICATION_EXAMPLE,
            OscMessage("/foo", (1000, -1, "hello", single(1.234), single(5.678))),
        ),
        (IMMEDIATE_BUNDLE, OscMessage("/acc/start", (1.0,))),
    ],
)
def test_packets_of_others(packet: bytes, expected: OscMessage) -> None:
    assert decode(packet) == ((IMMEDIATELY, expected),)


def test_our_own_bytes() -> None:
    assert encode("/acc/tempo/scale", (0.9,)) == OSCSEND_FLOAT
    assert encode("/acc/state") == NO_ARGUMENTS
    assert encode("/acc/part/1/mute", (True,)) == OPEN_STAGE_CONTROL_TRUE
    assert encode("/foo", (1000, -1, "hello", 1.234, 5.678)) == SPECIFICATION_EXAMPLE
    assert encode_bundle(IMMEDIATELY, [TOUCHOSC_PRESS]) == IMMEDIATE_BUNDLE
    error = encode("/acc/error", ("/acc/x", 404, "no"), "sis")
    assert error == (
        b"/acc/error\0\0" b",sis\0\0\0\0" b"/acc/x\0\0" b"\0\0\x01\x94" b"no\0\0"
    )  # fmt: skip
    timemap = encode("/acc/timemap", (3_913_000_000.25, 12.5, 2), "ddd")
    assert timemap == b"/acc/timemap\0\0\0\0,ddd\0\0\0\0" + struct.pack(
        ">ddd", 3_913_000_000.25, 12.5, 2.0
    )


def test_a_time_tag_is_seconds_since_1900_in_32_and_32_bits() -> None:
    bundle = encode_bundle(0.5, [NO_ARGUMENTS])
    assert bundle[8:16] == struct.pack(">II", 2_208_988_800, 2**31)
    ((due_s, message),) = decode(bundle)
    assert (due_s, message.address) == (0.5, "/acc/state")
    assert unix_from_ntp(ntp_from_unix(1_700_000_000.0)) == 1_700_000_000.0


def test_a_bundle_within_a_bundle_is_due_no_earlier() -> None:
    inner_early = encode_bundle(5.0, [encode("/early")])
    inner_late = encode_bundle(15.0, [encode("/late")])
    outer = encode_bundle(10.0, [inner_early, encode("/mid"), inner_late])
    assert [(t, m.address) for t, m in decode(outer)] == [
        (10.0, "/early"),
        (10.0, "/mid"),
        (15.0, "/late"),
    ]


def nested(depth: int) -> bytes:
    packet = NO_ARGUMENTS
    for _ in range(depth):
        packet = encode_bundle(IMMEDIATELY, [packet])
    return packet


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"", "neither"),
        (b"\0" * 4, "neither"),
        (b"GET / HTTP/1.1\r\n\r\n", "neither"),
        (b"/acc", "without an end"),
        (b"/acc\0", "without an end"),
        (b"/acc\0xyz,f\0\0\0\0\0\0", "filled up"),
        (b"/a\xff\xfe\0\0\0\0", "UTF-8"),
        (b"/a b\0\0\0\0,\0\0\0", "spaces"),
        (b"/a\x1b[2J\0\0,\0\0\0", "unprintable"),
        (b"/a\0\0f\0\0\0\0\0\0\0", "comma"),
        (b"/a\0\0,f\0\0\0\0", "cut short"),
        (b"/a\0\0,d\0\0\0\0\0\0", "cut short"),
        (b"/a\0\0,s\0\0", "cut short"),
        (b"/a\0\0,s\0\0abcd", "cannot be read"),
        (b"/a\0\0,s\0\0\xff\xff\0\0", "cannot be read"),
        (b"/a\0\0,b\0\0\x7f\xff\xff\xff", "cannot be read"),
        (b"/a\0\0,[i]\0\0\0\0\0\0\0\1", "of a type"),
        (b"/a\0\0,\xc3\xa9\0", "of a type"),
        (b"/a\0\0," + b"T" * 65 + b"\0\0", "more than 64"),
        (b"/" + b"a" * LARGEST_PACKET + b"\0\0\0", "the most"),
        (b"#bundle\0", "time tag"),
        (b"#bundle\0" + b"\0" * 7, "time tag"),
        (b"#bundle\0" + b"\0" * 8 + b"\0\0", "cut short"),
        (b"#bundle\0" + b"\0" * 8 + b"\0\0\0\0", "impossible size"),
        (b"#bundle\0" + b"\0" * 8 + b"\xff\xff\xff\xfc", "impossible size"),
        (b"#bundle\0" + b"\0" * 8 + b"\0\0\0\x08/acc", "impossible size"),
        (b"#bundle\0" + b"\0" * 8 + b"\0\0\0\x03/a\0", "impossible size"),
        (nested(5), "deep"),
        (encode_bundle(IMMEDIATELY, [NO_ARGUMENTS] * 65), "more than 64"),
        (encode_bundle(IMMEDIATELY, [encode_bundle(0.0, [NO_TYPE_TAGS] * 33)] * 2), "more than 64"),
    ],
)
def test_broken_packets_are_refused_with_a_word(packet: bytes, why: str) -> None:
    with pytest.raises(OscError, match=why):
        decode(packet)


def test_nested_bundles_within_limits_are_read() -> None:
    assert decode(nested(4)) == ((IMMEDIATELY, OscMessage("/acc/state")),)


@pytest.mark.parametrize(
    ("arguments", "tags"),
    [((1e39,), "f"), ((2**40,), "i"), (("x",), "i"), ((1,), "s"), (("x" * 70_000,), "s")],
)
def test_what_cannot_be_said_is_an_error_of_ours(
    arguments: tuple[OscArgument, ...], tags: str
) -> None:
    with pytest.raises(OscError, match=r"/a|said"):
        encode("/a", arguments, tags)


seeds = st.sampled_from(
    [OSCSEND_FLOAT, TOUCHOSC_PRESS, OPEN_STAGE_CONTROL_TRUE, SPECIFICATION_EXAMPLE,
     IMMEDIATE_BUNDLE, nested(3), encode("/acc/timemap", (1.0, 2.0, 3.0), "ddd"),
     encode("/acc/subscribe", ("*", 20, 9000, 30))]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good packet with a few bytes changed, cut off, doubled."""
    packet = bytearray(draw(seeds))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(packet)))
        kind = draw(st.sampled_from(["set", "cut", "insert", "double"]))
        if kind == "set" and place < len(packet):
            packet[place] = draw(st.integers(0, 255))
        elif kind == "cut":
            del packet[place:]
        elif kind == "insert":
            packet[place:place] = draw(st.binary(max_size=8))
        else:
            packet += packet[:place]
    return bytes(packet)


@settings(max_examples=600)
@given(st.binary(max_size=200) | mutated() | st.binary(max_size=80).map(lambda b: b"/" + b))
def test_no_bytes_raise_anything_else(packet: bytes) -> None:
    try:
        messages = decode(packet)
    except OscError:
        return
    for _, message in messages:
        assert message.address.startswith("/")
        assert all(a is None or isinstance(a, int | float | str | bytes) for a in message.arguments)


def test_hostile_bytes_are_cheap_and_say_nothing_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rng = random.Random(7)
    hostile = [rng.randbytes(rng.randrange(1, 200)) for _ in range(2000)]
    hostile += [b"/a\0\0,sssss\0\0" + b"x" * 8000, b"/a\0\0," + b"q" * 7000 + b"\0" * 4]
    with caplog.at_level(logging.DEBUG):
        begun = time.process_time()
        for packet in hostile:
            with pytest.raises(OscError):
                decode(packet)
        assert time.process_time() - begun < 2.0
    assert not caplog.records


@given(
    st.lists(
        st.integers(-(2**31), 2**31 - 1)
        | st.floats(width=32, allow_nan=False)
        | st.booleans()
        | st.none()
        | st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=9)
        | st.binary(min_size=1, max_size=9),
        max_size=8,
    )
)
def test_a_message_comes_back_as_it_was_sent(arguments: list[OscArgument]) -> None:
    packet = encode("/a/b", arguments)
    assert len(packet) % 4 == 0
    assert decode(packet) == ((IMMEDIATELY, OscMessage("/a/b", tuple(arguments))),)


# ---- the socket ----------------------------------------------------------------------------------


def received(udp: OscUdp) -> bytes:
    for _ in range(200):
        got = udp.receive()
        if got is not None:
            return got[0]
        time.sleep(0.005)
    raise AssertionError("nothing came")


def test_two_sockets_talk_and_nothing_waits() -> None:
    one, two = OscUdp("127.0.0.1"), OscUdp("127.0.0.1")
    assert one.receive() is None
    assert two.send(b"hello", ("127.0.0.1", one.port))
    assert received(one) == b"hello"
    one.close()
    two.close()
    two.close()
    assert one.fileno() == -1


def test_the_next_free_port_is_taken_and_a_full_house_is_an_error() -> None:
    first = OscUdp("127.0.0.1")
    try:
        with pytest.raises(OscError, match="cannot be had"):
            OscUdp("127.0.0.1", first.port, first.port)
        second = OscUdp("127.0.0.1", first.port, first.port + 20)
        assert first.port < second.port <= first.port + 20
        second.close()
        with pytest.raises(OscError, match=r"192\.0\.2\.1"):
            OscUdp("192.0.2.1", 7010)
    finally:
        first.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="told by Linux only")
def test_who_does_not_listen_is_named() -> None:
    udp = OscUdp("127.0.0.1")
    gone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    gone.bind(("127.0.0.1", 0))
    where = ("127.0.0.1", int(gone.getsockname()[1]))
    gone.close()
    assert udp.send(b"anybody?", where)
    found: tuple[tuple[str, int], ...] = ()
    for _ in range(200):
        found = udp.unreachable()
        if found:
            break
        time.sleep(0.005)
    assert found == (where,)
    assert udp.unreachable() == ()
    assert udp.send(b"still?", where)
    udp.close()
