"""The bundled pieces are what the index says; the library keeps what is put into it."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from accompanist.errors import AccompanistError, BadInputError, UsageError
from accompanist.score.solo import solo_line
from score_library.catalogue import DEMO_PIECE_ID, Piece, list_pieces, open_piece
from score_library.index import PieceInfo, is_piece_id, read_info
from score_library.load import is_recording
from score_library.own_pieces import (
    RecordingEntry,
    add_piece,
    add_recording,
    free_id,
    remove_piece,
)

RANGES = {  # sounding MIDI pitch and General MIDI programs
    "violin": (55, 103, {40}),
    "cello": (36, 81, {42}),
    "flute": (59, 98, {73}),
    "clarinet": (50, 94, {71}),
    "trumpet": (52, 86, {56}),
    "voice": (40, 84, {52, 53, 54}),
    "piano": (21, 108, {0}),
}

SCORE = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0"><work><work-title>Two notes</work-title></work>
<part-list><score-part id="P1"><part-name>Flute</part-name></score-part>
<score-part id="P2"><part-name>Piano</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions>
<time><beats>2</beats><beat-type>4</beat-type></time></attributes>
<note><pitch><step>C</step><octave>5</octave></pitch><duration>1</duration></note>
<note><pitch><step>D</step><octave>5</octave></pitch><duration>1</duration></note></measure></part>
<part id="P2"><measure number="1"><attributes><divisions>1</divisions></attributes>
<note><pitch><step>C</step><octave>3</octave></pitch><duration>2</duration></note></measure></part>
</score-partwise>
"""

BUNDLED = [info for info in list_pieces(Path("/nonexistent")) if info.bundled]


@pytest.fixture(scope="module", autouse=True)
def fresh_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module", params=BUNDLED, ids=lambda info: info.id)
def bundled(request: pytest.FixtureRequest, fresh_cache: None) -> tuple[PieceInfo, Piece]:
    info: PieceInfo = request.param
    return info, open_piece(info.id)


@pytest.fixture
def score_file(tmp_path: Path) -> Path:
    path = tmp_path / "Two Notes (für Elise).musicxml"
    path.write_text(SCORE, "utf-8")
    return path


def test_there_is_something_for_everybody() -> None:
    assert len(BUNDLED) >= 15
    assert {info.instrument for info in BUNDLED} == set(RANGES)
    assert {info.difficulty for info in BUNDLED} == {1, 2, 3, 4, 5}
    assert max(info.minutes or 0 for info in BUNDLED) > 10
    assert len({info.id for info in BUNDLED}) == len(BUNDLED)


def test_each_has_a_solo_as_declared(bundled: tuple[PieceInfo, Piece]) -> None:
    info, piece = bundled
    low, high, programs = RANGES[info.instrument]
    assert piece.score.suggested_solo == piece.solo_part.number
    assert piece.solo_part.program in programs
    assert all(low <= note.pitch <= high for note in piece.solo_part.notes)
    assert len(solo_line(piece.solo_part)) >= 40


def test_each_has_an_accompaniment_that_ends_with_it(bundled: tuple[PieceInfo, Piece]) -> None:
    _, piece = bundled
    score = piece.score
    others = [part for part in score.parts if part.number != piece.solo_part.number]
    assert sum(len(part.notes) for part in others) >= 50
    for part in score.parts:
        assert part.name
        assert part.notes
        assert part.notes[0].onset_quarter >= 0
        assert max(note.end_quarter for note in part.notes) <= score.end_quarter
        assert all(note.duration_quarter > 0 or note.grace for note in part.notes)


def test_bars_join_without_gaps(bundled: tuple[PieceInfo, Piece]) -> None:
    score = bundled[1].score
    assert score.measures[0].start_quarter == 0
    for one, other in pairwise(score.measures):
        assert other.start_quarter == pytest.approx(one.end_quarter)
    assert score.measures[-1].end_quarter == pytest.approx(score.end_quarter)


def test_each_has_terms_a_tempo_and_the_length_declared(bundled: tuple[PieceInfo, Piece]) -> None:
    info, piece = bundled
    assert info.title
    assert info.composer
    assert any(word in info.licence for word in ("CC0", "CC BY", "public domain"))
    assert piece.score.licence == info.licence
    assert piece.score.tempo_marks[0].written
    assert info.minutes == pytest.approx(piece.minutes, rel=0.05)


@pytest.mark.parametrize("info", [i for i in BUNDLED if i.file], ids=lambda info: info.id)
def test_our_own_encodings_are_small_and_say_their_terms(info: PieceInfo) -> None:
    import score_library

    path = Path(score_library.__file__).parent / "pieces" / info.id / str(info.file)
    text = path.read_text("utf-8")
    assert len(text) < 200 * 1024
    assert "<rights>The work is in the public domain. This arrangement and encoding: CC0" in text


