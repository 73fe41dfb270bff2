"""Many takes with known truth, in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace

from accompanist.app.evaluating.manifest import ManifestTake, read_manifest
from accompanist.app.evaluating.material import usual_follower
from accompanist.app.evaluating.staging import other_takes
from accompanist.app.evaluating.trial import TakeResult, Trial, peak_memory_mb, run_trial
from accompanist.app.evaluating.workers import in_workers
from accompanist.app.interrupts import end_with_parent
from accompanist.errors import AccompanistError
from accompanist.simulation.scenarios.catalogue import CLEAN
from accompanist.simulation.scenarios.material import ImpossibleError

__all__ = [
    "LeftOut",
    "ManifestTake",
    "TakeResult",
    "evaluate_scenarios",
    "evaluate_takes",
    "peak_memory_mb",
    "read_manifest",
]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A scenario that could not be made from a take."""

    take: ManifestTake
    follower: str | None
    scenario: str
    reason: str


def evaluate_takes(
    takes: Sequence[ManifestTake],
    followers: Sequence[str | None],
    *,
    jobs: int = 1,
    policy: str = "auto",
    done: Callable[[TakeResult], None] | None = None,
) -> list[TakeResult]:
    """Evaluate every take with every follower; sorted by follower, then as in the manifest.

    A follower that is None is the one that is usual for the piece.

    Every take runs in a process that has its libraries' threads set to one; with ``jobs`` > 1
    several at a time. The figures do not depend on ``jobs`` (their computing times do).

    Raises
    ------
    AccompanistError
        Of the kind that `run_trial` raises, with the row of the manifest.
    """
    trials = [Trial(take, follower, policy) for follower in followers for take in takes]
    found: dict[int, TakeResult] = {}
    for index, result in _run(trials, jobs):
        if isinstance(result, LeftOut):
            raise AccompanistError(f"manifest row {result.take.row}: {result.reason}")
        found[index] = result
        if done is not None:
            done(result)
    return [found[i] for i in range(len(trials))]


def evaluate_scenarios(
    takes: Sequence[ManifestTake],
    followers: Sequence[str | None],
    scenarios: Sequence[str],
    *,
    jobs: int = 1,
    policy: str = "auto",
    seed: int = 0,
    at_most_s: float | None = None,
    done: Callable[[TakeResult | LeftOut], None] | None = None,
) -> tuple[list[TakeResult], list[LeftOut]]:
    """Evaluate every scenario made from every take; sorted by follower, scenario and row.

    Tables (traces and so on) are given to ``done`` only: what is returned stays small however
    many there are.

    Parameters
    ----------
    takes, followers, jobs, policy
        See `evaluate_takes`.
    scenarios : sequence of str
        Names.
    seed : int
        Of the scenarios.
    at_most_s : float, optional
        Only so much of each take.
    done : callable, optional
        Told of every trial as it ends.

    Raises
    ------
    AccompanistError
        As `evaluate_takes`.
    """
    other = other_takes(takes)
    trials = [
        Trial(take, follower, policy, scenario, seed, other.get(take.id), at_most_s)
        for follower in followers
        for scenario in scenarios
        for take in takes
    ]
    found: dict[int, TakeResult | LeftOut] = {}
    for index, result in _run(trials, jobs):
        if done is not None:
            done(result)
        if isinstance(result, TakeResult):
            result = replace(result, tables={})
        found[index] = result
    ordered = [found[i] for i in range(len(trials))]
    return (
        [r for r in ordered if isinstance(r, TakeResult)],
        [r for r in ordered if isinstance(r, LeftOut)],
    )


def _run(trials: Sequence[Trial], jobs: int) -> Iterator[tuple[int, TakeResult | LeftOut]]:
    followers = tuple(dict.fromkeys(usual_follower(t.take.score, t.follower) for t in trials))
    with closing(in_workers(run_trial, trials, jobs, _warm, (followers,))) as ended:
        for index, future in ended:
            yield index, _result(future, trials[index])


def _result(future: Future[TakeResult], trial: Trial) -> TakeResult | LeftOut:
    try:
        return future.result()
    except ImpossibleError as error:
        return LeftOut(trial.take, trial.follower, trial.scenario, str(error))
    except AccompanistError as error:
        where = f"manifest row {trial.take.row} ({trial.take.id})"
        if trial.scenario != CLEAN:
            where += f", {trial.scenario}"
        raise type(error)(f"{where}: {error}") from error
    except BrokenProcessPool as error:
        raise AccompanistError(
            "a worker process died, perhaps for want of memory; give fewer --jobs"
        ) from error


def _warm(followers: Sequence[str]) -> None:
    """Compile before anything is timed."""
    from accompanist.app.warm import warm_up

    end_with_parent()
    for follower in followers:
        warm_up(follower)
