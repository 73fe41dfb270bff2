"""What a row of a manifest is about: a score, or a recording that is followed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from accompanist.app.offline import chosen_follower
from accompanist.app.pieces import RECORDING_FOLLOWER, open_any, reference_of
from accompanist.followers.registry import DEFAULT_FOLLOWER
from accompanist.recordings.reference import Reference
from accompanist.score.choose import choose_solo
from accompanist.score.model import Part, Score
from score_library.load import is_recording, load_score

__all__ = ["Material", "open_material", "prepare", "usual_follower"]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A piece to be followed, its soloist, and by whom it is followed."""

    score: Score
    solo: Part
    follower: str
    reference: Reference | None = None


def usual_follower(path: Path, wanted: str | None = None) -> str:
    """Name of the follower that is wanted, or usual for such a file."""
    return wanted or (RECORDING_FOLLOWER if is_recording(path) else DEFAULT_FOLLOWER)


def open_material(path: Path, part: str | None, follower: str | None) -> Material:
    """Open a score, or a recording as a piece (analysed if it has not been).

    Parameters
    ----------
    path : Path
    part : str or None
        The soloist's part, by number or name.
    follower : str or None
        None: the usual one.

    Raises
    ------
    BadInputError
        The file cannot be read.
    UsageError
        No such part or follower, or not for this piece.
    """
    if not is_recording(path):
        score = load_score(path)
        solo = choose_solo(score, part).part
        return Material(score, solo, chosen_follower(score, solo, follower))
    piece = open_any(str(path))
    solo = choose_solo(piece.score, part).part
    name = chosen_follower(piece.score, solo, follower)
    return Material(piece.score, solo, name, reference_of(piece))


def prepare(paths: Iterable[Path]) -> None:
    """Analyse the recordings among these files now, one after the other, and not in workers.

    Raises
    ------
    BadInputError
        A recording cannot be read.
    """
    for path in dict.fromkeys(paths):
        if is_recording(path):
            open_any(str(path))
