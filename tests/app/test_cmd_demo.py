import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from rich.panel import Panel

from accompanist.app.cli import main
from accompanist.app.engine.live import LiveView
from accompanist.app.playing.terminal import Flags, Screen
from accompanist.errors import DeviceError


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["demo", *map(str, words)], catch_exceptions=False)


class QuickPlayback:
    """Plays nothing, and is at another place of the mix whenever asked."""

    def __init__(self, samples: np.ndarray, rate: int) -> None:
        self._length_s = len(samples) / rate
        self._share = 0.0

    def __enter__(self) -> "QuickPlayback":
        return self

    def __exit__(self, *_: object) -> None:
        self._share = 1.0

    @property
    def position_s(self) -> float:
        return self._length_s * self._share

    @property
    def ended(self) -> bool:
        self._share += 0.3
        return self._share > 1.0


class SeenScreen(Screen):
    """Keeps the moments that it was asked to show."""

    seen: ClassVar[list[tuple[float, float, float, float]]] = []

    def picture(self, view: LiveView | None, flags: Flags) -> Panel:
        assert view is not None
        now = view.step.estimate
        self.seen.append((now.time_s, now.quarter, 60.0 * now.quarters_per_s, now.confidence))
        return super().picture(view, flags)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("demo") / "take"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("accompanist.app.playing.terminal.Screen", SeenScreen)
        patch.setattr("bridges.audio_out.check_output", lambda: None)
        patch.setattr("bridges.audio_out.Playback", QuickPlayback)
        return run("--out", out, "--piece", "ode-to-joy", "--play"), out


def test_the_demo_says_that_the_soloist_is_simulated_and_what_to_type_next(
    demo: tuple[Result, Path],
) -> None:
    result, _ = demo
    assert result.exit_code == 0, result.output
    assert "SIMULATED" in result.output
    assert "accompanist render ode-to-joy MY-TAKE.wav" in result.output


def test_the_demo_writes_a_take_with_its_soloist_and_truth(demo: tuple[Result, Path]) -> None:
    _, out = demo
    assert {p.name for p in out.iterdir()} == {
        "accompaniment.mid",
        "accompaniment.wav",
        "mix.wav",
        "onsets.csv",
        "picture.svg",
        "played.csv",
        "take.json",
        "take.wav",
        "trace.csv",
        "truth.csv",
    }
    facts = json.loads((out / "take.json").read_text())
    assert facts["input"]["simulated"] is True
    assert facts["figures"]["lost"] == 0.0


def test_while_the_mix_sounds_the_screen_shows_the_rows_of_the_take_in_time(
    demo: tuple[Result, Path],
) -> None:
    _, out = demo
    lines = (out / "trace.csv").read_text().splitlines()[2:]
    trace = [[float(cell) for cell in line.split(",")[:4]] for line in lines]
    length_s = soundfile.info(out / "mix.wav").duration
    hop_s = json.loads((out / "take.json").read_text())["hop_s"]
    rows = [trace[min(int(share * length_s / hop_s), len(trace) - 1)] for share in (0.3, 0.6, 0.9)]
    assert [list(seen) for seen in SeenScreen.seen] == [pytest.approx(r, abs=1e-4) for r in rows]
    assert rows[0][1] < rows[1][1] < rows[2][1]


def test_without_an_audio_output_play_fails_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_there() -> None:
        raise DeviceError("no audio output found on this machine")

    monkeypatch.setattr("bridges.audio_out.check_output", nothing_there)
    result = run("--out", tmp_path / "take", "--play")
    assert result.exit_code == 4
    assert result.stderr == "accompanist: no audio output found on this machine\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [("--preset", "nobody"), ("--piece", "no-such-piece")])
def test_unknown_soloists_and_pieces_are_refused(tmp_path: Path, words: tuple[str, str]) -> None:
    result = run("--out", tmp_path / "take", *words)
    assert result.exit_code == 2
    assert not (tmp_path / "take").exists()


def test_the_help_has_an_example() -> None:
    assert "accompanist demo --play" in run("--help").output
