"""Messages on their way to their outlets, each handed over when its outlet wants it.

Knows no cue and no score: what it is given has its monotonic time. No device, no thread.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable

from accompanist.app.performer.sinks import Outlet, Rig
from accompanist.performing.clock import ClockEvent
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.performing.timecode import TimecodeEvent

__all__ = ["COMMIT_S", "Dispatch"]

COMMIT_S = 0.001
"""Messages are made so long before they are wanted, so that making them costs no time."""
LOOK_S = 0.02
"""How often to see whether messages have left that were handed over ahead of time."""

_What = TimedMessage | ClockEvent | TimecodeEvent
_Entry = tuple[float, int, Outlet | None, _What, float, bool]
"""When to hand it over, order, where, what, when it is to leave, whether to tell of it."""


class Dispatch:
    """Routes messages to the outlets of a rig and keeps them until they are wanted.

    Parameters
    ----------
    now : callable
        Monotonic time.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.rig = Rig()
        self.outputs: dict[int, str] = {}
        """Where each part goes: midi, synth, both (the usual), none."""
        self._queue: list[_Entry] = []
        self._count = itertools.count()
        self._where: dict[tuple[int, int, int], tuple[Outlet, ...]] = {}
        self.sent: list[tuple[TimedMessage, float]] = []
        """What has left and how late, until it is taken."""
        self.sent_s = 0.0
        """When the oldest of it was noted."""

    def post(self, messages: Iterable[TimedMessage], offset_s: float) -> None:
        """Send these at their take times plus ``offset_s``, in the order given if together."""
        for timed in messages:
            due_s = timed.time_s + offset_s
            outlets = self._outlets_for(timed)
            if not outlets:
                self._push(None, timed, due_s, True)
            for i, outlet in enumerate(outlets):
                self._push(outlet, timed, due_s, i == 0)

    def post_clock(self, events: Iterable[ClockEvent | TimecodeEvent], offset_s: float) -> None:
        """Send messages of the clock, or of time code, to the clock's port."""
        for event in events:
            if self.rig.clock is not None:
                self._push(self.rig.clock, event, event.time_s + offset_s, False)

    def hand_over(self) -> None:
        """Give the outlets what they want by now."""
        while self._queue and self._queue[0][0] <= self._now():
            self._hand_next()

    def hush(self) -> None:
        """Hand everything over, but what strikes outside the plan; let every key go after it."""
        now_s = self._now()
        self._queue = [e for e in self._queue if not _strikes_later(e, now_s)]
        heapq.heapify(self._queue)
        while self._queue:
            self._hand_next()
        for outlet in self.rig:
            outlet.let_go(self.after_all_s)
        self._where.clear()

    def panic(self, *, tails: bool) -> None:
        """Silence every outlet by all means, when `hush` has been called."""
        for outlet in self.rig:
            outlet.panic(self.after_all_s, tails=tails)

    def change(self, rig: Rig) -> bool:
        """Play to these outlets from now on; tell whether there are new ones for notes.

        What is left out lets its keys go; a new one first releases what a predecessor left
        sounding there.
        """
        before, after = {id(o): o for o in self.rig}, {id(o): o for o in rig}
        left_out, fresh = before.keys() - after.keys(), after.keys() - before.keys()
        for key in left_out:
            if before[key].sink.gone:
                before[key].abandon()
            else:
                before[key].let_go(self.after_all_s)
        self._where = {
            key: kept
            for key, outlets in self._where.items()
            if (kept := tuple(o for o in outlets if id(o) not in left_out))
        }
        self.rig = rig
        for key in fresh:
            after[key].inherit(self._now())
        return bool(fresh)

    def collect(self) -> None:
        """See what has left of what was handed over ahead of its time."""
        if self.rig.clock is not None:
            self.rig.clock.left()
        for outlet in self.rig:
            if outlet.sink.ahead_s > 0.0:
                for timed, late_s in outlet.left():
                    self._tell(timed, late_s)

    @property
    def after_all_s(self) -> float:
        """Monotonic time after everything that has been handed over ahead of its time."""
        return self._now() + self.rig.ahead_s + COMMIT_S

    @property
    def next_s(self) -> float:
        """When to call `hand_over` or `collect` next; infinite if there is nothing."""
        next_s = self._queue[0][0] if self._queue else float("inf")
        if any(outlet.waits for outlet in self.rig):
            next_s = min(next_s, self._now() + LOOK_S)
        return next_s

    @property
    def done(self) -> bool:
        """Whether everything has left."""
        return not self._queue and not any(outlet.waits for outlet in self.rig)

    def _outlets_for(self, timed: TimedMessage) -> tuple[Outlet, ...]:
        """Find where a message goes; an off goes where its on went."""
        message = timed.message
        key = (timed.part, message.channel, message.number)
        if message.kind is Kind.OFF and key in self._where:
            return self._where.pop(key)
        outlets = self.rig.route(timed.part, self.outputs.get(timed.part, "both"))
        if message.kind is Kind.ON:
            self._where[key] = outlets
        return outlets

    def _push(self, outlet: Outlet | None, what: _What, due_s: float, tells: bool) -> None:
        ahead_s = 0.0 if outlet is None else outlet.sink.ahead_s
        entry = (due_s - ahead_s, next(self._count), outlet, what, due_s, tells)
        heapq.heappush(self._queue, entry)

    def _hand_next(self) -> None:
        _, _, outlet, what, due_s, tells = heapq.heappop(self._queue)
        if not isinstance(what, TimedMessage):
            if outlet is not None:
                outlet.clock(what, due_s)
            return
        later = outlet is not None and outlet.sink.ahead_s > 0.0 and not outlet.sink.gone
        if outlet is not None:
            outlet.send(what.message, due_s, what if tells else None)
        if tells and not later:
            self._tell(what, max(self._now() - due_s, 0.0))

    def _tell(self, timed: TimedMessage, late_s: float) -> None:
        if not self.sent:
            self.sent_s = self._now()
        self.sent.append((timed, late_s))


def _strikes_later(entry: _Entry, now_s: float) -> bool:
    what = entry[3]
    return isinstance(what, TimedMessage) and what.part == 0 and entry[4] > now_s
