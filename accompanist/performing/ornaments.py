"""Printed ornaments as the notes that are played.

Lengths are given in seconds and turned into quarters by the written tempo, because a trill does
not get slower with the beat as much as with the finger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accompanist.score.model import Note, Ornament

__all__ = ["neighbour", "realise", "spread"]

_TRILL_STROKE_S = 0.11
_TREMOLO_STROKE_S = 0.09
_QUICK_STROKE_S = 0.07
_SPREAD_STEP_S = 0.03
_SPREAD_SHARE = 0.25
"""An arpeggio takes at most this much of its chord."""


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
            return _alternate(note, (note.pitch,), _TREMOLO_STROKE_S * rate_quarter_s, odd=False)
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


def spread(chord: Sequence[Note], rate_quarter_s: float) -> tuple[Note, ...]:
    """Spread an arpeggio upwards, the lowest note on the beat, all notes held on."""
    if len(chord) < 2:
        return tuple(chord)
    shortest = min(n.duration_quarter for n in chord)
    widest = shortest * _SPREAD_SHARE / (len(chord) - 1)
    step = min(_SPREAD_STEP_S * rate_quarter_s, widest)
    return tuple(
        replace(
            n,
            onset_quarter=n.onset_quarter + i * step,
            duration_quarter=n.duration_quarter - i * step,
        )
        for i, n in enumerate(sorted(chord, key=lambda n: n.pitch))
    )
