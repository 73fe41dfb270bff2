"""What is due: a cursor in score time that asks the current timeline.

The scheduler knows no clock. Times are take times in seconds; whoever calls says how far time
has come. Nothing is ever sent twice, in the past or out of order, and every note that was struck
is let go, whatever timelines, jumps, gates and stops come along.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from accompanist.conducting.timeline import Timeline
from accompanist.performing.keys import Key, Keys
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.performing.plan import Plan, ScoreEvent

__all__ = ["LONGEST_HOLD_S", "SETTLE_S", "Scheduler"]

LONGEST_HOLD_S = 12.0
"""A note is let go this long after twice its expected length, however long the soloist dwells."""
SETTLE_S = 0.0105
"""Synthesisers want 10 ms between a program change and the first note. A hair more: times become
frames by clocks that are smoothed, and a performer that takes over has one of its own."""
_RESUME_QUARTER = 1.0
"""After a jump into the middle of a note, it is struck if at least this much of it is left."""
_PARTED_S, _PUT_OFF_S = 0.025, 0.05
"""A note is let go so long before its key is struck again; one whose next stroke is further off by
now (the ensemble waits for the soloist in between) sounds on until then."""
_PEDAL = 64
_RANK = {Kind.OFF: 0, Kind.CC: 1, Kind.PROGRAM: 1, Kind.BEND: 1, Kind.ON: 2}


class Scheduler:
    """Turns a `Plan` into timed messages, one timeline at a time.

    Parameters
    ----------
    plan : Plan
        What the ensemble plays.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._cursor = 0
        self._next_quarter = plan.quarters[0] if plan.quarters else float("inf")
        self._now_s = 0.0
        self._ready_s = 0.0
        self._position_quarter = 0.0
        self._keys = Keys(plan.rolls)
        self._muted: set[int] = set()
        self._resume: list[ScoreEvent] = []
        self._resume_quarter = 0.0
        self._programs: dict[int, int] = {}
        self._put_off: dict[int, ScoreEvent] = {}

    @property
    def sounding(self) -> int:
        """How many keys are down."""
        return len(self._keys)

    @property
    def now_s(self) -> float:
        """How far time has come: nothing is sent before it any more."""
        return self._now_s

    @property
    def next_quarter(self) -> float:
        """Position of the next message, infinite at the end."""
        return self._next_quarter

    @property
    def position_quarter(self) -> float:
        """Where the ensemble has come to."""
        return self._position_quarter

    @property
    def parts(self) -> tuple[int, ...]:
        """Numbers of the parts that play."""
        return tuple(self._plan.channels)

    def next_s(self, timeline: Timeline) -> float:
        """Time before which nothing is due by a timeline; infinite if its gate is in the way."""
        next_s = min(timeline.due_s(self._next_quarter), self._keys.release_by_s)
        if self._keys.rolling and timeline.gate_quarter <= self._next_quarter:
            next_s = min(next_s, self._keys.next_stroke_s(self._stands_from_s(timeline)))
        if self._resume:
            next_s = min(next_s, timeline.due_s(self._resume_quarter))
        for note in self._put_off:
            next_s = min(next_s, self._parted_s(note, timeline))
        return max(next_s, self._ready_s, self._now_s)

    def wait_until(self, time_s: float) -> None:
        """Send nothing of the plan before a time: a synthesiser is changing its program."""
        self._ready_s = max(self._ready_s, time_s)

    def due(self, timeline: Timeline, until_s: float) -> tuple[TimedMessage, ...]:
        """Messages due before ``until_s`` and not yet sent, in the order of sending.

        What has become due before the last call's ``until_s`` without having been sent (a gate
        has opened, the tempo has risen) is sent at once.
        """
        from_s = self._now_s
        if until_s <= from_s:
            return ()
        self._now_s = until_s
        if until_s <= self._ready_s:
            return ()
        position = timeline.to_quarter(until_s)
        if position > timeline.gate_quarter:
            position = timeline.gate_quarter
        if position > float("-inf"):
            self._position_quarter = position
        held = position == timeline.gate_quarter and self._keys.rolling
        idle = self._next_quarter >= position and until_s <= self._keys.release_by_s
        if idle and not held and not self._resume and not self._put_off:
            return ()
        return self._collect(timeline, max(from_s, self._ready_s), until_s, position)

    def locate(
        self, quarter: float, time_s: float, *, playing: bool = False
    ) -> tuple[TimedMessage, ...]:
        """Go on from ``quarter``: let go what does not sound there and set up what stands there.

        Sends note-offs, pedals up, then bank, program, controllers and bend. Long notes that lie
        across ``quarter`` are struck when the timeline passes it. While the ensemble is
        ``playing``, those of them that sound already sound on; else everything is let go.
        """
        out = self._quieten(time_s, quarter if playing else None)
        self._position_quarter = quarter
        out.extend(self._chased(playing=playing))
        self._cursor = bisect_left(self._plan.quarters, quarter)
        self._next_quarter = self._quarter_at(self._cursor)
        self._resume_quarter, self._resume = quarter, []
        for event in self._lying_across(quarter):
            key = (event.message.channel, event.message.number)
            if self._keys.get(key) is not None:
                self._keys.hold(key, event.note)
            else:
                self._resume.append(event)
        return tuple(out)

    def chase(self, time_s: float) -> tuple[TimedMessage, ...]:
        """Set up everything that stands here once more, for a synthesiser that has just come."""
        self._now_s = max(time_s, self._now_s)
        self._programs.clear()
        chased = self._chased(playing=False)
        if any(timed.message.kind is Kind.PROGRAM for timed in chased):
            self.wait_until(self._now_s + SETTLE_S)
        return tuple(chased)

    def silence(self, time_s: float) -> tuple[TimedMessage, ...]:
        """Let every key go, then lift every pedal; the cursor stays where it is."""
        return tuple(self._quieten(time_s, None))

    def mute(self, part: int, muted: bool, time_s: float) -> tuple[TimedMessage, ...]:
        """Silence one part, or let it play again from its next note on."""
        if not muted:
            self._muted.discard(part)
            return ()
        self._muted.add(part)
        sent_s = max(time_s, self._now_s)
        self._now_s = sent_s
        out: list[TimedMessage] = []
        for key in self._keys:
            struck = self._keys.get(key)
            if struck is not None and struck.part == part:
                self._let_go(key, sent_s, out)
        return tuple(out)

    def _chased(self, *, playing: bool) -> list[TimedMessage]:
        """Bank, program, controllers and bend as they stand at the position."""
        out: list[TimedMessage] = []
        sent_s, quarter = self._now_s, self._position_quarter
        for event in self._plan.chase(quarter):
            message = event.message
            if message.kind is Kind.PROGRAM:
                known = self._programs.get(message.channel) == message.number
                if known and playing:  # some synthesisers cut what sounds
                    continue
                if not known:
                    self._ready_s = sent_s + SETTLE_S
                self._programs[message.channel] = message.number
            out.append(TimedMessage(sent_s, quarter, event.part, message))
        return out

    def _collect(
        self, timeline: Timeline, from_s: float, until_s: float, position: float
    ) -> tuple[TimedMessage, ...]:
        out: list[TimedMessage] = []
        for note, event in tuple(self._put_off.items()):
            parted_s = self._parted_s(note, timeline)
            if parted_s < until_s:
                del self._put_off[note]
                self._release(event, max(parted_s, from_s), out)
        if self._resume and position > self._resume_quarter:
            resumed_s = min(max(timeline.to_time(self._resume_quarter), from_s), until_s)
            for event in self._resume:
                self._strike(event, resumed_s, timeline, self._resume_quarter, out)
            self._resume = []
        while self._next_quarter < position:
            event = self._plan.events[self._cursor]
            self._cursor += 1
            self._next_quarter = self._quarter_at(self._cursor)
            time_s = min(max(timeline.to_time(event.quarter), from_s), until_s)
            match event.message.kind:
                case Kind.ON:
                    self._strike(event, time_s, timeline, event.quarter, out)
                case Kind.OFF:
                    parted_s = self._parted_s(event.note, timeline)
                    if parted_s > time_s + _PUT_OFF_S - _PARTED_S:
                        time_s = max(parted_s, from_s)
                    if time_s < until_s:
                        self._release(event, time_s, out)
                    else:
                        self._put_off[event.note] = event
                case kind:
                    if kind is Kind.PROGRAM:
                        self._programs[event.message.channel] = event.message.number
                    out.append(TimedMessage(time_s, event.quarter, event.part, event.message))
        if position == timeline.gate_quarter and self._keys.rolling:
            self._roll_on(timeline, from_s, until_s, out)
        if until_s > self._keys.release_by_s:
            self._release_overdue(from_s, until_s, out)
        out.sort(key=lambda m: (m.time_s, _RANK[m.message.kind]))
        return tuple(out)

    def _strike(
        self,
        event: ScoreEvent,
        time_s: float,
        timeline: Timeline,
        quarter: float,
        out: list[TimedMessage],
    ) -> None:
        end_s = timeline.to_time(self._plan.end_quarters[event.note])
        if event.part in self._muted or end_s <= time_s:
            return
        key = (event.message.channel, event.message.number)
        release_by_s = time_s + 2.0 * (end_s - time_s) + LONGEST_HOLD_S
        struck = self._keys.get(key)
        if struck is None or struck.time_s < time_s:
            if struck is not None:
                out.append(TimedMessage(time_s, quarter, struck.part, Message(Kind.OFF, *key)))
            out.append(TimedMessage(time_s, quarter, event.part, event.message))
        self._keys.press(key, event.note, event.part, time_s, release_by_s)

    def _release(self, event: ScoreEvent, time_s: float, out: list[TimedMessage]) -> None:
        released = self._keys.release(event.note)
        if released is not None:
            key, struck = released
            out.append(TimedMessage(time_s, event.quarter, struck.part, Message(Kind.OFF, *key)))

    def _parted_s(self, note: int, timeline: Timeline) -> float:
        """When to let a note go for the sake of its key's next stroke, if there is one."""
        again = self._plan.again.get(note)
        return float("-inf") if again is None else timeline.due_s(again) - _PARTED_S

    def _stands_from_s(self, timeline: Timeline) -> float:
        """Since when the music stands still at the gate."""
        return max(timeline.to_time(timeline.gate_quarter), self._ready_s)

    def _roll_on(
        self, timeline: Timeline, from_s: float, until_s: float, out: list[TimedMessage]
    ) -> None:
        stands_s = self._stands_from_s(timeline)
        for due_s, part, up, down, velocity in self._keys.roll_on(stands_s, until_s):
            time_s = max(due_s, from_s)
            out.append(self._timed(time_s, part, Message(Kind.OFF, *up)))
            out.append(self._timed(time_s, part, Message(Kind.ON, *down, velocity)))

    def _release_overdue(self, from_s: float, until_s: float, out: list[TimedMessage]) -> None:
        for key in self._keys:
            struck = self._keys.get(key)
            if struck is not None and struck.release_by_s < until_s:
                self._let_go(key, max(struck.release_by_s, from_s), out)
        self._keys.look_again()

    def _quieten(self, time_s: float, across: float | None) -> list[TimedMessage]:
        """Let keys go, but those of notes that lie ``across`` a position; lift every pedal."""
        sent_s = max(time_s, self._now_s)
        self._now_s = sent_s
        out: list[TimedMessage] = []
        for key in self._keys:
            struck = self._keys.get(key)
            if struck is None or across is None:
                lasting = set[int]()
            else:
                lasting = {n for n in struck.notes if self._plan.lies_across(n, across)}
            if lasting:
                self._keys.keep(key, lasting)
            else:
                self._let_go(key, sent_s, out)
        self._put_off.clear()
        self._keys.look_again()
        pedals: dict[int, int] = {}
        for part, channel in self._plan.channels.items():
            pedals.setdefault(channel, part)
        out.extend(
            self._timed(sent_s, part, Message(Kind.CC, channel, _PEDAL, 0))
            for channel, part in pedals.items()
        )
        return out

    def _let_go(self, key: Key, time_s: float, out: list[TimedMessage]) -> None:
        part = self._keys.let_go(key).part
        out.append(self._timed(time_s, part, Message(Kind.OFF, *key)))

    def _lying_across(self, quarter: float) -> list[ScoreEvent]:
        plan = self._plan
        first = bisect_left(plan.quarters, quarter - plan.longest_quarter)
        across: Iterable[ScoreEvent] = plan.events[first : self._cursor]
        return [
            e
            for e in across
            if e.message.kind is Kind.ON and plan.end_quarters[e.note] - quarter >= _RESUME_QUARTER
        ]

    def _quarter_at(self, cursor: int) -> float:
        quarters = self._plan.quarters
        return quarters[cursor] if cursor < len(quarters) else float("inf")

    def _timed(self, time_s: float, part: int, message: Message) -> TimedMessage:
        return TimedMessage(time_s, self._position_quarter, part, message)
