"""From the desk to all subscribers: leases kept, changes thinned, the time map repeated."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from accompanist.app.desk.protocol import Desk, DeskError, Values
from accompanist.app.osc.allowance import Allowance
from accompanist.app.osc.leases import EVERYTHING, Leases, covers
from accompanist.app.osc.peer import Peer
from accompanist.app.osc.table import Entry, Kind, find, keys
from bridges.osc import OscError, encode, encode_bundle, unix_from_ntp

__all__ = ["DEFAULT_HZ", "DEFAULT_TTL_S", "Later", "Subscribers", "Timer"]

_LOG = logging.getLogger(__name__)
_TIMEMAP_S = 1.0
_SAY_HZ, _SAY_BURST = 0.2, 10.0
"""So often the log tells of a subscriber that is gone."""
DEFAULT_HZ, DEFAULT_TTL_S = 20, 30


class Timer(Protocol):
    """What an event loop gives for `asyncio.AbstractEventLoop.call_later`."""

    def cancel(self) -> None: ...


class Later(Protocol):
    """Calls back after so many seconds, on the loop."""

    def __call__(self, delay: float, callback: Callable[[], None], /) -> Timer: ...


class Subscribers:
    """Everybody who is told. Everything happens on the loop that gave ``later``.

    Parameters
    ----------
    desk : Desk
    later : callable
        ``later(seconds, callback)`` calls back and gives something to cancel.
    root : str
        Root of all addresses.
    most : int
        So many subscribers at the most.
    monotonic : callable
        A clock in seconds that only rises.
    """

    def __init__(
        self,
        desk: Desk,
        later: Later,
        *,
        root: str = "/acc",
        most: int = 32,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root.rstrip("/")
        self._desk, self._later, self._monotonic = desk, later, monotonic
        self._leases: Leases[Peer] = Leases(most)
        self._timer: Timer | None = None
        self._timer_s = float("inf")
        self._timemap_s = float("-inf")
        self._last: dict[str, Values] = {"error": ("", 0, ""), "beat": (0, 0, 0.0)}
        self._told: set[str] = set()
        self._say = Allowance(_SAY_HZ, _SAY_BURST)
        self._closed = False

    def open(self) -> None:
        """Begin to watch the desk."""
        self._desk.watch(self._changed)

    def close(self) -> None:
        """Tell nobody anything any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def __len__(self) -> int:
        return len(self._leases)

    # ---- leases ----------------------------------------------------------------------------------

    def subscribe(
        self,
        peer: Peer,
        topic: str,
        *,
        owner: Peer | None = None,
        hz: float = DEFAULT_HZ,
        ttl_s: float = DEFAULT_TTL_S,
    ) -> None:
        """Lease a topic to somebody and tell all of it once.

        Raises
        ------
        DeskError
            409 there are too many subscribers.
        """
        now_s = self._monotonic()
        ttl_s = float("inf") if peer.lasting else ttl_s
        if not len(self._leases):
            self._timemap_s = now_s  # the first one gets it with the rest
        if self._leases.subscribe(peer, owner or peer, topic, hz=hz, ttl_s=ttl_s, now_s=now_s):
            for key in keys(self._desk.parts()):
                found = find(key)
                if found is None or not covers(topic, key):
                    continue
                if found[0].kind in (Kind.STATE, Kind.READING) or key == "timemap":
                    self._tell(found[0], key, (peer,))
        self._arm()

    def unsubscribe(self, peer: Peer, topic: str = EVERYTHING) -> None:
        """End a lease, or one topic of it."""
        self._leases.unsubscribe(peer, topic)
        self._arm()

    def gone(self, peer: Peer, why: str = "") -> None:
        """Forget a subscriber that is no longer there."""
        if self._leases.drop(peer) and why:
            self._say_dropped(peer, why)
        self._arm()

    def _say_dropped(self, peer: Peer, why: str) -> None:
        if self._say.take(self._monotonic()):
            _LOG.warning("subscriber %s dropped: %s", peer, why)

    def renew(self, peer: Peer) -> None:
        """Prolong the leases of one who is still there."""
        self._leases.renew(peer, self._monotonic())
        self._arm()

    def set(self, key: str, values: Values, peer: Peer) -> bool:
        """Set a state of the desk; say whether the one who set it has been told so as subscriber.

        Raises
        ------
        DeskError
            The desk will not have it.
        """
        self._told.discard(key)
        self._desk.set(key, values)
        return key in self._told and self._leases.holds(peer, key)

    def value(self, entry: Entry, key: str) -> Values:
        """Give what an address stands at.

        Raises
        ------
        DeskError
            It has no value now.
        """
        if entry.kind is Kind.SIGNAL and key in self._last:
            return self._last[key]
        return self._desk.get(key)

    def encoded(self, entry: Entry, key: str, values: Values) -> bytes:
        """Make the message of an address with these values.

        Raises
        ------
        OscError
            The desk gives something else than the table promises.
        """
        tags = "".join(a.tag for a in entry.arguments)
        if entry.many:
            tags *= len(values)
        return encode(f"{self.root}/{key}", values, tags)

    # ---- from the desk ---------------------------------------------------------------------------

    def _changed(self, key: str, values: Values) -> None:
        if self._closed:
            return
        try:
            self._spread(key, values)
        except Exception:  # the desk must not suffer from what its watchers do
            _LOG.exception("%s could not be told to the subscribers", key)

    def _spread(self, key: str, values: Values) -> None:
        found = find(key)
        if found is None:
            _LOG.debug("%s is no OSC address", key)
            return
        if key == "beat" and len(values) == 4:
            self._beat(found[0], values)
            return
        if key == "error" and values and not str(values[0]).startswith("/"):
            values = (f"{self.root}/{values[0]}" if values[0] else "", *values[1:])
        if found[0].kind is Kind.SIGNAL and key != "timemap":
            self._last[key] = values
        now_s = self._monotonic()
        self._told.add(key)
        if key == "timemap":
            self._timemap_s = now_s
        recipients = self._leases.offer(key, values, now_s)
        if recipients:
            packet = self.encoded(found[0], key, values)
            for peer in recipients:
                peer.send(packet)
        if key == "piece/info":
            self._tell_parts()
        self._arm()

    def _tell_parts(self) -> None:
        """Tell of the parts of another piece: to the desk they have not changed, they are new."""
        for key in keys(self._desk.parts()):
            found = find(key)
            if found is not None and found[0].per_part:
                self._tell(found[0], key, self._leases.recipients(key))

    def _beat(self, entry: Entry, values: Values) -> None:
        self._last["beat"] = values[:3]
        recipients = self._leases.offer("beat", values[:3], self._monotonic())
        if recipients:
            sounds_s = unix_from_ntp(float(values[3]))
            bundle = encode_bundle(sounds_s, [self.encoded(entry, "beat", values[:3])])
            for peer in recipients:
                peer.send(bundle)

    def broadcast(self, packet: bytes, topic: str) -> None:
        """Send a packet that is not a state to all who are told about a topic."""
        for peer in self._leases.recipients(topic):
            peer.send(packet)

    def _tell(self, entry: Entry, key: str, peers: Sequence[Peer]) -> None:
        try:
            packet = self.encoded(entry, key, self.value(entry, key))
        except (DeskError, OscError):
            return
        for peer in peers:
            peer.send(packet)

    # ---- what comes by itself --------------------------------------------------------------------

    def _arm(self) -> None:
        """See to it that the timer rings when something is due next."""
        due_s = self._leases.next_s
        if len(self._leases):
            due_s = min(due_s, max(self._timemap_s, self._monotonic() - _TIMEMAP_S) + _TIMEMAP_S)
        if self._timer is not None and self._timer_s <= due_s:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_s = None, float("inf")
        if due_s < float("inf") and not self._closed:
            self._timer_s = due_s
            self._timer = self._later(max(0.0, due_s - self._monotonic()), self._ring)

    def _ring(self) -> None:
        self._timer, self._timer_s = None, float("inf")
        now_s = self._monotonic()
        for peer in self._leases.expired(now_s):
            self._say_dropped(peer, "its lease is over")
        for peer, key, values in self._leases.due(now_s):
            found = find(key)
            with suppress(OscError):
                if found is not None:
                    peer.send(self.encoded(found[0], key, values))
        if now_s - self._timemap_s >= _TIMEMAP_S - 1e-6:
            self._timemap_s = now_s
            found = find("timemap")
            if found is not None:
                self._tell(found[0], "timemap", self._leases.recipients("timemap"))
        self._arm()
