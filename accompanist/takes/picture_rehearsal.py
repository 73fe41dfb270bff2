"""``rehearsal.svg``: how a soloist plays a piece, by what earlier takes of it have in common."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Score
from accompanist.takes.picture_look import ENSEMBLE, INK, SOFT, SOLO, STYLE, put_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TakeCurve", "TakenTime", "draw_rehearsal", "over_beats"]

Array = npt.NDArray[np.float64]

_MOST_TICKS = 24


@dataclass(frozen=True, slots=True, eq=False)
class TakeCurve:
    """One earlier take.

    Attributes
    ----------
    deviations : ndarray [shape=(n_intervals,)]
        Log ratio of played to written time less its own mean; NaN where not played.
    own : bool
        Played by the soloist themselves.
    levels_db : ndarray [shape=(n_events,)] or None
        Loudness of each solo event against the take's mean; NaN where not known.
    """

    deviations: Array
    own: bool
    levels_db: Array | None = None


@dataclass(frozen=True, slots=True)
class TakenTime:
    """A place where the soloist breathes, or else holds a note, in so many of the takes."""

    quarter: float
    breath: bool
    takes: int
    of: int


def over_beats(
    quarters: Array, values: Array, weights: Array, beat_quarter: float
) -> tuple[Array, Array]:
    """Mean of the values of each beat, weighted.

    Parameters
    ----------
    quarters, values, weights : ndarray [shape=(n,)]
        Positions, rising; a value that is NaN does not count.
    beat_quarter : float

    Returns
    -------
    (ndarray, ndarray) [shape=(n_beats,)]
        Where each beat with a value begins, and its mean.
    """
    known = np.isfinite(values) & (weights > 0.0)
    beats = np.floor(quarters[known] / beat_quarter + 1e-6).astype(np.intp)
    if not len(beats):
        return np.zeros(0), np.zeros(0)
    total = np.bincount(beats, weights[known] * values[known])
    weight = np.bincount(beats, weights[known])
    there = np.flatnonzero(weight > 0.0)
    return there.astype(np.float64) * beat_quarter, total[there] / weight[there]


def draw_rehearsal(
    path: Path,
    score: Score,
    *,
    quarters: Array,
    seconds: Array,
    mean: Array,
    takes: Sequence[TakeCurve],
    times_taken: Sequence[TakenTime] = (),
    title: str,
    subtitle: str = "",
) -> None:
    """Draw tempo and loudness of all takes over the bars, and what is expected of the next.

    Parameters
    ----------
    path : Path
        Where to write the SVG (or PNG, by its suffix).
    score : Score
        For the bars.
    quarters, seconds : ndarray [shape=(n_events,)]
        The solo's events: position, and written seconds.
    mean : ndarray [shape=(n_intervals,)]
        Expected log ratio of played to written time less the mean; NaN where nothing is known.
    takes : sequence of TakeCurve
    times_taken : sequence of TakenTime
    title, subtitle : str
        Written above.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    beat = _beat_quarter(score)
    loud = [t.levels_db for t in takes if t.levels_db is not None]
    heights = [2.6, 1.2] if loud else [2.6]
    with rc_context(STYLE):
        figure = Figure(figsize=(10.5, 1.45 * sum(heights)), facecolor="white")
        FigureCanvasAgg(figure)
        axes: list[Axes] = list(
            figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[
                :, 0
            ]
        )
        lengths = np.diff(seconds)
        _draw_tempo(axes[0], quarters[:-1], lengths, mean, takes, beat)
        _draw_times_taken(axes[0], times_taken)
        put_legend(axes[0], loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=5, borderaxespad=0)
        if loud:
            _draw_loudness(axes[1], quarters, loud, beat)
        for axis in axes:
            axis.tick_params(length=2.5, width=0.6)
            axis.margins(x=0.005)
        _put_bars(axes[-1], score, quarters)
        figure.align_ylabels(axes)
        bottom = 0.55 / figure.get_figheight()
        top = 1.0 - 0.75 / figure.get_figheight()
        figure.subplots_adjust(left=0.075, right=0.985, top=top, bottom=bottom, hspace=0.12)
        line = 1.0 - 0.24 / figure.get_figheight()
        figure.text(0.075, line, title, fontsize=13, fontweight="bold", va="center")
        figure.text(0.985, line, subtitle, color=SOFT, ha="right", va="center")
        metadata = {"Date": None} if path.suffix == ".svg" else None
        with warnings.catch_warnings():
            # The text stays text in the SVG: whoever shows it has the fonts, or has not.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure.savefig(path, metadata=metadata, dpi=110)


