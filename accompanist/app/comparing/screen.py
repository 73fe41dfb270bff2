"""What a comparison shows, and what its keys mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from accompanist.app.bars import BarCounter
from accompanist.app.comparing.prepare import Comparison
from accompanist.app.playing.places import minutes

__all__ = ["KEYS", "Act", "Deed", "deed_of", "picture", "told"]

KEYS = "1–9 recording  Tab next  space stop/go on  ←/→ 5 s back/on  q leave"
_SEEK_S = 5.0


class Deed(StrEnum):
    """What a key asks for."""

    SWITCH = "switch"
    NEXT = "next"
    PAUSE = "pause"
    SEEK = "seek"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Act:
    """A deed with its number: recording from 0, or seconds."""

    deed: Deed
    value: float = 0.0


def deed_of(key: str) -> Act | None:
    """Tell what a key asks for.

    >>> deed_of("2"), deed_of("x")
    (Act(deed=<Deed.SWITCH: 'switch'>, value=1), None)
    """
    if key in "123456789" and key:
        return Act(Deed.SWITCH, int(key) - 1)
    return {
        "\t": Act(Deed.NEXT),
        " ": Act(Deed.PAUSE),
        "\x1b[D": Act(Deed.SEEK, -_SEEK_S),
        "\x1b[C": Act(Deed.SEEK, _SEEK_S),
        "\x1bOD": Act(Deed.SEEK, -_SEEK_S),
        "\x1bOC": Act(Deed.SEEK, _SEEK_S),
        "q": Act(Deed.LEAVE),
        "\x1b": Act(Deed.LEAVE),
    }.get(key)


def picture(comparison: Comparison, bars: BarCounter | None, message: str, keys: bool) -> Panel:
    """Draw the recordings, which of them sounds and where each of them would be."""
    switcher = comparison.switcher
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column(no_wrap=True)
    for i, name in enumerate(comparison.names):
        here = i == switcher.index
        there_s = comparison.places.carry(switcher.index, switcher.place_s, i)
        mark = ("⏸" if switcher.paused else "▶") if here else " "
        time = "not in it" if there_s is None else minutes(there_s)
        style = "bold green" if here else "dim" if there_s is None else ""
        table.add_row(*(Text(t, style=style) for t in (mark, str(i + 1), name, time)))
    lines: list[Table | Text] = [
        table,
        Text(_bar(bars, comparison.quarter, switcher.axis_s), style="cyan"),
        Text(message, style="yellow"),
    ]
    if keys:
        lines.append(Text(KEYS, style="dim"))
    return Panel(Group(*lines), title=Text("the same music"))


def _bar(
    bars: BarCounter | None, quarter: Callable[[float], float] | None, axis_s: float | None
) -> str:
    if bars is None or quarter is None or axis_s is None:
        return ""
    here = bars.position(quarter(axis_s))
    return f"bar {here.bar}  beat {int(here.beat + 1e-6)} of {here.beats}"


def told(names: Sequence[str], index: int) -> str:
    """Say that a recording has not got a place."""
    return f"{names[index]} has not got this place" if index < len(names) else ""
