"""A score tied to a recording: its bars, marks and parts at the times of the recording."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accompanist.errors import BadInputError
from accompanist.recordings.aligning.alignment import Alignment, align_features
from accompanist.recordings.aligning.cutting import Kept, Nothing, rearranged
from accompanist.recordings.aligning.features import FLUX_PER_FRAME, FRAMES_PER_S, Features
from accompanist.recordings.aligning.notes import (
    LEAD_S,
    score_features,
    score_onsets_s,
    sounding_notes,
)
from accompanist.recordings.aligning.refining import heard_onsets, without_rush
from accompanist.recordings.aligning.skips import Skip, find_skips, passages_without
from accompanist.recordings.aligning.tempo_curve import even_times
from accompanist.score.model import Score, TempoMark
from accompanist.score.solo import bucket_indices
from accompanist.score.tempo import written_tempo

__all__ = ["ScoredRecording", "align_score"]

FloatArray = npt.NDArray[np.float64]

_ROUNDS = 3
"""A passage that was left out may hide another one."""
_LEAST_COVERED = 0.2
_NEAR_S = 0.06
"""Onsets closer than this are one knot of the tempo."""
_TINY_LEAD = 0.125
"""A recording that begins this part of a quarter before the first note begins with it."""
_FASTEST_LEAD = 4.0
"""The beats before the first note go by at most so many times as fast as those behind it."""
_FAINT = 0.15
"""What is heard at the ends is an onset if it has this share of what is usual."""
_EARLY_S = 0.06
_LOUD = 0.03
_UNKNOWN_S = 4.0
"""What the recording has and the score has not, if it is longer, gets bars of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRecording:
    """A score with the tempo marks of a recording.

    Attributes
    ----------
    score : Score
        Its written seconds are seconds of the recording; ``recording_s`` is set.
    certainty : float
        How many times better score and recording agree than by chance.
    remarks : tuple of str
        What a human should know: repeats left out, another key, an early end. A line each.
    """

    score: Score
    certainty: float
    remarks: tuple[str, ...]


def align_score(
    score: Score, heard: Features, recording_s: float, name: str = "the recording"
) -> ScoredRecording:
    """Tie a score to a recording of the piece.

    Passages that the recording leaves out (repeats, an end that was cut off) are left out of the
    score; what it has in addition (applause, a cadenza) becomes bars without notes.

    Parameters
    ----------
    score : Score
        Repeats written out.
    heard : Features
        Of the recording.
    recording_s : float
        Its length.
    name : str
        For messages.

    Raises
    ------
    BadInputError
        The score has no notes, or the recording is too short, silent or of something else.
    """
    if len(sounding_notes(score)) < 2:
        raise BadInputError("the score has no notes to align a recording with; give another")
    title = score.title or "the score"
    remarks: list[str] = []
    current = score
    for _ in range(_ROUNDS):
        alignment = _aligned(current, heard, title, name)
        skips = find_skips(current, alignment, written_tempo(current), LEAD_S)
        if not skips:
            break
        remarks += [_skip_remark(current, skip, name) for skip in skips]
        current = rearranged(current, passages_without(skips, current.end_quarter))
    else:
        alignment = _aligned(current, heard, title, name)
    if alignment.transposed:
        remarks.append(_key_remark(alignment.transposed, name))
    quarters, times_s = _sounding_onsets(*_found_onsets(current, alignment), heard)
    covered = 0.0
    if len(quarters) > 2:
        covered = float(quarters[-1] - quarters[0]) / current.end_quarter
    if covered < _LEAST_COVERED:
        raise BadInputError(
            f"{name}: only {100 * covered:.0f} % of {title} are in it; "
            "give a recording of the whole piece"
        )
    return _tied(current, quarters, times_s, recording_s, alignment, remarks, name)


def _aligned(score: Score, heard: Features, title: str, name: str) -> Alignment:
    return align_features(
        score_features(score),
        heard,
        onsets_s=score_onsets_s(score),
        first_name=title,
        second_name=name,
    )


