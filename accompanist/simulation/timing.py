"""When the events of a performance begin: a model of human timing, or a real human's.

The model multiplies the written interval between two events by several factors: arcs of tempo
over phrases, faster in the middle (N. Todd: The dynamics of dynamics, JASA 1992); longer
downbeats; what the player does in a place in every take; a final ritardando of the shape of a
runner's coming to rest (A. Friberg, J. Sundberg: Does music performance allude to locomotion?,
JASA 1999, with exponent 3); slow 1/f wandering.
Each onset has motor noise of its own that the next does not inherit (A. Wing, A. Kristofferson:
Response delays and the timing of discrete motor responses, 1973).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Score
from accompanist.simulation.noise import coloured
from accompanist.simulation.route import bar_quarter, measure_at
from accompanist.simulation.settings import Pause, PlayerSettings

__all__ = ["GivenTiming", "given_onsets_s", "human_onsets_s", "pause_delays_s", "phrase_position"]

FloatArray = npt.NDArray[np.float64]

_DRIFT_STEP_S = 0.25
"""Written seconds between two values of the slow wandering."""
_HABIT_STEP_QUARTER = 0.5
_SLOW_SHARE = 0.5
"""Of the variance of habits, what changes slowly; the rest is another in every place."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenTiming:
    """Notes that somebody really played, matched to the score; arrays of one shape (n,)."""

    quarter: FloatArray
    pitch: npt.NDArray[np.int64]
    onset_s: FloatArray
    offset_s: FloatArray
    velocity: npt.NDArray[np.int64]


def phrase_position(score: Score, quarter: FloatArray, phrase_bars: int) -> FloatArray:
    """How far through its phrase (0–1) each position lies; phrases are so many measures long."""
    starts = np.array([m.start_quarter for m in score.measures] or [0.0])
    bounds = np.append(starts[::phrase_bars], max(score.end_quarter, starts[-1] + 1.0))
    i = np.clip(np.searchsorted(bounds, quarter, side="right") - 1, 0, len(bounds) - 2)
    return np.asarray(np.clip((quarter - bounds[i]) / (bounds[i + 1] - bounds[i]), 0.0, 1.0))


def human_onsets_s(
    score: Score,
    event_quarter: FloatArray,
    gap_s: FloatArray,
    settings: PlayerSettings,
    generator: np.random.Generator,
) -> FloatArray:
    """Onset of every event, seconds since the first, strictly increasing [shape=(n_events,)].

    ``gap_s`` are the written intervals between them [shape=(n_events − 1,)].
    """
    middle = event_quarter[:-1]
    arc = 1.0 - (2.0 * phrase_position(score, middle, settings.phrase_bars) - 1.0) ** 2
    log_rate = np.log(settings.tempo_factor) + settings.phrase_arc * (arc - 2.0 / 3.0)
    passed_s = np.concatenate(([0.0], np.cumsum(gap_s)))
    steps = int(passed_s[-1] / _DRIFT_STEP_S) + 2
    drift = settings.drift * coloured(steps, 1.0, generator)
    log_rate += np.interp(passed_s[:-1], np.arange(steps) * _DRIFT_STEP_S, drift)
    if settings.habit > 0.0:
        log_rate += settings.habit * _habits(score, middle, settings.player)
    lengthened = 1.0 + settings.accent * _metrical_weight(score, middle)
    fermata = _fermata_factors(score, middle, gap_s, event_quarter, settings.fermata_factor)
    rate = np.exp(log_rate) * _final_ritardando(score, event_quarter, settings)
    played_s = gap_s * lengthened * fermata / rate
    onsets = np.concatenate(([0.0], np.cumsum(played_s)))
    return onsets + _motor_noise_s(played_s, settings.motor_s, generator)


def given_onsets_s(timing: GivenTiming, event_quarter: FloatArray) -> FloatArray:
    """Onset of every event as somebody played it, seconds since the first event.

    An event the file does not have is placed between its neighbours in proportion.
    """
    quarters = np.unique(timing.quarter)
    onsets = np.array([timing.onset_s[timing.quarter == q].min() for q in quarters])
    onsets = np.maximum.accumulate(onsets)
    slope = np.median(np.diff(onsets) / np.diff(quarters)) if len(quarters) > 1 else 0.6
    inside = np.interp(event_quarter, quarters, onsets)
    before = np.minimum(event_quarter - quarters[0], 0.0) * slope
    after = np.maximum(event_quarter - quarters[-1], 0.0) * slope
    times = inside + before + after
    return np.asarray(times - times[0])


