from pathlib import Path

import numpy as np
import pytest
import soundfile

from accompanist.errors import AccompanistError, BadInputError
from bridges.audio_files import cut_short, read_audio, write_wav

RATE = 8000


def tone(channels: int = 1, seconds: float = 1.0) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    return np.stack([0.5 * np.sin(2 * np.pi * 440 * t)] * channels, axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("suffix", "subtype", "close"),
    [
        ("wav", "PCM_U8", 1e-2),
        ("wav", "PCM_16", 1e-4),
        ("wav", "PCM_24", 1e-6),
        ("wav", "FLOAT", 1e-7),
        ("flac", "PCM_16", 1e-4),
        ("aiff", "PCM_16", 1e-4),
        ("ogg", "VORBIS", 0.2),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_common_formats_are_read(
    tmp_path: Path, suffix: str, subtype: str, close: float, channels: int
) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(channels), RATE, subtype=subtype)
    audio = read_audio(path)
    assert audio.rate == RATE
    assert audio.samples.shape == (RATE, channels)
    assert audio.samples.dtype == np.float32
    assert audio.warnings == ()
    np.testing.assert_allclose(audio.samples, tone(channels), atol=close)


@pytest.mark.parametrize("rate", [8000, 11025, 48000, 96000, 192000])
def test_rates_are_kept(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), rate)
    assert read_audio(tmp_path / "a.wav").rate == rate


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"nothing\.wav: no such file"):
        read_audio(tmp_path / "nothing.wav")
    with pytest.raises(BadInputError, match="is a folder"):
        read_audio(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    with pytest.raises(BadInputError, match="empty"):
        read_audio(tmp_path / "a.wav")


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 1)), RATE)
    with pytest.raises(BadInputError, match="no audio samples"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("content", [b"RIFF", b"hello, world" * 100, b"\0" * 5000, b"%PDF-1.4\n"])
def test_what_is_not_audio_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(BadInputError, match="not a sound file") as caught:
        read_audio(tmp_path / "a.wav")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_file_cut_short_is_read_as_far_as_it_goes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (5 * RATE, 1))
    soundfile.write(path, noise, RATE)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 5])
    audio = read_audio(path)
    assert 0 < audio.duration_s <= 3.1
    assert "cut short" in audio.warnings[0]


def test_of_an_ogg_file_it_is_known_by_its_last_page(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (5 * RATE, 1))
    soundfile.write(path, noise, RATE)
    assert not cut_short(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 5])
    assert cut_short(path)
    assert "cut short" in read_audio(path).warnings[0]


def test_samples_that_are_no_numbers_become_silence(tmp_path: Path) -> None:
    samples = tone()
    samples[100:103, 0] = (np.nan, np.inf, -np.inf)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    audio = read_audio(tmp_path / "a.wav")
    assert not audio.samples[100:103].any()
    assert "3 samples are not numbers" in audio.warnings[0]


def test_floats_on_the_scale_of_integers_are_scaled_down(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone() * 32767, RATE, subtype="FLOAT")
    audio = read_audio(tmp_path / "a.wav")
    assert np.abs(audio.samples).max() == pytest.approx(1.0)
    assert "scaled down" in audio.warnings[0]


def test_a_wav_is_written_whole_with_nothing_beside_it(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(2) * 4, RATE)
    read, rate = soundfile.read(tmp_path / "a.wav")
    assert (read.shape, rate) == ((RATE, 2), RATE)
    assert np.abs(read).max() <= 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccompanistError, match="cannot be written"):
        write_wav(tmp_path / "nowhere" / "a.wav", tone(), RATE)
