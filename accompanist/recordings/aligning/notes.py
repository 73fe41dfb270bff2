"""A score as the alignment sees it: its notes drawn as harmony and onsets, nothing sounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accompanist.recordings.aligning.features import (
    FLUX_PER_FRAME,
    FRAMES_PER_S,
    Features,
    normalised_onsets,
    unit_rows,
)
from accompanist.score.model import Note, Score
from accompanist.score.tempo import written_tempo

__all__ = ["LEAD_S", "score_features", "score_onsets_s", "sounding_notes"]

LEAD_S = 0.1
"""Silence drawn before the first and behind the last note, for what a recording has there."""

_PARTIALS = 6
_PARTIAL_FALL = 0.55
_PARTIAL_CLASSES = tuple(round(12 * np.log2(h)) % 12 for h in range(1, _PARTIALS + 1))
_DECAY_S = 1.2
_SUSTAIN = 0.35
"""A note falls to this, be it struck or blown."""


def sounding_notes(score: Score) -> list[Note]:
    """List the notes of all pitched parts, grace notes included, by onset."""
    notes = [n for p in score.parts if not p.percussion for n in p.notes]
    return sorted(notes, key=lambda n: (n.onset_quarter, n.pitch))


def score_features(score: Score, speed: float = 1.0) -> Features:
    """Draw the features of a score played at ``speed`` times its written tempo.

    Row i is the moment i / `FRAMES_PER_S` − `LEAD_S`, in written seconds over ``speed``.
    """
    notes = sounding_notes(score)
    tempo = written_tempo(score)
    onsets = tempo.to_seconds([n.onset_quarter for n in notes]) / speed + LEAD_S
    ends = tempo.to_seconds([n.end_quarter for n in notes]) / speed + LEAD_S
    frames = int(np.ceil((max(ends, default=0.0) + LEAD_S) * FRAMES_PER_S)) + 1
    chroma = np.zeros((frames, 12), dtype=np.float32)
    strength = np.zeros((frames * FLUX_PER_FRAME, 12), dtype=np.float32)
    profile = _profiles()
    decay = _SUSTAIN + (1.0 - _SUSTAIN) * np.exp(
        -np.arange(frames, dtype=np.float32) / (_DECAY_S * FRAMES_PER_S)
    )
    for note, onset, end in zip(notes, onsets, ends, strict=True):
        first = int(onset * FRAMES_PER_S + 0.5)
        behind = max(int(end * FRAMES_PER_S + 0.5), first + 1)
        loud = 0.5 + note.velocity / 160.0
        shape = decay[: behind - first, None] * np.float32(loud)
        chroma[first:behind] += shape * profile[note.pitch % 12]
        strength[int(onset * FRAMES_PER_S * FLUX_PER_FRAME + 0.5)] += (
            loud * profile[note.pitch % 12]
        )
    pooled = strength.reshape(frames, FLUX_PER_FRAME, 12).max(axis=1)
    loudness = np.linalg.norm(chroma, axis=1).astype(np.float32)
    return Features(unit_rows(chroma), normalised_onsets(pooled), loudness, strength)


def score_onsets_s(score: Score) -> npt.NDArray[np.float64]:
    """Where notes begin, on the axis of `score_features`, rising."""
    quarters = sorted({n.onset_quarter for n in sounding_notes(score) if not n.grace})
    return written_tempo(score).to_seconds(quarters) + LEAD_S


def _profiles() -> npt.NDArray[np.float32]:
    """Share of the pitch classes in a tone of each pitch class [shape=(12, 12)]."""
    profile = np.zeros((12, 12), dtype=np.float32)
    for pitch_class in range(12):
        for h, distance in enumerate(_PARTIAL_CLASSES):
            profile[pitch_class, (pitch_class + distance) % 12] += _PARTIAL_FALL**h
    return profile
