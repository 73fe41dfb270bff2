"""What comes in as arguments of an OSC message becomes what the table asks for, or an error."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from difflib import get_close_matches
from math import isfinite

from accompanist.app.desk.protocol import DeskError, Value, Values
from accompanist.app.osc.table import Argument, Entry, Kind

__all__ = ["RELEASE", "is_release", "taken"]

_INT_LOW, _INT_HIGH = -(2**31), 2**31 - 1
_LONGEST_TEXT = 4096
RELEASE = 0
"""What a button sends when it is let go."""


def is_release(entry: Entry, arguments: Sequence[object]) -> bool:
    """Whether this is only a button let go: a single 0 to an action that wants no argument.

    An action that does want one gets its 0: ``/acc/goto/quarter 0`` goes to the beginning.
    """
    return (
        entry.kind is Kind.ACTION
        and not entry.arguments
        and len(arguments) == 1
        and isinstance(arguments[0], bool | int | float)
        and arguments[0] == RELEASE
    )


def taken(entry: Entry, arguments: Sequence[object]) -> Values:
    """Check the arguments of a set or an action and turn them into what the table says.

    Numbers and truth values of any kind are taken for one another; where a whole number is wanted
    the nearest counts. Optional arguments that are not there are left out.

    Raises
    ------
    DeskError
        400 too many, too few, of another type or no number at all; 422 out of range.
    """
    if entry.kind in (Kind.READING, Kind.SIGNAL):
        raise DeskError(400, "this can only be asked; send it without arguments")
    if entry.kind is Kind.ACTION and not entry.arguments:
        if len(arguments) > 1 or not all(
            a is None or isinstance(a, bool | int | float) for a in arguments
        ):
            raise DeskError(400, "this takes no arguments (or the 1 and 0 of a button)")
        return ()
    if not entry.least <= len(arguments) <= len(entry.arguments):
        raise DeskError(400, f"{_how_many(entry)}, not {len(arguments)}")
    return tuple(
        _value(argument, given, place)
        for place, (argument, given) in enumerate(
            zip(entry.arguments, arguments, strict=False), start=1
        )
    )


def _how_many(entry: Entry) -> str:
    most = len(entry.arguments)
    if most == 0:
        return "this takes no arguments"
    number = f"{entry.least} to {most}" if entry.least < most else f"{most}"
    tags = " ".join(a.tag for a in entry.arguments)
    return f"this takes {number} argument{'s' if most > 1 else ''} ({tags})"


def _value(argument: Argument, given: object, place: int) -> Value:
    if argument.tag == "s":
        return _text(argument, given, place)
    if not isinstance(given, bool | int | float) or not isfinite(given):
        raise DeskError(400, f"argument {place} must be a number, not {_shown(given)}")
    value = round(given) if argument.tag == "i" else _shortest(argument, float(given))
    low = _INT_LOW if argument.low is None and argument.tag == "i" else argument.low
    high = _INT_HIGH if argument.high is None and argument.tag == "i" else argument.high
    if (low is not None and value < low) or (high is not None and value > high):
        unit = f" {argument.unit}" if argument.unit else ""
        raise DeskError(422, f"argument {place} must be from {low:g} to {high:g}{unit}")
    return value


def _shortest(argument: Argument, value: float) -> float:
    """Undo what a 32-bit float does to 0.9, so that a limit sent as itself is within limits."""
    short = float(f"{value:.7g}")
    same = argument.tag == "f" and abs(short) < 1e30 and _single(short) == _single(value)
    return short if same else value


def _single(value: float) -> bytes:
    return struct.pack(">f", value)


def _text(argument: Argument, given: object, place: int) -> str:
    if not isinstance(given, str):
        raise DeskError(400, f"argument {place} must be text, not {_shown(given)}")
    if len(given) > _LONGEST_TEXT or not given.isprintable():
        raise DeskError(400, f"argument {place} is too long a text, or has odd characters in it")
    if argument.choices and given not in argument.choices:
        close = get_close_matches(given[:40], argument.choices, n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise DeskError(
            422, f"argument {place} must be one of {', '.join(argument.choices)}{meant}"
        )
    return given


def _shown(given: object) -> str:
    if isinstance(given, str):
        return f"the text {given[:40]!r}"
    if isinstance(given, float):
        return f"{given}"
    return "data of another type"
