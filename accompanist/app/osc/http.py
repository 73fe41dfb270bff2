"""OSCQuery over HTTP, OSC through a WebSocket, and the daemon's health."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from accompanist.app.desk.protocol import Desk, DeskError
from accompanist.app.osc.allowance import Allowance
from accompanist.app.osc.dispatch import Dispatcher
from accompanist.app.osc.peer import Peer
from accompanist.app.osc.query import ATTRIBUTES, host_info, tree
from accompanist.app.osc.server import is_loopback
from accompanist.app.osc.subscribers import Subscribers
from accompanist.errors import AccompanistError
from bridges.osc import LARGEST_PACKET

__all__ = ["OscHttp", "allowed_host"]

_LOG = logging.getLogger(__name__)
_MOST_WAITING = 2000
"""Packets a WebSocket may leave unread before it is closed."""
_MOST_SOCKETS = 32
_RATE_HZ, _BURST = 1000.0, 1000.0
_HEARTBEAT_S, _REST_S = 20.0, 0.005
_SHUTDOWN_S = 1.0
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def allowed_host(said: str, *, everywhere: bool, own_names: frozenset[str] = frozenset()) -> bool:
    """Whether a ``Host`` header (or an ``Origin``'s) can be meant for us.

    A web page that has its own name point to this machine (DNS rebinding) sends that name.

    >>> allowed_host("127.0.0.1:7011", everywhere=False)
    True
    >>> allowed_host("evil.example:7011", everywhere=True)
    False
    """
    try:
        name = urlsplit(f"//{said}").hostname or ""
    except ValueError:
        return False
    if name in own_names or name == "localhost" or is_loopback(name):
        return True
    if not everywhere:
        return False
    with suppress(ValueError):
        ip_address(name)
        return True
    return False


class OscHttp:
    """Serves the same desk over HTTP. All of it belongs to the loop in which it is started.

    Parameters
    ----------
    desk, dispatcher, subscribers
        As for UDP.
    host : str
        Address to listen on.
    first_port, last_port : int
        The first free one of these is taken.
    osc_port : int
        Where the UDP server listens, for ``HOST_INFO``.
    healthy, ready : callable
        Empty, or what is wrong.
    """

    def __init__(
        self,
        desk: Desk,
        dispatcher: Dispatcher,
        subscribers: Subscribers,
        *,
        host: str = "127.0.0.1",
        first_port: int = 7011,
        last_port: int = 7031,
        osc_port: int = 7010,
        healthy: Callable[[], str] = str,
        ready: Callable[[], str] = str,
    ) -> None:
        self._desk, self._dispatcher, self._subscribers = desk, dispatcher, subscribers
        self._host, self._ports, self._osc_port = host, range(first_port, last_port + 1), osc_port
        self._healthy, self._ready = healthy, ready
        self._everywhere = not is_loopback(host)
        name = socket.gethostname().casefold()
        self._own_names = frozenset({name, f"{name}.local"} if self._everywhere else ())
        self._runner: web.AppRunner | None = None
        self._open: set[web.WebSocketResponse] = set()
        self.port = 0

    async def start(self) -> None:
        """Begin to answer; `port` says where.

        Raises
        ------
        AccompanistError
            None of the ports is free.
        """
        listening = self._bound()
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._readiness)
        app.router.add_get("/status", self._status)
        app.router.add_get("/{path:.*}", self._query)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()
        self.port = int(listening.getsockname()[1])

    async def stop(self) -> None:
        """Close every connection."""
        for ws in tuple(self._open):
            await ws.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _bound(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        why = ""
        for port in self._ports:
            made = socket.socket(family, socket.SOCK_STREAM)
            try:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.bind((self._host, port))
                made.listen(64)
            except OSError as error:
                made.close()
                why = error.strerror or str(error)
                continue
            made.setblocking(False)
            return made
        raise AccompanistError(
            f"{self._host}: TCP ports {self._ports[0]}–{self._ports[-1]} cannot be had ({why}); "
            "close what holds them"
        )

    # ---- HTTP ------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody in who was sent here by a web page of somebody else's."""
        if not self._allowed(request.headers.get("Host", "")):
            raise web.HTTPForbidden(text="this host name is not ours\n")
        origin = request.headers.get("Origin")
        if origin is not None and not self._allowed(origin.partition("://")[2]):
            raise web.HTTPForbidden(text="not from this page\n")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    def _allowed(self, said: str) -> bool:
        return allowed_host(said, everywhere=self._everywhere, own_names=self._own_names)

    async def _health(self, request: web.Request) -> web.Response:
        return _word(self._healthy())

    async def _readiness(self, request: web.Request) -> web.Response:
        return _word(self._ready())

    async def _status(self, request: web.Request) -> web.Response:
        try:
            (text,) = self._desk.get("status")
        except (DeskError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=503)
        return web.Response(text=str(text), content_type="application/json")

    async def _query(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").casefold() == "websocket":
            return await self._websocket(request)
        if "HOST_INFO" in request.query:
            host = self._reached(request)
            return _json(host_info("accompanist", host, self._osc_port, self.port))
        node = self._node(request.path)
        if node is None:
            raise web.HTTPNotFound(text="there is no such address\n")
        asked = next(iter(request.query), None)
        if asked is None:
            return _json(node)
        if asked not in ATTRIBUTES:
            raise web.HTTPBadRequest(text="there is no such attribute\n")
        if asked not in node:
            return web.Response(status=204)
        return _json({asked: node[asked]})

    def _reached(self, request: web.Request) -> str:
        """Under which address this client has come to us."""
        here = request.transport.get_extra_info("sockname") if request.transport else None
        return str(here[0]) if here else self._host

    def _node(self, path: str) -> dict[str, Any] | None:
        node = tree(self._dispatcher.root, self._desk.parts(), self._subscribers.value)
        for word in filter(None, path.split("/")):
            if word not in node.get("CONTENTS", {}):
                return None
            node = node["CONTENTS"][word]
        return node

    # ---- WebSocket -------------------------------------------------------------------------------

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if len(self._open) >= _MOST_SOCKETS:
            raise web.HTTPServiceUnavailable(text="too many connections\n")
        ws = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=LARGEST_PACKET)
        await ws.prepare(request)
        self._open.add(ws)
        channel = _WsChannel(ws)
        remote = request.remote or ""
        peer = Peer(channel, f"websocket of {remote}", is_loopback(remote), lasting=True)
        writer = asyncio.create_task(channel.write())
        allowance = Allowance(_RATE_HZ, _BURST)
        try:
            async for message in ws:
                if not allowance.take(time.monotonic()):
                    continue
                while self._dispatcher.busy:
                    await asyncio.sleep(_REST_S)
                if message.type is WSMsgType.BINARY:
                    self._dispatcher.packet(message.data, peer)
                elif message.type is WSMsgType.TEXT:
                    self._command(message.data, peer)
        finally:
            self._open.discard(ws)
            self._subscribers.gone(peer)
            writer.cancel()
        return ws

    def _command(self, text: str, peer: Peer) -> None:
        """Take LISTEN and IGNORE; others of the proposal are not for a server."""
        try:
            said = json.loads(text)
            command, path = said["COMMAND"], said["DATA"]
        except (ValueError, TypeError, KeyError, RecursionError):
            command = path = None
        if command not in ("LISTEN", "IGNORE") or not isinstance(path, str):
            self._dispatcher.refuse(peer, "", 400, "neither LISTEN nor IGNORE with an address")
            return
        try:
            topic = self._dispatcher.topic(path)
            if command == "LISTEN":
                self._subscribers.subscribe(peer, topic)
            else:
                self._subscribers.unsubscribe(peer, topic)
        except DeskError as error:
            self._dispatcher.refuse(peer, path, error.code, str(error))


class _WsChannel:
    """Sends through a WebSocket without waiting; one that does not read is closed."""

    def __init__(self, ws: web.WebSocketResponse) -> None:
        self._ws = ws
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
        self._overrun = False

    def send(self, packet: bytes, to: Hashable) -> None:
        if self._overrun:
            return
        try:
            self._queue.put_nowait(packet)
        except asyncio.QueueFull:
            self._overrun = True
            _LOG.warning("%s does not read what it asked for and is closed", to)
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(None)

    async def write(self) -> None:
        """Send what is queued until the connection ends."""
        with suppress(ConnectionError):
            while (packet := await self._queue.get()) is not None:
                await self._ws.send_bytes(packet)
        await self._ws.close()


def _word(trouble: str) -> web.Response:
    return web.Response(text=f"{trouble or 'ok'}\n", status=503 if trouble else 200)


def _json(said: dict[str, Any]) -> web.Response:
    return web.json_response(said, dumps=lambda x: json.dumps(x, ensure_ascii=False))
