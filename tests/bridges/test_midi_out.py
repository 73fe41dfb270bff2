"""MIDI outputs over a library that only writes down what is asked of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from accompanist.errors import DeviceError
from accompanist.performing.clock import ClockEvent, ClockKind
from accompanist.performing.messages import Kind, Message
from bridges import midi_out, midi_ports
from bridges.midi_out import ExistingPort, VirtualPort, find_midi_output, virtual_backends

ALSA, CORE, JACK, DUMMY = 2, 1, 3, 5


class RtMidiError(Exception):
    """What python-rtmidi raises."""


class FakeOut:
    """A MidiOut or MidiIn of a system with these ports."""

    ports: ClassVar[list[str]] = []
    alive: ClassVar[list[FakeOut]] = []
    down: ClassVar[bool] = False

    def __init__(self, api: int, name: str) -> None:
        if self.down or api not in (ALSA, JACK):
            raise RtMidiError("no such system")
        self.api, self.name = api, name
        self.opened: Any = None
        self.sent: list[bytes] = []
        self.breaks = False
        self.alive.append(self)

    def get_ports(self) -> list[str]:
        return list(self.ports) if self.api == ALSA else []

    def open_virtual_port(self, name: str) -> None:
        self.opened = name

    def open_port(self, index: int, name: str) -> None:
        if index >= len(self.ports):
            raise RtMidiError("no such port")
        self.opened = index

    def send_message(self, data: bytes) -> None:
        if self.breaks:
            raise RtMidiError("device gone")
        self.sent.append(data)

    def close_port(self) -> None:
        self.opened = None

    def delete(self) -> None:
        self.alive.remove(self)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[FakeOut]:
    FakeOut.ports, FakeOut.alive, FakeOut.down = ["Synth:Synth MIDI 1 20:0", "USB 24:0"], [], False
    fake = SimpleNamespace(
        MidiIn=FakeOut,
        MidiOut=FakeOut,
        RtMidiError=RtMidiError,
        API_LINUX_ALSA=ALSA,
        API_MACOSX_CORE=CORE,
        API_UNIX_JACK=JACK,
        API_RTMIDI_DUMMY=DUMMY,
        get_compiled_api=lambda: [ALSA, JACK, DUMMY],
        get_api_display_name=lambda api: {ALSA: "ALSA", JACK: "JACK"}[api],
    )
    for module in (midi_out, midi_ports):
        monkeypatch.setattr(module, "rtmidi_library", lambda: fake)
    return FakeOut


def test_a_port_of_our_own_has_its_name_and_sends_bytes(library: type[FakeOut]) -> None:
    assert virtual_backends() == ("alsa",)
    port = VirtualPort("alsa", "accompanist", "accompanist parts")
    out = library.alive[-1]
    assert (out.name, out.opened) == ("accompanist", "accompanist parts")
    port.send(Message(Kind.ON, 3, 60, 99), 0.0)
    port.send(ClockEvent(0.0, ClockKind.POSITION, 200), 0.0)
    port.send(b"\xf1\x20", 0.0)
    assert [data.hex() for data in out.sent] == ["923c63", "f24801", "f120"]
    assert not port.lost()
    out.breaks = True
    port.send(Message(Kind.OFF, 3, 60), 0.0)
    assert port.gone == "accompanist parts: the port has gone (device gone)"
    port.close()
    port.close()
    assert library.alive == []


def test_a_name_that_is_taken_is_refused(library: type[FakeOut]) -> None:
    library.ports = ["accompanist:accompanist parts 128:0"]
    with pytest.raises(DeviceError, match="'accompanist parts' is there already: another acc"):
        VirtualPort("alsa", "accompanist", "accompanist parts")
    assert library.alive == []
    VirtualPort("alsa", "accompanist", "accompanist clock").close()


def test_where_the_system_does_not_run_it_says_so(library: type[FakeOut]) -> None:
    library.down = True
    with pytest.raises(DeviceError, match="parts: there is no alsa MIDI here"):
        VirtualPort("alsa", "accompanist", "parts")


def test_an_existing_port_is_found_and_missed_when_it_goes(library: type[FakeOut]) -> None:
    with pytest.raises(DeviceError, match="there are 0: Synth:Synth MIDI 1 20:0; 1: USB 24:0"):
        find_midi_output("organ")
    assert find_midi_output("usb").index == 1
    port = ExistingPort(find_midi_output("1"))
    assert not port.lost()
    library.ports = library.ports[:1]
    assert port.lost()
    assert port.gone == "USB 24:0: the port has gone"
    out = library.alive[0]
    port.send(Message(Kind.ON, 1, 60, 99), 0.0)
    assert out.sent == []
    port.close()
    port.close()
    assert library.alive == []
