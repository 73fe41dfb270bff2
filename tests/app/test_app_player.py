"""What the keys do to a take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accompanist.app.engine.live import LiveView
from accompanist.app.playing.keymap import Action, KeyMap
from accompanist.app.playing.player import Player, Router, Stick
from accompanist.app.playing.terminal import Flags
from accompanist.conducting.timeline import Timeline
from accompanist.followers.protocol import Estimate, FollowerState
from accompanist.performing.cue import Cue
from accompanist.score.model import Measure, Score
from accompanist.session import Step
from bridges.keyboard import KeyPress


class Calls:
    """Stands for a conductor: keeps what it is told."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            self.made.append((name, *arguments))

        return call


class Engine:
    """Carries commands out at once, and ends after so many looks."""

    def __init__(self, looks: int, state: str) -> None:
        self._looks = looks
        estimate = Estimate(1.0, 0.0, 2.0, 1.0, FollowerState.FOLLOWING)
        step = Step(estimate, (), Cue(1.0, Timeline((0.0,), (0.0,), 2.0), state), 0.0)
        self.view = LiveView(step, -20.0, "", 0.0)

    def do(self, command: Callable[[], None]) -> None:
        command()

    def check(self) -> bool:
        self._looks -= 1
        return self._looks >= 0


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accompanist.app.playing.player.LOOK_S", 0.0)


def play(keys: str, state: str = "following") -> tuple[list[tuple[Any, ...]], Player, list[Flags]]:
    """Press the keys at once; give the calls made, the player and what was shown."""
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(8))
    calls, router = Calls(), Router(KeyMap())
    engine: Any = Engine(3, state)
    anything: Any = calls
    player = Player(engine, anything, Score("", (), measures), router, calls.mute)
    for key in keys:
        router.struck(KeyPress(key, 0.0))
    shown: list[Flags] = []
    player.run(shown.append)
    return calls.made, player, shown


@pytest.mark.parametrize(
    ("keys", "state", "expected"),
    [
        (" ", "following", [("stop",)]),
        (" ", "holding", [("stop",)]),
        (" ", "armed", [("start",)]),
        (" ", "idle", [("start",)]),
        (" ", "ended", [("start",)]),
        ("c", "waiting", [("cue",)]),
        ("t", "following", [("lock", True)]),
        ("tt", "following", [("lock", True), ("lock", False)]),
        ("m", "following", [("mute", True)]),
        ("mm", "following", [("mute", True), ("mute", False)]),
        ("g5\r", "following", [("locate", 16.0)]),
        ("l2-3\r", "following", [("loop", 4.0, 12.0)]),
        ("l2\r", "following", [("loop", 4.0, 8.0)]),
        ("l2-3\rl\r", "following", [("loop", 4.0, 12.0), ("loop", None)]),
        ("q", "following", []),
    ],
)
def test_keys_command_the_take(keys: str, state: str, expected: list[tuple[Any, ...]]) -> None:
    assert play(keys, state)[0] == expected


def test_leaving_ends_the_run() -> None:
    _, player, shown = play("q")
    assert player.left
    assert len(shown) <= 1


def test_flags_are_shown() -> None:
    shown = play("tml2-3\r")[2][-1]
    assert (shown.locked, shown.muted, shown.loop) == (True, True, "2-3")
    assert play("g1")[2][-1].prompt == "go to bar: 1_"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("g99\r", "there is no bar 99; bars go from 1 to 8"),
        ("l5-2\r", "a loop's last bar comes after its first"),
        ("g2\r", "at bar 2: play when you are ready"),
    ],
)
def test_what_was_typed_is_answered(keys: str, words: str) -> None:
    made, _, shown = play(keys)
    assert shown[-1].message == words
    assert made == ([("locate", 4.0)] if keys == "g2\r" else [])


def test_the_take_ends_by_itself_after_the_last_chord(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accompanist.app.playing.player.END_S", -1.0)
    _, player, shown = play("", "ended")
    assert not player.left
    assert len(shown) == 2


def test_a_stick_gives_beats_for_the_moment_of_the_key_in_take_time() -> None:
    calls, engine = Calls(), Engine(1, "armed")
    engine.view = replace(engine.view, offset_s=100.0)
    whole: Any = engine
    anything: Any = calls
    router = Router(KeyMap(beating=True), Stick(whole, anything))
    for time_s, key in ((100.5, "a"), (100.53, "a"), (101.25, " "), (101.3, "Q")):
        router.struck(KeyPress(key, time_s))
    assert calls.made == [("beat", 0.5), ("beat", 1.25)]
    assert [command.action for command in router.commands()] == [Action.LEAVE]
