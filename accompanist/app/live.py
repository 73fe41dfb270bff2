"""The live driver: the session that also runs offline, fed against the clock.

Threads: the audio driver's callback fills a ring; one thread feeds the session and obeys the
human's commands; one lets the messages go at their times; one writes the soloist to disk. The
caller's thread looks on: `LiveEngine.check` tells it what has failed, leaving the engine silences
every note.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from accompanist.app.live_feeds import Feed
from accompanist.app.sender import Sender, Sink
from accompanist.app.solo_recorder import SoloRecorder
from accompanist.performing.messages import TimedMessage
from accompanist.session import Session, Step
from accompanist.takes.record import TakeRecord

__all__ = ["LiveEngine", "LiveFigures", "LiveView", "undisturbed"]

SWITCH_S = 0.0005
"""A thread that has something to send waits at most so long for one that draws."""


@dataclass(frozen=True, slots=True)
class LiveView:
    """What there is to see at a moment."""

    step: Step
    peak_db: float
    advice: str
    behind_s: float
    """By how much hearing lags behind the sound; near 0 unless the machine is too slow."""


@dataclass(frozen=True, slots=True, eq=False)
class LiveFigures:
    """How the machine kept up.

    ``hop_seconds`` [shape=(n_hops,)] is the wall time of each hop, from hearing to decision,
    ``late_seconds`` [shape=(n_notes,)] by how much each note was struck after its time.
    """

    hop_seconds: npt.NDArray[np.float64]
    late_seconds: npt.NDArray[np.float64]
    messages_sent: int
    xruns: int
    lost_samples: int


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep the garbage collector and the thread switch from adding milliseconds."""
    switch_s = sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(switch_s)
        gc.unfreeze()


class LiveEngine:
    """Runs a session against the clock. A context manager, for one take.

    Parameters
    ----------
    session : Session
    feed : Feed
        The soloist.
    sinks : sequence of Sink
        Where the accompaniment goes.
    recorder : SoloRecorder, optional
        The one that the feed writes to.
    extra : callable, optional
        Gives further messages for a step (the click of a count-in).
    """

    def __init__(
        self,
        session: Session,
        feed: Feed,
        sinks: Sequence[Sink],
        *,
        recorder: SoloRecorder | None = None,
        extra: Callable[[Step], Iterable[TimedMessage]] | None = None,
    ) -> None:
        self._session = session
        self._feed = feed
        self._sinks = tuple(sinks)
        self._recorder = recorder
        self._extra = extra
        self._sender = Sender(self._sinks)
        self._commands: deque[Callable[[], None]] = deque()
        self._stopping = threading.Event()
        self._hop_seconds = array("d")
        self._offset_s = 0.0
        self._pool = ThreadPoolExecutor(max_workers=3, thread_name_prefix="accompanist")
        self._work: list[Future[None]] = []
        self.record = TakeRecord()
        """Everything that was believed and sent; to be read after `stop`."""
        self.view: LiveView | None = None

    def __enter__(self) -> Self:
        self._work.append(self._pool.submit(self._sender.run))
        if self._recorder is not None:
            self._work.append(self._pool.submit(self._recorder.run))
        self._hearing = self._pool.submit(self._hear)
        self._work.append(self._hearing)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def do(self, command: Callable[[], None]) -> None:
        """Have a command for the session carried out by the thread that feeds it."""
        self._commands.append(command)

    def check(self) -> bool:
        """Raise whatever has gone wrong in a thread; else tell whether the soloist goes on."""
        for work in self._work:
            if work.done():
                work.result()
        return not self._hearing.done()

    def stop(self) -> None:
        """End the take: notes off, devices closed, threads gone. Stopping twice does no harm."""
        self._stopping.set()
        if self._work:
            self._hearing.exception()  # waits for it: its last messages let the notes go
        self._sender.close()
        if self._recorder is not None:
            self._recorder.close()
        self._pool.shutdown(wait=True)
        self._feed.close()
        for sink in self._sinks:
            sink.close()

    @property
    def figures(self) -> LiveFigures:
        """How well the machine kept up; complete after `stop`."""
        return LiveFigures(
            hop_seconds=np.array(self._hop_seconds, dtype=np.float64),
            late_seconds=np.array(self._sender.late_seconds, dtype=np.float64),
            messages_sent=self._sender.sent,
            xruns=self._feed.xruns,
            lost_samples=self._feed.lost_samples,
        )

    def _hear(self) -> None:
        try:
            for batch in self._feed.batches(self._session, self._stopping):
                while self._commands:
                    self._commands.popleft()()
                self._take_in(batch.steps, batch.offset_s)
        finally:
            self._let_go()

    def _take_in(self, steps: Iterator[Step], offset_s: float) -> None:
        clock = time.perf_counter
        began = clock()
        step = None
        for step in steps:
            self._hop_seconds.append(clock() - began)
            self.record.add(step)
            messages: Iterable[TimedMessage] = step.messages
            if self._extra is not None:
                messages = (*messages, *self._extra(step))
            if messages:
                self._sender.post(messages, offset_s)
            began = clock()
        if step is not None:
            self._offset_s = offset_s
            behind_s = time.monotonic() - offset_s - step.estimate.time_s
            self.view = LiveView(step, self._feed.peak_db, self._feed.advice, behind_s)

    def _let_go(self) -> None:
        messages = self._session.finish()
        self.record.messages.extend(messages)
        self._sender.post(messages, self._offset_s)
