"""An OSC dispatcher on a virtual clock, and peers that remember what they were sent."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import count

from fake_desk import FakeDesk

from accompanist.app.osc.dispatch import Dispatcher
from accompanist.app.osc.peer import Peer
from accompanist.app.osc.subscribers import Subscribers
from bridges.osc import OscArgument, OscMessage, decode, encode

__all__ = ["UNIX_S", "Bench", "Timer", "VirtualLoop"]

UNIX_S = 1_700_000_000.0
"""Wall time when the virtual clock stands at 0."""


@dataclass(order=True)
class Timer:
    due_s: float
    order: int
    callback: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class VirtualLoop:
    """Time goes on only when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._timers: list[Timer] = []
        self._order = count()

    def later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        assert delay >= 0
        timer = Timer(self.now_s + delay, next(self._order), callback)
        heapq.heappush(self._timers, timer)
        return timer

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return UNIX_S + self.now_s

    @property
    def pending(self) -> int:
        """How many timers are still to ring."""
        return sum(not timer.cancelled for timer in self._timers)

    def run_until(self, time_s: float) -> None:
        rings = 0
        while self._timers and self._timers[0].due_s <= time_s:
            timer = heapq.heappop(self._timers)
            if timer.cancelled:
                continue
            rings += 1
            assert rings < 10_000, "a timer rings without end"
            self.now_s = max(self.now_s, timer.due_s)
            timer.callback()
        self.now_s = time_s


class Bench:
    """A desk, the dispatcher before it, and what each peer was sent."""

    def __init__(self, parts: int = 3, most_subscribers: int = 32, root: str = "/acc") -> None:
        self.loop = VirtualLoop()
        self.desk = FakeDesk(parts)
        self.subscribers = Subscribers(
            self.desk,
            self.loop.later,
            root=root,
            most=most_subscribers,
            monotonic=self.loop.monotonic,
        )
        self.dispatcher = Dispatcher(
            self.desk,
            self.subscribers,
            self.loop.later,
            monotonic=self.loop.monotonic,
            wall=self.loop.wall,
        )
        self.subscribers.open()
        self.sent: list[tuple[Hashable, bytes]] = []
        self.peer = self.another(50_000)

    def send(self, packet: bytes, to: Hashable) -> None:
        self.sent.append((to, packet))

    def another(self, port: int, *, host: str = "127.0.0.1") -> Peer:
        return Peer(self, (host, port), loopback=host == "127.0.0.1")

    def ask(
        self, address: str, *arguments: OscArgument, tags: str = "", peer: Peer | None = None
    ) -> list[OscMessage]:
        """Send a message; give what comes back to its sender at once."""
        asking = peer or self.peer
        self.take(asking)
        self.dispatcher.packet(encode(address, arguments, tags), asking)
        return self.take(asking)

    def take(self, peer: Peer | None = None) -> list[OscMessage]:
        """Give what a peer was sent since the last look."""
        mine = (peer or self.peer).address
        found = [p for to, p in self.sent if to == mine]
        self.sent = [(to, p) for to, p in self.sent if to != mine]
        return [message for packet in found for _, message in decode(packet)]

    def error(self, address: str, *arguments: OscArgument, tags: str = "") -> tuple[str, int]:
        """Send what must be refused; give the address and the code of the one answer."""
        (answer,) = self.ask(address, *arguments, tags=tags)
        assert answer.address == "/acc/error"
        said, code, text = answer.arguments
        assert isinstance(said, str)
        assert isinstance(code, int)
        assert isinstance(text, str)
        assert text
        assert "\n" not in text
        return said, code
