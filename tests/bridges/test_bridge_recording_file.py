"""Recordings on disk, read at any place."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from accompanist.errors import AccompanistError, BadInputError
from bridges.recording_file import RecordingFile, copy_recording, seeks_exactly

RATE = 8000


def noise(seconds: float = 2.0, channels: int = 2) -> npt.NDArray[np.float32]:
    samples = np.random.default_rng(7).uniform(-0.5, 0.5, (round(seconds * RATE), channels))
    return (np.round(samples * 32768) / 32768).astype(np.float32)


def written(path: Path, samples: npt.NDArray[np.float32], **how: str) -> Path:
    soundfile.write(path, samples, RATE, **how)
    return path


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", "PCM_16"), ("a.wav", "FLOAT"), ("a.flac", "PCM_16"), ("a.aiff", "PCM_24")],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_any_place_is_read_exactly(tmp_path: Path, name: str, subtype: str, channels: int) -> None:
    samples = noise(channels=channels)
    path = written(tmp_path / name, samples, subtype=subtype)
    assert seeks_exactly(path)
    with RecordingFile(path) as sound:
        assert (sound.rate, sound.channels, sound.length) == (RATE, channels, len(samples))
        assert sound.duration_s == 2.0
        for start, count in ((0, 100), (100, 50), (9000, 4000), (3, 1), (15_999, 1), (500, 0)):
            block = sound.read(start, count)
            assert block.dtype == np.float32
            np.testing.assert_allclose(block, samples[start : start + count], atol=1e-7)


def test_outside_the_file_is_silence(tmp_path: Path) -> None:
    samples = noise(1.0)
    with RecordingFile(written(tmp_path / "a.wav", samples)) as sound:
        before = sound.read(-100, 150)
        np.testing.assert_array_equal(before[:100], 0.0)
        np.testing.assert_allclose(before[100:], samples[:50], atol=1e-7)
        behind = sound.read(RATE - 10, 100)
        np.testing.assert_allclose(behind[:10], samples[-10:], atol=1e-7)
        np.testing.assert_array_equal(behind[10:], 0.0)
        for start in (-5000, RATE, 10**9):
            np.testing.assert_array_equal(sound.read(start, 20), np.zeros((20, 2)))
        assert sound.read(0, -5).shape == (0, 2)
        assert sound.broke_at is None


def test_what_is_no_number_is_silence_and_counted(tmp_path: Path) -> None:
    samples = noise()
    samples[10, 0], samples[11, 1] = np.nan, np.inf
    with RecordingFile(written(tmp_path / "a.wav", samples, subtype="FLOAT")) as sound:
        block = sound.read(0, 100)
        assert np.isfinite(block).all()
        assert (block[10, 0], block[11, 1], sound.not_finite) == (0.0, 0.0, 2)
        assert sound.peak == pytest.approx(float(np.abs(block).max()))


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_file_that_breaks_off_is_silent_from_there_on(tmp_path: Path, name: str) -> None:
    samples = noise(5.0)
    path = written(tmp_path / name, samples)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 5])
    with RecordingFile(path) as sound:
        read = np.concatenate([sound.read(start, 3000) for start in range(0, 5 * RATE, 3000)])
        heard = np.flatnonzero(np.abs(read).sum(axis=1))[-1] + 1
        assert 2.0 * RATE < heard <= 3.1 * RATE
        np.testing.assert_allclose(read[:heard], samples[:heard], atol=1e-7)
        if name.endswith("flac"):  # of a WAV file libsndfile mends the header
            assert sound.broke_at == heard
            np.testing.assert_allclose(sound.read(1000, 50), samples[1000:1050], atol=1e-7)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"", "empty"), (b"hello, world" * 99, "not a sound file")],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=words):
        RecordingFile(path)
    assert not seeks_exactly(path)


def test_a_header_alone_is_no_recording(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "a.flac", noise())
    path.write_bytes(path.read_bytes()[:120])
    with RecordingFile(path) as source, pytest.raises(BadInputError, match="decoded") as caught:
        copy_recording(source, tmp_path / "copy.flac")
    assert str(caught.value).startswith(str(path))
    assert not [r for r in caplog.records if r.levelname == "WARNING"]  # it is said once


def test_folders_and_odd_rates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="folder"):
        RecordingFile(tmp_path)
    soundfile.write(tmp_path / "a.wav", noise(), 1000)
    with pytest.raises(BadInputError, match="1000 samples a second"):
        RecordingFile(tmp_path / "a.wav")


def test_an_ogg_file_is_copied_into_one_that_can_be_read_anywhere(tmp_path: Path) -> None:
    t = np.arange(3 * RATE) / RATE
    tone = (0.4 * np.sin(2 * np.pi * 440.0 * t)).astype(np.float32)[:, None]
    path = written(tmp_path / "a.ogg", tone, subtype="VORBIS")
    assert not seeks_exactly(path)
    done: list[float] = []
    with RecordingFile(path) as source:
        count = copy_recording(source, tmp_path / "copy.flac", progress=done.append)
    assert count == len(tone)
    assert sum(done) == pytest.approx(3.0)
    assert seeks_exactly(tmp_path / "copy.flac")
    decoded, _ = soundfile.read(path, dtype="float32", always_2d=True)
    with RecordingFile(tmp_path / "copy.flac") as copy:
        assert copy.length == len(tone)
        np.testing.assert_allclose(copy.read(7000, 500), decoded[7000:7500], atol=4e-5)


def test_a_copy_is_scaled_clipped_and_can_be_given_up(tmp_path: Path) -> None:
    loud = 100.0 * noise()
    path = written(tmp_path / "a.wav", loud, subtype="FLOAT")
    with RecordingFile(path) as source:
        copy_recording(source, tmp_path / "copy.flac", gain=1.0 / 60.0)
    with RecordingFile(tmp_path / "copy.flac") as copy:
        copied = copy.read(0, copy.length)
    np.testing.assert_allclose(copied, loud / 60.0, atol=4e-5)

    def give_up(_seconds: float) -> None:
        raise KeyboardInterrupt

    with RecordingFile(path) as source, pytest.raises(KeyboardInterrupt):
        copy_recording(source, tmp_path / "copy.flac", progress=give_up)


def test_a_full_disk_is_told_as_the_system_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise soundfile.LibsndfileError(2, "writing: ")

    usage = shutil.disk_usage(tmp_path)
    with RecordingFile(written(tmp_path / "a.wav", noise())) as source:
        monkeypatch.setattr(soundfile.SoundFile, "write", fail)
        with pytest.raises(AccompanistError, match="cannot be written"):
            copy_recording(source, tmp_path / "copy.flac")
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=4096))
        with pytest.raises(OSError, match="No space") as caught:
            copy_recording(source, tmp_path / "copy.flac")
    assert caught.value.errno == errno.ENOSPC


def test_tags_are_given(tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "a.flac", "w", RATE, 1) as file:
        file.title, file.artist = "Air", "Somebody"
        file.write(noise(1.0, 1))
    with RecordingFile(tmp_path / "a.flac") as sound:
        assert (sound.tags["title"], sound.tags["artist"]) == ("Air", "Somebody")
        sound.close()
