"""What was learned of a piece, for whoever plays it: nothing heavy is loaded for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accompanist.app.rehearsing.store import RehearsalStore
from accompanist.app.rehearsing.takes import LearnedTake, line_key, performances_of
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.score.model import Part, Score
from accompanist.score.solo import solo_line

__all__ = ["NOTHING", "Rehearsal", "kept_rehearsal", "rehearsal_of", "store_of"]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Earlier performances, and what ``take.json`` says of them."""

    performances: tuple[Performance, ...] = ()
    own_takes: int = 0
    takes_by_others: int = 0

    @property
    def takes(self) -> int:
        """How many takes there were."""
        return self.own_takes + self.takes_by_others

    @property
    def words(self) -> str:
        """The same for humans: ``1 earlier take``."""
        return f"{self.takes} earlier take{'' if self.takes == 1 else 's'}"

    def facts(self) -> dict[str, int]:
        """Say it for ``take.json``."""
        return {"own_takes": self.own_takes, "takes_by_others": self.takes_by_others}


NOTHING = Rehearsal()


def store_of(solo: Part) -> RehearsalStore:
    """Where what was learned of a solo part is kept."""
    return RehearsalStore(line_key(solo_line(solo)))


def rehearsal_of(takes: Sequence[LearnedTake]) -> Rehearsal:
    """Make ready what takes tell."""
    own = sum(take.own for take in takes)
    return Rehearsal(performances_of(takes), own, len(takes) - own)


def kept_rehearsal(
    score: Score, solo: Part, complain: Callable[[str], None] | None = None
) -> Rehearsal:
    """Give what was learned of a piece; nothing where its ensemble is a recording."""
    if score.recording_s is not None:
        return NOTHING
    store = store_of(solo)
    return rehearsal_of(store.takes() if complain is None else store.takes(complain))
