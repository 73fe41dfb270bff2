"""What the panels of a picture have in common: colours, tints, legends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from accompanist.takes.record import TakeRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "ENSEMBLE",
    "GRID",
    "INK",
    "MANY_NOTES",
    "SOFT",
    "SOLO",
    "STYLE",
    "TRUTH",
    "Truth",
    "put_legend",
    "shade_states",
    "thinned",
]

Array = npt.NDArray[np.float64]

INK, SOFT, GRID = "#26323c", "#7d8a96", "#e4e8ec"
SOLO, ENSEMBLE, TRUTH = "#1f6fb2", "#e0892b", "#26323c"
MANY_NOTES = 300
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "accompanist",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Helvetica", "Arial", "DejaVu Sans", "sans-serif"],
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "path.simplify_threshold": 0.4,
}
_MOST_POINTS = 1600
_SHORTEST_TINT_S = 0.25
_STATES = {
    "holding": ("#f6e7c8", "holding"),
    "waiting": ("#ececf0", "waiting"),
    "lost": ("#f6d5d0", "lost"),
}
_LEGEND: Any = {"fontsize": 8.5, "framealpha": 0.85, "edgecolor": "none", "fancybox": False}


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """True solo onsets, [same shape=(n,)]."""

    quarters: Array
    times_s: Array


def shade_states(axis: Axes, record: TakeRecord) -> None:
    """Lay a tint behind the stretches in which the ensemble waits or is lost."""
    states, times = record.states, record.times_s
    shortest_s = max(_SHORTEST_TINT_S, (times[-1] if len(times) else 0.0) / 300)
    start = 0
    named: set[str] = set()
    for i in range(1, len(states) + 1):
        if i < len(states) and states[i] == states[start]:
            continue
        look = _STATES.get(states[start])
        end = times[min(i, len(times) - 1)]
        if look is not None and end - times[start] >= shortest_s:
            colour, name = look
            label = None if name in named else name
            named.add(name)
            axis.axvspan(times[start], end, color=colour, linewidth=0, zorder=0, label=label)
        start = i


def put_legend(axis: Axes, **place: Any) -> None:
    if axis.get_legend_handles_labels()[0]:
        axis.legend(handlelength=1.6, **place, **_LEGEND)


def thinned(count: int) -> slice:
    return slice(None, None, max(1, -(-count // _MOST_POINTS)))
