"""Our end of the performer: commands down, events up, and another one when it dies."""

from __future__ import annotations

import contextlib
import logging
import select
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

from accompanist.app.processes.bell import Bell, News
from accompanist.app.processes.board import Board
from accompanist.app.processes.child import Child, PeerGoneError, fate
from accompanist.app.processes.links import (
    LoadPlan,
    Mix,
    OutputSettings,
    OutputsOpened,
    Problem,
    Quit,
    Sent,
    SetClock,
    SetOutputs,
)

__all__ = ["PerformerEvent", "PerformerLink"]

_LOG = logging.getLogger(__name__)
MODULE = "accompanist.app.performer.process"
SPARE_S = 1.0
"""A new spare is started so long after the last one was needed, when the haste is over."""
LEAVE_S = 2.0
MOST_DEATHS, DEATHS_S = 5, 10.0
"""After so many deaths in so short a time there is a pause before the next."""

HANGS_S = 3.0
"""A performer that has shown no life for so long is killed, and replaced like one that has died."""
LOOK_S = 1.0

PerformerEvent = OutputsOpened | Sent | Problem


class PerformerLink:
    """The performer process, and a spare one that takes its place within milliseconds.

    A context manager; entering starts the processes.

    Parameters
    ----------
    board_path : Path
        Where to make the `accompanist.app.processes.board.Board` from which the performer reads.
    outputs : OutputSettings
        What to open first.
    spare : bool
        Whether a second process waits, everything loaded. Without it a dead performer is replaced
        too, but that takes the time of starting Python.

    Notes
    -----
    `send` may be called from any thread, `events` from one.
    """

    def __init__(self, board_path: Path, outputs: OutputSettings, *, spare: bool = True) -> None:
        self.board_path = board_path
        self._with_spare = spare
        self._lock = threading.Lock()
        self._active: Child | None = None
        self._spare: Child | None = None
        self._spare_due_s = float("inf")
        self._outputs = SetOutputs(outputs)
        self._plan: LoadPlan | None = None
        self._clock: SetClock | None = None
        self._mixes: dict[tuple[int, str], Mix] = {}
        self._news: News[PerformerEvent] = News()
        self._called = Bell()
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._closing = threading.Event()
        self._board: Board | None = None
        self._since_s = 0.0
        self._hung = 0
        self._watcher = threading.Thread(target=self._watch, name="performer watch", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Make the board and start the performer and its spare."""
        self._board = Board.create(self.board_path)
        with self._lock:
            self._active, self._since_s = self._born(), time.monotonic()
            self._brief(self._active, self._outputs)
            if self._with_spare:
                self._spare = self._born(spare=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """Process number of the performer that plays; 0 while there is none."""
        active = self._active
        return 0 if active is None else active.pid

    def fileno(self) -> int:
        """File descriptor to wait on: readable when there are events."""
        return self._news.fileno()

    def events(self) -> list[PerformerEvent]:
        """Take what the performer has told since the last call."""
        return self._news.take()

    def send(self, command: object) -> None:
        """Send a command; what must outlive the performer is told to the next one too."""
        with self._lock:
            lasting = True
            match command:
                case SetOutputs():
                    self._outputs = command
                    lasting = False  # the spare opens nothing before it is its turn
                case LoadPlan():
                    self._plan = command
                    self._mixes.clear()
                case Mix():
                    self._mixes[command.part, command.control] = command
                case SetClock():
                    self._clock = command
                case _:
                    lasting = False
            self._say(self._active, command)
            if lasting:
                self._say(self._spare, command)

    def close(self) -> None:
        """Silence everything and end the processes; `events` has their last words.

        Closing twice does no harm.
        """
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
            active, spare = self._active, self._spare
            self._say(active, Quit())
        self._call()
        if self._watcher.ident is not None:
            self._watcher.join()
        if active is not None:
            self._hear_out(active)
        for child in (active, spare):
            if child is not None:
                child.close()
        if self._board is not None:
            self._board.close()
        self._called.close()
        self._news.close()

    def _hear_out(self, child: Child) -> None:
        """Take the last words of a child that is leaving."""
        end_s = time.monotonic() + LEAVE_S
        with contextlib.suppress(PeerGoneError):
            while (left_s := end_s - time.monotonic()) > 0.0:
                self._news.tell(*child.receive(left_s))

    # ---- processes -----------------------------------------------------------------------------

    def _born(self, *, spare: bool = False) -> Child:
        outputs = self._outputs.outputs
        words = ("synth",) if spare and outputs.synth and outputs.tapped else ()
        child = Child(MODULE, str(self.board_path), *words)
        self._brief(child, self._plan, self._clock, *self._mixes.values())
        return child

    def _brief(self, child: Child, *commands: object) -> None:
        for command in commands:
            if command is not None:
                self._say(child, command)

    def _say(self, child: Child | None, command: object) -> None:
        if child is not None:
            # Should it have died: the watcher sees that, and tells the next one all it must know.
            with contextlib.suppress(PeerGoneError):
                child.send(command)

    def _call(self) -> None:
        """Have the watcher look at everything now."""
        self._called.ring()

    # ---- the watcher's thread ------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closing.is_set():
            active, spare = self._active, self._spare
            waiting: list[Child | Bell] = [self._called]
            waiting += [child for child in (active, spare) if child is not None]
            wait_s = min(max(self._spare_due_s - time.monotonic(), 0.0), LOOK_S)
            ready, _, _ = select.select(waiting, [], [], wait_s)
            if self._closing.is_set():
                return
            if active is not None and active in ready:
                self._hear(active)
            if spare is not None and spare in ready and spare is self._spare:
                self._hear_spare(spare)
            if time.monotonic() >= self._spare_due_s:
                self._engage()
            if active is not None and self._hangs():
                self._hung = active.pid
                active.kill()

    def _hangs(self) -> bool:
        """Whether the performer has shown no life any more since it was put on the stage."""
        beat_s = float("-inf") if self._board is None else self._board.performer_beat_s
        return beat_s > self._since_s and time.monotonic() - beat_s > HANGS_S

    def _hear(self, child: Child) -> None:
        try:
            for event in child.receive():
                self._tell(event)
        except PeerGoneError:
            self._replace(child)

    def _hear_spare(self, child: Child) -> None:
        """Take nothing of what a spare says but its death."""
        try:
            child.receive()
        except PeerGoneError:
            with self._lock:
                self._spare = None
            child.close(0.0)
            self._spare_due_s = time.monotonic() + SPARE_S

    def _replace(self, dead: Child) -> None:
        """Have the spare play in place of a performer that has died."""
        if self._spare is None:
            self._pause()
        with self._lock:
            if self._closing.is_set():
                return
            heir, self._spare = self._spare, None
            if heir is None:
                heir = self._born()
            self._active, self._since_s = heir, time.monotonic()
            self._say(heir, self._outputs)
        status = dead.close(0.0)
        if self._with_spare:
            self._spare_due_s = time.monotonic() + SPARE_S
        self._deaths.append(time.monotonic())
        how = "hung" if dead.pid == self._hung else fate(status)
        self._tell(Problem(503, f"the performer {how}; another has taken its place"))

    def _pause(self) -> None:
        """Wait a little if they die as fast as they are born."""
        full = len(self._deaths) == MOST_DEATHS
        if full and time.monotonic() - self._deaths[0] < DEATHS_S:
            time.sleep(SPARE_S)

    def _engage(self) -> None:
        """Start a new spare."""
        self._spare_due_s = float("inf")
        with self._lock:
            if not self._closing.is_set() and self._spare is None:
                self._spare = self._born(spare=True)

    def _tell(self, event: PerformerEvent) -> None:
        self._news.tell(event)
