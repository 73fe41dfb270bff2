"""What ``accompanist ctl`` does with the answers: loading, the mixer, the live line."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from accompanist.app.osc.client import OscClient
from accompanist.errors import AccompanistError
from bridges.osc import OscArgument

__all__ = ["arguments_from", "live_lines", "load", "mixer_lines", "status", "status_lines"]

_LONGEST_LOAD_S = 120.0
_LOOK_EVERY_S = 0.1
_RENEW_S = 5.0
_FRAME_S = 0.1
_STATES = {
    "idle": "stopped",
    "armed": "waiting for your first note",
    "countin": "count-in",
    "waiting": "waiting for you",
    "holding": "holding",
    "ended": "the end",
}
Values = Mapping[str, tuple[OscArgument, ...]]


def arguments_from(words: tuple[str, ...]) -> tuple[OscArgument, ...]:
    """Turn words of a command line into OSC arguments: whole numbers, numbers, true, false, text.

    >>> arguments_from(("1", "-0.5", "true", "s:12", "blue"))
    (1, -0.5, True, '12', 'blue')
    """
    return tuple(_argument(word) for word in words)


def _argument(word: str) -> OscArgument:
    if word.startswith("s:"):
        return word[2:]
    if word in ("true", "false"):
        return word == "true"
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        return word


def load(client: OscClient, piece: str) -> str:
    """Have a piece loaded and wait until it is; give its title.

    Raises
    ------
    AccompanistError
        It cannot be loaded, or not in two minutes.
    """
    path = Path(piece).expanduser()
    said = str(path.resolve()) if path.is_file() else piece
    error_before = client.value("error")
    client.ask("piece/load", said)
    until_s = time.monotonic() + _LONGEST_LOAD_S
    while client.value("state")[0] == "loading":
        if time.monotonic() > until_s:
            raise AccompanistError(
                f"{piece}: still loading after {_LONGEST_LOAD_S:.0f} s; see the daemon's log"
            )
        time.sleep(_LOOK_EVERY_S)
    error = client.value("error")
    if error != error_before and "load" in str(error[0]):
        raise AccompanistError(str(error[2]))
    return str(client.value("piece/info")[0])


def status(client: OscClient) -> dict[str, Any]:
    """Give what the daemon says of itself."""
    (text,) = client.value("status")
    try:
        said = json.loads(str(text))
    except ValueError as error:
        raise AccompanistError(
            "the daemon's status cannot be read; is it of another version?"
        ) from (error)
    return said if isinstance(said, dict) else {"status": said}


def status_lines(said: Mapping[str, Any]) -> list[str]:
    """Say a status in words, a line each; what is empty is left out."""
    width = max((len(name) for name in said), default=0)
    lines = []
    for name, value in said.items():
        if value in (None, "", [], {}):
            continue
        lines.append(f"{name.replace('_', ' '):<{width}}  {_words(value)}")
    return lines


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, dict):
        return ", ".join(f"{k.replace('_', ' ')} {_words(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(_words(v) for v in value)
    return str(value)


def mixer_lines(values: Values) -> list[str]:
    """Draw the mixer: a line a part."""
    numbers = sorted({int(key.split("/")[1]) for key in values if key.startswith("part/")})
    if not numbers:
        return ["no piece is loaded"]
    rows: list[tuple[str, ...]] = [("part", "name", "gain", "pan", "ch", "prog", "out", "")]
    for number in numbers:
        rows.append(_strip(number, values))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = {0, 2, 3, 4, 5}
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _strip(number: int, values: Values) -> tuple[str, ...]:
    def of(control: str) -> OscArgument:
        found = values.get(f"part/{number}/{control}", ("",))
        return found[0] if found else ""

    def number_as(control: str, form: str) -> str:
        value = of(control)
        return format(value, form) if isinstance(value, int | float) else str(value)

    flags = [word for word in ("mute", "solo") if of(word)]
    return (
        str(number),
        str(of("name"))[:30],
        number_as("gain", "+.1f"),
        number_as("pan", "+.2f"),
        str(of("channel")),
        str(of("program")),
        str(of("output")),
        " ".join(flags),
    )


def live_lines(client: OscClient) -> Iterator[str]:
    """Give a line again and again that says where the music is; ends with the daemon.

    Raises
    ------
    DaemonError
        The daemon is gone.
    """
    values: dict[str, tuple[OscArgument, ...]] = {}
    topics = ("state", "position", "tempo/now", "follow/confidence", "input", "error")

    def take(address: str, arguments: tuple[OscArgument, ...]) -> None:
        values[address.removeprefix(client.root + "/")] = arguments

    for topic in topics:
        for message in client.ask("subscribe", topic, 20):
            take(message.address, message.arguments)
    renew_s = 0.0
    while True:
        now_s = time.monotonic()
        if now_s >= renew_s:
            renew_s = now_s + _RENEW_S
            client.send("/ping")
        until_s = now_s + _FRAME_S
        for message in client.listen(_FRAME_S):
            take(message.address, message.arguments)
            if time.monotonic() >= until_s:
                break
        yield live_line(values)


def live_line(values: Values) -> str:
    """Draw one such line."""

    def first(key: str, default: OscArgument) -> OscArgument:
        return (values.get(key) or (default,))[0]

    def of(key: str) -> float:
        value = first(key, 0.0)
        return float(value) if isinstance(value, int | float) else 0.0

    state = str(first("state", "idle"))
    mark = str(first("position/mark", ""))
    advice = str(first("input/advice", "")) or str((values.get("error") or ("",))[-1])
    return "  ".join(
        word
        for word in (
            f"bar {of('position/bar'):.0f}".ljust(8),
            f"beat {of('position/beat'):4.1f}",
            f"[{mark}]" if mark else "",
            f"♩ = {of('tempo/now'):5.1f}",
            f"sure {100 * of('follow/confidence'):3.0f} %",
            f"in {max(of('input/level'), -99.0):4.0f} dB",
            _STATES.get(state, state),
            advice,
        )
        if word
    )
