"""Learning from takes of a score: which count, how much they agree, what they show."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accompanist.app.rehearsing.folders import find_take
from accompanist.app.rehearsing.habits import Habit, habits_of
from accompanist.app.rehearsing.kept import store_of
from accompanist.app.rehearsing.reading import read_take
from accompanist.app.rehearsing.takes import LearnedTake, performances_of, same_performance
from accompanist.conducting.expecting.rehearsal import Rehearsed, rehearse
from accompanist.conducting.grid import SoloGrid
from accompanist.errors import AccompanistError
from accompanist.score.model import Part, Score
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import written_tempo

__all__ = ["Learned", "Lesson", "keep_learned", "learn_by_itself", "look_at"]

_LOG = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What all takes of a piece tell together.

    Attributes
    ----------
    line, grid
        The solo part.
    takes : tuple of LearnedTake
        The oldest first.
    used : tuple of bool
        For each whether it counts …
    reasons : tuple of str
        … and if not, why.
    deviations : tuple of ndarray [shape=(n_intervals,)]
        For each the log ratio of played to written time less its own mean; NaN where not played.
    together : Rehearsed
    habits : tuple of Habit
    """

    line: SoloLine
    grid: SoloGrid
    takes: tuple[LearnedTake, ...]
    used: tuple[bool, ...]
    reasons: tuple[str, ...]
    deviations: tuple[FloatArray, ...]
    together: Rehearsed
    habits: tuple[Habit, ...]

    @property
    def known(self) -> int:
        """How many of the intervals between notes are known."""
        return int((self.together.counts > 0).sum())

    @property
    def apart_ms(self) -> float | None:
        """By how much the takes that count differ in an interval, in the median; None of one."""
        rows = np.array([d for d, used in zip(self.deviations, self.used, strict=True) if used])
        several = np.isfinite(rows).sum(axis=0) >= 2 if len(rows) else np.zeros(0, dtype=bool)
        if not several.any():
            return None
        spread = np.nanstd(rows[:, several], axis=0, ddof=1)
        lengths_s = np.diff(np.array(self.grid.seconds))[several]
        return 1000.0 * float(np.median(spread * lengths_s))


def keep_learned(learned: LearnedTake, solo: Part, about: Mapping[str, Any]) -> None:
    """Keep what was learned of a take; in place of what is known of the same performance.

    Raises
    ------
    AccompanistError
        It cannot be written.
    """
    store = store_of(solo)
    same = [
        take.id
        for take in store.takes()
        if take.id != learned.id and same_performance(take, learned)
    ]
    store.add(learned, {**_named(about), "solo": solo.name, "part": solo.number})
    if same:
        store.forget(same)


class Lesson(NamedTuple):
    """Whether a take was learned from, and a line on what has become of it, if any."""

    learned: bool
    text: str


def learn_by_itself(folder: Path, score: Score, solo: Part, about: Mapping[str, Any]) -> Lesson:
    """Learn from a take that has just been kept."""
    if score.recording_s is not None or find_take(folder).simulated:
        return Lesson(False, "")
    try:
        learned = read_take(folder, score, solo)
        keep_learned(learned, solo, about)
    except AccompanistError as error:
        said = str(error).removeprefix(f"{folder.resolve()}: ")
        return Lesson(False, f"not learned from: {said}")
    except Exception as error:  # the take is kept, and that is what counts
        _LOG.exception("%s cannot be learned from", folder)
        return Lesson(False, f"not learned from ({type(error).__name__}: {error})")
    count = len(store_of(solo).takes())
    whose = "take tells" if count == 1 else "takes tell"
    return Lesson(True, f"learned from it: {count} {whose} how you play this now")


def _named(about: Mapping[str, Any]) -> dict[str, str]:
    """Say of which piece it is, for whoever looks into the folder."""
    return {name: str(about.get(name) or "") for name in ("id", "title", "composer")}


def look_at(score: Score, solo: Part, takes: Sequence[LearnedTake]) -> Learned:
    """See what takes tell together."""
    line = solo_line(solo)
    grid = SoloGrid(line, written_tempo(score), score)
    every = performances_of(takes)
    together = rehearse(grid, every)
    used = tuple(_counts(grid, takes, i, together) for i in range(len(takes)))
    return Learned(
        line=line,
        grid=grid,
        takes=tuple(takes),
        used=used,
        reasons=tuple(
            "" if counts else _why_not(grid, take) for take, counts in zip(takes, used, strict=True)
        ),
        deviations=tuple(_deviations(grid, take, together) for take in takes),
        together=together,
        habits=tuple(habits_of(grid, line, [t for t, yes in zip(takes, used, strict=True) if yes])),
    )


def _counts(grid: SoloGrid, takes: Sequence[LearnedTake], index: int, together: Rehearsed) -> bool:
    """Whether a take makes a difference."""
    others = performances_of(t for i, t in enumerate(takes) if i != index)
    return bool((rehearse(grid, others).counts != together.counts).any())


def _why_not(grid: SoloGrid, take: LearnedTake) -> str:
    if not (rehearse(grid, performances_of([take])).counts > 0).any():
        return "its stretches are too short beside the whole piece"
    return "has too little in common with the others; it counts once others bear it out"


def _deviations(grid: SoloGrid, take: LearnedTake, together: Rehearsed) -> FloatArray:
    """Deviations of one take, each stretch brought to the level of all together."""
    out = np.full(len(together.mean), np.nan)
    for performance in performances_of([take]):
        alone = rehearse(grid, [performance])
        there = alone.counts > 0
        if not there.any():
            continue
        known = there & (together.counts > 0)
        off = float(np.median((alone.mean - together.mean)[known])) if known.any() else 0.0
        out[there] = alone.mean[there] - off
    return out