@pytest.mark.parametrize("info", [i for i in BUNDLED if i.file], ids=lambda info: info.id)
def test_bars_of_our_own_encodings_have_the_length_of_their_metre(info: PieceInfo) -> None:
    score = open_piece(info.id).score
    metre = score.metres[0]
    full = metre.numerator * 4 / metre.denominator
    assert len(score.metres) == 1
    assert all(measure.length_quarter == full for measure in score.measures[1:])


def test_the_demo_is_a_minute_with_a_fermata_and_a_ritardando_near_its_end() -> None:
    piece = open_piece(DEMO_PIECE_ID)
    assert 45 <= piece.minutes * 60 <= 70
    assert any(f.quarter > 0.6 * piece.score.end_quarter for f in piece.score.fermatas)
    assert any(s.start_quarter > 0.6 * piece.score.end_quarter for s in piece.score.tempo_spans)


def test_listing_reads_no_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("score_library.catalogue.load_score", refuse)
    assert len(list_pieces(tmp_path)) == len(BUNDLED)


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ("londonderry-ayr", "londonderry-air"),
        ("Pachelbel", "pachelbel-canon"),
        ("folia", "la-folia"),
    ],
)
def test_unknown_ids_are_answered_with_the_nearest(
    wanted: str, nearest: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=f"did you mean .*{nearest}"):
        open_piece(wanted, tmp_path)


@pytest.mark.parametrize("wanted", ["", "\0", "x" * 5000, "no such piece", "-", "ö"])
def test_odd_ids_are_usage_errors(wanted: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        open_piece(wanted, tmp_path)


@pytest.mark.parametrize("wanted", ["missing.mid", "../../etc/nothing", "/", ".", "a/../b.xml"])
def test_paths_to_nothing_are_bad_input(wanted: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        open_piece(wanted, tmp_path)


@pytest.mark.parametrize("suffix", [".wav", ".FLAC", ".ogg", ".mp3"])
def test_recordings_are_no_scores(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"take{suffix}"
    path.write_bytes(b"RIFF")
    with pytest.raises(BadInputError, match="is a recording; here a score is needed"):
        open_piece(str(path), tmp_path)
    with pytest.raises(BadInputError, match="is a recording, not a score"):
        add_piece(path, user_dir=tmp_path / "pieces")
    assert not (tmp_path / "pieces").exists()


@pytest.mark.parametrize(
    ("name", "start", "is_one"),
    [
        ("a.wav", b"", True),
        ("a.FLAC", b"MThd", True),
        ("a.mid", b"fLaC", False),
        ("a", b"fLaC....", True),
        ("a.part", b"RIFF....WAVEfmt ", True),
        ("a", b"RIFF....RMIDdata", False),
        ("a", b"FORM....AIFF", True),
        ("a", b"ID3....", True),
        ("a", b"<score-partwise>", False),
        ("a", b"", False),
    ],
)
def test_recordings_are_known_by_suffix_or_contents(
    name: str, start: bytes, is_one: bool, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(start)
    assert is_recording(tmp_path / name) is is_one
    assert not is_recording(tmp_path)
    assert not is_recording(tmp_path / "nothing")


ENTRY = RecordingEntry("Concerto", "Somebody", 7.5, "abc-1", score="{}")


@pytest.mark.parametrize("link", [False, True])
def test_a_recording_is_copied_or_referred_to(link: bool, tmp_path: Path) -> None:
    file, library = tmp_path / "take.WAV", tmp_path / "pieces"
    file.write_bytes(b"sound")
    info = add_recording(file, "take", ENTRY, lambda p: str(p.stat().st_size), link=link,
                         user_dir=library)  # fmt: skip
    assert (info.title, info.composer, info.minutes) == ("Concerto", "Somebody", 7.5)
    assert (info.recording_key, info.recording_stamp, info.file) == ("abc-1", "5", "score.json")
    assert info.recording == (str(file) if link else "recording.wav")
    assert (library / "take" / "recording.wav").exists() is not link
    assert [p.id for p in list_pieces(library)][-1] == "take"
    with pytest.raises(BadInputError, match="is a recording"):
        open_piece("take", library)
    with pytest.raises(UsageError, match="already"):
        free_id(file, None, user_dir=library)
    remove_piece("take", library)
    assert file.exists()
    assert list(library.iterdir()) == []


def test_a_recording_that_does_not_fit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, library = tmp_path / "take.wav", tmp_path / "pieces"
    file.write_bytes(bytes(1000))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=999))
    with pytest.raises(AccompanistError, match=r"too full to copy take\.wav.*--link"):
        add_recording(file, "take", ENTRY, lambda _path: "", user_dir=library)
    assert list(library.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "right"),
    [("a.wav", True), ("/music/a.wav", True), ("../a.wav", False), ("sub/a.wav", False)],
)
def test_entries_of_recordings_lead_into_their_folder_or_to_an_absolute_path(
    place: str, right: bool, tmp_path: Path
) -> None:
    (tmp_path / "piece").mkdir()
    (tmp_path / "piece" / "piece.toml").write_text(f'recording = "{place}"\n', "utf-8")
    if right:
        assert read_info(tmp_path / "piece", bundled=False).recording == place
    else:
        with pytest.raises(BadInputError, match="leads out"):
            read_info(tmp_path / "piece", bundled=False)
    if place.startswith("/"):
        with pytest.raises(BadInputError, match="leads out"):
            read_info(tmp_path / "piece", bundled=True)


def test_a_file_opens_by_its_path(score_file: Path, tmp_path: Path) -> None:
    piece = open_piece(str(score_file), tmp_path)
    assert (piece.title, piece.solo_part.name, piece.from_library) == ("Two notes", "Flute", False)


def test_add_open_replace_remove(score_file: Path, tmp_path: Path) -> None:
    library = tmp_path / "pieces"
    info = add_piece(score_file, user_dir=library)
    assert (info.id, info.title, info.solo, info.bundled) == (
        "two-notes-fur-elise",
        "Two notes",
        1,
        False,
    )
    assert [p.id for p in list_pieces(library)][-1] == info.id
    assert open_piece(info.id, library).solo_part.name == "Flute"

    with pytest.raises(UsageError, match="already"):
        add_piece(score_file, user_dir=library)
    again = add_piece(score_file, title='A "title"\n', solo="Piano", replace=True, user_dir=library)
    assert (again.title, again.solo) == ('A "title" ', 2)
    assert open_piece(info.id, library).solo_part.name == "Piano"

    remove_piece(info.id, library)
    assert list(library.iterdir()) == []


def test_what_cannot_be_read_is_not_added(tmp_path: Path, score_file: Path) -> None:
    library = tmp_path / "pieces"
    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"MThd\0\0")
    with pytest.raises(BadInputError):
        add_piece(broken, user_dir=library)
    with pytest.raises(UsageError):
        add_piece(score_file, solo="Tuba", user_dir=library)
    assert not library.exists()


