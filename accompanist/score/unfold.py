"""Repeats, voltas, D.C., D.S., coda and fine written out into the order of performance.

Only the signs at each printed measure count, so the same rules serve every notation format.
Files are often imperfect; each imperfection gets the reading a musician would give it:

- a repeat without a start goes back to behind the last repeat or Fine, else to the beginning;
- a first ending without its repeat sign, followed by a second one, is repeated all the same;
- a pass for which no ending is printed takes the last one;
- D.S. without a segno is D.C.; "al coda" without a coda, or without "to coda", plays on;
- after D.C. or D.S. repeats are not taken again and the last ending is played, up to the place
  of the jump or to the coda: what comes there is new;
- each D.C. and D.S. is followed once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["MAX_TIMES", "BarSigns", "JumpTo", "unfold", "visits"]

MAX_TIMES = 32
"""More plays than this of one repeated passage are taken for a mistake: it is played twice."""


class JumpTo(StrEnum):
    """Where a jump at the end of a measure goes back to."""

    NOWHERE = "nowhere"
    START = "da capo"
    SEGNO = "dal segno"


@dataclass(frozen=True, slots=True)
class BarSigns:
    """Signs of one printed measure. Segno and coda stand at its beginning, the rest at its end."""

    repeat_start: bool = False
    repeat_times: int = 0
    """At its end: how often the passage is played in all, 0 where there is no repeat sign."""
    endings: frozenset[int] = frozenset()
    """Numbers of the volta bracket above it; empty outside of voltas."""
    ending_starts: bool = False
    """A volta bracket begins here, which tells two brackets of the same number apart."""
    segno: bool = False
    coda: bool = False
    to_coda: bool = False
    fine: bool = False
    jump: JumpTo = JumpTo.NOWHERE
    jump_al_coda: bool = False
    """"al coda": the jump's second pass goes on to the coda and ignores fine."""


@dataclass(frozen=True, slots=True)
class _Group:
    """The voltas of one repeated passage: measure ranges [first, behind) with their numbers."""

    brackets: tuple[tuple[int, int, frozenset[int]], ...]

    @property
    def start(self) -> int:
        return self.brackets[0][0]

    @property
    def end(self) -> int:
        return self.brackets[-1][1]

    def bracket_for(self, passage: int, *, repeated: bool) -> int | None:
        """Find the bracket that the n-th pass takes: the one that names it, else the last.

        None: a lone first ending with its repeat sign is passed over by the last pass, whose
        ending nobody has drawn.
        """
        for i, (_, _, numbers) in enumerate(self.brackets):
            if passage in numbers:
                return i
        if len(self.brackets) == 1 and repeated and passage > max(self.brackets[0][2]):
            return None
        return len(self.brackets) - 1


def unfold(signs: Sequence[BarSigns], most: int = 1_000_000) -> list[int]:
    """List the indices of the printed measures in the order they are performed.

    Every index is in range; the sequence is broken off behind ``most`` + 1 measures.

    >>> unfold([BarSigns(), BarSigns(repeat_times=2), BarSigns()])
    [0, 1, 0, 1, 2]
    """
    return _Walk(signs).run(most)


def visits(order: Sequence[int]) -> list[int]:
    """Count for each performed measure which time it is played, from 1.

    >>> visits([0, 1, 0, 1, 2])
    [1, 1, 2, 2, 1]
    """
    seen: dict[int, int] = {}
    counted = []
    for index in order:
        seen[index] = seen.get(index, 0) + 1
        counted.append(seen[index])
    return counted


