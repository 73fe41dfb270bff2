"""Where soloist and recording were: the panels of a take whose ensemble is a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from accompanist.score.model import Score
from accompanist.score.outer import OuterAxis
from accompanist.takes.picture_look import (
    ENSEMBLE,
    MANY_NOTES,
    SOFT,
    SOLO,
    TRUTH,
    Truth,
    put_legend,
    shade_states,
    thinned,
)
from accompanist.takes.record import TakeRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_place", "draw_speed"]

_RESTING = ("armed", "idle", "countin", "paused", "ended")
_LEAST_ROOM = 0.05


def draw_place(axis: Axes, score: Score, record: TakeRecord, truth: Truth | None) -> None:
    """Draw the places in the recording, in seconds, against the time."""
    outer = OuterAxis(score)
    times = record.times_s
    shade_states(axis, record)
    keep = thinned(len(times))
    if len(times):
        resting = np.array([state in _RESTING for state in record.states])
        played = np.where(resting, np.nan, outer.outer(record.played_quarters))
        axis.plot(times[keep], played[keep], color=ENSEMBLE, linewidth=2.6, label="the recording")
        heard = outer.outer(record.quarters)
        axis.plot(
            times[keep], heard[keep], color=SOLO, linewidth=1.2, label="the soloist, as heard"
        )
    if truth is not None:
        axis.plot(
            truth.times_s,
            truth.quarters,
            linestyle="none",
            marker="o",
            markersize=2.4 if len(truth.times_s) < MANY_NOTES else 1.2,
            markeredgewidth=0,
            color=TRUTH,
            label="the soloist, in truth",
        )
    axis.set_ylabel("seconds of the recording")
    put_legend(axis, loc="upper left")


def draw_speed(axis: Axes, score: Score, record: TakeRecord) -> None:
    """Draw the soloist's speed; 1 is as recorded."""
    axis.set_ylabel("speed, 1 as recorded")
    times = record.times_s
    if not len(times):
        return
    playing = np.array([state not in _RESTING for state in record.states])
    speed = OuterAxis(score).outer_rates(record.quarters, record.qpm / 60.0)
    shown = np.where(playing & (speed > 0), speed, np.nan)
    keep = thinned(len(times))
    axis.axhline(1.0, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)), label="as recorded")
    axis.plot(times[keep], shown[keep], color=SOLO, linewidth=1.4, label="as played")
    known = shown[np.isfinite(shown)]
    if len(known):
        low, high = np.quantile(np.append(known, 1.0), (0.01, 0.99))
        room = max(0.15 * (high - low), _LEAST_ROOM)
        axis.set_ylim(max(low - room, 0.0), high + room)
    put_legend(axis, loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=2, borderaxespad=0.0)
