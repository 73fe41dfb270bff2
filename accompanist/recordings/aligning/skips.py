"""Passages of a score that a recording leaves out, put between bar lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from accompanist.recordings.aligning.alignment import Alignment
from accompanist.recordings.aligning.cutting import Kept, Nothing
from accompanist.score.model import Measure, Score
from accompanist.score.tempo import WrittenTempo

__all__ = ["Skip", "find_skips", "passages_without"]

_SHORTEST_QUARTERS = 2.0
_PASSED_S = 4.0
"""Meanwhile the recording goes on by less than this."""
_TOLERANCE_QUARTERS = 2.5
"""How far the length of a passage between bar lines may be from that of the gap."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A passage of the score that is not played."""

    start_quarter: float
    end_quarter: float


def find_skips(
    score: Score, alignment: Alignment, tempo: WrittenTempo, lead_s: float
) -> list[Skip]:
    """Find passages left out before and between the stretches of an alignment.

    Where a repeat is left out, the music before the gap and that at its end are the same, so the
    gap may lie anywhere along it. It is moved to bar lines, if possible so that the bar numbers
    go on by one.

    Parameters
    ----------
    score : Score
    alignment : Alignment
        Of the score's features, which begin ``lead_s`` before it.
    """
    begins = float(tempo.to_quarter(alignment.map.stretches[0].first_s[0] - lead_s))
    at_once = _first_pass(score.measures, begins)
    if at_once is not None:  # the other passages are looked for once it is out of the way
        return [at_once]
    skips: list[Skip] = []
    for before, after in pairwise(alignment.regions):
        gap_s = after.first_start_s - before.first_end_s
        if after.second_start_s - before.second_end_s > max(_PASSED_S, 0.5 * gap_s):
            continue
        start = float(tempo.to_quarter(before.first_end_s - lead_s))
        end = float(tempo.to_quarter(after.first_start_s - lead_s))
        if end - start < _SHORTEST_QUARTERS:
            continue
        skip = _between_bars(score.measures, start, end)
        if not skips or skip.start_quarter >= skips[-1].end_quarter:
            skips.append(skip)
    return skips


def passages_without(skips: Sequence[Skip], end_quarter: float) -> list[Kept | Nothing]:
    """List what remains of a score."""
    out: list[Kept | Nothing] = []
    at = 0.0
    for skip in skips:
        if skip.start_quarter > at + 1e-6:
            out.append(Kept(at, skip.start_quarter))
        at = skip.end_quarter
    if end_quarter > at + 1e-6:
        out.append(Kept(at, end_quarter))
    return out


def _first_pass(measures: Sequence[Measure], begins: float) -> Skip | None:
    """Find out whether a recording begins with the second pass of the first repeat.

    It does then begin with the first one, and leaves out the second.
    """
    repeated = {m.printed for m in measures if m.visit > 1}
    # A pickup may not be repeated.
    first = next((m for m in measures[:2] if m.printed in repeated), None)
    for again in measures:
        if (
            first is not None
            and again.visit > 1
            and again.printed == first.printed
            and abs(again.start_quarter - begins) <= 0.5 * again.length_quarter
        ):
            return Skip(first.start_quarter, again.start_quarter)
    return None


def _between_bars(measures: Sequence[Measure], start: float, end: float) -> Skip:
    length = end - start
    best: tuple[float, Skip] | None = None
    for i, first in enumerate(measures):
        if abs(first.start_quarter - start) > length + _TOLERANCE_QUARTERS:
            continue
        for j in range(i + 1, len(measures) + 1):
            behind = measures[j].start_quarter if j < len(measures) else measures[-1].end_quarter
            off = abs(behind - first.start_quarter - length)
            if off > _TOLERANCE_QUARTERS:
                continue
            price = off + 0.02 * abs(first.start_quarter - start)
            if j < len(measures) and not _goes_on(measures, i, j):
                price += 2.0 * _TOLERANCE_QUARTERS
            if best is None or price < best[0] - 1e-9:
                best = (price, Skip(first.start_quarter, behind))
    return best[1] if best is not None else Skip(start, end)


def _goes_on(measures: Sequence[Measure], first: int, behind: int) -> bool:
    """Whether bar numbers go on when measures from ``first`` to before ``behind`` are cut."""
    if first == 0:
        return True
    try:
        here, there = int(measures[first - 1].printed), int(measures[behind].printed)
    except ValueError:
        return False
    # A second ending often has the numbers that follow those of the first.
    return there > here and measures[behind].visit >= measures[first - 1].visit
