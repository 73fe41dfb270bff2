"""Our end of the process that plays a recording: there while there is one, and anew when it dies.

Nothing here imports numpy.
"""

from __future__ import annotations

import contextlib
import select
import threading
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from accompanist.app.processes.bell import Bell, News
from accompanist.app.processes.child import Child, PeerGoneError, fate
from accompanist.app.processes.links import Problem, Quit, Silence
from accompanist.app.processes.recording_links import (
    LoadRecording,
    MixRecording,
    RecordingEvent,
    RecordingFigures,
    RecordingOutput,
    SetRecordingOutput,
)

__all__ = ["RecordingLink", "Unload"]

MODULE = "accompanist.app.recording_player.process"
LEAVE_S = 2.0
HANGS_S = 8.0
"""A process that has said nothing for so long hangs; it says how it is every second."""
SPARE_S = 4.0
"""A new spare is started so long after the last one was needed, when the haste is over."""
BIRTH_S = 30.0
"""What it imports may take so long on a busy machine."""
LOOK_S = 0.5
MOST_DEATHS, DEATHS_S = 3, 10.0
"""After so many deaths in so short a time there is a pause before the next."""
PAUSE_S = 2.0


class Unload:
    """There is no recording any more: the process may go."""


class RecordingLink:
    """The process that plays recordings, as its owner has it. A context manager.

    It is started by the first `LoadRecording` and goes with `Unload`. When it dies another one
    takes its place and goes on where the cues are.

    Parameters
    ----------
    board_path : Path
        The `accompanist.app.processes.board.Board` from which it reads; somebody else makes it.
    output : RecordingOutput
        Where it is to sound.
    spare : bool
        Whether a second process waits, everything loaded. Without it a dead one is replaced too,
        but that takes the time of starting Python and compiling.
    module : str
        What is run; another one in tests.

    Notes
    -----
    `send` may be called from any thread, `events` from one.
    """

    def __init__(
        self,
        board_path: Path,
        output: RecordingOutput,
        *,
        spare: bool = False,
        module: str = MODULE,
    ) -> None:
        self._board_path = board_path
        self._with_spare = spare
        self._spare: Child | None = None
        self._spare_due_s = float("inf")
        self._module = module
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._output = SetRecordingOutput(output)
        self._heir_output = self._output
        """As asked for, with whoever listened last."""
        self._load: LoadRecording | None = None
        self._mixes: dict[str, MixRecording] = {}
        self._news: News[RecordingEvent] = News()
        self._called = Bell()
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._again_s = float("inf")
        self._heard_s = 0.0
        self._hung = 0
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="recording watch", daemon=True)

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
        """Be ready; no process is started before there is a recording."""
        self._watcher.start()

    @property
    def pid(self) -> int:
        """Process number; 0 while there is none."""
        child = self._child
        return 0 if child is None else child.pid

    def fileno(self) -> int:
        """File descriptor to wait on: readable when there are events."""
        return self._news.fileno()

    def events(self) -> list[RecordingEvent]:
        """Take what the process has told since the last call."""
        return self._news.take()

    def send(self, command: object) -> None:
        """Send a command; what must outlive the process is told to the next one, too."""
        with self._lock:
            if self._closing.is_set():
                return
            match command:
                case SetRecordingOutput():
                    if command == self._output:
                        return
                    self._output = self._heir_output = command
                case LoadRecording(score=score):
                    # The process wants the tempi alone, and they are enough to send.
                    command = replace(command, score=replace(score, parts=(), measures=()))
                    self._load = command
                    if self._child is None:
                        self._bear()
                        return
                case MixRecording():
                    self._mixes[command.control] = command
                case Unload():
                    self._load = None
                    self._dismiss()
                    return
            self._say(command)

    def close(self) -> None:
        """Fade out and end the process; closing twice does no harm."""
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
            child, self._child = self._child, None
            spare, self._spare = self._spare, None
        self._call()
        if self._watcher.ident is not None:
            self._watcher.join()
        if child is not None:
            with contextlib.suppress(PeerGoneError):
                child.send(Quit())
            child.close(LEAVE_S)
        if spare is not None:
            spare.close(0.0)
        self._called.close()
        self._news.close()

    def _bear(self) -> None:
        """Start a process and tell it all that it must know; the lock is held."""
        self._again_s = float("inf")
        heir, self._spare = self._spare, None
        self._child = heir or Child(self._module, str(self._board_path))
        self._heard_s = time.monotonic() + BIRTH_S
        if self._with_spare:
            self._spare_due_s = time.monotonic() + SPARE_S
        self._say(self._heir_output)
        for mix in self._mixes.values():
            self._say(mix)
        if self._load is not None:
            self._say(self._load)
        self._call()

    def _dismiss(self) -> None:
        """Have the process leave; the lock is held. It is waited for elsewhere."""
        child, self._child = self._child, None
        spare, self._spare = self._spare, None
        self._again_s = self._spare_due_s = float("inf")
        if spare is not None:
            spare.close(0.0)
        if child is None:
            return
        with contextlib.suppress(PeerGoneError):
            child.send(Silence())
            child.send(Quit())
        threading.Thread(target=child.close, args=(LEAVE_S,), daemon=True).start()
        self._call()

    def _say(self, command: object) -> None:
        if self._child is not None:
            # Should it have died: the watcher sees that, and tells the next one all it must know.
            with contextlib.suppress(PeerGoneError):
                self._child.send(command)

    def _call(self) -> None:
        """Have the watcher look at everything now."""
        self._called.ring()

    # ---- the watcher's thread --------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closing.is_set():
            child = self._child
            waiting: list[Child | Bell] = [self._called]
            if child is not None:
                waiting.append(child)
            spare = self._spare
            if spare is not None:
                waiting.append(spare)
            due_s = min(self._again_s, self._spare_due_s)
            wait_s = min(max(due_s - time.monotonic(), 0.0), LOOK_S)
            try:
                ready, _, _ = select.select(waiting, [], [], wait_s)
            except (OSError, ValueError):  # it has been dismissed meanwhile
                continue
            if self._called in ready:
                self._called.calm()
            if child is not None and child in ready:
                self._hear(child)
            if spare is not None and spare in ready and spare is self._spare:
                self._hear_spare(spare)  # else it plays by now, and what it says counts
            if time.monotonic() >= self._spare_due_s:
                self._engage()
            if time.monotonic() >= self._again_s:
                with self._lock:
                    if self._load is not None and self._child is None:
                        self._bear()
            self._kill_hung()

    def _hear(self, child: Child) -> None:
        try:
            told = child.receive()
        except (PeerGoneError, OSError):
            self._replace(child)
            return
        for event in told:
            self._heard_s = time.monotonic()
            if isinstance(event, RecordingFigures) and event.connections:
                self._note_connections(event)
            self._tell(event)

    def _hear_spare(self, spare: Child) -> None:
        """Take nothing of what a spare says but its death."""
        try:
            spare.receive()
        except (PeerGoneError, OSError):
            with self._lock:
                if spare is not self._spare:
                    return
                self._spare = None
                self._spare_due_s = time.monotonic() + SPARE_S
            spare.close(0.0)

    def _engage(self) -> None:
        """Start a new spare."""
        with self._lock:
            self._spare_due_s = float("inf")
            if self._child is not None and self._spare is None and not self._closing.is_set():
                self._spare = Child(self._module, str(self._board_path), "spare")

    def _note_connections(self, event: RecordingFigures) -> None:
        """Have the next one connected as this one is."""
        output = replace(self._output.output, connect=event.connections)
        self._heir_output = SetRecordingOutput(output)

    def _kill_hung(self) -> None:
        child = self._child
        if child is not None and time.monotonic() - self._heard_s > HANGS_S:
            self._hung = child.pid
            child.kill()

    def _replace(self, dead: Child) -> None:
        """Have another process play on in place of one that has died."""
        with self._lock:
            if dead is not self._child or self._closing.is_set():
                return  # it was told to go
            self._child = None
            now_s = time.monotonic()
            self._deaths.append(now_s)
            often = len(self._deaths) == MOST_DEATHS and now_s - self._deaths[0] < DEATHS_S
            if often:
                self._again_s = now_s + PAUSE_S
            else:
                self._bear()
        status = dead.close(0.0)
        how = "hung" if dead.pid == self._hung else fate(status)
        self._tell(Problem(503, f"the recording's player {how}; another takes its place"))

    def _tell(self, event: RecordingEvent) -> None:
        self._news.tell(event)
