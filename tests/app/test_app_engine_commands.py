"""What the daemon may have the conductor do."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from accompanist.app.engine.commands import COMMANDS, CommandError, Commands
from accompanist.conducting.conductor import Conductor


class Calls:
    """Stands for a conductor: keeps what it is told."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []

    def locate(self, quarter: float) -> None:
        self.made.append(("locate", quarter))

    def level(self, level: float) -> None:
        if not 0 <= level <= 10:
            raise ValueError(f"level goes from 0 to 10, not {level:g}")
        self.made.append(("level", level))

    def tempo_limits(self, lowest: float | None, highest: float | None) -> None:
        self.made.append(("tempo_limits", lowest, highest))

    def lock(self, locked: bool) -> None:
        if not isinstance(locked, bool):
            raise TypeError("no bool")
        self.made.append(("lock", locked))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there_and_takes_so_many_arguments(command: str) -> None:
    method, fewest, most = COMMANDS[command]
    signature = inspect.signature(getattr(Conductor, method))
    takes = [p for p in signature.parameters.values() if p.name != "self"]
    needs = [p for p in takes if p.default is p.empty]
    assert len(needs) <= fewest <= most <= len(takes)


def test_a_command_is_passed_on() -> None:
    conductor: Any = Calls()
    commands = Commands()
    commands.call(conductor, "locate", (8.0,))
    commands.call(conductor, "min_qpm", (60.0,))
    commands.call(conductor, "max_qpm", (140.0,))
    commands.call(conductor, "min_qpm", (None,))
    assert conductor.made == [
        ("locate", 8.0),
        ("tempo_limits", 60.0, None),
        ("tempo_limits", 60.0, 140.0),
        ("tempo_limits", None, 140.0),
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("hear", (), 409),
        ("_commands", (), 409),
        ("pause", (), 409),  # this one cannot
        ("locate", (), 400),
        ("locate", (1.0, 2.0), 400),
        ("lock", (1,), 400),
        ("level", (11.0,), 422),
    ],
)
def test_what_cannot_be_is_said_in_a_line(name: str, arguments: tuple[Any, ...], code: int) -> None:
    conductor: Any = Calls()
    with pytest.raises(CommandError, match=name) as caught:
        Commands().call(conductor, name, arguments)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert conductor.made == []
