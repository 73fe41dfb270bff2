"""Where the soloist of a recording rests, by what was taken out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from accompanist.recordings.sound import Sound
from accompanist.score.model import Note, Part, Score
from accompanist.score.tempo import written_tempo

__all__ = ["solo_rests", "with_rests"]

Spans = tuple[tuple[float, float], ...]

_FRAME_S = 0.05
_BLOCK_FRAMES = 400
_QUIET_DB = 40.0
"""A soloist who rests is at least so much softer than when they play loud."""
_SHORTEST_S = 2.0
"""What is shorter is a breath."""
_LATE_S = 0.1
"""What begins so soon behind a rest's beginning is at its edge, not in it."""
_EARLY_S, _ENTRY_S = 0.2, 0.3
"""The entry is within these of a rest's end …"""
_SMEARED_S = 0.1
"""… and most likely so much behind it: what is taken out begins half a window early."""


def solo_rests(solo: Sound) -> Spans:
    """Find where nothing is played, read block by block.

    Parameters
    ----------
    solo : Sound
        The soloist alone, as long as the recording.

    Returns
    -------
    tuple of (start_s, end_s)
        In order; empty where there is no soloist at all.
    """
    frame = max(round(_FRAME_S * solo.rate), 1)
    levels: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    for start in range(0, solo.length, frame * _BLOCK_FRAMES):
        count = -(-min(frame * _BLOCK_FRAMES, solo.length - start) // frame)
        block = solo.read(start, count * frame).astype(np.float64)
        levels.append(np.sqrt(np.mean(block.reshape(count, -1) ** 2, axis=1)))
    level = np.concatenate(levels) if levels else np.zeros(0)
    loud = float(np.quantile(level, 0.95)) if len(level) else 0.0
    if loud <= 0.0:
        return ()
    quiet = np.concatenate(([0], level < loud * 10.0 ** (-_QUIET_DB / 20.0), [0])).astype(int)
    turns = np.flatnonzero(np.diff(quiet))
    end_s = solo.length / solo.rate
    spans = [
        (float(a) * frame / solo.rate, min(float(b) * frame / solo.rate, end_s))
        for a, b in zip(turns[::2], turns[1::2], strict=True)
    ]
    return tuple(span for span in spans if span[1] - span[0] >= _SHORTEST_S)


def with_rests(score: Score, rests_s: Sequence[tuple[float, float]]) -> Score:
    """Let the soloist of a recording rest: no events there, and one at each entry.

    Parameters
    ----------
    score : Score
        As `accompanist.recordings.recorded_score.recorded_score` makes it: part 1 is the soloist.
    rests_s : sequence of (start_s, end_s)
        Seconds of the recording.
    """
    if not rests_s or not score.parts:
        return score
    tempo = written_tempo(score)
    soloist = score.parts[0]
    notes = list(soloist.notes)
    onsets = tempo.to_seconds(np.array([n.onset_quarter for n in notes]))
    end_s = score.recording_s or float(tempo.to_seconds(score.end_quarter))
    silent_s = [(_silent_from(a), _entry(b, onsets)) for a, b in rests_s]
    kept: list[Note] = []
    for note, onset_s in zip(notes, onsets.tolist(), strict=True):
        if any(start_s <= onset_s < entry_s for start_s, entry_s in silent_s):
            continue
        begun = [a for a, _ in rests_s if a > onset_s]
        longest = float(tempo.to_quarter(begun[0])) - note.onset_quarter if begun else np.inf
        kept.append(replace(note, duration_quarter=min(note.duration_quarter, longest)))
    for _, entry_s in silent_s:
        if entry_s in onsets or entry_s >= end_s - _ENTRY_S:
            continue
        later = [n.onset_quarter for n in kept if n.onset_quarter > tempo.to_quarter(entry_s)]
        at = float(tempo.to_quarter(entry_s))
        until = min(later, default=float(tempo.to_quarter(end_s)))
        kept.append(Note(at, max(until - at, 1e-3), notes[0].pitch))
    if not kept:
        return score
    kept.sort(key=lambda n: (n.onset_quarter, n.pitch))
    part: Part = replace(soloist, notes=tuple(kept))
    return replace(score, parts=(part, *score.parts[1:]))


def _silent_from(rest_s: float) -> float:
    """Give from where on nothing that begins is the soloist's."""
    return rest_s + _LATE_S if rest_s > _LATE_S else 0.0


def _entry(end_s: float, onsets_s: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Give where the soloist comes in after a rest: at what begins there, if anything does."""
    near = onsets_s[(onsets_s >= end_s - _EARLY_S) & (onsets_s <= end_s + _ENTRY_S)]
    likely_s = end_s + _SMEARED_S
    return float(near[np.argmin(np.abs(near - likely_s))]) if len(near) else likely_s
