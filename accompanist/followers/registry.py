"""Followers by name. A new one is a file of its own and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from accompanist.errors import UsageError
from accompanist.followers.protocol import Follower
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["DEFAULT_FOLLOWER", "follower_names", "make_follower"]

DEFAULT_FOLLOWER: Final = "bayes"


def _bayes(solo: SoloLine, tempo: WrittenTempo, sample_rate: int, hop: int) -> Follower:
    from accompanist.followers.bayes.follower import BayesFollower

    follower = BayesFollower(solo, tempo, sample_rate, hop)
    follower.warm()
    return follower


def _notes(solo: SoloLine, tempo: WrittenTempo, sample_rate: int, hop: int) -> Follower:
    from accompanist.followers.notes import NotesFollower

    return NotesFollower(solo, tempo)


_MAKERS: Final[dict[str, Callable[[SoloLine, WrittenTempo, int, int], Follower]]] = {
    "bayes": _bayes,
    "notes": _notes,
}


def follower_names() -> tuple[str, ...]:
    """All names that `make_follower` knows, the default first."""
    return tuple(_MAKERS)


def make_follower(
    name: str, *, solo: SoloLine, tempo: WrittenTempo, sample_rate: int, hop: int
) -> Follower:
    """Make a follower for one take.

    Raises
    ------
    UsageError
        If there is no follower of that name.
    """
    if name not in _MAKERS:
        raise UsageError(f"no follower is called {name!r}; there are {', '.join(_MAKERS)}")
    return _MAKERS[name](solo, tempo, sample_rate, hop)
