"""The path of the ensemble from where it is to where the soloist is going to be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from accompanist.conducting.ending import Ending
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.tempo_model import Foresight
from accompanist.conducting.timeline import Timeline

__all__ = ["Knots", "Path", "fill", "lead_in", "plan_path"]

_AT_ONCE_S = 0.001
_CRUSHED_S, _HURRIED_S = 0.03, 0.09
"""Notes closer than this sound as one; but so long at most the soloist is let wait for them."""
_BEFORE_QUARTER = 1e-4
"""Where the ensemble stands while it waits for an event: just before it."""
_EVENTS_AHEAD = 4
_JOIN_S = 0.2
"""In so long, at least, an asynchrony is made up for: all at once is heard as a stumble."""
_FASTEST, _SLOWEST = 3.0, 0.4
"""Bounds of the ensemble's speed, relative to the soloist's, meanwhile."""
_MIN_STEP_S = 1e-5
_MIN_STEP_QUARTER = 1e-8


@dataclass(frozen=True, slots=True)
class Path:
    """A timeline without a gate, and when each of the next solo events is released on it."""

    timeline: Timeline
    releases_s: tuple[tuple[int, float], ...]
    """(event, time) in order; the time is that of the deadline."""


class Knots:
    """Knots under construction; keeps them strictly increasing."""

    def __init__(self, time_s: float, quarter: float) -> None:
        self.times, self.quarters = [time_s], [quarter]

    @property
    def time_s(self) -> float:
        return self.times[-1]

    @property
    def quarter(self) -> float:
        return self.quarters[-1]

    def add(self, time_s: float, quarter: float) -> None:
        if quarter > self.quarter + _MIN_STEP_QUARTER:
            self.times.append(max(time_s, self.time_s + _MIN_STEP_S))
            self.quarters.append(quarter)


def plan_path(
    grid: SoloGrid,
    model: Foresight,
    *,
    now_s: float,
    quarter: float,
    heard: int,
    wait_s: Callable[[int], float],
    end_quarter: float,
    ending: Ending | None = None,
) -> Path:
    """Lead the ensemble from ``quarter`` at ``now_s`` along the soloist's predicted line.

    Parameters
    ----------
    grid, model
        Solo events and the belief about the soloist.
    now_s, quarter
        Where the ensemble stands; the path begins there.
    heard
        Last solo event heard, −1 for none. What lies before it is made up for at once.
    wait_s
        How long event ``i`` may be held past its predicted time.
    end_quarter
        End of the score.
    ending
        How it is ended where the ensemble ends alone; without one in the last tempo.
    """
    knots = Knots(now_s, quarter)
    end_quarter = max(end_quarter, quarter + 1.0)

    def expected_s(at: float) -> float:
        late_s = 0.0 if ending is None else ending.late_s(at) * model.ratio
        return model.predict(at).time_s + late_s

    if heard >= 0 and quarter < grid.release_quarter[heard]:
        _hurry(knots, grid, grid.release_quarter[heard])
    first = _first_event(grid, knots.quarter)
    if first < len(grid) and first > heard:
        overdue_s = model.predict(grid.quarters[first]).time_s + wait_s(first)
        if overdue_s < now_s:  # nothing is kept for later of what is late by now
            knots.add(now_s + _AT_ONCE_S, grid.release_quarter[first])
            first += 1
    last = min(first + _EVENTS_AHEAD, len(grid))
    if first < last:
        _join(knots, grid, expected_s, [grid.release_quarter[first]])
    else:
        bends = [] if ending is None else ending.places(knots.quarter)
        _join(knots, grid, expected_s, [*bends, end_quarter])
    releases = []
    own_late_s = 0.0
    for event in range(first, last):
        at = grid.release_quarter[event]
        event_s = model.predict(grid.quarters[event]).time_s
        arrive_s = max(event_s + own_late_s, knots.time_s + _MIN_STEP_S, now_s + _AT_ONCE_S)
        release_s = max(arrive_s, event_s + wait_s(event))
        fill(knots, grid, at - _BEFORE_QUARTER, arrive_s)
        knots.add(release_s, at)
        releases.append((event, release_s))
        own_late_s = max(release_s - event_s, 0.0)
    if last == len(grid):
        late_s = knots.time_s - expected_s(knots.quarter)
        for place in [] if ending is None else ending.places(knots.quarter):
            fill(knots, grid, place, expected_s(place) + late_s)
        fill(knots, grid, end_quarter, expected_s(end_quarter) + late_s)
    rate = grid.written_rate(knots.quarter) / model.ratio
    return Path(Timeline(tuple(knots.times), tuple(knots.quarters), rate), tuple(releases))


def lead_in(path: Path, now_s: float, quarter: float) -> Path:
    """Go straight from ``quarter`` at ``now_s`` to where and when the path begins.

    Both lie before its first knot.
    """
    line = path.timeline
    joined = replace(line, times_s=(now_s, *line.times_s), quarters=(quarter, *line.quarters))
    return replace(path, timeline=joined)


def _first_event(grid: SoloGrid, quarter: float) -> int:
    """Find the first event whose notes have not begun at ``quarter``."""
    event = max(grid.event_at(quarter), 0)
    while event < len(grid) and grid.release_quarter[event] <= quarter:
        event += 1
    return event


def _join(
    knots: Knots, grid: SoloGrid, expected_s: Callable[[float], float], until: Sequence[float]
) -> None:
    """Go from the ensemble's own line over to the expected one, before the last of ``until``.

    The others are places where that one bends, besides those of the written tempo.
    """
    start_s, start = knots.time_s, knots.quarter
    here_s = expected_s(start)
    ahead_s = here_s - start_s
    if abs(ahead_s) < _AT_ONCE_S:
        return
    slack = 1.0 / _SLOWEST - 1.0 if ahead_s > 0.0 else 1.0 - 1.0 / _FASTEST
    takes_s = max(_JOIN_S, abs(ahead_s) / slack)
    line = [start, *sorted({*grid.knots_between(start, until[-1]), *until})]
    times = [expected_s(q) for q in line]
    meet_s = here_s + takes_s
    if meet_s >= times[-1]:
        return
    i = max(bisect_right(times, meet_s), 1)
    share = (meet_s - times[i - 1]) / max(times[i] - times[i - 1], 1e-9)
    meet = line[i - 1] + max(share, 0.0) * (line[i] - line[i - 1])
    knots.add(meet_s, meet)


def _hurry(knots: Knots, grid: SoloGrid, quarter: float) -> None:
    """Get to where the soloist is: at once, unless notes on the way would be crushed."""
    left = grid.notes_between(knots.quarter, quarter)
    knots.add(knots.time_s + max(_AT_ONCE_S, min(left * _CRUSHED_S, _HURRIED_S)), quarter)


def fill(knots: Knots, grid: SoloGrid, quarter: float, time_s: float) -> None:
    """Go to ``quarter`` at ``time_s``, bending where the written tempo changes."""
    start_s, start = knots.time_s, knots.quarter
    bends = grid.knots_between(start, quarter)
    if bends:
        origin = grid.to_written(start)
        whole = grid.to_written(quarter) - origin
        for bend in bends:
            knots.add(start_s + (grid.to_written(bend) - origin) / whole * (time_s - start_s), bend)
    knots.add(time_s, quarter)
