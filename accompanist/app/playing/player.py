"""What the human does to a take that is being played: keys, taps, the screen."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from accompanist.app.bars import BarCounter
from accompanist.app.engine.live import LiveEngine, undisturbed
from accompanist.app.playing.keymap import Action, Command, KeyMap
from accompanist.app.playing.places import find_place
from accompanist.app.playing.terminal import Flags, Screen
from accompanist.conducting.conductor import Conductor
from accompanist.errors import UsageError
from accompanist.followers.protocol import PlayedNote
from accompanist.score.model import Score
from bridges.keyboard import HeldKeys, KeyPress, RawKeyboard

__all__ = ["Player", "Router", "Stick", "TapSource", "on_stage"]

LOOK_S = 0.05
"""The screen is drawn and commands are taken this often."""
END_S = 3.0
"""The last chord rings so long before the take ends by itself."""
TAP_VELOCITY = 80
SOLO_STEP = 0.1


@dataclass(slots=True)
class TapSource:
    """Taps of the computer keyboard as a row of keys without pitch."""

    _taps: deque[PlayedNote] = field(default_factory=deque)
    present: bool = True
    """The computer's keyboard is not pulled out."""

    def tap(self, time_s: float) -> None:
        """Add one, at a monotonic time; from any thread."""
        self._taps.append(PlayedNote(time_s, -1, TAP_VELOCITY))

    def take(self) -> list[PlayedNote]:
        """Take the taps since the last call."""
        taken = []
        while self._taps:
            taken.append(self._taps.popleft())
        return taken

    def close(self) -> None:
        """Nothing to give back."""


class Stick:
    """The computer's keyboard as a conductor's stick: each key is a beat.

    Parameters
    ----------
    engine : LiveEngine
        On its thread the beat is taken, for the moment at which the key was struck.
    conductor : Conductor
    """

    def __init__(self, engine: LiveEngine, conductor: Conductor) -> None:
        self._engine, self._conductor = engine, conductor

    def tap(self, time_s: float) -> None:
        """Give a beat, at a monotonic time; from any thread."""
        view = self._engine.view
        take_s = None if view is None else time_s - view.offset_s
        self._engine.do(lambda: self._conductor.beat(take_s))


class Router:
    """Sends each key where it belongs: taps on at once, commands to the player."""

    def __init__(self, keymap: KeyMap, taps: TapSource | Stick | None = None) -> None:
        self.keymap = keymap
        self._taps = taps
        self._held = HeldKeys()
        self._commands: deque[Command] = deque()

    def struck(self, press: KeyPress) -> None:
        """Take one key, on the keyboard's thread."""
        repeated = self._held.repeats(press)
        command = self.keymap.press(press.key)
        if command is None:
            return
        if command.action is not Action.TAP:
            self._commands.append(command)
        elif self._taps is not None and not repeated:
            self._taps.tap(press.time_s)

    def commands(self) -> Iterator[Command]:
        """Take the commands since the last call."""
        while self._commands:
            yield self._commands.popleft()


