"""Single keys from the terminal, with the time at which they were struck."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from accompanist.errors import UsageError

__all__ = ["HeldKeys", "KeyPress", "RawKeyboard"]

REPEAT_GAP_S = 0.06
"""A key that is held repeats itself faster than this; fingers do not."""


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key and the monotonic time at which it came. Keys with several bytes are one string."""

    key: str
    time_s: float


class HeldKeys:
    """Tells a key that is held down, and so repeats itself, from one that is struck again.

    >>> held = HeldKeys()
    >>> row = [KeyPress("a", 0.0), KeyPress("a", 0.03), KeyPress("a", 0.06), KeyPress("b", 0.07)]
    >>> [held.repeats(press) for press in row]
    [False, True, True, False]
    """

    def __init__(self) -> None:
        self._last: KeyPress | None = None

    def repeats(self, press: KeyPress) -> bool:
        """Whether this press is the terminal's doing."""
        last, self._last = self._last, press
        if last is None or press.key != last.key:
            return False
        return press.time_s - last.time_s < REPEAT_GAP_S


class RawKeyboard:
    """The terminal without line editing and echo, put back however the block is left.

    Ctrl-C stays the interrupt. Keys are read, and given to ``struck``, by a thread of its own, so
    that none waits for the screen to be drawn.

    Parameters
    ----------
    struck : callable
        Told every key.

    Raises
    ------
    UsageError
        Standard input is not a terminal.
    """

    def __init__(self, struck: Callable[[KeyPress], None]) -> None:
        if not sys.stdin.isatty():
            raise UsageError("keys need a terminal: standard input is a file or a pipe here")
        self._file = sys.stdin.fileno()
        self._struck = struck
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="keyboard", daemon=True)

    def __enter__(self) -> Self:
        self._saved = termios.tcgetattr(self._file)
        tty.setcbreak(self._file, termios.TCSANOW)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.write(self._wake_write, b"x")
        self._thread.join()
        termios.tcsetattr(self._file, termios.TCSADRAIN, self._saved)
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._file, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            data = os.read(self._file, 64)
            now_s = time.monotonic()
            if not data:  # the terminal has gone
                return
            text = data.decode("utf-8", errors="replace")
            keys = [text] if text.startswith("\x1b") else list(text)
            for key in keys:
                self._struck(KeyPress(key, now_s))
