"""Two who listen to one another: the conductor, and a soloist who hears what it plays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accompanist.conducting.conductor import Conductor
from accompanist.conducting.grid import SoloGrid
from accompanist.conducting.settings import ConductorSettings
from accompanist.conducting.tempo_model import TempoModel
from accompanist.score.model import Measure, Note, Part, Score, TempoMark
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import written_tempo
from accompanist.simulation.exact_ears import HOP_S, EarSettings, ExactEars
from accompanist.simulation.partner import ListeningSoloist, PartnerSettings

__all__ = ["DuoPiece", "Together", "play_duo", "steady_piece"]

FloatArray = npt.NDArray[np.float64]

_RHYTHM = (
    (1.0, 1.0, 1.0, 1.0),
    (1.5, 0.5, 1.0, 1.0),
    (1.0, 0.5, 0.5, 1.0, 1.0),
    (2.0, 2.0),
    (0.5, 0.5, 0.5, 0.5, 1.0, 1.0),
    (1.0, 1.0, 1.5, 0.5),
    (0.5, 0.5, 1.0, 0.5, 0.5, 1.0),
    (1.0, 1.0, 2.0),
)
"""Eight bars of four quarters: what the soloist plays, over and over."""
_DEGREES = (0, 2, 4, 5, 7, 9, 11)
_BAR_QUARTER = 4.0
_PLAYED_OUT_S = 3.0
"""So long after a note of the soloist's the piece is over: none is longer."""
_STRIDES = (1, 2, -1, 3, -2, 1, -3)


@dataclass(frozen=True, slots=True, eq=False)
class DuoPiece:
    """What the two play: the soloist's events, and where the ensemble has notes."""

    score: Score
    solo: SoloLine
    ensemble_quarters: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """What came of it: arrays over the positions at which both played, NaN where one did not.

    Attributes
    ----------
    quarter, solo_s, ensemble_s : ndarray [shape=(n,)]
    intended_s : float
        Seconds a quarter that the soloist had in mind at first.
    """

    quarter: FloatArray
    solo_s: FloatArray
    ensemble_s: FloatArray
    intended_s: float


def steady_piece(length_s: float, qpm: float = 96.0) -> DuoPiece:
    """Make a piece of that length without any mark: a tune, and eighths below it."""
    bars = max(int(length_s * qpm / 60.0 / _BAR_QUARTER), 2)
    notes: list[Note] = []
    step = 0
    for bar in range(bars):
        at = bar * _BAR_QUARTER
        for place, length in enumerate(_RHYTHM[bar % len(_RHYTHM)]):
            step = (step + _STRIDES[(bar + place) % len(_STRIDES)]) % (2 * len(_DEGREES))
            octave, degree = divmod(step, len(_DEGREES))
            notes.append(Note(at, length, 60 + 12 * octave + _DEGREES[degree]))
            at += length
    measures = tuple(Measure(i * _BAR_QUARTER, _BAR_QUARTER, str(i + 1)) for i in range(bars))
    eighths = tuple(0.5 * i for i in range(round(bars * _BAR_QUARTER * 2)))
    score = Score(
        "", (Part(1, "solo", tuple(notes)),), measures, tempo_marks=(TempoMark(0.0, qpm),)
    )
    return DuoPiece(score, solo_line(score.parts[0]), eighths)


def play_duo(
    piece: DuoPiece,
    settings: PartnerSettings,
    ears: EarSettings,
    *,
    seed: int,
    conductor: ConductorSettings | None = None,
    tempo_model: Callable[[SoloGrid], TempoModel] | None = None,
    played_factor: float = 1.0,
    latency_s: float = 0.0,
) -> Together:
    """Have a soloist and a conductor play a piece together.

    Parameters
    ----------
    piece : DuoPiece
    settings : PartnerSettings
        The soloist.
    ears : EarSettings
        Of the conductor.
    seed : int
        Of the soloist's noise and of the ears'.
    conductor, tempo_model
        See `Conductor`.
    played_factor : float
        The soloist's seconds over the written ones, at first.
    latency_s : float
        From sending to sound, of which the conductor has not been told.
    """
    tempo = written_tempo(piece.score)
    leader = Conductor(
        piece.score, piece.solo, tempo, conductor, piece.ensemble_quarters, tempo_model=tempo_model
    )
    quarters = [float(q) for q in piece.solo.onsets_quarter]
    intended_s = played_factor / float(tempo.first_rate)
    soloist = ListeningSoloist(quarters, intended_s, settings, seed)
    follower = ExactEars(quarters, 1.0 / intended_s, ears, seed + 1)
    events = {quarter: event for event, quarter in enumerate(quarters)}
    ensemble_s = np.full(len(quarters), np.nan)
    coming: deque[tuple[float, int]] = deque()
    cursor, hop, now_s = 0, 0, 0.0
    while not soloist.onsets_s or now_s < soloist.onsets_s[-1] + _PLAYED_OUT_S:
        hop += 1
        now_s = hop * HOP_S
        while coming and coming[0][0] <= now_s:
            heard_s, event = coming.popleft()
            soloist.hear(event, heard_s)
        for event, time_s in soloist.due(now_s):
            follower.played(event, time_s)
        direction = leader.hear(follower.hear(now_s))
        if direction.jumped:
            cursor = int(np.searchsorted(piece.ensemble_quarters, direction.quarter - 1e-9))
        while cursor < len(piece.ensemble_quarters):
            quarter = piece.ensemble_quarters[cursor]
            due_s = direction.timeline.due_s(quarter)
            if due_s >= now_s + HOP_S:
                break
            sound_s = max(due_s, now_s) + latency_s
            cursor += 1
            event_here = events.get(quarter)
            if event_here is not None:
                ensemble_s[event_here] = sound_s
                coming.append((sound_s + settings.delay_s, event_here))
    return Together(np.array(quarters), np.array(soloist.onsets_s), ensemble_s, intended_s)
