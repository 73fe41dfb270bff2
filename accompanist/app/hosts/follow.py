"""How a host goes with a take: cues and news in, messages out. Pure: no socket, no clock."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from accompanist.performing.cue import Cue
from bridges.hosts.table import HostDriver, HostNews, News, Osc, Place

__all__ = ["HostFollow", "HostSettings", "ScoreTimes", "Zero"]

_GOING = frozenset({"countin", "following", "holding", "waiting", "vamping", "lost"})
_ARMED = "armed"
_ASK_SOON_S, _ASK_LATER_S, _SOON_S = 0.1, 1.0, 1.5
"""Just after it has begun to roll a host is asked often, then now and then."""
_MOST_READINGS = 15
_TAIL_S = 2.0
"""A host is stopped this long after the piece has ended, so that the last note rings."""
_PATIENCE_S = 1.0
_SAME_TEMPO = 0.003
_JUST_BEFORE = 1e-6
_JUMPED_S = 0.25
"""A reading this far from where the host should be says that somebody has moved it."""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """How we deal with one host."""

    name: str
    host: str = "127.0.0.1"
    port: int | None = None
    """Where it listens; None: the usual port."""
    reply_port: int | None = None
    """Where it answers to; None: the usual port, or wherever we send from."""
    roll: str = "start"
    """``never``, ``arm`` (rolls from arm on) or ``start`` (from the first note on)."""
    tempo_policy: str = "never"
    """``never``, ``stopped`` (when armed) or ``perbar`` (and at most once a bar)."""
    read_position: bool = True
    locate: bool = True
    markers: bool = True


@dataclass(frozen=True, slots=True)
class Zero:
    """From take time ``from_s`` on the host stood at take time + ``zero_s`` (its seconds)."""

    from_s: float
    zero_s: float


@dataclass(frozen=True, slots=True)
class ScoreTimes:
    """What of a piece a host wants to know; sequences sorted.

    ``quarters`` and ``seconds`` [same length ≥ 2] draw the written tempo.
    """

    quarters: tuple[float, ...] = (0.0, 1.0)
    seconds: tuple[float, ...] = (0.0, 0.5)
    bars: tuple[float, ...] = ()
    marks: tuple[tuple[float, str], ...] = ()

    def place(self, quarter: float) -> Place:
        """Where a position stands on the written timeline, as the session has it."""
        q, s = self.quarters, self.seconds
        i = min(max(bisect_right(q, quarter), 1), len(q) - 1)
        slope = (s[i] - s[i - 1]) / (q[i] - q[i - 1])
        return Place(max(0.0, s[i - 1] + (quarter - q[i - 1]) * slope), max(0.0, quarter))


class HostFollow:
    """Follows the cues on behalf of one host. Not thread-safe.

    Parameters
    ----------
    driver : HostDriver
        Speaks to the host.
    settings : HostSettings
        What it is to be told.
    """

    def __init__(self, driver: HostDriver, settings: HostSettings) -> None:
        self.driver = driver
        self.settings = settings
        self._times = ScoreTimes()
        self._cue: Cue | None = None
        self._rolling = False
        """What we have told it."""
        self._owed: Place | None = None
        """Where it is to go once it has told its sample rate."""
        self._owed_since_s = 0.0
        self._takes = 0
        self._mark = 0
        self._bar = -1
        self._told_qpm = 0.0
        self._ask_at_s = self._stop_at_s = float("inf")
        self._rolled_at_s = 0.0
        self._asked_at_s = float("-inf")
        self._readings: list[Zero] = []
        self._zeros: list[Zero] = []
        self._qpm = 120.0
        """Its tempo as told: some hosts count in beats only."""

    @property
    def zeros(self) -> tuple[Zero, ...]:
        """Where the host stood during this take, a value for each stretch between its jumps."""
        return tuple(self._zeros)

    def load(self, times: ScoreTimes) -> tuple[Osc, ...]:
        """Take a new piece; a host that rolls for the old one is stopped."""
        stopped = self._stop()
        self._owed = None
        self._times = times
        self._cue = None
        return stopped

    def take(self, cue: Cue, now_s: float) -> tuple[Osc, ...]:
        """Go on by a cue; ``now_s`` is the take time."""
        before, self._cue = self._cue, cue
        was = before.state if before is not None else "idle"
        jumped = before is not None and cue.jumps != before.jumps
        out: list[Osc] = []
        if cue.state == _ARMED and was != _ARMED:
            out += self._prepare(cue, now_s)
            if self.settings.roll == "arm":
                out += self._roll(now_s)
        elif cue.state in _GOING and was not in _GOING:
            out += self._begin(cue, was, now_s, jumped=jumped)
        elif cue.state == "ended":
            if was != "ended" and self._rolling:
                self._stop_at_s = now_s + _TAIL_S
        elif self._rolling and cue.state != _ARMED and cue.state not in _GOING:
            out += self._stop()
        elif jumped:
            out += self._locate(cue.plays_from, now_s)
        if cue.state in _GOING:
            out += self._on_the_way(cue, now_s)
        return tuple(out)

    def due(self, now_s: float) -> tuple[Osc, ...]:
        """Give what is due at take time ``now_s``: questions, the stop after the last note."""
        if now_s >= self._stop_at_s:
            return self._stop()
        if self._owed is not None:
            return tuple(self._pay(self._owed, now_s))
        if now_s < self._ask_at_s:
            return ()
        soon = now_s - self._rolled_at_s < _SOON_S
        self._ask_at_s = now_s + (_ASK_SOON_S if soon else _ASK_LATER_S)
        self._asked_at_s = now_s
        return self.driver.ask()

    def hear(self, news: HostNews, at_s: float) -> None:
        """Take news of the host that came at take time ``at_s``."""
        if news.news is News.QPM and news.value > 0:
            self._qpm = news.value
        elif news.news in (News.SECONDS, News.QUARTER) and self._rolling:
            seconds = news.value if news.news is News.SECONDS else news.value * 60.0 / self._qpm
            asked = self._asked_at_s
            # an answer speaks of the moment between question and answer
            when = (asked + at_s) / 2 if 0.0 <= at_s - asked < _ASK_SOON_S else at_s
            self._read(Zero(when, seconds - when))

    # ---- steps -----------------------------------------------------------------------------------

    def _prepare(self, cue: Cue, now_s: float) -> Iterator[Osc]:
        """Have it stand where the take begins."""
        yield from self._stop()
        if self.settings.roll != "never" and self.settings.locate:
            yield from self._go(self._times.place(cue.plays_from), now_s)
        self._zeros.clear()
        self._readings.clear()
        self._takes += 1
        self._told_qpm = 0.0
        if self.settings.tempo_policy != "never":
            yield from self._tell_tempo(cue)

    def _begin(self, cue: Cue, was: str, now_s: float, *, jumped: bool) -> Iterator[Osc]:
        self._mark = bisect_left(self._times.marks, (cue.plays_from - _JUST_BEFORE, ""))
        self._bar = -1
        if was not in (_ARMED, "paused"):
            yield from self._prepare(cue, now_s)
        elif jumped and not self._rolling:  # a locate would end what it records from arm on
            yield from self._locate(cue.plays_from, now_s)
        if self.settings.roll != "never" and not self._rolling:
            yield from self._roll(now_s)

    def _roll(self, now_s: float) -> Iterator[Osc]:
        self._rolling = True
        self._rolled_at_s = now_s
        self._readings.clear()
        if self._owed is not None:
            return  # it is to roll from there; a locate on the way would end a recording
        if self.settings.read_position:
            self._ask_at_s = now_s + _ASK_SOON_S
        yield from self.driver.roll()

    def _stop(self) -> tuple[Osc, ...]:
        self._ask_at_s = self._stop_at_s = float("inf")
        self._asked_at_s = float("-inf")
        if not self._rolling:
            return ()
        self._rolling = False
        waited, self._owed = self._owed is not None, None
        return () if waited else self.driver.stop()

    def _locate(self, quarter: float, now_s: float) -> Iterator[Osc]:
        self._mark = bisect_left(self._times.marks, (quarter - _JUST_BEFORE, ""))
        if self.settings.roll == "never" or not self.settings.locate:
            return
        yield from self._go(self._times.place(quarter), now_s)
        if self._rolling:
            self._rolled_at_s = now_s
            self._readings.clear()

    def _go(self, place: Place, now_s: float) -> tuple[Osc, ...]:
        """Send it there; later if it has not told yet what we must know for that."""
        self._owed = None
        told = self.driver.locate(place, rolling=self._rolling)
        if not told and self.driver.table.locate:
            self._owed, self._owed_since_s = place, now_s
        return told

    def _pay(self, place: Place, now_s: float) -> Iterator[Osc]:
        """Make up for a locate, and for the start that has waited for it; not for ever."""
        told = self.driver.locate(place, rolling=False)
        if not told and now_s - self._owed_since_s < _PATIENCE_S:
            return
        self._owed = None
        yield from told
        if self._rolling:
            yield from self._roll(now_s)

    def _on_the_way(self, cue: Cue, now_s: float) -> Iterator[Osc]:
        quarter = cue.timeline.to_quarter(now_s)
        if quarter >= cue.timeline.gate_quarter:
            quarter = cue.timeline.gate_quarter - _JUST_BEFORE
        while self._mark < len(self._times.marks) and self._times.marks[self._mark][0] <= quarter:
            text = self._times.marks[self._mark][1]
            self._mark += 1
            if self.settings.markers:
                yield from self.driver.marker(f"take {self._takes}: {text}")
        bar = bisect_right(self._times.bars, quarter)
        if self.settings.tempo_policy == "perbar" and bar != self._bar:
            self._bar = bar
            yield from self._tell_tempo(cue)

    def _tell_tempo(self, cue: Cue) -> Sequence[Osc]:
        qpm = 60.0 * cue.timeline.rate_quarter_s
        if abs(qpm - self._told_qpm) < _SAME_TEMPO * qpm:
            return ()
        self._told_qpm = qpm
        return self.driver.tempo(qpm)

    def _read(self, reading: Zero) -> None:
        if self._zeros and not self._readings:
            self._zeros.append(reading)  # located: a new stretch begins
        elif self._zeros and abs(reading.zero_s - self._zeros[-1].zero_s) > _JUMPED_S:
            self._readings.clear()
            self._zeros.append(reading)
        self._readings.append(reading)
        del self._readings[:-_MOST_READINGS]
        middle = median(r.zero_s for r in self._readings)
        if self._zeros:
            self._zeros[-1] = Zero(self._zeros[-1].from_s, middle)
        else:
            self._zeros.append(Zero(reading.from_s, middle))
