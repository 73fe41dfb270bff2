"""Everything that answers for the desk: OSC over UDP, OSCQuery and WebSocket, the announcement."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accompanist.app.daemon.runtime import Urls
from accompanist.app.desk.protocol import Desk
from accompanist.app.osc.dispatch import Dispatcher
from accompanist.app.osc.http import OscHttp
from accompanist.app.osc.server import OscServer, is_loopback
from accompanist.app.osc.subscribers import Subscribers
from accompanist.errors import AccompanistError, UsageError
from bridges.osc import IMMEDIATELY, OscArgument, encode, encode_bundle
from bridges.osc_udp import OscUdp
from bridges.zeroconf_announce import Announcement

__all__ = ["OscService", "OscSettings"]

_LOG = logging.getLogger(__name__)
_PORTS_TRIED = 20


@dataclass(frozen=True, slots=True)
class OscSettings:
    """Where the daemon answers, and whom."""

    host: str = "127.0.0.1"
    port: int = 7010
    """The first UDP port that is tried; twenty more follow."""
    http_port: int = 7011
    """The same for HTTP and WebSocket."""
    allow_remote: bool = False
    """Must be said where ``host`` is not loopback: whoever reaches it can play with the daemon."""
    root: str = "/acc"
    announce: bool = True
    most_subscribers: int = 32


class OscService:
    """The desk's voice to the outside. Not thread-safe: everything on the daemon's loop.

    Parameters
    ----------
    desk : Desk
    settings : OscSettings
    healthy, ready : callable
        What ``/healthz`` and ``/readyz`` say: empty, or what is wrong.
    """

    def __init__(
        self,
        desk: Desk,
        settings: OscSettings | None = None,
        *,
        healthy: Callable[[], str] = str,
        ready: Callable[[], str] = str,
    ) -> None:
        self._desk, self._set = desk, settings or OscSettings()
        self._healthy, self._ready = healthy, ready
        self._dispatcher: Dispatcher | None = None
        self._subscribers: Subscribers | None = None
        self._server: OscServer | None = None
        self._http: OscHttp | None = None
        self._announcement: Announcement | None = None

    async def start(self) -> Urls:
        """Begin to answer; give where.

        Raises
        ------
        UsageError
            Not a loopback address, and ``allow_remote`` was not said; or an impossible root.
        AccompanistError
            No UDP port is free. HTTP that cannot be had is a warning.
        """
        wish = self._set
        if not is_loopback(wish.host) and not wish.allow_remote:
            raise UsageError(
                f"osc.host {wish.host}: whoever reaches this address could play with the daemon; "
                "say osc.allow_remote = true if that is meant"
            )
        if not wish.root.startswith("/") or any(c in wish.root for c in " #*,?[]{}"):
            raise UsageError(f"osc.root {wish.root!r}: must begin with / and be a plain address")
        loop = asyncio.get_running_loop()
        udp = OscUdp(wish.host, wish.port, wish.port + _PORTS_TRIED)
        self._subscribers = Subscribers(
            self._desk, loop.call_later, root=wish.root, most=wish.most_subscribers
        )
        self._dispatcher = Dispatcher(self._desk, self._subscribers, loop.call_later)
        self._server = OscServer(udp, self._dispatcher, self._subscribers)
        self._subscribers.open()
        self._server.start()
        http = OscHttp(
            self._desk,
            self._dispatcher,
            self._subscribers,
            host=wish.host,
            first_port=wish.http_port,
            last_port=wish.http_port + _PORTS_TRIED,
            osc_port=udp.port,
            healthy=self._healthy,
            ready=self._ready,
        )
        try:
            await http.start()
            self._http = http
        except AccompanistError as error:
            _LOG.warning("no OSCQuery and no health page: %s", error)
        if wish.announce:
            http_port = http.port if self._http is not None else 0
            self._announcement = Announcement("accompanist", wish.host, udp.port, http_port)
            self._announcement.start()
        host = f"[{wish.host}]" if ":" in wish.host else wish.host
        url = f"http://{host}:{http.port}/" if self._http is not None else ""
        return Urls(wish.host, udp.port, self._dispatcher.root, url)

    async def stop(self) -> None:
        """Answer nobody any more."""
        if self._dispatcher is not None:
            self._dispatcher.close()
        if self._subscribers is not None:
            self._subscribers.close()
        if self._announcement is not None:
            await self._announcement.stop()
        if self._http is not None:
            await self._http.stop()
        if self._server is not None:
            self._server.stop()

    def broadcast(
        self, address: str, arguments: Sequence[OscArgument], at_s: float = IMMEDIATELY
    ) -> None:
        """Send a cue of the score to every subscriber of ``cue``; ``at_s`` is unix time."""
        if self._subscribers is not None:
            packet = encode_bundle(at_s, [encode(address, arguments)])
            self._subscribers.broadcast(packet, "cue")
