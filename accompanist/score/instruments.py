"""Names of instruments: the 128 of General MIDI, and what role a part's name points to."""

from __future__ import annotations

import re
from enum import StrEnum

from accompanist.score.model import Part

__all__ = ["GM_NAMES", "Role", "program_for", "role_of"]

GM_NAMES: tuple[str, ...] = tuple(
    """\
Piano|Bright Piano|Electric Grand|Honky-tonk Piano|Electric Piano 1|Electric Piano 2|Harpsichord
Clavinet|Celesta|Glockenspiel|Music Box|Vibraphone|Marimba|Xylophone|Tubular Bells|Dulcimer
Drawbar Organ|Percussive Organ|Rock Organ|Church Organ|Reed Organ|Accordion|Harmonica|Bandoneon
Nylon Guitar|Steel Guitar|Jazz Guitar|Clean Guitar|Muted Guitar|Overdriven Guitar
Distorted Guitar|Guitar Harmonics|Acoustic Bass|Fingered Bass|Picked Bass|Fretless Bass
Slap Bass 1|Slap Bass 2|Synth Bass 1|Synth Bass 2|Violin|Viola|Cello|Contrabass|Tremolo Strings
Pizzicato Strings|Harp|Timpani|Strings 1|Strings 2|Synth Strings 1|Synth Strings 2|Choir|Voice
Synth Voice|Orchestra Hit|Trumpet|Trombone|Tuba|Muted Trumpet|Horn|Brass Section|Synth Brass 1
Synth Brass 2|Soprano Sax|Alto Sax|Tenor Sax|Baritone Sax|Oboe|English Horn|Bassoon|Clarinet
Piccolo|Flute|Recorder|Pan Flute|Bottle|Shakuhachi|Whistle|Ocarina|Square Lead|Sawtooth Lead
Calliope Lead|Chiff Lead|Charang Lead|Voice Lead|Fifths Lead|Bass Lead|New Age Pad|Warm Pad
Polysynth Pad|Choir Pad|Bowed Pad|Metallic Pad|Halo Pad|Sweep Pad|Rain|Soundtrack|Crystal
Atmosphere|Brightness|Goblins|Echoes|Sci-fi|Sitar|Banjo|Shamisen|Koto|Kalimba|Bagpipe|Fiddle
Shanai|Tinkle Bell|Agogo|Steel Drums|Woodblock|Taiko|Melodic Tom|Synth Drum|Reverse Cymbal
Guitar Fret Noise|Breath Noise|Seashore|Bird Tweet|Telephone|Helicopter|Applause|Gunshot""".replace(
        "\n", "|"
    ).split("|")
)
"""Names of the General MIDI programs 0–127, in our words."""


class Role(StrEnum):
    """What a part is likely to be in the ensemble, by its name, its instrument or its sound."""

    SOLO = "solo"
    VOICE = "voice"
    MELODY = "melody instrument"
    UPPER_STAFF = "right hand"
    LOWER_STAFF = "left hand"
    CHORDS = "chord instrument"
    BASS = "bass"
    PERCUSSION = "percussion"
    UNKNOWN = "unknown"


_WORDS: tuple[tuple[Role, str], ...] = (
    (
        Role.PERCUSSION,
        r"drum|percussion|timpani|pauken|cymbal|snare|tambourin|triangle|batterie|schlagzeug"
        r"|timbales|metronome|click",
    ),
    (Role.SOLO, r"\bsol[oi]\b|soloist|solist|melod|melodie|\blead\b|obligato|obbligato"),
    (
        Role.UPPER_STAFF,
        r"^(rh|r\.h\.|up|upper|right|treble|pianorh|righthand|rechts|rechte|droite|md|m\.d\.|top)\b"
        r"|right hand|rechte hand|main droite|mano destra|upper staff|(piano|klavier|pno).*"
        r"(rh|right|upper|up|treble)\b|(rh|right|upper)[ _:]*(piano|hand)",
    ),
    (
        Role.LOWER_STAFF,
        r"^(lh|l\.h\.|down|lower|left|pianolh|lefthand|links|linke|gauche|mg|m\.g\.|bottom)\b"
        r"|left hand|linke hand|main gauche|mano sinistra|lower staff|(piano|klavier|pno).*"
        r"(lh|left|lower|down|bass)\b|(lh|left|lower)[ _:]*(piano|hand)",
    ),
    (
        Role.BASS,
        r"continuo|\bb\.?c\.?$|contrabass|double ?bass|kontrabass|contrebasse|violone|bass guitar"
        r"|fingered bass|picked bass|fretless bass|slap bass|acoustic bass|\bpedal|general ?bass",
    ),
    (
        Role.CHORDS,
        r"piano|klavier|acoustic grand|forte-?piano|\bpno\b|\bpf\b|harpsichord|cembalo|clavecin"
        r"|clavicembalo|\bclav|organ|orgel|orgue|\bharp\b|harfe|\barpa\b|\bharpe\b|guitar|gitarre"
        r"|guitarra|guitare|chitarra|chord|accomp|begleit|lute|laute|theorb|celesta|keyboard"
        r"|accordion|strings|streicher|orchestr|ripieno|tutti|\bpad\b|harmonium|ukulele|banjo",
    ),
    (
        Role.VOICE,
        r"voice|vocal|\bvoc\b|\bvox\b|singer|sing(ing)?stimme|gesang|stimme|sopran|mezzo|\balto?\b"
        r"|contralto|\btenor[ei]?\b|barit[oó]n|bariton|\bbass?[eo]?\b|canto|cantus|chant|voix|voce"
        r"|superius|discant|choir|chor\b|coro\b|kopfstimme|lied|song",
    ),
    (
        Role.MELODY,
        r"violin|violon|geige|fiddle|\bvln?\b|\bviol\b|viola|bratsche|\balto viola|cello|\bvlc\b"
        r"|\bvc\b|gamb|flute|flöte|floete|flauto|fl[uû]te|traverso|recorder|blockfl|oboe|hautbois"
        r"|clarinet|klarinette|clarinetto|bassoon|fagott|fagotto|basson|saxo?(ph|f)on|\bsax\b|horn|corno"
        r"|\bcor\b|trumpet|trompete|tromba|trompette|cornet|trombon|posaune|tuba|euphonium"
        r"|flugelhorn|piccolo|whistle|pipe|harmonica|ocarina|erhu|shakuhachi|mandolin",
    ),
)
_PATTERNS = tuple((role, re.compile(words)) for role, words in _WORDS)
# "Alto Sax" and "Bass Clarinet" are instruments, not singers
_INSTRUMENT_FIRST = re.compile(
    r"sax|clarinet|klarinett|flute|flöte|flauto|recorder|horn|trombon|posaune|viol"
)


