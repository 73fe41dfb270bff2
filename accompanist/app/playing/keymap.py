"""What the computer's keys mean while playing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Action", "Command", "KeyMap"]


class Action(StrEnum):
    """What a human can ask for in the middle of a take."""

    TOGGLE = "start/stop"
    GOTO = "goto bar"
    LOOP = "loop bars"
    LOCK = "tempo lock"
    CUE = "cue"
    MUTE = "mute"
    SOLO_UP = "more of the soloist"
    SOLO_DOWN = "less of the soloist"
    LEAVE = "quit"
    TAP = "tap"


@dataclass(frozen=True, slots=True)
class Command:
    """An action, with the bar numbers that were typed."""

    action: Action
    bars: tuple[str, ...] = ()


_LETTERS = {
    "g": Action.GOTO,
    "l": Action.LOOP,
    "t": Action.LOCK,
    "c": Action.CUE,
    "m": Action.MUTE,
    "q": Action.LEAVE,
}
_SOLO_LEVEL = {"+": Action.SOLO_UP, "=": Action.SOLO_UP, "-": Action.SOLO_DOWN}
"""In recordings only."""
_ENTER, _ESCAPE, _ERASE = ("\r", "\n"), "\x1b", ("\x7f", "\b")
_PROMPTS = {
    Action.GOTO: "go to bar",
    Action.LOOP: "loop bars, first-last (nothing: no loop)",
}


class KeyMap:
    """Turns keys into commands, with a line to type bar numbers in.

    While tapping, every key is a tap except the commands with Shift, Enter (start/stop) and
    Escape (leave); while ``beating`` it is the same with beats. In a recording + and − bring its
    soloist forward or take it back.

    >>> keys = KeyMap()
    >>> [keys.press(key) for key in "g17"]
    [None, None, None]
    >>> keys.press(chr(13))
    Command(action=<Action.GOTO: 'goto bar'>, bars=('17',))
    """

    def __init__(
        self, *, tapping: bool = False, beating: bool = False, recording: bool = False
    ) -> None:
        self._tapping = tapping or beating
        self._what = "beat" if beating else "next note"
        self._recording = recording
        self._asking: Action | None = None
        self._typed = ""

    @property
    def prompt(self) -> str:
        """The line being typed, or nothing."""
        return f"{_PROMPTS[self._asking]}: {self._typed}_" if self._asking else ""

    @property
    def help(self) -> str:
        """One line that names the keys."""
        if self._tapping:
            return f"any key: {self._what}  Enter start/stop  Shift+G goto  Shift+L loop  Esc leave"
        usual = "space start/stop  g goto  l loop  t tempo lock  c cue  m mute  q leave"
        return f"{usual}  + - soloist" if self._recording else usual

    def press(self, key: str) -> Command | None:
        """Take one key; give what it asks for, if it is complete."""
        if self._asking is not None:
            return self._type(key)
        if self._tapping:
            return self._press_tapping(key)
        if key == " ":
            return Command(Action.TOGGLE)
        if self._recording and key in _SOLO_LEVEL:
            return Command(_SOLO_LEVEL[key])
        return self._letter(key.lower())

    def _press_tapping(self, key: str) -> Command | None:
        if key == _ESCAPE:
            return Command(Action.LEAVE)
        if key in _ENTER:
            return Command(Action.TOGGLE)
        if key.startswith(_ESCAPE):  # arrows and the like
            return None
        if key.isalpha() and key.isupper() and key.lower() in _LETTERS:
            return self._letter(key.lower())
        return Command(Action.TAP)

    def _letter(self, letter: str) -> Command | None:
        action = _LETTERS.get(letter)
        if action in _PROMPTS:
            self._asking, self._typed = action, ""
            return None
        return None if action is None else Command(action)

    def _type(self, key: str) -> Command | None:
        action = self._asking
        if key == _ESCAPE:
            self._asking = None
        elif key in _ENTER and action is not None:
            self._asking = None
            bars = tuple(bar for bar in self._typed.replace("-", " ").split() if bar)
            if action is Action.LOOP or len(bars) == 1:
                return Command(action, bars)
        elif key in _ERASE:
            self._typed = self._typed[:-1]
        elif len(key) == 1 and key.isprintable() and len(self._typed) < 16:
            self._typed += key
        return None
