"""MIDI clock: a smooth stream of ticks, and the song positions that are put on it.

The stream (`accompanist.performing.clock_stream`) goes on whatever happens. Receivers are started
on one of its ticks, stopped between two of them and put somewhere else
(`accompanist.performing.clock_transport`), so that a jump of the ensemble never shows in the ticks.
"""

from __future__ import annotations

from math import ceil

from accompanist.performing.clock import ClockEvent, ClockKind, ClockPlan
from accompanist.performing.clock_stream import TickStream
from accompanist.performing.clock_target import TICKS_A_QUARTER, ClockTarget
from accompanist.performing.clock_transport import Transport
from accompanist.performing.cue import Cue

__all__ = ["ClockLine"]


class ClockLine:
    """Says which clock messages are due, as the cues come. Pure; not thread-safe.

    Parameters
    ----------
    plan : ClockPlan, optional
        Of the piece that is loaded.
    enabled : bool
        Off, nothing is ever due (but the stop of what was running).
    continuous : bool
        Ticks in idle too; else from ``arm`` on.
    offset_s : float
        The clock is sent so much later (negative: earlier) than the notes.

    Notes
    -----
    All times are take times of sending. What `due` has given is final; asking it ahead of time is
    what it is made for, asking it late makes it answer with times gone by (see `skip`).

    Song position 0 is the first instant of the score, pickup included. Places beyond the 14 bits
    of a song position are folded (`accompanist.performing.clock_transport.song_position`).
    """

    def __init__(
        self,
        plan: ClockPlan | None = None,
        *,
        enabled: bool = True,
        continuous: bool = True,
        offset_s: float = 0.0,
    ) -> None:
        plan = plan or ClockPlan()
        self._enabled, self._continuous, self._offset_s = enabled, continuous, offset_s
        self._stream = TickStream(plan)
        self._transport = Transport(self._stream)
        self._transport.load(plan)
        self._now_s = float("-inf")
        self._target: ClockTarget | None = None
        self._jumped = False

    @property
    def rolling(self) -> bool:
        """Whether receivers have been told to run."""
        return self._transport.rolling

    @property
    def position_quarter(self) -> float | None:
        """Place of the next tick as receivers count it; None while they stand."""
        return self._transport.label / TICKS_A_QUARTER if self._transport.rolling else None

    @property
    def rate_quarter_s(self) -> float:
        """Tempo of the ticks."""
        return self._stream.rate_quarter_s

    # ---- what is told to it ---------------------------------------------------------------------

    def configure(
        self,
        *,
        enabled: bool | None = None,
        continuous: bool | None = None,
        offset_s: float | None = None,
    ) -> None:
        """Change settings; what is left out stays. The stream bends to a new offset."""
        self._enabled = self._enabled if enabled is None else enabled
        self._continuous = self._continuous if continuous is None else continuous
        if offset_s is not None:
            self._offset_s = offset_s
            if self._target is not None:
                self._target = ClockTarget(self._target.cue, offset_s)
        self._decide()

    def load(self, plan: ClockPlan, time_s: float | None = None) -> None:
        """Take another piece: receivers are stopped, the ticks go on and bend to its tempo."""
        self._stream.load(plan)
        self._transport.load(plan)
        self._come_to(time_s)
        self._forget()

    def take(self, cue: Cue, time_s: float | None = None) -> None:
        """Go by a newer cue.

        Parameters
        ----------
        cue : Cue
        time_s : float, optional
            Now, if it is later than ``cue.time_s``: nothing that follows from it is stamped
            earlier.
        """
        if self._target is not None and cue.jumps != self._target.cue.jumps:
            self._jumped = True
        self._target = ClockTarget(cue, self._offset_s)
        self._come_to(cue.time_s if time_s is None else time_s)
        self._decide()

    def stop(self, time_s: float) -> tuple[ClockEvent, ...]:
        """Stop receivers at once (silence, quit, the engine is gone) and forget the cue.

        Returns
        -------
        tuple of ClockEvent
            To be sent now: what was due before, and the stop. Ticks go on if ``continuous``.
        """
        due = list(self.due(time_s))
        self._come_to(time_s)
        self._forget()
        while self._transport.due_s(None, self._now_s) < float("inf"):
            event = self._transport.emit(None, self._now_s)
            due.append(ClockEvent(min(event.time_s, self._now_s), event.kind))
        return tuple(due)

    def skip(self, time_s: float) -> None:
        """Leave out what was not asked for before ``time_s``: the process had been held up.

        Ticks are not made up for in a burst. Receivers, which have long taken the gap for a stop,
        are stopped and put where the ensemble is by then.
        """
        if time_s <= self._now_s:
            return
        self._now_s = time_s
        self._stream.resume(time_s)
        self._transport.halt(time_s)
        self._decide()

    def shift(self, by_s: float) -> None:
        """Move all times: take time has a new origin, the ticks go on. The cue is forgotten."""
        self._now_s += by_s
        self._stream.shift(by_s)
        self._transport.shift(by_s)
        self._forget()

    # ---- what is due ----------------------------------------------------------------------------

    @property
    def next_s(self) -> float:
        """When `due` has to be asked next, as things stand; infinite if not before a new cue."""
        if self._wanted and not self._stream.running:
            return self._now_s
        return self._next_s()

    def due(self, until_s: float) -> tuple[ClockEvent, ...]:
        """Give messages due before ``until_s`` and not given yet, in order."""
        if self._now_s == float("-inf"):
            self._now_s = until_s
        self._decide()
        if self._wanted and not self._stream.running:
            self._now_s = max(self._now_s, until_s)  # never a tick in the past to begin with
            self._stream.run(self._first_tick_s(), self._wish())
        out: list[ClockEvent] = []
        while self._next_s() < until_s:
            out.append(self._emit())
            self._now_s = max(self._now_s, out[-1].time_s)
            self._decide()
        self._now_s = max(self._now_s, until_s)
        return tuple(out)

    def _next_s(self) -> float:
        return min(self._transport.due_s(self._target, self._now_s), self._stream.next_s)

    def _emit(self) -> ClockEvent:
        tick_s = self._stream.next_s
        if self._transport.due_s(self._target, self._now_s) <= tick_s:
            return self._transport.emit(self._target, self._now_s)
        self._advance()
        return ClockEvent(tick_s, ClockKind.TICK)

    def _advance(self) -> None:
        """Let the stream go on behind the tick that is given out."""
        stream, transport, target = self._stream, self._transport, self._target
        if target is None:
            stream.advance(0.0, None, 0.0)
            return
        tick = target.tick(stream.next_s)
        # While nobody counts the ticks, any of them may be steered to the nearest place.
        label = transport.label if transport.rolling else round(tick)
        quarter = label / TICKS_A_QUARTER
        if transport.rolling:
            transport.label += 1
        if target.closed:
            stream.advance(quarter, None, 0.0)
        elif target.dwells(stream.next_s):
            stream.keep()
        elif not transport.rolling and stream.next_s < transport.awaited_s(target) < float("inf"):
            wish = stream.expected(target.timeline, quarter)
            stream.approach(quarter, wish, transport.awaited_s(target))
        else:
            wish = stream.expected(target.timeline, quarter)
            stream.advance(quarter, wish, (tick - label) / TICKS_A_QUARTER)

    # ---- decisions ------------------------------------------------------------------------------

    @property
    def _wanted(self) -> bool:
        """Whether there are to be ticks."""
        if not self._enabled:
            return False
        return self._continuous or (self._target is not None and not self._target.idle)

    def _decide(self) -> None:
        """See to it that stream and receivers do what the cue wants, from now on."""
        if self._now_s == float("-inf"):
            return
        target, transport = self._target, self._transport
        if not self._wanted:
            self._stream.halt()
        if target is None or not self._wanted:
            transport.halt(self._now_s)
            return
        if transport.rolling:
            transport.check(target, self._now_s, jumped=self._jumped)
        self._jumped = False
        if not transport.rolling:
            transport.prepare(target, self._now_s)

    def _come_to(self, time_s: float | None) -> None:
        if time_s is not None and self._now_s > float("-inf"):
            self._now_s = max(self._now_s, time_s)

    def _forget(self) -> None:
        self._target, self._jumped = None, False
        self._decide()

    def _first_tick_s(self) -> float:
        """When to begin the stream: now, or where the ensemble's next tick is."""
        target, now_s = self._target, self._now_s
        if target is None or target.closed:
            return now_s
        due_s = target.due_s(ceil(target.tick(now_s)))
        return due_s if now_s <= due_s <= now_s + self._stream.interval_s else now_s

    def _wish(self) -> float | None:
        target = self._target
        if target is None or target.closed:
            return None
        return self._stream.expected(target.timeline, target.tick(self._now_s) / TICKS_A_QUARTER)
