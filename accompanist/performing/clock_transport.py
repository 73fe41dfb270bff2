"""What receivers of the clock have been told: stop, place, go on from there.

A receiver counts the ticks from the place it was put at. It can be put elsewhere only by stopping
it, telling it the place in sixteenths, and letting it continue on the tick that stands there.
Sources: MIDI 1.0 Detailed Specification, "System Common" and "System Real Time" messages.
"""

from __future__ import annotations

from math import ceil

from accompanist.performing.clock import ClockEvent, ClockKind, ClockPlan
from accompanist.performing.clock_stream import TickStream
from accompanist.performing.clock_target import TICKS_A_QUARTER, ClockTarget

__all__ = ["LAST_SIXTEENTH", "Transport", "song_position"]

LAST_SIXTEENTH = 16383
"""A song position has 14 bits: 4095.75 quarters."""
_FOLD_SIXTEENTHS = 15120
"""3780 quarters: whole bars in 2/2, 2/4, 3/4, 4/4, 5/4, 6/4, 7/4, 6/8, 7/8, 9/8, 12/8."""
_TICKS_A_SIXTEENTH = 6
_NEVER = float("inf")
_LONG_AGO = float("-inf")
_LEAD_S, _SHORTEST_LEAD_S, _LEAD_SHARE = 0.004, 0.00125, 0.4
"""Start and continue come this long before their tick, at the very least, and at most this share
of the way from the tick before."""
_BREATH_S = 0.002
"""From a stop to the song position."""
_SETTLE_S = 0.021
"""From a song position to the continue, and to the next song position."""
_LONGEST_HOLD_BEATS = 2.0
_WRONG_BEATS = 0.4
_SAME_PLACE_BEATS = 0.1
"""A jump by no more than this is none for the clock."""
_PATIENCE_BEATS = 1.0
"""No two relocations for an error within this, by the faster of stream and ensemble."""
_PROGRESS_TICKS = 0.5
_LATE_TICKS, _LATE_AT_TOP_TICKS = 3.0, 6.0
"""A tick may become the prepared place if the ensemble is no further past it than this."""
_NEAREST_TICKS = 0.5
_LAST_NOTE_S = 0.1


def song_position(sixteenth: int) -> int:
    """Fold a position beyond 14 bits back by whole bars of every common metre.

    A receiver cannot be told of places beyond 4095.75 quarters (half an hour and more); it is told
    of one that stands at the same place of the bar.

    >>> song_position(16383), song_position(16384), song_position(40000)
    (16383, 1264, 9760)
    """
    beyond = max(0, ceil((sixteenth - LAST_SIXTEENTH) / _FOLD_SIXTEENTHS))
    return sixteenth - beyond * _FOLD_SIXTEENTHS


