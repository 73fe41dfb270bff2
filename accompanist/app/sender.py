"""Messages on their way out, each at its time."""

from __future__ import annotations

import heapq
import threading
import time
from array import array
from collections.abc import Iterable, Sequence
from typing import Protocol

from accompanist.performing.messages import Kind, Message, TimedMessage

__all__ = ["Sender", "Sink"]


class Sink(Protocol):
    """Where messages go: a synthesiser, a MIDI port."""

    @property
    def latency_s(self) -> float:
        """From sending a message to its sound."""
        ...

    def send(self, message: Message) -> None:
        """Take one message now; called from one thread."""
        ...

    def panic(self) -> None:
        """Silence everything; called from any thread, in whatever state."""
        ...

    def close(self) -> None:
        """Give the device back; closing twice does no harm."""
        ...


class Sender:
    """Sends each message at its monotonic time, by absolute deadlines; late ones at once.

    `run` is the body of a thread. The other methods may be called from any thread.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        self._queue: list[tuple[float, int, Message]] = []
        self._count = 0
        self._changed = threading.Condition()
        self._closing = False
        self.sent = 0
        self.late_seconds = array("d")
        """By how much each note was struck after its time."""

    def post(self, messages: Iterable[TimedMessage], offset_s: float) -> None:
        """Send these at their take times plus ``offset_s``, in the order given if together."""
        with self._changed:
            for timed in messages:
                self._count += 1
                due_s = timed.time_s + offset_s
                heapq.heappush(self._queue, (due_s, self._count, timed.message))
            self._changed.notify()

    def close(self) -> None:
        """Let `run` send what lets notes go at once, drop the rest, and return."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def run(self) -> None:
        """Send until `close`; then everything is silent."""
        try:
            while (message := self._next()) is not None:
                self._send(message)
            for _, _, message in sorted(self._queue):
                if message.kind is not Kind.ON:
                    self._send(message)
            self._queue.clear()
        finally:
            for sink in self._sinks:
                sink.panic()

    def _next(self) -> Message | None:
        with self._changed:
            while not self._closing:
                if not self._queue:
                    self._changed.wait()
                    continue
                wait_s = self._queue[0][0] - time.monotonic()
                if wait_s > 0.0:
                    self._changed.wait(min(wait_s, 60.0))
                    continue
                message = heapq.heappop(self._queue)[2]
                if message.kind is Kind.ON:
                    self.late_seconds.append(-wait_s)
                return message
        return None

    def _send(self, message: Message) -> None:
        self.sent += 1
        for sink in self._sinks:
            sink.send(message)
