"""``picture.svg``: a take at a glance."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Measure, Score
from accompanist.score.outer import OuterAxis
from accompanist.score.solo import BUCKET_QUARTER
from accompanist.score.tempo import WrittenTempo, written_tempo
from accompanist.takes.continuous import continuous_asynchronies_s
from accompanist.takes.picture_look import (
    ENSEMBLE,
    MANY_NOTES,
    SOFT,
    SOLO,
    STYLE,
    TRUTH,
    Truth,
    put_legend,
    shade_states,
    thinned,
)
from accompanist.takes.picture_recording import draw_place, draw_speed
from accompanist.takes.record import TakeRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Truth", "draw_picture"]

Array = npt.NDArray[np.float64]

_GOOD, _FAIR, _POOR = "#3a9d6e", "#e0a92b", "#c8493b"
_BANDS_MS = ((30.0, _GOOD), (100.0, _FAIR), (float("inf"), _POOR))
_SHOWN_ASYNCHRONY_MS = 200.0
_TALL, _SMALL = 0.013, 0.008
"""Half the height of a stroke for a note, as a share of the panel."""


def draw_picture(
    path: Path,
    score: Score,
    record: TakeRecord,
    *,
    title: str,
    subtitle: str = "",
    truth: Truth | None = None,
    caption: str = "",
) -> None:
    """Draw position, tempo and confidence against time, and with the truth the asynchrony.

    Parameters
    ----------
    path : Path
        Where to write the SVG (or PNG, by its suffix).
    score : Score
        For the bars and the written tempo.
    record : TakeRecord
        What happened.
    title, subtitle : str
        Written above.
    truth : Truth, optional
        Where the soloist really was, in the units of `accompanist.score.outer`.
    caption : str
        Written over the asynchrony.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = [3.2, 1.5, 0.7] + ([1.3] if truth is not None else [])
    with rc_context(STYLE):
        figure = Figure(figsize=(10.5, 1.35 * sum(heights)), facecolor="white")
        FigureCanvasAgg(figure)
        axes: list[Axes] = list(
            figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[
                :, 0
            ]
        )
        if score.recording_s is None:
            _draw_position(axes[0], score, record, truth)
            _draw_tempo(axes[1], record, written_tempo(score), score)
        else:
            draw_place(axes[0], score, record, truth)
            draw_speed(axes[1], score, record)
        _draw_confidence(axes[2], record)
        if truth is not None:
            _draw_asynchrony(axes[3], *_late_ms(score, record, truth))
            axes[3].set_title(caption, loc="left", fontsize=8.5, pad=3.0)
        for axis in axes:
            axis.tick_params(length=2.5, width=0.6)
            axis.margins(x=0.005)
        axes[-1].set_xlabel("time in seconds")
        figure.align_ylabels(axes)
        figure.subplots_adjust(left=0.075, right=0.985, top=0.925, bottom=0.065, hspace=0.16)
        figure.text(0.075, 0.965, title, fontsize=13, fontweight="bold", va="center")
        figure.text(0.985, 0.965, subtitle, color=SOFT, ha="right", va="center")
        metadata = {"Date": None} if path.suffix == ".svg" else None
        with warnings.catch_warnings():
            # The text stays text in the SVG: whoever shows it has the fonts, or has not.
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure.savefig(path, metadata=metadata, dpi=110)


