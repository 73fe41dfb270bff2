"""The process that plays a recording: ``python -m …recording_player.process FD BOARD``.

It reads the cues on the board, renders a little ahead of the device, and tells how it keeps up.
Opening devices and files and telling are left to further threads. When the process that started it
ends, it fades out and ends too.
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
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from accompanist.app.processes.bell import Bell
from accompanist.app.processes.child import PeerGoneError, parent_connection
from accompanist.app.processes.inbox import Inbox
from accompanist.app.processes.links import OutputInfo, Problem, Quit, Silence
from accompanist.app.processes.recording_links import (
    LoadRecording,
    MixRecording,
    RecordingEvent,
    RecordingFigures,
    RecordingOpened,
    RecordingReady,
    SetRecordingOutput,
)
from accompanist.app.threads import import_ahead, tell_where_threads_are, use_one_thread

if TYPE_CHECKING:
    from accompanist.app.processes.board import Board
    from accompanist.app.recording_player.outputs import SoundOutput

__all__ = ["RecordingProcess", "main"]

_LOG = logging.getLogger(__name__)

LEAVE_S = 0.08
"""So long the last sound may take to fade."""
LONGEST_WAIT_S = 0.25
TELL_S = 1.0
"""Figures are told so often."""
LEAST_AHEAD_S, MOST_AHEAD_S = 0.016, 0.1
"""Rendered so far ahead of the device: from the first on, and further after each drop-out …"""
WIDEN, NARROW = 1.25, 0.99
"""… by so much, and so much less again in every second without one."""
BLOCKS_AHEAD = 2
STEP_FRAMES = 256
"""So much is rendered at a time."""
MOST_UNTOLD = 200
HANGS_S = 30.0
"""An output or a recording that has not opened for so long never will; in a new process it may."""
NICENESS = -10
"""Where it is allowed: whoever has loaded a recording waits for it."""
AHEAD = (
    "numba",
    "scipy.fft",
    "scipy.linalg",  # Numba's, once it compiles
    "jack",
    "bridges.audio_jack_out",
    "bridges.audio_play",
    "bridges.recording_file",
    "accompanist.performing.playback.player",
    "accompanist.recordings.stretching.gradient",
)
"""What both the thread that opens outputs and the one that opens recordings come to want."""


class RecordingProcess:
    """Commands and cues in, sound out, until it is told to leave.

    Parameters
    ----------
    inbox : Inbox
        From the process that commands.
    connection : Connection
        To it.
    board : Board
        Where the cues stand.
    """

    def __init__(self, inbox: Inbox, connection: Connection, board: Board) -> None:
        from accompanist.app.recording_player import loader, outputs
        from accompanist.app.recording_player.core import RecordingCore
        from accompanist.app.sounded.rings import RECORDING, shared_sound
        from accompanist.app.sounded.writing import SoundedWriter

        self._inbox = inbox
        self._connection = connection
        self._woken = Bell()
        self._core = RecordingCore(board, time.monotonic)
        self._sounded = SoundedWriter(shared_sound(board.path, RECORDING))
        # Compiling imports much: side by side they could wait for one another for ever.
        in_turn = threading.Lock()
        self._outputs = outputs.RecordingOutputs(
            self.wake, preparing=partial(_prepared, outputs.prepare, in_turn)
        )
        self._loader = loader.RecordingLoader(
            self.wake, preparing=partial(_prepared, loader.prepare, in_turn)
        )
        self._outbox: queue.SimpleQueue[RecordingEvent | None] = queue.SimpleQueue()
        self._output: SoundOutput | None = None
        self._wanted: tuple[LoadRecording, float] | None = None
        self._open_files: contextlib.ExitStack | None = None
        self._ahead_s = LEAST_AHEAD_S
        self._drop_outs = self._seen_drop_outs = self._told_drop_outs = self._xruns_before = 0
        self._told_s = self._used_s = 0.0
        self._why_not = ""
        self._leaving = False

    def wake(self) -> None:
        """Have the loop look at everything now; from any thread or signal handler."""
        self._woken.ring()

    def leave(self, *_: object) -> None:
        """Have `run` fade out and return."""
        self._leaving = True
        self.wake()

    def run(self) -> None:
        """Play until told to leave, or until the parent has gone."""
        from accompanist.app.performer.realtime import become_real_time, settle_memory

        threads = [
            threading.Thread(target=self._outputs.run, name="outputs"),
            threading.Thread(target=self._loader.run, name="loader", daemon=True),
            threading.Thread(target=self._report, name="reports", daemon=True),
        ]
        for thread in threads:
            thread.start()
        # Only now: threads take after the one that starts them, and these are not to be first.
        self._why_not = become_real_time()
        settle_memory()
        try:
            while not self._leaving:
                self._wait()
                self._fill()
        finally:
            self._core.silence()
            end_s = time.monotonic() + LEAVE_S
            while self._output is not None and time.monotonic() < end_s:
                time.sleep(0.002)
                self._output.calm()
                self._fill()
            self._outputs.close()
            self._outputs.adopted()
            threads[0].join()
            self._outbox.put(None)
            threads[2].join(LEAVE_S)

    def _wait(self) -> None:
        """Sleep until the device has taken something or something comes, and take it in."""
        output = self._output
        waiting: list[int] = [self._inbox.fileno(), self._woken.fileno()]
        if output is not None and not output.gone:
            waiting.append(output.fileno())
        ready, _, _ = select.select(waiting, [], [], LONGEST_WAIT_S)
        if output is not None and output.fileno() in ready:
            output.calm()
        if self._woken.fileno() in ready:
            self._woken.calm()
            self._take_news()
        if self._inbox.fileno() in ready:
            try:
                for command in self._inbox.take():
                    self._obey(command)
            except PeerGoneError:
                self._leaving = True
        if time.monotonic() - self._told_s > TELL_S:
            self._tell_figures()
            if self._output is None and self._outputs.busy_s() > HANGS_S:
                _give_up("output")
            if self._loader.busy_s() > HANGS_S:
                _give_up("recording")

    def _fill(self) -> None:
        """Render until there is enough ahead of the device."""
        output = self._output
        if output is None or output.gone or not output.started:
            return
        if output.written < output.taken:
            output.skip(output.taken)
        if output.drop_outs > self._seen_drop_outs:
            if self._core.source_s is not None:  # else nobody has heard it
                self._drop_outs += output.drop_outs - self._seen_drop_outs
                self._ahead_s = min(WIDEN * self._ahead_s, MOST_AHEAD_S)
            self._seen_drop_outs = output.drop_outs
        ahead = max(round(self._ahead_s * output.sample_rate), BLOCKS_AHEAD * output.block_samples)
        while output.written < output.taken + ahead:
            frame = output.written
            at_s = output.time_s(frame)
            sound = self._core.render(at_s, STEP_FRAMES)
            output.write(sound)
            self._sounded.write(frame, sound, at_s)

    # ---- commands --------------------------------------------------------------------------------

    def _obey(self, command: object) -> None:
        match command:
            case SetRecordingOutput(output):
                self._outputs.want(output)
            case LoadRecording():
                self._core.silence()
                self._wanted = (command, time.monotonic())
                self._load()
            case MixRecording(control, value):
                try:
                    self._core.mix(control, value)
                except ValueError as error:
                    self._tell(Problem(422, str(error), "recording"))
            case Silence():
                self._core.silence()
            case Quit():
                self._leaving = True
            case _:
                _LOG.error("a command that is not known: %r", command)

    def _load(self) -> None:
        """Have the recording opened for the rate of the output, once there is one."""
        if self._wanted is not None and self._output is not None:
            command, asked_s = self._wanted
            self._loader.want(command, self._output.sample_rate, asked_s)

    def _take_news(self) -> None:
        while not self._outputs.news.empty():
            news = self._outputs.news.get()
            if isinstance(news, Problem):
                self._tell(news)
            else:
                self._adopt(news.output)
        while not self._loader.news.empty():
            loaded = self._loader.news.get()
            if isinstance(loaded, Problem):
                self._tell(loaded)
                continue
            output, wanted = self._output, self._wanted
            late = wanted is None or wanted[1] != loaded.asked_s
            if late or output is None or output.sample_rate != loaded.sample_rate:
                self._loader.give_back(loaded.files)
                continue
            self._core.load(loaded.playback, loaded.sample_rate, loaded.asked_s)
            former, self._open_files = self._open_files, loaded.files
            if former is not None:
                self._loader.give_back(former)
            self._tell(RecordingReady(loaded.source.file, loaded.without_solo))

    def _adopt(self, output: SoundOutput | None) -> None:
        former, self._output = self._output, output
        self._outputs.adopted()
        self._seen_drop_outs = 0
        if former is not None:
            self._xruns_before += former.xruns
        info, rate = None, 0
        if output is not None:
            info = OutputInfo(output.name, output.kind, output.latency_s)
            rate = output.sample_rate
            self._sounded.begin(rate)
            if self._wanted is not None and (former is None or former.sample_rate != rate):
                self._core.unload()
                self._load()
        self._tell(RecordingOpened(info, rate, not self._why_not, self._why_not))

    # ---- what is told ----------------------------------------------------------------------------

    def _tell_figures(self) -> None:
        now_s, used_s = time.monotonic(), time.process_time()
        passed_s = max(now_s - self._told_s, 1e-3)
        busy = (used_s - self._used_s) / passed_s
        first = self._told_s == 0.0
        self._told_s, self._used_s = now_s, used_s
        if self._drop_outs == self._told_drop_outs:
            self._ahead_s = max(self._ahead_s * NARROW, LEAST_AHEAD_S)
        self._told_drop_outs = self._drop_outs
        output, source_s = self._output, self._core.source_s
        self._tell(
            RecordingFigures(
                drop_outs=self._drop_outs,
                xruns=self._xruns_before + (0 if output is None else output.xruns),
                ahead_ms=round(1000.0 * self._ahead_s, 1),
                busy=0.0 if first else round(busy, 4),
                source_s=-1.0 if source_s is None else round(source_s, 3),
                connections=self._outputs.connections,
            )
        )

    def _tell(self, event: RecordingEvent) -> None:
        if self._outbox.qsize() < MOST_UNTOLD:
            self._outbox.put(event)

    def _report(self) -> None:
        """Send events, on a thread that may wait for the parent."""
        while (event := self._outbox.get()) is not None:
            try:
                self._connection.send(event)
            except OSError:  # the loop notices
                return


def _prepared(prepare: Callable[[], None], in_turn: threading.Lock) -> None:
    with in_turn:
        prepare()


def _give_up(what: str) -> NoReturn:
    """End the process: leaving would wait for what is stuck."""
    _LOG.error("the %s has not opened within %.0f s", what, HANGS_S)
    tell_where_threads_are()
    os._exit(1)


def main(arguments: list[str]) -> int:
    """Run until told to leave; a third argument says that it is a spare and may take its time."""
    if not arguments[2:]:
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)

    from accompanist.app.compiled import find_room_for_compiled
    from accompanist.app.processes.board import Board

    use_one_thread()  # before numpy comes
    find_room_for_compiled()
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    logging.basicConfig(level=logging.WARNING, format="recording player: %(message)s")
    connection = parent_connection(arguments[0])
    inbox = Inbox(connection)
    import_ahead(AHEAD)
    with Board.open(Path(arguments[1])) as board:
        process = RecordingProcess(inbox, connection, board)
        signal.signal(signal.SIGTERM, process.leave)
        process.run()
    return 0


if __name__ == "__main__":
    # Left this way, so that no library waits for its threads or frees what it has lost.
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
