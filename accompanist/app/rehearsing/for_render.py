"""Earlier takes that a rendering is told of: those that are named, and those learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from accompanist.app.rehearsing.kept import Rehearsal, rehearsal_of, store_of
from accompanist.errors import BadInputError, UsageError
from accompanist.score.model import Part
from score_library.catalogue import Piece

__all__ = ["rehearsal_for"]


def rehearsal_for(
    piece: Piece,
    solo: Part,
    folders: Sequence[Path],
    *,
    rehearsed: bool,
    tell: Callable[[str], None],
) -> Rehearsal:
    """Read take folders, and what was learned before if that is wanted; nothing is kept.

    Raises
    ------
    UsageError
        The piece is a recording.
    BadInputError
        None of the folders can be learned from.
    """
    if not folders and not rehearsed:
        return Rehearsal()
    if piece.recording is not None:
        raise UsageError(
            f"{piece.title}: is a recording; --rehearsal and --rehearsed are for scores"
        )
    from accompanist.app.rehearsing.reading import read_take

    takes = store_of(solo).takes(tell) if rehearsed else []
    failed: BadInputError | None = None
    for folder in folders:
        try:
            take = read_take(folder, piece.score, solo)
        except BadInputError as error:
            failed = error
            tell(f"{error}; it does not count")
        else:
            takes = [*(t for t in takes if t.id != take.id), take]
    if failed is not None and not takes:
        raise failed
    rehearsal = rehearsal_of(takes)
    if takes:
        tell(f"{piece.title}: what to expect of the soloist is known from {rehearsal.words}")
    else:
        tell(f"{piece.title}: nothing has been learned of it yet (see rehearse)")
    return rehearsal
