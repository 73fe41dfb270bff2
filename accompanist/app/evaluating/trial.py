"""One take, one scenario, one follower."""

from __future__ import annotations

import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.app.evaluating.manifest import ManifestTake
from accompanist.app.evaluating.material import Material, open_material
from accompanist.app.evaluating.staging import source_of
from accompanist.app.measuring import Measured, errors_of
from accompanist.app.offline import OfflineSettings, Take, run_take
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import FollowerState
from accompanist.score.outer import OuterAxis
from accompanist.score.solo import solo_line
from accompanist.session import Step, mono
from accompanist.simulation.scenarios.catalogue import CLEAN, scenario_named
from accompanist.simulation.scenarios.material import (
    EventKind,
    ScenarioTake,
)
from accompanist.takes.figures import TakeErrors
from accompanist.takes.figures_bars import right_place
from accompanist.takes.figures_scenarios import BAR_S, Belief, Outcome, Truths, outcome_of
from accompanist.takes.tables import read_truth

__all__ = ["TakeResult", "Trial", "peak_memory_mb", "run_trial"]

Array = npt.NDArray[np.float64]

_BAR_OF_RECORDING_S = 2.0
"""Where there are no bars, this near is as good as the right one."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried.

    Attributes
    ----------
    follower : str or None
        None: the one that is usual for the piece.
    scenario : str
        By name.
    seed : int
        Of the scenario.
    other : Path or None
        The sound of another piece.
    at_most_s : float or None
        Only so much of the take.
    tables : bool
        Whether trace, reports and sent notes are kept.
    """

    take: ManifestTake
    follower: str | None = None
    policy: str = "auto"
    scenario: str = CLEAN
    seed: int = 0
    other: Path | None = None
    at_most_s: float | None = None
    tables: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class TakeResult:
    """What a follower made of a take."""

    take: ManifestTake
    follower: str
    errors: TakeErrors
    """Empty where the piece is not played."""
    duration_s: float
    hop_s: float
    compute_ms: dict[str, float]
    """Wall time of a hop: ``mean``, ``p50``, ``p99``, ``max``."""
    real_time_factor: float
    """Seconds of audio in a second of computing."""
    peak_memory_mb: float
    tables: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    """``trace`` (time, quarter), ``onsets`` (reported, quarter), ``sent`` (time, quarter)."""
    scenario: str = CLEAN
    origin: npt.NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    """Which onset of the clean take each error belongs to."""
    outcome: Outcome | None = None


class _Listener:
    """Keeps what the follower itself says, hop by hop."""

    def __init__(self) -> None:
        self.lost: list[bool] = []
        self.waiting: list[bool] = []

    def hear(self, step: Step) -> None:
        self.lost.append(step.estimate.state is FollowerState.LOST)
        self.waiting.append(step.estimate.state is FollowerState.ARMED)


def peak_memory_mb() -> float:
    """Greatest memory this process has held, MB; NaN where the system does not tell."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0**2 if sys.platform == "darwin" else 1024.0)


def run_trial(trial: Trial) -> TakeResult:
    """Run one take through the whole chain without sound and measure it.

    Raises
    ------
    BadInputError
        A file that cannot be read.
    UsageError
        No such part, follower or scenario, or not for this piece.
    ImpossibleError
        The scenario cannot be made from this take.
    """
    from bridges.audio_files import read_audio

    row = trial.take
    opened = open_material(row.score, row.solo or None, trial.follower)
    truth_quarter, truth_time_s = read_truth(row.truth)
    audio = read_audio(row.audio)
    samples, rate = mono(audio.samples), audio.rate
    del audio
    source = source_of(
        opened, samples, rate, truth_quarter, truth_time_s, trial.other, trial.at_most_s
    )
    # Every take has its own dice: otherwise all would jump at the same share of their length.
    seed = zlib.crc32(f"{trial.seed} {row.id}".encode())
    staged = scenario_named(trial.scenario).make(source, seed)
    settings = OfflineSettings(
        follower=opened.follower,
        conductor=ConductorSettings(policy=trial.policy),
        bleed=staged.bleed,
    )
    start = row.start_quarter if staged.start_quarter is None else staged.start_quarter
    if staged.anywhere:
        start = None
    listener = _Listener()
    made = run_take(
        staged.score,
        opened.solo,
        staged.samples,
        staged.rate,
        settings,
        start_quarter=None if start is None else float(OuterAxis(staged.score).quarter(start)),
        anywhere=staged.anywhere,
        reference=opened.reference,
        each=listener.hear,
    )
    told = Measured(made)
    errors = TakeErrors(np.zeros(0), np.zeros(0))
    if len(staged.truth_time_s):
        latency_s = settings.conductor.latency_out_s
        errors = errors_of(made, staged.truth_quarter, staged.truth_time_s, latency_s, told)
    tables = {"trace": told.trace, "onsets": told.onsets, "sent": told.sent}
    compute = made.compute
    return TakeResult(
        take=row,
        follower=opened.follower,
        errors=errors,
        duration_s=len(staged.samples) / staged.rate,
        hop_s=compute.hop_s,
        compute_ms=compute.compute_ms,
        real_time_factor=1.0 / max(compute.real_time_factor, 1e-9),
        peak_memory_mb=peak_memory_mb(),
        tables=tables if trial.tables else {},
        scenario=trial.scenario,
        origin=staged.origin,
        outcome=_outcome(staged, opened, made, told, listener),
    )


def _outcome(
    staged: ScenarioTake, opened: Material, made: Take, told: Measured, listener: _Listener
) -> Outcome:
    def moments(kind: EventKind) -> tuple[float, ...]:
        return tuple(event.time_s for event in staged.events if event.kind is kind)

    count = len(made.record)
    belief = Belief(
        time_s=told.trace[:, 0],
        quarter=told.trace[:, 1],
        confidence=made.record.confidences,
        lost=np.array(listener.lost[:count], dtype=bool),
        waiting=np.array(listener.waiting[:count], dtype=bool),
    )
    truth = Truths(
        quarter=staged.truth_quarter,
        time_s=staged.truth_time_s,
        leg=staged.leg,
        away=staged.away,
        jumps=moments(EventKind.JUMP),
        resumed=moments(EventKind.RESUMED),
        astray=moments(EventKind.ASTRAY),
        returned=moments(EventKind.RETURNED),
        anywhere=staged.anywhere,
    )
    right_bar = _right_bar(staged, opened, belief) if staged.anywhere else float("nan")
    return outcome_of(truth, belief, right_bar)


def _right_bar(staged: ScenarioTake, opened: Material, belief: Belief) -> float:
    """Whether the bar believed two seconds after the first note is right, as a number."""
    moment_s = float(staged.truth_time_s[0]) + BAR_S
    row = int(np.searchsorted(belief.time_s, moment_s, side="right")) - 1
    if row < 0 or moment_s > staged.truth_time_s[-1]:
        return float("nan")
    axis = OuterAxis(staged.score)
    if staged.score.recording_s is not None:
        true_s = np.interp(moment_s, staged.truth_time_s, staged.truth_quarter)
        return float(abs(belief.quarter[row] - true_s) <= _BAR_OF_RECORDING_S)
    first, true = (
        float(axis.quarter(np.interp(t, staged.truth_time_s, staged.truth_quarter)))
        for t in (staged.truth_time_s[0], moment_s)
    )
    believed = float(axis.quarter(belief.quarter[row]))
    line = solo_line(opened.solo)
    return float(right_place(staged.score.measures, line, true, believed, true - first))
