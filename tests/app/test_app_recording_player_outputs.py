"""The output of a recording comes, goes and comes back; recordings are opened beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.app.processes.links import Problem, RecordingSource
from accompanist.app.processes.recording_links import LoadRecording, RecordingOutput
from accompanist.app.recording_player import outputs as outputs_module
from accompanist.app.recording_player.loader import Loaded, RecordingLoader, open_playback
from accompanist.app.recording_player.outputs import OutputChange, RecordingOutputs, open_output
from accompanist.conducting.timeline import Timeline
from accompanist.errors import BadInputError, DeviceError
from accompanist.performing.cue import Cue
from accompanist.score.model import Score
from bridges.audio_files import write_wav
from bridges.audio_play import PretendOutput

PATIENCE_S = 10.0


class Hands:
    """What opens outputs in a test, and what it has opened."""

    def __init__(self) -> None:
        self.fault = ""
        self.asked: list[RecordingOutput] = []
        self.made: list[PretendOutput] = []

    def __call__(self, settings: RecordingOutput, *, again: bool = False) -> PretendOutput:
        self.asked.append(settings)
        if self.fault:
            raise DeviceError(self.fault)
        output = PretendOutput()
        output.kind = "jack"
        output.connections = lambda: (("out_1", "host:in"),)  # type: ignore[method-assign]
        self.made.append(output)
        return output


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def outputs(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingOutputs]:
    monkeypatch.setattr(outputs_module, "LOOK_S", 0.01)
    made = RecordingOutputs(lambda: None, hands, preparing=lambda: None)
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.close()
    made.adopted()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def news(outputs: RecordingOutputs) -> OutputChange | Problem:
    found = outputs.news.get(timeout=PATIENCE_S)
    if isinstance(found, OutputChange):
        outputs.adopted()
    return found


def until(found: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_an_output_is_given_once_it_runs(hands: Hands, outputs: RecordingOutputs) -> None:
    outputs.want(RecordingOutput())
    change = news(outputs)
    assert change == OutputChange(hands.made[0])
    until(lambda: hands.made[0].taken > 0)


def test_what_cannot_be_prepared_ends_nothing_and_waiting_is_known(hands: Hands) -> None:
    goes_on = threading.Event()

    def prepare() -> None:
        goes_on.wait(PATIENCE_S)
        raise RuntimeError("no compiler")

    made = RecordingOutputs(lambda: None, hands, preparing=prepare)
    thread = threading.Thread(target=made.run)
    thread.start()
    until(lambda: made.busy_s() > 0.02)
    goes_on.set()
    until(lambda: made.busy_s() == 0.0)
    made.want(RecordingOutput())
    assert isinstance(news(made), OutputChange)
    made.close()
    made.adopted()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_what_is_missing_is_told_once_and_tried_again(
    hands: Hands, outputs: RecordingOutputs
) -> None:
    hands.fault = "no loudspeakers"
    outputs.want(RecordingOutput())
    assert news(outputs) == Problem(503, "no loudspeakers", "recording")
    until(lambda: len(hands.asked) > 3)
    assert outputs.news.empty()
    hands.fault = ""
    assert isinstance(news(outputs), OutputChange)


def test_what_has_gone_is_let_go_and_comes_back_connected_as_it_was(
    hands: Hands, outputs: RecordingOutputs
) -> None:
    outputs.want(RecordingOutput())
    news(outputs)
    until(lambda: outputs.connections != ())
    hands.made[0].gone = "the server has gone"
    problem = news(outputs)
    assert isinstance(problem, Problem)
    assert "trying again" in problem.text
    assert news(outputs) == OutputChange(None)
    assert news(outputs) == OutputChange(hands.made[1])
    assert hands.asked[-1].connect == (("out_1", "host:in"),)
    assert hands.asked[-1].driver == "jack"  # it is waited for, whatever else there may be


def test_another_output_takes_the_place_of_the_first(
    hands: Hands, outputs: RecordingOutputs
) -> None:
    outputs.want(RecordingOutput())
    news(outputs)
    outputs.want(RecordingOutput(device="other"))
    assert news(outputs) == OutputChange(None)
    assert news(outputs) == OutputChange(hands.made[1])
    until(lambda: bool(hands.made[0].gone))


def test_silence_can_be_asked_for(tmp_path: Path) -> None:
    output = open_output(RecordingOutput(driver="silent", rate=8000, wav=tmp_path / "heard.wav"))
    assert (output.kind, output.sample_rate, output.name) == ("silent", 8000, "heard.wav")
    output.close()
    assert (tmp_path / "heard.wav").is_file()


# ---- recordings ----------------------------------------------------------------------------------


def command(file: Path, without: Path | None = None) -> LoadRecording:
    score = Score(title="", parts=(), measures=(), recording_s=1.0)
    return LoadRecording(RecordingSource(file, without), score)


def sound(path: Path, seconds: float = 1.0, rate: int = 8000) -> Path:
    samples = np.random.default_rng(1).normal(0, 0.1, (round(seconds * rate), 2))
    write_wav(path, samples.astype(np.float32), rate)
    return path


def test_a_recording_is_opened_with_what_is_left_without_its_soloist(tmp_path: Path) -> None:
    warnings: list[str] = []
    with ExitStack() as files:
        whole = command(sound(tmp_path / "a.wav"), sound(tmp_path / "b.wav"))
        _, without_solo = open_playback(whole, 8000, files, warnings.append)
        assert without_solo
        short = command(tmp_path / "a.wav", sound(tmp_path / "c.wav", rate=16_000))
        _, without_solo = open_playback(short, 8000, files, warnings.append)
        assert not without_solo
    assert len(warnings) == 1
    assert "does not fit" in warnings[0]


def test_a_recording_is_stretched_as_it_is_wanted(tmp_path: Path) -> None:
    whole = command(sound(tmp_path / "a.wav"))
    line = Timeline((0.0,), (0.0,), 1.2)

    def first(stretcher: str | None) -> npt.NDArray[np.float32]:
        with ExitStack() as files:
            wanted = replace(whole, stretcher=stretcher)
            playback, _ = open_playback(wanted, 8000, files, lambda line: None)
            playback.take(Cue(0.0, line, "following"))
            return playback.render(0.0, 4000)

    assert np.array_equal(first(None), first("phase-gradient"))
    assert not np.array_equal(first(None), first("phase-vocoder"))


def test_the_loader_opens_one_after_the_other_and_tells_what_cannot_be(tmp_path: Path) -> None:
    class Sounds:
        solo_level = gain = 0.0
        source_s = None

        def take(self, cue: object) -> None: ...

        def render(self, start_s: float, count: int) -> object: ...

    def opening(
        wanted: LoadRecording, rate: int, files: ExitStack, warn: Callable[[str], None]
    ) -> tuple[Sounds, bool]:
        if wanted.source.file.name == "bad.wav":
            raise BadInputError("bad.wav: no sound")
        files.callback(lambda: closed.append(wanted.source.file.name))
        return Sounds(), True

    closed: list[str] = []
    loader = RecordingLoader(lambda: None, opening, preparing=lambda: None)  # type: ignore[arg-type]
    thread = threading.Thread(target=loader.run)
    thread.start()
    loader.want(command(tmp_path / "bad.wav"), 48_000, 1.0)
    loader.want(command(tmp_path / "good.wav"), 48_000, 2.0)
    assert loader.news.get(timeout=PATIENCE_S) == Problem(503, "bad.wav: no sound", "recording")
    loaded = loader.news.get(timeout=PATIENCE_S)
    assert isinstance(loaded, Loaded)
    assert (loaded.source.file.name, loaded.asked_s) == ("good.wav", 2.0)
    loader.give_back(loaded.files)
    loader.close()
    thread.join(PATIENCE_S)
    assert closed == ["good.wav"]
