from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from accompanist.errors import AccompanistError
from bridges.wav_writer import WavWriter


def test_a_file_is_written_block_by_block(tmp_path: Path) -> None:
    samples = np.linspace(-1.2, 1.2, 300, dtype=np.float32).reshape(150, 2)
    for exact in (False, True):
        path = tmp_path / "a.wav"
        with WavWriter(path, 8000, 2, exact=exact) as writer:
            for start in range(0, 150, 40):
                writer.write(samples[start : start + 40])
            assert path.exists() is exact  # the one before is replaced at the end
        found, rate = soundfile.read(path, dtype="float32")
        wanted = samples if exact else np.clip(samples, -1, 1)
        assert rate == 8000
        assert np.abs(found - wanted).max() < (1e-9 if exact else 1e-4)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def given_up(path: Path) -> None:
    with WavWriter(path, 8000, 1) as writer:
        writer.write(np.zeros((10, 1), dtype=np.float32))
        raise KeyError


def test_after_an_error_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        given_up(tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(AccompanistError, match=r"a\.wav: cannot be written"):
        WavWriter(tmp_path / "nowhere" / "a.wav", 8000, 1)


def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1000

    def fail(*_: object) -> None:
        raise soundfile.LibsndfileError(2)  # "System error.", and no more

    samples = np.zeros((10, 1), dtype=np.float32)
    with WavWriter(tmp_path / "a.wav", 8000, 1) as writer:
        monkeypatch.setattr(soundfile.SoundFile, "write", fail)
        monkeypatch.setattr("shutil.disk_usage", lambda _: Usage())
        with pytest.raises(AccompanistError, match="the disk is full; make room"):
            writer.write(samples)
