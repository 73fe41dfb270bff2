"""A UDP socket for OSC."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TypeAlias

from bridges.osc import LARGEST_UDP, OscError

__all__ = ["Address", "OscUdp"]

Address: TypeAlias = tuple[str, int]
"""Host and port."""
_ERROR_QUEUE_V4, _ERROR_QUEUE_V6 = 11, 25
"""``IP_RECVERR`` and ``IPV6_RECVERR`` of Linux (``linux/in.h``), which Python does not name."""


class OscUdp:
    """A UDP socket that never blocks and never raises once it is open. One thread at a time.

    Parameters
    ----------
    host : str
        Where to listen: an address of this machine.
    first_port, last_port : int
        The first free one of these is taken; 0 takes any.

    Raises
    ------
    OscError
        No port is free, or the address is not this machine's.
    """

    def __init__(self, host: str, first_port: int = 0, last_port: int = 0) -> None:
        self._socket, self.port = _bound(host, first_port, max(first_port, last_port))
        self.host = host
        self._errors = hasattr(socket, "MSG_ERRQUEUE")
        if self._errors:
            level = socket.IPPROTO_IPV6 if ":" in host else socket.IPPROTO_IP
            option = _ERROR_QUEUE_V6 if ":" in host else _ERROR_QUEUE_V4
            try:
                self._socket.setsockopt(level, option, 1)
            except OSError:
                self._errors = False

    def fileno(self) -> int:
        """File descriptor to wait on, −1 once it is closed."""
        return self._socket.fileno()

    def receive(self) -> tuple[bytes, Address] | None:
        """Take the next datagram; None where there is none. An empty one is an error's echo."""
        try:
            packet, (host, port, *_) = self._socket.recvfrom(LARGEST_UDP + 1)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:  # what was sent before came back; `unreachable` tells whom it was for
            return b"", ("", 0)
        return packet, (host, port)

    def send(self, packet: bytes, to: Address) -> bool:
        """Send a datagram; False where it could not leave (then it is lost)."""
        for _ in range(2):  # the error of an earlier datagram comes first
            try:
                self._socket.sendto(packet, to)
            except (BlockingIOError, InterruptedError):
                return False
            except (OSError, OverflowError):
                continue
            return True
        return False

    def unreachable(self) -> tuple[Address, ...]:
        """Whom earlier datagrams did not reach because nobody listens there (Linux only)."""
        found: list[Address] = []
        while self._errors and len(found) < 64:
            try:
                answer = self._socket.recvmsg(64, 512, socket.MSG_ERRQUEUE)
            except OSError:
                break
            with suppress(TypeError, ValueError, IndexError):
                found.append((str(answer[3][0]), int(answer[3][1])))
        return tuple(found)

    def close(self) -> None:
        """Close the socket; a second time is no harm."""
        self._socket.close()


def _bound(host: str, first_port: int, last_port: int) -> tuple[socket.socket, int]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    why = ""
    for port in range(first_port, last_port + 1):
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            made.bind((host, port))
        except OSError as error:
            made.close()
            why = error.strerror or str(error)
            continue
        return made, int(made.getsockname()[1])
    ports = f"port {first_port}" if first_port == last_port else f"ports {first_port}–{last_port}"
    raise OscError(f"{host}: UDP {ports} cannot be had ({why}); close what holds them")
