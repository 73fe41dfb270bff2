"""MEI, ABC and Humdrum: music21 reads them and writes MusicXML for our reader."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from accompanist.errors import BadInputError
from score_library.importers.safe_xml import parse_xml

__all__ = ["translated"]


@dataclass(frozen=True, slots=True)
class _Format:
    """How to measure a text before music21 sees it, and how much of it is too much.

    music21's time grows with the square of the bars, and with a higher power of the notes in one:
    these limits keep a file to some ten seconds.
    """

    name: str
    bar: str
    note: str
    stretch: str
    """What ends a stretch of notes that music21 lays out together."""
    remark: str
    """Lines that hold no music."""
    most_bars: int
    most_notes: int
    most_together: int


_FORMATS = {
    "mei": _Format("MEI", r"<(\w+:)?measure\b", r"<(\w+:)?note\b", r"<(?:\w+:)?layer\b",
                   r"<!--.{0,5000}?-->", 2000, 15_000, 100),
    "abc": _Format("ABC", r"\|", r"[A-Ga-g]", r"\|", r"(?m)^([A-Za-z+]:|%).*$",
                   800, 6000, 300),
    "humdrum": _Format("Humdrum", r"(?m)^=", r"[A-Ga-g]+", r"(?m)^=", r"(?m)^[*!].*$",
                       1500, 15_000, 240),
}  # fmt: skip
MAX_CHARACTERS = 4 * 2**20


def translated(data: bytes, kind: str, name: str) -> Element:
    """Turn a score in one of music21's formats into a MusicXML document.

    Of a book of ABC tunes it is the first.

    Parameters
    ----------
    kind : str
        ``"mei"``, ``"abc"`` or ``"humdrum"``.

    Raises
    ------
    BadInputError
        Not such a score, or too long a one.
    """
    if kind == "mei":
        parse_xml(data, name)  # refuses entities before music21 sees them
    text = _decoded(data)
    if kind == "abc":
        text = "".join(re.split(r"(?m)^(?=X:)", text, maxsplit=2)[:2])  # a book's first tune
    _refuse_giants(text, _FORMATS[kind], name)
    return parse_xml(_musicxml(text, kind, name), name)


def _refuse_giants(text: str, form: _Format, name: str) -> None:
    long = len(text) > MAX_CHARACTERS
    text = re.sub(form.remark, "", text)
    bars = 0 if long else _count(form.bar, text)
    notes = 0 if long else _count(form.note, text)
    together = 0 if long else max(_count(form.note, s) for s in re.split(form.stretch, text))
    for what, found, most in (
        ("characters", len(text), MAX_CHARACTERS),
        ("bars", bars, form.most_bars),
        ("notes", notes, form.most_notes),
        ("notes in one bar", together, form.most_together),
    ):
        if found > most:
            raise BadInputError(
                f"{name}: too large a score for the {form.name} reader ({found} {what}, at most "
                f"{most}); save it as MusicXML"
            )


def _count(pattern: str, text: str) -> int:
    return sum(1 for _ in re.finditer(pattern, text))


def _decoded(data: bytes) -> str:
    for encoding in (
        ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    ):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _musicxml(text: str, kind: str, name: str) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import music21

        # From text, never from a path: so nothing is fetched and no pickle is written or read.
        trouble = (
            music21.exceptions21.Music21Exception, ArithmeticError, AssertionError,
            AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError,
        )  # fmt: skip
        try:
            converter = music21.converter.Converter()
            converter.parseData(text, format=kind)
            stream = converter.stream
            if isinstance(stream, music21.stream.Opus):
                stream = stream.scores[0]
            exporter = music21.musicxml.m21ToXml.GeneralObjectExporter(stream)
            return bytes(exporter.parse())
        except trouble as error:
            said = " ".join(str(error).split())[:80]
            raise BadInputError(
                f"{name}: this is not {_FORMATS[kind].name} that music21 can read ({said}); "
                "save the score as MusicXML"
            ) from error
