"""A process of our own at the other end of a connection; either side sees the other one's death.

The connection is a pair of sockets: when one process ends, however it ends, the other one reads
the end of the stream at once. There is no heartbeat to wait for and no signal to catch.
"""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

__all__ = ["Child", "PeerGoneError", "fate", "parent_connection", "received"]

SEND_TIMEOUT_S = 3
"""A child that has read nothing for so long hangs, and is given up."""
LEAVE_S = 3.0


class PeerGoneError(Exception):
    """The process at the other end has ended, or hangs."""


class Child:
    """A module of ours running as a process: ``python -m MODULE FD ARGUMENT…``.

    The module takes the first argument to `parent_connection`. What is sent and received are
    picklable values; only our own code is ever at the other end.

    Parameters
    ----------
    module : str
        Dotted name.
    *arguments : str
        Further arguments.

    Notes
    -----
    `send` may be called from any thread, `receive` from one thread.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # A child that hangs must not hang us: the write gives up.
            ours.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0)
            )
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), *arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,  # Ctrl-C is for us; we tell the child what to do
            )
        self._connection = Connection(ours.detach())
        self._sending = threading.Lock()
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """File descriptor to wait on: readable when there is a message or the child has died."""
        return self._connection.fileno()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def send(self, message: object) -> None:
        """Send one message.

        Raises
        ------
        PeerGoneError
            The child has died, or has read nothing for seconds (then it is killed).
        """
        with self._sending:
            try:
                self._connection.send(message)
            except BlockingIOError as error:
                self._process.kill()
                raise PeerGoneError("the process hangs") from error
            except OSError as error:
                raise PeerGoneError("the process has ended") from error

    def receive(self, timeout_s: float = 0.0) -> list[Any]:
        """Take the messages that are there, waiting for the first one for up to ``timeout_s``.

        Raises
        ------
        PeerGoneError
            The child has died and all that it said has been taken.
        """
        return received(self._connection, timeout_s)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self, leave_s: float = LEAVE_S) -> int:
        """Hang up, which asks the child to leave; kill it after ``leave_s``. Give its exit code.

        Closing twice does no harm.
        """
        if not self._connection.closed:
            self._connection.close()
        try:
            return self._process.wait(leave_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def fate(status: int) -> str:
    """Say how a process ended.

    >>> fate(-9), fate(1)
    ('was killed (SIGKILL)', 'has ended (1)')
    """
    if status < 0:
        return f"was killed ({signal.Signals(-status).name})"
    return f"has ended ({status})"


def parent_connection(fd: str) -> Connection:
    """Open the connection to the parent, in the child.

    Ctrl-C is left to the parent from here on.

    Parameters
    ----------
    fd : str
        First argument of the command line.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return Connection(int(fd))


def received(connection: Connection, timeout_s: float = 0.0) -> list[Any]:
    """Take the messages that are there, waiting for the first one for up to ``timeout_s``.

    Raises
    ------
    PeerGoneError
        The other process has ended and all that it said has been taken.
    """
    messages: list[Any] = []
    wait_s = timeout_s
    while True:
        try:
            if not connection.poll(wait_s):
                return messages
            messages.append(connection.recv())
        except (EOFError, OSError) as error:
            if messages:
                return messages
            raise PeerGoneError("the process has ended") from error
        wait_s = 0.0
