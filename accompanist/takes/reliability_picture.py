"""``reliability.svg``: how often followers are right when they say how sure they are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from accompanist.takes.figures_reliability import BINS, Reliability
from accompanist.takes.picture_look import ENSEMBLE, SOFT, SOLO, STYLE, put_legend

__all__ = ["draw_reliability"]

_COLOURS = (SOLO, ENSEMBLE, "#3a9d6e", "#8a5fb0", "#c8493b", SOFT)
_FEWEST = 20
"""A bin with fewer instants than this says nothing."""


def draw_reliability(path: Path, reliabilities: Mapping[str, Reliability]) -> None:
    """Draw the share that is right against the confidence, and how often each is said.

    Parameters
    ----------
    path : Path
        ``.svg`` or ``.png``; the same values give the same SVG.
    reliabilities : mapping of str to Reliability
        By the name to be shown, a curve each.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(4.6, 5.2), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3.2, 1.0]})
        upper.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle="--", zorder=1)
        width = 0.8 / BINS / max(len(reliabilities), 1)
        for i, (name, reliability) in enumerate(reliabilities.items()):
            colour = _COLOURS[i % len(_COLOURS)]
            shown = reliability.count >= _FEWEST
            upper.plot(
                reliability.mean_confidence[shown],
                reliability.share_right[shown],
                color=colour,
                marker="o",
                markersize=4,
                linewidth=1.2,
                label=f"{name} (calibration error {100 * reliability.calibration_error:.1f} %)",
            )
            places = (np.arange(BINS) + 0.1) / BINS + (i + 0.5) * width
            shares = 100 * reliability.count / max(reliability.total, 1.0)
            lower.bar(places, shares, width=width, color=colour)
        upper.set(ylabel="right within a beat", ylim=(-0.02, 1.02), xlim=(0, 1))
        upper.set_title("How sure, and how often right", loc="left", fontsize=10)
        lower.set(xlabel="confidence", ylabel="% of the time")
        put_legend(upper, loc="upper left")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fonts that are not there
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
