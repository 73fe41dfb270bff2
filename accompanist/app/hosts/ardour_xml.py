"""The XML of an Ardour session, as Ardour itself writes it (format of version 7).

Later versions read it and bring it up to date when they open it. Only what differs from Ardour's
defaults is written. Tempo and metre stand in music time (1920 ticks a quarter) and in
*superclocks*, 282 240 000 a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from xml.etree import ElementTree as ET

from accompanist.app.hosts.sessions import HostSession, Track, plain_name

__all__ = ["STATE_FOLDER", "Instrument", "session_xml"]

STATE_FOLDER = "state1"
"""Where a plug-in keeps its state, in ``plugins/ID`` of the session."""
SESSION_VERSION = "7002"
_SUPERCLOCKS = 282_240_000
_TICKS = 1920
_MONITOR_INPUT, _MONITOR_DISK = 1, 2
_RESERVED = {"master", "click", "monitor"}
_SIDES = (1, 2)
_NEEDED = ("Config", "Sources", "Regions", "UnusedPlaylists", "RouteGroups", "Bundles")
"""Empty as they are: without Sources, Regions and RouteGroups Ardour calls a session corrupt."""
_OSC = {
    "name": "Open Sound Control (OSC)",
    "active": 1,
    "debugmode": 0,
    "address-only": 0,
    "remote-port": 8000,
    "banksize": 0,
    "striptypes": 159,
    "feedback": 0,
    "gainmode": 0,
    "send-page-size": 0,
    "plug-page-size": 0,
}


@dataclass(frozen=True, slots=True)
class Instrument:
    """An LV2 synthesiser with one MIDI input and a stereo output."""

    uri: str
    name: str
    soundfont: Path | None = None
    """What it is to load; its state is then kept beside the session."""


def session_xml(
    session: HostSession, name: str, instrument: Instrument, sample_rate: int
) -> ET.Element:
    """Give the root element of the session file.

    Parameters
    ----------
    session : HostSession
        What to show.
    name : str
        Name of the session, as its file is called.
    instrument : Instrument
        Plays each part.
    sample_rate : int
        In Hz; Ardour asks before it opens a session at another one.
    """
    return _Writer(session, name, instrument, sample_rate).root()


class _Writer:
    def __init__(
        self, session: HostSession, name: str, instrument: Instrument, sample_rate: int
    ) -> None:
        self._session = session
        self._name = name
        self._instrument = instrument
        self._rate = sample_rate
        self._ids = count(1000)
        taken = {t.name.casefold() for t in session.tracks} | _RESERVED
        soloist = plain_name(session.soloist)[:60]
        while soloist.casefold() in taken:
            soloist += " solo"
        self._soloist = soloist

    def root(self) -> ET.Element:
        root = ET.Element("Session", {"version": SESSION_VERSION, "name": self._name})
        root.set("sample-rate", str(self._rate))
        root.set("session-range-is-free", "0")
        root.set("name-counter", "1")
        _node(root, "ProgramVersion", {"created-with": "Ardour 7.3.0"})
        for empty in _NEEDED:
            _node(root, empty)
        self._locations(_node(root, "Locations"))
        routes, playlists = _node(root, "Routes"), _node(root, "Playlists")
        self._master(routes)
        for order, track in enumerate(self._session.tracks, start=1):
            self._midi_track(routes, playlists, track, order)
        self._audio_track(routes, playlists, len(self._session.tracks) + 1)
        self._tempo_map(_node(root, "TempoMap", {"superclocks-per-second": _SUPERCLOCKS}))
        _node(_node(root, "ControlProtocols"), "Protocol", _OSC)
        root.set("id-counter", str(self._id()))
        return root

    def _id(self) -> int:
        return next(self._ids)

    # ---- places in time --------------------------------------------------------------------------

    def _locations(self, locations: ET.Element) -> None:
        end = f"a{round(self._session.end_s * _SUPERCLOCKS)}"
        self._location(locations, "session", "a0", end, "IsSessionRange")
        for marker in self._session.markers:
            tick = f"b{round(marker.quarter * _TICKS)}"
            self._location(locations, marker.text, tick, tick, "IsMark")

    def _location(self, locations: ET.Element, name: str, start: str, end: str, flags: str) -> None:
        place = {"id": self._id(), "name": name, "start": start, "end": end, "flags": flags}
        _node(locations, "Location", {**place, "locked": 0, "timestamp": 0, "cue": 0})

    def _tempo_map(self, tempo_map: ET.Element) -> None:
        tempi, metres = _node(tempo_map, "Tempos"), _node(tempo_map, "Meters")
        for point in self._session.tempi:
            qpm = f"{point.qpm:.9g}"
            kind = {"npm": qpm, "enpm": qpm, "note-type": 4, "type": "Tempo::Constant"}
            flags = {"active": 1, "locked-to-meter": 0, "continuing": 0}
            _node(tempi, "Tempo", {**kind, **flags, **self._place(point.quarter), "omega": 0})
        for metre in self._session.metres:
            beats = {"note-value": metre.denominator, "divisions-per-bar": metre.numerator}
            _node(metres, "Meter", {**beats, **self._place(metre.quarter)})
        _node(tempo_map, "MusicTimes")

    def _place(self, quarter: float) -> dict[str, object]:
        tick = round(quarter * _TICKS)
        bar, beat, rest = self._session.bar_beat(tick / _TICKS)
        return {
            "sclock": round(self._seconds(tick / _TICKS) * _SUPERCLOCKS),
            "quarters": f"{tick // _TICKS}:{tick % _TICKS}",
            "bbt": f"{bar}|{beat}|{round(rest * _TICKS)}",
        }

    def _seconds(self, quarter: float) -> float:
        before = [p for p in self._session.tempi if p.quarter <= quarter + 1e-9]
        point = before[-1] if before else self._session.tempi[0]
        return point.seconds + (quarter - point.quarter) * 60.0 / point.qpm

    # ---- tracks ----------------------------------------------------------------------------------

    def _master(self, routes: ET.Element) -> None:
        route = self._route(routes, "Master", "audio", "MasterOut", 0)
        lines = [*(t.name for t in self._session.tracks), self._soloist]
        incoming = {
            f"Master/audio_in {s}": [f"{line}/audio_out {s}" for line in lines] for s in _SIDES
        }
        outgoing = {f"Master/audio_out {s}": [f"system:playback_{s}"] for s in _SIDES}
        self._ports(route, "Input", "audio", incoming)
        self._ports(route, "Output", "audio", outgoing)
        self._fader(route)
        self._main_out(route)

    def _midi_track(
        self, routes: ET.Element, playlists: ET.Element, track: Track, order: int
    ) -> None:
        route = self._route(routes, track.name, "midi", "MidiTrack", order)
        self._set(
            route,
            {
                "midi-playlist": self._playlist(playlists, route, "midi"),
                "playback-channel-mode": "AllChannels",
                "playback-channel-mask": "0xffff",
                "capture-channel-mode": "FilterChannels",
                "capture-channel-mask": f"0x{1 << (track.channel - 1):04x}",
                "note-mode": "Sustained",
                "step-editing": 0,
                "input-active": 1,
                "restore-pgm": 1,
            },
        )
        self._ports(route, "Input", "midi", {f"{track.name}/midi_in 1": [track.port]})
        self._ports(route, "Output", "midi", self._to_master(track.name))
        self._disk(route)
        self._synth(route)
        self._fader(route)
        self._main_out(route)
        self._controls(route, _MONITOR_INPUT, "MonitorInput")

    def _audio_track(self, routes: ET.Element, playlists: ET.Element, order: int) -> None:
        name = self._soloist
        route = self._route(routes, name, "audio", "AudioTrack", order)
        playlist = self._playlist(playlists, route, "audio")
        self._set(route, {"audio-playlist": playlist, "mode": "Normal"})
        self._ports(route, "Input", "audio", {f"{name}/audio_in 1": ["system:capture_1"]})
        self._ports(route, "Output", "audio", self._to_master(name))
        self._disk(route)
        self._fader(route)
        self._main_out(route)
        self._controls(route, _MONITOR_DISK, "MonitorDisk")

    def _route(
        self, routes: ET.Element, name: str, kind: str, flags: str, order: int
    ) -> ET.Element:
        route = _node(routes, "Route", {"version": SESSION_VERSION, "id": self._id()})
        track = order > 0
        self._set(
            route,
            {
                "name": name,
                "default-type": kind,
                "strict-io": int(kind == "midi" or not track),
                "active": 1,
                "denormal-protection": 0,
                "meter-point": "MeterPostFader" if track else "MeterOutput",
                "meter-type": "MeterPeak" if track else "MeterK14",
                "disk-io-point": "DiskIOPreFader",
            },
        )
        if track:
            metering = {"saved-meter-point": "MeterPostFader", "alignment-choice": "Automatic"}
            self._set(route, metering)
        presented = {"order": order, "flags": f"{flags},OrderSet", "color": 0}
        _node(route, "PresentationInfo", presented)
        return route

    def _set(self, route: ET.Element, attributes: Mapping[str, object]) -> None:
        for key, value in attributes.items():
            route.set(key, str(value))

    def _playlist(self, playlists: ET.Element, route: ET.Element, kind: str) -> int:
        number = self._id()
        own = {"id": number, "name": route.get("name"), "type": kind}
        _node(playlists, "Playlist", {**own, "orig-track-id": route.get("id"), "frozen": 0})
        return number

    def _to_master(self, name: str) -> dict[str, list[str]]:
        return {f"{name}/audio_out {s}": [f"Master/audio_in {s}"] for s in _SIDES}

    def _ports(
        self, route: ET.Element, direction: str, kind: str, ports: Mapping[str, Sequence[str]]
    ) -> None:
        io = {"name": route.get("name"), "id": self._id(), "direction": direction}
        node = _node(route, "IO", {**io, "default-type": kind})
        for port, others in ports.items():
            kind_of_port = "audio" if "/audio_" in port else "midi"
            at = _node(node, "Port", {"type": kind_of_port, "name": port})
            for other in others:
                _node(at, "Connection", {"other": other})
        if kind == "midi" and direction == "Output":
            _node(node, "Port", {"type": "midi", "name": f"{route.get('name')}/midi_out 1"})

    def _processor(
        self, route: ET.Element, name: str, kind: str, more: Mapping[str, object] | None = None
    ) -> ET.Element:
        own = {"id": self._id(), "name": name, "active": 1, "type": kind}
        return _node(route, "Processor", {**own, **(more or {})})

    def _disk(self, route: ET.Element) -> None:
        name = route.get("name")
        self._processor(route, f"recorder:{name}", "diskwriter", {"record-safe": 0})
        self._processor(route, f"player:{name}", "diskreader")

    def _fader(self, route: ET.Element) -> None:
        amp = self._processor(route, "Amp", "amp")
        self._control(amp, "gaincontrol", "GainLike", 1)
        self._processor(route, f"meter-{route.get('name')}", "meter")

    def _main_out(self, route: ET.Element) -> None:
        name = str(route.get("name"))
        io = {"own-input": 1, "own-output": 0, "output": name, "role": "Main"}
        main = self._processor(route, name, "main-outs", io)
        _node(main, "PannerShell", {"bypassed": 0, "user-panner": "", "linked-to-route": 1})

    def _synth(self, route: ET.Element) -> None:
        plugin = {"unique-id": self._instrument.uri, "count": 1, "custom": 0}
        synth = self._processor(route, self._instrument.name, "lv2", plugin)
        midi, audio = {"type": "midi", "count": 1}, {"type": "audio", "count": 2}
        for tag, channels in (
            ("ConfiguredInput", (midi,)),
            ("CustomSinks", (midi,)),
            ("ConfiguredOutput", (audio, midi)),
        ):
            node = _node(synth, tag)
            for channel in channels:
                _node(node, "Channels", channel)
        incoming, outgoing = _node(synth, "InputMap-0"), _node(synth, "OutputMap-0")
        _node(incoming, "Channelmap", {"type": "midi", "from": 0, "to": 0})
        for side in (0, 1):
            _node(outgoing, "Channelmap", {"type": "audio", "from": side, "to": side})
        _node(synth, "ThruMap")
        state = {} if self._instrument.soundfont is None else {"state-dir": STATE_FOLDER}
        _node(synth, "lv2", state)

    def _controls(self, route: ET.Element, monitor: int, spoken: str) -> None:
        monitoring = self._control(route, "monitor", "RealTime", monitor)
        monitoring.set("monitoring", spoken)
        self._control(route, "rec-enable", "Toggle,RealTime", 1)

    def _control(self, parent: ET.Element, name: str, flags: str, value: int) -> ET.Element:
        own = {"name": name, "id": self._id(), "flags": flags, "value": value}
        return _node(parent, "Controllable", own)


def _node(
    parent: ET.Element, tag: str, attributes: Mapping[str, object] | None = None
) -> ET.Element:
    """Make an element within another."""
    values = {key: str(value) for key, value in (attributes or {}).items()}
    return ET.SubElement(parent, tag, values)
