"""``accompanist separate``, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from recorded_files import RATE, music, recording
from separating_fakes import use_quick_methods

from accompanist.app.cli import main
from accompanist.app.pieces import open_any


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    use_quick_methods(monkeypatch)
    recording(tmp_path / "concerto.wav", music(4.0, channels=2))
    recording(tmp_path / "humming.wav", music(2.0, seed=5))
    return tmp_path


def separate(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["separate", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_files_are_written_and_said(home: Path) -> None:
    done = separate("concerto.wav", "--solo", "humming.wav", "--out", "minus-one")
    assert done.exit_code == 0, done.output
    assert "concerto.wav: the soloist taken out with the method harmonic, by humming" in done.stdout
    assert "written to minus-one: accompaniment.wav, solo.wav, separation.json" in done.stdout
    assert "Kept with the piece" not in done.stdout
    whole, _ = soundfile.read("concerto.wav", dtype="float32")
    rest, rate = soundfile.read("minus-one/accompaniment.wav", dtype="float32")
    solo, _ = soundfile.read("minus-one/solo.wav", dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(rest + solo, whole, atol=1e-7)


def test_without_out_it_is_kept_with_the_file(home: Path) -> None:
    done = separate("concerto.wav", "--solo", "humming.wav", "--json", "--alpha", "0.5")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert (facts["method"], facts["alpha"]) == ("harmonic", 0.5)
    found = open_any("concerto.wav").recording
    assert found is not None
    assert found.accompaniment is not None


def test_a_piece_of_the_library_keeps_it_besides(home: Path) -> None:
    assert CliRunner().invoke(main, ["pieces", "add", "concerto.wav"]).exit_code == 0
    done = separate("concerto", "--solo", "humming.wav", "--out", "minus-one")
    assert done.exit_code == 0, done.output
    assert "Kept with the piece. Next: accompanist play concerto" in done.stdout
    found = open_any("concerto").recording
    assert found is not None
    assert found.accompaniment is not None
    assert found.accompaniment.read_bytes() == Path("minus-one/accompaniment.wav").read_bytes()


def test_the_weaker_way_is_said_to_be_it(home: Path) -> None:
    wide = music(4.0, channels=2)
    wide[:, 1] += music(4.0, seed=9)[:, 0]
    recording(home / "wide.wav", wide)
    done = separate("wide.wav", "--out", "out")
    assert done.exit_code == 0, done.output
    assert "This is the weaker way" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["gone.wav", "--out", "out"], 3, "gone.wav"),
        (["nothing-like-it"], 2, "there is no piece and no file"),
        (["concerto.wav", "--solo", "gone.wav"], 3, "gone.wav"),
        (["concerto.wav", "--out", "out"], 3, "mono: the centre cannot be told"),
        (["concerto.wav", "--solo", "humming.wav", "--alpha", "-2"], 2, "alpha -2.0"),
        (["concerto.wav", "--method", "magic"], 2, "no separation method"),
        (["concerto.wav", "--solo", "humming.wav", "--part", "1"], 2, "--part is for scores"),
        (["concerto.wav", "--solo", "humming.wav", "--out", "."], 2, "other things in it"),
        (["concerto.wav", "--solo", "humming.wav", "--quality", "best"], 2, "best"),
        (["londonderry-air"], 2, "is a score"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    home: Path, arguments: list[str], code: int, message: str
) -> None:
    before = {p.name for p in home.iterdir()}
    failed = separate(*arguments)
    assert failed.exit_code == code, failed.output
    assert message in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1
    assert {p.name for p in home.iterdir()} - before <= {"cache", "data"}


def test_a_silent_recording(home: Path) -> None:
    recording(home / "silent.wav", np.zeros((4 * RATE, 1), dtype=np.float32))
    failed = separate("silent.wav", "--solo", "humming.wav", "--out", "out")
    assert failed.exit_code == 3
    assert "silent" in failed.stderr


def test_a_recording_cut_short_is_separated_as_far_as_it_goes(home: Path) -> None:
    data = (home / "concerto.wav").read_bytes()
    (home / "concerto.wav").write_bytes(data[: len(data) * 3 // 4])
    done = separate("concerto.wav", "--solo", "humming.wav", "--out", "out", "--json")
    assert done.exit_code == 0, done.output
    assert "cut short" in done.stderr
    assert json.loads(done.stdout)["seconds"] == pytest.approx(3.0, abs=0.1)


def test_an_interruption_leaves_nothing(home: Path) -> None:
    done = separate(
        "concerto.wav", "--solo", "humming.wav", "--out", "out", "--method", "interrupted"
    )
    assert done.exit_code == 130
    assert not (home / "out").exists()
    assert not list(home.rglob(".separating*"))
