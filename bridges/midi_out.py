"""MIDI outputs that send at once: a port of our own (ALSA, CoreMIDI), or one that exists.

python-rtmidi knows no future: whoever sends waits for the moment.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from accompanist.errors import DeviceError
from accompanist.performing.clock import ClockEvent
from accompanist.performing.messages import Message
from bridges.midi_bytes import wire_bytes
from bridges.midi_ports import MidiPort, list_midi_ports, rtmidi_library
from bridges.quiet import quiet_stderr

__all__ = ["ExistingPort", "VirtualPort", "find_midi_output", "virtual_backends"]


def virtual_backends() -> tuple[str, ...]:
    """Name the systems in which ports of our own can be made here, without JACK.

    Returns
    -------
    tuple of str
        ``coremidi`` or ``alsa``, if the library has it; whether it runs shows when it is opened.
    """
    rtmidi = rtmidi_library()
    apis = rtmidi.get_compiled_api()
    known = (("coremidi", rtmidi.API_MACOSX_CORE), ("alsa", rtmidi.API_LINUX_ALSA))
    return tuple(name for name, api in known if api in apis)


def find_midi_output(wanted: str) -> MidiPort:
    """Find an existing output by number or by a part of its name.

    Raises
    ------
    DeviceError
        There is none such; the message names those that there are.
    """
    ports = list_midi_ports(outputs=True)
    if wanted.isdecimal():
        matching = [port for port in ports if port.number == int(wanted)]
    else:
        part = wanted.casefold()
        exact = [port for port in ports if port.name == wanted]
        matching = exact or [port for port in ports if part in port.name.casefold()]
    if matching:
        return matching[0]
    there = "; ".join(f"{port.number}: {port.name}" for port in ports) or "none at all"
    raise DeviceError(f"no MIDI output is called {wanted!r}; there are {there}")


class _RtMidiPort:
    """What both kinds have in common. A sink; one thread sends, another may ask `lost`."""

    ahead_s = 0.0
    latency_s = 0.0

    def __init__(self, name: str, kind: str, rtmidi: ModuleType, api: int, client: str) -> None:
        self.name = name
        self.kind = kind
        self.gone = ""
        """Why nothing is sent any more; empty while all is well."""
        self._errors: tuple[type[Exception], ...] = (rtmidi.RtMidiError, OSError, SystemError)
        self._closed = False
        try:
            with quiet_stderr():
                self._out: Any = rtmidi.MidiOut(api, name=client)
        except rtmidi.RtMidiError as error:
            raise DeviceError(f"{name}: there is no {kind} MIDI here ({error})") from error

    def send(self, message: Message | ClockEvent | bytes, at_s: float, tag: object = None) -> None:
        """Send one message now; whatever goes wrong is told by ``gone``."""
        if self.gone:
            return
        data = wire_bytes(message)
        try:
            self._out.send_message(data)
        except self._errors as error:
            self.gone = f"{self.name}: the port has gone ({error})"

    def sent(self) -> list[tuple[object, float]]:
        """Nothing: what is sent has left."""
        return []

    def close(self) -> None:
        """Close the port and free the client, which rtmidi alone would leak."""
        if not self._closed:
            self._closed = True
            self.gone = self.gone or "closed"
            self._out.close_port()
            self._out.delete()


class VirtualPort(_RtMidiPort):
    """A port of our own that others connect to.

    Parameters
    ----------
    backend : str
        ``alsa`` or ``coremidi``.
    client : str
        Name of the program in ALSA.
    name : str
        Name of the port; hosts find it by this, so it must be the only one.

    Raises
    ------
    DeviceError
        The system does not run, or the name is taken.
    """

    def __init__(self, backend: str, client: str, name: str) -> None:
        rtmidi = rtmidi_library()
        api = rtmidi.API_MACOSX_CORE if backend == "coremidi" else rtmidi.API_LINUX_ALSA
        super().__init__(name, backend, rtmidi, api, client)
        try:
            if any(port.api == api and _is_called(port.name, name) for port in list_midi_ports()):
                raise DeviceError(
                    f"a MIDI port {name!r} is there already: another accompanist runs; end it, or "
                    "give this one another name (output.client_name)"
                )
            with quiet_stderr():
                self._out.open_virtual_port(name)
        except DeviceError:
            self.close()
            raise
        except (NotImplementedError, RuntimeError, OSError, SystemError) as error:
            self.close()
            raise DeviceError(f"{name}: {backend} makes no MIDI port ({error})") from error

    def lost(self) -> bool:
        """Look whether it is still there: a port of our own does not get lost."""
        return bool(self.gone)


class ExistingPort(_RtMidiPort):
    """A port of another program or of an instrument.

    Raises
    ------
    DeviceError
        It does not open.
    """

    def __init__(self, port: MidiPort, client: str = "accompanist") -> None:
        rtmidi = rtmidi_library()
        super().__init__(port.name, "port", rtmidi, port.api, client)
        try:
            with quiet_stderr():
                self._out.open_port(port.index, name="out")
                # Asking goes on beside sending, and needs a client of its own for that.
                self._look: Any = rtmidi.MidiOut(port.api, name=f"{client} look")
        except self._errors as error:
            self.close()
            raise DeviceError(f"{port.name}: does not open ({error})") from error

    def lost(self) -> bool:
        """Look whether it is still there (asks the system); ``gone`` says so from then on."""
        if self.gone:
            return True
        try:
            with quiet_stderr():
                there = [str(name) for name in self._look.get_ports()]
        except self._errors as error:
            self.gone = f"{self.name}: the MIDI system has gone ({error})"
            return True
        if self.name not in there:
            self.gone = f"{self.name}: the port has gone"
        return bool(self.gone)

    def close(self) -> None:
        """Close the port and free both clients."""
        look = getattr(self, "_look", None)
        if look is not None and not self._closed:
            look.delete()
        super().close()


def _is_called(full: str, name: str) -> bool:
    """Tell whether a port as listed (``client:port 128:0``) is the one of a name.

    >>> _is_called("accompanist:accompanist parts 128:0", "accompanist parts")
    True
    >>> _is_called("other:accompanist parts 2 128:0", "accompanist parts")
    False
    """
    port = full.partition(":")[2] or full
    head, _, tail = port.rpartition(" ")
    return name in (full, port, head if ":" in tail else port)
