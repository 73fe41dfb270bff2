"""The desk: every setting and command of the running daemon under one name each.

OSC, the web, pedals and hosts all stand in front of the same desk. It knows nothing of them: it
gives values, takes values, does what it is told, and tells every change to all who watch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from accompanist.errors import AccompanistError

__all__ = ["Desk", "DeskError", "Value", "Values", "Watcher"]

Value: TypeAlias = int | float | str | bool
Values: TypeAlias = tuple[Value, ...]
Watcher: TypeAlias = Callable[[str, Values], None]


class DeskError(AccompanistError):
    """A wish that cannot be granted now; ``code`` as in OSC ``/acc/error``.

    400 arguments, 404 no such thing, 409 not in this state, 422 out of range, 503 no device.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Desk(Protocol):
    """What stands behind every surface. Not thread-safe: all calls come from the daemon's loop.

    Keys are the OSC addresses below the root without the first slash: ``tempo/scale``,
    ``part/2/gain``. Values have been checked for type and range by the surface.
    """

    def get(self, key: str) -> Values:
        """Give the value of a state.

        Raises
        ------
        DeskError
            404 there is no such part; 409 nothing is loaded that could have it.
        """
        ...

    def set(self, key: str, values: Values) -> None:
        """Change a state; watchers are told if it is accepted, the one who asked too.

        Raises
        ------
        DeskError
            It cannot be so.
        """
        ...

    def do(self, key: str, values: Values) -> None:
        """Carry out an action, as ``start`` or ``goto/bar``.

        Raises
        ------
        DeskError
            It cannot be done now.
        """
        ...

    def parts(self) -> tuple[int, ...]:
        """Numbers of the parts of the loaded piece; none without one."""
        ...

    def watch(self, watcher: Watcher) -> None:
        """Have every change told, as (key, values), also to read-only states and errors."""
        ...
