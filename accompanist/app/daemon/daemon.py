"""The background service: starts the processes, keeps the desk, answers, and leaves in silence."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

from accompanist.app.config.settings import Config
from accompanist.app.daemon.helpers import DaemonHelpers
from accompanist.app.daemon.notify import Notifier
from accompanist.app.daemon.runtime import Runtime, Urls, writing
from accompanist.app.desk.control import ControlDesk
from accompanist.app.desk.events import DeskEvents
from accompanist.app.desk.protocol import DeskError
from accompanist.app.desk.stage import Moment
from accompanist.app.desk.transport import RUNNING
from accompanist.app.processes.links import Silence
from accompanist.performing.cue import Cue

__all__ = ["Daemon", "Neighbour", "Process", "Voice"]

_log = logging.getLogger(__name__)

LOOK_S = 0.025
"""The position is told this often while music goes on …"""
REST_S = 0.25
"""… and looked at this often while none does."""
SECOND_S = 1.0
PATIENCE_S = 20.0
"""So long after the start the daemon is called ready whatever is still missing."""
_NTP_EPOCH_S = 2_208_988_800.0
"""Seconds from 1900 to 1970."""


class Process(Protocol):
    """A child of ours behind its link: `EngineLink`, `PerformerLink`."""

    def start(self) -> None: ...
    def send(self, command: object) -> None: ...
    def events(self) -> Sequence[object]: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


class Voice(Protocol):
    """Whoever answers for the desk: `OscService`."""

    async def start(self) -> Urls: ...
    async def stop(self) -> None: ...


class Neighbour(Protocol):
    """Pedals, hosts, cues, Link: whoever goes along with the music."""

    def open(self) -> None:
        """Begin; what is not there is told to the desk and looked for again."""

    def look(self, cue: Cue, offset_s: float) -> None:
        """Take the cue as it is now; forty times a second while music goes on."""

    def close(self) -> None:
        """End."""


class Daemon:
    """Everything of the daemon's own process. `run` it once, in an event loop of its own.

    Parameters
    ----------
    config : Config
    runtime : Runtime
        The folder, held.
    engine, performer : Process
        Not started yet.
    player : Process, optional
        Plays recordings; nobody does unless it is given.
    read_board : callable
        Gives the cue at hand and monotonic minus take time, or None.
    voice : callable
        Makes what answers for the desk; given two callables that say what is wrong, for health.
    neighbours : callable
        Makes whoever goes along with the music.
    reread : callable
        Reads the settings again; for SIGHUP.
    notifier : Notifier
    """

    def __init__(
        self,
        config: Config,
        runtime: Runtime,
        *,
        engine: Process,
        performer: Process,
        read_board: Callable[[], tuple[Cue, float] | None],
        voice: Callable[[ControlDesk, Callable[[], str], Callable[[], str]], Voice],
        neighbours: Callable[[Daemon, Voice], Sequence[Neighbour]],
        reread: Callable[[], Config],
        notifier: Notifier,
        player: Process | None = None,
    ) -> None:
        self._runtime = runtime
        self._engine, self._performer, self._player = engine, performer, player
        self._read_board = read_board
        self._notifier = notifier
        self._leaving = asyncio.Event()
        self.helpers = DaemonHelpers(self._leaving.set, reread)
        self.desk = ControlDesk(config, engine, performer, self.helpers, time.monotonic, player)
        self.helpers.desk = self.desk
        self.events = DeskEvents(self.desk.wiring)
        self._voice = voice(self.desk, self._unhealthy, self._unready)
        self._neighbours = tuple(neighbours(self, self._voice))
        self._looking: asyncio.TimerHandle | None = None
        self._second: asyncio.TimerHandle | None = None
        self._up = False
        self._ready_told = False
        self._patience_s = 0.0

    async def run(self) -> None:
        """Serve until told to leave.

        Raises
        ------
        AccompanistError
            No OSC port is free, or the settings make no sense here.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leaving.set)
        loop.add_signal_handler(signal.SIGHUP, self.helpers.reload)
        try:
            await self._begin(loop)
            await self._leaving.wait()
        finally:
            await self._end(loop)

    async def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        with writing(self._runtime.folder):
            self._performer.start()
            self._engine.start()
            if self._player is not None:
                self._player.start()
                loop.add_reader(self._player.fileno(), self._hear_player)
        loop.add_reader(self._performer.fileno(), self._hear_performer)
        loop.add_reader(self._engine.fileno(), self._hear_engine)
        wiring, config = self.desk.wiring, self.desk.wiring.config
        wiring.send_clock()
        wiring.open_input()
        for neighbour in self._neighbours:
            _sheltered(neighbour.open)
        if config.piece.load:
            if config.piece.arm:
                self.helpers.arm_when_loaded(self.events)
            try:
                wiring.load(config.piece.load)
            except DeskError as error:
                wiring.store.refuse("piece/load", error)
        urls = await self._voice.start()  # last: whoever is answered can play at once
        self._runtime.write_urls(urls)
        _log.info("OSC at %s", urls.osc)
        if urls.http:
            _log.info("HTTP at %s", urls.http)
        if config.clock.link != "off":
            _sheltered(lambda: self.helpers.set_link(config.clock.link))
        self._up = True
        self._patience_s = loop.time() + PATIENCE_S
        self._look()
        self._each_second()
        self.desk.watch(self._hurry)

    async def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        """Silence first; then everybody leaves, the processes side by side."""
        _log.info("leaving")
        self._up = False
        self._notifier.stopping()
        for process in self._processes:
            _sheltered(partial(process.send, Silence()))
        for timer in (self._looking, self._second):
            if timer is not None:
                timer.cancel()
        for process in (self._engine, *self._processes):
            _sheltered(partial(_forget, loop, process))
        for neighbour in self._neighbours:
            _sheltered(neighbour.close)
        await self.helpers.close()
        for ending in (
            self._voice.stop(),
            asyncio.gather(*(asyncio.to_thread(p.close) for p in (*self._processes, self._engine))),
        ):
            await _sheltered_wait(ending)

    # ---- what comes in ---------------------------------------------------------------------------

    def _hear_engine(self) -> None:
        for event in self._engine.events():
            _sheltered(partial(self.events.engine, event))

    def _hear_performer(self) -> None:
        for event in self._performer.events():
            _sheltered(partial(self.events.performer, event))

    def _hear_player(self) -> None:
        if self._player is not None:
            for event in self._player.events():
                _sheltered(partial(self.events.recording, event))

    @property
    def _processes(self) -> tuple[Process, ...]:
        """All that sound."""
        return (self._performer,) if self._player is None else (self._performer, self._player)

    # ---- what goes on ----------------------------------------------------------------------------

    def _busy(self) -> bool:
        state = self.desk.store.word("state")
        return state in RUNNING or state == "armed"

    def _hurry(self, key: str, values: object) -> None:
        """Look at once when the music begins."""
        if key == "state" and self._looking is not None and self._busy():
            self._looking.cancel()
            self._looking = asyncio.get_running_loop().call_later(0.0, self._look)

    def _look(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(
            LOOK_S if self._busy() else REST_S, self._look
        )
        _sheltered(self._hear_performer)
        _sheltered(self._hear_engine)  # a dead one is started anew while it is asked
        _sheltered(self._look_at_board)
        if not self._ready_told:
            self._tell_ready()

    def _tell_ready(self) -> None:
        """Tell systemd once engine and performer have spoken, or have been long about it."""
        facts = self.desk.wiring.facts
        late = asyncio.get_running_loop().time() > self._patience_s
        if late or (facts.outputs is not None and self.events.engine_heard):
            self._ready_told = True
            self._notifier.ready()

    def _look_at_board(self) -> None:
        seen = self._read_board()
        if seen is None or self.desk.wiring.facts.loading:
            return
        cue, offset_s = seen
        now_s = time.monotonic()
        moment = Moment(now_s, time.time() + _NTP_EPOCH_S, offset_s)
        self.desk.store.update_all(self.desk.wiring.stage.look(cue, moment))
        for neighbour in self._neighbours:
            neighbour.look(cue, offset_s)

    def _each_second(self) -> None:
        loop = asyncio.get_running_loop()
        every_s = min(SECOND_S, (self._notifier.watchdog_s or SECOND_S) / 2)
        self._second = loop.call_later(every_s, self._each_second)
        self._notifier.alive()
        store = self.desk.store
        loaded = self.desk.wiring.facts.loaded
        title = "no piece" if loaded is None else loaded.title
        self._notifier.status(f"{title}, {store.word('state')}")

    def _unhealthy(self) -> str:
        """Say what is wrong with the daemon; nothing is the best."""
        return "" if self._up else "starting or leaving"

    def _unready(self) -> str:
        """Say why nothing can be played."""
        try:
            self.desk.wiring.ready()
            self.desk.wiring.heard()
        except DeskError as error:
            return str(error)
        return ""


def _sheltered(action: Callable[[], Any]) -> None:
    """Do it; a failure is logged and nobody else suffers."""
    try:
        action()
    except Exception:
        _log.exception("a defect of ours")


def _forget(loop: asyncio.AbstractEventLoop, process: Process) -> None:
    loop.remove_reader(process.fileno())


async def _sheltered_wait(ending: Awaitable[Any]) -> None:
    try:
        await ending
    except Exception:
        _log.exception("a defect of ours")
