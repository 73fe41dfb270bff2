"""Soloists who go elsewhere: skip, go back, repeat, begin in the middle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from accompanist.score.outer import OuterAxis
from accompanist.simulation.scenarios.editing import Passage, Rest, assembled, room_tone
from accompanist.simulation.scenarios.material import (
    Event,
    EventKind,
    ImpossibleError,
    Maker,
    ScenarioTake,
    Source,
)

__all__ = [
    "go_back",
    "jump_events",
    "repeat_bars",
    "self_corrections",
    "skip_forward",
    "start_anywhere",
    "two_jumps",
]

_BEFORE_S = 5.0
"""So long the soloist plays before they first jump …"""
_AFTER_S = 5.0
"""… and so long afterwards."""
_SKIPPED_S = 12.0
_SKIPPED_SHARE = 0.4
_LEAST_SKIPPED_S = 5.0
_BACK_S = (8.0, 12.0)
_BARS = 2
_SAME_QUARTER = 0.05
_STARTS_WITHIN = (0.2, 0.7)
"""Share of the take at which to begin in the middle."""
_HEARD_S = 8.0
"""So much at least is heard of who begins in the middle."""
_LEAD_IN_S = 1.0
_CORRECTION_EVERY_S = 20.0
_CORRECTED = (2, 5)
"""Onsets that are played once more."""
_STOPPED_S = (0.2, 0.9)


def jump_events(take: ScenarioTake) -> tuple[Event, ...]:
    """Find the first note of every leg but the first."""
    first = np.flatnonzero(np.diff(take.leg)) + 1
    return tuple(Event(EventKind.JUMP, float(take.truth_time_s[i])) for i in first)


def skip_forward(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Leave twelve seconds of the take out, or two fifths of a shorter one."""
    times, count = source.truth_time_s, len(source.truth_time_s)
    skipped_s = min(_SKIPPED_S, _SKIPPED_SHARE * float(times[-1] - times[0]))
    if skipped_s < _LEAST_SKIPPED_S:
        raise ImpossibleError(f"the take ({source.duration_s:.0f} s) is too short to skip in")

    def landing(onset: int) -> int | None:
        there = int(np.searchsorted(times, times[onset] + skipped_s))
        return there if there < count and _enough_after(source, there) else None

    leave, arrive = _chosen(source, generator, _late_enough(source), landing)
    return _jumped(source, [Passage(0, leave), Passage(arrive, count)])


