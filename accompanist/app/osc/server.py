"""OSC over UDP on the daemon's loop.

However much comes in, the loop goes on: a few packets at a time, so many a second from one sender
and from all, and what is beyond is dropped with one line in the log a second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Hashable
from ipaddress import ip_address

from accompanist.app.osc.allowance import Allowance, Allowances
from accompanist.app.osc.dispatch import Dispatcher
from accompanist.app.osc.peer import Peer
from accompanist.app.osc.subscribers import Subscribers
from bridges.osc_udp import OscUdp

__all__ = ["OscServer", "is_loopback"]

_LOG = logging.getLogger(__name__)
_AT_A_TIME, _TURN_S = 32, 0.003
"""Packets taken, and time spent, before the loop's other work has its turn."""
_DISCARDED_AT_A_TIME = 256
_REST_S = 0.005
"""The kernel keeps (or drops) what comes while a flood is answered by not reading."""
_RATE_HZ, _BURST = 2000.0, 2000.0
_RATE_EACH_HZ, _BURST_EACH = 1000.0, 1000.0
_SAY_EVERY_S = 1.0


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("192.168.1.4")
    (True, True, False)
    """
    try:
        address = ip_address(host.split("%")[0])
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


class OscServer:
    """Reads a socket and has its packets dispatched. All of it belongs to the running loop.

    Parameters
    ----------
    udp : OscUdp
        The open socket; `stop` closes it.
    dispatcher : Dispatcher
    subscribers : Subscribers
        Those that cannot be reached any more are forgotten.
    """

    def __init__(self, udp: OscUdp, dispatcher: Dispatcher, subscribers: Subscribers) -> None:
        self._udp, self._dispatcher, self._subscribers = udp, dispatcher, subscribers
        self._all = Allowance(_RATE_HZ, _BURST)
        self._each = Allowances(_RATE_EACH_HZ, _BURST_EACH)
        self._dropped, self._said_s = 0, float("-inf")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rest: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to read."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._udp.fileno(), self._readable)

    def stop(self) -> None:
        """Read no more and close the socket."""
        if self._loop is not None:
            self._loop.remove_reader(self._udp.fileno())
        if self._rest is not None:
            self._rest.cancel()
        self._loop = self._rest = None
        self._udp.close()

    def send(self, packet: bytes, to: Hashable) -> None:
        """Send to (host, port); what cannot leave is lost."""
        if isinstance(to, tuple) and self._udp.fileno() >= 0:
            self._udp.send(packet, (str(to[0]), int(to[1])))

    def _peer(self, host: str, port: int) -> Peer:
        return Peer(self, (host, port), is_loopback(host))

    def _readable(self) -> None:
        done = dropped = 0
        until_s = time.monotonic() + _TURN_S
        while (
            done < _AT_A_TIME
            and dropped < _DISCARDED_AT_A_TIME
            and time.monotonic() < until_s
            and not self._dispatcher.busy
        ):
            got = self._udp.receive()
            if got is None:
                break
            packet, (host, port) = got
            if not port:  # an error came back; see below
                done += 1
                continue
            now_s = time.monotonic()
            if self._each.take((host, port), now_s) and self._all.take(now_s):
                done += 1
                self._dispatcher.packet(packet, self._peer(host, port))
                if self._loop is None:  # that was the end
                    return
            else:
                dropped += 1
        for host, port in self._udp.unreachable():
            self._subscribers.gone(self._peer(host, port), "nobody listens there any more")
        if dropped:
            self._dropped += dropped
            self._say_dropped()
        if dropped >= _DISCARDED_AT_A_TIME or self._dispatcher.busy:
            self._pause()

    def _pause(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._udp.fileno())
            self._rest = self._loop.call_later(_REST_S, self._go_on)

    def _go_on(self) -> None:
        if self._loop is not None:
            self._loop.add_reader(self._udp.fileno(), self._readable)

    def _say_dropped(self) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s >= _SAY_EVERY_S:
            _LOG.warning("OSC: too much at once; %d packets dropped", self._dropped)
            self._dropped, self._said_s = 0, now_s
