"""Who goes along with the music beside engine and performer: pedals, cues of the score."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from accompanist.app.control.input import ControlInput, ControlSettings
from accompanist.app.cues.files import piece_rules
from accompanist.app.cues.rules import rules_from
from accompanist.app.cues.sender import Broadcast, CueSender
from accompanist.app.desk.control import ControlDesk
from accompanist.app.desk.events import DeskEvents
from accompanist.app.processes.links import PieceLoaded
from accompanist.errors import AccompanistError, BadInputError
from accompanist.performing.cue import Cue

if TYPE_CHECKING:
    from accompanist.app.config.settings import Config, ControlConfig

__all__ = ["Cues", "PedalBoard"]


class PedalBoard:
    """The control input as a neighbour of the daemon."""

    def __init__(self, config: ControlConfig, desk: ControlDesk) -> None:
        self._desk = desk
        settings = ControlSettings(
            enable=config.enable,
            input=config.input,
            backend=config.backend,
            hold_s=config.hold_s,
            debounce_s=config.debounce_s,
            threshold=config.threshold,
        )
        self.control = ControlInput(desk, settings, problem=self._problem)
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Open the port and begin to listen."""
        self.control.open()
        self._task = asyncio.get_running_loop().create_task(self.control.run())

    def look(self, cue: Cue, offset_s: float) -> None:
        """Pedals do not care where the music is."""

    def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
        self.control.close()

    def _problem(self, code: int, text: str) -> None:
        self._desk.store.complain("control", code, text)


class Cues:
    """The score's OSC cues and the rules, as a neighbour of the daemon.

    Raises
    ------
    UsageError
        A rule of the settings, or a receiver, makes no sense.
    """

    def __init__(
        self, config: Config, desk: ControlDesk, events: DeskEvents, broadcast: Broadcast
    ) -> None:
        self._desk = desk
        self._sender = CueSender(
            rules_from([rule.model_dump(exclude_none=True) for rule in config.rules]),
            config.cues.to,
            later=lambda seconds, ring: asyncio.get_running_loop().call_later(seconds, ring),
            problem=self._problem,
            broadcast=broadcast,
        )
        events.on_loaded.append(self._loaded)
        events.on_reported.append(self._sender.reported)

    def open(self) -> None:
        """Open the socket."""
        self._sender.open()

    def look(self, cue: Cue, offset_s: float) -> None:
        """Go on by a newer cue."""
        self._sender.take(cue, offset_s, self._desk.wiring.latency_out_s)

    def close(self) -> None:
        """Send no more."""
        self._sender.close()

    def _loaded(self, event: PieceLoaded) -> None:
        request = self._desk.wiring.facts.request
        try:
            rules = () if request is None else piece_rules(request.piece)
        except BadInputError as error:
            self._desk.store.complain("piece/load", 400, str(error))
            rules = ()
        try:
            self._sender.load(event.score, rules)
        except AccompanistError as error:
            self._desk.store.complain("piece/load", 400, str(error))

    def _problem(self, code: int, text: str) -> None:
        self._desk.store.complain("cue", code, text)
