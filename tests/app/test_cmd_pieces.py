"""``accompanist pieces`` as a user meets it, in a library of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from accompanist.app.cli import main

SCORE = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0"><work><work-title>Two notes</work-title></work>
<part-list><score-part id="P1"><part-name>Flute</part-name></score-part>
<score-part id="P2"><part-name>Piano</part-name></score-part>
<score-part id="P3"><part-name>Tuba</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions>
<key><fifths>-1</fifths><mode>minor</mode></key>
<time><beats>2</beats><beat-type>4</beat-type></time></attributes>
<note><pitch><step>C</step><octave>5</octave></pitch><duration>1</duration></note>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>1</duration></note></measure></part>
<part id="P2"><measure number="1"><attributes><divisions>1</divisions></attributes>
<note><pitch><step>C</step><octave>3</octave></pitch><duration>2</duration></note></measure></part>
<part id="P3"><measure number="1"><attributes><divisions>1</divisions></attributes>
<note><rest/><duration>2</duration></note></measure></part>
</score-partwise>
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def score_file(home: Path) -> Path:
    path = home / "two-notes.musicxml"
    path.write_text(SCORE, "utf-8")
    return path


def pieces(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["pieces", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def pieces_json(*arguments: str) -> Any:
    result = pieces(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def failure(*arguments: str) -> tuple[int, str]:
    result = pieces(*arguments)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.exit_code, result.stderr


def test_list_shows_the_bundled_pieces_with_what_one_chooses_by() -> None:
    lines = pieces("list").stdout.splitlines()
    assert lines[0].split() == ["id", "solo", "level", "length", "piece"]
    assert len(lines) > 15
    assert next(line for line in lines if line.startswith("londonderry-air")).split()[:4] == [
        "londonderry-air",
        "cello",
        "2",
        "1:05",
    ]


def test_list_for_scripts_and_for_one_instrument() -> None:
    listed = pieces_json("list", "--instrument", "Trumpet")
    assert len(listed) >= 2
    assert {piece["instrument"] for piece in listed} == {"trumpet"}
    assert set(listed[0]) == {
        "id",
        "title",
        "composer",
        "licence",
        "source",
        "solo",
        "instrument",
        "difficulty",
        "minutes",
        "note",
        "bundled",
        "kind",
    }
    assert "pieces add" in pieces("list", "--own").stdout


def test_show_names_parts_and_solo() -> None:
    shown = pieces("show", "londonderry-air").stdout
    assert "Londonderry Air – Traditional (Irish)" in shown
    assert "D major" in shown
    assert "marks    A (bar 1), B (bar 9)" in shown
    assert "fermatas bar 14, bar 17" in shown
    row = next(line for line in shown.splitlines() if line.startswith("1 "))
    assert row.split() == ["1", "Cello", "Cello", "90", "solo"]


def test_show_for_scripts() -> None:
    shown = pieces_json("show", "ode-to-joy")
    assert (shown["solo"], shown["bars"], shown["quarters"]) == (1, 32, 128.0)
    assert shown["parts"][0]["transposition"] == -2
    assert [mark["text"] for mark in shown["marks"]] == ["A", "B"]


def test_add_show_check_remove(score_file: Path, home: Path) -> None:
    added = pieces("add", str(score_file), "--id", "mine", "--title", "Mein Stück", "--solo", "2")
    assert added.stdout == (
        "Added mine: Mein Stück. The solo is part 2, Piano.\nNext: accompanist play mine\n"
    )
    assert (home / "data" / "accompanist" / "pieces" / "mine" / "piece.toml").is_file()
    assert [piece["id"] for piece in pieces_json("list", "--own")] == ["mine"]
    assert "Mein Stück" in pieces("show", "mine").stdout
    assert "d minor" in pieces("show", "mine").stdout
    assert pieces_json("show", "mine")["solo"] == 2

    checked = pieces("check", "mine")
    assert checked.exit_code == 0
    assert "no tempo is written" in checked.stdout
    assert pieces_json("check", "mine")["solo"] == 2
    assert pieces_json("check", "mine", "--solo", "Flute")["solo"] == 1

    assert pieces("remove", "mine").stdout == "Removed mine.\n"
    assert pieces_json("list", "--own") == []
    assert failure("remove", "mine")[0] == 2


def test_add_again_only_with_replace(score_file: Path) -> None:
    assert pieces_json("add", str(score_file))["id"] == "two-notes"
    code, message = failure("add", str(score_file))
    assert code == 2
    assert "--replace" in message
    assert pieces("add", str(score_file), "--replace").exit_code == 0


def test_a_score_file_is_shown_and_checked_without_adding(score_file: Path) -> None:
    assert "Two notes" in pieces("show", str(score_file)).stdout
    assert pieces("check", str(score_file)).exit_code == 0
    assert pieces_json("list", "--own") == []


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("show", "londonderry"), 2, "londonderry-air"),
        (("show", "nothing.xml"), 3, "nothing.xml"),
        (("add", "nothing.xml"), 3, "nothing.xml"),
        (("add", "take.wav"), 3, "take.wav: not a sound file"),
        (("add", "nothing.flac"), 3, "nothing.flac: no such file"),
        (("add", "two-notes.musicxml", "--link"), 2, "are for recordings"),
        (("add", "two-notes.musicxml", "--score", "x.mid"), 2, "are for recordings"),
        (("add", "two-notes.musicxml", "--id", "../../evil"), 2, "cannot be an id"),
        (("add", "two-notes.musicxml", "--id", "la-folia"), 2, "bundled"),
        (("add", "two-notes.musicxml", "--solo", "Oboe"), 2, "Oboe"),
        (("add", "two-notes.musicxml", "--solo", "Tuba"), 2, "no notes"),
        (("add", "empty.musicxml"), 3, "empty.musicxml"),
        (("check", "two-notes.musicxml", "--solo", "9"), 2, "9"),
        (("remove", "la-folia"), 2, "comes with the program"),
        (("remove", "../two-notes.musicxml"), 2, "no piece"),
        (("remove",), 2, "PIECE"),
        (("sell", "la-folia"), 2, "sell"),
    ],
)
def test_failures_are_one_line_with_the_reason(
    arguments: tuple[str, ...], code: int, word: str, score_file: Path, home: Path
) -> None:
    (home / "empty.musicxml").write_bytes(b"")
    (home / "take.wav").write_bytes(b"RIFF")
    got, message = failure(*arguments)
    assert (got, word in message) == (code, True), message
    assert not (home / "data").exists()


@pytest.mark.parametrize("name", ["list", "show", "add", "remove", "check"])
def test_every_command_has_an_example(name: str) -> None:
    assert f"accompanist pieces {name}" in pieces(name, "--help").stdout
