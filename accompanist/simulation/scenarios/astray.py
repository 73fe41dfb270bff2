"""Playing that is not this piece: another piece, or nothing at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accompanist.simulation.room import sounding_rms
from accompanist.simulation.scenarios.editing import Passage, Rest, assembled, room_tone
from accompanist.simulation.scenarios.material import (
    Event,
    EventKind,
    ImpossibleError,
    Samples,
    ScenarioTake,
    Source,
    untouched,
)

__all__ = ["another_piece", "astray", "silence"]

_ASTRAY_S = 12.0
_LONGEST_S = 60.0
_AROUND_S = 6.0


def another_piece(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Let the soloist play another piece altogether, for a minute at most."""
    sound = _another(source, _LONGEST_S)
    begun = Event(EventKind.ASTRAY, 0.0)
    return replace(_nothing(source, sound), events=(begun,))


def astray(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Play twelve seconds of another piece in the middle, and then go on in this one."""
    times = source.truth_time_s
    fits = (times >= times[0] + _AROUND_S) & (times <= times[-1] - _AROUND_S)
    if not fits.any():
        raise ImpossibleError("the take is too short to go astray in")
    onset = int(generator.choice(np.flatnonzero(fits)))
    elsewhere = _another(source, _ASTRAY_S)
    if len(elsewhere) < 0.5 * _ASTRAY_S * source.rate:
        raise ImpossibleError("the other piece is too short")
    take = assembled(source, [Passage(0, onset), Rest(elsewhere), Passage(onset, len(times))])
    back_s = float(take.truth_time_s[onset])
    left_s = back_s - len(elsewhere) / source.rate
    events = Event(EventKind.ASTRAY, left_s), Event(EventKind.RETURNED, back_s)
    return replace(take, events=events, away=((left_s, back_s),))


def silence(source: Source, generator: np.random.Generator) -> ScenarioTake:
    """Leave the microphone open for as long as the take is, at most a minute; nobody plays."""
    return _nothing(source, room_tone(source, min(source.duration_s, _LONGEST_S), generator))


def _nothing(source: Source, sound: Samples) -> ScenarioTake:
    none = slice(0, 0)
    take = untouched(source)
    return replace(
        take,
        samples=sound,
        truth_quarter=take.truth_quarter[none],
        truth_time_s=take.truth_time_s[none],
        origin=take.origin[none],
        leg=take.leg[none],
        away=((0.0, len(sound) / source.rate),),
    )


def _another(source: Source, longest_s: float) -> Samples:
    """Sound of another piece at this take's rate and level, from its first note on."""
    if source.another is None:
        raise ImpossibleError("there is no other piece in the manifest")
    samples, rate = source.another()
    loud = np.flatnonzero(np.abs(samples) > 0.05 * float(np.abs(samples).max()))
    first = int(loud[0]) if len(loud) else 0
    samples = samples[first : first + round(longest_s * rate)]
    if rate != source.rate:
        from scipy.signal import resample_poly

        samples = np.asarray(resample_poly(samples, source.rate, rate), dtype=np.float32)
    mine = sounding_rms(source.samples.astype(np.float64), source.rate)
    theirs = sounding_rms(samples.astype(np.float64), source.rate)
    return np.asarray(samples * np.float32(mine / max(theirs, 1e-9)), dtype=np.float32)
