"""The path of the ensemble from where it is to where the soloist is going to be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace

from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.tempo_model import TempoModel
from accompanist.conducting.timeline import Timeline

__all__ = ["Knots", "Path", "fill", "lead_in", "plan_path"]

_AT_ONCE_S = 0.001
_BEFORE_QUARTER = 1e-4
"""Where the ensemble stands while it waits for an event: just before it."""
_EVENTS_AHEAD = 4
_SHARE = 0.8
"""So much of an asynchrony is made up for between two solo onsets."""
_FASTEST, _SLOWEST = 3.0, 0.4
"""Bounds of the ensemble's speed, relative to the soloist's, while it makes up."""
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
    model: TempoModel,
    *,
    now_s: float,
    quarter: float,
    heard: int,
    wait_s: Callable[[int], float],
    end_quarter: float,
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
    """
    knots = Knots(now_s, quarter)
    if heard >= 0 and quarter < grid.release_quarter[heard]:
        knots.add(now_s + _AT_ONCE_S, grid.release_quarter[heard])
    first = _first_event(grid, knots.quarter)
    last = min(first + _EVENTS_AHEAD, len(grid))
    if first < last:
        _join(knots, grid, model, grid.release_quarter[first])
    else:
        _join(knots, grid, model, max(end_quarter, knots.quarter + 1.0))
    releases = []
    own_late_s = 0.0
    for event in range(first, last):
        at = grid.release_quarter[event]
        expected_s = model.predict(grid.quarters[event]).time_s
        arrive_s = max(expected_s + own_late_s, knots.time_s + _MIN_STEP_S, now_s + _AT_ONCE_S)
        release_s = max(arrive_s, expected_s + wait_s(event))
        fill(knots, grid, at - _BEFORE_QUARTER, arrive_s)
        knots.add(release_s, at)
        releases.append((event, release_s))
        own_late_s = max(release_s - expected_s, 0.0)
    if last == len(grid):
        _tail(knots, grid, model, max(end_quarter, knots.quarter + 1.0))
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


def _join(knots: Knots, grid: SoloGrid, model: TempoModel, until_quarter: float) -> None:
    """Go from the ensemble's own line over to the soloist's, before ``until_quarter``."""
    start_s, start = knots.time_s, knots.quarter
    ahead_s = model.predict(start).time_s - start_s
    make_up_s = _SHARE * ahead_s
    speed = _FASTEST if make_up_s < 0 else _SLOWEST
    takes_s = make_up_s / (1.0 - speed)
    if takes_s < _AT_ONCE_S:
        return
    kept_s = ahead_s - make_up_s
    # The soloist's line, moved by what is not made up for, on every bend up to the event.
    line = [start, *grid.knots_between(start, until_quarter), until_quarter]
    times = [model.predict(q).time_s - kept_s for q in line]
    meet_s = start_s + takes_s
    if meet_s >= times[-1]:
        return
    i = max(bisect_right(times, meet_s), 1)
    share = (meet_s - times[i - 1]) / max(times[i] - times[i - 1], 1e-9)
    meet = line[i - 1] + max(share, 0.0) * (line[i] - line[i - 1])
    knots.add(meet_s, meet)


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


def _tail(knots: Knots, grid: SoloGrid, model: TempoModel, end_quarter: float) -> None:
    """On to the end of the score in the last tempo and what the score says about it."""
    length_s = (grid.to_written(end_quarter) - grid.to_written(knots.quarter)) * model.ratio
    fill(knots, grid, end_quarter, knots.time_s + length_s)
