"""What comes from the parent, read at once: it never waits for us, whatever we are importing."""

from __future__ import annotations

import pickle
import queue
import threading
from multiprocessing.connection import Connection
from typing import Any

from accompanist.app.processes.bell import Bell
from accompanist.app.processes.child import PeerGoneError

__all__ = ["Inbox"]


class Inbox:
    """Reads a connection on a thread of its own, from the first moment on.

    A socket holds some 200 kB, which the tempi of a long recording exceed: whoever sends them
    would take us for hung before we have so much as imported everything.

    Parameters
    ----------
    connection : Connection
        To the process that commands; others may send by it, nobody else reads.

    Notes
    -----
    `take` is called from one thread. The reading thread only moves bytes: what they say is made out
    there, so that nothing is imported side by side.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._bell = Bell()
        self._come: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._ended = False
        threading.Thread(target=self._read, name="commands", daemon=True).start()

    def fileno(self) -> int:
        """File descriptor to wait on: readable when there is a message or the parent has gone."""
        return self._bell.fileno()

    def take(self) -> list[Any]:
        """Take the messages that are there; never waits.

        Raises
        ------
        PeerGoneError
            The parent has gone and all that it said has been taken.
        """
        self._bell.calm()
        ended = self._ended  # asked first: what came before it is there by then
        messages: list[Any] = []
        while not self._come.empty():
            messages.append(pickle.loads(self._come.get()))
        if ended:
            self._bell.ring()  # for ever readable, as the connection itself would be
            if not messages:
                raise PeerGoneError("the process has ended")
        return messages

    def _read(self) -> None:
        try:
            while True:
                self._come.put(self._connection.recv_bytes())
                self._bell.ring()
        except (EOFError, OSError):
            self._ended = True
            self._bell.ring()
