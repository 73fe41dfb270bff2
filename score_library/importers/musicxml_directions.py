"""Directions and sounds of a MusicXML measure: tempo, dynamics, hairpins, jumps, marks."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree.ElementTree import Element

from score_library.importers.cue_texts import read_cues
from score_library.importers.loudness import ACCENTS, LEVELS, WORDED
from score_library.importers.musicxml_values import (
    jump_words,
    metronome_of,
    number,
    sound_jumps,
)
from score_library.importers.printed import Loudness, PrintedBar, PrintedMeasure, TempoWord

__all__ = ["read_direction", "read_dynamics", "read_sound"]

_QPM_RANGE = (8.0, 800.0)
_HAIRPINS = {"crescendo": 1, "diminuendo": -1, "stop": 0}
_LONGEST_TEMPO_WORDS = 80
_ABBREVIATED = {
    "pianissimo": "pp", "piano": "p", "mezzopiano": "mp", "mezzo piano": "mp",
    "mezzoforte": "mf", "mezzo forte": "mf", "forte": "f", "fortissimo": "ff",
}  # fmt: skip
_WORDED_LEVEL = re.compile(
    r"(?:(?:sempre|subito|sub\.?|dolce|poco|ma)\s+)?"
    rf"(?P<level>ppp|pp|p|mp|mf|f|ff|fff|{'|'.join(_ABBREVIATED)})"
    r"(?:\s+(?:e\s+)?(?:sempre|subito|sub\.?|dolce|legato|cantabile|espr\w*)\.?)?"
)
"""A level as words: "sempre p", "f subito", "pp dolce", "forte"."""


def read_direction(
    element: Element, offset: float, bar: PrintedBar, measure: PrintedMeasure
) -> list[tuple[float, int]]:
    """Read one direction into the bar and the part's measure.

    Returns
    -------
    list of (offset, velocity steps)
        Accents on notes that begin there.
    """
    accents: list[tuple[float, int]] = []
    pieces = [" ".join((w.text or "").split()) for w in element.findall("direction-type/words")]
    words = " ".join(pieces).strip()
    sound = element.find("sound")
    cues = read_cues(words)
    if cues is not None:
        bar.cues += [(offset, cue) for cue in cues if (offset, cue) not in bar.cues]
        words, pieces = "", []
    before = bar.signs
    for piece in dict.fromkeys([words, *pieces]):
        bar.signs = jump_words(piece, bar.signs)
    goes_to_coda = (sound is not None and bool(sound.get("tocoda"))) or (
        bar.signs.to_coda and not before.to_coda
    )
    numbered = False
    for child in (c for kind in element.findall("direction-type") for c in kind):
        tag = child.tag
        if tag == "metronome":
            metronome = metronome_of(child)
            if metronome is not None:
                numbered = numbered or metronome.qpm is not None
                bar.tempo.append(TempoWord(offset, metronome.qpm, words, metronome.ratio))
        elif tag == "dynamics":
            accents += read_dynamics(child, offset, measure)
        elif tag == "wedge":
            hairpin = _HAIRPINS.get(child.get("type", ""))
            if hairpin is not None:
                name = child.get("number", "1")
                measure.loudness.append(Loudness(offset, hairpin=hairpin, number=name))
        elif tag == "dashes" and child.get("type") == "stop":
            measure.loudness.append(Loudness(offset, hairpin=0, number=WORDED))
        elif tag == "rehearsal":
            text = " ".join((child.text or "").split())[:80]
            if text and (offset, text) not in bar.marks:
                bar.marks.append((offset, text))
        elif tag == "segno":
            bar.signs = replace(bar.signs, segno=True)
        elif tag == "coda" and not goes_to_coda:
            bar.signs = replace(bar.signs, coda=True)
    if words:
        _read_words(words, offset, bar, measure)
    if sound is not None:
        read_sound(sound, offset, bar, measure, numbered=numbered)
    return accents


def read_sound(
    sound: Element,
    offset: float,
    bar: PrintedBar,
    measure: PrintedMeasure,
    *,
    numbered: bool = False,
) -> None:
    """Read what a program is to do at a direction: its tempo counts unless a number is printed."""
    bar.signs = sound_jumps(sound, bar.signs)
    qpm = number(sound.get("tempo"))
    if _QPM_RANGE[0] <= qpm <= _QPM_RANGE[1] and not numbered:
        # 79.9998 is what 80 becomes on its way through beats a second
        bar.tempo.append(TempoWord(offset, round(qpm) if abs(qpm - round(qpm)) < 0.01 else qpm))
    louder = number(sound.get("dynamics"))
    at_once = any(abs(sign.offset - offset) < 0.01 for sign in measure.loudness)
    if louder > 0 and not at_once:
        level = max(1, min(127, round(0.9 * louder)))
        measure.loudness.append(Loudness(offset, level=level))


def read_dynamics(
    element: Element, offset: float, measure: PrintedMeasure
) -> list[tuple[float, int]]:
    """Read levels into the measure; return accents (offset, velocity steps)."""
    accents: list[tuple[float, int]] = []
    for sign in element:
        tag = str(sign.tag)
        steps = ACCENTS.get(tag, 0)
        if tag in LEVELS or steps:
            measure.loudness.append(Loudness(offset, level=LEVELS.get(tag), peak=steps))
        if steps:
            accents.append((offset, steps))
    return accents


def _read_words(words: str, offset: float, bar: PrintedBar, measure: PrintedMeasure) -> None:
    plain = words.casefold()
    rising = re.search(r"\bcresc|anwachsend|wachsend|augment", plain)
    if rising or re.search(r"\b(dim(in)?\b|dimin|decresc|abnehmend)", plain):
        direction = 1 if rising else -1
        measure.loudness.append(Loudness(offset, hairpin=direction, number=WORDED))
    written = _WORDED_LEVEL.fullmatch(words.strip(" .,()"))
    if written is not None:
        level = LEVELS[_ABBREVIATED.get(written["level"], written["level"])]
        measure.loudness.append(Loudness(offset, level=level))
    if len(words) <= _LONGEST_TEMPO_WORDS and re.search(r"[^\W\d_]{2}", words):
        bar.tempo.append(TempoWord(offset, None, words))
