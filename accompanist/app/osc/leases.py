"""Who wants to be told what, how often and for how long. Pure: the time comes in.

A lease belongs to whoever receives (``recipient``); its topics are addresses below the root, or
``*``. Between two messages of one address lie at least 1 / hz seconds; what comes in between waits,
and only its latest value. Errors, beats and the state are never held back.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from accompanist.app.desk.protocol import DeskError, Values

__all__ = ["EVERYTHING", "NEVER_THINNED", "Lease", "Leases", "covers"]

EVERYTHING = "*"
NEVER_THINNED = frozenset({"error", "beat", "state"})
"""Addresses that are never thinned."""
_DUMP_AGAIN_S = 2.0
"""A subscriber who subscribes again gets the whole state again, but not more often than this."""

R = TypeVar("R", bound=Hashable)


def covers(topic: str, key: str) -> bool:
    """Whether a topic holds an address.

    >>> covers("tempo", "tempo/scale"), covers("tempo", "tempos"), covers("*", "loop")
    (True, False, True)
    """
    return topic == EVERYTHING or key == topic or key.startswith(topic + "/")


@dataclass(slots=True, eq=False)
class Lease(Generic[R]):
    """What one recipient has asked for."""

    recipient: R
    owner: R
    """Who asked: may be another port of the same machine."""
    ttl_s: float
    expires_s: float
    topics: dict[str, float] = field(default_factory=dict)
    """Topic → seconds between two messages of one address."""
    told_s: dict[str, float] = field(default_factory=dict)
    pending: dict[str, Values] = field(default_factory=dict)
    dumped_s: float = float("-inf")

    def interval_s(self, key: str) -> float | None:
        """Least time between two messages of an address; None where it was not asked for."""
        return min((s for topic, s in self.topics.items() if covers(topic, key)), default=None)


class Leases(Generic[R]):
    """All leases. Not thread-safe."""

    def __init__(self, most: int = 32) -> None:
        self._most = most
        self._leases: dict[R, Lease[R]] = {}

    def __len__(self) -> int:
        return len(self._leases)

    def subscribe(
        self, recipient: R, owner: R, topic: str, *, hz: float, ttl_s: float, now_s: float
    ) -> bool:
        """Begin or renew a lease.

        Returns
        -------
        bool
            Whether the state is to be told in full.

        Raises
        ------
        DeskError
            409 there are too many subscribers.
        """
        lease = self._leases.get(recipient)
        if lease is None:
            if len(self._leases) >= self._most:
                raise DeskError(409, f"there are {self._most} subscribers already; try later")
            lease = self._leases[recipient] = Lease(recipient, owner, ttl_s, now_s)
        dump = topic not in lease.topics or now_s - lease.dumped_s >= _DUMP_AGAIN_S
        if dump:
            lease.dumped_s = now_s
        lease.owner, lease.ttl_s, lease.expires_s = owner, ttl_s, now_s + ttl_s
        lease.topics[topic] = 1.0 / hz
        return dump

    def renew(self, who: R, now_s: float) -> int:
        """Prolong every lease that this one owns or receives; give their number."""
        mine = [x for x in self._leases.values() if who in (x.owner, x.recipient)]
        for lease in mine:
            lease.expires_s = now_s + lease.ttl_s
        return len(mine)

    def unsubscribe(self, recipient: R, topic: str = EVERYTHING) -> bool:
        """End a lease, or a topic of it; False where there was none."""
        lease = self._leases.get(recipient)
        if lease is None:
            return False
        there = topic in lease.topics
        if topic == EVERYTHING:
            lease.topics.clear()
        else:
            lease.topics.pop(topic, None)
        if not lease.topics:
            del self._leases[recipient]
            return True
        for key in [k for k in lease.pending if lease.interval_s(k) is None]:
            del lease.pending[key]
        return there

    def drop(self, recipient: R) -> bool:
        """Forget one who is gone."""
        return self._leases.pop(recipient, None) is not None

    def expired(self, now_s: float) -> tuple[R, ...]:
        """Forget those whose time is over, and name them."""
        gone = tuple(r for r, lease in self._leases.items() if lease.expires_s <= now_s)
        for recipient in gone:
            del self._leases[recipient]
        return gone

    def holds(self, recipient: R, key: str) -> bool:
        """Whether this one is told about an address."""
        lease = self._leases.get(recipient)
        return lease is not None and lease.interval_s(key) is not None

    def recipients(self, key: str) -> tuple[R, ...]:
        """Everybody who is told about an address."""
        return tuple(r for r in self._leases if self.holds(r, key))

    def offer(self, key: str, values: Values, now_s: float) -> tuple[R, ...]:
        """Say that an address has a new value; give those who are to be told at once."""
        at_once = []
        for recipient, lease in self._leases.items():
            interval_s = lease.interval_s(key)
            if interval_s is None:
                continue
            free_s = lease.told_s.get(key, float("-inf")) + interval_s
            if key in NEVER_THINNED or now_s >= free_s:
                lease.told_s[key] = now_s
                lease.pending.pop(key, None)
                at_once.append(recipient)
            else:
                lease.pending[key] = values
        return tuple(at_once)

    def due(self, now_s: float) -> tuple[tuple[R, str, Values], ...]:
        """Take what has waited long enough."""
        found: list[tuple[R, str, Values]] = []
        for recipient, lease in self._leases.items():
            for key, values in list(lease.pending.items()):
                if now_s >= self._free_s(lease, key):
                    lease.told_s[key] = now_s
                    del lease.pending[key]
                    found.append((recipient, key, values))
        return tuple(found)

    @property
    def next_s(self) -> float:
        """When `due` or `expired` next have something, infinite if never."""
        waits = [self._free_s(x, key) for x in self._leases.values() for key in x.pending]
        return min((*waits, *(x.expires_s for x in self._leases.values())), default=float("inf"))

    @staticmethod
    def _free_s(lease: Lease[R], key: str) -> float:
        interval_s = lease.interval_s(key) or 0.0
        return lease.told_s.get(key, float("-inf")) + interval_s