def pause_delays_s(
    score: Score, event_quarter: FloatArray, pauses: tuple[Pause, ...]
) -> FloatArray:
    """Give what the pauses add to each onset [shape=(n_events,)]; a pause happens once.

    Raises
    ------
    UsageError
        A bar that is not there.
    """
    delay = np.zeros(len(event_quarter))
    for pause in pauses:
        at = np.flatnonzero(event_quarter >= bar_quarter(score, pause.bar) - 1e-6)
        if len(at):
            delay[at[0] :] += pause.seconds
    return delay


def _habits(score: Score, quarter: FloatArray, player: int) -> FloatArray:
    """Give what a player does at each position in every take; variance 1, nothing by chance."""
    generator = np.random.default_rng([player, 1])
    places = max(int(score.end_quarter / _HABIT_STEP_QUARTER) + 1, 2)
    slow = coloured(places, 1.0, generator)
    quick = generator.standard_normal(places)
    habits = np.sqrt(_SLOW_SHARE) * slow + np.sqrt(1.0 - _SLOW_SHARE) * quick
    at = (quarter / _HABIT_STEP_QUARTER + 1e-6).astype(np.intp)
    return np.asarray(habits[np.clip(at, 0, places - 1)])


def _metrical_weight(score: Score, quarter: FloatArray) -> FloatArray:
    """1 on downbeats, 0.5 on the other beats, 0 off the beat."""
    weight = np.zeros(len(quarter))
    for i, position in enumerate(quarter):
        measure = measure_at(score, float(position))
        within = float(position) - (measure.start_quarter if measure else 0.0)
        if abs(within) < 1e-3:
            weight[i] = 1.0
        elif abs(within - round(within)) < 1e-3:
            weight[i] = 0.5
    return weight


def _final_ritardando(
    score: Score, event_quarter: FloatArray, settings: PlayerSettings
) -> FloatArray:
    """Tempo at each interval over that before the ritardando: (1 + (w³ − 1)·x)^(1/3)."""
    last = measure_at(score, float(event_quarter[-1]))
    length = settings.final_bars * (last.length_quarter if last else 4.0)
    if length <= 0:
        return np.ones(len(event_quarter) - 1)
    end = float(event_quarter[-1])
    through = np.clip((event_quarter[1:] - (end - length)) / length, 0.0, 1.0)
    # The ritardando is the end of the performance, not any earlier visit to the last bars.
    earlier = np.flatnonzero(np.diff(event_quarter) < 0)
    if len(earlier):
        through[: earlier[-1] + 1] = 0.0
    return np.asarray((1.0 + (settings.final_tempo**3 - 1.0) * through) ** (1.0 / 3.0))


def _fermata_factors(
    score: Score, onset: FloatArray, gap_s: FloatArray, event_quarter: FloatArray, factor: float
) -> FloatArray:
    """Lengthening of each interval that a fermata lies in, in proportion to its share of it."""
    factors = np.ones(len(gap_s))
    length = np.diff(event_quarter)
    for fermata in score.fermatas:
        held = (onset < fermata.end_quarter - 1e-6) & (event_quarter[1:] > fermata.quarter + 1e-6)
        for i in np.flatnonzero(held & (length > 0)):
            overlap = min(event_quarter[i + 1], fermata.end_quarter) - max(
                onset[i], fermata.quarter
            )
            factors[i] += (factor - 1.0) * float(overlap / length[i])
    return factors


def _motor_noise_s(
    interval_s: FloatArray, spread_s: float, generator: np.random.Generator
) -> FloatArray:
    """Independent displacement of each onset, never over a third of the intervals beside it."""
    noise = spread_s * generator.standard_normal(len(interval_s) + 1)
    padded = np.concatenate(([np.inf], interval_s, [np.inf]))
    limit = np.minimum(padded[:-1], padded[1:]) / 3.0
    noise = np.clip(noise, -limit, limit)
    noise[0] = 0.0
    return np.asarray(noise)
