"""The path of an ensemble that is a recording: no notes to be in time with, only a speed to keep.

Where notes are sent, what the ensemble is off by is made up for at once. A recording that did that
would be heard to jerk with every report. It glides: its line is the soloist's as predicted, and
what it is off by fades out along it, so that the speed differs from the soloist's by a share of
the asynchrony and never by more than the bounds.
"""

from __future__ import annotations

from bisect import bisect_right

from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.planner import Knots, Path
from accompanist.conducting.tempo_model import Foresight
from accompanist.conducting.timeline import Timeline

__all__ = ["glide_path"]

_GLIDE_S = 0.4
"""In so long, at least, an asynchrony is made up for."""
_FASTEST, _SLOWEST = 1.6, 0.6
"""Bounds of the speed, relative to the soloist's, meanwhile."""
_AHEAD_S = 3.0
_MOST_BENDS = 24
_LEAST_QUARTER = 1e-6


def glide_path(
    grid: SoloGrid,
    model: Foresight,
    *,
    now_s: float,
    quarter: float,
    late_s: float,
    end_quarter: float,
) -> Path:
    """Lead the ensemble from ``quarter`` at ``now_s`` over to the soloist's predicted line.

    Parameters
    ----------
    grid, model
        Solo events and the belief about the soloist.
    now_s, quarter
        Where the ensemble stands; the path begins there.
    late_s : float
        It keeps so much behind the soloist on purpose.
    end_quarter : float
        End of the recording.
    """
    here_s = model.predict(quarter).time_s
    ahead_s = here_s + late_s - now_s
    slack = 1.0 / _SLOWEST - 1.0 if ahead_s > 0.0 else 1.0 - 1.0 / _FASTEST
    glide_s = max(_GLIDE_S, abs(ahead_s) / slack)
    places = _places(grid, model, quarter, max(end_quarter, quarter + 1.0), here_s)
    expected_s = [model.predict(place).time_s for place in places]
    meet_s = here_s + glide_s
    i = bisect_right(expected_s, meet_s)
    if 0 < i < len(places):
        share = (meet_s - expected_s[i - 1]) / max(expected_s[i] - expected_s[i - 1], 1e-9)
        places.insert(i, places[i - 1] + share * (places[i] - places[i - 1]))
        expected_s.insert(i, meet_s)
    knots = Knots(now_s, quarter)
    for place, time_s in zip(places[1:], expected_s[1:], strict=True):
        left = max(1.0 - (time_s - here_s) / glide_s, 0.0)
        knots.add(time_s + late_s - left * ahead_s, place)
    rate = grid.written_rate(knots.quarter) / model.ratio
    return Path(Timeline(tuple(knots.times), tuple(knots.quarters), rate), ())


def _places(
    grid: SoloGrid, model: Foresight, quarter: float, end_quarter: float, here_s: float
) -> list[float]:
    """Places from here on between which the predicted line is straight, for a while."""
    places = [quarter]
    for place in grid.knots_between(quarter, end_quarter):
        if len(places) > _MOST_BENDS or model.predict(places[-1]).time_s - here_s > _AHEAD_S:
            return places
        if place > places[-1] + _LEAST_QUARTER:
            places.append(place)
    places.append(end_quarter)
    return places
