"""The performer: cues in, messages out, each with the moment at which it is to leave.

A pure machine. Offline the session asks it hop by hop, live a process of its own asks it as time
goes by; what it gives depends on the cues and the moments asked for alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from accompanist.performing.cue import Cue
from accompanist.performing.messages import Message, TimedMessage
from accompanist.performing.mixer import Mixer
from accompanist.performing.plan import Plan
from accompanist.performing.scheduler import SETTLE_S, Scheduler

__all__ = ["Performer"]

_LOWEST_DB, _HIGHEST_DB = -60.0, 12.0
_AT_REST = "idle"


class Performer:
    """Plays a plan as it is cued. Not thread-safe.

    Parameters
    ----------
    plan : Plan
        What the ensemble plays.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._scheduler = Scheduler(plan)
        self._mixer = Mixer(plan.channels, plan.sustained)
        self._cue: Cue | None = None

    @property
    def cue(self) -> Cue | None:
        """The cue in force."""
        return self._cue

    @property
    def parts(self) -> tuple[int, ...]:
        """Numbers of the parts that play."""
        return self._scheduler.parts

    @property
    def sounding(self) -> int:
        """How many keys are down."""
        return self._scheduler.sounding

    @property
    def next_s(self) -> float:
        """Take time before which nothing is due by the cue at hand; infinite if nothing is to come.

        `due` gives what comes strictly before the time it is asked for.
        """
        if self._cue is None:
            return float("inf")
        next_s = self._scheduler.next_s(self._cue.timeline)
        return min(next_s, max(self._mixer.expression.next_s, self._scheduler.now_s))

    def take(self, cue: Cue) -> tuple[TimedMessage, ...]:
        """Go on by a newer cue; give what a jump or a silence in it asks for."""
        before, self._cue = self._cue, cue
        self._mixer.expression.lean_db = cue.lean_db
        faded = () if cue.fade == self._mixer.fade else self._fade(cue.fade, cue.time_s)
        if before is None or cue.jumps != before.jumps:
            playing = before is not None and cue.playing
            sent = self._scheduler.locate(cue.plays_from, cue.time_s, playing=playing)
        elif cue.silences != before.silences:
            if cue.state == _AT_REST:
                return (*self.silence(cue.time_s), *faded)
            sent = self._scheduler.silence(cue.time_s)
        else:
            return (*faded, *self._glided(cue.time_s))
        return (*self._mixed(sent), *faded)

    def due(self, until_s: float) -> tuple[TimedMessage, ...]:
        """Messages due before ``until_s`` (take time) and not yet given, in order of sending."""
        if self._cue is None:
            return ()
        glided = self._glided(self._scheduler.now_s) if until_s > self._scheduler.now_s else ()
        return (*glided, *self._mixed(self._scheduler.due(self._cue.timeline, until_s)))

    def silence(self, time_s: float) -> tuple[TimedMessage, ...]:
        """Let every key go, lift every pedal, give CC 11 back; it goes on with what comes next."""
        silenced = self._mixed(self._scheduler.silence(time_s))
        time_s = self._scheduler.now_s
        given = self._mixer.rest().items()
        return (*silenced, *(t for part, m in given for t in self._now([m], part, time_s)))

    def chase(self, time_s: float) -> tuple[TimedMessage, ...]:
        """Bank, program, controllers and bend once more: a synthesiser has come to the port."""
        return self._mixed(self._scheduler.chase(time_s))

    def mix(
        self, part: int, control: str, value: float | int | bool, time_s: float
    ) -> tuple[TimedMessage, ...]:
        """Set one control of one part; give what has to be sent for it at once.

        Parameters
        ----------
        part : int
            Number of a part that plays.
        control : str
            ``mute``, ``solo`` (bool), ``gain`` (dB), ``pan`` (−1…1), ``program`` (0–127),
            ``channel`` (1–16).
        value
            Its new value; a program below 0 is that of the score.
        time_s : float
            Take time now.

        Raises
        ------
        ValueError
            There is no such part or control, or the value is out of range.
        """
        strip = self._mixer.strips.get(part)
        if strip is None:
            raise ValueError(f"no part {part} plays here")
        match control:
            case "mute" | "solo":
                setattr(strip, control, bool(value))
                return self._hush(time_s)
            case "gain":
                strip.gain_db = _within(control, float(value), _LOWEST_DB, _HIGHEST_DB)
            case "pan":
                strip.pan = _within(control, float(value), -1.0, 1.0)
            case "program":
                program = int(_within(control, float(value), -1, 127))
                strip.program = None if program < 0 else program
                self._scheduler.wait_until(time_s + SETTLE_S)
            case "channel":
                return self._move(part, int(_within(control, float(value), 1, 16)), time_s)
            case _:
                raise ValueError(f"a part has no control {control!r}")
        setting = self._mixer.setting(part, control)
        return () if setting is None else self._now([setting], part, time_s)

    def _fade(self, fade: float, time_s: float) -> tuple[TimedMessage, ...]:
        """Take another share of the loudness; tell each channel for which it makes a difference."""
        before = {part: self._mixer.setting(part, "expression") for part in self.parts}
        self._mixer.fade = fade
        out: dict[Message, TimedMessage] = {}
        for part in self.parts:
            message = self._mixer.setting(part, "expression")
            if message is not None and message != before[part]:
                out.setdefault(message, *self._now([message], part, time_s))
        return tuple(out.values())

    def _glided(self, time_s: float) -> tuple[TimedMessage, ...]:
        """Let what sounds go with the lean."""
        time_s = max(time_s, self._scheduler.now_s)
        return tuple(
            timed
            for part, message in self._mixer.glide(time_s).items()
            for timed in self._now([message], part, time_s)
        )

    def _hush(self, time_s: float) -> tuple[TimedMessage, ...]:
        """Silence the parts that are not to be heard, bring back those that are."""
        out: list[TimedMessage] = []
        for part in self.parts:
            out.extend(self._scheduler.mute(part, self._mixer.silent(part), time_s))
        return self._mixed(out)

    def _move(self, part: int, channel: int, time_s: float) -> tuple[TimedMessage, ...]:
        """Put a part on another channel; its keys go up on the old one first."""
        strip = self._mixer.strips[part]
        if strip.channel == channel:
            return ()
        let_go = self._mixed(self._scheduler.mute(part, True, time_s))
        strip.channel = channel
        self._scheduler.mute(part, self._mixer.silent(part), time_s)
        settings = self._now(self._mixer.all_settings(part), part, time_s)
        self._scheduler.wait_until(time_s + SETTLE_S)
        return (*let_go, *settings)

    def _now(
        self, messages: Iterable[Message], part: int, time_s: float
    ) -> tuple[TimedMessage, ...]:
        at = self._scheduler.position_quarter
        return tuple(TimedMessage(time_s, at, part, message) for message in messages)

    def _mixed(self, messages: Iterable[TimedMessage]) -> tuple[TimedMessage, ...]:
        out: list[TimedMessage] = []
        for timed in messages:
            first = self._mixer.before(timed)
            if first is not None:
                out.append(TimedMessage(timed.time_s, timed.quarter, timed.part, first))
            out.append(self._mixer.put_through(timed))
        return tuple(out)


def _within(control: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError(f"{control} goes from {low:g} to {high:g}, not {value:g}")
    return value