def _found_onsets(score: Score, alignment: Alignment) -> tuple[FloatArray, FloatArray]:
    """Onsets of the score (quarters) and when they were found; both strictly increasing."""
    places = np.array(sorted({n.onset_quarter for n in sounding_notes(score) if not n.grace}))
    buckets = bucket_indices(places)
    places = places[np.append(True, np.diff(buckets) > 0)]
    times_s = alignment.map.second_s(written_tempo(score).to_seconds(places) + LEAD_S)
    kept: list[int] = []
    for i in np.flatnonzero(~np.isnan(times_s)):
        if not kept or times_s[i] > times_s[kept[-1]] + _NEAR_S:
            kept.append(int(i))
    return places[kept], times_s[kept]


def _sounding_onsets(
    quarters: FloatArray, times_s: FloatArray, heard: Features
) -> tuple[FloatArray, FloatArray]:
    """Leave out onsets that the recording has not got: outside of what sounds in it."""
    played_s = heard_onsets(heard)
    if not len(played_s):
        return quarters[:0], times_s[:0]
    strength = heard.flux.sum(axis=1)[(played_s * FRAMES_PER_S * FLUX_PER_FRAME).astype(np.intp)]
    played_s = played_s[strength > _FAINT * np.quantile(strength, 0.9)]
    # What sounds from the very beginning, or is cut off at once, has no onset to be heard.
    loud = np.flatnonzero(heard.loudness > _LOUD * np.quantile(heard.loudness, 0.98))
    first_s = min(played_s[0] - _EARLY_S, loud[0] / FRAMES_PER_S)
    last_s = max(played_s[-1] + _EARLY_S, loud[-1] / FRAMES_PER_S)
    inside = (times_s >= first_s) & (times_s <= last_s)
    quarters, times_s = quarters[inside], times_s[inside]
    return without_rush(quarters, times_s)


def _tied(
    score: Score,
    quarters: FloatArray,
    found_s: FloatArray,
    recording_s: float,
    alignment: Alignment,
    remarks: list[str],
    name: str,
) -> ScoredRecording:
    """Cut the score to what was found, and give it the recording's tempo."""
    times_s = even_times(quarters, found_s)
    first_q = float(quarters[0])
    lead = _lead_quarters(quarters, times_s)
    if lead > 0.0:  # the beats before the first note are not to rush by
        least_s = lead * _first_pace(quarters, times_s) / _FASTEST_LEAD
        times_s = np.maximum(times_s, least_s + 1e-3 * np.arange(len(times_s)))
    passages: list[Kept | Nothing] = []
    before = [n for n in sounding_notes(score) if n.onset_quarter < first_q - 1e-6]
    if before:
        at = _bar(score, first_q)
        remarks.append(f"{name} begins in bar {at}; what is before is left out")
    if lead > first_q + 1e-6 or (before and lead > 0.0):
        start = first_q if before else 0.0
        passages.append(Nothing(lead - first_q + start, "0"))
    else:
        start = first_q - lead
    move = lead - first_q
    end = _covered_end(score, quarters, times_s, recording_s)
    if end < score.end_quarter - 1.0:
        remarks.append(f"{name} ends in bar {_bar(score, end)}; what comes then is left out")
    passages += _with_unknown(start, end, quarters, times_s)
    knots_q, knots_s = _knots_behind(passages, quarters, times_s, move)
    if lead > 0.0:
        knots_q, knots_s = np.append(0.0, knots_q), np.append(0.0, knots_s)
    else:
        knots_s = np.append(0.0, knots_s[1:])
    total = sum(p.length_quarter for p in passages)
    pace = _last_pace(knots_q, knots_s)
    tail_s = recording_s - (knots_s[-1] + (total - knots_q[-1]) * pace)
    if tail_s > 0.25:
        passages.append(Nothing(tail_s / pace, "end"))
    out = rearranged(score, passages)
    marks = tuple(_marks(knots_q, knots_s, pace))
    return ScoredRecording(
        replace(out, tempo_marks=marks, recording_s=recording_s),
        alignment.certainty,
        tuple(remarks),
    )


