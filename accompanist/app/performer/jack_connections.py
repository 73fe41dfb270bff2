"""Who listens to our ports in JACK, remembered beyond our own end and the server's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable

from bridges.jack_midi import JackMidi

__all__ = ["Connections"]

TRIES, PAUSE_S = 4, 0.01
_Pair = tuple[str, str]
"""Short name of a port of ours, full name of the input that it is connected to."""


class Connections:
    """Remembers connections, and makes them again when the other end comes back.

    A connection that is missing while its other end is there has been taken away by the user, and
    is forgotten.

    Parameters
    ----------
    remember : callable
        Keeps a few words for whoever comes after us.
    """

    def __init__(self, remember: Callable[[bytes], None]) -> None:
        self._remember = remember
        self._wanted: set[_Pair] = set()
        self._away: set[_Pair] = set()

    def inherit(self, note: bytes) -> None:
        """Take over what a predecessor remembered; what cannot be read is forgotten."""
        try:
            self._wanted = {(str(port), str(peer)) for port, peer in json.loads(note)}
        except (ValueError, TypeError):
            self._wanted = set()

    def wish(self, port: str, peers: Iterable[str]) -> None:
        """Have a port of ours connected to these inputs as soon as they are there."""
        pairs = {(port, peer) for peer in peers}
        self._wanted |= pairs
        self._away |= pairs

    def restore(self, jack: JackMidi) -> None:
        """Connect a client that has just been opened as it was before."""
        self._away = self._connect(jack, self._wanted)
        self._keep()

    def look(self, jack: JackMidi) -> None:
        """See who listens now; connect again who has come back."""
        now = jack.connections()
        wanted = {(port, peer) for port in now for peer in now[port]}
        missing = {pair for pair in self._wanted - wanted if pair[0] in now}
        elsewhere = self._wanted - wanted - missing  # a port that is not open at present
        there = jack.present([peer for _, peer in missing])
        away = {pair for pair in missing if pair[1] not in there}
        returned = (missing - away) & self._away
        self._away = away
        if returned:
            self._away = away | self._connect(jack, returned)
        wanted |= away | returned | elsewhere
        if wanted != self._wanted:
            self._wanted = wanted
            self._keep()

    def _connect(self, jack: JackMidi, pairs: set[_Pair]) -> set[_Pair]:
        """Make connections and give those that could not be made.

        A server that is busy burying a client is asked more than once.
        """
        left = set(pairs)
        for _ in range(TRIES):
            there = jack.present([peer for _, peer in left])
            for port, peer in sorted(pair for pair in left if pair[1] in there):
                jack.connect(port, peer)
            now = jack.connections()
            left = {(port, peer) for port, peer in left if peer not in now.get(port, ())}
            if not left or jack.gone:
                break
            time.sleep(PAUSE_S)
        return left

    def _keep(self) -> None:
        self._remember(json.dumps(sorted(self._wanted)).encode())
