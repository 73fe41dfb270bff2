"""A take as an Ardour session: tempo map, marks, notes and sound, each where it was.

The session of the piece is written first, as for live playing; what the take has is put in then.
"""

from __future__ import annotations

import shutil
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import count
from pathlib import Path
from xml.etree import ElementTree as ET

from accompanist.app.hosts.ardour_midi import write_notes
from accompanist.app.hosts.ardour_session import find_instrument, write_ardour_session
from accompanist.app.hosts.ardour_xml import Instrument
from accompanist.app.hosts.sessions import (
    HostSession,
    Marker,
    MetrePoint,
    TempoPoint,
    Track,
    plain_name,
)
from accompanist.errors import AccompanistError, BadInputError
from accompanist.takes.export.arrangement import Arrangement, Clip

__all__ = ["write_ardour_take"]

_SUPERCLOCKS = 282_240_000
_TICKS = 1920
_USUAL_RATE_HZ = 48_000
_PATTERN = "sound of the take"
"""Name of the one audio track that a session is made with; every sound file gets a copy of it."""
_ENSEMBLE = "accompaniment.wav"
_LONGEST_NAME = 60


def write_ardour_take(take: Arrangement, out: Path, instrument: Instrument | None = None) -> Path:
    """Write a session's folder; give the path of its ``.ardour`` file.

    The sound files are copied. Where what the listener heard is among them, the tracks with notes
    are muted, so that nothing sounds twice.

    Parameters
    ----------
    take : Arrangement
        What to write; the session gets the sample rate of its sound files.
    out : Path
        The folder. Nothing, or an empty folder, may be there.
    instrument : Instrument, optional
        Plays each part; found on this machine unless told.

    Raises
    ------
    BadInputError
        The sound files differ in sample rate.
    AccompanistError
        There is something already, or the folder cannot be written.
    """
    rates = {clip.sample_rate for clip in take.clips} or {_USUAL_RATE_HZ}
    if len(rates) > 1:
        told = ", ".join(f"{clip.path.name} {clip.sample_rate} Hz" for clip in take.clips)
        raise BadInputError(f"an Ardour session has one sample rate, this take has more: {told}")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise AccompanistError(f"{out} is there already; --out names another place")
    tracks = tuple(_tracks(take))
    chosen = instrument or find_instrument(tracks=len(tracks))
    session = _session(take, tracks)
    rate_hz = rates.pop()
    out.parent.mkdir(parents=True, exist_ok=True)
    # beside its place until it is whole: a disk that is full leaves no half a session
    with tempfile.TemporaryDirectory(prefix=".session-", dir=out.parent) as folder:
        begun = Path(folder) / out.resolve().name
        path = write_ardour_session(session, begun, chosen, rate_hz)
        tree = ET.parse(path)
        _Filler(tree.getroot(), begun / "interchange" / path.stem, take).fill(tracks)
        ET.indent(tree)
        tree.write(path, encoding="UTF-8", xml_declaration=True)
        begun.replace(out)
    return out / path.name


def _tracks(take: Arrangement) -> Iterator[Track]:
    taken = {"master", "click", "monitor", _PATTERN, *(c.name.casefold() for c in take.clips)}
    for i, track in enumerate(take.tracks):
        base = plain_name(track.name)[:_LONGEST_NAME]
        name, number = base, 2
        while name.casefold() in taken:
            name, number = f"{base} {number}", number + 1
        taken.add(name.casefold())
        programs = [s.data[1] for s in track.steps if s.data[0] & 0xF0 == 0xC0]
        yield Track((i + 1,), name, track.channel, (*programs, 0)[0], track.channel == 10, "")


def _session(take: Arrangement, tracks: tuple[Track, ...]) -> HostSession:
    starts = [bar.quarter for bar in take.bars]
    return HostSession(
        title=take.title,
        soloist=_PATTERN,
        tracks=tracks,
        tempi=tuple(TempoPoint(t.quarter, t.time_s, t.qpm) for t in take.tempi),
        metres=tuple(
            MetrePoint(
                m.quarter, bisect_right(starts, m.quarter + 1e-9), m.numerator, m.denominator
            )
            for m in take.metres
        ),
        markers=tuple(Marker(m.quarter, m.time_s, " ".join(m.text.split())) for m in take.markers),
        end_quarter=take.end_quarter,
        end_s=take.end_s,
    )


