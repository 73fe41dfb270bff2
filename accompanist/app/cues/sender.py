"""Sends the OSC cues of the score and the rules at their moment, on the daemon's loop."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence

from accompanist.app.cues.rules import CueBook, Due, Rule, Send, receiver
from accompanist.app.osc.subscribers import Later, Timer
from accompanist.app.processes.links import Reported
from accompanist.errors import AccompanistError
from accompanist.performing.cue import Cue
from accompanist.score.model import Score
from bridges.osc import OscArgument, encode, encode_bundle
from bridges.osc_udp import Address, OscUdp

__all__ = ["Broadcast", "CueSender"]

Broadcast = Callable[[str, Sequence[OscArgument], float], None]
"""(address, arguments, unix time): tells the subscribers; `OscService.broadcast` is one."""
_UNREACHABLE = 503


class CueSender:
    """Watches the ensemble's cues and sends what comes due. Not thread-safe.

    Each message is sent when it is to sound, in a bundle whose time tag is that moment: who heeds
    tags is exact, who does not is late by the network alone.

    Parameters
    ----------
    rules : sequence of Rule
        Those of the settings; `load` adds those of the piece.
    to : sequence of str
        ``host:port`` of everybody who gets the cues of the score.
    later : callable
        The loop's ``call_later``.
    problem : callable
        Told (code, text) when somebody cannot be reached, once.
    broadcast : callable, optional
        Tells the subscribers.
    monotonic, wall : callable
        Clocks in seconds.

    Raises
    ------
    UsageError
        One of ``to`` is no ``host:port``.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        to: Sequence[str],
        *,
        later: Later,
        problem: Callable[[int, str], None],
        broadcast: Broadcast | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._rules = tuple(rules)
        self._to = tuple(receiver(said) for said in to)
        self._later, self._problem, self._broadcast = later, problem, broadcast
        self._monotonic, self._wall = monotonic, wall
        self._udp: OscUdp | None = None
        self._book: CueBook | None = None
        self._offset_s = self._latency_s = 0.0
        self._timer: Timer | None = None
        self._timer_s = float("inf")
        self._addresses: dict[tuple[str, int], Address | None] = {}
        self._unreached: set[tuple[str, int]] = set()

    def open(self) -> None:
        """Open the socket that the cues leave by.

        Raises
        ------
        OscError
            There is none to be had.
        """
        self._udp = OscUdp("0.0.0.0")

    def close(self) -> None:
        """Send nothing any more."""
        self._book = None
        self._rearm()
        if self._udp is not None:
            self._udp.close()
            self._udp = None

    def load(self, score: Score | None, rules: Sequence[Rule] = ()) -> None:
        """Begin with another piece and its own rules, or with none.

        Names of hosts are looked up here, so that this takes no time later.
        """
        self._book = None if score is None else CueBook(score, (*self._rules, *rules))
        for to in (*self._to, *(r.send.to for r in (*self._rules, *rules) if r.send.to)):
            if to not in self._addresses:
                self._addresses[to] = self._looked_up(to)
        self._rearm()

    def take(self, cue: Cue, offset_s: float, latency_out_s: float = 0.0) -> None:
        """Go on by a newer cue.

        Parameters
        ----------
        cue : Cue
        offset_s : float
            Monotonic minus take time.
        latency_out_s : float
            From sending a note to its sound: a cue is to come with the sound.
        """
        self._offset_s, self._latency_s = offset_s, latency_out_s
        if self._book is not None:
            self._book.take(cue)
            self._rearm()

    def reported(self, event: Reported) -> None:
        """Take a solo event; its rules go out at once."""
        if self._book is not None:
            for due in self._book.reported(event):
                self._send(due.send, self._wall())

    # ---- time ------------------------------------------------------------------------------------

    def _rearm(self) -> None:
        due_s = float("inf") if self._book is None else self._book.next_s
        due_s += self._offset_s + self._latency_s
        if due_s == self._timer_s:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_s = None, due_s
        if due_s < float("inf"):
            self._timer = self._later(max(0.0, due_s - self._monotonic()), self._ring)

    def _ring(self) -> None:
        self._timer, self._timer_s = None, float("inf")
        if self._book is None:
            return
        # a loop's clock may ring a little early
        take_s = max(self._monotonic() - self._offset_s - self._latency_s, self._book.next_s)
        if self._book.next_s < float("inf"):
            for due in self._book.due(take_s):
                self._send(due.send, self._sounds_s(due))
        self._rearm()

    def _sounds_s(self, due: Due) -> float:
        """Unix time at which a cue is to be seen, never before now."""
        ahead_s = due.time_s + self._offset_s + self._latency_s - self._monotonic()
        return self._wall() + max(ahead_s, 0.0)

    # ---- sending ---------------------------------------------------------------------------------

    def _send(self, send: Send, at_s: float) -> None:
        try:
            packet = encode_bundle(at_s, [encode(send.address, send.arguments)])
        except AccompanistError as error:
            self._problem(400, str(error))
            return
        self._say_unheard()
        for to in self._to if send.to is None else (send.to,):
            self._send_to(packet, to, send.address)
        if send.to is None and self._broadcast is not None:
            self._broadcast(send.address, send.arguments, at_s)

    def _say_unheard(self) -> None:
        """Tell of those that earlier cues did not find."""
        for place in self._udp.unreachable() if self._udp is not None else ():
            for to in [to for to, known in self._addresses.items() if known == place]:
                if to not in self._unreached:
                    self._unreached.add(to)
                    self._problem(_UNREACHABLE, f"nobody listens for cues at {to[0]}:{to[1]}")

    def _send_to(self, packet: bytes, to: tuple[str, int], address: str) -> None:
        place = self._addresses.get(to)
        sent = self._udp is not None and place is not None and self._udp.send(packet, place)
        if not sent and to not in self._unreached:
            self._unreached.add(to)
            self._problem(_UNREACHABLE, f"cue {address}: {to[0]}:{to[1]} cannot be reached")

    def _looked_up(self, to: tuple[str, int]) -> Address | None:
        try:
            found = socket.getaddrinfo(*to, family=socket.AF_INET, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            self._unreached.add(to)
            self._problem(_UNREACHABLE, f"there is no host {to[0]}; no cue will reach it")
            return None
        host, port = found[0][4][:2]
        return str(host), int(port)
