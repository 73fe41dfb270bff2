"""The live driver: the session that also runs offline, fed against the clock.

One thread feeds the session and obeys the human's commands; what the ensemble is to do goes to
the stage as cues. Nothing sounds from here: the performer, a process of its own, plays by them.
The caller's thread looks on: `LiveEngine.check` tells it what has failed, leaving the engine
lets the ensemble fall silent.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from accompanist.app.engine.feeds import Batch, Feed
from accompanist.app.sounded.beside import EnsembleSound
from accompanist.performing.cue import Cue
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.session import Session, Step

__all__ = [
    "REACTION_S",
    "LiveEngine",
    "LiveFigures",
    "LiveView",
    "Scribe",
    "Stage",
    "differs",
    "undisturbed",
]

REACTION_S = 0.012
"""From a sound to the notes that its news can still change: half a block of 256 samples until it is
heard, a hop to think it over, and what the performer hands to JACK ahead of time."""
SWITCH_S = 0.0005
"""A thread that has something to do waits at most so long for one that draws."""
KEPT_HOPS = 60_000
"""Figures are kept of the last six minutes."""
SEEN_S = 0.5
"""An input that gives nothing holds nobody up for longer."""


class Stage(Protocol):
    """Where cues go: shared memory that the performer reads."""

    def publish(self, cue: Cue, offset_s: float) -> None:
        """Replace the cue; ``offset_s`` is monotonic minus take time. Must not wait.

        It is called for every hop, which shows that we live; a cue that says nothing new (see
        `differs`) need not be passed on.
        """
        ...


class Scribe(Protocol):
    """Keeps what happens in a take. Called on the hearing thread; must not wait."""

    def sound(self, samples: npt.NDArray[np.float32], start_s: float) -> None:
        """Take the soloist's sound [shape=(n,)], the first sample at take time ``start_s``."""
        ...

    def step(self, step: Step, compute_s: float, publish_s: float | None) -> None:
        """Take one hop: wall time it took, and from its sound's arrival to its cue, if any."""
        ...

    def sent(self, messages: Sequence[TimedMessage], late_s: Sequence[float]) -> None:
        """Take messages that have been sent; from any thread."""
        ...


@dataclass(frozen=True, slots=True)
class LiveView:
    """What there is to see at a moment."""

    step: Step
    peak_db: float
    advice: str
    behind_s: float
    """By how much hearing lags behind the sound; near 0 unless the machine is too slow."""
    offset_s: float = 0.0
    """Monotonic minus take time."""


@dataclass(frozen=True, slots=True, eq=False)
class LiveFigures:
    """How the machine kept up.

    ``hop_seconds`` [shape=(n_hops,)] is the wall time of each hop, from hearing to decision;
    ``publish_seconds`` [shape=(n_cues,)] from the arrival of the sound to the cue on the stage;
    ``late_seconds`` [shape=(n_notes,)] by how much each note was struck after its time. Of long
    takes the last `KEPT_HOPS` of each.
    """

    hop_seconds: npt.NDArray[np.float64]
    publish_seconds: npt.NDArray[np.float64]
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


def differs(cue: Cue, before: Cue | None) -> bool:
    """Whether a cue says anything that the one before has not said."""
    if before is None:
        return True
    return cue != replace(before, time_s=cue.time_s)


