"""A bell that any thread rings and a loop waits for with `select`, and news that come with it."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Bell", "News"]

T = TypeVar("T")


class Bell:
    """A pipe: `ring` makes it readable, `calm` takes all that was rung.

    `ring` never waits and may come from any thread or a signal handler.
    """

    def __init__(self) -> None:
        self._in, self._out = os.pipe()
        for fd in (self._in, self._out):
            os.set_blocking(fd, False)
        self._closed = False

    def fileno(self) -> int:
        """File descriptor to wait on."""
        return self._in

    def ring(self) -> None:
        """Have whoever waits look at everything now."""
        if not self._closed:
            with contextlib.suppress(BlockingIOError):  # full: it is ringing already
                os.write(self._out, b"\1")

    def calm(self) -> None:
        """Be silent until it is rung again."""
        if not self._closed:
            with contextlib.suppress(BlockingIOError):  # nobody has rung
                os.read(self._in, 4096)

    def close(self) -> None:
        """Give it up; closing twice does no harm."""
        if not self._closed:
            self._closed = True
            os.close(self._in)
            os.close(self._out)


class News(Generic[T]):
    """Events of one thread for another one, which may wait for them. What was told stays."""

    def __init__(self) -> None:
        self._bell = Bell()
        self._events: deque[T] = deque()

    def fileno(self) -> int:
        """File descriptor that is readable when there is something."""
        return self._bell.fileno()

    def tell(self, *events: T) -> None:
        """Add events, in order."""
        self._events.extend(events)
        self._bell.ring()

    def take(self) -> list[T]:
        """Take what has been told since the last call."""
        self._bell.calm()
        taken = []
        while self._events:
            taken.append(self._events.popleft())
        return taken

    def close(self) -> None:
        """Ring no more."""
        self._bell.close()