def _lead_quarters(quarters: FloatArray, times_s: FloatArray) -> float:
    """Where the first onset comes to stand: on the same part of a beat, near its lead-in's length.

    >>> _lead_quarters(np.array([0.5, 1.5, 2.5]), np.array([2.3, 2.8, 3.3]))
    4.5
    >>> _lead_quarters(np.array([0.0, 1.0, 2.0]), np.array([0.02, 0.52, 1.02]))
    0.0
    """
    lead = float(times_s[0]) / _first_pace(quarters, times_s)
    part = float(quarters[0] % 1.0)
    whole = round(lead - part)
    if part < 1e-6 and whole <= 0:
        return 0.0 if lead < _TINY_LEAD else 1.0
    return max(whole, 0) + part


def _covered_end(
    score: Score, quarters: FloatArray, times_s: FloatArray, recording_s: float
) -> float:
    """End of the score, or of what sounds at the last onset that was found."""
    pace = _last_pace(quarters, times_s)
    room = (recording_s - times_s[-1]) / pace
    behind = [n.onset_quarter for n in sounding_notes(score) if n.onset_quarter > quarters[-1]]
    if not behind:
        ends = max(n.end_quarter for n in sounding_notes(score))
        # A last chord may be shorter in the recording than the whole bar's rest behind it.
        return float(min(score.end_quarter, max(ends, quarters[-1] + room)))
    return float(min(min(behind), quarters[-1] + max(room, 0.1)))


def _with_unknown(
    start: float, end: float, quarters: FloatArray, times_s: FloatArray
) -> list[Kept | Nothing]:
    """Put bars without notes where the recording has far more than the score between two onsets."""
    out: list[Kept | Nothing] = []
    steps, spans = np.diff(quarters), np.diff(times_s)
    pace = np.median(spans / steps)
    for i in np.flatnonzero(spans - steps * pace > np.maximum(_UNKNOWN_S, 2.0 * steps * pace)):
        at = float(quarters[i + 1])
        out += [Kept(start, at), Nothing(float(max(round(spans[i] / pace - steps[i]), 1)), "–")]
        start = at
    return [*out, Kept(start, end)]


def _knots_behind(
    passages: list[Kept | Nothing], quarters: FloatArray, times_s: FloatArray, move: float
) -> tuple[FloatArray, FloatArray]:
    """Move onsets to where their passages come to stand."""
    moved = quarters + move
    at = 0.0
    for i, passage in enumerate(passages):
        if isinstance(passage, Nothing) and i and passage.printed == "–":
            edge = passages[i - 1]
            assert isinstance(edge, Kept)
            moved[quarters >= edge.end_quarter - 1e-9] += passage.length_quarter
        at += passage.length_quarter
    inside = moved < at
    return moved[inside], times_s[inside]


def _first_pace(quarters: FloatArray, times_s: FloatArray) -> float:
    """Seconds a quarter near the beginning."""
    return float(np.median(np.diff(times_s[:9]) / np.diff(quarters[:9])))


def _last_pace(quarters: FloatArray, times_s: FloatArray) -> float:
    """Seconds a quarter near the end, holds left aside."""
    pace = np.diff(times_s[-17:]) / np.diff(quarters[-17:])
    return float(np.median(pace))


def _marks(quarters: FloatArray, times_s: FloatArray, pace: float) -> list[TempoMark]:
    rates = np.append(60.0 * np.diff(quarters) / np.diff(times_s), 60.0 / pace)
    return [
        TempoMark(float(q), float(r), written=i == 0)
        for i, (q, r) in enumerate(zip(quarters, rates, strict=True))
    ]


def _bar(score: Score, quarter: float) -> str:
    for measure in score.measures:
        if measure.end_quarter > quarter + 1e-6:
            return measure.printed
    return score.measures[-1].printed if score.measures else "?"


def _skip_remark(score: Score, skip: Skip, name: str) -> str:
    first, last = _bar(score, skip.start_quarter), _bar(score, skip.end_quarter - 1e-3)
    return f"{name} leaves out bars {first} to {last}"


def _key_remark(semitones: int, name: str) -> str:
    way = "above" if semitones > 0 else "below"
    count = abs(semitones)
    return f"{name} sounds {count} semitone{'s' if count > 1 else ''} {way} the score"
