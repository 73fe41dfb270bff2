"""From a message to the desk and back to whoever sent it; from the desk to all subscribers.

It knows no socket: packets come with a `Peer` and leave through it. Whatever comes in, nothing is
raised and nothing waits.
"""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from accompanist.app.desk.protocol import Desk, DeskError, Values
from accompanist.app.osc.allowance import Allowance, Allowances
from accompanist.app.osc.arguments import is_release, taken
from accompanist.app.osc.leases import EVERYTHING, covers
from accompanist.app.osc.pattern import is_pattern, matching
from accompanist.app.osc.peer import Peer
from accompanist.app.osc.subscribers import DEFAULT_HZ, DEFAULT_TTL_S, Later, Subscribers
from accompanist.app.osc.table import TABLE, Entry, Kind, find, keys
from accompanist.errors import AccompanistError
from bridges.osc import IMMEDIATELY, OscError, OscMessage, decode, encode

__all__ = ["Dispatcher"]

_LOG = logging.getLogger(__name__)
_HORIZON_S = 10.0
"""A bundle dated further ahead than this is refused."""
_MOST_WAITING = 256
"""Messages of dated bundles that may wait at a time."""
_ERROR_RATE_HZ, _ERROR_BURST = 100.0, 500.0
_TURN_S, _REST_S = 0.003, 0.001
"""So long it works before the loop's other work has its turn."""
_PLAIN_NAME = re.compile(r"\w[\w -]*")
"""What cannot be the path of a file."""


