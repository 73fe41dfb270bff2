"""A recording as a score: its beats as quarters, its onsets as the soloist's events.

Quarter 0.0 is the first instant of the recording. Between two beats stands one tempo mark, so
that `accompanist.score.tempo.written_tempo` of the score is the exact map between quarters and
seconds of the recording; bars, beats, clock and count-in then work as with any score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accompanist.recordings.analysis import RecordingAnalysis
from accompanist.score.model import Mark, Measure, Metre, Note, Part, Score, TempoMark
from accompanist.score.tempo import WrittenTempo, written_tempo

__all__ = ["ORCHESTRA_NAME", "SOLOIST_NAME", "beat_grid", "recorded_score"]

FloatArray = npt.NDArray[np.float64]

SOLOIST_NAME = "Soloist"
ORCHESTRA_NAME = "Orchestra (recording)"

_UNKNOWN_PITCH = 60
_CLOSEST_BEATS_S = 0.05
_USUAL_S = 0.5
_CLOSEST_NOTES_QUARTER = 0.031
"""Nearer ones would be one event."""


def recorded_score(analysis: RecordingAnalysis, title: str, composer: str = "") -> Score:
    """Make the score of a recording from what was found in it.

    Part 1 is the soloist, with a note of unknown pitch at each onset that was found (one at
    least); part 2 is the ensemble, which has no notes.
    """
    grid = beat_grid(analysis.beats_s, analysis.duration_s)
    marks = tuple(
        TempoMark(float(i), 60.0 / interval) for i, interval in enumerate(np.diff(grid).tolist())
    )
    tempo = written_tempo(Score(title=title, parts=(), measures=(), tempo_marks=marks))
    end_quarter = float(tempo.to_quarter(analysis.duration_s))
    downbeats = np.unique(np.round(tempo.to_quarter(np.asarray(analysis.bars_s)))).tolist()
    return Score(
        title=title,
        composer=composer,
        parts=(
            Part(1, SOLOIST_NAME, _notes(analysis, tempo, end_quarter)),
            Part(2, ORCHESTRA_NAME, ()),
        ),
        measures=_measures(downbeats, analysis.beats_a_bar, end_quarter),
        tempo_marks=marks,
        metres=(Metre(0.0, analysis.beats_a_bar, 4),),
        marks=tuple(
            Mark(float(quarter), f"Movement {number}")
            for number, quarter in enumerate(
                np.unique(np.round(tempo.to_quarter(np.asarray(analysis.movements_s)))), 1
            )
        ),
        suggested_solo=1,
        recording_s=analysis.duration_s,
    )


def beat_grid(beats_s: Sequence[float], duration_s: float) -> FloatArray:
    """Place the quarters 0, 1, 2 … in the recording: seconds from 0.0 to its end or just behind.

    The beats that were found are kept to the instant; before the first and behind the last they
    go on evenly. As quarter 0 stands at 0.0 s, the beats before the first are drawn out or
    together by up to half a beat (a first beat within half a beat of 0.0 s is moved there).
    """
    given = np.asarray(beats_s, dtype=np.float64)
    given = np.sort(given[np.isfinite(given) & (given >= 0.0) & (given <= duration_s)])
    beats: list[float] = []
    for beat in given.tolist():
        if not beats or beat - beats[-1] >= _CLOSEST_BEATS_S:
            beats.append(beat)
    between = np.diff(beats)
    opening = float(np.median(between[:8])) if len(between) else _USUAL_S
    closing = float(np.median(between[-8:])) if len(between) else _USUAL_S
    first = beats[0] if beats else 0.0
    lead = round(first / opening)
    if lead == 0 and len(beats) > 1 and beats[1] < _CLOSEST_BEATS_S:
        beats = beats[1:]
    ahead = np.linspace(0.0, first, lead + 1)[:-1] if lead else np.zeros(1)
    rest = beats if lead else beats[1:]
    last = rest[-1] if rest else float(ahead[-1])
    more = max(int(np.ceil((duration_s - last) / closing - 1e-9)), 0)
    behind = last + closing * np.arange(1, more + 1)
    grid = np.concatenate((ahead, rest, behind))
    return grid if len(grid) > 1 else np.array([0.0, max(duration_s, _USUAL_S)])


def _notes(
    analysis: RecordingAnalysis, tempo: WrittenTempo, end_quarter: float
) -> tuple[Note, ...]:
    """Give a note an onset, as long as until the next one; one at least."""
    first_s, last_s = analysis.heard_s
    onsets = np.unique([t for t in analysis.onsets_s if 0.0 <= t < analysis.duration_s])
    if not len(onsets):
        onsets = np.array([min(first_s, analysis.duration_s / 2)])
    ends_s = np.minimum(np.append(onsets[1:], max(last_s, onsets[-1] + 0.1)), analysis.duration_s)
    quarters, ends = tempo.to_quarter(onsets), tempo.to_quarter(ends_s)
    notes: list[Note] = []
    for quarter, end in zip(quarters.tolist(), ends.tolist(), strict=True):
        if notes and quarter - notes[-1].onset_quarter < _CLOSEST_NOTES_QUARTER:
            continue
        end = min(max(end, quarter + 1e-3), max(end_quarter, quarter + 1e-3))
        notes.append(Note(quarter, end - quarter, _UNKNOWN_PITCH))
    return tuple(notes)


def _measures(
    downbeats: Sequence[float], beats_a_bar: int, end_quarter: float
) -> tuple[Measure, ...]:
    """Bars from the downbeats; what lies before the first one is a pickup, or whole bars too."""
    starts = [d for d in downbeats if 0.0 <= d < end_quarter - 1e-6]
    first = starts[0] if starts else 0.0
    lead = np.arange(first, 0.0, -beats_a_bar)[1:].tolist() if first > beats_a_bar else []
    starts = [0.0] * (first > 0.0) + [d for d in reversed(lead) if d > 0.0] + (starts or [0.0])
    filled: list[float] = []
    for start, behind in zip(starts, [*starts[1:], end_quarter], strict=True):
        longest = beats_a_bar * (1.0 if behind == end_quarter else 1.5)
        filled.append(start)  # one bar, or where the next downbeat is far away, regular ones
        while behind - filled[-1] > longest + 1e-6:
            filled.append(filled[-1] + beats_a_bar)
    ends = [*filled[1:], end_quarter]
    pickup = len(filled) > 1 and filled[1] < beats_a_bar - 1e-6
    return tuple(
        Measure(start, end - start, str(i + (0 if pickup else 1)))
        for i, (start, end) in enumerate(zip(filled, ends, strict=True))
    )
