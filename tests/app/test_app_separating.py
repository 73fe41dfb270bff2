"""Separations of recordings: files whole or not there, kept with the piece, all said."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from recorded_files import RATE, music, recording
from separating_fakes import Half, piece_of, use_known_fits, use_quick_methods

from accompanist.app.separating import stems
from accompanist.app.separating.kept import KeptSolos, fingerprint
from accompanist.app.separating.place import (
    check_place,
    hidden_folder,
    read_facts,
    separation_folder,
    write_facts,
)
from accompanist.app.separating.run import Choice, interrupts_told
from accompanist.app.separating.separate import separate_piece, separation_of
from accompanist.app.separating.stems import StemFiles, bytes_needed
from accompanist.errors import AccompanistError, BadInputError, UsageError
from score_library.catalogue import Piece

SECONDS = 4.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    use_quick_methods(monkeypatch)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return recording(tmp_path / "concerto.wav", music(SECONDS, channels=2), subtype="FLOAT")


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    return recording(tmp_path / "humming.wav", music(2.0, seed=5))


@pytest.fixture
def piece(mixed: Path, tmp_path: Path) -> Piece:
    return piece_of(mixed, tmp_path / "cache")


def folder_of(piece: Piece) -> Path:
    assert piece.recording is not None
    return piece.recording.folder


def read(path: Path) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], int]:
    return soundfile.read(path, dtype="float32", always_2d=True)  # type: ignore[no-any-return]


def test_what_is_written_adds_up_to_the_recording(
    piece: Piece, mixed: Path, shown: Path, tmp_path: Path
) -> None:
    out = tmp_path / "some" / "where"
    done = separate_piece(piece, [shown], out=out)
    assert sorted(p.name for p in out.iterdir()) == [
        "accompaniment.wav", "separation.json", "solo.wav",
    ]  # fmt: skip
    (whole, rate), (rest, rest_rate), (solo, _) = map(
        read, (mixed, out / "accompaniment.wav", out / "solo.wav")
    )
    assert rate == rest_rate == RATE
    assert rest.shape == solo.shape == whole.shape == (round(SECONDS * RATE), 2)
    np.testing.assert_allclose(rest + solo, whole, atol=1e-7)
    np.testing.assert_allclose(solo, 0.5 * whole, atol=1e-7)
    facts = json.loads((out / "separation.json").read_text())
    assert facts == done.facts
    assert facts["method"] == "harmonic"
    assert facts["solos"] == [{"name": "humming"}]
    assert (facts["seconds"], facts["rate"], facts["channels"]) == (SECONDS, RATE, 2)
    assert (facts["alpha"], facts["quality"], facts["weaker"]) == (1.0, "full", False)


def test_it_is_kept_with_the_piece(piece: Piece, shown: Path) -> None:
    assert piece.recording is not None
    assert separation_of(piece.recording) is None
    separate_piece(piece, [shown])
    folder = folder_of(piece)
    assert piece.recording.accompaniment == folder / "accompaniment.wav"
    assert piece.recording.solo == folder / "solo.wav"
    found = separation_of(piece.recording)
    assert found is not None
    assert found["method"] == "harmonic"
    assert [KeptSolos.name(p) for p in KeptSolos(folder).paths] == ["humming"]
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_out_alone_leaves_the_piece_alone(piece: Piece, shown: Path, tmp_path: Path) -> None:
    done = separate_piece(piece, [shown], out=tmp_path / "out", store=False)
    assert not done.stored
    assert list(folder_of(piece).iterdir()) == []


def test_what_is_kept_shows_the_solo_the_next_time(
    piece: Piece, shown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    separate_piece(piece, [shown])
    again = separate_piece(piece)
    assert [one["name"] for one in again.facts["solos"]] == ["humming"]
    take = recording(tmp_path / "take.wav", music(3.0, seed=6))
    use_known_fits(monkeypatch, {2 * RATE: 1.3, 3 * RATE: 1.4})
    both = separate_piece(piece, [take, shown])  # the known one counts once
    assert both.facts["solos"] == [
        {"name": "take", "fit": 1.4},
        {"name": "humming", "fit": 1.3},
    ]
    assert len(KeptSolos(folder_of(piece)).paths) == 2


def test_what_does_not_fit_is_left_out_and_not_kept(
    piece: Piece, shown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = recording(tmp_path / "other.wav", music(1.5, seed=7))
    poor = recording(tmp_path / "poor.wav", music(2.5, seed=7))
    use_known_fits(monkeypatch, {2 * RATE: 1.5, round(2.5 * RATE): 1.05})
    said: list[str] = []
    done = separate_piece(piece, [other, poor, shown], tell=said.append)
    assert done.left_out == (
        ("other", "it does not fit the recording: another piece?"),
        ("poor", "it fits much worse than the best one"),
    )
    assert said[0] == "other: left out: it does not fit the recording: another piece?"
    assert [one["name"] for one in done.facts["solos"]] == ["humming"]
    assert len(KeptSolos(folder_of(piece)).paths) == 1


def test_a_wrong_take_changes_nothing(
    piece: Piece, shown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    separate_piece(piece, [shown])
    before = (folder_of(piece) / "accompaniment.wav").stat()
    other = recording(tmp_path / "other.wav", music(1.5, seed=7))
    use_known_fits(monkeypatch, {2 * RATE: 1.5})
    with pytest.raises(BadInputError, match="everything stays as it was"):
        separate_piece(piece, [other])
    after = (folder_of(piece) / "accompaniment.wav").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len(KeptSolos(folder_of(piece)).paths) == 1

    done = separate_piece(piece, [other, shown])  # with one that is known already
    assert [one["name"] for one in done.facts["solos"]] == ["humming"]
    assert done.left_out[0][0] == "other"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left")])
def test_an_interruption_leaves_nothing(
    piece: Piece,
    shown: Path,
    tmp_path: Path,
    error: BaseException | type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(StemFiles, "write", broken)
    out = tmp_path / "out"
    expected = KeyboardInterrupt if error is KeyboardInterrupt else AccompanistError
    with pytest.raises(expected):
        separate_piece(piece, [shown], out=out)
    assert not out.exists()
    assert list(folder_of(piece).iterdir()) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "concerto.wav", "humming.wav"]


def test_an_interruption_of_compiled_code_is_one() -> None:
    def compiled(cause: BaseException | None) -> None:
        raise SystemError("returned a result with an exception set") from cause

    with pytest.raises(KeyboardInterrupt), interrupts_told():
        compiled(KeyboardInterrupt())
    with pytest.raises(SystemError), interrupts_told():
        compiled(None)


def test_an_interruption_half_way_keeps_the_former_one(
    piece: Piece, shown: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    separate_piece(piece, [shown], out=out)
    former = (out / "solo.wav").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        separate_piece(piece, [shown], Choice("interrupted"), out=out)
    assert (out / "solo.wav").read_bytes() == former
    assert (folder_of(piece) / "solo.wav").read_bytes() == former
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_full_disk_is_told_before_the_work(
    piece: Piece, shown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1_000_000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage())
    with pytest.raises(AccompanistError, match=r"1 MB are needed .* 50 MB to spare, 1 MB are free"):
        separate_piece(piece, [shown], out=tmp_path / "out")
    assert bytes_needed(2, round(SECONDS * RATE)) == 2 * 2 * 4 * round(SECONDS * RATE)


def test_what_the_system_says_is_put_into_words(tmp_path: Path) -> None:
    for number, words in ((errno.ENOSPC, "the disk is full"), (errno.EACCES, "cannot be written")):
        with pytest.raises(AccompanistError, match=words), stems.disk_told(tmp_path):
            raise OSError(number, "said the system")


@pytest.mark.parametrize(
    ("seconds", "quality", "method"),
    [(10.0, "auto", "full"), (700.0, "auto", "fast"), (10.0, "fast", "fast")],
)
def test_long_recordings_are_separated_fast(seconds: float, quality: str, method: str) -> None:
    assert Choice(quality=quality).fast(seconds) == (method == "fast")


def test_without_a_solo_the_weaker_way(
    piece: Piece, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInputError, match=r"concerto\.wav: mono: .* give --solo"):
        separate_piece(piece)  # both channels are the same
    wide = music(SECONDS, channels=2)
    wide[:, 1] += music(SECONDS, seed=9)[:, 0]
    file = recording(tmp_path / "wide.wav", wide)
    done = separate_piece(piece_of(file, tmp_path / "wide"))
    assert (done.facts["method"], done.facts["weaker"]) == ("centre", True)
    assert done.facts["solos"] == []


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice("magic"), "no separation method 'magic': there are harmonic"),
        (Choice(alpha=-1.0), "alpha -1.0 is not between 0 and 100"),
        (Choice("harmonic"), "needs something that shows the solo; give it with --solo"),
    ],
)
def test_choices_that_make_no_sense(piece: Piece, choice: Choice, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        separate_piece(piece, (), choice)
    assert list(folder_of(piece).iterdir()) == []


def test_solos_that_cannot_be_used(piece: Piece, tmp_path: Path) -> None:
    nothing = np.zeros((2 * RATE, 1), dtype=np.float32)
    for name, samples, message in (
        ("silent.wav", nothing, "is silent; it cannot show the solo"),
        ("short.wav", music(2.0)[: RATE // 2], "is too short to show the solo"),
    ):
        with pytest.raises(BadInputError, match=message):
            separate_piece(piece, [recording(tmp_path / name, samples)])
    with pytest.raises(BadInputError, match=r"gone\.wav"):
        separate_piece(piece, [tmp_path / "gone.wav"])
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    with pytest.raises(BadInputError, match="not a sound file"):
        separate_piece(piece, [text])


def test_a_solo_that_can_only_be_read_from_its_beginning(piece: Piece, tmp_path: Path) -> None:
    ogg = recording(tmp_path / "humming.ogg", music(2.0, rate=44_100), 44_100, format="OGG")
    assert separate_piece(piece, [ogg]).facts["solos"] == [{"name": "humming"}]


def test_a_part_is_for_scores(piece: Piece, shown: Path) -> None:
    with pytest.raises(UsageError, match="--part is for scores"):
        separate_piece(piece, [shown], part="Violin")


def test_an_out_with_other_things_in_it(piece: Piece, shown: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is there already with other things in it"):
        separate_piece(piece, [shown], out=tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        separate_piece(piece, [shown], out=shown)
    out = tmp_path / "out"
    separate_piece(piece, [shown], out=out)
    with pytest.raises(UsageError, match="would be lost"):
        check_place(out, [out / "solo.wav"])
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        separate_piece(piece, [shown], out=out)


def test_hidden_folders_of_killed_runs_go(tmp_path: Path) -> None:
    dead = tmp_path / ".separating-dead"
    dead.mkdir()
    with hidden_folder(tmp_path) as one:
        assert not dead.exists()
        with hidden_folder(tmp_path) as other:
            assert one.exists()
            assert other.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with separation_folder(out) as folder:
        write_facts(folder, {"a": 1})
        assert not out.exists()
    assert read_facts(out) == {"a": 1}
    with pytest.raises(RuntimeError), separation_folder(out) as folder:
        raise RuntimeError
    assert read_facts(out) == {"a": 1}
    (out / "separation.json").write_text("[")
    assert read_facts(out) is None


def test_kept_solos(tmp_path: Path, shown: Path) -> None:
    from bridges.recording_file import RecordingFile

    kept = KeptSolos(tmp_path / "cache")
    assert kept.paths == []
    mark = fingerprint(shown)
    with RecordingFile(shown) as sound:
        kept.add(mark, "my/take: 1", sound)
    assert kept.has(mark)
    assert not kept.has("0" * 12)
    (path,) = kept.paths
    assert kept.name(path) == "my_take_ 1"
    copied, rate = read(path)
    assert rate == RATE
    np.testing.assert_allclose(copied, read(shown)[0], atol=1e-4)
    assert kept.forget() == 1
    assert kept.paths == []


def test_long_files_are_of_the_larger_format(tmp_path: Path) -> None:
    with StemFiles(tmp_path, 44_100, 2, 600_000_000) as files:
        files.write(np.zeros((8, 2), dtype=np.float32), np.zeros((8, 2), dtype=np.float32))
    assert soundfile.info(tmp_path / "solo.wav").format == "RF64"
    assert Half().needs_solo