class _Filler:
    """Puts a take into the XML of a session that is made for playing live."""

    def __init__(self, root: ET.Element, interchange: Path, take: Arrangement) -> None:
        self._root = root
        self._interchange = interchange
        self._take = take
        self._ids = count(int(root.get("id-counter", "")))
        self._sources, self._regions = self._child("Sources"), self._child("Regions")
        self._routes, self._playlists = self._child("Routes"), self._child("Playlists")

    def fill(self, tracks: tuple[Track, ...]) -> None:
        """Put notes and sound in."""
        # Ardour's tools take the sample rate of a session only from one that says this, too
        kept = {"name": "native-file-data-format", "value": "FormatFloat"}
        ET.SubElement(self._child("Config"), "Option", kept)
        by_name = {str(route.get("name")): route for route in self._routes}
        heard = any(clip.path.name == _ENSEMBLE for clip in self._take.clips)
        for place, track in zip(tracks, self._take.tracks, strict=True):
            route = by_name[place.name]
            _play_back(route)
            if heard:
                self._mute(route)
            file = f"{place.name}.mid"
            write_notes(self._interchange / "midifiles" / file, track, self._take.end_quarter)
            self._notes(route, file)
        pattern = by_name[_PATTERN]
        _play_back(pattern)
        for clip in self._take.clips:
            shutil.copyfile(clip.path, self._interchange / "audiofiles" / clip.path.name)
            self._sound(pattern, clip)
        self._drop(pattern)
        for element in self._root.iter():
            if not len(element):
                element.text = (
                    None  # Ardour takes the space in an emptied list for one of its items
                )
        self._root.set("id-counter", str(next(self._ids)))

    def _child(self, tag: str) -> ET.Element:
        found = self._root.find(tag)
        assert found is not None, tag
        return found

    def _mute(self, route: ET.Element) -> None:
        points = {"mute-point": "PostFader,Listen,Main", "muted": "1"}
        ET.SubElement(route, "MuteMaster", points)
        control = {"name": "mute", "id": str(next(self._ids)), "flags": "Toggle,RealTime"}
        ET.SubElement(route, "Controllable", {**control, "value": "1"})

    def _notes(self, route: ET.Element, file: str) -> None:
        source = self._source(file, "midi", {"flags": "Writable,CanRename"})
        length = max(round(self._take.end_quarter * _TICKS), 1)
        self._region(route, [source], "midi", f"b{length}@b0", "b0")

    def _sound(self, pattern: ET.Element, clip: Clip) -> None:
        route = self._copy_of(pattern, clip)
        sources = [
            self._source(clip.path.name, "audio", {"flags": "", "channel": side, "gain": 1})
            for side in range(clip.channels)
        ]
        length = round(clip.length_s * _SUPERCLOCKS)
        self._region(route, sources, "audio", f"a{length}@a0", "a0")

    def _source(self, file: str, kind: str, more: Mapping[str, object]) -> int:
        number = next(self._ids)
        own = {"name": file, "type": kind, "id": number, "take-id": ""}
        ET.SubElement(self._sources, "Source", {k: str(v) for k, v in {**own, **more}.items()})
        return number

    def _region(
        self, route: ET.Element, sources: list[int], kind: str, length: str, zero: str
    ) -> None:
        own: dict[str, object] = {
            "name": route.get("name"),
            "id": next(self._ids),
            "type": kind,
            "opaque": 1,
            "start": zero,
            "length": length,
            "sync-position": zero,
            "ancestral-start": zero,
            "ancestral-length": length.partition("@")[0] + "@" + zero,
            "stretch": 1,
            "shift": 1,
            "first-edit": "nothing",
            "channels": len(sources),
        }
        for i, source in enumerate(sources):
            own |= {f"source-{i}": source, f"master-source-{i}": source}
        if kind == "audio":
            own |= {"default-fade-in": 1, "default-fade-out": 1, "scale-amplitude": 1}
        number = route.get(f"{kind}-playlist")
        playlist = self._playlists.find(f"Playlist[@id='{number}']")
        assert playlist is not None
        ET.SubElement(playlist, "Region", {k: str(v) for k, v in own.items()})

    # ---- tracks with sound -----------------------------------------------------------------------

    def _copy_of(self, pattern: ET.Element, clip: Clip) -> ET.Element:
        """Add a track like the pattern, named after the sound, as wide as its file."""
        route = deepcopy(pattern)
        playlist = deepcopy(self._playlists.find(f"Playlist[@name='{_PATTERN}']"))
        assert playlist is not None
        for element in (*route.iter(), *playlist.iter()):
            for key, value in element.attrib.items():
                element.set(key, value.replace(_PATTERN, clip.name))
            if element.get("id") is not None:
                element.set("id", str(next(self._ids)))
        route.set("audio-playlist", str(playlist.get("id")))
        playlist.set("orig-track-id", str(route.get("id")))
        incoming = route.find("IO[@direction='Input']")
        assert incoming is not None
        for side in range(2, clip.channels + 1):
            port = {"type": "audio", "name": f"{clip.name}/audio_in {side}"}
            ET.SubElement(incoming, "Port", port)
        shown = route.find("PresentationInfo")
        assert shown is not None
        shown.set("order", str(len(self._routes) - 1))
        self._routes.append(route)
        self._playlists.append(playlist)
        for side, port_node in enumerate(self._master_inputs(), start=1):
            ET.SubElement(port_node, "Connection", {"other": f"{clip.name}/audio_out {side}"})
        return route

    def _drop(self, pattern: ET.Element) -> None:
        self._routes.remove(pattern)
        playlist = self._playlists.find(f"Playlist[@name='{_PATTERN}']")
        assert playlist is not None
        self._playlists.remove(playlist)
        for port in self._master_inputs():
            for connection in port.findall("Connection"):
                if str(connection.get("other")).startswith(f"{_PATTERN}/"):
                    port.remove(connection)

    def _master_inputs(self) -> list[ET.Element]:
        return self._routes.findall("Route[@name='Master']/IO[@direction='Input']/Port")


def _play_back(route: ET.Element) -> None:
    """Have a track play what is on it, not what comes in: it was made to record us."""
    for port in route.findall("IO[@direction='Input']/Port"):
        for connection in port.findall("Connection"):
            port.remove(connection)
    for control in route.findall("Controllable"):
        if control.get("name") in ("monitor", "rec-enable"):
            route.remove(control)
