"""Small MusicXML documents for the tests."""

from __future__ import annotations

import io
import zipfile


def note(
    step: str = "C",
    duration: float = 4,
    inside: str = "",
    *,
    octave: int = 4,
    alter: int = 0,
    voice: int = 1,
    staff: int = 1,
) -> str:
    """A note; ``inside`` are further elements (ties, notations, chord …). 4 divisions a quarter."""
    chord = "<chord/>" if "<chord/>" in inside else ""
    grace = "<grace/>" if "<grace/>" in inside else ""
    length = "" if grace else f"<duration>{duration}</duration>"
    rest = inside.replace("<chord/>", "").replace("<grace/>", "")
    ties = "".join(t for t in ('<tie type="stop"/>', '<tie type="start"/>') if t in rest)
    for tie in ('<tie type="stop"/>', '<tie type="start"/>'):
        rest = rest.replace(tie, "")
    return (
        f"<note>{grace}{chord}<pitch><step>{step}</step><alter>{alter}</alter>"
        f"<octave>{octave}</octave></pitch>{length}{ties}<voice>{voice}</voice>"
        f"<staff>{staff}</staff>{rest}</note>"
    )


def rest(duration: float = 4, inside: str = "", *, measure: bool = False) -> str:
    whole = ' measure="yes"' if measure else ""
    return f"<note><rest{whole}/><duration>{duration}</duration>{inside}</note>"


def direction(inside: str, sound: str = "") -> str:
    return f"<direction><direction-type>{inside}</direction-type>{sound}</direction>"


def words(text: str) -> str:
    return direction(f"<words>{text}</words>")


def attributes(metre: str = "4/4", inside: str = "") -> str:
    beats, kind = metre.split("/")
    return (
        f"<attributes><divisions>4</divisions>{inside}<time><beats>{beats}</beats>"
        f"<beat-type>{kind}</beat-type></time></attributes>"
    )


def repeat(direction: str, times: int = 0) -> str:
    location = "left" if direction == "forward" else "right"
    often = f' times="{times}"' if times else ""
    return f'<barline location="{location}"><repeat direction="{direction}"{often}/></barline>'


def document(*parts: tuple[str, list[str]], head: str = "", groups: str = "") -> bytes:
    """A score of named parts, each a list of the measures' contents."""
    listed = "".join(
        f'<score-part id="P{i}"><part-name>{name}</part-name></score-part>'
        for i, (name, _) in enumerate(parts, 1)
    )
    if groups:
        listed = groups.format(listed)
    body = "".join(
        f'<part id="P{i}">'
        + "".join(f'<measure number="{n}">{m}</measure>' for n, m in enumerate(measures, 1))
        + "</part>"
        for i, (_, measures) in enumerate(parts, 1)
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">'
        f'<score-partwise version="3.1">{head}<part-list>{listed}</part-list>{body}'
        "</score-partwise>"
    )
    return text.encode()


def packed(document: bytes, path: str = "score.xml", *, container: bool = True) -> bytes:
    """A compressed MusicXML file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if container:
            archive.writestr(
                "META-INF/container.xml",
                f'<container><rootfiles><rootfile full-path="{path}"/></rootfiles></container>',
            )
        archive.writestr(path, document)
    return buffer.getvalue()
