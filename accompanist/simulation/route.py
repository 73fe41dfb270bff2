"""The way through the score: which events are played in which order, jumps included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.errors import UsageError
from accompanist.score.model import Measure, Score
from accompanist.score.tempo import WrittenTempo
from accompanist.simulation.settings import Jump

__all__ = ["Leg", "bar_quarter", "legs", "measure_at", "written_gaps_s"]


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of the score played without a jump, from the first to (not with) the second."""

    start_quarter: float
    end_quarter: float


def bar_quarter(score: Score, bar: str) -> float:
    """Start of the printed bar (the first time it is played).

    Raises
    ------
    UsageError
        There is no such bar.
    """
    for measure in score.measures:
        if measure.printed == bar:
            return measure.start_quarter
    have = f"{score.measures[0].printed} to {score.measures[-1].printed}" if score.measures else "0"
    raise UsageError(f"bar {bar}: the score has no such bar; it has {have}")


def measure_at(score: Score, quarter: float) -> Measure | None:
    """Find the measure in which ``quarter`` lies; None where the score has no measures there."""
    starts = [m.start_quarter for m in score.measures]
    i = int(np.searchsorted(starts, quarter + 1e-6, side="right")) - 1
    return score.measures[i] if i >= 0 else None


def legs(score: Score, jumps: tuple[Jump, ...]) -> tuple[Leg, ...]:
    """List the stretches played, in order. Each jump is taken once, in the order given.

    Raises
    ------
    UsageError
        A bar that is not there, or a jump from a bar that the player is past.
    """
    route: list[Leg] = []
    start = 0.0
    for jump in jumps:
        leave, arrive = bar_quarter(score, jump.from_bar), bar_quarter(score, jump.to_bar)
        if leave <= start:
            raise UsageError(
                f"jump {jump.from_bar}:{jump.to_bar}: bar {jump.from_bar} does not come after "
                "the place the soloist is at by then; give the jumps in the order they are taken"
            )
        route.append(Leg(start, leave))
        start = arrive
    return (*route, Leg(start, score.end_quarter))


def written_gaps_s(
    event_quarter: npt.NDArray[np.float64],
    event_leg: npt.NDArray[np.intp],
    route: tuple[Leg, ...],
    tempo: WrittenTempo,
) -> npt.NDArray[np.float64]:
    """Written seconds from every played event to the next one [shape=(n_events − 1,)].

    Across a jump: to the end of the one leg and on from the start of the next.
    """
    at_s = tempo.to_seconds(event_quarter)
    gaps = np.diff(at_s)
    for i in np.flatnonzero(np.diff(event_leg)):
        out = float(tempo.to_seconds(route[event_leg[i]].end_quarter)) - at_s[i]
        into = at_s[i + 1] - float(tempo.to_seconds(route[event_leg[i + 1]].start_quarter))
        for leg in route[event_leg[i] + 1 : event_leg[i + 1]]:
            out += float(tempo.to_seconds(leg.end_quarter) - tempo.to_seconds(leg.start_quarter))
        gaps[i] = max(out + into, 0.05)
    return np.asarray(gaps)