def _draw_tempo(
    axis: Axes,
    quarters: Array,
    lengths: Array,
    mean: Array,
    takes: Sequence[TakeCurve],
    beat: float,
) -> None:
    axis.set_ylabel("tempo, % of its mean")
    axis.axhline(100.0, color=SOFT, linewidth=1.0, linestyle=(0, (4, 3)))
    curves = [over_beats(quarters, t.deviations, lengths, beat) for t in takes]
    middle = over_beats(quarters, mean, lengths, beat)
    _band(axis, curves, middle, lambda log: 100.0 * np.exp(-log))
    named: set[bool] = set()
    for take, (at, log) in zip(takes, curves, strict=True):
        label = None if take.own in named else "a take of yours" if take.own else "by somebody else"
        named.add(take.own)
        axis.plot(
            at + beat / 2,
            100.0 * np.exp(-log),
            color=SOLO if take.own else ENSEMBLE,
            linewidth=0.7,
            alpha=0.55,
            label=label,
        )
    axis.plot(
        middle[0] + beat / 2, 100.0 * np.exp(-middle[1]), color=INK, linewidth=1.8, label="expected"
    )
    shown = [100.0 * np.exp(-log) for _, log in (*curves, middle) if len(log)]
    if shown:
        low, high = np.quantile(np.concatenate(shown), (0.01, 0.99))
        room = max(0.2 * (high - low), 4.0)
        axis.set_ylim(max(low - room, 0.0), high + room)


def _draw_times_taken(axis: Axes, times_taken: Sequence[TakenTime]) -> None:
    for breath, marker, name in ((True, "v", "a breath"), (False, "s", "a note held")):
        mine = [t for t in times_taken if t.breath is breath]
        if mine:
            axis.scatter(
                [t.quarter for t in mine],
                [0.97] * len(mine),
                s=[8.0 + 22.0 * t.takes / max(t.of, 1) for t in mine],
                marker=marker,
                color=ENSEMBLE if breath else "#8a5fb0",
                linewidths=0,
                transform=axis.get_xaxis_transform(),
                label=name,
                zorder=5,
            )


def _draw_loudness(axis: Axes, quarters: Array, levels: Sequence[Array], beat: float) -> None:
    axis.set_ylabel("loudness, dB")
    curves = [over_beats(quarters, level, np.ones(len(level)), beat) for level in levels]
    at = np.unique(np.concatenate([a for a, _ in curves]))
    table = _on(at, curves)
    middle = (at, np.nanmean(table, axis=0)) if len(at) else (at, at)
    _band(axis, curves, middle, lambda db: db)
    for places, db in curves:
        axis.plot(places + beat / 2, db, color=SOLO, linewidth=0.6, alpha=0.45)
    axis.plot(middle[0] + beat / 2, middle[1], color=INK, linewidth=1.5)


def _band(
    axis: Axes, curves: Sequence[tuple[Array, Array]], middle: tuple[Array, Array], as_shown: Any
) -> None:
    """Lay a tint over where two thirds of the takes are, where there are several."""
    at, values = middle
    if not len(at) or len(curves) < 2:
        return
    table = _on(at, curves)
    several = np.isfinite(table).sum(axis=0) >= 2
    spread = np.full(len(at), np.nan)
    spread[several] = np.nanstd(table[:, several], axis=0, ddof=1)
    step = float(np.min(np.diff(at))) if len(at) > 1 else 0.0
    axis.fill_between(
        at + step / 2,
        as_shown(values - spread),
        as_shown(values + spread),
        color=SOLO,
        alpha=0.16,
        linewidth=0,
        label="where they mostly are",
    )


def _on(at: Array, curves: Sequence[tuple[Array, Array]]) -> Array:
    """Values of each curve at common places [shape=(n_curves, n)]; NaN where it has none."""
    table = np.full((len(curves), len(at)), np.nan)
    for row, (places, values) in enumerate(curves):
        common, mine, theirs = np.intersect1d(at, places, return_indices=True)
        if len(common):
            table[row, mine] = values[theirs]
    return table


def _beat_quarter(score: Score) -> float:
    """Length of a beat of the first metre: a dotted quarter in 6/8."""
    if not score.metres:
        return 1.0
    metre = score.metres[0]
    if metre.denominator == 8 and metre.numerator % 3 == 0 and metre.numerator > 3:
        return 1.5
    return 4.0 / metre.denominator


def _put_bars(axis: Axes, score: Score, quarters: Array) -> None:
    """Name the bars below."""
    if not score.measures or not len(quarters):
        axis.set_xlabel("quarter")
        return
    low, high = float(quarters[0]), float(quarters[-1])
    shown = [m for m in score.measures if low - m.length_quarter < m.start_quarter <= high]
    every = next(n for n in (1, 2, 4, 5, 10, 20, 50, 100, 10**6) if len(shown) / n <= _MOST_TICKS)
    ticks = [m for i, m in enumerate(shown) if i % every == 0]
    axis.set_xticks([m.start_quarter for m in ticks], [m.printed for m in ticks])
    axis.set_xlabel("bar")
