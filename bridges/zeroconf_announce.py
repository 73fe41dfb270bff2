"""Lets controllers on the network find the daemon by itself (mDNS, DNS-SD).

Nothing depends on it: where there is no network, or no multicast, one line in the log says so.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress

__all__ = ["Announcement"]

_LOG = logging.getLogger(__name__)
_LONGEST_S = 5.0


class Announcement:
    """Announces an OSC server (``_osc._udp``) and its OSCQuery (``_oscjson._tcp``).

    Parameters
    ----------
    name : str
        What people read in a list of services; one that is taken gets a number.
    host : str
        Address the servers listen on; ``0.0.0.0`` for all of this machine's.
    osc_port, http_port : int
        ``http_port`` 0: there is no OSCQuery.
    """

    def __init__(self, name: str, host: str, osc_port: int, http_port: int = 0) -> None:
        self._name, self._host = name, host
        self._ports = {"_osc._udp.local.": osc_port, "_oscjson._tcp.local.": http_port}
        self._task: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._announced = False

    def start(self) -> None:
        """Announce in the background of the running loop."""
        self._task = asyncio.create_task(self._run(), name="zeroconf")

    async def stop(self) -> None:
        """Take it back."""
        self._leave.set()
        if self._task is not None:
            if not self._announced:
                self._task.cancel()
            _, late = await asyncio.wait({self._task}, timeout=_LONGEST_S)
            for task in late:
                task.cancel()
            self._task = None

    async def _run(self) -> None:
        try:
            await self._announce()
        except Exception as error:  # of sockets, of zeroconf, of a network that goes away
            said = " ".join(str(error).split()) or type(error).__name__
            _LOG.info("not announced on the network (%s); enter the address by hand", said)

    async def _announce(self) -> None:
        from zeroconf import InterfaceChoice
        from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

        everywhere = self._host in ("0.0.0.0", "::", "")
        choice = InterfaceChoice.All if everywhere else [self._host]
        zeroconf = AsyncZeroconf(interfaces=choice)
        try:
            addresses = _own_addresses() if everywhere else [self._host]
            machine = socket.gethostname().split(".")[0]
            services = [
                AsyncServiceInfo(
                    kind,
                    f"{self._name}.{kind}",
                    port=port,
                    parsed_addresses=addresses,
                    server=f"{machine}-{self._name.replace(' ', '-')}.local.",
                )
                for kind, port in self._ports.items()
                if port
            ]
            await asyncio.gather(
                *(zeroconf.async_register_service(s, allow_name_change=True) for s in services)
            )
            self._announced = True
            await self._leave.wait()
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(zeroconf.async_close(), _LONGEST_S)


def _own_addresses() -> list[str]:
    from ifaddr import get_adapters

    found = [str(ip.ip) for adapter in get_adapters() for ip in adapter.ips if ip.is_IPv4]
    return [address for address in found if not address.startswith("127.")] or ["127.0.0.1"]
