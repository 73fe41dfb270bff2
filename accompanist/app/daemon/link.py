"""Ableton Link as a neighbour of the daemon: its tempo is taken, or ours is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from accompanist.app.desk.control import ControlDesk
from accompanist.app.desk.protocol import DeskError
from accompanist.errors import AccompanistError
from accompanist.performing.cue import Cue
from bridges.link import LinkReading, LinkSession

__all__ = ["LinkNeighbour", "Session"]

_LEADING = frozenset({"countin", "following", "vamping", "lost"})
"""States in which the ensemble has a tempo to give."""
_OTHER_QPM = 0.05
"""The session's tempo is another one beyond this."""


class Session(Protocol):
    """A place in a Link session: `bridges.link.LinkSession`."""

    def set_mode(self, mode: str) -> None: ...
    def set_quantum(self, quantum: float) -> None: ...
    def read(self) -> LinkReading | None: ...
    def lead(
        self, time_s: float, quarter: float, qpm: float, *, bar_quarter: float = 0.0
    ) -> bool: ...
    def close(self) -> None: ...


class LinkNeighbour:
    """Leads the session or follows its tempo, as ``link/mode`` says.

    Following means the session's tempo is the tempo base here: what is played where the ensemble
    leads, and always in the mode ``fixed``. Where the soloist leads, they do.
    """

    def __init__(
        self,
        desk: ControlDesk,
        session: Session | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._session: Session = LinkSession() if session is None else session
        self._clock = clock
        self._qpm = 0.0

    def open(self) -> None:
        """Nothing before a mode is set."""

    def set_mode(self, mode: str) -> None:
        """Off, follow or lead.

        Raises
        ------
        DeskError
            503: the library is not installed.
        """
        try:
            self._session.set_mode(mode)
        except AccompanistError as error:
            raise DeskError(503, str(error)) from error
        self._qpm = 0.0

    def look(self, cue: Cue, offset_s: float) -> None:
        """Go on by the cue at hand."""
        mode = self._desk.store.word("link/mode")
        if mode == "lead" and cue.state in _LEADING:
            self._lead(cue, offset_s)
        elif mode == "follow":
            self._follow()

    def close(self) -> None:
        """Leave the session."""
        self._session.close()

    def _lead(self, cue: Cue, offset_s: float) -> None:
        now_s = self._clock()
        quarter = cue.timeline.to_quarter(now_s - offset_s - self._desk.wiring.latency_out_s)
        qpm = self._desk.store.number("tempo/now")
        if quarter >= cue.timeline.gate_quarter or qpm <= 0.0:
            return
        start_quarter, length_quarter = self._desk.wiring.transport.places.bar_span(quarter)
        self._session.set_quantum(length_quarter)
        self._session.lead(now_s, quarter, qpm, bar_quarter=start_quarter)

    def _follow(self) -> None:
        reading = self._session.read()
        if reading is None or reading.peers == 0 or abs(reading.qpm - self._qpm) <= _OTHER_QPM:
            return
        try:
            self._desk.set("tempo/base", (round(reading.qpm, 2),))
        except DeskError:
            return  # with the next piece
        self._qpm = reading.qpm
