"""How long a printed note sounds, and which instruments sustain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accompanist.score.model import Articulation, Note, Ornament, Part
from accompanist.score.tempo import WrittenTempo

__all__ = ["articulated", "sustains"]

_SHARES = {
    Articulation.PORTATO: 0.75,
    Articulation.STACCATO: 0.5,
    Articulation.STACCATISSIMO: 0.3,
    Articulation.SLUR_END: 0.9,
}
"""Of the written length; what is not here sounds all of it. Those are usual among programs that
play scores (LilyPond's articulate: staccato 1/2, staccatissimo 1/4, portato 3/4)."""
_SHORTEST_S = 0.06
_LONGEST_BREATH_S = 0.06
"""A slur's last note is let go no earlier than this before its end."""
_JOIN_S = 0.02
"""A sustained note under a slur goes on for so long into the next one."""
_DYING = frozenset(
    (*range(16), *range(24, 29), 31, *range(32, 38), 45, 46, 47, 55, *range(104, 109),
     *range(112, 128))
)  # fmt: skip
"""General MIDI programs that die away once struck or plucked: keys and mallets, guitars, basses,
pizzicato, harp, timpani, lutes of the world, percussion, effects."""


def sustains(part: Part) -> bool:
    """Whether a part's instrument holds its notes, so that they can swell.

    >>> sustains(Part(1, "Piano", ())), sustains(Part(1, "Violin", (), program=40))
    (False, True)
    """
    return not part.percussion and part.program not in _DYING


def articulated(notes: Sequence[Note], tempo: WrittenTempo, *, joined: bool) -> list[Note]:
    """Give notes the length that they sound, by their articulation.

    What has an ornament, a fermata or is a grace note keeps its own.

    Parameters
    ----------
    notes : sequence of Note
        Of one part.
    tempo : WrittenTempo
    joined : bool
        Under a slur let notes overlap a little: the instrument sustains.
    """
    struck = {(round(note.onset_quarter, 3), note.pitch) for note in notes}
    out = []
    for note in notes:
        if note.articulation is Articulation.PLAIN or _untouched(note):
            out.append(note)
            continue
        length = note.duration_quarter
        rate = tempo.rate_at(note.onset_quarter)
        share = _SHARES.get(note.articulation, 1.0)
        if note.articulation is Articulation.SLUR_END or note.tied:
            length -= min((1.0 - share) * length, _LONGEST_BREATH_S * rate)
        elif share < 1.0:
            length = min(length, max(share * length, _SHORTEST_S * rate))
        elif note.articulation is Articulation.LEGATO and joined:
            again = (round(note.end_quarter, 3), note.pitch) in struck
            length += 0.0 if again else _JOIN_S * rate
        out.append(replace(note, duration_quarter=length))
    return out


def _untouched(note: Note) -> bool:
    return note.grace or note.fermata or note.ornament is not Ornament.NONE
