"""What `play` shows in the terminal: bar and beat, tempo, confidence, input level, keys."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from accompanist.app.bars import BarCounter
from accompanist.app.engine.live import LiveView
from accompanist.app.playing.places import minutes
from accompanist.followers.protocol import FollowerState
from accompanist.score.model import Score
from accompanist.score.outer import OuterAxis

__all__ = ["Flags", "Screen", "level_bar", "sparkline"]

BLOCKS = "▁▂▃▄▅▆▇█"
TEMPO_EVERY_S = 0.5
TEMPO_POINTS = 48
METER_WIDTH = 30
METER_FLOOR_DB = -60.0
SLOW_S = 0.1
STATES = {
    "idle": ("stopped", "white"),
    "armed": ("waiting for your first note", "cyan"),
    "countin": ("count-in", "cyan"),
    "following": ("following", "green"),
    "holding": ("holding: waiting for you", "yellow"),
    "waiting": ("waiting for you", "yellow"),
    "lost": ("lost: play on, or press g and a bar", "red"),
    "ended": ("the end", "white"),
}


def sparkline(values: list[float]) -> str:
    """Draw numbers as a row of blocks.

    >>> sparkline([60, 61, 62, 63, 64, 65, 66, 67])
    '▁▂▃▄▅▆▇█'
    >>> sparkline([100.0, 100.0])
    '▄▄'
    """
    if not values:
        return ""
    low, high = min(values), max(values)
    spread = max(high - low, 0.04 * high, 1e-9)
    middle = (high + low) / 2
    steps = len(BLOCKS) - 1
    return "".join(
        BLOCKS[min(max(round((v - middle) / spread * steps + steps / 2 - 1e-9), 0), steps)]
        for v in values
    )


def level_bar(peak_db: float) -> str:
    """Draw a level between −60 and 0 dB.

    >>> level_bar(-30.0).count("█")
    15
    """
    filled = round((peak_db - METER_FLOOR_DB) / -METER_FLOOR_DB * METER_WIDTH)
    filled = min(max(filled, 0), METER_WIDTH)
    return "█" * filled + "·" * (METER_WIDTH - filled)


@dataclass(frozen=True, slots=True)
class Flags:
    """What the human has set."""

    locked: bool = False
    muted: bool = False
    loop: str = ""
    prompt: str = ""
    message: str = ""
    solo_level: float = 0.0
    """Share of a recording's own soloist that is heard."""


class Screen:
    """Makes the picture for a moment.

    Parameters
    ----------
    score : Score
    heading : str
        Piece and soloist.
    sources : str
        Where the sound comes from and goes to.
    keys : str
        The keys, in one line; empty where there is no keyboard.
    """

    def __init__(self, score: Score, *, heading: str, sources: str, keys: str) -> None:
        self._bars = BarCounter(score)
        self._recording_s = score.recording_s
        self._axis = OuterAxis(score)
        self._heading = heading
        self._sources = sources
        self._keys = keys
        self._tempi: deque[float] = deque(maxlen=TEMPO_POINTS)
        self._next_tempo_s = 0.0

    def picture(self, view: LiveView | None, flags: Flags) -> Panel:
        """Draw the state of things."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(no_wrap=True)
        if view is None:
            table.add_row("state", Text("starting", style="cyan"))
        else:
            self._fill(table, view, flags)
        lines: list[Table | Text] = [table]
        if flags.prompt:
            lines.append(Text(flags.prompt, style="bold cyan"))
        elif flags.message:
            lines.append(Text(flags.message, style="yellow"))
        else:
            lines.append(Text(""))
        if self._keys:
            lines.append(Text(self._keys, style="dim"))
        return Panel(Group(*lines), title=Text(self._heading), subtitle=Text(self._sources))

    def _fill(self, table: Table, view: LiveView, flags: Flags) -> None:
        step = view.step
        estimate = step.estimate
        alone = estimate.state is FollowerState.ARMED and step.state not in ("armed", "idle")
        quarter = step.played_quarter if alone else estimate.quarter
        here = self._bars.position(quarter)
        again = f"  (time {here.visit})" if here.visit > 1 else ""
        dots = " ".join(
            "●" if int(here.beat + 1e-6) == n + 1 else "○" for n in range(min(here.beats, 16))
        )
        words, colour = STATES.get(step.state, (step.state, "white"))
        beat = math.floor(here.beat * 10.0 + 1e-6) / 10.0  # not yet at a beat is not at it
        table.add_row("bar", Text(f"{here.bar:>4}  beat {beat:4.1f}  {dots}{again}"))
        if self._recording_s is not None:
            at = minutes(float(self._axis.outer(quarter)))
            table.add_row("time", Text(f"{at:>4} of {minutes(self._recording_s)}"))
        qpm = 60.0 * estimate.quarters_per_s
        if step.state in ("following", "holding") and estimate.time_s >= self._next_tempo_s:
            self._tempi.append(qpm)
            self._next_tempo_s = estimate.time_s + TEMPO_EVERY_S
        lock = "  locked" if flags.locked else ""
        table.add_row("tempo", Text(f"♩ = {qpm:5.1f}  {sparkline(list(self._tempi))}{lock}"))
        sure = "█" * round(10 * estimate.confidence)
        table.add_row("sure", Text(f"{sure:·<10} {100 * estimate.confidence:3.0f} %"))
        table.add_row("state", Text(words, style=colour))
        level_db = max(view.peak_db, estimate.level_db)
        table.add_row("input", Text(f"{level_bar(level_db)} {max(level_db, -99.0):4.0f} dB"))
        table.add_row("", Text(self._advice(view), style="bold yellow"))
        notes = [f"loop {flags.loop}" if flags.loop else "", "muted" if flags.muted else ""]
        if self._recording_s is not None:
            notes.append(f"soloist {100 * flags.solo_level:.0f} %")
        table.add_row("", Text("  ".join(note for note in notes if note), style="magenta"))

    @staticmethod
    def _advice(view: LiveView) -> str:
        if view.behind_s > SLOW_S:
            return "the computer does not keep up: close other programs"
        return view.advice
