"""Recordings as pieces: listened to once, kept whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from recorded_files import BEAT_S, RATE, music, recording

from accompanist.app.analysing import listen
from accompanist.app.analysing.cache import RecordingCache, recordings_folder
from accompanist.app.analysing.listen import listen_to, unless
from accompanist.app.pieces import (
    analyse_recording,
    check_has_notes,
    default_follower,
    open_any,
    reference_of,
)
from accompanist.errors import AccompanistError, BadInputError, UsageError
from accompanist.score.tempo import written_tempo


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left() -> list[str]:
    """What is left in the cache but for the empty lock files."""
    root = recordings_folder()
    return sorted(p.name for p in root.iterdir() if p.suffix != ".lock") if root.exists() else []


def test_a_recording_is_a_piece(home: Path) -> None:
    piece = open_any(str(recording(home / "concerto.wav")))
    assert (piece.id, piece.title, piece.from_library) == ("concerto", "concerto", False)
    assert (piece.solo_part.number, piece.solo_part.name) == (1, "Soloist")
    assert piece.score.recording_s == pytest.approx(8.0)
    assert piece.minutes * 60.0 == pytest.approx(8.0)
    assert piece.recording is not None
    assert piece.recording.sound_file == piece.recording.file == home / "concerto.wav"
    assert piece.recording.accompaniment is None
    assert default_follower(piece) == "recording"
    tempo = written_tempo(piece.score)
    beat_s = np.diff(tempo.to_seconds(np.arange(3.0, 12.0)))
    np.testing.assert_allclose(beat_s, BEAT_S, atol=0.02)
    reference = reference_of(piece)
    assert reference is not None
    assert reference.duration_s == pytest.approx(8.0, abs=0.05)


def test_scores_are_opened_as_ever() -> None:
    piece = open_any("ode-to-joy")
    assert piece.recording is None
    assert reference_of(piece) is None
    assert default_follower(piece) == "bayes"
    check_has_notes(piece, "to simulate")
    with pytest.raises(UsageError, match="did you mean ode-to-joy"):
        open_any("ode-to-joi")
    with pytest.raises(UsageError):
        open_any("")


def test_it_is_listened_to_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = recording(home / "a.wav")
    first = listen_to(file)

    def refuse(*_arguments: object) -> None:
        raise AssertionError("it is listened to again")

    monkeypatch.setattr(listen, "_listen", refuse)
    assert listen_to(file).score == first.score
    moved = listen_to(file.rename(home / "b.wav"))
    assert moved.recording.folder == first.recording.folder
    assert open_any("b.wav").title == "b"


def test_an_ogg_file_is_decoded_once(home: Path) -> None:
    file = recording(home / "a.ogg", music(channels=2), subtype="VORBIS")
    found = analyse_recording(file)
    assert found.file == file
    assert found.sound_file == found.folder / "recording.flac"
    assert soundfile.info(found.sound_file).frames == 8 * RATE


def test_tags_give_title_and_composer(home: Path) -> None:
    with soundfile.SoundFile(home / "01.flac", "w", RATE, 1) as file:
        file.title, file.artist = "Air", "Somebody"
        file.write(music())
    piece = open_any("01.flac")
    assert (piece.title, piece.composer) == ("Air", "Somebody")


def test_a_file_without_a_suffix_is_known_by_its_contents(home: Path) -> None:
    recording(home / "a.wav").rename(home / "recording")
    assert open_any("./recording").recording is not None


@pytest.mark.parametrize("rate", [8000, 48_000])
def test_slow_and_fast_rates_work(home: Path, rate: int) -> None:
    heard = listen_to(recording(home / "a.wav", music(3.0, rate=rate), rate))
    assert heard.analysis.rate == rate
    assert heard.analysis.duration_s == pytest.approx(3.0)


def silent(path: Path) -> None:
    recording(path, np.zeros((3 * RATE, 1), np.float32))


def short(path: Path) -> None:
    recording(path, music(1.9))


def surround(path: Path) -> None:
    recording(path, music(channels=6))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (silent, "nothing can be heard"),
        (short, "lasts 1.9 s only"),
        (surround, "has 6 channels"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"<html>" * 999), "not a sound file"),
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is no file"),
    ],
)
def test_what_is_no_recording_is_refused(
    home: Path, make: Callable[[Path], None], words: str
) -> None:
    make(home / "a.wav")
    with pytest.raises(BadInputError, match=words) as caught:
        open_any("a.wav")
    assert str(caught.value).startswith("a.wav: ")
    assert left() == []


def test_too_long_recordings_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording(home / "a.wav")
    monkeypatch.setattr(listen, "LONGEST_S", 5)
    with pytest.raises(BadInputError, match="long; cut it into pieces"):
        open_any("a.wav")
    monkeypatch.setattr(listen, "LONGEST_S", 8)
    assert open_any("a.wav").recording is not None


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_file_cut_short_is_read_as_far_as_it_goes(home: Path, name: str) -> None:
    file = recording(home / name, music(12.0))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) * 3 // 5])
    told: list[str] = []
    piece = open_any(name, told.append)
    assert len(told) == 1
    assert told[0].startswith(f"{name}: the file is cut short; reading the ")
    assert piece.score.recording_s is not None
    assert 4.0 < piece.score.recording_s < 8.0
    assert f"the {piece.score.recording_s:.1f} s" in told[0]
    open_any(name, told.append)
    assert len(told) == 1


def test_odd_samples_are_mended_in_a_copy(home: Path) -> None:
    samples = 20_000.0 * music()
    samples[100] = np.nan
    told: list[str] = []
    piece = open_any(str(recording(home / "a.wav", samples, subtype="FLOAT")), told.append)
    assert ["not numbers" in told[0], "full scale" in told[1]] == [True, True]
    assert piece.recording is not None
    assert piece.recording.sound_file.name == "recording.flac"
    copy, _ = soundfile.read(piece.recording.sound_file)
    assert np.abs(copy).max() == pytest.approx(1.0, abs=0.01)


def test_without_a_pulse_there_is_an_even_grid_and_a_warning(home: Path) -> None:
    t = np.arange(6 * RATE) / RATE
    drone = (0.1 * np.sin(2 * np.pi * 220.0 * t) * np.minimum(t, 1.0)).astype(np.float32)
    told: list[str] = []
    piece = open_any(str(recording(home / "a.wav", drone[:, None])), told.append)
    assert any("no steady pulse" in line for line in told)
    tempi = [mark.qpm for mark in piece.score.tempo_marks[2:-1]]
    assert tempi == pytest.approx([120.0] * len(tempi))
    assert piece.solo_part.notes


def test_recordings_have_no_notes(home: Path) -> None:
    piece = open_any(str(recording(home / "a.wav")))
    with pytest.raises(BadInputError, match="a recording has no notes to simulate"):
        check_has_notes(piece, "to simulate")


class GivenUpError(Exception):
    """Somebody has had enough."""


@pytest.mark.parametrize("after_s", [0.0, 8.5, 17.0])
def test_given_up_half_way_nothing_is_left(home: Path, after_s: float) -> None:
    done = 0.0

    @contextmanager
    def bar(label: str, total: float) -> Iterator[Callable[[float], None]]:
        assert label == "Listening to a.wav"
        assert total == pytest.approx(24.0)

        def advance(amount: float) -> None:
            nonlocal done
            done += amount
            if done > after_s:
                raise GivenUpError

        yield advance

    file = recording(home / "a.wav")
    with pytest.raises(GivenUpError):
        listen_to(file, bar=bar)
    assert left() == []
    assert listen_to(file).analysis.duration_s == pytest.approx(8.0)


def test_what_nobody_wants_any_more_is_given_up(home: Path) -> None:
    wanted = True

    def unwanted() -> bool:
        nonlocal wanted
        wanted, before = False, wanted
        return not before

    with pytest.raises(AccompanistError, match=r"Listening to a\.wav: given up"):
        open_any(str(recording(home / "a.wav")), bar=unless(unwanted))
    assert left() == []
    assert open_any("a.wav", bar=unless(lambda: False)).id == "a"


def test_progress_adds_up(home: Path) -> None:
    amounts: list[float] = []

    @contextmanager
    def bar(_label: str, total: float) -> Iterator[Callable[[float], None]]:
        yield amounts.append
        assert sum(amounts) == pytest.approx(total, rel=0.02)

    listen_to(recording(home / "a.wav"), bar=bar)
    assert len(amounts) > 10


def test_a_full_disk_is_told_before_and_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = recording(home / "a.wav")
    usage = shutil.disk_usage(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1_000_000))
    with pytest.raises(AccompanistError, match=r"20 MB are needed there.*1 MB are free"):
        listen_to(file)
    assert left() == []


def test_a_disk_that_fills_while_caching_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_sound: object, folder: Path, _progress: object) -> None:
        (folder / "reference.spectra.npy").write_bytes(bytes(1000))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("accompanist.recordings.reference.analyse_reference", full)
    with pytest.raises(AccompanistError, match=r"the disk is full; make room there"):
        listen_to(recording(home / "a.wav"))
    assert left() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_is_named(home: Path) -> None:
    recordings_folder().mkdir(parents=True)
    recordings_folder().chmod(0o500)
    with pytest.raises(AccompanistError, match="cannot be written"):
        listen_to(recording(home / "a.wav"))


def test_what_killed_runs_left_is_removed_but_not_what_is_being_made(home: Path) -> None:
    root = recordings_folder()
    for name in ("dead", "alive"):
        (root / f".making-{name}").mkdir(parents=True)
        (root / f".making-{name}" / "recording.flac").write_bytes(bytes(100))
    lock = os.open(root / ".alive.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        found = analyse_recording(recording(home / "a.wav"))
        assert left() == sorted([".making-alive", found.folder.name])
    finally:
        os.close(lock)


def test_the_later_one_waits_and_takes_what_the_earlier_one_made(home: Path) -> None:
    cache = RecordingCache(home / "known")
    file = recording(home / "a.wav")
    key = cache.key(file)
    within, waiting = threading.Event(), threading.Event()

    def earlier() -> None:
        with cache.making(key) as fresh:
            assert fresh is not None
            within.set()
            waiting.wait(10.0)
            (fresh / "analysis.json").write_text("{}")

    thread = threading.Thread(target=earlier)
    thread.start()
    assert within.wait(10.0)
    began = time.monotonic()
    with cache.making(key, waiting.set) as fresh:
        assert fresh is None
    assert time.monotonic() - began < 5.0
    thread.join()
    assert cache.has(key)


def test_the_separated_soloist_outlives_an_older_analysis(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = recording(home / "a.wav")
    monkeypatch.setattr("accompanist.app.analysing.cache.ANALYSIS_VERSION", 0)
    old = listen_to(file).recording.folder
    recording(old / "accompaniment.wav")
    (old / "solos").mkdir()
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    fresh = listen_to(file).recording
    assert fresh.accompaniment is not None
    assert (fresh.folder / "solos").is_dir()
    assert left() == [fresh.folder.name]


@pytest.mark.parametrize("damage", ["{", json.dumps({"version": 0})])
def test_what_cannot_be_read_any_more_is_made_anew(home: Path, damage: str) -> None:
    file = recording(home / "a.wav")
    first = listen_to(file)
    (first.recording.folder / "analysis.json").write_text(damage)
    assert listen_to(file).score == first.score
