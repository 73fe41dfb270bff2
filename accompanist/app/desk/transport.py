"""Transport, places and the human hand: what the desk tells the engine to do."""

from __future__ import annotations

from collections.abc import Callable

from accompanist.app.desk.axis import DeskAxis
from accompanist.app.desk.places import Places
from accompanist.app.desk.protocol import DeskError, Value, Values
from accompanist.app.desk.store import Sender, Store
from accompanist.app.processes.links import Do
from accompanist.score.model import Score

__all__ = ["RUNNING", "Transport"]

RUNNING = frozenset({"countin", "following", "holding", "waiting", "vamping", "lost"})
"""States in which the music goes on."""
_READY = RUNNING | {"armed", "paused"}


class Transport:
    """Actions that need a loaded piece. Not thread-safe.

    Parameters
    ----------
    store : Store
    engine : Sender
    quarter : callable
        Where the ensemble is now.
    ready : callable
        Raises `DeskError` while nothing can be played: no piece, no engine.
    heard : callable
        Raises `DeskError` while there is no input.
    coming : callable
        Whether a piece is being loaded; given True, whether the input is still being opened, too.
    """

    def __init__(
        self,
        store: Store,
        engine: Sender,
        quarter: Callable[[], float],
        ready: Callable[[], None],
        heard: Callable[[], None],
        coming: Callable[[bool], bool],
    ) -> None:
        self._store = store
        self._engine = engine
        self._quarter = quarter
        self._ready = ready
        self._heard = heard
        self._coming = coming
        self._wish = ""
        self._places: Places | None = None
        self.actions: dict[str, Callable[[Values], None]] = {
            "arm": self._arm,
            "start": self._start,
            "stop": self._stop,
            "pause": self._pause,
            "resume": self._resume,
            "cue": self._cue,
            "hold": self._hold,
            "vamp/exit": self._vamp_exit,
            "resync": self._resync,
            "tempo/tap": self._tap,
            "tempo/nudge": self._nudge,
            "goto/bar": lambda v: self.go_to(self.places.bar_quarter(int(v[0]))),
            "goto/quarter": lambda v: self.go_to(self.places.checked(float(v[0]))),
            "goto/mark": lambda v: self.go_to(self.places.mark_quarter(str(v[0]))),
            "goto/next": lambda v: self.go_to(self.places.next_mark(self._quarter())),
            "goto/prev": lambda v: self.go_to(self.places.previous_mark(self._quarter())),
        }

    @property
    def places(self) -> Places:
        """Places of the loaded piece.

        Raises
        ------
        DeskError
            409: no piece is loaded.
        """
        if self._places is None:
            raise DeskError(409, "no piece is loaded; load one with piece/load")
        return self._places

    def load(self, score: Score | None, axis: DeskAxis | None = None) -> None:
        """Begin with another piece, or none; ``axis`` says how its positions are told."""
        self._places = None if score is None else Places(score, axis)

    def fulfil(self) -> None:
        """Arm or start, if that was wished for before everything was there, and now is."""
        name = self._wish
        if not name or self._coming(self._wants_ears(name)):
            return
        self._wish = ""
        try:
            self.actions[name](())
        except DeskError as error:
            self._store.refuse(name, error)

    def forget_wish(self) -> None:
        """Let go of a wish to arm or start that waits for its piece."""
        self._wish = ""

    def set_loop(self, values: Values) -> None:
        """Go round between two bars, or no more.

        Raises
        ------
        DeskError
            No piece, or no such bars.
        """
        on, first, last = (int(v) for v in values)
        if not on:
            if self._places is not None:
                self._do("loop", None)
        else:
            self._do("loop", *self.places.span(first, last))
        self._store.put("loop", on, first, last)

    def send_loop(self) -> None:
        """Tell an engine that has just loaded the piece again about the loop."""
        on, first, last = (int(v) for v in self._store["loop"])
        if on:
            self._do("loop", *self.places.span(first, last))

    def go_to(self, quarter: float) -> None:
        """Locate; whoever leaves a loop ends it.

        Raises
        ------
        DeskError
            It cannot be done now.
        """
        self._ready()
        on, first, last = (int(v) for v in self._store["loop"])
        if on:
            begin, end = self.places.span(first, last)
            if not begin <= quarter < end:
                self.set_loop((0, first, last))
        on_stage = self._store.word("state") in RUNNING
        self._do("locate", quarter)
        if on_stage and self._store.word("follow/mode") == "fixed":
            self._do("start")  # nobody is waited for

    def _do(self, name: str, *arguments: Value | None) -> None:
        self._engine.send(Do(name, arguments))

    def _want(self, *states: str) -> None:
        """See that the engine can play and is in one of these states."""
        self._ready()
        state = self._store.word("state")
        if state not in states:
            raise DeskError(409, f"not possible while {state}; it can be while {_words(states)}")

    def _wants_ears(self, name: str) -> bool:
        return name == "arm" or self._store.word("follow/mode") != "fixed"

    def _waits(self, name: str) -> bool:
        """Keep a wish for when the piece and the input are there, if they are on their way."""
        self._wish = name if self._coming(self._wants_ears(name)) else ""
        return bool(self._wish)

    def _arm(self, values: Values) -> None:
        if self._waits("arm"):
            return
        self._ready()
        self._heard()
        self._do("arm")

    def _start(self, values: Values) -> None:
        if self._waits("start"):
            return
        self._ready()
        if self._wants_ears("start"):
            self._heard()
        self._want("idle", "armed", "paused", "ended", "error")  # without ears, but fixed
        self._do("start")

    def _stop(self, values: Values) -> None:
        self._wish = ""
        if self._places is not None:
            self._do("stop")

    def _pause(self, values: Values) -> None:
        self._want(*RUNNING, "armed")
        self._do("pause")

    def _resume(self, values: Values) -> None:
        self._want("paused")
        self._do("resume")

    def _cue(self, values: Values) -> None:
        self._want(*RUNNING, "armed")
        self._do("cue")

    def _hold(self, values: Values) -> None:
        if not values or values[0]:
            self._want(*RUNNING)
        self._do("hold", *(bool(value) for value in values))

    def _vamp_exit(self, values: Values) -> None:
        self._want("vamping")
        self._do("vamp_exit")

    def _resync(self, values: Values) -> None:
        self._want(*RUNNING, "armed")
        self._do("resync")

    def _tap(self, values: Values) -> None:
        self._want(*_READY, "idle", "ended")
        self._do("beat" if self._store.word("follow/mode") == "conduct" else "tempo_tap")

    def _nudge(self, values: Values) -> None:
        self._want(*RUNNING)
        self._do("tempo_nudge", float(values[0]))


def _words(states: tuple[str, ...]) -> str:
    *most, last = sorted(states)
    return f"{', '.join(most)} or {last}" if most else last
