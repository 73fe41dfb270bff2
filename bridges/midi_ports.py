"""Which MIDI ports there are (python-rtmidi)."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from accompanist.errors import DeviceError
from bridges.quiet import quiet_stderr

__all__ = ["MidiPort", "find_midi_input", "list_midi_ports", "rtmidi_library"]

_CLIENT_NAME: Final = "accompanist look"


@dataclass(frozen=True, slots=True)
class MidiPort:
    """A port of another program or of an instrument.

    ``number`` counts the ports of one direction over all systems; ``--midi-in`` takes it or the
    name.
    """

    number: int
    name: str
    system: str
    index: int
    """Number within its system."""
    api: int


def rtmidi_library() -> ModuleType:
    """Load python-rtmidi, quietly.

    Raises
    ------
    DeviceError
        It does not load.
    """
    try:
        with quiet_stderr():
            import rtmidi
    except ImportError as error:
        raise DeviceError(
            f"MIDI does not work here ({error}); install the ALSA library (Debian/Ubuntu: "
            "libasound2, Fedora: alsa-lib)"
        ) from error
    module: ModuleType = rtmidi
    return module


def list_midi_ports(*, outputs: bool = False) -> tuple[MidiPort, ...]:
    """All MIDI inputs (or outputs) of every MIDI system that answers, none being no error.

    Raises
    ------
    DeviceError
        The MIDI library does not load.
    """
    rtmidi = rtmidi_library()
    found: list[MidiPort] = []
    for api in rtmidi.get_compiled_api():
        if api == rtmidi.API_RTMIDI_DUMMY:
            continue
        names = _port_names(rtmidi, api, outputs)
        system = str(rtmidi.get_api_display_name(api))
        for index, name in enumerate(names):
            found.append(MidiPort(len(found), name, system, index, api))
    return tuple(found)


def _port_names(rtmidi: ModuleType, api: int, outputs: bool) -> list[str]:
    opened: Any = None
    try:
        with quiet_stderr():
            kind = rtmidi.MidiOut if outputs else rtmidi.MidiIn
            opened = kind(api, name=_CLIENT_NAME)
            return [str(name) for name in opened.get_ports()]
    except rtmidi.RtMidiError:  # this system is not running
        return []
    finally:
        if opened is not None:
            opened.delete()


def find_midi_input(wanted: str) -> MidiPort:
    """Find an input by number or by a part of its name.

    Raises
    ------
    DeviceError
        There is none such; the message names those that there are.
    """
    ports = list_midi_ports()
    if not ports:
        raise DeviceError(
            f"no MIDI input {wanted!r}: there is none on this machine; connect a keyboard and "
            "switch it on, or play with --tap"
        )
    if wanted.isdecimal():
        matching = [port for port in ports if port.number == int(wanted)]
    else:
        part = wanted.casefold()
        exact = [port for port in ports if port.name == wanted]
        matching = exact or [port for port in ports if part in port.name.casefold()]
    if not matching:
        there = "; ".join(f"{port.number}: {port.name}" for port in ports)
        raise DeviceError(f"no MIDI input is called {wanted!r}; there are {there}")
    return matching[0]
