"""Takes with known truth: the manifest, one take through a follower, and many in processes."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from math import inf, nan
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accompanist.app.evaluating.material import open_material, usual_follower
from accompanist.app.interrupts import children_spared, end_with_parent
from accompanist.errors import AccompanistError, BadInputError
from accompanist.takes.figures import TakeErrors
from accompanist.takes.tables import read_rows, read_truth

__all__ = [
    "ManifestTake",
    "TakeResult",
    "evaluate_take",
    "evaluate_takes",
    "peak_memory_mb",
    "read_manifest",
]

_COLUMNS = ("score", "solo", "audio", "truth")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Set to 1 in every worker: a hop is short, and the takes share the cores already."""


@dataclass(frozen=True, slots=True)
class ManifestTake:
    """A row of a manifest, paths made absolute. ``row`` counts from 1 without the header."""

    id: str
    group: str
    score: Path
    solo: str
    audio: Path
    truth: Path
    start_quarter: float | None
    row: int


@dataclass(frozen=True, slots=True, eq=False)
class TakeResult:
    """What a follower made of a take."""

    take: ManifestTake
    follower: str
    errors: TakeErrors
    duration_s: float
    hop_s: float
    compute_ms: dict[str, float]
    """Wall time of a hop: ``mean``, ``p50``, ``p99``, ``max``."""
    real_time_factor: float
    """Seconds of audio in a second of computing."""
    peak_memory_mb: float
    tables: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    """``trace`` (time, quarter), ``onsets`` (reported, quarter), ``sent`` (time, quarter)."""


def read_manifest(path: Path) -> list[ManifestTake]:
    """Read ``score,solo,audio,truth[,id,group,start_quarter]`` rows, paths relative to the file.

    Raises
    ------
    BadInputError
        The manifest has no rows, lacks a column, or names a file that is not there; the message
        names the row and the remedy.
    """
    rows = read_rows(path, _COLUMNS)
    if not rows:
        raise BadInputError(f"{path}: no rows below the header; add a row for each take")
    takes: list[ManifestTake] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=1):
        files = {}
        for column in ("score", "audio", "truth"):
            if not row[column]:
                raise BadInputError(f"{path}: row {number}: {column} is empty; name a file there")
            files[column] = path.parent / row[column]
            if not files[column].is_file():
                raise BadInputError(
                    f"{path}: row {number}: {column} {row[column]} is not there; "
                    "paths are relative to the manifest"
                )
        name = row.get("id") or files["audio"].stem
        while name in seen:
            name = f"{name}-{number}"
        seen.add(name)
        start = row.get("start_quarter") or None
        try:
            start_quarter = float(start) if start else None
        except ValueError:
            start_quarter = nan
        if start_quarter is not None and not 0.0 <= start_quarter < inf:
            raise BadInputError(
                f"{path}: row {number}: start_quarter {start!r} is not a number of quarters"
            )
        takes.append(
            ManifestTake(
                id=name,
                group=row.get("group") or "all",
                score=files["score"],
                solo=row["solo"],
                audio=files["audio"],
                truth=files["truth"],
                start_quarter=start_quarter,
                row=number,
            )
        )
    return takes


def peak_memory_mb() -> float:
    """Greatest memory this process has held, MB; NaN where the system does not tell."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0**2 if sys.platform == "darwin" else 1024.0)


def evaluate_take(take: ManifestTake, follower: str | None, policy: str = "auto") -> TakeResult:
    """Run one take through the whole chain without sound and measure it.

    Without a ``follower`` it is the one that is usual for the piece.

    Raises
    ------
    BadInputError
        A file that cannot be read.
    UsageError
        No such part or follower, or not for this piece.
    """
    from accompanist.app.measuring import Measured, errors_of
    from accompanist.app.offline import OfflineSettings, run_take
    from accompanist.conducting.settings import ConductorSettings
    from accompanist.score.outer import OuterAxis
    from bridges.audio_files import read_audio

    opened = open_material(take.score, take.solo or None, follower)
    score, solo = opened.score, opened.solo
    truth_quarter, truth_time_s = read_truth(take.truth)
    audio = read_audio(take.audio)
    settings = OfflineSettings(follower=opened.follower, conductor=ConductorSettings(policy=policy))
    start = take.start_quarter
    made = run_take(
        score,
        solo,
        audio.samples,
        audio.rate,
        settings,
        start_quarter=None if start is None else float(OuterAxis(score).quarter(start)),
        reference=opened.reference,
    )
    compute, tables = made.compute, Measured(made)
    errors = errors_of(made, truth_quarter, truth_time_s, settings.conductor.latency_out_s, tables)
    return TakeResult(
        take=take,
        follower=opened.follower,
        errors=errors,
        duration_s=audio.duration_s,
        hop_s=compute.hop_s,
        compute_ms=compute.compute_ms,
        real_time_factor=1.0 / max(compute.real_time_factor, 1e-9),
        peak_memory_mb=peak_memory_mb(),
        tables={"trace": tables.trace, "onsets": tables.onsets, "sent": tables.sent},
    )


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
        Of the kind that `evaluate_take` raises, with the row of the manifest.
    """
    work = [(take, follower) for follower in followers for take in takes]
    results: dict[int, TakeResult] = {}
    for index, result in _run(work, jobs, policy):
        results[index] = result
        if done is not None:
            done(result)
    return [results[i] for i in range(len(work))]


def _run(
    work: Sequence[tuple[ManifestTake, str | None]], jobs: int, policy: str
) -> Iterator[tuple[int, TakeResult]]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    pool = ProcessPoolExecutor(
        max_workers=max(jobs, 1),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_warm,
        initargs=(tuple(dict.fromkeys(usual_follower(t.score, name) for t, name in work)),),
    )
    try:
        with children_spared():
            futures = {
                pool.submit(evaluate_take, take, follower, policy): index
                for index, (take, follower) in enumerate(work)
            }
        for future in as_completed(futures):
            index = futures[future]
            try:
                result = future.result()
            except AccompanistError as error:
                take = work[index][0]
                raise type(error)(f"manifest row {take.row} ({take.id}): {error}") from error
            except BrokenProcessPool as error:
                raise AccompanistError(
                    "a worker process died, perhaps for want of memory; give fewer --jobs"
                ) from error
            yield index, result
    except BaseException:
        # Whoever interrupts does not want to wait for the takes that are under way.
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _warm(followers: Sequence[str]) -> None:
    """Compile before anything is timed."""
    from accompanist.app.warm import warm_up

    end_with_parent()
    for follower in followers:
        warm_up(follower)
