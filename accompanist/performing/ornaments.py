"""Printed ornaments as the notes that are played.

Lengths are given in seconds and turned into quarters by the written tempo, because a trill does
not get slower with the beat as much as with the finger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accompanist.score.model import Note, Ornament
from accompanist.score.solo import BUCKET_QUARTER

__all__ = ["alternated", "neighbour", "realise", "spread"]

_TRILL_STROKE_S = 0.11
_TREMOLO_STROKE_S = 0.09
_QUICKEST_STROKE_S = 0.07
"""A tremolo whose written strokes would be quicker than this is as fast as can be."""
_QUICK_STROKE_S = 0.07
_SPREAD_STEP_S = 0.03
_SPREAD_SHARE = 0.25
"""An arpeggio takes at most this much of its chord."""
_PARTED_QUARTER = BUCKET_QUARTER + 0.002
"""So far before the beat a note is not together with what stands on it."""


def neighbour(pitch: int, fifths: int, direction: int) -> int:
    """Next pitch of the key's scale above (``direction`` 1) or below (−1), two semitones at most.

    >>> neighbour(64, 0, 1), neighbour(62, 0, 1), neighbour(65, 0, -1), neighbour(59, 2, 1)
    (65, 64, 64, 61)
    """
    tonic = 7 * fifths % 12
    scale = {(tonic + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11)}
    near = pitch + direction
    return near if near % 12 in scale else pitch + 2 * direction


def realise(note: Note, fifths: int, rate_quarter_s: float) -> tuple[Note, ...]:
    """Write one printed note out as the notes that a player makes of it.

    Parameters
    ----------
    note : Note
        As printed.
    fifths : int
        Key signature at that place, −7…7.
    rate_quarter_s : float
        Written tempo at that place, quarters a second.
    """
    pitches: tuple[int, ...]
    match note.ornament:
        case Ornament.TRILL:
            pitches = (note.pitch, neighbour(note.pitch, fifths, 1))
            return _alternate(note, pitches, _TRILL_STROKE_S * rate_quarter_s, odd=True)
        case Ornament.TREMOLO:
            return _alternate(note, (note.pitch,), _stroke_quarter(note, rate_quarter_s), odd=False)
        case Ornament.MORDENT:
            pitches = (note.pitch, neighbour(note.pitch, fifths, -1), note.pitch)
        case Ornament.TURN:
            above, below = (neighbour(note.pitch, fifths, d) for d in (1, -1))
            pitches = (above, note.pitch, below, note.pitch)
        case _:
            return (note,)
    stroke = _QUICK_STROKE_S * rate_quarter_s
    lead = stroke * (len(pitches) - 1)
    if lead > 0.6 * note.duration_quarter:
        return (note,)
    strokes = [
        replace(
            note, onset_quarter=note.onset_quarter + i * stroke, duration_quarter=stroke, pitch=p
        )
        for i, p in enumerate(pitches[:-1])
    ]
    rest = note.duration_quarter - lead
    last = replace(note, onset_quarter=note.onset_quarter + lead, duration_quarter=rest)
    return (*strokes, replace(last, pitch=pitches[-1]))


def alternated(
    first: Sequence[Note], second: Sequence[Note], rate_quarter_s: float
) -> tuple[Note, ...]:
    """Play two notes or chords by turns for as long as both are written, from the first on.

    Parameters
    ----------
    first, second : sequence of Note
        Each of one onset and length, the second where the first ends.
    rate_quarter_s : float
        Written tempo, quarters a second.
    """
    start, end = first[0].onset_quarter, second[0].end_quarter
    stroke = _stroke_quarter(first[0], rate_quarter_s)
    count = max(2, 2 * round((end - start) / stroke / 2.0))
    length = (end - start) / count
    return tuple(
        replace(note, onset_quarter=start + i * length, duration_quarter=length)
        for i in range(count)
        for note in (second if i % 2 else first)
    )


def _stroke_quarter(note: Note, rate_quarter_s: float) -> float:
    """Length of a stroke of a tremolo: counted, where it is written so and can be played."""
    if note.stroke_quarter >= _QUICKEST_STROKE_S * rate_quarter_s:
        return note.stroke_quarter
    return _TREMOLO_STROKE_S * rate_quarter_s


def _alternate(
    note: Note, pitches: Sequence[int], stroke_quarter: float, *, odd: bool
) -> tuple[Note, ...]:
    """Fill the note's length with even strokes, the first as loud as written, the rest softer."""
    count = round(note.duration_quarter / stroke_quarter)
    if odd and count % 2 == 0:
        count -= 1
    if count < 3:
        return (note,)
    length = note.duration_quarter / count
    softer = max(1, note.velocity - 10)
    return tuple(
        replace(
            note,
            onset_quarter=note.onset_quarter + i * length,
            duration_quarter=length,
            pitch=pitches[i % len(pitches)],
            velocity=note.velocity if i == 0 else softer,
        )
        for i in range(count)
    )


def spread(
    chord: Sequence[Note], rate_quarter_s: float, *, arrives: bool = False
) -> tuple[Note, ...]:
    """Spread an arpeggio upwards, all notes held on.

    Parameters
    ----------
    chord : sequence of Note
        Of one onset.
    rate_quarter_s : float
        Written tempo, quarters a second.
    arrives : bool
        The top note stands on the beat, with the soloist's, and the others come before it. Else
        the lowest does.
    """
    if len(chord) < 2:
        return tuple(chord)
    shortest = min(n.duration_quarter for n in chord)
    widest = shortest * _SPREAD_SHARE / (len(chord) - 1)
    step = min(_SPREAD_STEP_S * rate_quarter_s, widest)
    if arrives:
        step = max(step, _PARTED_QUARTER)
    first = len(chord) - 1 if arrives else 0
    return tuple(
        replace(
            n,
            onset_quarter=n.onset_quarter + (i - first) * step,
            duration_quarter=n.duration_quarter - (i - first) * step,
        )
        for i, n in enumerate(sorted(chord, key=lambda n: n.pitch))
    )