def program_for(name: str) -> int | None:
    """Find the General MIDI program whose name, the longest, is in ``name``; None without one.

    >>> program_for("1. Violin"), program_for("Kazoo")
    (40, None)
    """
    low = name.casefold()
    for word, program in _PROGRAM_WORDS:
        if word in low:
            return program
    return None


def role_of(part: Part) -> Role:
    """Tell the role of a part by its name, then its instrument's name, then its program.

    Program 0 is what files without any program have: it says nothing.
    """
    if part.percussion:
        return Role.PERCUSSION
    by_name, by_instrument = _role_of_text(part.name), _role_of_text(part.instrument)
    by_program = _role_of_program(part.program) if part.program else Role.UNKNOWN
    sounds = by_instrument if by_instrument is not Role.UNKNOWN else by_program
    if by_name is Role.VOICE and sounds is Role.CHORDS and not part.lyrics:
        return Role.CHORDS  # the "bass" of a harpsichord
    return by_name if by_name is not Role.UNKNOWN else sounds


def _role_of_text(text: str) -> Role:
    # "Staff_violin", "PianoRH" and "violin1" are words run together
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|_|(?<=[A-Za-z])(?=\d)", " ", text)
    spaced = " ".join(spaced.split()).casefold()
    if _INSTRUMENT_FIRST.search(spaced) and not re.search(r"\bsolo\b|continuo|violone", spaced):
        return Role.MELODY
    for role, pattern in _PATTERNS:
        if pattern.search(spaced):
            return role
    return Role.UNKNOWN


def _role_of_program(program: int) -> Role:
    if program in (52, 53, 54, 85):
        return Role.VOICE
    if (program < 32 and program not in (21, 22, 23)) or program in (46, 104, 105, 106, 107):
        return Role.CHORDS
    if 32 <= program <= 39 or program == 43:
        return Role.BASS
    if (44 <= program <= 51 and program != 47) or 88 <= program <= 103:
        return Role.CHORDS
    if program == 47 or program >= 112:
        return Role.PERCUSSION
    return Role.MELODY


_PROGRAM_WORDS: tuple[tuple[str, int], ...] = tuple(
    sorted(
        {
            **{name.casefold(): number for number, name in enumerate(GM_NAMES)},
            "violine": 40, "geige": 40, "violon": 40, "bratsche": 41, "violoncello": 42,
            "violoncelle": 42, "kontrabass": 43, "double bass": 43, "harfe": 46, "arpa": 46,
            "stimme": 53, "gesang": 53, "sopran": 53, "mezzo": 53, "tenor": 53, "bariton": 53,
            "canto": 53, "voix": 53, "vocal": 53, "soprano": 53, "baritone": 53, "alto": 53,
            "trompete": 56, "tromba": 56, "posaune": 57, "corno": 60, "oboe": 68, "fagott": 70,
            "basson": 70, "klarinette": 71, "flöte": 73, "flauto": 73, "traverso": 73,
            "flûte": 73, "blockflöte": 74, "klavier": 0, "pianoforte": 0, "cembalo": 6,
            "clavecin": 6, "orgel": 19, "organ": 19, "orgue": 19, "guitar": 24, "gitarre": 24,
            "guitare": 24, "lute": 24, "saxophone": 65, "alto saxophone": 65, "alto sax": 65,
            "soprano saxophone": 64, "tenor saxophone": 66, "baritone saxophone": 67,
            "english horn": 69, "cor anglais": 69, "french horn": 60, "cornet": 56,
            "viola da gamba": 42, "strings": 48, "choir": 52, "chor": 52, "mandolin": 25,
        }.items(),
        key=lambda item: -len(item[0]),
    )
)  # fmt: skip
