"""A clock that is turned by hand, a board of one cue, and sinks that write down what they get."""

from __future__ import annotations

from dataclasses import dataclass, field

from accompanist.performing.clock import ClockEvent
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, Message

__all__ = ["FakeBoard", "FakeSink", "Hand", "LaterSink", "sounding"]


@dataclass
class Hand:
    """Monotonic time, as the test has it."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class FakeBoard:
    """The newest cue, published at a moment."""

    clock: Hand
    cue: tuple[Cue, float] | None = None
    version: int = 0
    read_version: int = 0
    heartbeat_s: float = float("-inf")

    def publish(self, cue: Cue, offset_s: float) -> None:
        self.cue = (cue, offset_s)
        self.version += 1
        self.beat()

    def beat(self) -> None:
        self.heartbeat_s = self.clock()

    def read(self) -> tuple[Cue, float] | None:
        self.read_version = self.version
        return self.cue


@dataclass
class FakeSink:
    """Sends at once."""

    clock: Hand
    name: str = "fake"
    kind: str = "port"
    latency_s: float = 0.0
    ahead_s: float = 0.0
    gone: str = ""
    got: list[tuple[float, Message | ClockEvent | bytes]] = field(default_factory=list)

    def send(self, message: Message | ClockEvent | bytes, at_s: float, tag: object = None) -> None:
        if not self.gone:
            self.got.append((self.clock(), message))

    def sent(self) -> list[tuple[object, float]]:
        return []

    def close(self) -> None:
        self.gone = "closed"

    @property
    def notes(self) -> list[tuple[float, Kind, int]]:
        """(time, kind, number) of the channel messages."""
        return [(t, m.kind, m.number) for t, m in self.got if isinstance(m, Message)]

    @property
    def struck(self) -> list[tuple[float, int]]:
        return [(t, n) for t, kind, n in self.notes if kind is Kind.ON]


@dataclass
class LaterSink(FakeSink):
    """Is handed messages ahead of their time, and sends what has come due in cycles."""

    ahead_s: float = 0.0073
    cycle_s: float = 256 / 48000
    begins_s: float = 1000.0
    waiting: list[tuple[float, Message | ClockEvent | bytes, object]] = field(default_factory=list)
    left: list[tuple[object, float]] = field(default_factory=list)

    def send(self, message: Message | ClockEvent | bytes, at_s: float, tag: object = None) -> None:
        if not self.gone:
            assert at_s - self.clock() < 1.0, "handed over too early"
            self.waiting.append((at_s, message, tag))

    def cycles(self) -> None:
        """Do the cycles that have begun by now."""
        while self.begins_s <= self.clock():
            self._cycle(self.begins_s)
            self.begins_s += self.cycle_s

    def _cycle(self, now_s: float) -> None:
        self.waiting.sort(key=lambda w: w[0])
        while self.waiting and self.waiting[0][0] < now_s + self.cycle_s:
            at_s, message, tag = self.waiting.pop(0)
            self.got.append((max(at_s, now_s), message))
            self.left.append((tag, max(now_s - at_s, 0.0)))

    def sent(self) -> list[tuple[object, float]]:
        out, self.left = self.left, []
        return out


def sounding(sink: FakeSink) -> set[tuple[int, int]]:
    """Keys that are down, by what has been sent; a key struck twice is an error."""
    down: set[tuple[int, int]] = set()
    for _, message in sink.got:
        if isinstance(message, Message):
            key = (message.channel, message.number)
            if message.kind is Kind.ON:
                assert key not in down, f"{key} is struck while it is down"
                down.add(key)
            elif message.kind is Kind.OFF:
                down.discard(key)
    return down
