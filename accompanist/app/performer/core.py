"""The performer's decisions: which message goes where, and when to look again.

No device, no thread and no clock of its own: it is given the outlets, asked to `run` and says when
it wants to be asked next. Times are monotonic seconds unless they are named otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from accompanist.app.performer.dispatch import COMMIT_S, Dispatch
from accompanist.app.performer.sinks import Rig
from accompanist.app.performer.timecode import TakeTimecode
from accompanist.app.processes.links import Click, LoadPlan, Mix, Problem, Sent, SetClock
from accompanist.performing.clock_line import ClockLine
from accompanist.performing.cue import Cue
from accompanist.performing.messages import TimedMessage
from accompanist.performing.performer import Performer
from accompanist.performing.tuning import HIGHEST_A4_HZ, LOWEST_A4_HZ, tuning_messages

__all__ = ["CueBoard", "PerformerCore"]

LOOK_S = 0.02
"""How often to look for a cue about a piece that has just been loaded."""
REPORT_S = 0.05
"""Sent messages are reported together, this often."""
STALE_S = 4.0
"""An engine that has published nothing for so long is gone, or hangs."""
ORIGIN_S = 0.5
"""Take time that shifts by more than this has a new origin."""
HELD_UP_S = 0.1
"""A clock that is so late has been held up and makes up for nothing."""
JOIN_S = 0.1
"""Whoever comes in while the music goes on still strikes what began so long ago."""
TAILS_S = 2.0
"""A second panic within this time cuts tails off."""
_RESTING = frozenset({"idle", "ended"})


class CueBoard(Protocol):
    """What is read of `accompanist.app.processes.board.Board`."""

    @property
    def version(self) -> int: ...
    @property
    def read_version(self) -> int: ...
    @property
    def heartbeat_s(self) -> float: ...
    def read(self) -> tuple[Cue, float] | None: ...


class PerformerCore:
    """Plays a plan by the cues on a board. Not thread-safe.

    Parameters
    ----------
    board : CueBoard
    now : callable
        Monotonic time.
    """

    def __init__(self, board: CueBoard, now: Callable[[], float]) -> None:
        self._board = board
        self._now = now
        self._dispatch = Dispatch(now)
        self.on_stage = False
        """Whether outputs have been asked for; a spare that waits in the wings plays nothing."""
        self._loaded: LoadPlan | None = None
        self._loaded_s = float("-inf")
        self._performer: Performer | None = None
        self._mixes: dict[tuple[int, str], float | int | bool] = {}
        self._clock = ClockLine(enabled=False)
        self._clock_settings = SetClock()
        self._timecode = TakeTimecode()
        self._a4_hz: float | None = None
        self._offset_s: float | None = None
        self._cue: Cue | None = None
        self._seen = 0
        self._join = True
        self._silent_version: int | None = None
        self._jumps = 0
        self._panic_s = float("-inf")
        self._events: list[Sent | Problem] = []

    # ---- what it is told -----------------------------------------------------------------------

    def load(self, command: LoadPlan) -> None:
        """Play this from the next cue on; silence what was played before."""
        self.silence()
        self._loaded, self._loaded_s = command, self._now()
        self._mixes.clear()
        self._dispatch.outputs.clear()
        self._silent_version = None
        self._begin()
        self._clock.load(command.clock, self._take_s())
        self._timecode.load(command.clock)

    def mix(self, command: Mix) -> None:
        """Set a control of a part, or the pitch of all (part 0, ``a4``, Hz)."""
        if command.control == "output":
            self._dispatch.outputs[command.part] = str(command.value)
            self.chase()
            return
        if command.control == "a4":
            self._a4_hz = min(max(float(command.value), LOWEST_A4_HZ), HIGHEST_A4_HZ)
            self._tune(self._dispatch.after_all_s)
            return
        if self._performer is None or isinstance(command.value, str):
            return
        try:
            sent = self._performer.mix(
                command.part, command.control, command.value, self._take_s() or 0.0
            )
        except ValueError as error:
            self._events.append(Problem(422, str(error)))
            return
        self._mixes[command.part, command.control] = command.value
        if self._offset_s is not None:
            self._dispatch.post(sent, self._offset_s)

    def set_clock(self, command: SetClock) -> None:
        """Switch the clock on or off, or shift it."""
        self._clock_settings = command
        self._clock.configure(
            enabled=command.enabled and self._dispatch.rig.clock is not None,
            continuous=command.continuous,
            offset_s=command.offset_s,
        )
        self._timecode.enabled = command.mtc and self._dispatch.rig.clock is not None

    def click(self, command: Click) -> None:
        """Send messages outside the plan."""
        if self._offset_s is not None:
            self._dispatch.post(command.messages, self._offset_s)

    def silence(self) -> None:
        """Let everything go now, and play nothing before there is a new cue."""
        self._hush()
        self._silent_version = self._board.version
        self._join = True
        self._stop_clock()

    def panic(self) -> None:
        """Silence by every means MIDI has, set up again what stands here, and go on."""
        self._hush()
        now_s = self._now()
        tails, self._panic_s = now_s - self._panic_s < TAILS_S, now_s
        self._dispatch.panic(tails=tails)
        self.chase()

    def chase(self) -> None:
        """Set up programs and controllers once more: something new listens."""
        performer, offset_s = self._performer, self._offset_s
        if performer is not None and offset_s is not None and performer.cue is not None:
            time_s = self._dispatch.after_all_s
            self._dispatch.post(performer.chase(time_s - offset_s), offset_s)
            self._tune(time_s)

    def change_rig(self, rig: Rig) -> None:
        """Play to these outlets from now on; what has gone lets its keys go first."""
        first = not any(True for _ in self._dispatch.rig)
        clock_changes = rig.clock is not self._dispatch.rig.clock
        if clock_changes:
            self._stop_clock()
            self._dispatch.hand_over()
        fresh = self._dispatch.change(rig)
        self.set_clock(self._clock_settings)
        if clock_changes and self._cue is not None and self._silent_version is None:
            self._clock.take(replace(self._cue, jumps=self._jumps), self._take_s())
        if fresh and first and self._cue is not None and self._silent_version is None:
            # Nobody has heard what was sent up to now: begin where the music is.
            self._hush()
            self._begin()
        elif fresh:
            self.chase()

    # ---- time goes by --------------------------------------------------------------------------

    def run(self) -> float:
        """Do all that is due; give the time at which to be called again at the latest."""
        if not self.on_stage:
            return float("inf")
        self._read()
        self._perform()
        self._dispatch.hand_over()
        self._dispatch.collect()
        self._watch()
        return self._next_s()

    @property
    def done(self) -> bool:
        """Whether everything that was to leave has left."""
        self._dispatch.hand_over()
        self._dispatch.collect()
        return self._dispatch.done

    @property
    def has_news(self) -> bool:
        """Whether it is time to take the events."""
        waited_s = self._now() - self._dispatch.sent_s
        return bool(self._events) or bool(self._dispatch.sent and waited_s >= REPORT_S)

    def take_events(self) -> list[Sent | Problem]:
        """Take what there is to tell."""
        if self._dispatch.sent:
            # A message is told with the time at which it did leave.
            told = [(replace(m, time_s=m.time_s + late), late) for m, late in self._dispatch.sent]
            told.sort(key=lambda pair: pair[0].time_s)
            messages, late_s = zip(*told, strict=True)
            self._events.append(Sent(messages, late_s))
            self._dispatch.sent = []
        events, self._events = self._events, []
        return events

    # ---- cues ----------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Begin afresh with the plan at hand, the desk as it was set."""
        self._performer = None
        self._join, self._seen = True, -1
        self._cue = None
        if self._loaded is None:
            return
        self._performer = Performer(self._loaded.plan)
        for (part, control), value in self._mixes.items():
            self._performer.mix(part, control, value, 0.0)

    def _read(self) -> None:
        board = self._board
        version = board.version
        if version in (self._seen, self._silent_version):
            return
        if board.heartbeat_s <= self._loaded_s:
            return  # this one is about another piece
        found = board.read()
        self._seen = board.read_version
        if found is None or self._seen == self._silent_version:
            return
        self._silent_version = None
        self._take(*found)

    def _take(self, cue: Cue, offset_s: float) -> None:
        moved_s = -offset_s if self._offset_s is None else self._offset_s - offset_s
        if abs(moved_s) > ORIGIN_S:
            if self._offset_s is not None:
                self._hush()
                self._begin()
                self._seen = self._board.read_version
            self._timecode.shift(moved_s)
            self._clock.shift(moved_s)  # before the first cue its time is the monotonic one
        self._offset_s = offset_s
        now_s = self._now() - offset_s
        before = self._cue
        if self._join or before is None or before.jumps != cue.jumps:
            self._jumps += 1
        self._cue = cue
        cue = replace(cue, jumps=self._jumps, time_s=max(cue.time_s, now_s))
        if self._join:
            # Programs can leave so soon at the earliest, and notes are to come later still.
            cue = replace(cue, time_s=max(cue.time_s, self._dispatch.after_all_s - offset_s))
            self._tune(self._dispatch.after_all_s)
            # Whoever comes in later begins where the music is by now, or was a moment ago.
            line = cue.timeline
            at = min(line.to_quarter(now_s - JOIN_S), line.gate_quarter)
            cue = replace(cue, plays_from=max(cue.plays_from, at), playing=False)
            self._join = False
        if self._performer is not None:
            self._dispatch.post(self._performer.take(cue), offset_s)
        self._clock.take(cue, now_s)
        self._timecode.take(cue, now_s)

    def _perform(self) -> None:
        rig = self._dispatch.rig
        offset_s = self._offset_s or 0.0
        now_s = self._now() - offset_s
        until_s = now_s + rig.ahead_s + COMMIT_S
        performer = self._performer
        if performer is not None and self._silent_version is None and performer.next_s < until_s:
            self._dispatch.post(performer.due(until_s), offset_s)
        if rig.clock is None:
            return
        if self._clock.next_s < now_s - HELD_UP_S:
            self._clock.skip(until_s)
        if self._timecode.next_s < now_s - HELD_UP_S:
            self._timecode.skip(until_s)
        self._dispatch.post_clock(self._clock.due(until_s), offset_s)
        self._dispatch.post_clock(self._timecode.due(until_s), offset_s)

    def _watch(self) -> None:
        """Let go when the engine has fallen silent itself."""
        if self._cue is None or self._cue.state in _RESTING or self._silent_version is not None:
            return
        if self._now() - self._board.heartbeat_s > STALE_S:
            self.silence()
            self._events.append(
                Problem(503, f"nothing has been heard of the follower for {STALE_S:g} s: silence")
            )

    def _hush(self) -> None:
        """Let everything go, also what stands outside the plan."""
        take_s = self._take_s()
        if self._performer is not None and take_s is not None and self._offset_s is not None:
            self._dispatch.post(self._performer.silence(take_s), self._offset_s)
        self._dispatch.hush()

    def _stop_clock(self) -> None:
        if self._offset_s is not None:
            time_s = self._dispatch.after_all_s - self._offset_s
            self._dispatch.post_clock(self._clock.stop(time_s), self._offset_s)
            self._timecode.stop()

    def _tune(self, time_s: float) -> None:
        """Bring every channel to the pitch of the ensemble, if it is not the usual one."""
        if self._a4_hz is None or self._loaded is None or self._offset_s is None:
            return
        for part, planned in self._loaded.plan.channels.items():
            channel = int(self._mixes.get((part, "channel"), planned))
            self._dispatch.post(
                (
                    TimedMessage(time_s - self._offset_s, 0.0, part, message)
                    for message in tuning_messages((channel,), self._a4_hz)
                ),
                self._offset_s,
            )

    # ---- time ----------------------------------------------------------------------------------

    def _take_s(self) -> float | None:
        return None if self._offset_s is None else self._now() - self._offset_s

    def _next_s(self) -> float:
        rig, now_s, offset_s = self._dispatch.rig, self._now(), self._offset_s or 0.0
        early_s = rig.ahead_s + COMMIT_S / 2.0
        next_s = min(now_s + STALE_S / 2.0, self._dispatch.next_s)
        if self._performer is not None and self._silent_version is None:
            next_s = min(next_s, self._performer.next_s + offset_s - early_s)
        if rig.clock is not None:
            next_s = min(next_s, self._clock.next_s + offset_s - early_s)
            next_s = min(next_s, self._timecode.next_s + offset_s - early_s)
        if self._seen == -1:
            next_s = min(next_s, now_s + LOOK_S)
        if self._dispatch.sent:
            next_s = min(next_s, self._dispatch.sent_s + REPORT_S)
        return max(next_s, now_s)
