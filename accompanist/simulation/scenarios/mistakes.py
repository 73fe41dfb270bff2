"""Notes that go wrong, in real sound: missed, wrong, an octave off, extra, struck twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

import numpy as np

from accompanist.simulation.scenarios.editing import cut_s, room_tone
from accompanist.simulation.scenarios.material import (
    ImpossibleError,
    Maker,
    Samples,
    ScenarioTake,
    Source,
    untouched,
)
from accompanist.simulation.scenarios.pitching import pitched

__all__ = ["Mistake", "mistakes"]

_WRONG_BY = (-2.0, -1.0, 1.0, 2.0)
_OCTAVE = 12.0
_FADE_S = 0.008
_LONGEST_EXTRA_S = 0.2
_SHORTEST_PARTED_S = 0.24
"""A note shorter than this cannot be parted into two."""
_FIRST = 2
"""The first notes are right."""


class Mistake(StrEnum):
    """What can go wrong with a note."""

    MISSED = "missed"
    """It is not played; the next one comes when it should."""
    WRONG = "wrong"
    """One or two semitones off."""
    OCTAVE = "octave"
    """An octave off."""
    EXTRA = "extra"
    """Another note comes between this one and the next."""
    REPEATED = "repeated"
    """It is struck twice."""


def mistakes(kinds: Sequence[Mistake], share: float) -> Maker:
    """Make a scenario in which that share of the notes goes wrong, in ways drawn from ``kinds``.

    Times stay as they were. Onsets that are not played are left out of the truth.
    """

    def make(source: Source, generator: np.random.Generator) -> ScenarioTake:
        count = len(source.truth_time_s)
        wanted = round(share * count)
        if wanted < 1 or count < 3 * _FIRST:
            raise ImpossibleError(f"the take has only {count} notes")
        chosen = _apart(count, wanted, generator)
        samples = source.samples.copy()
        kept = np.ones(count, dtype=bool)
        for onset in chosen:
            kind = kinds[int(generator.integers(len(kinds)))]
            first, end = (round(cut_s(source, onset + i) * source.rate) for i in (0, 1))
            end = min(end, len(samples))
            parted = kind in (Mistake.EXTRA, Mistake.REPEATED)
            if parted and end - first < _SHORTEST_PARTED_S * source.rate:
                kind = Mistake.WRONG
            note = source.samples[first:end]
            _put(samples, first, _made(kind, note, source, onset, generator), source.rate)
            kept[onset] = kind is not Mistake.MISSED
        take = untouched(source)
        return replace(
            take,
            samples=samples,
            truth_quarter=take.truth_quarter[kept],
            truth_time_s=take.truth_time_s[kept],
            origin=take.origin[kept],
            leg=take.leg[kept],
        )

    return make


def _apart(count: int, wanted: int, generator: np.random.Generator) -> list[int]:
    """Draw so many onsets, no two of them neighbours as long as that is possible."""
    taken = np.zeros(count + 1, dtype=bool)
    for neighbours in (False, True):
        for onset in (_FIRST + generator.permutation(count - _FIRST)).tolist():
            if taken.sum() >= wanted:
                break
            alone = not (taken[onset - 1] or taken[onset + 1])
            taken[onset] |= alone or neighbours
    return np.flatnonzero(taken[:count]).tolist()


def _made(
    kind: Mistake, note: Samples, source: Source, onset: int, generator: np.random.Generator
) -> Samples:
    rate = source.rate
    match kind:
        case Mistake.MISSED:
            return room_tone(source, len(note) / rate, generator)[: len(note)]
        case Mistake.WRONG:
            return pitched(note, rate, float(generator.choice(_WRONG_BY)))
        case Mistake.OCTAVE:
            return pitched(note, rate, float(generator.choice((-_OCTAVE, _OCTAVE))))
        case Mistake.REPEATED:
            out, half = note.copy(), len(note) // 2
            _put(out, half, note[: len(note) - half], rate)
            return out
        case Mistake.EXTRA:
            count = len(source.truth_time_s)
            other = min(onset + int(generator.integers(1, 4)), count - 1)
            first, end = (round(cut_s(source, other + i) * rate) for i in (0, 1))
            longest = min(round(_LONGEST_EXTRA_S * rate), len(note) // 2)
            out = note.copy()
            _put(out, len(note) // 2, source.samples[first : min(end, first + longest)], rate)
            return out


def _put(samples: Samples, start: int, sound: Samples, rate: int) -> None:
    """Replace a stretch of samples in place by a sound, cross-faded at both ends."""
    sound = sound[: len(samples) - start]
    count = len(sound)
    weight = np.ones(count, dtype=np.float32)
    fade = min(round(_FADE_S * rate), count // 2)
    if fade:
        ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
        weight[:fade], weight[-fade:] = ramp, ramp[::-1]
    there = samples[start : start + count]
    there += weight * (sound - there)
