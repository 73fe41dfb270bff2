"""What stands at a note of a MusicXML score: ornaments, articulations, slurs, tremolo."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from accompanist.score.model import Articulation, Ornament
from score_library.importers.musicxml_values import number
from score_library.importers.printed import PrintedNote

__all__ = ["Slurs", "read_notation", "share_signs"]

_ORNAMENTS = {
    "trill-mark": Ornament.TRILL, "wavy-line": Ornament.TRILL, "shake": Ornament.TRILL,
    "mordent": Ornament.MORDENT, "inverted-mordent": Ornament.MORDENT, "turn": Ornament.TURN,
    "inverted-turn": Ornament.TURN, "delayed-turn": Ornament.TURN,
    "delayed-inverted-turn": Ornament.TURN, "tremolo": Ornament.TREMOLO,
}  # fmt: skip
_ACCENTS = {
    "accent": 8, "strong-accent": 14, "soft-accent": 5, "stress": 6, "unstress": -6, "tenuto": 3,
}  # fmt: skip
"""Velocity steps."""
_LENGTHS = {
    "staccatissimo": Articulation.STACCATISSIMO, "spiccato": Articulation.STACCATISSIMO,
    "staccato": Articulation.STACCATO, "detached-legato": Articulation.PORTATO,
    "tenuto": Articulation.TENUTO,
}  # fmt: skip
"""The first that is there counts."""
_OF_CHORDS = (Ornament.TREMOLO, Ornament.ALTERNATION)
_FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}
_MOST_COUNTED = 2
"""Strokes of a tremolo that are counted; three and more are as fast as can be."""


@dataclass(slots=True)
class Slurs:
    """The slurs of a part that are open, by number, with the voice they began in."""

    _open: dict[str, str] = field(default_factory=dict)

    def read(self, element: Element, voice: str, note: PrintedNote) -> None:
        """Take in a note's slurs; tell how it joins the next."""
        ended = False
        for slur in element.findall("notations/slur"):
            name, kind = slur.get("number", "1"), slur.get("type")
            if kind == "stop":
                ended |= self._open.pop(name, None) is not None
            elif kind == "start":
                self._open[name] = voice
        if note.grace_steps or note.articulation in (
            Articulation.STACCATISSIMO, Articulation.PORTATO, Articulation.TENUTO,
        ):  # fmt: skip
            return
        under = voice in self._open.values()
        if note.articulation is Articulation.STACCATO:
            # dots under a slur
            note.articulation = Articulation.PORTATO if under or ended else Articulation.STACCATO
        elif under:
            note.articulation = Articulation.LEGATO
        elif ended:
            note.articulation = Articulation.SLUR_END


def read_notation(child: Element, note: PrintedNote, kind: str | None) -> None:
    """Read one child of ``notations`` into the note.

    Parameters
    ----------
    child : Element
    note : PrintedNote
    kind : str or None
        The note's ``type``.
    """
    if child.tag == "fermata":
        note.fermata = True
    elif child.tag == "arpeggiate":
        note.arpeggio = True
    elif child.tag == "ornaments":
        for ornament in child:
            if ornament.tag == "wavy-line" and ornament.get("type") == "stop":
                continue
            found = _ORNAMENTS.get(str(ornament.tag))
            if found is not None:
                note.ornament = found
            if found is Ornament.TREMOLO:
                _tremolo(ornament, note, kind)
    elif child.tag == "articulations":
        tags = [str(el.tag) for el in child]
        note.accent += sum(_ACCENTS.get(tag, 0) for tag in tags)
        lengths = [length for tag, length in _LENGTHS.items() if tag in tags]
        if lengths:
            note.articulation = lengths[0]
        if Articulation.STACCATO in lengths and Articulation.TENUTO in lengths:
            note.articulation = Articulation.PORTATO


def share_signs(first: PrintedNote, note: PrintedNote) -> None:
    """Let a note of a chord have the signs that stand at the chord's first one for all."""
    note.accent = note.accent or first.accent
    if note.articulation is Articulation.PLAIN:
        note.articulation = first.articulation
    if note.ornament is Ornament.NONE and first.ornament in _OF_CHORDS:
        note.ornament, note.stroke_quarter = first.ornament, first.stroke_quarter


def _tremolo(element: Element, note: PrintedNote, kind: str | None) -> None:
    """Tell a tremolo of counted strokes from one that is as fast as can be, and from a shake."""
    if element.get("type") in ("start", "stop"):
        note.ornament = Ornament.ALTERNATION
    strokes = int(number(element.text))
    if element.get("type") != "unmeasured" and 1 <= strokes <= _MOST_COUNTED:
        note.stroke_quarter = 0.5 ** (strokes + _FLAGS.get((kind or "").strip(), 0))
