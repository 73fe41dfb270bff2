"""What every sink does, whichever way the messages go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from accompanist.app.performer.sinks import Sink
from accompanist.errors import DeviceError
from accompanist.performing.clock import ClockEvent, ClockKind
from accompanist.performing.messages import Kind, Message

MESSAGES = (
    Message(Kind.CC, 1, 7, 100),
    Message(Kind.PROGRAM, 1, 42),
    Message(Kind.ON, 1, 60, 90),
    Message(Kind.BEND, 16, 0, -8192),
    Message(Kind.OFF, 1, 60),
    Message(Kind.CC, 10, 64, 0),
)


@dataclass
class Open:
    """A sink, and what has arrived at its other end as far as that can be seen."""

    sink: Sink
    stack: ExitStack = field(default_factory=ExitStack)
    arrived: Callable[[], list[bytes]] | None = None


def synth(folder: Path, patch: pytest.MonkeyPatch) -> Open:
    from bridges.fluidsynth import find_soundfont
    from bridges.fluidsynth_live import LiveSynth

    patch.chdir(folder)  # the driver "file" writes here
    return Open(LiveSynth(find_soundfont(), driver="file"))


def _listener(stack: ExitStack, folder: Path) -> tuple[Callable[[], list[bytes]], str]:
    """Start a JACK server and a listener in it."""
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1] / "hosts"))
    from rig import MidiRecorder, jack_server

    jack = stack.enter_context(jack_server("sinks", folder))
    recorder = stack.enter_context(MidiRecorder(jack, folder / "heard.csv"))
    return (lambda: [heard.data for heard in recorder.stop()]), jack.name


def jack_port(folder: Path, patch: pytest.MonkeyPatch) -> Open:
    from bridges.jack_midi import JackMidi, JackPort

    stack = ExitStack()
    arrived, server = _listener(stack, folder)
    patch.setenv("JACK_DEFAULT_SERVER", server)
    client = JackMidi("contract", ["parts"])
    stack.callback(client.close)
    client.connect("parts", "recorder:in")
    return Open(JackPort(client, 0, "parts"), stack, arrived)


def existing_port(folder: Path, patch: pytest.MonkeyPatch) -> Open:
    from bridges.midi_out import ExistingPort, find_midi_output

    stack = ExitStack()
    arrived, server = _listener(stack, folder)
    patch.setenv("JACK_DEFAULT_SERVER", server)
    with pytest.raises(DeviceError, match="no MIDI output is called 'nowhere'; there are 0: "):
        find_midi_output("nowhere")
    return Open(ExistingPort(find_midi_output("recorder")), stack, arrived)


def virtual_port(folder: Path, patch: pytest.MonkeyPatch) -> Open:
    from bridges.midi_out import VirtualPort, virtual_backends

    backends = virtual_backends()
    if not backends:
        pytest.skip("no system here makes ports")
    try:
        return Open(VirtualPort(backends[0], "contract", "contract parts"))
    except DeviceError as error:
        pytest.skip(str(error))


@pytest.fixture(params=[synth, jack_port, existing_port, virtual_port], ids=lambda f: f.__name__)
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Open]:
    import shutil

    if request.param in (jack_port, existing_port) and shutil.which("jackd") is None:
        pytest.skip("jackd is not installed (Debian/Ubuntu: jackd2)")
    found: Open = request.param(tmp_path, monkeypatch)
    with found.stack:
        yield found
        found.sink.close()


def test_a_sink_keeps_the_contract(opened: Open) -> None:
    from bridges.midi_bytes import clock_bytes, message_bytes

    sink = opened.sink
    assert sink.name
    assert sink.kind in ("jack", "coremidi", "alsa", "port", "synth")
    assert 0.0 <= sink.latency_s < 1.0
    assert 0.0 <= sink.ahead_s < 1.0
    assert sink.gone == ""
    ticks = (ClockEvent(0.0, ClockKind.POSITION, 130), ClockEvent(0.0, ClockKind.TICK))
    at_s = time.monotonic() + sink.ahead_s
    messages: list[Message | ClockEvent] = [*MESSAGES, *ticks]
    for i, message in enumerate(messages):
        sink.send(message, at_s, i)
    sink.send(Message(Kind.ON, 1, 64, 90), time.monotonic() - 5.0, "late")
    sink.send(Message(Kind.OFF, 1, 64), time.monotonic(), "late")
    time.sleep(0.3)
    left = sink.sent()
    if sink.ahead_s > 0.0:
        assert [tag for tag, _ in left if tag != "late"] == list(range(8))
        assert all(late_s >= 0.0 for _, late_s in left)
        assert max(late_s for tag, late_s in left if tag == "late") == pytest.approx(5.0, abs=0.1)
        assert max(late_s for tag, late_s in left if tag != "late") < 0.002
    else:
        assert left == []
    assert sink.sent() == []
    assert sink.gone == ""
    if opened.arrived is not None:
        got = opened.arrived()
        wanted = [message_bytes(m) for m in MESSAGES] + [clock_bytes(tick) for tick in ticks]
        late = [b"\x90\x40\x5a", b"\x80\x40\x00"]
        assert [data for data in got if data not in late] == wanted
        assert [data for data in got if data in late] == late
    sink.close()
    sink.close()


def test_a_closed_sink_says_so_and_raises_nothing(opened: Open) -> None:
    opened.sink.close()
    opened.stack.close()  # its client and its server too
    deadline_s = time.monotonic() + 5.0
    while not opened.sink.gone:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    opened.sink.send(Message(Kind.ON, 1, 60, 90), time.monotonic(), None)
    assert opened.sink.sent() == []
