"""Tempo models compared: the same takes predicted and accompanied by each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from accompanist.app.evaluating.manifest import ManifestTake
from accompanist.app.evaluating.material import open_material
from accompanist.app.evaluating.workers import in_workers
from accompanist.app.interrupts import end_with_parent
from accompanist.conducting.conductor import Conductor
from accompanist.conducting.expecting.rehearsal import Performance
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.registry import make_tempo_model
from accompanist.conducting.settings import ConductorSettings
from accompanist.conducting.tempo_model import TempoModel
from accompanist.errors import AccompanistError, UsageError
from accompanist.followers.protocol import Estimate
from accompanist.performing.planning import accompaniment_plan
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.simulation.exact_ears import HOP_S, EarSettings, estimates
from accompanist.simulation.replaying import (
    Cue,
    Predicted,
    TimedTake,
    asynchronies_s,
    next_onsets,
    play_along,
)
from accompanist.takes.figures import SAME_QUARTER
from accompanist.takes.tables import read_truth

__all__ = ["Comparison", "ModelResult", "compare", "manifest_timings"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ModelResult:
    """What a tempo model made of a take; times in seconds.

    Attributes
    ----------
    predicted : Predicted
        Of the next onsets.
    together_s, between_s : ndarray
        What the ensemble played by it: late or early on solo onsets, and between them.
    unplayed : int
        Of the former.
    rehearsed : int
        Takes that it was rehearsed with.
    """

    take: str
    group: str
    model: str
    predicted: Predicted
    together_s: Array
    between_s: Array
    unplayed: int
    rehearsed: int


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """One take, with what is needed to try every model on it.

    Attributes
    ----------
    follower : str or None
        Who hears the take's sound, empty for the usual one; None: exact ears.
    sound : ManifestTake or None
        Where the sound is, for a follower.
    """

    take: TimedTake
    models: tuple[str, ...]
    performances: tuple[Performance, ...] = ()
    policy: str = "auto"
    ears: EarSettings = field(default_factory=EarSettings)
    seed: int = 0
    follower: str | None = None
    sound: ManifestTake | None = None


def manifest_timings(takes: Sequence[ManifestTake]) -> list[TimedTake]:
    """Read scores and truths of a manifest's takes, not their sound.

    Raises
    ------
    BadInputError
        A file cannot be read.
    UsageError
        A take of a recording: it has no notes to be predicted.
    """
    return [_timed(take) for take in takes]


def _timed(row: ManifestTake) -> TimedTake:
    opened = open_material(row.score, row.solo or None, None)
    if opened.reference is not None:
        raise UsageError(
            f"manifest row {row.row}: {row.score.name} is a recording; tempo models are compared "
            "on scores"
        )
    solo, tempo = solo_line(opened.solo), written_tempo(opened.score)
    quarters, times = read_truth(row.truth)
    times_s = np.full(len(solo), np.nan)
    for event, quarter in enumerate(solo.onsets_quarter.tolist()):
        nearest = int(np.argmin(np.abs(quarters - quarter)))
        if abs(float(quarters[nearest]) - quarter) <= SAME_QUARTER:
            times_s[event] = times[nearest]
    # A truth that goes back in time says nothing; what is left rises strictly.
    reached = -np.inf
    for event, time_s in enumerate(times_s.tolist()):
        if np.isfinite(time_s):
            if time_s <= reached:
                times_s[event] = np.nan
            else:
                reached = time_s
    plan = accompaniment_plan(opened.score, opened.solo.number, tempo)
    return TimedTake(
        name=row.id,
        group=row.group,
        piece=f"{row.score}:{opened.solo.number}",
        score=opened.score,
        solo=solo,
        tempo=tempo,
        times_s=times_s,
        ensemble_quarters=plan.onsets_quarter,
        played_s={},
    )


def compare(
    takes: Sequence[TimedTake],
    models: Sequence[str],
    *,
    rehearsal: int = 0,
    own: bool = False,
    policy: str = "auto",
    ears: EarSettings | None = None,
    seed: int = 0,
    jobs: int = 1,
    follower: str | None = None,
    sounds: Sequence[ManifestTake] = (),
    done: Callable[[int], None] | None = None,
) -> list[ModelResult]:
    """Try every model on every take; sorted as the takes are, then as the models are.

    Parameters
    ----------
    takes, models
        What is tried on what.
    rehearsal : int
        So many other takes of the same piece, chosen by chance, are known beforehand.
    own : bool
        The same player made them.
    policy, ears
        Of the conductor, and how the onsets are told to it.
    seed : int
        Of the ears and of the choice.
    jobs : int
        Takes at a time.
    follower, sounds
        The follower that listens to the takes' sound in place of exact ears; a sound a take.
    done : callable, optional
        Told how many results there are more.

    Raises
    ------
    AccompanistError
        With the take's name.
    """
    work = [
        Comparison(
            take,
            tuple(models),
            _others(takes, index, rehearsal, own, seed),
            policy,
            ears or EarSettings(),
            seed + index,
            follower,
            sounds[index] if sounds else None,
        )
        for index, take in enumerate(takes)
    ]
    found: dict[int, list[ModelResult]] = {}
    with closing(in_workers(compare_one, work, jobs, end_with_parent)) as ended:
        for index, future in ended:
            try:
                found[index] = future.result()
            except BrokenProcessPool as error:
                raise AccompanistError(
                    "a worker process died, perhaps for want of memory; give fewer --jobs"
                ) from error
            except AccompanistError as error:
                raise type(error)(f"{work[index].take.name}: {error}") from error
            if done is not None:
                done(len(found[index]))
    return [result for index in range(len(work)) for result in found[index]]


def _others(
    takes: Sequence[TimedTake], index: int, count: int, own: bool, seed: int
) -> tuple[Performance, ...]:
    mine = takes[index]
    others = [t for i, t in enumerate(takes) if i != index and t.piece == mine.piece]
    order = np.random.default_rng(seed + index).permutation(len(others))[:count]
    return tuple(others[i].performance(own=own) for i in order.tolist())


def compare_one(work: Comparison) -> list[ModelResult]:
    """Try every model on one take.

    Raises
    ------
    AccompanistError
        The sound cannot be read, or not be followed by this follower.
    """
    take = work.take
    heard: list[Estimate]
    if work.follower is None:
        heard = list(
            estimates(
                take.solo.onsets_quarter.tolist(),
                take.times_s,
                take.tempo.first_rate,
                work.ears,
                work.seed,
            )
        )
        reports = _exact_reports(take, work.ears, work.seed)
    else:
        heard = _followed(work)
        reports = _first_reports(heard)
    hop_s = heard[1].time_s - heard[0].time_s if len(heard) > 1 else HOP_S
    results = []
    for name in work.models:
        make = partial(_model, name, work)
        predicted = next_onsets(take, make(take.grid), reports)
        conductor = Conductor(
            take.score,
            take.solo,
            take.tempo,
            ConductorSettings(policy=work.policy),
            take.ensemble_quarters,
            tempo_model=make,
        )
        sent = play_along(take, conductor, heard, hop_s)
        together, between, unplayed = asynchronies_s(take, sent)
        results.append(
            ModelResult(
                take.name,
                take.group,
                name,
                predicted,
                together,
                between,
                unplayed,
                len(work.performances),
            )
        )
    return results


def _model(name: str, work: Comparison, grid: SoloGrid) -> TempoModel:
    return make_tempo_model(name, grid, work.take.solo, work.performances)


def _exact_reports(take: TimedTake, ears: EarSettings, seed: int) -> list[Cue]:
    delays = ears.delays_s(len(take.times_s), seed) - ears.known_s
    told = take.times_s + delays
    return [Cue(event, time_s) for event, time_s in enumerate(told.tolist()) if np.isfinite(time_s)]


def _first_reports(heard: Sequence[Estimate]) -> list[Cue]:
    """First report of each event, those that go back left out."""
    reports: list[Cue] = []
    for estimate in heard:
        for onset in estimate.onsets:
            if not reports or onset.event > reports[-1].event:
                reports.append(Cue(onset.event, onset.time_s))
    return reports


def _followed(work: Comparison) -> list[Estimate]:
    """Let a follower hear the take's sound; hop by hop."""
    from accompanist.app.offline import OfflineSettings, run_take
    from accompanist.app.warm import warm_up
    from accompanist.session import Step, mono
    from bridges.audio_files import read_audio

    row = work.sound
    assert row is not None
    opened = open_material(row.score, row.solo or None, work.follower or None)
    warm_up(opened.follower)
    audio = read_audio(row.audio)
    heard: list[Estimate] = []

    def keep(step: Step) -> None:
        if step.estimate.time_s <= audio.duration_s:
            heard.append(step.estimate)

    run_take(
        opened.score,
        opened.solo,
        mono(audio.samples),
        audio.rate,
        OfflineSettings(opened.follower),
        start_quarter=row.start_quarter,
        each=keep,
    )
    return heard
