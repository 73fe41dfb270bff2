"""The control port at a desk: wishes, refusals, a port that goes and comes back, learning kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from accompanist.app.control.input import ControlInput, ControlSettings
from accompanist.app.control.pedals import DEFAULTS, Binding
from accompanist.app.desk.protocol import DeskError, Values, Watcher
from accompanist.errors import DeviceError
from bridges.midi_control import open_control

CUE_DOWN, CUE_UP = b"\xb0\x40\x7f", b"\xb0\x40\x00"


class FakeDesk:
    def __init__(self) -> None:
        self.done: list[tuple[str, Values]] = []
        self.lock = 0
        self.refuses = ""

    def get(self, key: str) -> Values:
        return (self.lock,)

    def set(self, key: str, values: Values) -> None:
        self.done.append((key, values))
        self.lock = int(values[0])

    def do(self, key: str, values: Values) -> None:
        if key == self.refuses:
            raise DeskError(409, "nothing is loaded")
        self.done.append((key, values))

    def parts(self) -> tuple[int, ...]:
        return ()

    def watch(self, watcher: Watcher) -> None: ...


class FakePort:
    def __init__(self, name: str) -> None:
        self.name, self.alive, self.closed = name, True, 0
        self.waiting: list[bytes] = []

    def take(self) -> list[bytes]:
        taken, self.waiting = self.waiting, []
        return taken

    def close(self) -> None:
        self.closed += 1


class Stage:
    """A control input with everything around it made of wood."""

    def __init__(self, path: Path, settings: ControlSettings | None = None) -> None:
        self.desk, self.now_s = FakeDesk(), 100.0
        self.problems: list[tuple[int, str]] = []
        self.ports: list[FakePort] = []
        self.absent: set[str] = set()
        self.input = ControlInput(
            self.desk,
            settings or ControlSettings(),
            problem=lambda code, text: self.problems.append((code, text)),
            open_source=self.open,
            now=lambda: self.now_s,
            path=path / "control.json",
        )

    def open(self, backend: str, wanted: str) -> FakePort:
        if wanted in self.absent:
            raise DeviceError(f"no port {wanted!r}")
        self.ports.append(FakePort(wanted or "ours"))
        return self.ports[-1]

    def send(self, *messages: bytes, after_s: float = 0.1) -> None:
        self.now_s += after_s
        self.ports[-1].waiting += messages
        self.input.poll()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.input.open()
    return stage


def test_pedals_reach_the_desk(stage: Stage) -> None:
    stage.send(CUE_DOWN)
    stage.send(after_s=0.7)
    stage.send(CUE_UP)
    stage.send(b"\xb0\x43\x7f", b"\xb0\x42\x7f")
    calls = [key for key, _ in stage.desk.done]
    assert calls == ["cue", "hold", "hold", "goto/prev", "midi/panic"]
    assert stage.desk.done[1:3] == [("hold", (1,)), ("hold", (0,))]
    assert stage.problems == []


def test_a_refused_wish_is_told(stage: Stage) -> None:
    stage.desk.refuses = "cue"
    stage.send(CUE_DOWN)
    assert stage.problems == [(409, "pedal: cue: nothing is loaded")]


def test_a_state_is_turned_over(stage: Stage) -> None:
    stage.input.learn("lock")
    stage.send(b"\xc0\x03")
    stage.send(b"\xc0\x03")
    stage.send(b"\xc0\x03")
    assert stage.desk.done == [("tempo/lock", (1,)), ("tempo/lock", (0,))]


def test_a_port_that_goes_is_told_once_and_opened_again(stage: Stage) -> None:
    stage.send(CUE_DOWN)
    stage.send(after_s=1.0)
    stage.absent.add("")
    stage.ports[0].alive = False
    stage.send()
    last: tuple[str, Values] = stage.desk.done[-1]
    assert last == ("hold", (0,))  # the foot is off
    assert stage.ports[0].closed == 1
    assert [code for code, _ in stage.problems] == [503]
    for _ in range(10):
        stage.send(after_s=2.0)
    assert len(stage.problems) == 1
    stage.absent.clear()
    stage.send(after_s=2.0)
    assert stage.input.names == ("ours",)
    stage.send(CUE_DOWN)
    assert stage.desk.done[-1] == ("cue", ())


def test_no_midi_at_all_is_told_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ControlSettings(input="FCB1010"))
    stage.absent |= {"", "FCB1010"}
    stage.input.open()
    assert stage.problems == [(503, "no port ''"), (503, "no port 'FCB1010'")]
    stage.absent.discard("")
    stage.now_s += 2.0
    stage.input.poll()
    assert stage.input.names == ("ours",)
    assert len(stage.problems) == 2
    stage.input.close()
    stage.input.close()
    assert stage.ports[0].closed == 1


def test_what_is_learned_is_kept(stage: Stage, tmp_path: Path) -> None:
    stage.input.learn("cue")
    stage.send(b"\x90\x24\x40")
    learned = Binding("note", 36, "cue", channel=1)
    assert stage.desk.done == []
    again = Stage(tmp_path)
    again.input.open()
    assert learned in again.input.bindings
    again.send(b"\x90\x24\x40")
    assert again.desk.done == [("cue", ())]
    again.input.forget()
    assert again.input.bindings == DEFAULTS
    third = Stage(tmp_path)
    third.input.open()
    assert third.input.bindings == DEFAULTS


@pytest.mark.parametrize("text", ["", "{", "[]", '{"bindings": 7}', '{"bindings": [{"kind": 1}]}'])
def test_a_broken_file_means_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "control.json").write_text(text)
    stage = Stage(tmp_path)
    stage.input.open()
    assert stage.input.bindings == DEFAULTS


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "control.json").mkdir()
    (tmp_path / "control.json" / "full").write_text("")
    stage = Stage(tmp_path)
    stage.input.open()
    stage.input.learn("back")
    stage.send(b"\xc0\x01")
    assert stage.problems[0][0] == 503
    assert json.dumps(stage.problems[0][1])
    assert "cannot be kept" in stage.problems[0][1]


def test_turned_off_it_opens_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ControlSettings(enable=False))
    stage.input.open()
    stage.now_s += 10.0
    stage.input.poll()
    assert stage.ports == []


def test_an_unknown_midi_system_is_refused() -> None:
    with pytest.raises(DeviceError, match="no MIDI system is called 'windows'; there are jack"):
        open_control("windows")
