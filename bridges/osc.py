"""OSC 1.0 packets: bytes to messages and back.

python-osc encodes and decodes single messages. What can be wrong with a packet as a whole is
looked at before: its size, the depth and number of what is bundled, the type tags. So a hostile
packet costs little, logs nothing and raises nothing but `OscError`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pythonosc.osc_message import OscMessage as _Decoded
from pythonosc.osc_message_builder import OscMessageBuilder

from accompanist.errors import AccompanistError

__all__ = [
    "IMMEDIATELY",
    "LARGEST_PACKET",
    "LARGEST_UDP",
    "OscArgument",
    "OscError",
    "OscMessage",
    "decode",
    "encode",
    "encode_bundle",
    "ntp_from_unix",
    "unix_from_ntp",
]

OscArgument: TypeAlias = int | float | str | bool | bytes | None

LARGEST_PACKET = 8192
"""Larger packets than this are refused: no message of ours needs more."""
IMMEDIATELY = float("-inf")
"""When a message is due that has no time tag, or the one that means "now"."""
LARGEST_UDP = 65507
_MOST_MESSAGES = 64
_DEEPEST_BUNDLE = 4
_MOST_ARGUMENTS = 64
_BUNDLE = b"#bundle\0"
_TAGS = frozenset("ifsbhdtTFNrm")
"""Types that python-osc can read; arrays and whatever else there may be are refused."""
_NTP_UNIX_S = 2_208_988_800
"""Seconds from 1900 to 1970."""
_ADDRESS_SPACE = frozenset(" #")


class OscError(AccompanistError):
    """A packet that is not OSC, or more of it than anybody needs."""


@dataclass(frozen=True, slots=True)
class OscMessage:
    """One message: its address (or pattern) and what comes with it."""

    address: str
    arguments: tuple[OscArgument, ...] = ()


def decode(packet: bytes) -> tuple[tuple[float, OscMessage], ...]:
    """Read a packet: messages in order, each with the moment it is due.

    Parameters
    ----------
    packet : bytes
        A datagram, or a WebSocket's binary frame.

    Returns
    -------
    tuple of (unix time in seconds, OscMessage)
        `IMMEDIATELY` stands for now. Messages of a bundle within a bundle are due no earlier than
        the outer one.

    Raises
    ------
    OscError
        Anything is wrong with any of it: then none of it counts.
    """
    if len(packet) > LARGEST_PACKET:
        raise OscError(f"a packet of {len(packet)} bytes; {LARGEST_PACKET} are the most")
    found = tuple(_messages(packet, IMMEDIATELY, 0))
    if len(found) > _MOST_MESSAGES:
        raise OscError(f"more than {_MOST_MESSAGES} messages in a packet")
    return found


def _messages(packet: bytes, due_s: float, depth: int) -> Iterator[tuple[float, OscMessage]]:
    if not packet.startswith(_BUNDLE):
        yield due_s, _message(packet)
        return
    if depth >= _DEEPEST_BUNDLE:
        raise OscError(f"bundles within bundles, more than {_DEEPEST_BUNDLE} deep")
    if len(packet) < 16:
        raise OscError("a bundle without a time tag")
    tag: int = struct.unpack_from(">Q", packet, 8)[0]
    if tag > 1:  # 1 means "immediately" and 0 is sent for it, too
        due_s = max(due_s, unix_from_ntp(tag / 2**32))
    at, count = 16, 0
    while at < len(packet):
        count += 1
        if count > _MOST_MESSAGES:
            raise OscError(f"more than {_MOST_MESSAGES} messages in a bundle")
        if at + 4 > len(packet):
            raise OscError("a bundle that is cut short")
        size: int = struct.unpack_from(">i", packet, at)[0]
        if size <= 0 or size % 4 or at + 4 + size > len(packet):
            raise OscError("a bundle with an element of an impossible size")
        yield from _messages(packet[at + 4 : at + 4 + size], due_s, depth + 1)
        at += 4 + size


def _message(packet: bytes) -> OscMessage:
    if not packet.startswith(b"/"):
        raise OscError("neither a message (they begin with /) nor a bundle")
    address, behind = _text(packet, 0, "address")
    if not address.isprintable() or _ADDRESS_SPACE & set(address):
        raise OscError("an address with spaces or unprintable characters in it")
    if behind < len(packet):
        tags, behind = _text(packet, behind, "type tags")
        if not tags.startswith(","):
            raise OscError("arguments without type tags; they begin with a comma")
        if len(tags) > _MOST_ARGUMENTS + 1:
            raise OscError(f"more than {_MOST_ARGUMENTS} arguments")
        unknown = set(tags[1:]) - _TAGS
        if unknown:
            raise OscError(f"arguments of a type that is not taken: {min(unknown)!r}")
        if len(packet) - behind < sum(_least_bytes(tag) for tag in tags[1:]):
            raise OscError("a message that is cut short in its arguments")
    try:
        parameters = _Decoded(packet).params
    except Exception as error:  # whatever python-osc comes across in hostile bytes
        raise OscError("arguments that cannot be read") from error
    return OscMessage(address, tuple(_argument(p) for p in parameters))


def _text(packet: bytes, start: int, what: str) -> tuple[str, int]:
    """Read a text that ends with NUL and is filled up to four bytes; give what lies behind it."""
    end = packet.find(b"\0", start)
    behind = end + 4 - (end - start) % 4
    if end < 0 or behind > len(packet):
        raise OscError(f"{what} without an end")
    if any(packet[end:behind]):
        raise OscError(f"{what} filled up with something else than NUL")
    try:
        return packet[start:end].decode("utf-8"), behind
    except UnicodeDecodeError as error:
        raise OscError(f"{what} that is not UTF-8") from error


def _least_bytes(tag: str) -> int:
    return 0 if tag in "TFN" else 8 if tag in "hdt" else 4


def _argument(parameter: object) -> OscArgument:
    if parameter is None or isinstance(parameter, bool | int | float | str | bytes):
        return parameter
    return None  # time tags and MIDI: nothing here takes them


def encode(address: str, arguments: Sequence[OscArgument] = (), tags: str = "") -> bytes:
    """Make the bytes of a message.

    Parameters
    ----------
    address : str
    arguments : sequence
        Numbers, texts, truth values.
    tags : str
        OSC type tag of each argument; where they are missing the value decides (whole numbers
        are ``i``, others ``f``, texts ``s``).

    Raises
    ------
    OscError
        A value cannot be said by its tag, or the message is larger than a datagram.
    """
    builder = OscMessageBuilder(address.replace("\0", ""))
    try:
        for i, argument in enumerate(arguments):
            tag = tags[i] if i < len(tags) else _tag(argument)
            builder.add_arg(*_said(argument, tag))
        packet = bytes(builder.build().dgram)
    except OscError:
        raise
    except Exception as error:  # BuildError, ParseError, OverflowError, struct.error …
        raise OscError(f"{address}: cannot be said in OSC ({error})") from error
    if len(packet) > LARGEST_UDP:
        raise OscError(f"{address}: too long for one datagram ({len(packet)} bytes)")
    return packet


def _tag(argument: OscArgument) -> str:
    if isinstance(argument, bool):
        return "T" if argument else "F"
    if isinstance(argument, int):
        return "i" if -(2**31) <= argument < 2**31 else "h"
    if isinstance(argument, float):
        return "f"
    if isinstance(argument, str):
        return "s"
    return "N" if argument is None else "b"


def _said(argument: OscArgument, tag: str) -> tuple[OscArgument, str]:
    if tag in "ihfd" and isinstance(argument, int | float):
        return (int(argument) if tag in "ih" else float(argument)), tag
    if tag == "s" and isinstance(argument, str):
        return argument.replace("\0", ""), tag
    if tag == _tag(argument):
        return argument, tag
    raise OscError(f"{argument!r} cannot be said as {tag!r}")


def ntp_from_unix(time_s: float) -> float:
    """Seconds since 1900 of a time since 1970.

    >>> ntp_from_unix(0.0)
    2208988800.0
    """
    return time_s + _NTP_UNIX_S


def unix_from_ntp(ntp_s: float) -> float:
    """Seconds since 1970 of a time since 1900.

    >>> unix_from_ntp(2208988800.0)
    0.0
    """
    return ntp_s - _NTP_UNIX_S


def encode_bundle(time_s: float, packets: Sequence[bytes]) -> bytes:
    """Bundle encoded messages under one time tag (unix time; `IMMEDIATELY` for now)."""
    tag = 1
    if time_s != IMMEDIATELY:
        tag = max(1, min(round(ntp_from_unix(time_s) * 2**32), 2**64 - 1))
    body = b"".join(struct.pack(">i", len(packet)) + packet for packet in packets)
    return _BUNDLE + struct.pack(">Q", tag) + body
