"""Which keys are down, and for which notes of the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from accompanist.performing.plan import Roll

__all__ = ["Key", "Keys", "Struck"]

Key: TypeAlias = tuple[int, int]
"""Channel and pitch."""
_NEVER_S = float("inf")


@dataclass(slots=True)
class Struck:
    """A key that is down: the notes that hold it, when it was struck, when it must be let go."""

    notes: set[int]
    part: int
    time_s: float
    release_by_s: float


class Keys:
    """The keys that are down. Not thread-safe.

    Parameters
    ----------
    rolls : mapping of int to Roll
        The notes that are strokes of a tremolo or a trill.

    Attributes
    ----------
    release_by_s : float
        When the first of them must be let go; infinite if none is down.
    """

    def __init__(self, rolls: Mapping[int, Roll]) -> None:
        self._rolls = rolls
        self._down: dict[Key, Struck] = {}
        self._key_of: dict[int, Key] = {}
        self._rolling: set[int] = set()
        self.release_by_s = _NEVER_S

    def __len__(self) -> int:
        return len(self._down)

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._down))

    def get(self, key: Key) -> Struck | None:
        """Give what is known of a key; None if it is up."""
        return self._down.get(key)

    def press(self, key: Key, note: int, part: int, time_s: float, release_by_s: float) -> None:
        """Press a key for a note; notes that hold it already hold on."""
        before = self._down.get(key)
        notes = set() if before is None else before.notes
        self._down[key] = Struck(notes, part, time_s, release_by_s)
        self.hold(key, note)
        if note in self._rolls:
            self._rolling.add(note)
        self.release_by_s = min(self.release_by_s, release_by_s)

    def hold(self, key: Key, note: int) -> None:
        """Let a note hold a key that is down."""
        self._down[key].notes.add(note)
        self._key_of[note] = key

    def release(self, note: int) -> tuple[Key, Struck] | None:
        """Let a note go; give its key if nothing else holds it."""
        key = self._key_of.get(note)
        if key is None:
            return None
        struck = self._down[key]
        self.keep(key, struck.notes - {note})
        return None if struck.notes else (key, self.let_go(key))

    def keep(self, key: Key, notes: Collection[int]) -> None:
        """Let all notes go that hold a key, but these."""
        struck = self._down[key]
        for note in struck.notes.difference(notes):
            del self._key_of[note]
            self._rolling.discard(note)
        struck.notes.intersection_update(notes)

    def let_go(self, key: Key) -> Struck:
        """Let a key go, whatever holds it."""
        self.keep(key, ())
        return self._down.pop(key)

    def look_again(self) -> None:
        """Find out anew when the first key must be let go."""
        left = (struck.release_by_s for struck in self._down.values())
        self.release_by_s = min(left, default=_NEVER_S)

    # ---- tremolos and trills that are held up --------------------------------------------------

    @property
    def rolling(self) -> bool:
        """Whether a stroke of a tremolo or a trill sounds."""
        return bool(self._rolling)

    def next_stroke_s(self, from_s: float) -> float:
        """When one that has stood still since ``from_s`` goes on; infinite if none does."""
        return min((self._next_stroke_s(note, from_s) for note in self._rolling), default=_NEVER_S)

    def roll_on(self, from_s: float, until_s: float) -> Iterator[tuple[float, int, Key, Key, int]]:
        """Let them go on until a time: hands do not stop because the music waits.

        Yields
        ------
        (float, int, Key, Key, int)
            When; the part; the key that goes up, and the one that goes down, how hard.
        """
        for note in sorted(self._rolling):
            roll = self._rolls[note]
            while (time_s := self._next_stroke_s(note, from_s)) < until_s:
                key = self._key_of[note]
                struck, following = self._down.pop(key), self._following(key, roll)
                self._down[following] = replace(struck, time_s=time_s)
                self._key_of[note] = following
                yield time_s, struck.part, key, following, roll.velocity

    def _next_stroke_s(self, note: int, from_s: float) -> float:
        key, roll = self._key_of[note], self._rolls[note]
        struck, following = self._down[key], self._following(key, roll)
        if len(struck.notes) > 1 or (following != key and following in self._down):
            return _NEVER_S  # another note has that key
        # One stroke's time longer than it stands still: most waits are over by then.
        next_s = max(struck.time_s, from_s) + roll.stroke_s
        return next_s if next_s < struck.release_by_s else _NEVER_S

    @staticmethod
    def _following(key: Key, roll: Roll) -> Key:
        return key[0], roll.pitches[key[1] == roll.pitches[0]]
