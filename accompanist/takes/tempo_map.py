"""The tempo map of a performance: ticks of the score at the seconds at which they came.

A map from seconds to ticks is laid through the notes as they were sent, so that in a DAW they
stand on the grid where the score has them and sound when they sounded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

__all__ = ["TICKS", "Sent", "Stretch", "TempoMap", "tempo_map"]

TICKS = 960
"""Ticks a quarter."""
_SLOWEST_US = 16_000_000
"""Microseconds a quarter; the format's own limit is 2**24 − 1."""
_FASTEST_US = 20_000
_HURRIED = 2 * TICKS
"""So much may pass in no time, where the ensemble catches up; more than that was left out."""
_SAME_S = 0.0002
_LEAD_STRETCH = 4.0
"""The silence before the first note may be counted this much faster than the music."""
_SIXTEENTH = TICKS // 4


@dataclass(frozen=True, slots=True)
class Sent:
    """Something that sounded: when, and where the score has it."""

    time_s: float
    quarter: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``first_tick`` on, score position ``quarter`` stands at ``quarter·960 + offset``."""

    first_tick: int
    first_quarter: float
    offset: int


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Anchors and the tempo events that go through them.

    Attributes
    ----------
    ticks, times_s
        Anchors, strictly increasing, beginning with (0, 0.0).
    tempi_us : tuple of (int, int)
        Tick and microseconds a quarter of each tempo event.
    stretches : tuple of Stretch
        Where in the score each range of ticks lies; more than one after a jump.
    """

    ticks: tuple[int, ...]
    times_s: tuple[float, ...]
    tempi_us: tuple[tuple[int, int], ...]
    stretches: tuple[Stretch, ...]

    def tick(self, time_s: float) -> int:
        """Tick nearest to a time."""
        i = min(bisect_right(self.times_s, time_s), len(self.ticks) - 1)
        low, high = self.times_s[i - 1], self.times_s[i]
        share = (time_s - low) / (high - low)
        return max(0, round(self.ticks[i - 1] + share * (self.ticks[i] - self.ticks[i - 1])))


def tempo_map(
    struck: Sequence[Sent],
    others: Sequence[Sent],
    *,
    qpm: float,
    bar_starts_quarter: Sequence[float],
) -> TempoMap:
    """Lay a map through what sounded.

    Parameters
    ----------
    struck : sequence of Sent
        Note-ons in order of time: they stand where the score has them.
    others : sequence of Sent
        Note-offs and controllers: they get anchors of their own where the map would be off.
    qpm : float
        Tempo before the first note and after the last.
    bar_starts_quarter : sequence of float
        Where measures begin, ascending; after a jump the grid goes on with whole bars.
    """
    anchors = _Anchors(qpm, bar_starts_quarter)
    for sent in struck:
        anchors.add(sent)
    anchors.close()
    for sent in others:
        anchors.refine(sent)
    return TempoMap(
        tuple(anchors.ticks),
        tuple(anchors.times_s),
        _tempi(anchors.ticks, anchors.times_s),
        tuple(anchors.stretches),
    )


def _tempi(ticks: Sequence[int], times_s: Sequence[float]) -> tuple[tuple[int, int], ...]:
    """Whole microseconds a quarter from anchor to anchor, what is rounded away carried on."""
    tempi: list[tuple[int, int]] = []
    reached_s = times_s[0]
    for (tick, after), (_, target_s) in zip(pairwise(ticks), pairwise(times_s), strict=True):
        quarters = (after - tick) / TICKS
        us = min(max(round((target_s - reached_s) * 1e6 / quarters), 1), 0xFFFFFF)
        if not tempi or tempi[-1][1] != us:
            tempi.append((tick, us))
        reached_s += us * quarters * 1e-6
    return tuple(tempi)


