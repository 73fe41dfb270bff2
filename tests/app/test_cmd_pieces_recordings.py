"""``accompanist pieces`` with recordings, as a user meets it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from recorded_files import RATE, music, recording

from accompanist.app.analysing.cache import recordings_folder
from accompanist.app.cli import main
from accompanist.app.pieces import open_any
from accompanist.errors import AccompanistError, BadInputError
from score_library.catalogue import Piece


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def concerto(home: Path) -> Path:
    return recording(home / "Concerto in D.wav", music(channels=2))


def pieces(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["pieces", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def pieces_json(*arguments: str) -> Any:
    result = pieces(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def folders() -> list[str]:
    return [p.name for p in recordings_folder().iterdir() if p.is_dir()]


def test_add_list_show_check_remove(concerto: Path, home: Path) -> None:
    added = pieces("add", concerto.name, "--title", "My concerto", "--keep-soloist")
    assert added.exit_code == 0, added.output
    assert "Added concerto-in-d: My concerto, a recording of 0:08, about ♩ = 120" in added.stdout
    assert "accompanist separate concerto-in-d --solo U.wav" in added.stdout
    assert "Next: accompanist play concerto-in-d" in added.stdout
    concerto.unlink()  # it was copied

    row = next(r for r in pieces("list").stdout.splitlines() if r.startswith("concerto-in-d"))
    assert row.split() == ["concerto-in-d", "–", "0:08", "My", "concerto", "(yours,", "a",
                           "recording)"]  # fmt: skip
    (listed,) = pieces_json("list", "--own")
    assert (listed["kind"], listed["minutes"]) == ("recording", pytest.approx(8 / 60, abs=1e-3))
    assert listed["recording"]["without_soloist"] is False

    shown = pieces("show", "concerto-in-d").stdout
    for text in (
        "My concerto\n",
        "file     recording.wav, stereo, 11025 Hz",
        "length   0:08",
        "LUFS",
        "tempo    about ♩ = 120 (an estimate",
        "soloist  is still in it",
        "(an estimate)",
        "metre    ",
        "Orchestra (recording)",
    ):
        assert text in shown
    facts = pieces_json("show", "concerto-in-d")["recording"]
    assert (facts["rate"], facts["channels"], facts["seconds"]) == (RATE, 2, 8.0)
    assert facts["qpm"] == pytest.approx(120.0, abs=2.0)
    assert facts["beats_a_bar"] in (3, 4)

    checked = pieces("check", "concerto-in-d")
    assert (checked.exit_code, "nothing that should be hard" in checked.stdout) == (0, True)

    assert len(folders()) == 1
    assert pieces("remove", "concerto-in-d").stdout == "Removed concerto-in-d.\n"
    assert folders() == []
    assert pieces_json("list", "--own") == []


def test_it_is_opened_without_reading_it_through(
    concerto: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces_json("add", "--keep-soloist", concerto.name, "--id", "mine")

    def refuse(*_arguments: object) -> str:
        raise AssertionError("it is read through")

    monkeypatch.setattr("accompanist.app.analysing.cache.RecordingCache.key", refuse)
    assert open_any("mine").title == "Concerto in D"


def test_link_leaves_the_file_where_it_is(concerto: Path, home: Path) -> None:
    pieces_json("add", "--keep-soloist", concerto.name, "--id", "mine", "--link")
    assert not list((home / "data").rglob("*.wav"))
    piece = open_any("mine")
    assert piece.recording is not None
    assert piece.recording.file == concerto

    os.utime(concerto, (1, 1))  # touched, but the same
    assert open_any("mine").recording == piece.recording
    recording(concerto, music(6.0))
    changed = open_any("mine")
    assert changed.score.recording_s == pytest.approx(6.0)

    concerto.unlink()
    gone = pieces("show", "mine")
    assert (gone.exit_code, "is gone; bring it back" in gone.stderr) == (3, True)
    assert pieces("remove", "mine").exit_code == 0


def test_two_pieces_of_one_recording_share_what_is_known(concerto: Path) -> None:
    pieces_json("add", "--keep-soloist", concerto.name, "--id", "one")
    pieces_json("add", "--keep-soloist", concerto.name, "--id", "two")
    assert len(folders()) == 1
    pieces("remove", "one")
    assert len(folders()) == 1
    assert pieces("check", "two").exit_code == 0
    pieces("remove", "two")
    assert folders() == []


def test_add_again_only_with_replace_and_before_the_work(
    concerto: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces_json("add", "--keep-soloist", concerto.name, "--id", "mine")
    with monkeypatch.context() as patch:
        patch.setattr("accompanist.app.analysing.add.listen_to", None)
        again = pieces("add", concerto.name, "--id", "mine")
        assert (again.exit_code, "--replace" in again.stderr) == (2, True)
        no_solo = pieces("add", concerto.name, "--id", "other", "--solo", "nothing.wav")
        assert (no_solo.exit_code, "nothing.wav" in no_solo.stderr) == (3, True)
        no_score = pieces("add", concerto.name, "--id", "other", "--score", "nothing.mxl")
        assert (no_score.exit_code, "nothing.mxl" in no_score.stderr) == (3, True)
    assert (
        pieces("add", "--keep-soloist", concerto.name, "--id", "mine", "--replace").exit_code == 0
    )


def test_the_soloist_is_taken_out_as_far_as_it_goes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, list[Path]]] = []

    def separate(piece: Piece, solos: list[Path], **_more: object) -> None:
        asked.append((piece.id, solos))
        if piece.id == "full":
            raise AccompanistError("full: the disk is too full")
        if not solos:
            raise BadInputError("mono: give something that shows the solo")

    monkeypatch.setattr("accompanist.app.separating.separate.separate_piece", separate)
    mono = recording(home / "a.wav")
    added = pieces("add", mono.name)
    assert added.exit_code == 0
    assert added.stderr == (
        "The soloist stays in it for now: mono: give something that shows the solo\n"
    )
    added = pieces("add", mono.name, "--id", "b", "--solo", mono.name, "--solo", mono.name)
    assert (added.exit_code, added.stderr) == (0, "")
    assert "separate" not in added.stdout
    assert asked == [("a", []), ("b", [Path("a.wav"), Path("a.wav")])]
    added = pieces("add", mono.name, "--id", "full")
    assert (added.exit_code, "Added full" in added.stdout) == (0, True)
    assert added.stderr == "The soloist stays in it for now: the disk is too full\n"
    added = pieces("add", mono.name, "--id", "full", "--replace", "--solo", mono.name)
    assert added.exit_code == 1


def test_check_finds_what_is_wrong(concerto: Path) -> None:
    pieces_json("add", "--keep-soloist", concerto.name, "--id", "mine")
    folder = recordings_folder() / folders()[0]
    recording(folder / "accompaniment.wav", music(5.0))
    (folder / "reference.json").write_text("{")
    checked = pieces("check", "mine")
    assert checked.exit_code == 1
    assert "the accompaniment lasts 0:05, not 0:08" in checked.stdout
    assert "what the soloist is followed by cannot be read" in checked.stdout


def test_a_recording_file_is_shown_without_adding(concerto: Path) -> None:
    assert "Concerto in D\n" in pieces("show", concerto.name).stdout
    assert pieces("check", concerto.name).exit_code == 0
    assert pieces_json("list", "--own") == []


def test_silence_is_refused_and_leaves_nothing(home: Path) -> None:
    recording(home / "a.wav", np.zeros((4 * RATE, 1), np.float32))
    result = pieces("add", "a.wav")
    assert (result.exit_code, result.stdout) == (3, "")
    assert (
        result.stderr == "accompanist: a.wav: nothing can be heard in the recording: it is silent\n"
    )
    assert folders() == []
    assert not (home / "data").exists()


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (("simulate", "Concerto in D.wav", "--out", "x"), "no notes to simulate"),
        (("session", "Concerto in D.wav", "--host", "reaper", "--out", "x"), "no notes for"),
    ],
)
def test_where_notes_are_needed_a_recording_is_refused(
    concerto: Path, command: tuple[str, ...], word: str, home: Path
) -> None:
    result = CliRunner().invoke(main, list(command))
    assert (result.exit_code, word in result.stderr) == (3, True), result.stderr
    assert not (home / "x").exists()
