"""Which MIDI system is taken, and under which names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_outlets import FakeSink, Hand

from accompanist.app.performer import midi_rig
from accompanist.app.performer.jack_connections import Connections
from accompanist.app.performer.midi_rig import NO_MIDI, MidiRig, open_midi
from accompanist.app.processes.board import Board, SoundingTable
from accompanist.app.processes.links import OutputSettings
from accompanist.errors import DeviceError
from bridges.jack_midi import NameTakenError

NAMES = {2: "Violin", 5: "Violin"}


class System:
    """What there is on this machine, and what was opened there."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.jack: DeviceError | None = None
        self.backends: tuple[str, ...] = ("alsa",)
        self.alsa: DeviceError | None = None
        self.opened: list[tuple[str, str, tuple[str, ...] | str]] = []
        patch.setattr(midi_rig, "JackMidi", self._jack)
        patch.setattr(midi_rig, "JackPort", lambda jack, i, name: FakeSink(Hand(), name, "jack"))
        patch.setattr("bridges.midi_out.virtual_backends", lambda: self.backends)
        patch.setattr("bridges.midi_out.VirtualPort", self._virtual)
        patch.setattr("bridges.midi_out.find_midi_output", lambda wanted: wanted)
        patch.setattr("bridges.midi_out.ExistingPort", self._existing)

    def _jack(self, client: str, shorts: list[str], **_: Any) -> object:
        if self.jack is not None:
            raise self.jack
        self.opened.append(("jack", client, tuple(shorts)))
        return object()

    def _virtual(self, backend: str, client: str, name: str) -> FakeSink:
        if self.alsa is not None:
            raise self.alsa
        self.opened.append((backend, client, name))
        return FakeSink(Hand(), name, backend)

    def _existing(self, port: str, client: str) -> FakeSink:
        self.opened.append(("port", client, port))
        return FakeSink(Hand(), port)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    return System(monkeypatch)


@pytest.fixture
def table(tmp_path: Path) -> SoundingTable:
    return Board.create(tmp_path / "board").sounding


def opened(settings: OutputSettings, table: SoundingTable, names: dict[int, str]) -> MidiRig:
    return open_midi(settings, names, table, on_shutdown=lambda: None)


def test_jack_comes_first(system: System, table: SoundingTable) -> None:
    rig = opened(OutputSettings(clock=True), table, {})
    assert system.opened == [("jack", "accompanist", ("parts", "clock"))]
    assert rig.rig.midi is not None
    assert rig.rig.clock is not None
    assert rig.rig.parts == {}


def test_each_part_may_have_a_port_of_a_name_of_its_own(
    system: System, table: SoundingTable
) -> None:
    rig = opened(OutputSettings(port_per_part=True), table, NAMES)
    assert system.opened == [("jack", "accompanist", ("parts", "Violin", "Violin 2"))]
    assert {n: outlet.sink.name for n, outlet in rig.rig.parts.items()} == {
        2: "Violin",
        5: "Violin 2",
    }


def test_without_jack_the_system_s_own(system: System, table: SoundingTable) -> None:
    system.jack = DeviceError("no JACK server runs")
    opened(OutputSettings(clock=True), table, {})
    assert system.opened == [
        ("alsa", "accompanist", "accompanist parts"),
        ("alsa", "accompanist", "accompanist clock"),
    ]


def test_a_name_that_is_taken_is_no_reason_to_go_elsewhere(
    system: System, table: SoundingTable
) -> None:
    system.jack = NameTakenError("the JACK name 'accompanist' is taken")
    with pytest.raises(NameTakenError):
        opened(OutputSettings(), table, {})
    assert system.opened == []


def test_what_is_named_is_taken_or_nothing(system: System, table: SoundingTable) -> None:
    system.jack = DeviceError("no JACK server runs")
    with pytest.raises(DeviceError, match="no JACK server runs"):
        opened(OutputSettings(backend="jack"), table, {})
    system.alsa = DeviceError("no sequencer")
    with pytest.raises(DeviceError, match="no sequencer"):
        opened(OutputSettings(backend="alsa"), table, {})
    with pytest.raises(DeviceError, match=NO_MIDI):
        opened(OutputSettings(), table, {})


def test_an_existing_port_takes_notes_and_clock(system: System, table: SoundingTable) -> None:
    rig = opened(OutputSettings(port="USB", clock=True), table, NAMES)
    assert system.opened == [("port", "accompanist", "USB")]
    assert rig.rig.midi is rig.rig.clock
    rig.close()
    assert rig.gone == "closed"


class FakeJack:
    """A client whose ports and peers the test moves about."""

    gone = ""

    def __init__(self) -> None:
        self.peers = {"synth:in", "daw:in"}
        self.made: dict[str, set[str]] = {"parts": set(), "clock": set()}

    def connections(self) -> dict[str, tuple[str, ...]]:
        return {port: tuple(sorted(peers & self.peers)) for port, peers in self.made.items()}

    def present(self, peers: list[str]) -> set[str]:
        return self.peers & set(peers)

    def connect(self, port: str, peer: str) -> None:
        self.made[port].add(peer)


def test_connections_are_made_again_until_the_user_takes_them_away() -> None:
    notes: list[bytes] = []
    jack: Any = FakeJack()
    memory = Connections(notes.append)
    memory.restore(jack)
    jack.made["parts"] = {"synth:in", "daw:in"}
    memory.look(jack)
    jack.made["parts"].discard("synth:in")  # the user has
    memory.look(jack)
    jack.peers.discard("daw:in")  # the host has been closed
    jack.made["parts"].discard("daw:in")
    memory.look(jack)
    assert jack.connections() == {"parts": (), "clock": ()}
    jack.peers.add("daw:in")
    memory.look(jack)
    assert jack.connections() == {"parts": ("daw:in",), "clock": ()}
    heir: Any = FakeJack()
    successor = Connections(notes.append)
    successor.inherit(notes[-1])
    successor.restore(heir)
    assert heir.connections() == {"parts": ("daw:in",), "clock": ()}


@pytest.mark.parametrize("note", [b"", b"{", b"[1]", b'{"a": 1}', b"[[1, 2, 3]]"])
def test_what_cannot_be_read_is_forgotten(note: bytes) -> None:
    jack: Any = FakeJack()
    memory = Connections(lambda _: None)
    memory.inherit(note)
    memory.restore(jack)
    assert jack.connections() == {"parts": (), "clock": ()}
