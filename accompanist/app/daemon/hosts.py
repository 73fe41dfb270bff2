"""Hosts that go along with the music, as a neighbour of the daemon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from accompanist.app.desk.control import ControlDesk
from accompanist.app.desk.events import DeskEvents
from accompanist.app.hosts.links import HostLinks, HostSettings
from accompanist.errors import AccompanistError
from accompanist.performing.cue import Cue

if TYPE_CHECKING:
    from accompanist.app.config.neighbours import HostConfig, HostsConfig

__all__ = ["Hosts", "hosts_by_name"]


class Hosts:
    """DAWs, loopers and drum machines as a neighbour of the daemon."""

    def __init__(self, config: HostsConfig, desk: ControlDesk, events: DeskEvents) -> None:
        self._desk = desk
        self._links = HostLinks(
            tuple(
                HostSettings(
                    name=name,
                    host=host.host,
                    port=host.port,
                    reply_port=host.reply_port,
                    roll=host.roll,
                    tempo_policy=host.tempo_policy,
                    markers=host.markers,
                    read_position=host.read_position,
                    locate=host.locate,
                )
                for name, host in hosts_by_name(config)
                if host.enabled
            ),
            problem=self._problem,
        )
        self._starting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        events.on_loaded.append(lambda event: self._links.load(event.score))

    def open(self) -> None:
        """Begin to talk to them."""
        self._starting = asyncio.get_running_loop().create_task(self._start())

    def look(self, cue: Cue, offset_s: float) -> None:
        """Let them go along."""
        self._links.take(cue, offset_s)

    def zeros(self) -> dict[str, list[dict[str, float]]]:
        """Tell where each of them stood during the take."""
        return self._links.zeros()

    def close(self) -> None:
        """Let them stop."""
        self._closing = asyncio.get_running_loop().create_task(self._links.close())

    async def _start(self) -> None:
        try:
            await self._links.start()
        except AccompanistError as error:
            self._problem(503, str(error))

    def _problem(self, code: int, text: str) -> None:
        self._desk.store.complain("hosts", code, text)


def hosts_by_name(config: HostsConfig) -> Iterator[tuple[str, HostConfig]]:
    """Give all hosts that there are settings for."""
    for name in type(config).model_fields:
        yield name, getattr(config, name)
