"""Rings, pretended microphones, devices that are not there, MIDI bytes, raw keys."""

from __future__ import annotations

import os
import pty
import sys
import termios
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.errors import DeviceError, UsageError
from accompanist.followers.protocol import PlayedNote
from bridges import audio_live, midi_in, midi_ports
from bridges.audio_pretend import PretendInput
from bridges.audio_ring import AudioRing
from bridges.keyboard import KeyPress, RawKeyboard


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=60))
def test_the_ring_gives_what_was_written_in_order(steps: list[tuple[bool, int]]) -> None:
    ring = AudioRing(64)
    written = read = 0
    for is_read, size in steps:
        if is_read or written - read + size > 56:
            block = ring.read(0.0)
            expected = np.arange(read, written, dtype=np.float32)
            np.testing.assert_array_equal(block.samples, expected)
            assert block.end_sample == written
            read = written
        else:
            ring.write(np.arange(written, written + size, dtype=np.float32), 1.0 + written)
            written += size
    assert ring.lost_samples == 0


def test_a_late_reader_loses_the_oldest_and_keeps_the_count() -> None:
    ring = AudioRing(80)
    for start in range(0, 200, 10):
        ring.write(np.arange(start, start + 10, dtype=np.float32), float(start))
    block = ring.read(0.0)
    assert len(block.samples) == block.end_sample == 200
    np.testing.assert_array_equal(block.samples[-70:], np.arange(130, 200))
    assert not block.samples[:130].any()
    assert (ring.lost_samples, block.arrived_s) == (130, 190.0)


def test_a_block_longer_than_the_ring_leaves_its_end() -> None:
    ring = AudioRing(16)
    ring.write(np.arange(40, dtype=np.float32), 0.0)
    block = ring.read(0.0)
    assert block.end_sample == 40
    np.testing.assert_array_equal(block.samples[-14:], np.arange(26, 40))


def test_an_empty_ring_gives_an_empty_block() -> None:
    block = AudioRing(16).read(0.001)
    assert (len(block.samples), block.end_sample) == (0, 0)


def test_a_pretended_microphone_gives_every_sample_and_ends() -> None:
    samples = np.linspace(-1, 1, 3000, dtype=np.float32)
    source = PretendInput(np.stack([samples, samples], axis=1), 8000, speed=50.0)
    source.start()
    got = [source.read(0.02).samples]
    while got[-1].size or not source.ended:
        got.append(source.read(0.02).samples)
    source.close()
    np.testing.assert_allclose(np.concatenate(got), samples, atol=1e-7)


def device(number: int, name: str, inputs: int, outputs: int) -> dict[str, Any]:
    return {
        "index": number,
        "name": name,
        "hostapi": 0,
        "max_input_channels": inputs,
        "max_output_channels": outputs,
        "default_samplerate": 48000.0,
    }


class PortAudioError(Exception):
    """Stands for sounddevice's."""