class Dispatcher:
    """Serves one desk under one root. Everything happens on the loop that gave ``later``.

    Parameters
    ----------
    desk : Desk
    subscribers : Subscribers
        Who is told about the same desk.
    later : callable
        ``later(seconds, callback)`` calls back.
    monotonic, wall : callable
        Clocks in seconds: one that only rises, and unix time.
    """

    def __init__(
        self,
        desk: Desk,
        subscribers: Subscribers,
        later: Later,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.root = subscribers.root
        self._desk, self._subscribers, self._later = desk, subscribers, later
        self._monotonic, self._wall = monotonic, wall
        self._errors_each = Allowances(_ERROR_RATE_HZ, _ERROR_BURST)
        self._errors_all = Allowance(2 * _ERROR_RATE_HZ, 2 * _ERROR_BURST)
        self._queue: deque[tuple[OscMessage, Peer]] = deque()
        self._resting = False
        self._waiting = 0
        self._closed = False

    def close(self) -> None:
        """Do nothing any more of what waits for its time."""
        self._closed = True

    # ---- packets ---------------------------------------------------------------------------------

    def packet(self, packet: bytes, peer: Peer) -> None:
        """Take a packet: do it now, or at its time if that is at most ten seconds ahead."""
        try:
            messages = decode(packet)
        except OscError as error:
            self.refuse(peer, "", 400, str(error))
            return
        for due_s, message in messages:
            ahead_s = due_s - self._wall() if due_s != IMMEDIATELY else 0.0
            if ahead_s <= 0:
                self._queue.append((message, peer))
            elif ahead_s > _HORIZON_S:
                text = f"dated {ahead_s:.0f} s ahead; {_HORIZON_S:.0f} s are the most"
                self.refuse(peer, message.address, 422, text)
            elif self._waiting >= _MOST_WAITING:
                self.refuse(peer, message.address, 409, "too many messages wait for their time")
            else:
                self._wait(ahead_s, message, peer)
        self._work()

    @property
    def busy(self) -> bool:
        """Whether there is work left over; more packets are better left where they are."""
        return self._resting

    def _work(self) -> None:
        """Do what is to be done, a few milliseconds at a time."""
        until_s = self._monotonic() + _TURN_S
        while self._queue and not self._resting and not self._closed:
            self.message(*self._queue.popleft())
            if self._queue and self._monotonic() > until_s:
                self._resting = True
                self._later(_REST_S, self._go_on)

    def _go_on(self) -> None:
        self._resting = False
        self._work()

    def _wait(self, ahead_s: float, message: OscMessage, peer: Peer) -> None:
        def now() -> None:
            self._waiting -= 1
            self._queue.append((message, peer))
            self._work()

        self._waiting += 1
        self._later(ahead_s, now)

    def message(self, message: OscMessage, peer: Peer) -> None:
        """Do what a message says."""
        try:
            self._do(message, peer)
        except DeskError as error:
            self.refuse(peer, message.address, error.code, str(error))
        except AccompanistError as error:
            self.refuse(peer, message.address, 409, str(error))
        except Exception:  # a defect behind the desk must not stop the server
            _LOG.exception("%s failed", message.address)
            self.refuse(peer, message.address, 409, "failed by a defect of ours; see the log")

    def _do(self, message: OscMessage, peer: Peer) -> None:
        address, arguments = message.address, message.arguments
        if address == "/ping":
            address = f"{self.root}/ping"
        if not address.startswith(self.root + "/"):
            raise DeskError(404, f"there is no such address; all begin with {self.root}/")
        key = address[len(self.root) + 1 :]
        if is_pattern(key):
            self._each(key, arguments, peer)
            return
        found = find(key)
        if found is None:
            raise DeskError(404, f"there is no such address{self._meant(key)}")
        entry, part = found
        if part is not None and part not in self._desk.parts():
            raise DeskError(404, f"there is no part {part}{self._parts()}")
        self._one(entry, key, arguments, peer)

    def _each(self, pattern: str, arguments: Sequence[object], peer: Peer) -> None:
        """Ask or set every state that a pattern matches; actions want their name in full."""
        chosen = []
        for key in matching(pattern, keys(self._desk.parts())):
            found = find(key)
            if found is not None and found[0].kind in (Kind.STATE, Kind.READING):
                chosen.append((found[0], key))
        if not chosen:
            raise DeskError(404, "no state has an address like this")
        for entry, key in chosen:
            try:
                self._one(entry, key, arguments, peer)
            except DeskError as error:
                self.refuse(peer, f"{self.root}/{key}", error.code, str(error))

    def _one(self, entry: Entry, key: str, arguments: Sequence[object], peer: Peer) -> None:
        if entry.kind is Kind.SERVER:
            self._serve(entry, arguments, peer)
            return
        if entry.kind is not Kind.ACTION and not arguments:
            peer.send(self._subscribers.encoded(entry, key, self._subscribers.value(entry, key)))
            return
        if is_release(entry, arguments):
            return
        values = taken(entry, arguments)
        if not peer.loopback:
            _refuse_remote(entry, values)
        if entry.kind is Kind.ACTION:
            if key == "quit":  # afterwards there may be nobody left to answer
                peer.send(self._subscribers.encoded(entry, key, values))
                self._desk.do(key, values)
            else:
                self._desk.do(key, values)
                peer.send(self._subscribers.encoded(entry, key, values))
            return
        if len(values) < len(entry.arguments):
            values += self._desk.get(key)[len(values) :]
        if not self._subscribers.set(key, values, peer):
            peer.send(self._subscribers.encoded(entry, key, self._desk.get(key)))

    # ---- leases ----------------------------------------------------------------------------------

    def _serve(self, entry: Entry, arguments: Sequence[object], peer: Peer) -> None:
        if entry.path == "ping":
            self._subscribers.renew(peer)
            peer.send(encode("/pong"))
            return
        values = taken(entry, arguments)
        if entry.path == "unsubscribe":
            topic = self.topic(str(values[0])) if values else EVERYTHING
            to = peer.at_port(int(values[1])) if len(values) > 1 else peer
            self._subscribers.unsubscribe(to, topic)
            return
        hz, ttl_s = DEFAULT_HZ, DEFAULT_TTL_S
        to = peer
        if len(values) > 1:
            hz = int(values[1])
        if len(values) > 2:
            to = peer.at_port(int(values[2]))
        if len(values) > 3:
            ttl_s = int(values[3])
        topic = self.topic(str(values[0]))
        self._subscribers.subscribe(to, topic, owner=peer, hz=hz, ttl_s=ttl_s)

    def topic(self, said: str) -> str:
        """Turn what was said into a topic: with or without the root, ``*`` for everything.

        Raises
        ------
        DeskError
            404 there is no such address, nor anything below it.
        """
        topic = said.removeprefix(self.root).strip("/")
        if topic in ("", EVERYTHING):
            return EVERYTHING
        topic = topic.removesuffix("/*")
        below = any(covers(topic, entry.path) for entry in TABLE)
        in_part = re.fullmatch(r"part/[1-9]\d{0,3}(/(\w+))?", topic)
        if in_part is not None:
            below = in_part[2] is None or find(topic) is not None
        if not below:
            raise DeskError(404, f"there is nothing to subscribe to at {said[:80]}")
        return topic

    # ---- bytes -----------------------------------------------------------------------------------

    def refuse(self, peer: Peer, address: str, code: int, text: str) -> None:
        """Answer with an error, unless this one has had too many of them."""
        now_s = self._monotonic()
        who = (id(peer.channel), peer.address)
        if not self._errors_each.take(who, now_s) or not self._errors_all.take(now_s):
            return
        line = " ".join(text.split())[:400]
        peer.send(encode(f"{self.root}/error", (address[:200], code, line), "sis"))

    def _meant(self, key: str) -> str:
        close = get_close_matches(key[:60], list(keys(self._desk.parts())), n=1)
        return f"; did you mean {self.root}/{close[0]}?" if close else ""

    def _parts(self) -> str:
        parts = self._desk.parts()
        if not parts:
            return "; no piece is loaded"
        return f"; parts go from {min(parts)} to {max(parts)}"


def _refuse_remote(entry: Entry, values: Values) -> None:
    if entry.loopback_only:
        raise DeskError(409, "only from the machine where the daemon runs")
    if entry.path == "piece/load" and not _in_library(str(values[0])):
        raise DeskError(409, "files only from the machine where the daemon runs; name a piece")
    if entry.path == "take/save" and values and not _PLAIN_NAME.fullmatch(str(values[0])):
        raise DeskError(409, "paths only from the machine where the daemon runs; give a name")


def _in_library(piece: str) -> bool:
    """Whether this names a piece of the library and cannot be meant as a file."""
    from score_library.index import find_info, user_pieces_dir

    try:
        return find_info(piece, user_pieces_dir()) is not None
    except AccompanistError:
        return False
