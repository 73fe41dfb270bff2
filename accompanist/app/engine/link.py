"""The daemon's end of the engine: starts it, talks to it, starts it anew when it dies.

Nothing here imports numpy.
"""

from __future__ import annotations

import selectors
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from accompanist.app.processes.board import Board
from accompanist.app.processes.child import Child, PeerGoneError
from accompanist.app.processes.links import (
    Do,
    EngineDied,
    LoadPiece,
    OpenInput,
    PieceLoaded,
    Problem,
    Quit,
    View,
)

__all__ = ["EngineLink"]

MODULE = "accompanist.app.engine.process"
FIRST_PAUSE_S = 0.0
LONGEST_PAUSE_S = 8.0
CALM_S = 30.0
"""An engine that has lived for so long has not died of what killed the one before."""
MOST_DEATHS_LOADING = 2
"""A piece at which the engine died so often is not loaded again."""
SILENT_S = 10.0
"""An engine that has said nothing for so long hangs; it says how things are 25 times a second."""
SILENT_LOADING_S = 40.0
"""What is compiled for a piece on a busy machine may keep it from speaking."""
_PLAYING = frozenset({"armed", "countin", "following", "holding", "waiting", "vamping", "lost"})


class EngineLink:
    """The engine as the daemon has it. A context manager; one thread uses it.

    Parameters
    ----------
    board : Path
        The shared memory; made if it is not there.
    takes_folder : Path, optional
        Where takes are recorded; None: in the user's state folder.
    ring_minutes, ring_takes
        How much of them is kept.
    module : str
        What is run; another one in tests.

    Notes
    -----
    When the engine dies, `events` gives `EngineDied` and starts another one with the input and
    the piece that were last asked for. If the ensemble was playing, it is armed where it was:
    the soloist's next note goes on.
    """

    def __init__(
        self,
        board: Path,
        *,
        takes_folder: Path | None = None,
        ring_minutes: float = 60.0,
        ring_takes: int = 50,
        module: str = MODULE,
    ) -> None:
        self._board = board
        self._arguments = (
            str(board),
            "" if takes_folder is None else str(takes_folder),
            str(ring_minutes),
            str(ring_takes),
        )
        self._module = module
        self._selector = selectors.DefaultSelector()
        self._child: Child | None = None
        self._input: OpenInput | None = None
        self._piece: LoadPiece | None = None
        self._view: View | None = None
        self._loading = False
        self._resume: View | None = None
        self._deaths = self._deaths_loading = 0
        self._born_s = self._heard_s = self._again_s = 0.0
        self._closed = False

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

    @property
    def pid(self) -> int | None:
        """Number of the engine's process, None while there is none."""
        return None if self._child is None else self._child.pid

    def start(self) -> None:
        """Start the engine's process; it takes commands at once."""
        try:
            Board.open(self._board).close()
        except (OSError, ValueError):  # there is none, or that of another version
            Board.create(self._board).close()
        self._spawn()

    def fileno(self) -> int:
        """File descriptor to wait on, the same for ever: readable when `events` has something."""
        return self._selector.fileno()

    def send(self, command: object) -> None:
        """Send a command. While there is no engine what it needs later is remembered."""
        self._remember(command)
        self._pass_on(command)

    def events(self) -> list[object]:
        """Give what the engine has said since the last call; never waits.

        To be called when `fileno` is readable, and several times a second besides: that is when
        a dead engine is started anew.
        """
        if self._closed:
            return []
        if self._child is None:
            if time.monotonic() < self._again_s:
                return []
            self._spawn()
        child = self._child
        if child is None:
            return []
        try:
            told = child.receive()
        except PeerGoneError:
            return [self._bury("the engine has ended unexpectedly")]
        now_s = time.monotonic()
        if told:
            self._heard_s = now_s
        elif now_s - self._heard_s > (SILENT_LOADING_S if self._loading else SILENT_S):
            child.kill()
            return [self._bury("the engine does not answer")]
        for event in told:
            self._note(event)
        return told

    def close(self) -> None:
        """Have the engine leave, its take on disk; closing twice does no harm."""
        if self._closed:
            return
        self._closed = True
        child, self._child = self._child, None
        if child is not None:
            self._selector.unregister(child)
            with suppress(PeerGoneError):
                child.send(Quit())
            child.close()
        self._selector.close()

    def _spawn(self) -> None:
        child = Child(self._module, *self._arguments)
        self._selector.register(child, selectors.EVENT_READ)
        self._child = child
        self._born_s = self._heard_s = time.monotonic()
        # An engine has to import much before it says its first word.
        self._heard_s += SILENT_S
        self._loading = self._piece is not None
        for command in (self._input, self._piece):
            if command is not None:
                self._pass_on(command)

    def _pass_on(self, command: object) -> None:
        if self._child is not None:
            with suppress(PeerGoneError):  # `events` will notice
                self._child.send(command)

    def _remember(self, command: object) -> None:
        match command:
            case OpenInput():
                self._input = command
            case LoadPiece():
                self._piece = command
                self._loading = True
                self._resume = None

    def _note(self, event: object) -> None:
        match event:
            case View():
                self._view = event
                if event.time_s > 0.0 and time.monotonic() - self._born_s > CALM_S:
                    self._deaths = self._deaths_loading = 0
            case PieceLoaded():
                self._loading = False
                resume, self._resume = self._resume, None
                if resume is not None:
                    self.send(Do("locate", (resume.quarter,)))
            case Problem(code=code) if self._loading and code in (400, 404):
                self._loading = False
                self._resume = None

    def _bury(self, reason: str) -> EngineDied:
        """Put the dead engine away; say when the next one comes."""
        child, self._child = self._child, None
        if child is not None:
            self._selector.unregister(child)
            child.close(leave_s=0.0)
        self._deaths += 1
        pause_s = (
            FIRST_PAUSE_S if self._deaths == 1 else min(2.0 ** (self._deaths - 3), LONGEST_PAUSE_S)
        )
        self._again_s = time.monotonic() + pause_s
        view, self._view = self._view, None
        text = f"{reason}; it is started anew"
        if view is not None and view.state in _PLAYING:
            self._resume = view
            text += " and waits for the soloist where the piece was"
        if self._loading:
            self._deaths_loading += 1
            if self._deaths_loading >= MOST_DEATHS_LOADING and self._piece is not None:
                text = f"{reason} twice while it loaded {self._piece.piece}; load another piece"
                self._piece, self._loading = None, False
                return EngineDied(text, piece_dropped=True)
        return EngineDied(text)
