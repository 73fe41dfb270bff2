"""Telling systemd how the daemon is: ``sd_notify(3)`` as a datagram, no library needed."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

__all__ = ["Notifier"]


class Notifier:
    """Sends states to the socket that systemd names; without one it does nothing.

    The socket's name is taken out of the environment, so that our children do not speak for us.

    Parameters
    ----------
    environment : mapping
        ``os.environ``.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        self._address = environment.pop("NOTIFY_SOCKET", "")
        self._status = ""
        pid = environment.pop("WATCHDOG_PID", str(os.getpid()))
        usec = environment.pop("WATCHDOG_USEC", "")
        self.watchdog_s: float | None = None
        """How often systemd wants a sign of life; None if it does not ask."""
        if usec.isdecimal() and int(usec) > 0 and pid == str(os.getpid()):
            self.watchdog_s = int(usec) / 1e6

    def ready(self) -> None:
        """Say that everything is up."""
        self._send("READY=1")

    def stopping(self) -> None:
        """Say that we are leaving."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Say in one line what is going on, if it is something new."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={' '.join(text.split())}")

    def alive(self) -> None:
        """Give the sign of life."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address.startswith(("/", "@")):
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.setblocking(False)  # the music does not wait for systemd
                out.sendto(message.encode(), address)
        except OSError:
            return  # systemd's own business