@pytest.fixture
def port_audio(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A sounddevice with three devices, whose stream keeps its arguments."""

    class Stream:
        latency = 0.02
        active = True

        def __init__(self, **arguments: Any) -> None:
            self.arguments = arguments
            if arguments["device"] == 2:
                raise PortAudioError("Device unavailable")

        def start(self) -> None:
            """Begin."""

        def close(self) -> None:
            self.active = False

    library = SimpleNamespace(
        query_hostapis=lambda: [{"name": "ALSA"}],
        query_devices=lambda: [
            device(0, "HDMI", 0, 2),
            device(1, "USB Microphone", 1, 0),
            device(2, "Scarlett 2i2 USB", 2, 2),
        ],
        default=SimpleNamespace(device=(2, 0)),
        InputStream=Stream,
        PortAudioError=PortAudioError,
    )
    monkeypatch.setattr(audio_live, "_sounddevice", lambda: library)
    return library


@pytest.mark.usefixtures("port_audio")
def test_inputs_are_found_by_number_name_and_default() -> None:
    assert audio_live.find_input(None).name == "Scarlett 2i2 USB"
    assert audio_live.find_input("1").name == "USB Microphone"
    assert audio_live.find_input("scarlett").number == 2
    assert audio_live.find_input("USB Microphone").number == 1
    assert [d.default_output for d in audio_live.list_audio_devices()] == [True, False, False]


@pytest.mark.usefixtures("port_audio")
@pytest.mark.parametrize("wanted", ["0", "7", "Behringer"])
def test_an_input_that_is_not_there_names_those_that_are(wanted: str) -> None:
    with pytest.raises(DeviceError, match=r"there are 1: USB Microphone; 2: Scarlett") as caught:
        audio_live.find_input(wanted)
    assert caught.value.exit_code == 4


def test_a_machine_without_inputs_is_told_of_taps(
    port_audio: SimpleNamespace,
) -> None:
    port_audio.query_devices = lambda: [device(0, "HDMI", 0, 2)]
    with pytest.raises(DeviceError, match="--tap"):
        audio_live.find_input(None)


@pytest.mark.usefixtures("port_audio")
def test_the_microphone_callback_copies_its_channel_and_counts_flags() -> None:
    wanted = audio_live.AudioDevice(1, "USB", "ALSA", 2, 0, 48_000)
    with pytest.raises(DeviceError, match="no channel 3"):
        audio_live.MicrophoneInput(wanted, channel=3)
    microphone = audio_live.MicrophoneInput(wanted, channel=2)
    stream: Any = microphone._stream
    assert stream.arguments["channels"] == 2
    microphone.start()
    samples = np.array([[0.1, 0.2], [0.3, 0.4]], dtype=np.float32)
    stream.arguments["callback"](samples, 2, None, "")
    stream.arguments["callback"](samples, 2, None, "input overflow")
    block = microphone.read(0.0)
    np.testing.assert_allclose(block.samples, [0.2, 0.4, 0.2, 0.4])
    assert (microphone.xruns, microphone.lost_samples) == (1, 0)
    assert microphone.latency_s == 0.02
    stream.latency = 9e9  # as JACK's PortAudio says
    assert microphone.latency_s == pytest.approx(256 / 48_000)
    microphone.close()
    assert microphone.ended


@pytest.mark.usefixtures("port_audio")
def test_a_busy_device_is_a_device_error() -> None:
    with pytest.raises(DeviceError, match="does not open for input"):
        audio_live.MicrophoneInput(audio_live.find_input("2"))


class RtMidiError(Exception):
    """Stands for rtmidi's."""


class FakeMidiIn:
    """One system with two ports, counting clients that were not freed."""

    alive = 0

    def __init__(self, api: int, name: str = "") -> None:
        if api == 9:
            raise RtMidiError("no server")
        FakeMidiIn.alive += 1
        self.callback: Any = None

    def get_ports(self) -> list[str]:
        return ["Keystation 49", "Launchpad"]

    def open_port(self, index: int, name: str = "") -> None:
        if index == 1:
            raise RtMidiError("busy")

    def ignore_types(self, **kinds: bool) -> None:
        """Take what is left out."""

    def set_callback(self, callback: Any) -> None:
        self.callback = callback

    def cancel_callback(self) -> None:
        self.callback = None

    def close_port(self) -> None:
        """Close."""

    def delete(self) -> None:
        FakeMidiIn.alive -= 1


@pytest.fixture
def rtmidi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    FakeMidiIn.alive = 0
    library = SimpleNamespace(
        API_RTMIDI_DUMMY=5,
        RtMidiError=RtMidiError,
        MidiIn=FakeMidiIn,
        MidiOut=FakeMidiIn,
        get_compiled_api=lambda: [9, 2, 5],
        get_api_display_name=lambda api: "ALSA",
    )
    for module in (midi_in, midi_ports):
        monkeypatch.setattr(module, "rtmidi_library", lambda: library)
    yield
    assert FakeMidiIn.alive == 0, "a MIDI client has not been freed"


@pytest.mark.usefixtures("rtmidi")
def test_midi_ports_are_listed_over_the_systems_that_run() -> None:
    ports = midi_ports.list_midi_ports()
    assert [(p.number, p.name, p.system) for p in ports] == [
        (0, "Keystation 49", "ALSA"),
        (1, "Launchpad", "ALSA"),
    ]
    assert len(midi_ports.list_midi_ports(outputs=True)) == 2


@pytest.mark.usefixtures("rtmidi")
def test_a_midi_keyboard_gives_its_keys_with_times() -> None:
    keyboard = midi_in.MidiInput(midi_ports.find_midi_input("keys"))
    client: Any = keyboard._input
    client.callback(([0x90, 60, 100], 0.0))
    client.callback(([0xB0, 64, 127], 0.1))
    client.callback(([0x80, 60, 0], 0.1))
    keys = keyboard.take()
    assert [(key.pitch, key.velocity) for key in keys] == [(60, 100), (60, 0)]
    assert keys[0].time_s <= keys[1].time_s
    assert keyboard.take() == []
    keyboard.close()
    keyboard.close()


@pytest.mark.usefixtures("rtmidi")
def test_midi_ports_that_are_not_there_or_do_not_open() -> None:
    with pytest.raises(DeviceError, match="there are 0: Keystation 49; 1: Launchpad"):
        midi_ports.find_midi_input("Roland")
    with pytest.raises(DeviceError, match="does not open"):
        midi_in.MidiInput(midi_ports.find_midi_input("1"))


@given(st.lists(st.integers(0, 255), max_size=4), st.floats(0, 10))
def test_any_bytes_are_a_note_or_nothing(message: list[int], time_s: float) -> None:
    note = midi_in.note_of(message, time_s)
    if note is not None:
        assert isinstance(note, PlayedNote)
        assert message[0] & 0xE0 == 0x80


def test_keys_are_read_at_once_and_the_terminal_is_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pty.openpty()
    came = threading.Event()
    presses: list[KeyPress] = []

    def struck(press: KeyPress) -> None:
        presses.append(press)
        if len(presses) == 3:
            came.set()

    try:
        with os.fdopen(theirs, "r") as terminal:
            monkeypatch.setattr(sys, "stdin", terminal)
            before = termios.tcgetattr(terminal)
            with RawKeyboard(struck):
                os.write(ours, b"a")
                os.write(ours, "é".encode())
                os.write(ours, b"b")
                assert came.wait(5.0)
            assert termios.tcgetattr(terminal) == before
            with pytest.raises(RuntimeError), RawKeyboard(struck):
                raise RuntimeError
            assert termios.tcgetattr(terminal) == before
    finally:
        os.close(ours)
    assert [press.key for press in presses] == ["a", "é", "b"]


def test_keys_want_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(UsageError, match="terminal"):
            RawKeyboard(presses_nothing)


def presses_nothing(press: KeyPress) -> None:
    """Take a key."""
