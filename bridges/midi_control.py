"""The MIDI port through which pedals and pads give commands (python-rtmidi).

Messages wait in the library's own queue until they are taken: no Python runs in the driver's
thread, so a busy program cannot hold up a JACK graph.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Final, Protocol

from accompanist.errors import DeviceError
from bridges.midi_ports import find_midi_input
from bridges.quiet import quiet_stderr

__all__ = ["PORT_NAME", "ControlPort", "MessageSource", "answering_backends", "open_control"]

PORT_NAME: Final = "accompanist control"
_ORDER: Final = ("jack", "coremidi", "alsa")
MOST_AT_ONCE: Final = 1000


class MessageSource(Protocol):
    """Where control messages come from."""

    name: str

    @property
    def alive(self) -> bool:
        """Whether it can still give any."""
        ...

    def take(self) -> list[bytes]:
        """Take what has come since the last call; does not wait."""
        ...

    def close(self) -> None:
        """Give it back; closing twice does no harm."""
        ...


def _rtmidi() -> ModuleType:
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


def answering_backends() -> tuple[str, ...]:
    """Say which MIDI systems answer, in the order in which they are taken.

    Raises
    ------
    DeviceError
        The MIDI library does not load.
    """
    rtmidi = _rtmidi()
    apis = _apis(rtmidi)
    compiled = set(rtmidi.get_compiled_api())
    found = []
    for name in _ORDER:
        if apis[name] not in compiled:
            continue
        opened: Any = None
        try:
            with quiet_stderr():
                opened = rtmidi.MidiOut(apis[name], name="accompanist look")
            found.append(name)
        except rtmidi.RtMidiError:  # it is not running
            continue
        finally:
            if opened is not None:
                opened.delete()
    return tuple(found)


def _apis(rtmidi: ModuleType) -> dict[str, int]:
    return {
        "jack": rtmidi.API_UNIX_JACK,
        "coremidi": rtmidi.API_MACOSX_CORE,
        "alsa": rtmidi.API_LINUX_ALSA,
    }


def open_control(backend: str = "auto", wanted: str = "") -> ControlPort:
    """Open our own virtual port, or an existing one.

    Parameters
    ----------
    backend : str
        ``jack``, ``coremidi``, ``alsa`` or ``auto``: the first of them that answers.
    wanted : str
        Number or a part of the name of an existing input that is listened to instead.

    Raises
    ------
    DeviceError
        No MIDI system answers, or there is no such port.
    """
    rtmidi = _rtmidi()
    if wanted:
        port = find_midi_input(wanted)
        return ControlPort(rtmidi, port.api, port.index, port.name)
    apis = _apis(rtmidi)
    if backend not in (*apis, "auto"):
        raise DeviceError(f"no MIDI system is called {backend!r}; there are {', '.join(apis)}")
    compiled = set(rtmidi.get_compiled_api())
    for name in _ORDER if backend == "auto" else (backend,):
        if apis[name] not in compiled:
            continue
        try:
            return ControlPort(rtmidi, apis[name], None, f"{PORT_NAME} ({name})")
        except DeviceError:
            continue
    which = "no MIDI system answers" if backend == "auto" else f"{backend} does not answer"
    where = "start JACK or PipeWire, or load snd-seq" if sys.platform == "linux" else "see doctor"
    raise DeviceError(f"{which}: the port {PORT_NAME!r} cannot be opened; {where}")


class ControlPort:
    """An open input; see `open_control`.

    Raises
    ------
    DeviceError
        It does not open.
    """

    def __init__(self, rtmidi: ModuleType, api: int, index: int | None, name: str) -> None:
        self.name = name
        self._gone = False
        self._watch: Any = None
        self._input: Any = None
        try:
            with quiet_stderr():
                self._input = rtmidi.MidiIn(api, name=PORT_NAME)
                if index is None:
                    self._input.open_virtual_port("in")
                else:
                    self._input.open_port(index, name="in")
        except (rtmidi.RtMidiError, OSError, ValueError) as error:
            if self._input is not None:
                self._input.delete()
            raise DeviceError(f"{name}: does not open ({error})") from error
        self._input.ignore_types(sysex=True, timing=True, active_sense=True)
        if api == rtmidi.API_UNIX_JACK:
            self._watch = _watch_jack(self._server_gone)

    @property
    def alive(self) -> bool:
        """Whether the MIDI system is still there, as far as it tells."""
        return not self._gone and self._input is not None

    def take(self) -> list[bytes]:
        """Take what has come since the last call; does not wait."""
        taken: list[bytes] = []
        while self.alive and len(taken) < MOST_AT_ONCE:
            event = self._input.get_message()
            if event is None:
                break
            taken.append(bytes(event[0]))
        return taken

    def close(self) -> None:
        """Close the port and free the client, which rtmidi alone would leak."""
        port, self._input = self._input, None
        watch, self._watch = self._watch, None
        with quiet_stderr():
            if port is not None:
                port.close_port()
                port.delete()
            if watch is not None:
                watch.close()

    def _server_gone(self, *_why: object) -> None:
        self._gone = True


def _watch_jack(gone: Any) -> Any:
    """Have a JACK client that is told of the server's end, which rtmidi is not; None without."""
    try:
        import jack
    except (ImportError, OSError):
        return None
    try:
        with quiet_stderr():
            client = jack.Client(f"{PORT_NAME} watch", no_start_server=True)
            client.set_shutdown_callback(gone)
            client.activate()
    except jack.JackError:
        return None
    return client
