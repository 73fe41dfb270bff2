"""An Ardour session on disk. No Ardour need be installed where it is written."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from accompanist.app.hosts.ardour_xml import STATE_FOLDER, Instrument, session_xml
from accompanist.app.hosts.sessions import HostSession, plain_name
from accompanist.errors import AccompanistError, DeviceError
from bridges.soundfonts import find_soundfont

__all__ = ["find_instrument", "write_ardour_session"]

_FOLDERS = ("analysis", "dead", "export", "externals", "peaks", "plugins")
_LARGEST_FONTS = 512 << 20
"""Bytes of sound fonts, one a track, that we have Ardour keep in memory."""

GENERAL_MIDI = Instrument("http://gareus.org/oss/lv2/gmsynth", "General MIDI Synth")
FLUID = Instrument("urn:ardour:a-fluidsynth", "ACE Fluid Synth")
"""Comes with Ardour, wants a sound font."""
BUNDLED = Instrument("https://community.ardour.org/node/7596", "ACE Reasonable Synth")
"""Comes with Ardour: one sound for all, but a sound."""


def find_instrument(uri: str | None = None, tracks: int = 1) -> Instrument:
    """Choose what plays the parts, from what is on this machine.

    Parameters
    ----------
    uri : str, optional
        An LV2 instrument that is asked for. Else a General MIDI synth with sounds of its own; else
        Ardour's FluidSynth with a sound font; else Ardour's plain synth.
    tracks : int
        How many there will be: each loads the font once.

    >>> find_instrument("urn:my:synth").uri
    'urn:my:synth'
    """
    font = _soundfont(tracks)
    fluid = replace(FLUID, soundfont=font)
    if uri is not None:
        known = {i.uri: i for i in (GENERAL_MIDI, fluid, BUNDLED)}
        return known.get(uri, Instrument(uri, uri))
    if _is_installed("gmsynth.lv2"):
        return GENERAL_MIDI
    return fluid if font is not None and _is_installed("a-fluidsynth.lv2") else BUNDLED


def _soundfont(tracks: int) -> Path | None:
    try:
        font = find_soundfont()
        size = font.stat().st_size
    except (DeviceError, OSError):
        return None
    fits = font.suffix.lower() == ".sf2" and size * tracks <= _LARGEST_FONTS
    return font.resolve() if fits else None


def _is_installed(bundle: str) -> bool:
    return any((folder / bundle).is_dir() for folder in _lv2_folders())


def _lv2_folders() -> list[Path]:
    named = os.environ.get("LV2_PATH", "")
    folders = [Path(p).expanduser() for p in named.split(os.pathsep) if p]
    home = Path.home()
    if sys.platform == "darwin":
        folders += [home / "Library/Audio/Plug-Ins/LV2", Path("/Library/Audio/Plug-Ins/LV2")]
        folders += sorted(Path("/Applications").glob("Ardour*.app/Contents/lib/LV2"))
        return folders
    folders += [home / ".lv2", Path("/usr/local/lib/lv2"), Path("/usr/lib/lv2")]
    folders += [Path("/usr/lib64/lv2"), *sorted(Path("/usr/lib").glob("*-linux-*/lv2"))]
    for root in (Path("/opt"), Path("/usr/lib"), Path("/usr/lib64")):
        folders += sorted(root.glob("[Aa]rdour*/lib/LV2")) + sorted(root.glob("[Aa]rdour*/LV2"))
    return folders


def write_ardour_session(
    session: HostSession,
    out: Path,
    instrument: Instrument,
    sample_rate: int,
    *,
    force: bool = False,
) -> Path:
    """Write the session's folder; give the path of its ``.ardour`` file.

    Raises
    ------
    AccompanistError
        There is a session already, or the folder cannot be written.
    """
    name = plain_name(out.resolve().name)
    path = out / f"{name}.ardour"
    there = sorted(out.glob("*.ardour")) if out.is_dir() else []
    if there and not force:
        raise AccompanistError(
            f"{there[0]} is a session already; --force overwrites it, another --out leaves it alone"
        )
    try:
        for folder in _FOLDERS:
            (out / folder).mkdir(parents=True, exist_ok=True)
        for kind in ("audiofiles", "midifiles"):
            (out / "interchange" / name / kind).mkdir(parents=True, exist_ok=True)
        root = session_xml(session, name, instrument, sample_rate)
        if instrument.soundfont is not None:
            _write_states(root, out / "plugins", instrument.uri, instrument.soundfont)
        ET.indent(root)
        ET.ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)
    except OSError as error:
        raise AccompanistError(f"the session cannot be written to {out}: {error}") from error
    return path


def _write_states(root: ET.Element, folder: Path, uri: str, font: Path) -> None:
    """Write what an LV2 host keeps of each synthesiser: which font it has loaded."""
    quoted = str(font).replace("\\", "\\\\").replace('"', '\\"')
    state = _STATE.format(uri=uri, font=quoted)
    for synth in root.iterfind(".//Processor[@type='lv2']"):
        place = folder / str(synth.get("id")) / STATE_FOLDER
        place.mkdir(parents=True, exist_ok=True)
        (place / "state.ttl").write_text(state, encoding="utf-8")
        (place / "manifest.ttl").write_text(_MANIFEST.format(uri=uri), encoding="utf-8")


_STATE = """\
@prefix atom: <http://lv2plug.in/ns/ext/atom#> .
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix pset: <http://lv2plug.in/ns/ext/presets#> .
@prefix state: <http://lv2plug.in/ns/ext/state#> .

<>
    a pset:Preset ;
    lv2:appliesTo <{uri}> ;
    state:state [ <{uri}:sf2file> "{font}"^^atom:Path ] .
"""
_MANIFEST = """\
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix pset: <http://lv2plug.in/ns/ext/presets#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .

<state.ttl>
    a pset:Preset ;
    lv2:appliesTo <{uri}> ;
    rdfs:seeAlso <state.ttl> .
"""
