"""The namespace as OSCQuery tells it: JSON made from the table that the server dispatches from.

After the OSCQuery proposal (Vidvox, "OSC Query Proposal", 2017–), attributes of the core set and
the optional ``UNIT`` and ``CLIPMODE``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from accompanist.app.desk.protocol import DeskError, Value, Values
from accompanist.app.osc.table import Argument, Entry, Kind, find, keys

__all__ = ["ATTRIBUTES", "attributes", "host_info", "tree"]

_ACCESS = {
    Kind.STATE: 3, Kind.READING: 1, Kind.SIGNAL: 1, Kind.ACTION: 2, Kind.SERVER: 2,
}  # fmt: skip
_READABLE = 1
ATTRIBUTES = frozenset(
    {
        "FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT",
        "CLIPMODE", "TAGS", "EXTENDED_TYPE", "CRITICAL", "OVERLOADS", "HTML",
    }
)  # fmt: skip
"""Those that a client may ask for; what a node does not have is answered with "no content"."""

ValueOf = Callable[[Entry, str], Values]


def host_info(name: str, host: str, osc_port: int, http_port: int) -> dict[str, Any]:
    """Say who answers, where, and what of the proposal is understood."""
    there = ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "TYPE", "UNIT", "CLIPMODE", "LISTEN")
    missing = ("TAGS", "EXTENDED_TYPE", "CRITICAL", "OVERLOADS", "PATH_CHANGED")
    return {
        "NAME": name,
        "OSC_IP": host,
        "OSC_PORT": osc_port,
        "OSC_TRANSPORT": "UDP",
        "WS_IP": host,
        "WS_PORT": http_port,
        "EXTENSIONS": {**dict.fromkeys(there, True), **dict.fromkeys(missing, False)},
    }


def tree(root: str, parts: Iterable[int], value_of: ValueOf) -> dict[str, Any]:
    """Make the whole namespace, ``root`` and all that is above it included.

    Parameters
    ----------
    root : str
        ``/acc``.
    parts : iterable of int
        The parts there are.
    value_of : callable
        Gives what an address stands at, or raises DeskError where it has no value now.
    """
    top: dict[str, Any] = {"FULL_PATH": "/", "ACCESS": 0, "DESCRIPTION": "accompanist"}
    for key in keys(parts):
        node, path = top, ""
        for word in [*root.strip("/").split("/"), *key.split("/")]:
            path = f"{path}/{word}"
            node = node.setdefault("CONTENTS", {}).setdefault(
                word, {"FULL_PATH": path, "ACCESS": 0}
            )
        found = find(key)
        if found is not None:
            node.update(attributes(found[0], key, value_of))
    return top


def attributes(entry: Entry, key: str, value_of: ValueOf) -> dict[str, Any]:
    """Describe one address; ``FULL_PATH`` and ``CONTENTS`` are the tree's."""
    said: dict[str, Any] = {
        "DESCRIPTION": entry.doc,
        "ACCESS": _ACCESS[entry.kind],
        "TYPE": "".join(a.tag for a in entry.arguments) or "N",
    }
    if _ACCESS[entry.kind] & _READABLE:
        try:
            values = value_of(entry, key)
        except DeskError:
            values = None
        if values is not None:
            said["VALUE"] = [_plain(value) for value in values]
            if entry.many:
                said["TYPE"] = entry.arguments[0].tag * len(values)
    ranges = [_range(argument) for argument in entry.arguments]
    if any(ranges):
        said["RANGE"] = ranges
        said["CLIPMODE"] = ["none"] * len(ranges)
    if any(a.unit for a in entry.arguments):
        said["UNIT"] = [a.unit or None for a in entry.arguments]
    return said


def _range(argument: Argument) -> dict[str, Any] | None:
    if argument.choices:
        return {"VALS": list(argument.choices)}
    found = {"MIN": argument.low, "MAX": argument.high}
    return {k: v for k, v in found.items() if v is not None} or None


def _plain(value: Value) -> Value | None:
    return None if isinstance(value, float) and not isfinite(value) else value
