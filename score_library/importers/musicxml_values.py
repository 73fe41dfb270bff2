"""Small readings of MusicXML elements: numbers, pitches, metres, keys, metronomes, jump words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from accompanist.score.unfold import BarSigns, JumpTo

__all__ = [
    "ending_numbers",
    "jump_words",
    "key_of",
    "metre_of",
    "metronome_of",
    "midi_pitch",
    "number",
    "sound_jumps",
]

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_UNITS = {
    "maxima": 32.0, "long": 16.0, "breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0,
    "eighth": 0.5, "16th": 0.25, "32nd": 0.125, "64th": 0.0625,
}  # fmt: skip
_QPM_RANGE = (8.0, 800.0)


def number(text: str | None, default: float = 0.0) -> float:
    """Read a finite number out of an element's text; the default where there is none."""
    try:
        value = float(text or "")
    except ValueError:
        return default
    return value if math.isfinite(value) else default


def midi_pitch(step: str | None, alter: str | None, octave: str | None) -> int | None:
    """Get the written MIDI pitch, quarter tones rounded; None for nonsense.

    >>> midi_pitch("B", "-1", "3")
    58
    """
    base = _STEPS.get((step or "").strip().upper())
    if base is None or octave is None:
        return None
    return round(12 * (number(octave, 4.0) + 1) + base + number(alter))


def metre_of(time: Element) -> tuple[int, int] | None:
    """Get numerator and denominator; "3+2" and several pairs are added up. None: without metre."""
    if time.find("senza-misura") is not None:
        return None
    beats = [el.text or "" for el in time.findall("beats")]
    types = [int(number(el.text)) for el in time.findall("beat-type")]
    if not beats or len(beats) != len(types) or any(not 1 <= t <= 128 for t in types):
        return None
    finest = max(types)
    total = sum(
        sum(number(piece) for piece in count.split("+")) * finest / kind
        for count, kind in zip(beats, types, strict=True)
    )
    return (round(total), finest) if 1 <= total <= 256 else None


def key_of(key: Element, transposition: int) -> tuple[int, bool] | None:
    """Get the sounding key of a part that is written ``transposition`` semitones off.

    A clarinet in B flat (−2) that reads D major sounds C major.
    """
    fifths = key.findtext("fifths")
    if fifths is None:
        return None
    shift = (7 * transposition) % 12
    sounding = int(number(fifths)) + (shift - 12 if shift > 6 else shift)
    while abs(sounding) > 7:
        sounding -= 12 if sounding > 0 else -12
        if abs(sounding) > 24:
            return None
    return sounding, (key.findtext("mode") or "").strip().casefold() == "minor"


@dataclass(frozen=True, slots=True)
class Metronome:
    """What a metronome mark says: quarters a minute, or new tempo over old."""

    qpm: float | None = None
    ratio: float | None = None


def metronome_of(element: Element) -> Metronome | None:
    """Read "♩. = 60", "♩ = ca. 80–88" or "♩ = ♩."; None where nothing can be made of it."""
    units: list[float] = []
    said: str | None = None
    for child in element:
        if child.tag == "beat-unit":
            units.append(_UNITS.get((child.text or "").strip(), 0.0))
        elif child.tag == "beat-unit-dot" and units:
            units[-1] *= 1.5
        elif child.tag == "per-minute":
            said = child.text
    if not units or any(unit <= 0 for unit in units):
        return None
    if said is not None:
        numbers = [float(n) for n in re.findall(r"\d{1,4}(?:\.\d{1,6})?", said)[:2]]
        if not numbers:
            return None
        ranged = len(numbers) == 2 and re.search(r"\d\s*[-–—]\s*\d", said)
        qpm = units[0] * (sum(numbers) / 2 if ranged else numbers[0])
        return Metronome(qpm=qpm) if _QPM_RANGE[0] <= qpm <= _QPM_RANGE[1] else None
    if len(units) == 2 and 0.2 <= units[1] / units[0] <= 5:
        return Metronome(ratio=units[1] / units[0])
    return None


def ending_numbers(element: Element) -> frozenset[int]:
    """Read the numbers of a volta bracket: "1", "1, 2", "1.-3."."""
    text = element.get("number") or element.text or ""
    if not re.search(r"\d", text):
        text = element.text or ""
    numbers: set[int] = set()
    for first, last in re.findall(r"(\d{1,2})(?:\s*\.?\s*[-–]\s*(\d{1,2}))?", text):
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


def jump_words(text: str, signs: BarSigns) -> BarSigns:
    """Add what words say to the signs: D.C., D.S., Fine, to coda."""
    plain = " ".join(text.casefold().split()).strip(" .()")
    if len(plain) > 60:
        return signs
    al_coda = bool(re.search(r"\b(al|alla|e poi la|then) coda", plain))
    if re.search(r"\bd\.? ?c\b|\bda ?capo|von (vorn|anfang)|vom anfang", plain):
        return replace(signs, jump=JumpTo.START, jump_al_coda=al_coda or signs.jump_al_coda)
    if re.search(r"\bd\.? ?s\b|\bdal segno|\bdel segno", plain):
        return replace(signs, jump=JumpTo.SEGNO, jump_al_coda=al_coda or signs.jump_al_coda)
    if re.search(r"^(to|alla|al|zur) coda|^to 𝄌", plain):
        return replace(signs, to_coda=True)
    if re.fullmatch(r"(il )?fine|ende", plain):
        return replace(signs, fine=True)
    return signs


def sound_jumps(sound: Element, signs: BarSigns) -> BarSigns:
    """Add what a sound element's attributes say to the signs."""
    if sound.get("dacapo") == "yes":
        signs = replace(signs, jump=JumpTo.START)
    if sound.get("dalsegno"):
        signs = replace(signs, jump=JumpTo.SEGNO)
    if sound.get("fine"):
        signs = replace(signs, fine=True)
    if sound.get("tocoda"):
        signs = replace(signs, to_coda=True)
    if sound.get("segno"):
        signs = replace(signs, segno=True)
    if sound.get("coda"):
        signs = replace(signs, coda=True)
    return signs
