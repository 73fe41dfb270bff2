"""The ensemble in the soloist's microphone.

Two forms. *Closed*: the take only says how loudspeaker and microphone stand to one another, and
whoever runs it feeds back what the ensemble really plays. *Open*: the other parts are put into
the recording beforehand, exactly with the soloist, whatever the ensemble then does.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from accompanist.score.model import Note, Part, Score
from accompanist.simulation.bleed import Bleed, Known, path_response
from accompanist.simulation.room import sounding_rms
from accompanist.simulation.scenarios.material import (
    ImpossibleError,
    Maker,
    ScenarioTake,
    Source,
    untouched,
)

__all__ = ["accompanied", "bleed", "bleed_beforehand", "with_bass"]

FloatArray = npt.NDArray[np.float64]

_DELAY_S = (0.03, 0.15)
_RT60_S = (0.3, 0.8)
_BASS_OCTAVE = 36
_BASS_UNDER = (12, 7, 4, 9)
"""Semitones under the solo, beat by beat: octave, fifth, third, sixth."""
_BASS_PROGRAM = 32
_BASS_VELOCITY = 70


def bleed(level_db: float, known: Known) -> Maker:
    """Make a scenario with the ensemble that plays so much louder than the soloist.

    It comes 30 to 150 ms late and coloured by a room. A score without other parts is given a bass
    line (`with_bass`), which the ensemble then plays.
    """

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        take = replace(untouched(source), score=accompanied(source))
        return replace(take, bleed=_room(level_db, known, generator))

    return make


def bleed_beforehand(level_db: float) -> Maker:
    """Make a scenario like `bleed`, but with the other parts in the recording already."""

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        from scipy.signal import oaconvolve

        take = replace(untouched(source), score=accompanied(source))
        if source.company is None:
            raise ImpossibleError("there is nothing here to play the other parts with")
        room = _room(level_db, Known.NOTHING, generator)
        others = source.company(take.score, take.truth_quarter, take.truth_time_s)
        solo = source.samples.astype(np.float64)
        late = np.zeros(len(solo))
        start = min(round(room.delay_s * source.rate), len(solo))
        heard = oaconvolve(others.astype(np.float64), path_response(room, source.rate))
        late[start : start + len(heard)] = heard[: len(solo) - start]
        loudness = sounding_rms(late, source.rate)
        if loudness <= 0.0:
            raise ImpossibleError("the other parts are silent here")
        gain = sounding_rms(solo, source.rate) * 10.0 ** (level_db / 20.0) / loudness
        return replace(take, samples=(solo + gain * late).astype(np.float32))

    return make


def accompanied(source: Source) -> Score:
    """Give the score of a source, with a bass line if nobody else plays in it.

    Raises
    ------
    ImpossibleError
        The piece is a recording.
    """
    score, solo = source.score, source.solo
    if score.recording_s is not None:
        raise ImpossibleError("the piece is a recording, not a score with other parts")
    if any(part.notes for part in score.parts if part.number != solo.number):
        return score
    return with_bass(score, solo)


def with_bass(score: Score, solo: Part) -> Score:
    """Add a part that plays on each beat where the solo sounds, consonant with it and far below."""
    main = [n for n in solo.notes if not n.grace]
    if not main:
        raise ImpossibleError("the solo part has no notes")
    notes: list[Note] = []
    first, waiting = 0, sorted(main, key=lambda n: n.onset_quarter)
    held: list[Note] = []
    for beat in range(int(np.floor(waiting[0].onset_quarter)), int(np.ceil(score.end_quarter))):
        while first < len(waiting) and waiting[first].onset_quarter < beat + 1e-6:
            held.append(waiting[first])
            first += 1
        held = [n for n in held if n.end_quarter > beat + 1e-6]
        if held:
            under = _BASS_UNDER[beat % len(_BASS_UNDER)]
            pitch = _BASS_OCTAVE + (min(n.pitch for n in held) - under) % 12
            notes.append(Note(float(beat), 1.0, pitch, _BASS_VELOCITY))
    number = max(part.number for part in score.parts) + 1
    bass = Part(number, "Bass", tuple(notes), instrument="Bass", program=_BASS_PROGRAM)
    return replace(score, parts=(*score.parts, bass))


def _room(level_db: float, known: Known, generator: np.random.Generator) -> Bleed:
    return Bleed(
        level_db=level_db,
        delay_s=float(generator.uniform(*_DELAY_S)),
        rt60_s=float(generator.uniform(*_RT60_S)),
        known=known,
        seed=int(generator.integers(2**31)),
    )