class LiveEngine:
    """Runs sessions against the clock, one at a time. A context manager.

    Parameters
    ----------
    feed : Feed
        The soloist.
    stage : Stage
        Where the cues go.
    session : Session, optional
        The first one; others come with `change`.
    beside : EnsembleSound, optional
        What that session asks for the ensemble's sound: it is told the time.
    scribe : Scribe, optional
        Keeps the take.
    on_step : callable, optional
        Told every step with monotonic minus take time, on the hearing thread; must not wait.
    """

    def __init__(
        self,
        feed: Feed,
        stage: Stage,
        *,
        session: Session | None = None,
        beside: EnsembleSound | None = None,
        scribe: Scribe | None = None,
        on_step: Callable[[Step, float], None] | None = None,
    ) -> None:
        self._feed = feed
        self._stage = stage
        self._session = session
        self._beside = beside
        self._scribe = scribe
        self._on_step = on_step
        self._commands: deque[Callable[[], None]] = deque()
        self._unseen: deque[tuple[float, Callable[[], None]]] = deque()
        self._stopping = threading.Event()
        self._hop_seconds: deque[float] = deque(maxlen=KEPT_HOPS)
        self._publish_seconds: deque[float] = deque(maxlen=KEPT_HOPS)
        self._late_seconds: deque[float] = deque(maxlen=KEPT_HOPS)
        self._sent = 0
        self._cue: Cue | None = None
        self._offset_s = 0.0
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="accompanist")
        self._hearing: Future[None] | None = None
        self.view: LiveView | None = None
        """How things stand; None before the first hop of a session."""
        self.worked: tuple[float, int] = (0.0, 0)
        """Seconds spent on hops so far, and how many there were."""

    def __enter__(self) -> Self:
        self._hearing = self._pool.submit(self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def session(self) -> Session | None:
        """The session that is fed; to be commanded through `do`."""
        return self._session

    def do(self, command: Callable[[], None]) -> None:
        """Have a command carried out by the hearing thread, between two hops."""
        self._commands.append(command)

    def when_seen(self, command: Callable[[], None]) -> None:
        """Have a command carried out once ``view`` shows what those before it have led to.

        Whoever is told something then does not see how things stood before.
        """
        self._commands.append(lambda: self._unseen.append((time.monotonic(), command)))

    def change(self, session: Session | None, beside: EnsembleSound | None = None) -> None:
        """Go over to another session, whose take time begins with the next sample.

        ``beside`` is what it asks for the ensemble's sound. To be called by the hearing thread
        (`do`), or before the engine is entered.
        """
        self._fall_silent()
        self._session, self._cue, self.view = session, None, None
        self._beside = beside
        self._feed.begin()

    def played(self, messages: Sequence[TimedMessage], late_s: Sequence[float]) -> None:
        """Take in what the performer has sent, and by how much too late; from any thread."""
        self._sent += len(messages)
        self._late_seconds.extend(
            late
            for timed, late in zip(messages, late_s, strict=True)
            if timed.message.kind is Kind.ON
        )
        if self._scribe is not None:
            self._scribe.sent(messages, late_s)

    def check(self) -> bool:
        """Raise whatever has gone wrong in the thread; else tell whether the soloist goes on."""
        if self._hearing is None:
            return True
        if self._hearing.done():
            self._hearing.result()
            return False
        return True

    def stop(self) -> None:
        """End the take: the ensemble is told to be silent, the device closed, the thread gone.

        Stopping twice does no harm.
        """
        self._stopping.set()
        if self._hearing is not None:
            self._hearing.exception()  # waits for it
        self._pool.shutdown(wait=True)
        self._feed.close()

    @property
    def figures(self) -> LiveFigures:
        """How well the machine kept up."""
        return LiveFigures(
            hop_seconds=np.array(array("d", self._hop_seconds)),
            publish_seconds=np.array(array("d", self._publish_seconds)),
            late_seconds=np.array(array("d", self._late_seconds)),
            messages_sent=self._sent,
            xruns=self._feed.xruns,
            lost_samples=self._feed.lost_samples,
        )

    def _hear(self) -> None:
        try:
            self._feed.start()
            while not self._stopping.is_set():
                while self._commands:
                    self._commands.popleft()()
                batch = self._feed.next(self._session)
                if batch is None:
                    return
                self._take_in(batch)
        finally:
            self._fall_silent()

    def _take_in(self, batch: Batch) -> None:
        clock = time.perf_counter
        if self._scribe is not None and len(batch.samples):
            self._scribe.sound(batch.samples, batch.start_s)
        if self._beside is not None:
            self._beside.shift(batch.offset_s)
        began = clock()
        step = None
        for step in batch.steps:
            publish_s = self._tell(step.cue, batch)
            compute_s = clock() - began
            self._hop_seconds.append(compute_s)
            self.worked = (self.worked[0] + compute_s, self.worked[1] + 1)
            if self._scribe is not None:
                self._scribe.step(step, compute_s, publish_s)
            if self._on_step is not None:
                self._on_step(step, batch.offset_s)
            began = clock()
        if step is not None:
            behind_s = time.monotonic() - batch.offset_s - step.estimate.time_s
            self.view = LiveView(
                step,
                self._feed.peak_db,
                self._feed.advice,
                behind_s,
                batch.offset_s,
            )
        shown = step is not None or self._session is None
        while self._unseen and (shown or time.monotonic() - self._unseen[0][0] > SEEN_S):
            self._unseen.popleft()[1]()

    def _tell(self, cue: Cue, batch: Batch) -> float | None:
        """Publish the cue; if it says something new, give the time since its sound's arrival."""
        self._stage.publish(cue, batch.offset_s)
        new = differs(cue, self._cue)
        self._cue, self._offset_s = cue, batch.offset_s
        if not new:
            return None
        publish_s = time.monotonic() - batch.arrived_s
        self._publish_seconds.append(publish_s)
        return publish_s

    def _fall_silent(self) -> None:
        """Let the ensemble stop where it is."""
        cue = self._cue
        if cue is None or cue.state == "idle":
            return
        now_s = max(cue.time_s, time.monotonic() - self._offset_s)
        self._cue = replace(cue, time_s=now_s, state="idle", silences=cue.silences + 1)
        self._stage.publish(self._cue, self._offset_s)