class Player:
    """Looks after one take: shows it, obeys the keys, notices its end.

    Parameters
    ----------
    engine : LiveEngine
    conductor : Conductor
        What the keys command, always on the engine's own thread.
    score : Score
    router : Router
        Where the commands come from.
    mute : callable
        Silences the whole ensemble, or lets it be heard again.
    solo_level : callable, optional
        Says how much of a recording's soloist is heard, 0–1.
    """

    def __init__(
        self,
        engine: LiveEngine,
        conductor: Conductor,
        score: Score,
        router: Router,
        mute: Callable[[bool], None],
        solo_level: Callable[[float], None] | None = None,
    ) -> None:
        self._engine = engine
        self._conductor = conductor
        self._bars = BarCounter(score)
        self._score = score
        self._router = router
        self._mute = mute
        self._solo_level = solo_level
        self._message_until_s = 0.0
        self.flags = Flags()
        self.left = False
        """The human has asked to leave."""

    def run(self, show: Callable[[Flags], None]) -> None:
        """Go on until the human leaves, the piece ends or the soloist does.

        Parameters
        ----------
        show : callable
            Told twenty times a second what the human has set, to draw the screen.

        Raises
        ------
        AccompanistError
            A device has gone.
        """
        ended_s = None
        while self._engine.check() and not self.left:
            for command in self._router.commands():
                self._obey(command)
            if self.flags.message and time.monotonic() > self._message_until_s:
                self.flags = replace(self.flags, message="")
            self.flags = replace(self.flags, prompt=self._router.keymap.prompt)
            show(self.flags)
            view = self._engine.view
            if view is None or view.step.state != "ended":
                ended_s = None
            elif ended_s is None:
                ended_s = time.monotonic()
            elif time.monotonic() - ended_s > END_S:
                return
            time.sleep(LOOK_S)

    def _obey(self, command: Command) -> None:
        match command.action:
            case Action.LEAVE:
                self.left = True
            case Action.TOGGLE:
                view = self._engine.view
                at_rest = view is None or view.step.state in ("idle", "armed", "ended")
                self._engine.do(self._conductor.start if at_rest else self._conductor.stop)
            case Action.CUE:
                self._engine.do(self._conductor.cue)
            case Action.LOCK:
                locked = not self.flags.locked
                self.flags = replace(self.flags, locked=locked)
                self._engine.do(lambda: self._conductor.lock(locked))
            case Action.MUTE:
                muted = not self.flags.muted
                self.flags = replace(self.flags, muted=muted)
                self._mute(muted)
            case Action.GOTO | Action.LOOP:
                try:
                    self._move(command)
                except UsageError as error:
                    self.say(str(error))
            case Action.SOLO_UP:
                self._set_solo_level(self.flags.solo_level + SOLO_STEP)
            case Action.SOLO_DOWN:
                self._set_solo_level(self.flags.solo_level - SOLO_STEP)
            case Action.TAP:
                return

    def _set_solo_level(self, level: float) -> None:
        if self._solo_level is not None:
            level = round(min(max(level, 0.0), 1.0), 2)
            self.flags = replace(self.flags, solo_level=level)
            self._solo_level(level)
            self.say(f"the recording's soloist: {100 * level:.0f} %")

    def _move(self, command: Command) -> None:
        if command.action is Action.GOTO:
            place = command.bars[0]
            quarter = find_place(self._score, place)
            self._engine.do(lambda: self._conductor.locate(quarter))
            where = place if ":" in place else f"bar {place}"
            self.say(f"at {where}: play when you are ready")
        elif not command.bars:
            self.flags = replace(self.flags, loop="")
            self._engine.do(lambda: self._conductor.loop(None))
        else:
            first, last = command.bars[0], command.bars[-1]
            begin = find_place(self._score, first)
            end = (
                find_place(self._score, last) if ":" in last else self._bars.find(last).end_quarter
            )
            if end <= begin:
                raise UsageError("a loop's last bar comes after its first")
            self.flags = replace(self.flags, loop=f"{first}-{last}")
            self._engine.do(lambda: self._conductor.loop(begin, end))

    def say(self, message: str) -> None:
        """Show a message for some seconds."""
        self.flags = replace(self.flags, message=message)
        self._message_until_s = time.monotonic() + 4.0


@contextmanager
def on_stage(
    engine: LiveEngine, screen: Screen, router: Router, *, keyboard: bool
) -> Iterator[Callable[[Flags], None]]:
    """Start the engine with its keyboard and screen, and put all of it back at the end.

    Yields the function that draws. Without a terminal the states are written line by line.
    """
    with ExitStack() as stack:
        stack.enter_context(undisturbed())
        stack.enter_context(engine)
        if keyboard:
            stack.enter_context(RawKeyboard(router.struck))
        if not sys.stdout.isatty():
            yield _LinePrinter(engine)
            return
        from rich.live import Live

        live = stack.enter_context(Live(auto_refresh=False, transient=False))

        def draw(flags: Flags) -> None:
            live.update(screen.picture(engine.view, flags), refresh=True)

        yield draw


class _LinePrinter:
    """Tells each change of state in a line on stderr."""

    def __init__(self, engine: LiveEngine) -> None:
        self._engine = engine
        self._state = ""

    def __call__(self, flags: Flags) -> None:
        import click

        view = self._engine.view
        if view is None or view.step.state == self._state:
            return
        self._state = view.step.state
        estimate = view.step.estimate
        click.echo(
            f"{estimate.time_s:7.2f} s  quarter {estimate.quarter:7.2f}  {self._state}", err=True
        )