def go_back(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Go back by eight to twelve seconds and play on from there."""
    times = source.truth_time_s
    back_s = generator.uniform(*_BACK_S)

    def landing(onset: int) -> int | None:
        there = int(np.argmin(np.abs(times - (times[onset] - back_s))))
        fits = _BACK_S[0] <= times[onset] - times[there] <= _BACK_S[1]
        return there if fits else None

    leave, arrive = _chosen(source, generator, _late_enough(source), landing)
    return _jumped(source, [Passage(0, leave), Passage(arrive, len(times))])


def repeat_bars(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """At a bar line, play the last two bars again, and on."""
    inner = OuterAxis(source.score).quarter(source.truth_quarter)
    onset_at: dict[int, int] = {}
    for number, measure in enumerate(source.score.measures):
        near = np.flatnonzero(np.abs(inner - measure.start_quarter) <= _SAME_QUARTER)
        if len(near):
            onset_at[number] = int(near[0])
    start_of = {onset: number for number, onset in onset_at.items()}

    def landing(onset: int) -> int | None:
        return onset_at.get(start_of[onset] - _BARS) if onset in start_of else None

    leave, arrive = _chosen(source, generator, _late_enough(source), landing)
    return _jumped(source, [Passage(0, leave), Passage(arrive, len(inner))])


def two_jumps(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Skip about six seconds forward, and some seconds later go back by as much."""
    times, count = source.truth_time_s, len(source.truth_time_s)
    skip_s = generator.uniform(5.0, 8.0)

    def landing(onset: int) -> int | None:
        there = int(np.searchsorted(times, times[onset] + skip_s))
        again = int(np.searchsorted(times, times[min(there, count - 1)] + _BEFORE_S))
        return there if again < count and _enough_after(source, there) else None

    leave, arrive = _chosen(source, generator, _late_enough(source), landing)
    second = int(np.searchsorted(times, times[arrive] + _BEFORE_S))
    back = int(np.searchsorted(times, times[second] - skip_s))
    return _jumped(
        source, [Passage(0, leave), Passage(arrive, second), Passage(min(back, second - 1), count)]
    )


def start_anywhere(*, told: bool) -> Maker:
    """Make a scenario in which the soloist begins in the middle, told beforehand or not."""

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        times, quarters = source.truth_time_s, source.truth_quarter
        share = (times - times[0]) / max(times[-1] - times[0], 1e-9)
        fits = (share >= _STARTS_WITHIN[0]) & (share <= _STARTS_WITHIN[1])
        fits &= times <= times[-1] - _HEARD_S
        if not fits.any():
            raise ImpossibleError("the take is too short to begin in its middle")
        first = int(generator.choice(np.flatnonzero(fits)))
        rest = Rest(room_tone(source, _LEAD_IN_S, generator))
        take = assembled(source, [rest, Passage(first, len(times))])
        start = float(quarters[first]) if told else None
        return replace(take, start_quarter=start, anywhere=not told)

    return make


def self_corrections(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Stop short after a slip, every twenty seconds or so, and take the last notes again."""
    times, count = source.truth_time_s, len(source.truth_time_s)
    wanted = max(round((times[-1] - times[0]) / _CORRECTION_EVERY_S), 1)
    usable = np.flatnonzero((times >= times[0] + 3.0) & (times <= times[-1] - 3.0))
    usable = usable[(usable > _CORRECTED[1]) & (usable < count - 1)]
    if len(usable) < wanted:
        raise ImpossibleError("the take is too short for a correction")
    chosen = np.sort(generator.choice(usable, wanted, replace=False))
    pieces: list[Passage | Rest] = []
    first = 0
    for onset in chosen.tolist():
        if onset <= first + 1:
            continue
        pieces.append(Passage(first, onset))
        pieces.append(Rest(room_tone(source, generator.uniform(*_STOPPED_S), generator)))
        first = max(onset - int(generator.integers(*_CORRECTED, endpoint=True)), 0)
    pieces.append(Passage(first, count))
    return _jumped(source, pieces)


def _jumped(source: Source, pieces: Sequence[Passage | Rest]) -> ScenarioTake:
    take = assembled(source, pieces)
    return replace(take, events=jump_events(take))


def _late_enough(source: Source) -> npt.NDArray[np.intp]:
    """Onsets before which enough has been played, and behind which enough is left."""
    times = source.truth_time_s
    fits = (times >= times[0] + _BEFORE_S) & (times <= times[-1] - _AFTER_S)
    return np.flatnonzero(fits)


def _enough_after(source: Source, onset: int) -> bool:
    return bool(source.truth_time_s[-1] - source.truth_time_s[onset] >= _AFTER_S)


def _chosen(
    source: Source,
    generator: np.random.Generator,
    onsets: npt.NDArray[np.intp],
    landing: Callable[[int], int | None],
) -> tuple[int, int]:
    """Choose an onset to leave at that has somewhere to go to, and that place."""
    pairs = [(int(onset), landing(int(onset))) for onset in onsets]
    possible = [(leave, arrive) for leave, arrive in pairs if arrive is not None]
    possible = [(leave, arrive) for leave, arrive in possible if leave != arrive]
    if not possible:
        raise ImpossibleError(
            f"the take ({source.duration_s:.0f} s) has no two places so far apart"
        )
    return possible[int(generator.integers(len(possible)))]