def _draw_position(axis: Axes, score: Score, record: TakeRecord, truth: Truth | None) -> None:
    times, quarters = record.times_s, record.quarters
    struck = record.struck
    shown = [*quarters.tolist(), *(m.quarter for m in struck)]
    low, high = min(shown, default=0.0), max(shown, default=1.0)
    high = max(high, low + 1.0)
    shade_states(axis, record)
    if struck:
        half = (_TALL if len(struck) < MANY_NOTES else _SMALL) * (high - low)
        # One path of short strokes is a fraction of the size of as many markers.
        axis.plot(
            [x for m in struck for x in (m.time_s, m.time_s, np.nan)],
            [y for m in struck for y in (m.quarter - half, m.quarter + half, np.nan)],
            color=ENSEMBLE,
            linewidth=0.9,
            label="the ensemble's notes",
        )
    if len(times):
        keep = thinned(len(times))
        axis.plot(
            times[keep], quarters[keep], color=SOLO, linewidth=1.6, label="the soloist, as heard"
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
    _bar_axis(axis, score.measures, low, high)
    put_legend(axis, loc="upper left")


def _bar_axis(axis: Axes, measures: Sequence[Measure], low: float, high: float) -> None:
    """Label round bar numbers, where there is room for them."""
    span = high - low
    axis.set_ylim(low - 0.02 * span, high + 0.02 * span)
    shown = [m for m in measures if low - 1e-6 <= m.start_quarter <= high]
    axis.set_ylabel("bar" if shown else "quarter")
    every = next(n for n in (1, 2, 5, 10, 20, 50, 100, 200, 10**6) if len(shown) / n <= 20)
    ticks: list[Measure] = []
    for index, measure in enumerate(shown):
        number = int(measure.printed) if measure.printed.isdecimal() else index
        if number % every:
            continue
        if ticks and measure.start_quarter - ticks[-1].start_quarter < 0.025 * span:
            ticks.pop()
        ticks.append(measure)
    if ticks:
        axis.set_yticks([m.start_quarter for m in ticks], [m.printed for m in ticks])


def _draw_tempo(axis: Axes, record: TakeRecord, tempo: WrittenTempo, score: Score) -> None:
    times, qpm, quarters = record.times_s, record.qpm, record.quarters
    axis.set_ylabel("beats a minute")
    if not len(times):
        return
    beats = _beats_a_quarter(score)
    playing = np.array([s not in ("armed", "idle", "countin", "ended") for s in record.states])
    inside = playing & (qpm > 0)
    keep = thinned(len(times))
    written = np.array([tempo.rate_at(float(q)) for q in quarters[keep]]) * 60.0 * beats
    axis.plot(
        times[keep],
        np.where(playing[keep], written, np.nan),
        color=SOFT,
        linewidth=1.0,
        linestyle=(0, (4, 3)),
        label="as written",
    )
    shown = np.where(inside, qpm * beats, np.nan)
    axis.plot(times[keep], shown[keep], color=SOLO, linewidth=1.4, label="as played")
    if inside.any():
        values = np.concatenate((shown[inside], written[playing[keep]]))
        low, high = np.quantile(values, (0.01, 0.99))
        room = max(0.15 * (high - low), 4.0)
        axis.set_ylim(max(low - room, 0.0), high + room)
    # Above the panel: anywhere inside it would hide some of the curve.
    put_legend(axis, loc="lower right", bbox_to_anchor=(1.0, 0.97), ncols=2, borderaxespad=0.0)


def _beats_a_quarter(score: Score) -> float:
    """Beats of the first metre in a quarter: 0.5 in 2/2, 2/3 in 6/8, 1 in 3/4."""
    if not score.metres:
        return 1.0
    metre = score.metres[0]
    if metre.denominator == 8 and metre.numerator % 3 == 0 and metre.numerator > 3:
        return 2.0 / 3.0
    return metre.denominator / 4.0


def _draw_confidence(axis: Axes, record: TakeRecord) -> None:
    times = record.times_s
    keep = thinned(len(times))
    axis.fill_between(
        times[keep], 0.0, record.confidences[keep], color=SOLO, alpha=0.25, linewidth=0
    )
    axis.set_ylim(0.0, 1.05)
    axis.set_yticks([0.0, 0.5, 1.0])
    axis.set_ylabel("confidence")


def _late_ms(score: Score, record: TakeRecord, truth: Truth) -> tuple[Array, Array]:
    if score.recording_s is None:
        return _asynchrony_ms(record, truth)
    played = OuterAxis(score).outer(record.played_quarters)
    late_s = continuous_asynchronies_s(truth.quarters, truth.times_s, record.times_s, played)
    found = np.isfinite(late_s)
    return truth.times_s[found], 1000.0 * late_s[found]


def _draw_asynchrony(axis: Axes, times_s: Array, late_ms: Array) -> None:
    """Draw how late came what coincides with a note of the soloist."""
    axis.axhspan(-_BANDS_MS[0][0], _BANDS_MS[0][0], color=_GOOD, alpha=0.10, linewidth=0)
    axis.axhline(0.0, color=SOFT, linewidth=0.8)
    size = np.abs(late_ms)
    least = 0.0
    for most, colour in _BANDS_MS:
        within = (size >= least) & (size < most)
        axis.plot(
            times_s[within],
            np.clip(late_ms[within], -_SHOWN_ASYNCHRONY_MS, _SHOWN_ASYNCHRONY_MS),
            linestyle="none",
            marker="o",
            markersize=3.2,
            markeredgewidth=0,
            color=colour,
        )
        least = most
    axis.set_ylim(-1.08 * _SHOWN_ASYNCHRONY_MS, 1.08 * _SHOWN_ASYNCHRONY_MS)
    axis.set_yticks([-200, -100, 0, 100, 200])
    axis.set_ylabel("early · late, ms")


def _asynchrony_ms(record: TakeRecord, truth: Truth) -> tuple[Array, Array]:
    """Find the times of coincident notes, and by how much each was late."""
    order = np.argsort(truth.quarters, kind="stable")
    quarters, true_s = truth.quarters[order], truth.times_s[order]
    times: list[float] = []
    late: list[float] = []
    for sent in record.struck:
        first = bisect_right(quarters, sent.quarter - BUCKET_QUARTER)
        last = bisect_right(quarters, sent.quarter + BUCKET_QUARTER)
        if first < last:
            off = sent.time_s - true_s[first:last]
            times.append(sent.time_s)
            late.append(1000.0 * float(off[np.argmin(np.abs(off))]))
    return np.array(times), np.array(late)
