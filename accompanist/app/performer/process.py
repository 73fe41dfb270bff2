"""The performer: a process that does nothing but send what is due, when it is due.

It imports no numpy and collects no garbage while it plays; its thread goes before all others
where the system allows that. Opening devices and telling what was sent is left to two further
threads. When the process that started it ends, it lets every note go and ends too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import select
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from accompanist.app.performer.core import PerformerCore
from accompanist.app.performer.outputs import Opened, OutputKeeper
from accompanist.app.performer.realtime import become_real_time, settle_memory
from accompanist.app.performer.sinks import Rig
from accompanist.app.processes.bell import Bell
from accompanist.app.processes.board import Board
from accompanist.app.processes.child import PeerGoneError, parent_connection, received
from accompanist.app.processes.links import (
    Click,
    LoadPlan,
    Mix,
    OutputsOpened,
    Panic,
    Problem,
    Quit,
    Sent,
    SetClock,
    SetOutputs,
    Silence,
)
from accompanist.app.sounded.rings import SYNTH, shared_sound
from accompanist.errors import DeviceError

__all__ = ["PerformerProcess", "main"]

_LOG = logging.getLogger(__name__)
LEAVE_S = 0.5
"""So long the last messages may take to leave."""
LONGEST_WAIT_S = 0.5
BEAT_S = 0.2
"""It shows that it lives so often."""
MOST_UNTOLD = 1000
"""So many reports may wait for a parent that does not listen; further ones are dropped."""


class PerformerProcess:
    """Commands and cues in, messages out, until it is told to leave.

    Parameters
    ----------
    connection : Connection
        To the process that commands.
    board : Board
        Where the cues stand.
    """

    def __init__(self, connection: Connection, board: Board) -> None:
        self._connection = connection
        self._board = board
        self._woken = Bell()
        self._core = PerformerCore(board, time.monotonic)
        shared = shared_sound(board.path, SYNTH)
        self._keeper = OutputKeeper(board.sounding, board.remember, board.recall, self.wake, shared)
        self._outbox: queue.SimpleQueue[OutputsOpened | Sent | Problem | None] = queue.SimpleQueue()
        self._loaded: LoadPlan | None = None
        self._outputs: SetOutputs | None = None
        self._why_not = ""
        self._leaving = False
        self._beat_s = float("-inf")

    def wake(self) -> None:
        """Have the loop look at everything now; from any thread or signal handler."""
        self._woken.ring()

    def leave(self, *_: object) -> None:
        """Have `run` silence everything and return."""
        self._leaving = True
        self.wake()

    def run(self) -> None:
        """Play until told to leave, or until the parent has gone."""
        threads = [
            threading.Thread(target=self._keeper.run, name="outputs"),
            threading.Thread(target=self._report, name="reports", daemon=True),
        ]
        for thread in threads:
            thread.start()
        # Only now: threads take after the one that starts them, and these are not to be first.
        self._why_not = become_real_time()
        settle_memory()
        try:
            while not self._leaving:
                self._wait(self._core.run())
        finally:
            self._finish()
            self._keeper.close()
            threads[0].join()
            self._outbox.put(None)
            threads[1].join(LEAVE_S)

    def _wait(self, until_s: float) -> None:
        """Sleep until something is due or something comes, and take it in."""
        if self._core.has_news:
            for event in self._core.take_events():
                self._tell(event)
        now_s = time.monotonic()
        if self._core.on_stage and now_s - self._beat_s > BEAT_S:
            self._board.beat()
            self._beat_s = now_s
        wait_s = min(until_s - now_s, LONGEST_WAIT_S)
        waiting: list[int] = [self._connection.fileno(), self._woken.fileno()]
        if self._core.on_stage:  # the wake of the board is for who plays
            waiting.append(self._board.fileno())
        ready, _, _ = select.select(waiting, [], [], max(wait_s, 0.0))
        if self._board.fileno() in ready:
            self._board.calm()
        if self._woken.fileno() in ready:
            self._woken.calm()
            self._take_news()
        if self._connection.fileno() in ready:
            try:
                for command in received(self._connection):
                    self._obey(command)
            except PeerGoneError:
                self._leaving = True

    def _obey(self, command: object) -> None:
        core = self._core
        match command:
            case LoadPlan():
                core.load(command)
                before, self._loaded = self._loaded, command
                if before is None or before.part_names != command.part_names:
                    self._open()
            case SetOutputs():
                self._outputs = command
                core.on_stage = True
                self._open()
            case Mix():
                core.mix(command)
            case SetClock():
                core.set_clock(command)
            case Click():
                core.click(command)
            case Silence():
                core.silence()
            case Panic():
                core.panic()
            case Quit():
                self._leaving = True
            case _:
                _LOG.error("a command that is not known: %r", command)

    def _open(self) -> None:
        if self._outputs is not None:
            names = {} if self._loaded is None else self._loaded.part_names
            self._keeper.want(self._outputs.outputs, names)

    def _take_news(self) -> None:
        """Play to what has been opened."""
        while not self._keeper.news.empty():
            match self._keeper.news.get():
                case Rig() as rig:
                    self._core.change_rig(rig)
                    self._keeper.adopted()
                case Opened(outputs):
                    self._tell(OutputsOpened(outputs, not self._why_not, self._why_not))
                case Problem() as problem:
                    self._tell(problem)

    def _finish(self) -> None:
        """Let everything go, and wait until it has left."""
        self._core.silence()
        end_s = time.monotonic() + LEAVE_S
        while not self._core.done and time.monotonic() < end_s:
            time.sleep(0.001)
        for event in self._core.take_events():
            self._tell(event)

    def _tell(self, event: OutputsOpened | Sent | Problem) -> None:
        if self._outbox.qsize() < MOST_UNTOLD:
            self._outbox.put(event)

    def _report(self) -> None:
        """Send events, on a thread that may wait for the parent."""
        while (event := self._outbox.get()) is not None:
            try:
                self._connection.send(event)
            except OSError:  # the loop notices
                return


def _import_drivers() -> None:
    """Load the libraries before they are needed; what is missing shows when it is opened."""
    for name in ("jack", "rtmidi", "fluidsynth"):
        with contextlib.suppress(ImportError, OSError):
            __import__(name)


def _prepare_synth() -> None:
    """Compile what the synthesiser's driver calls."""
    with contextlib.suppress(ImportError, OSError, AttributeError, DeviceError):
        from bridges.fluidsynth_live import fluidsynth_library
        from bridges.fluidsynth_tap import compiled_tap

        compiled_tap(fluidsynth_library()._fl)


def main(arguments: list[str]) -> int:
    """Run as ``python -m accompanist.app.performer.process FD BOARD``.

    A third argument says that it is a spare one and that there is a synthesiser: what takes its
    time is done now.
    """
    logging.basicConfig(level=logging.WARNING, format="performer: %(message)s")
    connection = parent_connection(arguments[0])
    with Board.open(Path(arguments[1])) as board:
        process = PerformerProcess(connection, board)
        signal.signal(signal.SIGTERM, process.leave)
        _import_drivers()
        if arguments[2:]:
            _prepare_synth()
        process.run()
    return 0


if __name__ == "__main__":
    # Left this way, so that no library waits for its threads or frees what it has lost.
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
