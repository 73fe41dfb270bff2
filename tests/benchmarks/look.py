"""Look at what the default follower hears, expects and believes, frame by frame.

Run by hand: ``python tests/benchmarks/look.py PIECE TAKE.wav --truth TRUTH.csv --from 12 --to 16
--out look.png`` (``--solo 2``). Five panels on one axis of time:

1. what is heard: the bank's spectrum (dB), the true onsets in white;
2. what is expected: the picture of the segment that is believed in (log template);
3. the posterior: marginal of the position (quarters) against time, as the filter has it; true
   position dashed, what is told in red; green dots are reports, drawn where they were made;
4. evidence of the next onset and the last one (weighed rise), and the share held at a border;
5. tempo believed, confidence, presence.

``--worst`` prints the worst onsets of the take first, so that one knows where to look.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.followers.bayes.follower import BayesFollower
from accompanist.followers.bayes.grid import CELL_S
from accompanist.followers.protocol import Heard
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo
from accompanist.takes.figures import position_errors_s, report_delays_s

FloatArray = npt.NDArray[np.float64]
_QUARTER_STEP = 0.02


@dataclass
class Seen:
    """What was kept of each hop between two times."""

    quarters: FloatArray
    """The axis of positions."""
    time_s: list[float] = field(default_factory=list)
    heard: list[npt.NDArray[np.float32]] = field(default_factory=list)
    expected: list[npt.NDArray[np.float32]] = field(default_factory=list)
    posterior: list[FloatArray] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    lines: list[tuple[float, ...]] = field(default_factory=list)
    """Evidence of the coming and of the last onset, held, tempo, confidence, presence."""
    reports: list[tuple[float, float]] = field(default_factory=list)


def watch(
    solo: SoloLine,
    tempo: WrittenTempo,
    samples: npt.NDArray[np.float32],
    rate: int,
    hop: int,
    span_s: tuple[float, float],
    quarters: tuple[float, float],
) -> tuple[Seen, FloatArray, FloatArray]:
    """Follow the take; what was seen in ``span_s``, the trace and the reports of all of it."""
    follower = BayesFollower(solo, tempo, rate, hop)
    seen = Seen(np.arange(quarters[0] - 1.0, quarters[1] + 1.0, _QUARTER_STEP))
    trace, reports = [], []
    for i in range(len(samples) // hop):
        time_s = (i + 1) * hop / rate
        estimate = follower.feed(Heard(time_s, samples[i * hop : (i + 1) * hop]))
        trace.append((time_s, estimate.quarter))
        reports += [(o.reported_s, o.quarter) for o in estimate.onsets]
        if span_s[0] <= time_s <= span_s[1]:
            _keep(seen, follower, tempo, time_s, estimate.quarter, estimate.confidence)
            seen.reports += [(o.reported_s, o.quarter) for o in estimate.onsets]
    return seen, np.array(trace), np.array(reports).reshape(-1, 2)


def _keep(
    seen: Seen,
    follower: BayesFollower,
    tempo: WrittenTempo,
    time_s: float,
    told: float,
    confidence: float,
) -> None:
    ear, fine, grid = follower._ear, follower._search.best, follower._grid
    ring, segments = fine.templates, grid.segments
    first, end = int(fine.support[4]), int(fine.support[5])
    cells = np.arange(first, end)
    mass = fine.row_mass[cells & (len(fine.row_mass) - 1)]
    at = np.asarray(tempo.to_quarter(grid.start_s + cells * CELL_S))
    posterior = np.zeros(len(seen.quarters))
    row = np.floor((at - seen.quarters[0]) / _QUARTER_STEP).astype(int)
    good = (row >= 0) & (row < len(posterior))
    np.add.at(posterior, row[good], mass[good])
    best = int(cells[int(np.argmax(mass))])
    segment = int(grid.cell_segment[np.clip(best, 0, len(grid.cell_segment) - 1)])
    slots = len(ring.slot_of)
    event = max(int(segments.event[segment]), 0)
    rises = []
    for e in (min(event + 1, len(segments.event_s) - 1), event):
        s = int(segments.event_segment[e])
        filled = ring.slot_of[s % slots] == s
        rises.append(float(ring.stroke[s % slots] @ ear.rise) if filled else np.nan)
    held = float(fine.held[:, :].sum() / max(fine.held.sum() + fine.tempo_mass.sum(), 1e-9))
    weights = fine.tempo_mass / fine.tempo_mass.sum()
    speed = float(np.exp(weights @ grid.log_tempi))
    seen.time_s.append(time_s)
    seen.heard.append(ear.spectrum.copy())
    seen.expected.append(ring.looks[segment % slots, -2].copy())
    seen.posterior.append(posterior)
    seen.told.append(told)
    seen.lines.append((*rises, held, speed, confidence, ear.presence))


def draw(seen: Seen, truth: FloatArray, out: Path) -> None:
    """Write the picture. ``truth`` [shape=(n, 2)] are rows of quarter and time."""
    from matplotlib.figure import Figure

    time_s = np.array(seen.time_s)
    lines = np.array(seen.lines)
    extent = (time_s[0], time_s[-1])
    figure = Figure(figsize=(18, 17))
    axes = figure.subplots(5, 1, sharex=True, height_ratios=(3, 2, 5, 2, 2))
    heard = 20 * np.log10(np.array(seen.heard)[:, :-1].T + 1e-5)
    axes[0].imshow(heard, origin="lower", aspect="auto", extent=(*extent, 0, len(heard)), vmin=-70)
    expected = np.array(seen.expected)[:, :-1].T
    axes[1].imshow(expected, origin="lower", aspect="auto", extent=(*extent, 0, len(heard)))
    shown = np.log10(np.array(seen.posterior).T + 1e-6)
    reach = (float(seen.quarters[0]), float(seen.quarters[-1]))
    axes[2].imshow(
        shown, origin="lower", aspect="auto", extent=(*extent, *reach), cmap="Greys", vmin=-5
    )
    axes[2].plot(truth[:, 1], truth[:, 0], "b--o", markersize=3, linewidth=1)
    axes[2].plot(time_s, seen.told, "r", linewidth=1)
    for at, quarter in seen.reports:
        axes[2].plot([at], [quarter], "g.")
    believed = truth[(truth[:, 1] > extent[0]) & (truth[:, 1] < extent[1]), 0]
    if len(believed):
        axes[2].set_ylim(believed[0] - 0.5, believed[-1] + 0.5)
    for i, name in enumerate(("rise of the next", "rise of the last", "held")):
        axes[3].plot(time_s, lines[:, i], label=name)
    for i, name in enumerate(("tempo", "confidence", "presence"), start=3):
        axes[4].plot(time_s, lines[:, i], label=name)
    axes[3].legend(loc="upper left")
    axes[4].legend(loc="upper left")
    for axis in axes:
        for at in truth[:, 1]:
            if extent[0] < at < extent[1]:
                axis.axvline(at, color="w" if axis is axes[0] else "c", linewidth=0.6)
        axis.set_xlim(*extent)
    figure.tight_layout()
    figure.savefig(out, dpi=60)


def worst(truth: FloatArray, trace: FloatArray, reports: FloatArray, count: int = 15) -> None:
    """Print the onsets with the greatest position errors, in order of time."""
    error = position_errors_s(truth[:, 0], truth[:, 1], trace[:, 0], trace[:, 1])
    delay = report_delays_s(truth[:, 0], truth[:, 1], reports[:, 0], reports[:, 1])
    for i in sorted(np.argsort(-np.abs(error))[:count]):
        sys.stdout.write(
            f"{truth[i, 1]:8.2f} s  quarter {truth[i, 0]:8.2f}  "
            f"position {1e3 * error[i]:+6.0f} ms  report {1e3 * delay[i]:+6.0f} ms\n"
        )


def main() -> None:
    """Parse the command line; follow, print, draw."""
    from accompanist.app.evaluating.material import open_material
    from accompanist.score.solo import solo_line
    from accompanist.score.tempo import written_tempo
    from accompanist.session import hop_samples
    from accompanist.takes.tables import read_truth
    from bridges.audio_files import read_audio

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("piece", type=Path)
    parser.add_argument("take", type=Path)
    parser.add_argument("--solo", default=None, help="number or name of the part")
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--from", dest="first", type=float, default=0.0, help="seconds")
    parser.add_argument("--to", dest="last", type=float, default=5.0, help="seconds")
    parser.add_argument("--worst", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("look.png"))
    given = parser.parse_args()
    opened = open_material(given.piece, given.solo, "bayes")
    audio = read_audio(given.take)
    samples = audio.samples if audio.samples.ndim == 1 else audio.samples.mean(axis=1)
    truth = np.column_stack(read_truth(given.truth))
    span = (given.first, given.last)
    inside = truth[(truth[:, 1] >= span[0]) & (truth[:, 1] <= span[1]), 0]
    quarters = (float(inside.min()), float(inside.max())) if len(inside) else (0.0, 8.0)
    seen, trace, reports = watch(
        solo_line(opened.solo), written_tempo(opened.score), samples.astype(np.float32),
        audio.rate, hop_samples(audio.rate), span, quarters,
    )  # fmt: skip
    if given.worst:
        worst(truth, trace, reports)
    draw(seen, truth, given.out)


if __name__ == "__main__":
    main()
