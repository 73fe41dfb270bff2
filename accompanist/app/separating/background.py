"""A better separation made while one plays: a process of its own that gives way to all others.

A recording is played at once with what there is; what is made in the background is kept with the
piece and played the next time it is loaded. If it is interrupted nothing has changed, and the next
time it begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from accompanist.app.processes.child import Child, PeerGoneError
from accompanist.app.separating.kept import KeptSolos
from accompanist.app.separating.place import remove_leftovers
from accompanist.app.separating.separate import separation_of
from score_library.catalogue import Piece
from score_library.recordings import Recording

__all__ = [
    "BackgroundSeparation",
    "Done",
    "Failed",
    "Progressed",
    "State",
    "begin_if_wanted",
    "wants_better",
]


@dataclass(frozen=True, slots=True)
class Progressed:
    """So much of it, 0 … 1, has been done."""

    share: float


@dataclass(frozen=True, slots=True)
class Done:
    """It is kept with the piece."""

    method: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It has ended without a result, for this reason."""

    reason: str


State = Progressed | Done | Failed


def wants_better(recording: Recording) -> bool:
    """Whether a full-quality separation can be made of what is kept, and has not been yet."""
    if not KeptSolos(recording.folder).paths:
        return False
    facts = separation_of(recording)
    return facts is None or facts.get("quality") != "full" or bool(facts.get("weaker"))


def begin_if_wanted(piece: Piece) -> BackgroundSeparation | None:
    """Begin a better separation of a piece where one can be made; to be closed in the end."""
    recording = piece.recording
    if recording is None or not wants_better(recording):
        return None
    name = piece.id if piece.from_library else str(recording.file)
    return BackgroundSeparation(name, recording.folder)


class BackgroundSeparation:
    """The full-quality separation of a piece, under way from the beginning on.

    Parameters
    ----------
    piece : str
        Id of a recording in the library, or path of a recording.
    folder : Path, optional
        Where the piece keeps what is made: tidied at the end.

    Notes
    -----
    All from one thread. `close` gives it up; so does the end of this process.
    """

    def __init__(self, piece: str, folder: Path | None = None) -> None:
        self._folder = folder
        self._child = Child("accompanist.app.separating.worker", piece)
        self._state: State = Progressed(0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """File descriptor that is readable when there is news."""
        return self._child.fileno()

    def poll(self, timeout_s: float = 0.0) -> State:
        """Say how far it is; waits for news up to ``timeout_s``."""
        if isinstance(self._state, Progressed):
            try:
                for told in self._child.receive(timeout_s):
                    self._state = told
            except PeerGoneError:
                self._state = Failed("the separation has ended unexpectedly")
        return self._state

    def close(self) -> None:
        """Give it up, or let go of it once it has ended; may be called twice."""
        self._child.close()
        if self._folder is not None:  # it may have had to be killed
            remove_leftovers(self._folder)
