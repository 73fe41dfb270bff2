"""DAWproject: the open exchange format of Bitwig Studio, Studio One, Cubase and others.

A zip of ``project.xml``, ``metadata.xml`` and the sound files, after the schema
https://github.com/bitwig/dawproject (Project.xsd, version 1.0). ``beats`` there are quarters.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from accompanist import __version__
from accompanist.takes.export.arrangement import Arrangement, Clip, Track

__all__ = ["write_dawproject"]

_SLOWEST_QPM, _FASTEST_QPM = 20.0, 666.0


def write_dawproject(path: Path, take: Arrangement) -> None:
    """Write the take with its tempo map, markers, a track a part and the sound files.

    Sound files lie on their tracks in seconds, unwarped, from the take's first sample on.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        archive.writestr("project.xml", _text(_project(take)))
        archive.writestr("metadata.xml", _text(_metadata(take)))
        for clip in take.clips:
            archive.write(clip.path, f"audio/{clip.path.name}")


def _text(root: Element) -> bytes:
    indent(root)
    text: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return text


def _metadata(take: Arrangement) -> Element:
    root = Element("MetaData")
    SubElement(root, "Title").text = take.title
    return root


def _project(take: Arrangement) -> Element:
    root = Element("Project", version="1.0")
    SubElement(root, "Application", name="accompanist", version=__version__)
    transport = SubElement(root, "Transport")
    SubElement(
        transport,
        "Tempo",
        id="tempo",
        name="Tempo",
        unit="bpm",
        min=_number(_SLOWEST_QPM),
        max=_number(_FASTEST_QPM),
        value=_number(take.tempi[0].qpm),
    )
    first = take.metres[0]
    SubElement(
        transport,
        "TimeSignature",
        id="metre",
        numerator=str(first.numerator),
        denominator=str(first.denominator),
    )
    structure = SubElement(root, "Structure")
    for i, clip in enumerate(take.clips):
        _add_track(structure, f"audio{i}", clip.name, "audio")
    for i, track in enumerate(take.tracks):
        _add_track(structure, f"part{i}", track.name, "notes")
    master = SubElement(structure, "Track", id="master", name="Master", contentType="audio notes")
    SubElement(master, "Channel", id="master-channel", role="master", audioChannels="2")
    _add_arrangement(root, take)
    return root


def _add_track(structure: Element, name: str, title: str, content: str) -> None:
    track = SubElement(structure, "Track", id=name, name=title, contentType=content, loaded="true")
    SubElement(
        track,
        "Channel",
        id=f"{name}-channel",
        role="regular",
        audioChannels="2",
        destination="master-channel",
    )


def _add_arrangement(root: Element, take: Arrangement) -> None:
    arrangement = SubElement(root, "Arrangement", id="arrangement")
    lanes = SubElement(arrangement, "Lanes", id="lanes", timeUnit="beats")
    for i, clip in enumerate(take.clips):
        _add_audio(lanes, f"audio{i}", clip)
    for i, track in enumerate(take.tracks):
        _add_notes(lanes, f"part{i}", track, take.end_quarter)
    if take.markers:
        markers = SubElement(arrangement, "Markers", id="markers", timeUnit="beats")
        for mark in take.markers:
            SubElement(markers, "Marker", time=_number(mark.quarter), name=mark.text)
    tempi = SubElement(arrangement, "TempoAutomation", id="tempi", timeUnit="beats", unit="bpm")
    SubElement(tempi, "Target", parameter="tempo")
    for point in take.tempi:
        SubElement(
            tempi,
            "RealPoint",
            time=_number(point.quarter),
            value=_number(point.qpm),
            interpolation="hold",
        )
    metres = SubElement(arrangement, "TimeSignatureAutomation", id="metres", timeUnit="beats")
    SubElement(metres, "Target", parameter="metre")
    for metre in take.metres:
        SubElement(
            metres,
            "TimeSignaturePoint",
            time=_number(metre.quarter),
            numerator=str(metre.numerator),
            denominator=str(metre.denominator),
        )


def _add_audio(lanes: Element, track: str, clip: Clip) -> None:
    clips = SubElement(
        SubElement(lanes, "Lanes", id=f"{track}-lane", track=track, timeUnit="seconds"),
        "Clips",
        id=f"{track}-clips",
        timeUnit="seconds",
    )
    length = _number(clip.length_s)
    placed = SubElement(
        clips,
        "Clip",
        time="0.0",
        duration=length,
        contentTimeUnit="seconds",
        playStart="0.0",
        name=clip.name,
    )
    audio = SubElement(
        placed,
        "Audio",
        id=f"{track}-audio",
        duration=length,
        sampleRate=str(clip.sample_rate),
        channels=str(clip.channels),
    )
    SubElement(audio, "File", path=f"audio/{clip.path.name}")


def _add_notes(lanes: Element, name: str, track: Track, end_quarter: float) -> None:
    clips = SubElement(
        SubElement(lanes, "Lanes", id=f"{name}-lane", track=name),
        "Clips",
        id=f"{name}-clips",
    )
    clip = SubElement(
        clips,
        "Clip",
        time="0.0",
        duration=_number(end_quarter),
        playStart="0.0",
        name=track.name,
    )
    notes = SubElement(clip, "Notes", id=f"{name}-notes")
    for note in track.notes:
        SubElement(
            notes,
            "Note",
            time=_number(note.start_quarter),
            duration=_number(note.end_quarter - note.start_quarter),
            channel=str(track.channel - 1),
            key=str(note.pitch),
            vel=_number(note.velocity / 127.0),
        )


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0") + ("0" if value == int(value) else "")