class _Anchors:
    """Anchors under construction: ticks and times rise strictly, tempi stay within the format."""

    def __init__(self, qpm: float, bar_starts_quarter: Sequence[float]) -> None:
        self._us = 60e6 / qpm
        self._bars = list(bar_starts_quarter) or [0.0]
        self.ticks = [0]
        self.times_s = [0.0]
        self.stretches: list[Stretch] = []
        self._last_quarter = float("-inf")

    def add(self, sent: Sent) -> None:
        """Put what was struck where the score has it, or go on elsewhere in the score."""
        since_s = sent.time_s - self.times_s[-1]
        if self.stretches and since_s < _SAME_S:
            return
        score_tick = round(sent.quarter * TICKS)
        if not self.stretches:
            self._begin(sent, score_tick)
        tick = score_tick + self.stretches[-1].offset
        rise = tick - self.ticks[-1]
        since_us = since_s * 1e6 * TICKS
        back = rise <= 0 or sent.quarter < self._last_quarter - 1e-6
        if back or (rise > _HURRIED and since_us < _FASTEST_US * rise):
            self._go_on_elsewhere(sent, score_tick)
        elif since_us > _SLOWEST_US * rise:
            self._add_bars(sent, since_us / _SLOWEST_US - rise)
        tick = score_tick + self.stretches[-1].offset
        self._last_quarter = sent.quarter
        if sent.time_s > self.times_s[-1] and tick > self.ticks[-1]:
            self.ticks.append(tick)
            self.times_s.append(sent.time_s)

    def close(self) -> None:
        """Go on behind the last anchor in the usual tempo."""
        if not self.stretches:
            self.stretches.append(Stretch(0, 0.0, 0))
        seconds = 60.0
        self.times_s.append(self.times_s[-1] + seconds)
        self.ticks.append(self.ticks[-1] + max(1, round(seconds * 1e6 / self._us * TICKS)))

    def refine(self, sent: Sent) -> None:
        """Give an anchor to what would be heard to be off its time by the ticks' width."""
        i = bisect_right(self.times_s, sent.time_s)
        if i >= len(self.times_s) or sent.time_s - self.times_s[i - 1] < _SAME_S:
            return
        low_s, high_s = self.times_s[i - 1], self.times_s[i]
        low, high = self.ticks[i - 1], self.ticks[i]
        exact = low + (sent.time_s - low_s) / (high_s - low_s) * (high - low)
        tick_s = (high_s - low_s) / (high - low)
        if abs(round(exact) - exact) * tick_s < _SAME_S or high_s - sent.time_s < _SAME_S:
            return
        tick = round(exact)
        if low < tick < high:
            self.ticks.insert(i, tick)
            self.times_s.insert(i, sent.time_s)

    def _begin(self, sent: Sent, score_tick: int) -> None:
        """Find room for the silence before the first note: whole bars in about its tempo."""
        bar = self._bar_of(sent.quarter)
        into = score_tick - round(bar * TICKS)
        wanted = sent.time_s * 1e6 / self._us * TICKS
        whole = self._bar_ticks(sent.quarter)
        bars = max(round((wanted - into) / whole), 0)
        if bars * whole + into <= 0:
            bars = 1
        if sent.time_s <= 0.0:
            bars = 0
        elif wanted * _LEAD_STRETCH < bars * whole + into:
            # Too little time for the bar's beginning: the file begins within the bar.
            lead = max(round(wanted / _SIXTEENTH), 1) * _SIXTEENTH
            self.stretches.append(Stretch(0, sent.quarter - lead / TICKS, lead - score_tick))
            return
        offset = bars * whole - round(bar * TICKS)
        self.stretches.append(Stretch(bars * whole, bar, offset))

    def _go_on_elsewhere(self, sent: Sent, score_tick: int) -> None:
        """Go on with the bar of the new position, as many ticks later as the time wants."""
        bar = self._bar_of(sent.quarter)
        bar_tick, into = round(bar * TICKS), score_tick - round(bar * TICKS)
        since_us = (sent.time_s - self.times_s[-1]) * 1e6
        last = self.ticks[-1]
        least = max(1, round(since_us / _SLOWEST_US * TICKS))
        first = last + max(least, round(since_us / self._us * TICKS) - into)
        self.stretches.append(Stretch(first, bar, first - bar_tick))

    def _add_bars(self, sent: Sent, missing_ticks: float) -> None:
        """Make room for a hold that is longer than a tempo can tell."""
        whole = self._bar_ticks(sent.quarter)
        bar = self._bar_of(sent.quarter)
        offset = self.stretches[-1].offset + ceil(missing_ticks / whole) * whole
        self.stretches.append(Stretch(round(bar * TICKS) + offset, bar, offset))

    def _bar_of(self, quarter: float) -> float:
        return self._bars[max(bisect_right(self._bars, quarter + 1e-6) - 1, 0)]

    def _bar_ticks(self, quarter: float) -> int:
        """Length of the bar, or of the next where this one is a pickup."""
        i = max(bisect_left(self._bars, self._bar_of(quarter)), 0)
        lengths = [b - a for a, b in pairwise(self._bars[i : i + 3])]
        return max(1, round(max(lengths, default=4.0) * TICKS))
