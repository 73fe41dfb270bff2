"""MEI, ABC and Humdrum: music21 reads them and writes MusicXML for our reader."""

from __future__ import annotations

import re
import warnings
from xml.etree.ElementTree import Element

from accompanist.errors import BadInputError
from score_library.importers.safe_xml import parse_xml

__all__ = ["FORMATS", "translated"]

FORMATS = {".mei": "mei", ".abc": "abc", ".krn": "humdrum"}
"""Suffix → music21's word for the format."""
_NAMES = {"mei": "MEI", "abc": "ABC", "humdrum": "Humdrum"}
_BARS = {"mei": r"<(?:\w+:)?measure\b", "abc": r"\|", "humdrum": r"(?m)^="}
MAX_BARS = 3000
"""music21's time grows with the square of the bars: three thousand take some ten seconds."""
MAX_CHARACTERS = 4 * 2**20


def translated(data: bytes, kind: str, name: str) -> Element:
    """MusicXML document of a score in one of music21's formats.

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
    bars = len(re.findall(_BARS[kind], text))
    if len(text) > MAX_CHARACTERS or bars > MAX_BARS:
        raise BadInputError(
            f"{name}: too long a score for the {_NAMES[kind]} reader ({bars} bars, at most "
            f"{MAX_BARS}); save it as MusicXML"
        )
    return parse_xml(_musicxml(text, kind, name), name)


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
                f"{name}: this is not {_NAMES[kind]} that music21 can read ({said}); "
                "save the score as MusicXML"
            ) from error
