"""What a daemon is put together from: the one place that knows all of its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from accompanist.app.daemon.daemon import Daemon, Neighbour, Voice
from accompanist.app.daemon.link import LinkNeighbour
from accompanist.app.daemon.neighbours import Cues, PedalBoard
from accompanist.app.daemon.notify import Notifier
from accompanist.app.daemon.runtime import Runtime
from accompanist.app.desk.control import ControlDesk
from accompanist.app.desk.settings import first_values, outputs_of, recording_output_of
from accompanist.app.desk.store import Store
from accompanist.app.engine.link import EngineLink
from accompanist.app.osc.service import OscService, OscSettings
from accompanist.app.performer.link import PerformerLink
from accompanist.app.processes.board import Board
from accompanist.app.recording_player.link import RecordingLink
from accompanist.performing.cue import Cue

if TYPE_CHECKING:
    from accompanist.app.config.settings import Config

__all__ = ["BoardReader", "make_daemon"]


class BoardReader:
    """Reads the board, whoever has made it and however often. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._board: Board | None = None
        self._inode = 0

    def read(self) -> tuple[Cue, float] | None:
        """Give the cue at hand and monotonic minus take time; None before the first."""
        try:
            inode = self._path.stat().st_ino
            if self._board is None or inode != self._inode:
                self.close()
                self._board, self._inode = Board.open(self._path), inode
        except (OSError, ValueError):
            return None
        return self._board.read()

    def close(self) -> None:
        """Unmap it."""
        if self._board is not None:
            self._board.close()
            self._board = None


def make_daemon(
    config: Config, runtime: Runtime, *, reread: Callable[[], Config], notifier: Notifier
) -> Daemon:
    """Put the daemon together; nothing is started or opened yet.

    Raises
    ------
    UsageError
        A rule of the settings makes no sense.
    """
    values = Store(first_values(config), float)
    performer = PerformerLink(runtime.board, outputs_of(config, values), spare=True)
    player = RecordingLink(runtime.board, recording_output_of(config), spare=True)
    engine = EngineLink(runtime.board, ring_minutes=config.takes.ring_minutes)

    def voice(
        desk: ControlDesk, healthy: Callable[[], str], ready: Callable[[], str]
    ) -> OscService:
        settings = OscSettings(
            host=config.osc.host,
            port=config.osc.port,
            http_port=config.osc.http_port,
            allow_remote=config.osc.allow_remote,
            root=config.osc.root,
            announce=config.osc.zeroconf,
            most_subscribers=config.osc.most_subscribers,
        )
        return OscService(desk, settings, healthy=healthy, ready=ready)

    def neighbours(daemon: Daemon, voice: Voice) -> Sequence[Neighbour]:
        desk, events = daemon.desk, daemon.events
        assert isinstance(voice, OscService)
        link = LinkNeighbour(desk)
        daemon.helpers.link = link.set_mode
        found: list[Neighbour] = [Cues(config, desk, events, voice.broadcast), link]
        if any(getattr(config.hosts, name).enabled for name in type(config.hosts).model_fields):
            from accompanist.app.daemon.hosts import Hosts

            hosts = Hosts(config.hosts, desk, events)
            daemon.helpers.hosts = hosts.zeros
            found.append(hosts)
        if config.control.enable:
            pedals = PedalBoard(config.control, desk)
            daemon.helpers.control = pedals.control
            found.append(pedals)
        return found

    return Daemon(
        config,
        runtime,
        engine=engine,
        performer=performer,
        player=player,
        read_board=BoardReader(runtime.board).read,
        voice=voice,
        neighbours=neighbours,
        reread=reread,
        notifier=notifier,
    )