class _Walk:
    """Reads the signs as a player does, measure by measure."""

    def __init__(self, signs: Sequence[BarSigns]) -> None:
        self.signs = signs
        self.groups = _volta_groups(signs)
        self.group_at = {i: g for g in self.groups for i in range(g.start, g.end)}
        self.order: list[int] = []
        self.at = 0
        self.passage = 1
        self.section_start = 0
        self.start_is_drawn = False
        self.jumped = False
        self.jumped_from = -1
        self.codas = [i for i, bar in enumerate(signs) if bar.coda]
        self.segnos = [i for i, bar in enumerate(signs) if bar.segno]
        self.al_coda = False
        self.jumps_done: set[int] = set()

    def run(self, most: int) -> list[int]:
        while self.at < len(self.signs) and len(self.order) <= most:
            if self.jumped and self.at > self.jumped_from:
                self._begin_anew(self.at)
            index = self._past_other_endings(self.at)
            if index >= len(self.signs):
                break
            self._enter(index)
            self.order.append(index)
            following = self._leave(index)
            if following is None:
                break
            self.at = following
        return self.order

    def _past_other_endings(self, index: int) -> int:
        """Find ``index``, or the first measure of the ending that belongs to this pass."""
        group = self.group_at.get(index)
        if group is None:
            return index
        passage = MAX_TIMES + 1 if self.jumped else self.passage
        repeated = self.signs[group.end - 1].repeat_times > 0
        chosen = group.bracket_for(passage, repeated=repeated)
        first, behind = group.brackets[chosen][:2] if chosen is not None else (group.end,) * 2
        if first <= index < behind:
            return index
        if index < first < group.end:
            return first
        self._begin_section(group.end)
        return self._past_other_endings(group.end)

    def _begin_anew(self, index: int) -> None:
        """Leave what was replayed after a jump: from ``index`` on it is all new."""
        self.jumped = self.al_coda = False
        self._begin_section(index)

    def _begin_section(self, index: int) -> None:
        """Let a repeat whose start nobody has drawn go back to ``index``."""
        self.section_start, self.passage, self.start_is_drawn = index, 1, False

    def _enter(self, index: int) -> None:
        if self.signs[index].repeat_start and index != self.section_start and not self.jumped:
            self.section_start, self.passage = index, 1
        if self.signs[index].repeat_start:
            self.start_is_drawn = True

    def _leave(self, index: int) -> int | None:
        """Find the measure behind ``index`` in performance; None at the end."""
        signs = self.signs[index]
        if not self.jumped:
            back = self._repeat(index)
            if back is not None:
                return back
        if self.jumped and signs.fine and not self.al_coda:
            return None
        if self.jumped and self.al_coda and signs.to_coda:
            behind = bisect_right(self.codas, index)
            if behind < len(self.codas):
                self._begin_anew(self.codas[behind])
                return self.codas[behind]
        if signs.jump is not JumpTo.NOWHERE and index not in self.jumps_done:
            return self._jump(index)
        return index + 1

    def _repeat(self, index: int) -> int | None:
        """Find the start of the passage where it is to be played again, else None."""
        group = self.group_at.get(index)
        at_end_of_bracket = group is not None and any(
            index == behind - 1 for _, behind, _ in group.brackets
        )
        times = self._times(index, group if at_end_of_bracket else None)
        if times > self.passage:
            self.passage += 1
            return self.section_start
        ends_group = group is not None and index == group.end - 1
        if times or ends_group:
            self._begin_section(index + 1)
        elif self.signs[index].fine and not self.start_is_drawn:
            self._begin_section(index + 1)  # a trio begins behind Fine
        return None

    def _times(self, index: int, group: _Group | None) -> int:
        """Count how often the passage that ends here is played; 0: it does not end here."""
        stated = self.signs[index].repeat_times
        if stated > MAX_TIMES:
            stated = 2
        if group is None:
            return stated
        bracket = next(i for i, (_, behind, _) in enumerate(group.brackets) if index == behind - 1)
        numbers = group.brackets[bracket][2]
        if len(group.brackets) == 1:
            return max(stated, max(numbers) + 1) if stated else 0
        if bracket == len(group.brackets) - 1:
            # The last ending leads on, unless it is the ending of several passes.
            return max(numbers) if stated else 0
        named = max((n for _, _, numbers in group.brackets for n in numbers), default=2)
        return max(named, stated, 2)

    def _jump(self, index: int) -> int:
        signs = self.signs[index]
        self.jumps_done.add(index)
        self.jumped, self.jumped_from = True, max(index, self.jumped_from)
        self.al_coda = signs.jump_al_coda
        if signs.jump is JumpTo.START:
            return 0
        behind = bisect_right(self.segnos, index)
        return self.segnos[behind - 1] if behind else 0


def _volta_groups(signs: Sequence[BarSigns]) -> list[_Group]:
    """Group the brackets that belong to one repeat: a lower number begins a new group."""
    brackets: list[tuple[int, int, frozenset[int]]] = []
    for i, bar in enumerate(signs):
        numbers = frozenset(n for n in bar.endings if 1 <= n <= MAX_TIMES)
        if not numbers:
            continue
        if (
            brackets
            and brackets[-1][1] == i
            and brackets[-1][2] == numbers
            and not bar.ending_starts
        ):
            brackets[-1] = (brackets[-1][0], i + 1, numbers)
        else:
            brackets.append((i, i + 1, numbers))
    groups: list[list[tuple[int, int, frozenset[int]]]] = []
    for bracket in brackets:
        last = groups[-1][-1] if groups else None
        if last is not None and last[1] == bracket[0] and min(bracket[2]) > max(last[2]):
            groups[-1].append(bracket)
        else:
            groups.append([bracket])
    return [_Group(tuple(group)) for group in groups]
