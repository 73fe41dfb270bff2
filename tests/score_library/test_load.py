"""Reading score files by content, and keeping what was read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from midi_bytes import midi_file, off, on
from musicxml_text import attributes, document, note, packed

from accompanist.errors import BadInputError
from score_library import cache as cache_module
from score_library import load as load_module
from score_library.cache import ScoreCache
from score_library.load import load_score

XML = document(("Violin", [attributes() + note("C", 16)]))
MIDI = midi_file([on(60), off(60, 480)])
ABC = b"X:1\nT:Jig\nM:3/4\nL:1/4\nQ:1/4=96\nK:G\n|: G A B | d2 g | d3 :|\n"
KERN = b"**kern\n*M2/4\n=1\n4c\n4d\n=2\n2e\n==\n*-\n"
MEI = b"""<?xml version="1.0"?><mei xmlns="http://www.music-encoding.org/ns/mei"><music><body><mdiv>
<score><scoreDef meter.count="2" meter.unit="4"><staffGrp><staffDef n="1" lines="5"/></staffGrp>
</scoreDef><section><measure n="1"><staff n="1"><layer n="1">
<note pname="c" oct="4" dur="4"/><note pname="d" oct="4" dur="4"/></layer></staff></measure>
</section></score></mdiv></body></music></mei>"""


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    return tmp_path / "cache" / "scores"


@pytest.mark.parametrize(
    ("name", "data", "pitches"),
    [
        ("a.musicxml", XML, [60]),
        ("a.xml", XML.decode().replace("UTF-8", "UTF-16").encode("utf-16"), [60]),
        ("a.mxl", packed(XML), [60]),
        ("a.mid", MIDI, [60]),
        ("misnamed.xml", MIDI, [60]),
        ("misnamed.mid", packed(XML), [60]),
        ("no-suffix", b"\xef\xbb\xbf" + XML, [60]),
        ("a.abc", ABC, [67, 69, 71, 74, 79, 74] * 2),
        ("book.abc", ABC + b"\nX:2\nT:Other\nK:C\n" + b"C|" * 801, [67, 69, 71, 74, 79, 74] * 2),
        ("a.krn", KERN, [60, 62, 64]),
        ("a.mei", MEI, [60, 62]),
    ],
)
def test_every_kind_is_read_by_its_content(
    name: str, data: bytes, pitches: list[int], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    score = load_score(path)
    assert [n.pitch for n in score.parts[0].notes] == pitches
    assert load_score(path) == score
    assert load_score(path, cached=False) == score


def test_a_file_without_a_title_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "My Tune.musicxml").write_bytes(XML)
    assert load_score(tmp_path / "My Tune.musicxml").title == "My Tune"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.wav", b"RIFF\x00\x00\x00\x00WAVEfmt ", "a recording, not a score"),
        ("a.mid", b"RIFF\x00\x00\x00\x00WAVEfmt ", "a recording, not a score"),
        ("a.pdf", b"%PDF-1.4 \x00\x01", r"not a score; .*MusicXML \(.musicxml"),
        ("a.mid", b"\x01\x02\x03", "in spite of its name"),
        ("a.mid", b"", "the file is empty"),
        ("a.mxl", b"\0" * 300, "the file is empty"),
        ("a.xml", b"<html><body/></html>", "not a score but <html>"),
        ("a.svg", b"<svg/>", "not a score but <svg>"),
        ("a.abc", b"nothing\n", "not ABC|no parts|no notes"),
        ("a.krn", b"**kern\n*-\n", "not Humdrum|no parts|no notes"),
        ("a.mei", b"<mei><music/></mei>", "not MEI|no parts|no notes"),
        ("a.abc", b"X:1\nK:C\n" + b"C|" * 801, r"801 bars, at most 800\)"),
        ("a.abc", b"X:1\nK:C\n" + b"C" * 400, "notes in one bar, at most 300"),
        ("a.krn", b"**kern\n" + b"4c\n" * 15_001, "notes, at most 15000"),
        ("a.mei", b'<!DOCTYPE mei [<!ENTITY a "b">]><mei>&a;</mei>', "declares entities"),
    ],
)
def test_what_is_no_score_is_refused(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInputError, match=message) as raised:
        load_score(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_missing_files_folders_and_giants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInputError, match="no such file"):
        load_score(tmp_path / "nowhere.mid")
    with pytest.raises(BadInputError, match="this is a folder"):
        load_score(tmp_path)
    (tmp_path / "a.mid").write_bytes(MIDI)
    monkeypatch.setattr(load_module, "MAX_FILE_BYTES", 10)
    with pytest.raises(BadInputError, match="too large for a score"):
        load_score(tmp_path / "a.mid")


def test_a_score_read_before_comes_from_the_cache(
    tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.musicxml"
    path.write_bytes(XML)
    score = load_score(path)
    monkeypatch.delattr(load_module, "read_score")
    assert load_score(path) == score
    (entry,) = cache_folder.iterdir()
    assert json.loads(entry.read_text())["title"] == "a"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": -1}', "[" * 100_000])
def test_a_damaged_cache_is_read_over(text: str, tmp_path: Path, cache_folder: Path) -> None:
    path = tmp_path / "a.musicxml"
    path.write_bytes(XML)
    score = load_score(path)
    (entry,) = cache_folder.iterdir()
    entry.write_text(text)
    assert load_score(path) == score
    assert json.loads(entry.read_text())["title"] == "a"


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    cache = ScoreCache(blocked / "scores")
    path = tmp_path / "a.musicxml"
    path.write_bytes(XML)
    cache.put("key", load_score(path))
    assert cache.get("key") is None


def test_the_oldest_entries_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr(cache_module, "_MOST_FILES", 2)
    path = tmp_path / "a.musicxml"
    path.write_bytes(XML)
    score = load_score(path)
    cache = ScoreCache(tmp_path / "small")
    for age, key in enumerate("abc"):
        cache.put(key, score)
        os.utime(tmp_path / "small" / f"{key}.json", (age, age))
    cache.put("d", score)
    assert sorted(p.stem for p in (tmp_path / "small").iterdir()) == ["c", "d"]


def test_musicxml_and_midi_need_no_music21(tmp_path: Path) -> None:
    (tmp_path / "a.mxl").write_bytes(packed(XML))
    (tmp_path / "a.mid").write_bytes(MIDI)
    code = (
        "import sys; from pathlib import Path; from score_library.load import load_score\n"
        "for name in sys.argv[1:]: load_score(Path(name), cached=False)\n"
        "assert 'music21' not in sys.modules"
    )
    paths = [str(tmp_path / "a.mxl"), str(tmp_path / "a.mid")]
    subprocess.run([sys.executable, "-c", code, *paths], check=True, timeout=60)
