"""A performance of the solo part: notes with their true times, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError, UsageError
from accompanist.score.model import Part, Score
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from accompanist.simulation.notes import PerformedNote
from accompanist.simulation.player import Player, cut_restruck, parted
from accompanist.simulation.route import Leg, legs, written_gaps_s
from accompanist.simulation.settings import PlayerSettings
from accompanist.simulation.timing import (
    GivenTiming,
    given_onsets_s,
    human_onsets_s,
    pause_delays_s,
)

__all__ = ["SimulatedTake", "simulate_take"]

FloatArray = npt.NDArray[np.float64]

_SECOND_STROKE_S = (0.25, 0.6)
"""Least and greatest time between a note and its repetition by mistake."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedTake:
    """What was played, and where the soloist truly was.

    Attributes
    ----------
    part : Part
        The solo part.
    notes : tuple of PerformedNote
        Sorted by onset; no pitch is struck while it sounds.
    truth_quarter, truth_time_s : ndarray [shape=(n_truth,)]
        A row for each solo event of which at least one note was played as written.
    route : tuple of Leg
        The stretches played without a jump.
    leg_quarter, leg_time_s : tuple of ndarray
        For each of them place and moment of all its events, played or not: the soloist's own
        time, by which an accompaniment can be placed.
    end_s : float
        When the last note ends.
    """

    part: Part
    notes: tuple[PerformedNote, ...]
    truth_quarter: FloatArray
    truth_time_s: FloatArray
    route: tuple[Leg, ...]
    leg_quarter: tuple[FloatArray, ...]
    leg_time_s: tuple[FloatArray, ...]
    end_s: float


def simulate_take(
    score: Score,
    solo_part: Part,
    settings: PlayerSettings,
    seed: int,
    timing: GivenTiming | None = None,
) -> SimulatedTake:
    """Play the solo part of a score.

    Parameters
    ----------
    score : Score
    solo_part : Part
        One of the score's.
    settings : PlayerSettings
    seed : int
        The same seed gives the same take.
    timing : GivenTiming, optional
        True onsets of somebody's performance, in place of the model of timing; lengths and
        velocities come from there too where pitch and place agree.

    Raises
    ------
    BadInputError
        The part has no notes.
    UsageError
        A bar that is not there; jumps in an impossible order; jumps together with a timing.
    """
    line = solo_line(solo_part)
    if not len(line):
        raise BadInputError(
            f"part {solo_part.number} ({solo_part.name}): it has no notes to play; choose another"
        )
    if timing is not None and settings.jumps:
        raise UsageError("jumps and a given timing exclude each other: leave one of them out")
    generator = np.random.default_rng(seed)
    route = legs(score, settings.jumps)
    chosen = [
        np.flatnonzero(
            (line.onsets_quarter >= leg.start_quarter - 1e-6)
            & (line.onsets_quarter < leg.end_quarter - 1e-6)
        )
        for leg in route
    ]
    event = np.concatenate(chosen).astype(np.intp)
    if not len(event):
        raise UsageError("jumps: they leave no solo note to play")
    leg = np.repeat(np.arange(len(route)), [len(c) for c in chosen]).astype(np.intp)
    quarter = line.onsets_quarter[event]
    if timing is None:
        gaps = written_gaps_s(quarter, leg, route, written_tempo(score))
        onset = human_onsets_s(score, quarter, gaps, settings, generator)
    else:
        onset = given_onsets_s(timing, quarter) / settings.tempo_factor
    onset = onset + pause_delays_s(score, quarter, settings.pauses) + settings.lead_in_s
    onset, second_after = _stutter(onset, settings.repeated, generator)
    player = Player(score, line, settings, generator, timing)
    notes, true_s = player.play(event, onset, second_after)
    sounding = np.isfinite(true_s)
    return SimulatedTake(
        part=solo_part,
        # What a human has played is left as it was, but for keys that were still down.
        notes=tuple(parted(notes) if timing is None else cut_restruck(notes)),
        truth_quarter=quarter[sounding],
        truth_time_s=true_s[sounding],
        route=route,
        leg_quarter=tuple(quarter[leg == k] for k in range(len(route))),
        leg_time_s=tuple(onset[leg == k] for k in range(len(route))),
        end_s=max((n.offset_s for n in notes), default=settings.lead_in_s),
    )


def _stutter(
    onset: FloatArray, probability: float, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Choose the events struck twice; what follows is late by the time between the strokes.

    Returns the onsets (of the first strokes) and the time to the second stroke, NaN for none.
    """
    twice = generator.random(len(onset)) < probability
    between = generator.uniform(*_SECOND_STROKE_S, len(onset))
    delay = np.concatenate(([0.0], np.cumsum(np.where(twice, between, 0.0))[:-1]))
    return onset + delay, np.where(twice, between, np.nan)