@pytest.mark.parametrize(
    "name", ["../evil", "/abs", "a/b", ".hidden", "", "UPPER", "x" * 65, "a\0"]
)
def test_ids_cannot_lead_out_of_the_library(name: str, score_file: Path, tmp_path: Path) -> None:
    assert not is_piece_id(name)
    with pytest.raises(UsageError):
        add_piece(score_file, piece_id=name, user_dir=tmp_path / "pieces")
    with pytest.raises(UsageError):
        remove_piece(name, tmp_path / "pieces")
    assert sorted(p.name for p in tmp_path.iterdir()) == [score_file.name]


def test_bundled_pieces_are_neither_replaced_nor_removed(score_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bundled"):
        add_piece(score_file, piece_id=DEMO_PIECE_ID, replace=True, user_dir=tmp_path / "pieces")
    with pytest.raises(UsageError, match="comes with the program"):
        remove_piece(DEMO_PIECE_ID, tmp_path / "pieces")


@pytest.mark.parametrize(
    "index",
    [
        "not toml at all [",
        "",
        'file = "../../secret.mid"',
        'file = "/etc/passwd"',
        'corpus = "../../secret"',
        'file = "a.mid"\ncorpus = "b"',
        'file = "a.mid"\nsurprise = 1',
        "file = 3",
        'file = "a.mid"\ndifficulty = true',
    ],
)
def test_a_spoilt_entry_is_passed_over_in_the_list_and_named_when_opened(
    index: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spoilt").mkdir()
    (tmp_path / "spoilt" / "piece.toml").write_text(index, "utf-8")
    with caplog.at_level(logging.WARNING):
        assert [p.id for p in list_pieces(tmp_path) if not p.bundled] == []
    assert "spoilt" in caplog.text
    with pytest.raises(BadInputError, match="spoilt"):
        open_piece("spoilt", tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes anywhere")
def test_a_library_that_cannot_be_written_is_said_so(score_file: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(AccompanistError, match="cannot write"):
        add_piece(score_file, user_dir=tmp_path / "locked" / "pieces")


def test_a_file_in_the_place_of_the_library_is_said_so(score_file: Path, tmp_path: Path) -> None:
    (tmp_path / "pieces").write_text("not a folder", "utf-8")
    with pytest.raises(AccompanistError, match="cannot write"):
        add_piece(score_file, user_dir=tmp_path / "pieces")
    assert len(list_pieces(tmp_path / "pieces")) == len(BUNDLED)
