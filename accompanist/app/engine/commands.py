"""What a human may tell the conductor through the daemon, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from accompanist.conducting.conductor import Conductor

__all__ = ["COMMANDS", "CommandError", "Commands"]

Value = float | int | str | bool | None

COMMANDS: Final[Mapping[str, tuple[str, int, int]]] = {
    "arm": ("arm", 0, 0),
    "base": ("tempo_base", 1, 1),
    "beat": ("beat", 0, 1),
    "countin": ("countin", 1, 2),
    "cue": ("cue", 0, 0),
    "dynamics": ("dynamics", 1, 1),
    "follow": ("follow", 1, 1),
    "hold": ("hold", 0, 1),
    "latency": ("latency_out", 1, 1),
    "latency_out": ("latency_out", 1, 1),
    "lead": ("lead", 1, 1),
    "level": ("level", 1, 1),
    "locate": ("locate", 1, 1),
    "lock": ("lock", 1, 1),
    "loop": ("loop", 1, 2),
    "lost": ("lost", 1, 1),
    "lost_policy": ("lost", 1, 1),
    "nudge": ("tempo_nudge", 1, 1),
    "pause": ("pause", 0, 0),
    "resume": ("resume", 0, 0),
    "resync": ("resync", 0, 0),
    "scale": ("tempo_scale", 1, 1),
    "start": ("start", 0, 0),
    "stop": ("stop", 0, 0),
    "tap": ("tempo_tap", 0, 1),
    "tempo_base": ("tempo_base", 1, 1),
    "tempo_limits": ("tempo_limits", 2, 2),
    "tempo_nudge": ("tempo_nudge", 1, 1),
    "tempo_scale": ("tempo_scale", 1, 1),
    "tempo_tap": ("tempo_tap", 0, 1),
    "vamp": ("vamp", 2, 2),
    "vamp_exit": ("vamp_exit", 0, 0),
}
"""Method of the conductor, fewest and most arguments, of each command."""


class CommandError(Exception):
    """A command that cannot be carried out; ``code`` as in ``/acc/error``."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Commands:
    """Calls a conductor's methods by name, those of `COMMANDS` and no others."""

    def __init__(self) -> None:
        self._limits: list[Value] = [None, None]

    def call(self, conductor: Conductor, name: str, arguments: Sequence[Value]) -> None:
        """Carry out a command.

        Raises
        ------
        CommandError
            409 there is no such command, 400 arguments too many or too few or of the wrong kind,
            422 a value out of range.
        """
        if name in ("min_qpm", "max_qpm") and len(arguments) == 1:
            self._limits[name == "max_qpm"] = arguments[0]
            name, arguments = "tempo_limits", self._limits
        if name not in COMMANDS:
            raise CommandError(409, f"{name}: the engine knows no such command")
        method, fewest, most = COMMANDS[name]
        if not fewest <= len(arguments) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} or {most}"
            raise CommandError(400, f"{name}: takes {wanted} arguments, not {len(arguments)}")
        action = getattr(conductor, method, None)
        if action is None:
            raise CommandError(409, f"{name}: this conductor cannot do that")
        try:
            action(*arguments)
        except TypeError as error:
            raise CommandError(400, f"{name}: wrong arguments ({error})") from error
        except ValueError as error:
            raise CommandError(422, f"{name}: {error}") from error
