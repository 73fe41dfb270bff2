"""What happens on the hearing thread besides the music: pieces and inputs change, orders come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from typing import TypeAlias

from accompanist.app.engine.commands import CommandError, Commands
from accompanist.app.engine.lasting_feed import AnyFeed, LastingFeed
from accompanist.app.engine.live import LiveEngine, Stage
from accompanist.app.engine.piece import InputFacts, ReadyPiece
from accompanist.app.keeping.keeper import TakeKeeper
from accompanist.app.playing.count_in import CountIn
from accompanist.app.processes.links import Click, InputSettings, Problem, Reported
from accompanist.conducting.settings import FollowMode
from accompanist.session import Step

__all__ = ["Arguments", "Podium"]

Arguments: TypeAlias = tuple[float | int | str | bool | None, ...]
LATENCIES = ("latency", "latency_out")
LONGEST_LATENCY_S = 5.0
_AT_REST = frozenset({"", "idle", "ended"})
_STANDING = _AT_REST | {"armed", "paused"}
_AIMS = {
    "arm": "armed",
    "locate": "armed",
    "start": "countin",
    "stop": "idle",
    "pause": "paused",
    "resume": "armed",
}
"""What an order leads to."""
_AFRESH = {"": "", "idle": "", "ended": "", "paused": "paused"}
"""The state in which a fresh session goes on, unless it is armed."""
_LASTING = frozenset(
    {"base", "countin", "dynamics", "follow", "lead", "level", "lock", "loop", "lost"}
    | {"lost_policy", "max_qpm", "min_qpm", "scale", "tempo_base", "tempo_limits", "tempo_scale"}
)
"""Orders that count until others come."""


class Podium:
    """The piece that is played, its input, its take. All methods are the hearing thread's.

    Attributes and properties may be read from any thread.

    Parameters
    ----------
    stage : Stage
        Where the cues go.
    feed : LastingFeed
    keeper : TakeKeeper
    tell : callable
        Told everything that the daemon is to know; must not wait.
    wake : callable
        Called when the state has changed.
    read_again : callable
        Called when the piece has to be read again for another kind of input.
    wanted : callable
        Whether nothing else has been asked for while a piece was read.
    """

    def __init__(
        self,
        stage: Stage,
        feed: LastingFeed,
        keeper: TakeKeeper,
        *,
        tell: Callable[[object], None],
        wake: Callable[[], None],
        read_again: Callable[[], None],
        wanted: Callable[[ReadyPiece], bool],
    ) -> None:
        self._feed = feed
        self._keeper = keeper
        self._tell = tell
        self._wake = wake
        self._read_again = read_again
        self._wanted = wanted
        self._commands = Commands()
        self._count_in: CountIn | None = None
        self._out_s = 0.0
        self._set: dict[str, Arguments] = {}
        self._order = ""
        self._misfit = False
        self.live = LiveEngine(feed, stage, scribe=keeper, on_step=self._stepped)
        self.ready: ReadyPiece | None = None
        self.input = InputFacts()
        self.state = ""
        self.place_quarter = 0.0
        """Where the ensemble is, or begins."""

    @property
    def at_rest(self) -> bool:
        """Whether nothing is being played."""
        return self.state in _AT_REST

    def go_over(self, ready: ReadyPiece) -> None:
        """Go over to another piece; the same one, made ready for another input, goes on."""
        if not self._wanted(ready):
            return
        if not ready.suits(self.input):  # another input has come meanwhile
            self._read_again()
            return
        goes_on = self.ready is not None and self.ready.request is ready.request
        if goes_on and self._alone:
            self._misfit = True
            return
        aim = self._aim if goes_on else ""
        self._tell(ready.loaded)  # before anything is seen of it
        self._keeper.load(ready.journal_facts(self.input))
        self._keeper.forget_settings()
        # Others may look at any moment: the state that is to be stands before the view has gone.
        self._order, self.state = "", _AFRESH.get(aim, "armed")
        if not goes_on:
            self._set.clear()
            self.place_quarter = ready.request.settings.start_quarter
        self.live.change(ready.session, ready.beside)
        self.ready, self._out_s = ready, ready.request.settings.latency_out_s
        self._commands = Commands()
        self._count_in = None
        self._misfit = False
        self._tell_latency()
        if goes_on:
            self._go_on(aim)

    @property
    def _aim(self) -> str:
        """The state that there is, or is about to be after an order that has just come."""
        return _AIMS.get(self._order, self.state)

    def _go_on(self, aim: str) -> None:
        """Bring a fresh session to where the one before was."""
        for name, arguments in tuple(self._set.items()):
            self.do(name, arguments)
        at_quarter = 0.0 if aim == "ended" else self.place_quarter  # then it begins anew
        if at_quarter > 0.0 or aim not in _AT_REST:
            self.do("locate", (at_quarter,))
        if aim in _AT_REST:
            self.do("stop", ())
            return
        self.do("arm", ())
        if aim == "countin":
            self.do("start", ())
        elif aim == "paused":
            self.do("pause", ())

    def do(self, name: str, arguments: Arguments) -> None:
        """Carry out an order; one that cannot be becomes a `Problem`."""
        session = self.live.session
        try:
            if name.startswith("take_"):
                self._take(name)
                return
            if session is None:
                raise CommandError(409, f"{name}: no piece is loaded; load one first")
            if name == "arm" or (name == "start" and self.at_rest):
                self._keeper.begin()
                self._feed.rewind()
            if name in LATENCIES:
                self._set["latency_out"] = arguments
                arguments = self._with_input(arguments)
            self._commands.call(session.conductor, name, arguments)
        except CommandError as error:
            self._tell(Problem(error.code, str(error), "state"))
            return
        self._note(name, arguments)

    def _note(self, name: str, arguments: Arguments) -> None:
        """Remember what a fresh session would have to be told."""
        if name in _LASTING:
            self._set[name] = arguments
        elif name in _AIMS:
            self._order = name
            if name == "locate" and isinstance(arguments[0], int | float):
                self.place_quarter = float(arguments[0])

    def _with_input(self, arguments: Arguments) -> Arguments:
        """Add the delay of the input to that of the output, which the daemon knows of."""
        match arguments:
            case (int() | float() as out_s,):
                self._out_s = float(out_s)
                return (self._out_s + self.input.latency_s,)
        return arguments

    def mix(self, part: int, control: str, value: float | int | bool | str) -> None:
        """Know what a human has silenced at the desk: the microphone does not hear it any more."""
        if self.live.session is not None and not isinstance(value, str):
            self.live.session.mix(part, control, value)

    def set_input(self, settings: InputSettings) -> None:
        """Change gain, gate and delay of the input that there is."""
        self._feed.set_gate(settings.gain_db, settings.gate_db)
        if settings.latency_s is not None:
            self.input = replace(self.input, latency_s=settings.latency_s)
            self._tell_latency()

    def _tell_latency(self) -> None:
        session = self.live.session
        if session is not None:
            total_s = self._out_s + self.input.latency_s
            session.conductor.latency_out(min(max(total_s, 0.0), LONGEST_LATENCY_S))

    def _take(self, name: str) -> None:
        match name:
            case "take_start":
                self._keeper.begin()
            case "take_stop":
                self._keeper.end()
            case "take_discard":
                self._keeper.discard()
            case _:
                raise CommandError(409, f"{name}: the engine knows no such command")

    def _stepped(self, step: Step, offset_s: float) -> None:
        estimate, ready = step.estimate, self.ready
        if ready is not None:
            for onset in estimate.onsets:
                notes = ready.line.notes[onset.event]
                pitches = tuple(note.pitch for note in notes)
                self._tell(Reported(onset.time_s, onset.quarter, pitches))
            if step.state == "countin" and self._count_in is None:
                self._count_in = CountIn(ready.loaded.score, self._bars_to_count())
        if self._count_in is not None:
            clicks = self._count_in.clicks(step)
            if clicks:
                self._tell(Click(clicks))
            if step.state != "countin":
                self._count_in = None
        if step.state != self.state:
            self.state = step.state
            self._wake()
        self._order = ""
        if isfinite(step.played_quarter):
            self.place_quarter = max(step.played_quarter, 0.0)
        if self._misfit and not self._alone:
            self._misfit = False
            self._read_again()

    @property
    def _alone(self) -> bool:
        """Whether the ensemble plays without listening to anybody."""
        session = self.live.session
        return (
            session is not None
            and session.conductor.mode is FollowMode.FIXED
            and self._aim not in _STANDING
        )

    def adopt(self, feed: AnyFeed, facts: InputFacts) -> None:
        """Listen to another input, already started."""
        self._feed.adopt(feed)
        self.input, ready = facts, self.ready
        self._misfit = False
        if ready is None:
            return
        if ready.suits(facts):
            self._keeper.describe(ready.journal_facts(facts))
            self._tell_latency()
        elif self._alone:
            self._misfit = True  # once it listens again, or has come to rest
        else:
            self._read_again()

    def _bars_to_count(self) -> float:
        session = self.live.session
        return 0.0 if session is None else session.conductor.settings.countin_bars
