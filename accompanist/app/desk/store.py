"""The values of all addresses, and whoever watches them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from accompanist.app.desk.protocol import DeskError, Values, Watcher

__all__ = ["Nobody", "Sender", "Store"]

_log = logging.getLogger(__name__)

_SAME_S = 10.0
"""One complaint is told at most this often."""
_MOST_COMPLAINTS = 64


class Sender(Protocol):
    """Takes commands for a process: `EngineLink`, `PerformerLink`."""

    def send(self, command: object) -> None:
        """Send one; never fails, the process may be gone for a moment."""
        ...


class Nobody:
    """Takes commands for a process that is not there."""

    def send(self, command: object) -> None:
        """Do nothing."""


class Store:
    """Key → values. Watchers hear of every change. Not thread-safe.

    Parameters
    ----------
    values : mapping
        What there is to begin with.
    clock : callable
        Seconds that only grow; for the complaints.
    """

    def __init__(self, values: Mapping[str, Values], clock: Callable[[], float]) -> None:
        self._values: dict[str, Values] = dict(values)
        self._watchers: list[Watcher] = []
        self._clock = clock
        self._complaints: dict[str, float] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> Values:
        return self._values[key]

    def number(self, key: str) -> float:
        """Give the single number of a key."""
        return float(self._values[key][0])

    def word(self, key: str) -> str:
        """Give the single word of a key."""
        return str(self._values[key][0])

    def on(self, key: str) -> bool:
        """Whether a switch is on."""
        return bool(self._values[key][0])

    def watch(self, watcher: Watcher) -> None:
        """Have every change told from now on."""
        self._watchers.append(watcher)

    def put(self, key: str, *values: int | float | str | bool) -> None:
        """Keep a value and tell it, changed or not: whoever has set it hears it, too."""
        self._values[key] = values
        self.tell(key, values)

    def update(self, key: str, *values: int | float | str | bool) -> None:
        """Keep a value and tell it if it is another one."""
        if self._values.get(key) != values:
            self.put(key, *values)

    def update_all(self, changes: Iterable[tuple[str, Values]]) -> None:
        """Keep and tell what is known to have changed."""
        for key, values in changes:
            self.put(key, *values)

    def drop(self, prefix: str) -> None:
        """Forget all keys that begin so."""
        for key in [k for k in self._values if k.startswith(prefix)]:
            del self._values[key]

    def tell(self, key: str, values: Values) -> None:
        """Tell the watchers something that is not kept.

        One watcher that fails is logged; the others hear it all the same.
        """
        for watcher in self._watchers:
            try:
                watcher(key, values)
            except Exception:
                _log.exception("a watcher of %s failed", key)

    def complain(self, key: str, code: int, text: str, *, level: int = logging.WARNING) -> None:
        """Tell something that went wrong, in the log and to the watchers; not over and over."""
        now_s = self._clock()
        last_s = self._complaints.get(text)
        if last_s is not None and now_s - last_s < _SAME_S:
            return
        if len(self._complaints) >= _MOST_COMPLAINTS:
            self._complaints.clear()
        self._complaints[text] = now_s
        _log.log(level, "%s", text)
        self.tell("error", (key, code, text))

    def refuse(self, key: str, error: DeskError) -> None:
        """Tell the watchers that a wish which nobody waits for could not be granted."""
        self.complain(key, error.code, str(error))
