"""The daemon's desk: all addresses in front of the engine and the performer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from accompanist.app.desk.facts import status
from accompanist.app.desk.protocol import Desk, DeskError, Values, Watcher
from accompanist.app.desk.recording import GAIN, SOLO
from accompanist.app.desk.settings import first_values
from accompanist.app.desk.store import Sender, Store
from accompanist.app.desk.transport import RUNNING
from accompanist.app.desk.wiring import Wiring
from accompanist.app.processes.links import Panic

if TYPE_CHECKING:
    from accompanist.app.config.settings import Config

__all__ = ["ControlDesk", "Helpers"]


class Helpers(Protocol):
    """What the desk cannot do by itself: the daemon does it, and tells the store how it went."""

    def leave(self) -> None:
        """Silence everything and end the daemon."""

    def reload(self) -> None:
        """Read the settings again."""

    def calibrate(self) -> None:
        """Measure the round trip."""

    def keep_take(self, name: str) -> None:
        """Keep what has been played, under a name if it has one."""

    def export_take(self, wanted: str, folder: str) -> None:
        """Write the last kept take in another format."""

    def set_link(self, mode: str) -> None:
        """Ableton Link: off, follow or lead."""

    def learn(self, action: str) -> None:
        """Bind the next pedal to an action."""

    def forget(self) -> None:
        """Bind the pedals as they were made."""


class ControlDesk(Desk):
    """Keeps the values, sends the commands. Everything from the daemon's loop.

    What the processes say comes in through `accompanist.app.desk.events.DeskEvents`.
    """

    def __init__(
        self,
        config: Config,
        engine: Sender,
        performer: Sender,
        helpers: Helpers,
        clock: Callable[[], float],
        player: Sender | None = None,
    ) -> None:
        self.store = Store(first_values(config), clock)
        self.wiring = Wiring(config, self.store, engine, performer, player)
        self._helpers = helpers
        tell, wiring = self.wiring.tell_engine, self.wiring
        self._settings: dict[str, Callable[[Values], None]] = {
            "tempo/base": self._base,
            "tempo/scale": lambda v: tell("tempo_scale", v[0]),
            "tempo/min": self._limits("tempo/min"),
            "tempo/max": self._limits("tempo/max"),
            "tempo/lock": lambda v: tell("lock", bool(v[0])),
            "follow/mode": lambda v: tell("follow", v[0]),
            "follow/level": lambda v: tell("level", v[0]),
            "follow/dynamics": lambda v: tell("dynamics", v[0]),
            "follow/lostpolicy": lambda v: tell("lost", v[0]),
            "countin/bars": lambda v: tell("countin", float(v[0]), self.store.word("countin/mode")),
            "countin/click": lambda v: None,
            "countin/mode": lambda v: tell("countin", self.store.number("countin/bars"), v[0]),
            "tuning/a4": lambda v: wiring.tune(float(v[0])),
            "tuning/transpose": self._transpose,
            "tuning/auto": lambda v: None,
            "input/gate": lambda v: None,
            "input/gain": lambda v: None,
            "input/device": lambda v: wiring.at_rest("the input can be changed"),
            "latency/in": lambda v: None,
            "latency/out": lambda v: None,
            "latency/lead": lambda v: None,
            "clock/enable": lambda v: None,
            "clock/continuous": lambda v: None,
            "clock/offset": lambda v: None,
            "mtc/enable": lambda v: None,
            "link/mode": lambda v: helpers.set_link(str(v[0])),
            SOLO: lambda v: None,
            GAIN: lambda v: None,
        }
        """What is done before a value is kept; it may refuse."""
        self._afterwards: dict[str, Callable[[], None]] = {
            **dict.fromkeys(("input/gate", "input/gain", "input/device"), wiring.open_input),
            "latency/in": wiring.open_input,
            **dict.fromkeys(("latency/out", "latency/lead"), wiring.send_latency),
            **dict.fromkeys(("clock/enable", "mtc/enable"), wiring.open_clock),
            **dict.fromkeys(("clock/continuous", "clock/offset"), wiring.send_clock),
            "tuning/transpose": wiring.load_again,
            SOLO: wiring.recording.keep_solo,
            GAIN: wiring.recording.send_all,
        }
        """What is done once a value is kept."""
        self._actions: dict[str, Callable[[Values], None]] = {
            **self.wiring.transport.actions,
            "piece/load": lambda v: wiring.load(str(v[0])),
            "midi/panic": lambda v: performer.send(Panic()),
            "take/start": lambda v: self._mark_take("start"),
            "take/stop": lambda v: self._mark_take("stop"),
            "take/discard": lambda v: self._mark_take("discard"),
            "take/save": lambda v: helpers.keep_take(str(v[0]) if v else ""),
            "take/export": lambda v: helpers.export_take(str(v[0]), str(v[1]) if v[1:] else ""),
            "latency/calibrate": lambda v: self._calibrate(),
            "control/learn": lambda v: helpers.learn(str(v[0])),
            "control/forget": lambda v: helpers.forget(),
            "reload": lambda v: helpers.reload(),
            "quit": lambda v: helpers.leave(),
        }

    # ---- Desk ------------------------------------------------------------------------------------

    def get(self, key: str) -> Values:
        """Give the value of a state; see `Desk.get`."""
        if key == "timemap":
            timemap = self.wiring.stage.timemap
            if timemap is None:
                raise DeskError(409, "there is no time map before a piece is loaded")
            return timemap
        if key == "status":
            return (json.dumps(status(self.wiring.facts, self.store), ensure_ascii=False),)
        if key in self.store:
            return self.store[key]
        part = _part_of(key)
        if part is not None:
            self.wiring.parts.check(part[0])
        raise DeskError(404, f"{key} has no value")

    def set(self, key: str, values: Values) -> None:
        """Change a state; see `Desk.set`."""
        if not values:
            raise DeskError(400, f"{key} wants a value")
        part = _part_of(key)
        if part is not None:
            self.wiring.parts.set(*part, values)
            return
        if key == "loop":
            self.wiring.transport.set_loop(values)
            return
        if key not in self._settings:
            raise DeskError(404, f"{key} cannot be set")
        self._settings[key](values)
        self.wiring.latency_set(key, by_hand=True)
        self.store.put(key, *values)
        afterwards = self._afterwards.get(key)
        if afterwards is not None:
            afterwards()

    def do(self, key: str, values: Values) -> None:
        """Carry out an action; see `Desk.do`."""
        if key not in self._actions:
            raise DeskError(404, f"there is no action {key}")
        self._actions[key](values)

    def parts(self) -> tuple[int, ...]:
        """Numbers of the parts that the ensemble plays."""
        return self.wiring.parts.numbers

    def watch(self, watcher: Watcher) -> None:
        """Have every change told."""
        self.store.watch(watcher)

    # ---- settings --------------------------------------------------------------------------------

    def _base(self, values: Values) -> None:
        self.wiring.ready()
        self.wiring.base_set(float(values[0]))

    def _limits(self, key: str) -> Callable[[Values], None]:
        def check(values: Values) -> None:
            low, high = self.store.number("tempo/min"), self.store.number("tempo/max")
            low, high = (float(values[0]), high) if key == "tempo/min" else (low, float(values[0]))
            if low >= high:
                raise DeskError(422, f"the slowest ({low:g}) must be below the fastest ({high:g})")
            self.wiring.tell_engine("tempo_limits", low, high)

        return check

    def _transpose(self, values: Values) -> None:
        if self.wiring.facts.loading:
            raise DeskError(409, "a piece is being loaded")
        self.wiring.at_rest("the piece can be transposed")

    def _mark_take(self, what: str) -> None:
        self.wiring.ready()
        self.wiring.tell_engine(f"take_{what}")

    def _calibrate(self) -> None:
        state = self.store.word("state")
        if state in RUNNING or state in ("armed", "paused", "loading"):
            raise DeskError(409, f"latency cannot be measured while {state}; stop first")
        self._helpers.calibrate()


def _part_of(key: str) -> tuple[int, str] | None:
    words = key.split("/")
    if len(words) == 3 and words[0] == "part" and words[1].isdecimal():
        return int(words[1]), words[2]
    return None
