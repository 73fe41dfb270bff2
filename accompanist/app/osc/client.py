"""A small OSC client that waits for answers: what ``accompanist ctl`` talks with."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from accompanist.app.daemon.runtime import Urls, read_urls
from accompanist.errors import AccompanistError, DaemonError, UsageError
from bridges.osc import OscArgument, OscError, OscMessage, decode, encode
from bridges.osc_udp import Address, OscUdp

__all__ = ["OscClient", "find_daemon", "urls_from"]

_ATTEMPTS = 3
_WAIT_S = 1.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def urls_from(said: str) -> Urls:
    """Read an address as it is printed by the daemon; ``host:port`` and a port alone do, too.

    >>> urls_from("7012").osc
    'osc.udp://127.0.0.1:7012/acc'

    Raises
    ------
    UsageError
        It is no such address.
    """
    text = f"127.0.0.1:{said}" if said.isdigit() else said
    parsed = urlsplit(text if "://" in text else f"osc.udp://{text}")
    try:
        port = parsed.port
    except ValueError:
        port = None
    if parsed.scheme not in ("osc.udp", "osc") or not parsed.hostname or not port:
        raise UsageError(f"{said!r} is no address of a daemon; one is osc.udp://127.0.0.1:7010/acc")
    root = parsed.path.rstrip("/") or "/acc"
    return Urls(parsed.hostname, port, root)


def find_daemon(url: str | None = None, folder: Path | None = None) -> Urls:
    """Find out where the daemon answers.

    Raises
    ------
    DaemonError
        None is running.
    """
    if url is not None:
        return urls_from(url)
    urls = read_urls(folder)
    if urls is None:
        raise DaemonError("no daemon is running; start one with 'accompanist daemon'")
    return urls


class OscClient:
    """Asks one daemon. Use it as a context manager, from one thread.

    Parameters
    ----------
    urls : Urls
        Where it answers.

    Raises
    ------
    DaemonError
        There is no such host.
    """

    def __init__(self, urls: Urls) -> None:
        host = _EVERYWHERE.get(urls.osc_host, urls.osc_host)
        self.urls, self.root = urls, urls.osc_root
        self._to = _resolved(host, urls)
        self._udp = OscUdp("::" if ":" in self._to[0] else "0.0.0.0")

    def __enter__(self) -> OscClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the socket."""
        self._udp.close()

    def send(self, address: str, *arguments: OscArgument) -> None:
        """Send a message; an address without the root gets it."""
        if not self._udp.send(encode(self._full(address), arguments), self._to):
            raise self._unreachable()

    def listen(self, longest_s: float) -> Iterator[OscMessage]:
        """Give what comes in, until nothing more has come for so long.

        Raises
        ------
        DaemonError
            Nobody listens there any more.
        """
        until_s = time.monotonic() + longest_s
        while True:
            wait_s = max(0.0, until_s - time.monotonic())
            ready, _, _ = select.select([self._udp], [], [], wait_s)
            if not ready:
                return
            got = self._udp.receive()
            if self._to in self._udp.unreachable():
                raise self._unreachable()
            if got is None or not got[0]:
                continue
            try:
                messages = decode(got[0])
            except OscError:
                continue
            for _, message in messages:
                yield message

    def ask(
        self, address: str, *arguments: OscArgument, farewell: bool = False
    ) -> list[OscMessage]:
        """Send a message and give all answers to it.

        A ping is sent behind it: what comes before its pong is the answer. Where it may be a
        ``farewell``, the first answer is the last.

        Raises
        ------
        AccompanistError
            The daemon refuses; its text says why.
        DaemonError
            It does not answer.
        """
        answers: list[OscMessage] = []
        refusals: list[str] = []
        full, error = self._full(address), f"{self.root}/error"
        self.send(address, *arguments)
        for _ in range(_ATTEMPTS):
            self.send("/ping")
            for message in self.listen(_WAIT_S):
                if message.address == error and full != error:
                    refusals.append(_refusal(message))
                elif message.address != "/pong":
                    answers.append(message)
                if message.address == "/pong" or (farewell and (answers or refusals)):
                    if refusals:
                        raise AccompanistError(refusals[0])
                    return answers
        raise self._unreachable()

    def value(self, address: str) -> tuple[OscArgument, ...]:
        """Ask for one value.

        Raises
        ------
        AccompanistError
            There is none.
        """
        full = self._full(address)
        for message in self.ask(address):
            if message.address == full:
                return message.arguments
        raise AccompanistError(f"{full}: the daemon gave no value")

    def values(self, topic: str) -> dict[str, tuple[OscArgument, ...]]:
        """Give everything at or below an address, by name below the root."""
        answers = self.ask("subscribe", topic, 20)
        self.ask("unsubscribe", topic)
        return {m.address.removeprefix(self.root + "/"): m.arguments for m in answers}

    def _full(self, address: str) -> str:
        return address if address.startswith("/") else f"{self.root}/{address}"

    def _unreachable(self) -> DaemonError:
        return DaemonError(
            f"the daemon does not answer at {self.urls.osc}; start one with 'accompanist daemon', "
            "or say where it is with --url"
        )


def _refusal(message: OscMessage) -> str:
    words = [word for word in message.arguments if isinstance(word, str) and word]
    return ": ".join(words)


def _resolved(host: str, urls: Urls) -> Address:
    import socket

    try:
        found = socket.getaddrinfo(host, urls.osc_port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        raise DaemonError(f"there is no host {host}; say where the daemon is with --url") from error
    address = found[0][4]
    return str(address[0]), int(address[1])
