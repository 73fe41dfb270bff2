"""What chroma the score makes one expect: a rendering of each note, as the same ear hears it.

No synthesiser renders the score. One tone in each octave (twelve partials, each 0.75 of the one
before) is sounded to a fresh ear once, and what it hears is turned to all pitches of that octave;
the sounding notes' chroma are added, decaying, with those released a moment ago ringing on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accompanist.followers.chroma.ear import SILENCE
from accompanist.hearing.chroma import CLASSES, ChromaFrames
from accompanist.score.solo import SoloLine
from accompanist.score.tempo import WrittenTempo

__all__ = ["ScoreSegments", "expected_rows", "pitch_chroma", "score_segments"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

_PARTIALS: Final = 12
_PARTIAL_GAIN: Final = 0.75
_OCTAVES: Final = (-2, 2)
"""About that of A4; further off, notes are expected to look like those of the nearest."""

_TONE_S: Final = 0.16
_HIGHEST_OF_RATE: Final = 0.45
_A4_HZ: Final = 440.0
_A4_PITCH: Final = 69

_DECAY_S: Final = 2.0
_DECAY_FLOOR: Final = 0.3
_RING_GAIN: Final = 0.3
_RING_S: Final = 0.2
_RING_ENDS_S: Final = 1.0
_GAP_QUARTER: Final = 0.06
"""A rest shorter than this is articulation: players close it, so it is closed here."""

_SHORTEST_S: Final = 1e-3
_NOTE_SILENCE: Final = 0.02
_REST_SILENCE: Final = 0.2
"""Share of silence where notes sound and where they do not; players ring on in rests."""


def pitch_chroma(
    ear: Callable[[], ChromaFrames], sample_rate: int, a4_hz: float | None = None
) -> Float32Array:
    """Power in the classes of each MIDI pitch [shape=(128, 12)], as an ear of that kind hears it.

    Rows sum to 1. ``ear`` makes a fresh front end each time it is called.
    """
    a4_hz = a4_hz or _A4_HZ
    t = np.arange(round(_TONE_S * sample_rate)) / sample_rate
    heard: dict[int, Float32Array] = {}
    looks = np.empty((128, CLASSES), dtype=np.float32)
    for pitch in range(128):
        octave = int(np.clip(round((pitch - _A4_PITCH) / 12), *_OCTAVES))
        if octave not in heard:
            f0 = a4_hz * 2.0**octave
            harmonics = [
                h for h in range(1, _PARTIALS + 1) if h * f0 < _HIGHEST_OF_RATE * sample_rate
            ]
            tone = sum(
                (_PARTIAL_GAIN ** (h - 1) * np.sin(2 * np.pi * h * f0 * t) for h in harmonics),
                start=np.zeros(len(t)),
            )
            row = np.square(ear().feed((0.1 * tone).astype(np.float32))[-1])
            heard[octave] = row / max(float(row.sum()), 1e-9)
        looks[pitch] = np.roll(heard[octave], (pitch - _A4_PITCH) % 12)
    return looks


@dataclass(frozen=True, slots=True, eq=False)
class ScoreSegments:
    """The solo cut at every note-on and note-off: one sound is expected in each piece.

    Attributes
    ----------
    start_s, end_s : ndarray [shape=(n,)]
        Written seconds; contiguous, the first begins with the first event.
    event : ndarray [shape=(n,)]
        The latest event begun.
    looks : ndarray [shape=(n, 13)]
        Expected shares of the pitch classes and of silence; rows sum to 1.
    """

    start_s: FloatArray
    end_s: FloatArray
    event: npt.NDArray[np.intp]
    looks: Float32Array

    def __len__(self) -> int:
        return len(self.start_s)


def score_segments(solo: SoloLine, tempo: WrittenTempo, pitches: Float32Array) -> ScoreSegments:
    """Cut the solo (at least one event); ``pitches`` is what `pitch_chroma` gave."""
    onsets = solo.onsets_quarter
    notes = _closed_notes(solo)
    bounds = np.unique(np.round(np.concatenate([onsets, [n[1] for n in notes]]), 5))
    bounds = bounds[bounds >= onsets[0] - 1e-6]
    bounds_s = tempo.to_seconds(bounds)
    kept = np.concatenate([[True], np.diff(bounds_s) > _SHORTEST_S])
    starts, starts_s = bounds[kept], bounds_s[kept]
    if len(starts) > 1:
        starts, ends_s, starts_s = starts[:-1], starts_s[1:], starts_s[:-1]
    else:
        ends_s = starts_s + _SHORTEST_S
    middles_s = (starts_s + ends_s) / 2
    looks = _sounding(notes, tempo, middles_s, pitches)
    event = np.searchsorted(onsets, starts + 1e-4, side="right") - 1
    return ScoreSegments(starts_s, ends_s, event, looks)


def expected_rows(
    solo: SoloLine, tempo: WrittenTempo, pitches: Float32Array, frame_s: float
) -> Float32Array:
    """Give the shares [shape=(rows, 13)] expected every ``frame_s`` written seconds.

    Row 0 is the first event's.
    """
    notes = _closed_notes(solo)
    first_s = float(tempo.to_seconds(solo.onsets_quarter[0]))
    last_s = float(tempo.to_seconds(max(solo.end_quarter, float(solo.onsets_quarter[-1]))))
    count = max(2, round((last_s - first_s) / frame_s) + 1)
    times_s = np.asarray(first_s + (np.arange(count) + 0.5) * frame_s, dtype=np.float64)
    return _sounding(notes, tempo, times_s, pitches)


def _closed_notes(solo: SoloLine) -> list[tuple[float, float, int]]:
    """Onset, end and pitch of every note, small gaps before the next event closed."""
    onsets = solo.onsets_quarter
    notes = []
    for event, group in enumerate(solo.notes):
        start = float(onsets[event])
        for note in group:
            end = max(note.end_quarter, start)
            following = int(np.searchsorted(onsets, end - 1e-6))
            if following < len(onsets) and onsets[following] - end < _GAP_QUARTER:
                end = float(onsets[following])
            notes.append((start, end, note.pitch))
    return notes


def _sounding(
    notes: list[tuple[float, float, int]],
    tempo: WrittenTempo,
    times_s: FloatArray,
    pitches: Float32Array,
) -> Float32Array:
    """Give shares at ascending times [shape=(n, 13)]; rests show the last sound's colours."""
    chroma = np.zeros((len(times_s), CLASSES), dtype=np.float32)
    sounds = np.zeros(len(times_s), dtype=np.bool_)
    starts_s = tempo.to_seconds([n[0] for n in notes])
    ends_s = tempo.to_seconds([n[1] for n in notes])
    for (_, _, pitch), start_s, end_s in zip(notes, starts_s, ends_s, strict=True):
        look = pitches[min(max(pitch, 0), 127)]
        a, b, c = np.searchsorted(times_s, [start_s, end_s, end_s + _RING_ENDS_S])
        age_s = times_s[a:b] - start_s
        chroma[a:b] += np.maximum(np.exp(-age_s / _DECAY_S), _DECAY_FLOOR)[:, None] * look
        sounds[a:b] = True
        ringing = _RING_GAIN * np.exp(-(times_s[b:c] - end_s) / _RING_S)
        chroma[b:c] += ringing[:, None] * look
    total = chroma.sum(axis=1)
    known = total > 1e-6
    # Long rests keep the colours of what sounded last.
    last = np.maximum.accumulate(np.where(known, np.arange(len(times_s)), -1))
    flat = np.full(CLASSES, 1.0 / CLASSES)
    shares = np.where(
        last[:, None] >= 0, chroma[last] / np.maximum(total[last], 1e-9)[:, None], flat
    )
    looks = np.empty((len(times_s), CLASSES + 1), dtype=np.float32)
    silence = np.where(sounds, _NOTE_SILENCE, _REST_SILENCE)
    looks[:, :CLASSES] = shares * (1.0 - silence)[:, None]
    looks[:, SILENCE] = silence
    return looks
