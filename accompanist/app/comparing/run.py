"""``play --compare``: recordings of a piece to be switched between while they sound."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from accompanist.app.aligning.table import check_out
from accompanist.app.bars import BarCounter
from accompanist.app.comparing.offline import write_turns
from accompanist.app.comparing.prepare import Comparison, check_words, compared
from accompanist.app.comparing.switcher import FloatArray
from accompanist.app.interrupts import termination_as_interrupt
from accompanist.app.playing.places import find_place, minutes
from accompanist.errors import UsageError

if TYPE_CHECKING:
    from bridges.audio_play import DeviceOutput, PretendOutput

__all__ = ["CompareSettings", "Output", "Stage", "compare"]

_AHEAD_S = 0.12
"""So much sound is made ahead: a switch is heard that much later."""
_LOOK_S = 0.01
_DRAWN_PER_S = 10
_LAST_S = 0.5
_USUAL_TURN_S = 8.0


@dataclass(frozen=True, slots=True)
class CompareSettings:
    """The words of the command."""

    words: tuple[str, ...]
    start: str | None = None
    output_name: str | None = None
    silent: bool = False
    out: Path | None = None
    switch_every_s: float | None = None


class Output(Protocol):
    """Where samples go to: takes them from a ring as it needs them."""

    sample_rate: int
    gone: str

    @property
    def taken(self) -> int:
        """First frame that has not been taken yet."""
        ...

    @property
    def written(self) -> int:
        """First frame that has not been written yet."""
        ...

    def write(self, samples: FloatArray) -> None:
        """Append frames [shape=(n, 2)]."""
        ...


class Stage:
    """One comparison that sounds: keys in, samples out. `step` is called often.

    Parameters
    ----------
    comparison : Comparison
    output : Output
    every_s : float, optional
        Switch by itself after so many seconds.
    """

    def __init__(
        self, comparison: Comparison, output: Output, every_s: float | None = None
    ) -> None:
        self._names = comparison.names
        self._switcher = comparison.switcher
        self._output = output
        self._every = None if every_s is None else round(every_s * output.sample_rate)
        self._until_turn = self._every or 0
        self._ahead = round(_AHEAD_S * output.sample_rate)
        self._after_end = 0
        self.message = ""
        self.left = False

    @property
    def over(self) -> bool:
        """Whether there is nothing more to be heard."""
        rest = _LAST_S * self._output.sample_rate
        return self.left or bool(self._output.gone) or self._after_end > rest

    def step(self, keys: Iterator[str]) -> None:
        """Do what the keys ask for, and fill the ring."""
        for key in keys:
            self._press(key)
        switcher = self._switcher
        wanted = self._output.taken + self._ahead - self._output.written
        while wanted > 0:
            count = min(wanted, 1024)
            if self._every is not None and not switcher.paused:
                if self._until_turn <= 0:
                    self._next()
                    self._until_turn = self._every
                count = min(count, self._until_turn)
                self._until_turn -= count
            self._after_end = self._after_end + count if switcher.ended else 0
            self._output.write(switcher.render(count))
            wanted -= count

    def _press(self, key: str) -> None:
        from accompanist.app.comparing.screen import Deed, deed_of

        act = deed_of(key)
        if act is None:
            return
        self.message = ""
        if act.deed is Deed.LEAVE:
            self.left = True
        elif act.deed is Deed.PAUSE:
            self._switcher.pause(not self._switcher.paused)
        elif act.deed is Deed.SEEK:
            self._switcher.seek(act.value)
        elif act.deed is Deed.NEXT:
            self._next()
        else:
            self._switch(int(act.value))

    def _switch(self, index: int) -> bool:
        from accompanist.app.comparing.screen import told

        done = self._switcher.switch(index)
        if not done:
            self.message = told(self._names, index)
        return done

    def _next(self) -> None:
        count = len(self._switcher)
        here = self._switcher.index
        if not any(self._switcher.switch((here + k) % count) for k in range(1, count)):
            self.message = "no other recording has got this place"


def compare(settings: CompareSettings) -> None:
    """Let several recordings of a piece be heard.

    Raises
    ------
    AccompanistError
        A recording or the audio output is not what it should be.
    """
    tell = partial(click.echo, err=True)
    check_words(settings.words)
    if settings.out is not None:
        check_out(settings.out, [Path(word) for word in settings.words])
    with termination_as_interrupt(), ExitStack() as stack:
        if settings.out is not None:
            comparison = stack.enter_context(compared(settings.words, tell=tell))
            _start(comparison, settings.start)
            _write(comparison, settings.out, settings.switch_every_s or _USUAL_TURN_S)
            return
        output = _opened(settings)
        stack.callback(output.close)
        comparison = stack.enter_context(
            compared(settings.words, rate=output.sample_rate, tell=tell)
        )
        _start(comparison, settings.start)
        stage = Stage(comparison, output, settings.switch_every_s)
        stage.step(iter(()))
        output.start()
        with _shown(comparison, stage) as keys:
            while not stage.over:
                stage.step(keys())
                time.sleep(_LOOK_S)
        if output.gone:
            tell(f"accompanist: {output.gone}")


def _opened(settings: CompareSettings) -> DeviceOutput | PretendOutput:
    from bridges.audio_play import DeviceOutput, PretendOutput, find_output

    return PretendOutput() if settings.silent else DeviceOutput(find_output(settings.output_name))


def _start(comparison: Comparison, place: str | None) -> None:
    """Begin at a bar of the score, or at ``m:ss`` of the first recording."""
    if place is None:
        return
    switcher = comparison.switcher
    if ":" in place:
        first, _, second = place.partition(":")
        try:
            wanted_s: float | None = 60.0 * int(first) + float(second)
        except ValueError:
            raise UsageError(f"--start {place}: give minutes and seconds, as in 1:23") from None
    elif comparison.score is None or comparison.axis_s is None:
        raise UsageError(
            f"--start {place}: there is no score with bars; give minutes and seconds, as in 1:23"
        )
    else:
        axis_s = comparison.axis_s(find_place(comparison.score, place))
        wanted_s = comparison.places.from_axis(0, axis_s)
    if wanted_s is None:
        raise UsageError(f"--start {place}: {comparison.names[0]} has not got this place")
    switcher.seek(wanted_s - switcher.place_s)


def _write(comparison: Comparison, out: Path, every_s: float) -> None:
    turns = write_turns(comparison.switcher, every_s, out)
    for turn in turns:
        name = comparison.names[turn.index]
        click.echo(f"{minutes(turn.time_s):>6}  {name} from {minutes(turn.place_s)}")
    click.echo(f"written to {out}")


@contextmanager
def _shown(comparison: Comparison, stage: Stage) -> Iterator[Callable[[], Iterator[str]]]:
    """Show the comparison on a terminal; gives what takes the keys that were struck."""
    from rich.console import Console
    from rich.live import Live

    from accompanist.app.comparing.screen import picture
    from bridges.keyboard import KeyPress, RawKeyboard

    struck: deque[str] = deque()

    def take(press: KeyPress) -> None:
        struck.append(press.key)

    def keys() -> Iterator[str]:
        while struck:
            yield struck.popleft()

    bars = None if comparison.score is None else BarCounter(comparison.score)
    with ExitStack() as stack:
        keyboard = sys.stdin.isatty()
        if keyboard:
            stack.enter_context(RawKeyboard(take))
        if sys.stdout.isatty():
            stack.enter_context(
                Live(
                    console=Console(),
                    get_renderable=lambda: picture(comparison, bars, stage.message, keyboard),
                    refresh_per_second=_DRAWN_PER_S,
                    transient=True,
                )
            )
        yield keys
