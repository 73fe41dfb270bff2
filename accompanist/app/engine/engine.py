"""The engine: what its process does with the daemon's commands, and what it tells of itself.

The process's first thread calls `Engine.obey` and `Engine.look`; the hearing thread
(`accompanist.app.engine.live`, `accompanist.app.engine.podium`) does the music, others open
devices, read scores and write takes.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from accompanist.app.analysing.listen import unless
from accompanist.app.engine.input import needs_opening
from accompanist.app.engine.keeping import Keeping
from accompanist.app.engine.lasting_feed import AnyFeed, LastingFeed
from accompanist.app.engine.live import Stage
from accompanist.app.engine.opener import InputOpener
from accompanist.app.engine.piece import (
    InputFacts,
    ReadyPiece,
    Stamp,
    file_stamp,
    make_ready,
    piece_file,
)
from accompanist.app.engine.podium import Podium
from accompanist.app.engine.separating import Separating
from accompanist.app.keeping.keeper import TakeKeeper
from accompanist.app.keeping.ring import TakeRing
from accompanist.app.processes.links import (
    Do,
    InputOpened,
    InputSettings,
    KeepTake,
    LoadPiece,
    Mix,
    OpenInput,
    Played,
    Problem,
    View,
)
from accompanist.app.warm import warm_up
from accompanist.errors import AccompanistError, BadInputError, UsageError
from accompanist.followers.protocol import Tuned

__all__ = ["LOOK_S", "Engine", "StuckError"]

_LOG = logging.getLogger(__name__)

Arguments: TypeAlias = tuple[float | int | str | bool | None, ...]
A4_HZ = 440.0
LATENCIES = ("latency", "latency_out")
LOOK_S = 0.04
"""Views are sent this often."""
WATCH_S = 1.0
"""Files are looked at this often."""
HANGS_S = 25.0
"""An input that has not opened for so long never will; in a new process it may."""
RESTING_STATES = frozenset({"", "idle", "ended"})


class StuckError(Exception):
    """A driver or a library does not come back; only another process can go on."""


class Engine:
    """Hears, follows and conducts, a piece after the other. A context manager.

    Parameters
    ----------
    stage : Stage
        Where the cues go.
    ring : TakeRing
        Where takes are recorded.
    board : Path, optional
        The file of the board, in which stands what our own processes sound.
    wake : callable, optional
        Called from any thread when there is news that ought not to wait for the next look.
    """

    def __init__(
        self,
        stage: Stage,
        ring: TakeRing,
        *,
        board: Path | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._board = board
        self._wake = wake
        self._news: deque[object] = deque()
        self._keeper = TakeKeeper(ring, lambda text: self._problem(503, text, "take/save"))
        self._keeping = Keeping(self._keeper)
        self._feed = LastingFeed(self._lost)
        self._read_again = threading.Event()
        self._podium = Podium(
            stage,
            self._feed,
            self._keeper,
            tell=self._tell,
            wake=wake,
            read_again=self._read_again.set,
            wanted=lambda ready: ready.request is self._request,
        )
        self._live = self._podium.live
        self._opener = InputOpener(
            opened=self._opened,
            closing=self._release,
            problem=lambda code, text: self._problem(code, text, "input/device"),
        )
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading")
        self._reading: Future[ReadyPiece] | None = None
        self._request: LoadPiece | None = None
        self._input_settings: InputSettings | None = None
        self._told_stamp: Stamp = None
        self._reads_learned = False
        self._separating = Separating()
        self._worked = (0.0, 0)
        self._watched_s = 0.0
        self._warm: set[tuple[str, int]] = set()

    def __enter__(self) -> Self:
        self._live.__enter__()
        self._opener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._request = None  # a recording that is being listened to is given up
        self._live.stop()
        self._opener.close()
        self._keeper.close()
        self._keeping.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._separating.close()

    # ---- the first thread ------------------------------------------------------------------------

    def obey(self, command: object) -> None:
        """Carry out a command of the daemon's; what cannot be done becomes a `Problem`."""
        match command:
            case OpenInput(settings):
                self._open(settings)
            case LoadPiece() as request:
                self._request = request
                self._read(request)
            case Do(name, arguments):
                self._live.do(lambda: self._podium.do(name, arguments))
            case Mix(part, control, value):
                self._live.do(lambda: self._podium.mix(part, control, value))
            case Played(messages, late_s):
                self._live.played(messages, late_s)
            case KeepTake() as wish:
                self._keep(wish)
            case _:
                self._problem(400, f"the engine does not know {type(command).__name__}")

    def complain(self, text: str, about: str) -> None:
        """Have a human told what is not as it ought to be, about an address of the desk."""
        self._problem(503, text, about)

    def look(self) -> list[object]:
        """Give the news, the state of things last; to be called every `LOOK_S` and on a wake.

        Raises
        ------
        StuckError
            The input has been opening for `HANGS_S` and nobody plays: this engine is of no use.
        """
        self._live.check()
        if self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            self._read_through(reading)
        self._expect_what_was_learned()
        if self._read_again.is_set() and self._reading is None:
            self._read_again.clear()
            if self._request is not None:
                self._read(self._request)
        now_s = time.monotonic()
        if now_s - self._watched_s > WATCH_S:
            self._watched_s = now_s
            self._watch_file()
            if self._podium.at_rest and self._opener.busy_s() > HANGS_S:
                raise StuckError(f"the input has not opened within {HANGS_S:.0f} s")
        self._separating.look()
        figures = {"xruns": self._feed.xruns, "lost_samples": self._feed.lost_samples}
        self._keeper.tidy(figures)
        self._news.extend(self._keeping.look())
        told: list[object] = []
        while self._news:
            told.append(self._news.popleft())
        told.append(self._view())
        return told

    def _open(self, settings: InputSettings) -> None:
        before, self._input_settings = self._input_settings, settings
        if needs_opening(before, settings):
            self._opener.wish(settings)
        else:
            self._opener.remember(settings)
            self._live.do(lambda: self._podium.set_input(settings))

    def _read(self, request: LoadPiece) -> None:
        if self._reading is not None:
            self._reading.cancel()  # what is being read already is not wanted any more
        self._reading = self._pool.submit(self._make_ready, request, self._podium.input)

    def _expect_what_was_learned(self) -> None:
        """Make the piece ready anew once a take of it has been learned from and nobody plays."""
        if self._keeping.learned and self._podium.at_rest and self._reading is None:
            self._keeping.learned = False
            ready = self._podium.ready
            if ready is not None and ready.request.settings.rehearse:
                self._reads_learned = True
                self._read_again.set()

    def _read_through(self, reading: Future[ReadyPiece]) -> None:
        learned, self._reads_learned = self._reads_learned, False
        if reading.cancelled():
            return
        if learned and not self._podium.at_rest:
            self._keeping.learned = True  # somebody plays again: later
            return
        try:
            ready = reading.result()
        except AccompanistError as error:
            piece = self._request.piece if self._request is not None else ""
            self._problem(_code_of(error, piece), str(error), "piece/load")
        except Exception as error:
            _LOG.exception("a piece could not be read")
            text = f"this piece cannot be played ({type(error).__name__}: {error})"
            self._problem(400, text, "piece/load")
        else:
            self._live.do(lambda: self._podium.go_over(ready))
            self._separating.begin(ready.piece)
            return
        former = self._podium.ready
        self._request = None if former is None else former.request

    def _watch_file(self) -> None:
        """Tell once when the score's file is another one than was loaded."""
        ready = self._podium.ready
        if ready is None or ready.stamp is None:
            return
        path = piece_file(ready.request.piece)
        stamp = file_stamp(path)
        if stamp in (ready.stamp, self._told_stamp):
            return
        self._told_stamp = stamp
        name = path.name if path is not None else ready.request.piece
        what = (
            "is not there any more; what was read of it is played on"
            if stamp is None
            else ("has changed on disk; load it again to play it as it is now")
        )
        self._problem(409, f"{name} {what}", "piece/info")

    def _keep(self, wish: KeepTake) -> None:
        try:
            view = self._live.view
            self._keeping.keep(wish, 0.0 if view is None else view.offset_s)
        except AccompanistError as error:
            self._problem(409, str(error), "take/save")

    def _view(self) -> View:
        live, view = self._live, self._live.view
        spent_s, hops = live.worked
        fresh_s, fresh = spent_s - self._worked[0], hops - self._worked[1]
        self._worked = (spent_s, hops)
        if view is None:
            state = self._podium.state or "idle"
            if self._reading is not None and state in RESTING_STATES:
                state = "loading"
            here, peak_db = self._podium.place_quarter, self._feed.peak_db
            return View(0.0, 0.0, state, here, here, 0.0, 0.0, peak_db, self._feed.advice)
        step, estimate = view.step, view.step.estimate
        state = step.state
        if self._reading is not None and state in RESTING_STATES:
            state = "loading"
        ready = self._podium.ready
        follower = None if ready is None else ready.follower
        conductor = None if ready is None else ready.session.conductor
        return View(
            time_s=estimate.time_s,
            offset_s=view.offset_s,
            state=state,
            quarter=step.played_quarter if isfinite(step.played_quarter) else 0.0,
            solo_quarter=estimate.quarter,
            qpm=60.0 * estimate.quarters_per_s,
            confidence=estimate.confidence,
            level_db=view.peak_db,
            advice=view.advice,
            behind_s=view.behind_s,
            xruns=self._feed.xruns,
            lost_samples=self._feed.lost_samples,
            hop_ms=1000.0 * fresh_s / fresh if fresh else 0.0,
            a4_hz=follower.a4_hz if isinstance(follower, Tuned) else A4_HZ,
            led_qpm=0.0 if conductor is None else conductor.tempo_qpm,
            base_qpm=0.0 if conductor is None else conductor.base_qpm,
            looping=conductor is not None and conductor.looping is not None,
            follows=10.0 if conductor is None else conductor.follows_here,
            bleed="off" if ready is None else ready.bleed,
        )

    # ---- the reading thread ----------------------------------------------------------------------

    def _make_ready(self, request: LoadPiece, input_facts: InputFacts) -> ReadyPiece:
        try:
            given_up = unless(lambda: self._request is not request)
            ready = make_ready(request, input_facts, given_up, self._board)
            known = (ready.follower_name, input_facts.sample_rate)
            if known not in self._warm and not input_facts.keys:
                warm_up(known[0], sample_rate=known[1])
                self._warm.add(known)
            # The score stays until the next one comes: the collector need not look at it. To
            # look at all there is takes a tenth of a second, in which nobody plays.
            if self._podium.at_rest:
                gc.unfreeze()
            gc.collect()
            gc.freeze()
            return ready
        finally:
            self._wake()

    # ---- the opener's thread ---------------------------------------------------------------------

    def _opened(self, feed: AnyFeed, facts: InputFacts) -> None:
        self._live.do(lambda: self._podium.adopt(feed, facts))
        opened = InputOpened(facts.name, facts.sample_rate, facts.latency_s)
        self._live.when_seen(lambda: self._tell(opened))

    def _release(self) -> AnyFeed | None:
        """Have the hearing thread let go of its device."""
        let_go: Future[AnyFeed | None] = Future()
        self._live.do(lambda: let_go.set_result(self._feed.release()))
        return let_go.result(timeout=5.0)

    def _lost(self, feed: AnyFeed, reason: str) -> None:
        self._opener.lost(feed, reason)

    # ---- any thread ------------------------------------------------------------------------------

    def _problem(self, code: int, text: str, about: str = "") -> None:
        self._tell(Problem(code, text, about))

    def _tell(self, event: object) -> None:
        self._news.append(event)
        self._wake()


def _code_of(error: AccompanistError, piece: str) -> int:
    if isinstance(error, UsageError):
        return 404
    if isinstance(error, BadInputError):
        return 400 if Path(piece).exists() else 404
    return 503
