"""A whole piece in another key."""

from __future__ import annotations

from dataclasses import replace

from accompanist.score.model import Key, Note, Part, Score

__all__ = ["transposed"]

_OCTAVE = 12
_HIGHEST = 127
_FIFTHS_A_SEMITONE = 7
"""A semitone up is seven fifths up."""
_MOST_FLATS = 6


def transposed(score: Score, semitones: int) -> Score:
    """Move all that has a pitch by ``semitones``; percussion stays as it is.

    A note that would leave the range of MIDI stays in it, octaves off. Keys go to the nearest
    signature (from six flats to five sharps).

    >>> score = Score("", (Part(1, "a", (Note(0.0, 1.0, 60),)),), (), keys=(Key(0.0, 0),))
    >>> moved = transposed(score, -2)
    >>> moved.parts[0].notes[0].pitch, moved.keys[0].fifths
    (58, -2)
    """
    if not semitones:
        return score
    return replace(
        score,
        parts=tuple(p if p.percussion else _part(p, semitones) for p in score.parts),
        keys=tuple(_key(k, semitones) for k in score.keys),
    )


def _part(part: Part, semitones: int) -> Part:
    notes = (_note(note, semitones) for note in part.notes)
    # Notes that had to be moved by octaves may have changed their order.
    return replace(part, notes=tuple(sorted(notes, key=lambda n: (n.onset_quarter, n.pitch))))


def _note(note: Note, semitones: int) -> Note:
    pitch = note.pitch + semitones
    if not 0 <= pitch <= _HIGHEST:
        pitch %= _OCTAVE
        if note.pitch + semitones > _HIGHEST:
            pitch += (_HIGHEST - pitch) // _OCTAVE * _OCTAVE
    return replace(note, pitch=pitch)


def _key(key: Key, semitones: int) -> Key:
    fifths = key.fifths + _FIFTHS_A_SEMITONE * semitones
    return replace(key, fifths=(fifths + _MOST_FLATS) % _OCTAVE - _MOST_FLATS)
