"""What is kept of an earlier performance of a piece, as plain values and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.score.solo import SoloLine

__all__ = [
    "LearnedTake",
    "Stretch",
    "events_at",
    "level_with_one_another",
    "line_key",
    "performances_of",
    "same_performance",
    "take_from_plain",
    "take_to_plain",
]

FloatArray = npt.NDArray[np.float64]

_VERSION = 1
_MOST_ONSETS = 100_000
_MOST_STRETCHES = 1_000
_LATEST_S = 1e6
_NEAR_QUARTER = 2e-3
_LEVEL_ROUNDS = 20
_ALIKE_S, _FEWEST_ALIKE = 0.003, 8
_GRID = 1000.0
"""Places are told apart to this part of a quarter."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A stretch of the piece that was played on without a jump.

    Attributes
    ----------
    quarters, times_s : ndarray [shape=(n,)]
        The solo's onsets, both strictly increasing.
    levels_db : ndarray [shape=(n,)] or None
        How loud each was against the mean of the take; None where nobody knows.
    silences_s : ndarray [shape=(n,)] or None
        For how long nothing was heard of the soloist just before each.
    """

    quarters: FloatArray
    times_s: FloatArray
    levels_db: FloatArray | None = None
    silences_s: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.quarters)


@dataclass(frozen=True, slots=True, eq=False)
class LearnedTake:
    """One earlier performance.

    Attributes
    ----------
    id : str
        By its contents: the same take learned twice is there once.
    name : str
        Where it came from: a take folder or a recording.
    own : bool
        Played by the soloist, not by somebody else.
    source : str
        What its onsets are known by: ``sound``, ``reports`` or ``truth``.
    when : str
        When it was learned from, ISO 8601.
    stretches : tuple of Stretch
        In the order in which they were played.
    """

    id: str
    name: str
    own: bool
    source: str
    when: str
    stretches: tuple[Stretch, ...]

    @property
    def onsets(self) -> int:
        """How many onsets are known of it."""
        return sum(len(stretch) for stretch in self.stretches)


def line_key(solo: SoloLine) -> str:
    """Name for a solo part: by its notes, whatever key it is played in and whoever accompanies it.

    >>> import numpy as np
    >>> from accompanist.score.model import Note
    >>> def line(*pitches):
    ...     notes = tuple((Note(float(i), 1.0, p),) for i, p in enumerate(pitches))
    ...     return SoloLine(np.arange(len(pitches)) * 1.0, notes, (), float(len(pitches)))
    >>> line_key(line(60, 62)) == line_key(line(58, 60)) != line_key(line(60, 63))
    True
    """
    digest = hashlib.sha256()
    first = solo.notes[0][0].pitch if len(solo) else 0
    for quarter, notes in zip(solo.onsets_quarter.tolist(), solo.notes, strict=True):
        pitches = ",".join(str(note.pitch - first) for note in notes)
        digest.update(f"{round(quarter * _GRID)}:{pitches};".encode())
    return digest.hexdigest()[:32]


def events_at(quarters: FloatArray, onsets_quarter: FloatArray) -> npt.NDArray[np.intp]:
    """Which of the solo's events stands at each place; -2 where none does.

    >>> events_at(np.array([1.0, 1.6, 2.0004]), np.array([0.0, 1.0, 2.0])).tolist()
    [1, -2, 2]
    """
    if not len(onsets_quarter):
        return np.full(len(quarters), -2, dtype=np.intp)
    after = np.clip(np.searchsorted(onsets_quarter, quarters), 0, len(onsets_quarter) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(onsets_quarter[before] - quarters) < np.abs(onsets_quarter[after] - quarters)
    events = np.where(nearer, before, after)
    near = np.abs(onsets_quarter[events] - quarters) <= _NEAR_QUARTER
    return np.where(near, events, -2).astype(np.intp)


def performances_of(takes: Iterable[LearnedTake]) -> tuple[Performance, ...]:
    """Give what the conductor is told: a performance for every stretch."""
    return tuple(
        Performance(stretch.quarters, stretch.times_s, take.own, stretch.levels_db)
        for take in level_with_one_another(list(takes))
        for stretch in take.stretches
    )


def level_with_one_another(takes: Sequence[LearnedTake]) -> list[LearnedTake]:
    """Bring the loudness of all stretches to one level: who played a soft part alone is not loud.

    What has nothing in common with the others stays as it is.
    """
    known = [s for take in takes for s in take.stretches if s.levels_db is not None]
    if len(known) < 2:
        return list(takes)
    places, index = np.unique(
        np.concatenate([np.round(s.quarters, 3) for s in known]), return_inverse=True
    )
    rows = np.repeat(np.arange(len(known)), [len(s) for s in known])
    levels = np.concatenate([s.levels_db for s in known if s.levels_db is not None])
    count = np.bincount(index, minlength=len(places))
    lengths = np.bincount(rows)
    for _ in range(_LEVEL_ROUNDS):
        mean = np.bincount(index, levels) / count
        apart = np.where(count[index] > 1, levels - mean[index], 0.0)
        levels = levels - (np.bincount(rows, apart) / lengths)[rows]
    levels -= levels.mean()
    parts = iter(np.split(levels, np.cumsum(lengths)[:-1]))
    return [
        replace(
            take,
            stretches=tuple(
                s if s.levels_db is None else replace(s, levels_db=next(parts))
                for s in take.stretches
            ),
        )
        for take in takes
    ]


def same_performance(first: LearnedTake, second: LearnedTake) -> bool:
    """Whether two takes are of one and the same performance, as far as both go.

    Nobody plays the same twice to some thousandths of a second.
    """
    apart = [
        np.diff(a.times_s[mine] - b.times_s[theirs])
        for a in first.stretches
        for b in second.stretches
        for _, mine, theirs in (
            np.intersect1d(np.round(a.quarters, 3), np.round(b.quarters, 3), return_indices=True),
        )
        if len(mine) > 1
    ]
    every = np.abs(np.concatenate(apart)) if apart else np.zeros(0)
    if len(every) < min(_FEWEST_ALIKE, first.onsets - 1, second.onsets - 1):
        return False
    return float(np.median(every)) < _ALIKE_S


def take_to_plain(take: LearnedTake) -> dict[str, Any]:
    """Turn it into values that JSON can hold."""
    return {
        "version": _VERSION,
        "id": take.id,
        "name": take.name,
        "own": take.own,
        "source": take.source,
        "when": take.when,
        "stretches": [
            {
                "quarters": _rounded(stretch.quarters, 6),
                "times_s": _rounded(stretch.times_s, 5),
                "levels_db": _rounded(stretch.levels_db, 2),
                "silences_s": _rounded(stretch.silences_s, 3),
            }
            for stretch in take.stretches
        ],
    }


def take_from_plain(plain: Any) -> LearnedTake:
    """Build one from what `take_to_plain` made.

    Raises
    ------
    ValueError
        The values are of another version, or no take at all.
    """
    try:
        if plain["version"] != _VERSION:
            raise ValueError(f"layout {plain['version']!r}, expected {_VERSION}")
        stretches = plain["stretches"]
        if not isinstance(stretches, list) or len(stretches) > _MOST_STRETCHES:
            raise ValueError("no list of stretches")
        take = LearnedTake(
            id=_text(plain["id"]),
            name=_text(plain["name"]),
            own=plain["own"] is True,
            source=_text(plain["source"]),
            when=_text(plain["when"]),
            stretches=tuple(_stretch(stretch) for stretch in stretches),
        )
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"no take ({error!r})") from error
    if not 0 < take.onsets <= _MOST_ONSETS:
        raise ValueError(f"a take of {take.onsets} onsets")
    return take


def _stretch(plain: Any) -> Stretch:
    quarters, times_s = _array(plain["quarters"]), _array(plain["times_s"])
    if len(quarters) < 2 or len(quarters) != len(times_s):
        raise ValueError("a stretch without two onsets")
    if not (np.diff(quarters) > 0.0).all() or not (np.diff(times_s) > 0.0).all():
        raise ValueError("a stretch that does not go on")
    more = [None if plain[n] is None else _array(plain[n]) for n in ("levels_db", "silences_s")]
    if any(values is not None and len(values) != len(quarters) for values in more):
        raise ValueError("a stretch with other levels than onsets")
    return Stretch(quarters, times_s, *more)


def _array(values: Any) -> FloatArray:
    if not isinstance(values, list) or len(values) > _MOST_ONSETS:
        raise ValueError("no list of numbers")
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        raise ValueError("no list of numbers")
    array = np.array(values, dtype=np.float64)
    if not (np.abs(array) < _LATEST_S).all():  # neither nan nor infinite
        raise ValueError("a number that cannot be")
    return array


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _rounded(values: FloatArray | None, digits: int) -> list[float] | None:
    return None if values is None else np.round(values, digits).tolist()
