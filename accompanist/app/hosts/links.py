"""The hosts that the daemon talks to: a UDP socket each, and one clear line when one is deaf."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accompanist.app.hosts.follow import HostFollow, HostSettings, ScoreTimes, Zero
from accompanist.performing.cue import Cue
from accompanist.score.model import Score
from bridges.hosts.registry import host_driver
from bridges.hosts.table import HostTable, News, Osc
from bridges.osc import OscError, decode, encode

__all__ = ["HostLinks", "HostSettings", "Zero", "score_times"]

_log = logging.getLogger(__name__)
_PATIENCE_S = 3.0
"""A host that has not answered for so long is called deaf."""
_BEAT_S = 0.05
_ARDOURS_REPLY = b"#reply"
"""Not an OSC address, but what Ardour answers at; as long as ``/reply``."""


def score_times(score: Score) -> ScoreTimes:
    """Take from a score what hosts want to know of it."""
    from accompanist.app.hosts.sessions import host_session

    session = host_session(score, 0)
    tempi = session.tempi
    end_quarter = session.end_quarter + 1.0
    end_s = tempi[-1].seconds + (end_quarter - tempi[-1].quarter) * 60.0 / tempi[-1].qpm
    return ScoreTimes(
        quarters=(*(t.quarter for t in tempi), end_quarter),
        seconds=(*(t.seconds for t in tempi), end_s),
        bars=tuple(m.start_quarter for m in score.measures),
        marks=tuple((m.quarter, m.text) for m in session.markers),
    )


class HostLinks:
    """All hosts that are switched on. Not thread-safe: everything in the daemon's loop.

    Nothing is sent to a host before a piece is armed, so that one that is still starting up is left
    alone. A host that is not there or does not answer costs one line; the music goes on.

    Parameters
    ----------
    settings : sequence of HostSettings
        Which hosts, and how.
    problem : callable of (int, str)
        Is told, once, what is wrong.
    monotonic : callable
        The clock; another one in tests.
    """

    def __init__(
        self,
        settings: Sequence[HostSettings],
        problem: Callable[[int, str], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._links = [_HostLink(s, problem, monotonic) for s in settings]
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the sockets; what cannot be opened is told as a problem."""
        for link in self._links:
            await link.open()
        if self._links:
            self._task = asyncio.create_task(self._beat())

    async def close(self) -> None:
        """Stop hosts that we have started, close the sockets."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        for link in self._links:
            link.close()

    def load(self, score: Score) -> None:
        """Take a new piece."""
        if not self._links:
            return
        times = score_times(score)
        for link in self._links:
            link.load(times)

    def take(self, cue: Cue, offset_s: float) -> None:
        """Go on by the cue at hand; ``offset_s`` is monotonic minus take time."""
        for link in self._links:
            link.take(cue, offset_s)

    def zeros(self) -> dict[str, list[dict[str, float]]]:
        """Where each host stood during the take, for the take's facts.

        From take time ``from_s`` on the host's position is take time + ``zero_s``.
        """
        return {
            link.name: [{"from_s": z.from_s, "zero_s": z.zero_s} for z in link.zeros]
            for link in self._links
            if link.zeros
        }

    def beat(self) -> None:
        """Do what is due by the clock; `start` sees to it that this happens often enough."""
        for link in self._links:
            link.beat()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            self.beat()


@dataclass(frozen=True, slots=True)
class _Address:
    host: str
    port: int


class _HostLink(asyncio.DatagramProtocol):
    """One host: its follower, its socket, and whether it answers."""

    def __init__(
        self,
        settings: HostSettings,
        problem: Callable[[int, str], None],
        monotonic: Callable[[], float],
    ) -> None:
        driver = host_driver(settings.name)
        self._table: HostTable = driver.table
        self._follow = HostFollow(driver, settings)
        self._settings = settings
        self._problem = problem
        self._monotonic = monotonic
        self._to = _Address(settings.host, settings.port or self._table.port)
        self._listening: asyncio.DatagramTransport | None = None
        self._sending: asyncio.DatagramTransport | None = None
        self._waiting: deque[Osc] = deque()
        self._rests_until_s = float("-inf")
        self._offset_s = 0.0
        self._introduced = False
        self._deaf = False
        self._unanswered_since_s: float | None = None

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def zeros(self) -> tuple[Zero, ...]:
        return self._follow.zeros

    async def open(self) -> None:
        """Open the socket; or two, where answers come to a port of their own or not at all.

        The one that sends is then connected: the system tells when nobody listens there. A host
        that answers to the sender may do so from any port, so that socket is left open to all.
        """
        loop = asyncio.get_running_loop()
        wanted = self._settings.reply_port
        local = self._table.reply_port if wanted is None else wanted
        here = "127.0.0.1" if self._to.host in ("127.0.0.1", "localhost") else "0.0.0.0"
        there = (self._to.host, self._to.port)
        try:
            if self._table.heard:
                self._listening, _ = await loop.create_datagram_endpoint(
                    lambda: self, local_addr=(here, local)
                )
            if self._table.reply_port or not self._table.heard:
                self._sending, _ = await loop.create_datagram_endpoint(
                    lambda: self, remote_addr=there
                )
            else:
                self._sending = self._listening
        except OSError as error:
            title, name = self._table.title, self.name
            what = f"UDP port {local} for its answers" if local else "a socket"
            remedy = f"; set hosts.{name}.reply_port to another one" if local else ""
            self._problem(503, f"{title}: {what} cannot be had ({error}){remedy}")

    def close(self) -> None:
        """Stop the host if it goes by us."""
        self._send(self._follow.load(ScoreTimes()))
        for transport in {self._listening, self._sending} - {None}:
            assert transport is not None
            transport.close()
        self._listening = self._sending = None

    def load(self, times: ScoreTimes) -> None:
        self._send(self._follow.load(times))
        self._introduced = False

    def take(self, cue: Cue, offset_s: float) -> None:
        self._offset_s = offset_s
        if not self._introduced and cue.state != "idle":
            self._introduced = True
            self._introduce()
        self._send(self._follow.take(cue, self._monotonic() - offset_s))

    def beat(self) -> None:
        """Ask what is due, and see whether the host answers."""
        now_s = self._monotonic()
        self._send_waiting()
        asked = self._follow.due(now_s - self._offset_s)
        if asked:
            self._send(asked)
            if self._unanswered_since_s is None:
                self._unanswered_since_s = now_s
        waited = self._unanswered_since_s
        if waited is not None and now_s - waited > _PATIENCE_S:
            self._not_there("does not answer")

    def _introduce(self) -> None:
        if self._listening is None:
            return
        host, port = self._listening.get_extra_info("sockname")[:2]
        shown = host if host != "0.0.0.0" else "127.0.0.1"
        self._send(self._follow.driver.hello(shown, port))

    def _send(self, messages: Sequence[Osc]) -> None:
        self._waiting.extend(messages)
        self._send_waiting()

    def _send_waiting(self) -> None:
        """Send what waits, as far as the host does not want to be left alone."""
        transport, now_s = self._sending, self._monotonic()
        if transport is None:
            self._waiting.clear()
            return
        to = None if transport is not self._listening else (self._to.host, self._to.port)
        while self._waiting and now_s >= self._rests_until_s:
            message = self._waiting.popleft()
            _log.debug("to %s: %s %s", self._table.title, message.address, message.arguments)
            transport.sendto(encode(message.address, message.arguments, message.types), to)
            self._rests_until_s = now_s + message.rest_s

    def _not_there(self, how: str) -> None:
        self._unanswered_since_s = None
        if self._deaf:
            return
        self._deaf = True
        remedy = f": {self._table.remedy}" if self._table.remedy else ""
        self._problem(
            503,
            f"{self._table.title} {how} at {self._to.host}:{self._to.port}{remedy} "
            "The music goes on without it.",
        )

    # ---- asyncio ---------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data.startswith(_ARDOURS_REPLY):
            data = b"/" + data[1:]
        try:
            messages = decode(data)
        except OscError as error:
            _log.debug("%s: %s", self._table.title, error)
            return
        now_s = self._monotonic()
        for _, message in messages:
            news = self._follow.driver.decode(message.address, message.arguments)
            if news is None:
                continue
            self._unanswered_since_s = None
            if self._deaf:
                self._deaf = False
                _log.info("%s answers again", self._table.title)
            if news.news is not News.ALIVE:
                self._follow.hear(news, now_s - self._offset_s)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, ConnectionRefusedError):
            self._not_there("is not there")
        else:
            self._not_there(f"cannot be reached ({exc})")
