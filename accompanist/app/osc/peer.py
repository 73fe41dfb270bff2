"""Who talks OSC with us, over whatever it comes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Protocol

__all__ = ["Channel", "Peer"]


class Channel(Protocol):
    """What packets leave through."""

    def send(self, packet: bytes, to: Hashable) -> None:
        """Send; what cannot be sent is lost. Never blocks, never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """One that can be answered: a UDP port, a WebSocket. The same one is equal to itself."""

    channel: Channel
    address: Hashable
    """(host, port) of a UDP port."""
    loopback: bool
    """Whether it sits at this machine."""
    lasting: bool = False
    """Its leases end with its connection and not by themselves."""

    def __str__(self) -> str:
        if isinstance(self.address, tuple):
            return ":".join(str(word) for word in self.address)
        return str(self.address)

    def at_port(self, port: int) -> Peer:
        """Give the same host's other port; a connection has only itself."""
        if not isinstance(self.address, tuple):
            return self
        return replace(self, address=(self.address[0], port))

    def send(self, packet: bytes) -> None:
        """Send it a packet."""
        self.channel.send(packet, self.address)