class Transport:
    """Puts song positions on a `TickStream`. Pure; not thread-safe.

    Parameters
    ----------
    stream : TickStream
        Of which the ticks are counted.

    Attributes
    ----------
    rolling : bool
        Whether receivers have been told to run.
    label : int
        Position of the next tick as receivers count it, in ticks, while they run.
    """

    def __init__(self, stream: TickStream) -> None:
        self._stream = stream
        self.rolling = False
        self.label = 0
        self._end_tick = 0.0
        self._place: int | None = None
        self._ready_s = self._stop_s = self._locate_s = _NEVER
        self._stopped_s = self._located_s = self._joined_s = _LONG_AGO
        self._told_stop = False
        self._mark_tick, self._mark_s = 0.0, _LONG_AGO

    def load(self, plan: ClockPlan) -> None:
        """Take another piece."""
        self._end_tick = plan.end_quarter * TICKS_A_QUARTER

    def shift(self, by_s: float) -> None:
        """Move with the origin of time."""
        self._stop_s += by_s
        self._stopped_s += by_s
        self._locate_s += by_s
        self._located_s += by_s
        self._joined_s += by_s
        self._ready_s += by_s
        self._mark_s += by_s

    # ---- decisions ------------------------------------------------------------------------------

    def halt(self, time_s: float) -> None:
        """Stop receivers at ``time_s`` if they run."""
        if self.rolling:
            self.rolling = False
            self._stop_s = time_s
        self.give_up()

    def give_up(self) -> None:
        """Prepare no place to go on from."""
        self._place, self._locate_s, self._ready_s = None, _NEVER, _NEVER

    def check(self, target: ClockTarget, now_s: float, *, jumped: bool) -> None:
        """Stop running receivers where they must not run on, or not from where they are."""
        tick = target.tick(now_s)
        if target.cue.state == "ended" or 0.0 < self._end_tick <= tick:
            last_s = min(target.due_s(self._end_tick), now_s + _LAST_NOTE_S)
            self.halt(max(now_s, last_s) + _BREATH_S)
            return
        if target.resting or self._stands_too_long(tick, now_s):
            self.halt(now_s)
            return
        beat_quarter = self._stream.beat_quarter(tick / TICKS_A_QUARTER)
        wrong_beats = abs(tick - self._counted(now_s)) / TICKS_A_QUARTER / beat_quarter
        if jumped:
            if wrong_beats > _SAME_PLACE_BEATS:
                self.halt(now_s)
            return
        faster = max(self._stream.rate_quarter_s, target.timeline.rate_quarter_s)
        patience_s = _PATIENCE_BEATS * beat_quarter / faster
        patient = now_s - self._joined_s <= patience_s
        patient = patient or target.dwells(now_s)
        if wrong_beats > _WRONG_BEATS and not patient:
            self.halt(now_s)

    def prepare(self, target: ClockTarget, now_s: float) -> None:
        """Choose the place at which standing receivers go on, and have it told to them."""
        if target.over or 0.0 < self._end_tick <= target.tick(now_s):
            self.give_up()
            return
        if self._reachable(target, now_s):
            return
        pending = self._stop_s < _NEVER
        stopped_s = self._stop_s if pending else self._stopped_s
        ready_s = max(now_s, stopped_s + _SETTLE_S, self._located_s + _SETTLE_S)
        if self._ahead(target, ready_s) <= _LATE_TICKS:
            self._place, self._locate_s, self._ready_s = 0, _NEVER, ready_s
            return
        if not self._told_stop and not pending:
            self._stop_s = stopped_s = now_s
        self._locate_s = max(now_s, stopped_s + _BREATH_S, self._located_s + _SETTLE_S)
        self._ready_s = self._locate_s + _SETTLE_S
        here = self._ahead(target, self._ready_s) - _NEAREST_TICKS
        self._place = ceil(here / _TICKS_A_SIXTEENTH) * _TICKS_A_SIXTEENTH

    def _stands_too_long(self, tick: float, now_s: float) -> bool:
        if abs(tick - self._mark_tick) > _PROGRESS_TICKS:
            self._mark_tick, self._mark_s = tick, now_s
        beat_s = self._stream.beat_quarter(tick / TICKS_A_QUARTER) / self._stream.rate_quarter_s
        return now_s - self._mark_s > _LONGEST_HOLD_BEATS * beat_s

    def _counted(self, time_s: float) -> float:
        """Give the position as receivers would have it between two ticks."""
        return self.label - (self._stream.next_s - time_s) / self._stream.interval_s

    def _reachable(self, target: ClockTarget, now_s: float) -> bool:
        """Whether the prepared place is still the one to wait for."""
        if self._place is None:
            return False
        here = self._ahead(target, max(self._stream.next_s, now_s, self._ready_s))
        late = _LATE_TICKS if self._place else _LATE_AT_TOP_TICKS
        return -late <= self._place - here <= _TICKS_A_SIXTEENTH + _NEAREST_TICKS

    @staticmethod
    def _ahead(target: ClockTarget, time_s: float) -> float:
        """Give the first place that is played from ``time_s`` on."""
        return max(target.tick(time_s + _SHORTEST_LEAD_S), target.first_tick)

    def awaited_s(self, target: ClockTarget) -> float:
        """When the prepared place comes; infinite if there is none or it is not known."""
        return _NEVER if self._place is None else target.due_s(self._place)

    # ---- what is due ----------------------------------------------------------------------------

    def due_s(self, target: ClockTarget | None, now_s: float) -> float:
        """When the next message is due, as things stand."""
        return min(self._stop_s, self._locate_s, self._join_s(target, now_s))

    def emit(self, target: ClockTarget | None, now_s: float) -> ClockEvent:
        """Give out the message that is due next; there must be one."""
        time_s = self.due_s(target, now_s)
        if time_s == self._stop_s:
            self._stop_s, self._stopped_s, self._told_stop = _NEVER, time_s, True
            return ClockEvent(time_s, ClockKind.STOP)
        place = self._place or 0
        if time_s == self._locate_s:
            self._locate_s, self._located_s = _NEVER, time_s
            position = song_position(place // _TICKS_A_SIXTEENTH)
            return ClockEvent(time_s, ClockKind.POSITION, position)
        self.rolling, self.label, self._place = True, place, None
        self._told_stop, self._joined_s = False, time_s
        if target is not None:
            self._mark_tick, self._mark_s = target.tick(time_s), time_s
        return ClockEvent(time_s, ClockKind.CONTINUE if place else ClockKind.START)

    def _join_s(self, target: ClockTarget | None, now_s: float) -> float:
        """When to start or continue receivers on the next tick; infinite if not on that one."""
        stream, place = self._stream, self._place
        if self.rolling or place is None or target is None or target.resting:
            return _NEVER
        if self._locate_s < _NEVER or not stream.running:
            return _NEVER
        half_s = _NEAREST_TICKS * stream.interval_s
        if stream.next_s < target.due_s(place) - half_s:
            return _NEVER
        if target.dwells(stream.next_s + half_s):
            return _NEVER
        lead_s = min(_LEAD_S, _LEAD_SHARE * stream.interval_s)
        join_s = max(stream.next_s - lead_s, self._ready_s, now_s)
        return join_s if join_s <= stream.next_s - _SHORTEST_LEAD_S else _NEVER
