"""Sees to it that every take is on disk: when one begins, when it ends, where the last one is."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.app.keeping.journal import JournalFacts, TakeJournal
from accompanist.app.keeping.ring import TakeRing
from accompanist.performing.messages import Kind, TimedMessage
from accompanist.session import Step

__all__ = ["TakeKeeper"]

FloatArray = npt.NDArray[np.float32]

STOPPED_S = 0.3
ENDED_S = 3.0
"""The last chord rings so long before a take is over."""
LINGER_S = 0.5
"""What was sent at the end of a take may be told so much later."""
CLOSE_S = 10.0
"""A disk that takes longer to write the rest is not waited for."""
UNHEARD_S = 60.0
"""An armed take in which nothing has been played begins anew, so that silence does not pile up."""
LONGEST_S = 3 * 3600.0
"""No take is longer: the next one begins."""
_AT_REST = frozenset({"idle", "ended"})
_REGISTERED = frozenset({6, 38, 98, 99, 100, 101})
_FIRST_MODE = 120
_REGISTERED_KEPT = 10


@dataclass(slots=True)
class _Leaving:
    """A take that is over but may still be told what was sent."""

    journal: TakeJournal
    until_s: float


class TakeKeeper:
    """Keeps journals as the takes come: a `accompanist.app.engine.live.Scribe`.

    Parameters
    ----------
    ring : TakeRing
    problem : callable
        Told, from any thread, why a take cannot be recorded.
    by_itself : bool
        Whether takes begin and end with the ensemble's state; else only `begin` and `end` do.

    Notes
    -----
    `load`, `begin`, `end`, `discard`, `sound` and `step` are the hearing thread's; `sent` and
    `tidy` another one's.
    """

    def __init__(
        self, ring: TakeRing, problem: Callable[[str], None], *, by_itself: bool = True
    ) -> None:
        self._ring = ring
        self._problem = problem
        self._by_itself = by_itself
        self._facts: JournalFacts | None = None
        self._current: TakeJournal | None = None
        self._last: TakeJournal | None = None
        self._leaving: deque[_Leaving] = deque()
        self._closed: deque[TakeJournal] = deque()
        self._discarded: set[Path] = set()
        self._rest_s: float | None = None
        self._standing: dict[tuple[int, Kind, int], TimedMessage] = {}
        self._registered: dict[int, deque[TimedMessage]] = {}
        self._lock = threading.Lock()
        self.spared: set[Path] = set()
        """Journals that are being read, and stay."""

    # ---- the hearing thread ----------------------------------------------------------------------

    def load(self, facts: JournalFacts | None) -> None:
        """Go over to another piece; the take before is over."""
        self.end()
        self._facts = facts

    def describe(self, facts: JournalFacts) -> None:
        """Say of the takes to come what has become known since; the piece is the same."""
        self._facts = facts

    def begin(self) -> None:
        """Begin a take now; the one before is over."""
        self.end()
        if self._facts is None:
            return
        folder = self._ring.new_folder(str(self._facts.piece.get("id", "")))
        journal = TakeJournal(folder, self._facts, self._problem)
        journal.open()
        with self._lock:
            self._current = journal
        self._rest_s = None

    def end(self) -> None:
        """End the take, if there is one."""
        with self._lock:
            journal, self._current = self._current, None
            if journal is not None:
                self._leave(journal)

    def discard(self) -> None:
        """Throw away the take that runs, or else the last one."""
        with self._lock:
            journal, self._current = self._current, None
            if journal is None:
                journal, self._last = self._last, None
            if journal is not None:
                journal.close()
                self._discarded.add(journal.folder)
                self._closed.append(journal)

    def sound(self, samples: FloatArray, start_s: float) -> None:
        """Take the soloist's sound."""
        journal = self._current
        if journal is None:
            return
        fresh = journal.start_s is None
        journal.sound(samples, start_s)
        if fresh:
            self._set_up(journal)

    def step(self, step: Step, compute_s: float, publish_s: float | None) -> None:
        """Take a hop; see whether a take begins or ends with it."""
        journal = self._current
        if journal is not None:
            fresh = journal.start_s is None
            journal.step(step, compute_s, publish_s)
            if fresh and journal.start_s is not None:
                self._set_up(journal)
        if self._by_itself:
            self._judge(step)

    def _judge(self, step: Step) -> None:
        now_s, state, journal = step.estimate.time_s, step.state, self._current
        if journal is None:
            if state not in _AT_REST:
                self.begin()
            return
        if state in _AT_REST:
            if self._rest_s is None:
                self._rest_s = now_s
            if now_s - self._rest_s > (ENDED_S if state == "ended" else STOPPED_S):
                self.end()
            return
        self._rest_s = None
        length_s = now_s - (journal.start_s if journal.start_s is not None else now_s)
        if state == "armed" and length_s > UNHEARD_S and not journal.played:
            self.discard()
            self.begin()
        elif length_s > LONGEST_S:
            self.begin()

    def _set_up(self, journal: TakeJournal) -> None:
        """Write down the programs and controllers that stand since before the take."""
        with self._lock:
            standing = [
                *self._standing.values(),
                *(m for sequence in self._registered.values() for m in sequence),
            ]
            start_s = journal.start_s or 0.0
            journal.sent([replace(m, time_s=start_s) for m in standing], [0.0] * len(standing))

    def _leave(self, journal: TakeJournal) -> None:
        if journal.played or self._last is None:
            self._last = journal
        self._leaving.append(_Leaving(journal, time.monotonic() + LINGER_S))

    # ---- another thread --------------------------------------------------------------------------

    def sent(self, messages: Sequence[TimedMessage], late_s: Sequence[float]) -> None:
        """Take what was sent into the take to which it belongs."""
        with self._lock:
            journals = [self._current, *(leaving.journal for leaving in reversed(self._leaving))]
            for message, late in zip(messages, late_s, strict=True):
                if message.part <= 0 and message.message.kind in (Kind.ON, Kind.OFF):
                    continue  # the click of a count-in is no music
                self._stand(message)
                for journal in journals:
                    if journal is not None and _covers(journal, message.time_s):
                        journal.sent((message,), (late,))
                        break

    def forget_settings(self) -> None:
        """Let nothing stand that was sent up to now: another piece is played."""
        with self._lock:
            self._standing.clear()
            self._registered.clear()

    def tidy(self, figures: Mapping[str, object] | None = None) -> None:
        """Close what is over, remove what nobody wants; now and then, or more often."""
        with self._lock:
            current = self._current
            while self._leaving and self._leaving[0].until_s <= time.monotonic():
                journal = self._leaving.popleft().journal
                journal.close()
                self._closed.append(journal)
            closed = list(self._closed)
        if current is not None and figures is not None:
            current.figures(figures)
        for journal in closed:
            if journal.join(0.0):
                with self._lock:
                    self._closed.remove(journal)
                self._put_away(journal)
                self._ring.trim(self._spared())

    @property
    def writing(self) -> bool:
        """Whether takes that are over are still being written."""
        with self._lock:
            return bool(self._leaving or self._closed)

    def last(self) -> Path | None:
        """Folder of the take that runs, if anything has been played in it, or of the last one.

        None before anything has been played in a take of this keeper's.
        """
        with self._lock:
            for journal in (self._current, self._last):
                if journal is not None and journal.played:
                    return journal.folder
        return None

    def newest(self) -> Path | None:
        """Folder of the last take of all, be it one of a process that has died."""
        return self.last() or self._ring.newest()

    def close(self) -> None:
        """End the take and wait until it is on disk."""
        self.end()
        with self._lock:
            journals = [*(leaving.journal for leaving in self._leaving), *self._closed]
            self._leaving.clear()
            self._closed.clear()
        for journal in journals:
            journal.close()
            journal.join(CLOSE_S)
            self._put_away(journal)

    def _put_away(self, journal: TakeJournal) -> None:
        """Remove a take that is over if nothing was played in it, or nobody wants it."""
        if not journal.played or journal.folder in self._discarded:
            self._discarded.discard(journal.folder)
            self._ring.remove(journal.folder)

    def _spared(self) -> set[Path]:
        journal = self._current
        return self.spared | (set() if journal is None else {journal.folder})

    def _stand(self, timed: TimedMessage) -> None:
        message = timed.message
        if message.kind in (Kind.ON, Kind.OFF):
            return
        if message.kind is Kind.CC and message.number in _REGISTERED:
            kept = self._registered.setdefault(message.channel, deque(maxlen=_REGISTERED_KEPT))
            kept.append(timed)
        elif message.kind is not Kind.CC or message.number < _FIRST_MODE:
            number = message.number if message.kind is Kind.CC else 0
            self._standing[message.channel, message.kind, number] = timed


def _covers(journal: TakeJournal, time_s: float) -> bool:
    start_s = journal.start_s
    return start_s is not None and start_s <= time_s <= journal.last_s + ENDED_S
