"""The reference of a recording: whole, small, at any rate, and never half there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.errors import BadInputError
from accompanist.hearing.bank import FilterBank
from accompanist.recordings.reference import (
    COARSE_FRAMES,
    SCALE,
    analyse_reference,
    load_reference,
    reference_of,
)
from accompanist.recordings.reference_coarse import CoarseLook, coarse_of
from accompanist.recordings.sound import ArraySound

RATE = 16_000


def sine(hz: float, seconds: float, rate: int = RATE, gain: float = 0.3) -> ArraySound:
    phase = 2 * np.pi * hz * np.arange(round(seconds * rate)) / rate
    return ArraySound((gain * np.sin(phase)).astype(np.float32), rate)


class Counted(ArraySound):
    """Notes the largest piece that was ever asked for."""

    largest = 0

    def read(self, start: int, count: int) -> npt.NDArray[np.float32]:
        self.largest = max(self.largest, count)
        return super().read(start, count)


def test_a_reference_is_the_same_from_disk_and_in_memory(tmp_path: Path) -> None:
    sound = sine(440.0, 12.5)
    analyse_reference(sound, tmp_path)
    loaded, kept = load_reference(tmp_path), reference_of(sound)
    assert loaded.spectra.dtype == np.float16
    assert (loaded.spectra == kept.spectra).all()
    assert loaded.duration_s == pytest.approx(12.5)
    assert loaded.coarse is not None
    assert (loaded.coarse == coarse_of(kept.spectra, COARSE_FRAMES)).all()


def test_a_row_knows_the_sound_up_to_its_end() -> None:
    samples = np.zeros(RATE, dtype=np.float32)
    samples[RATE // 2 :] = sine(440.0, 0.5).read(0, RATE // 2)[:, 0]
    levels = reference_of(ArraySound(samples, RATE)).spectra.sum(axis=1, dtype=np.float32)
    assert not levels[:50].any()
    assert levels[50] > 0


def test_the_loudest_band_is_the_one_that_sounds() -> None:
    row = reference_of(sine(440.0, 1.0)).spectra[-1].astype(np.float32)
    centres = FilterBank(RATE).frequencies_hz
    assert centres[int(np.argmax(row))] == pytest.approx(440.0, rel=0.005)
    assert row.max() == pytest.approx(0.3 * SCALE, rel=0.05)


@pytest.mark.parametrize("gain", [1e-5, 1.0, 10.0])
def test_the_softest_and_the_loudest_fit_into_half_floats(gain: float) -> None:
    row = reference_of(sine(440.0, 0.5, gain=gain)).spectra[-1].astype(np.float32)
    assert np.isfinite(row).all()
    assert row.max() == pytest.approx(gain * SCALE, rel=0.1)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000])
def test_any_rate_is_heard_at_ten_milliseconds_a_row(rate: int) -> None:
    reference = reference_of(sine(440.0, 1.0, rate))
    assert len(reference.spectra) == 100
    row = reference.spectra[-1].astype(np.float32)
    assert row.max() == pytest.approx(0.3 * SCALE, rel=0.05)
    assert reference.spectra.shape[1] == len(FilterBank(rate))


def test_channels_are_mixed() -> None:
    one = sine(440.0, 0.3).read(0, 4800)
    both = ArraySound(np.concatenate((one, np.zeros_like(one)), axis=1), RATE)
    half = ArraySound(one * np.float32(0.5), RATE)
    assert (reference_of(both).spectra == reference_of(half).spectra).all()


def test_a_long_recording_is_read_in_pieces_and_progress_is_its_length(tmp_path: Path) -> None:
    sound = Counted(np.zeros(35 * 8000, dtype=np.float32), 8000)
    told: list[float] = []
    analyse_reference(sound, tmp_path, told.append)
    assert sound.largest <= 10 * 8000
    assert len(told) == 4
    assert sum(told) == pytest.approx(35.0)


def test_an_analysis_broken_off_leaves_no_reference(tmp_path: Path) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyse_reference(sine(440.0, 1.0), tmp_path, stop)
    with pytest.raises(BadInputError, match="no usable analysis"):
        load_reference(tmp_path)


@pytest.mark.parametrize("name", ["reference.json", "reference.spectra.npy"])
def test_a_damaged_reference_is_named(tmp_path: Path, name: str) -> None:
    analyse_reference(sine(440.0, 0.5), tmp_path)
    (tmp_path / name).write_bytes(b"\x00 nothing of the kind")
    with pytest.raises(BadInputError, match=tmp_path.name):
        load_reference(tmp_path)


def test_a_recording_without_a_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="without a sample"):
        analyse_reference(ArraySound(np.zeros(0, dtype=np.float32), RATE), tmp_path)


def test_the_soloist_alone_may_be_kept_beside(tmp_path: Path) -> None:
    sound, solo = sine(440.0, 0.5), sine(660.0, 0.5)
    analyse_reference(sound, tmp_path, solo=solo)
    loaded = load_reference(tmp_path)
    assert loaded.solo_spectra is not None
    assert (loaded.solo_spectra == reference_of(solo).spectra).all()


def test_the_coarse_look_does_not_depend_on_the_pieces() -> None:
    rows = np.random.default_rng(1).uniform(0, 100, (73, 24)).astype(np.float16)
    look = CoarseLook(24, 10)
    for first, end in ((0, 3), (3, 40), (40, 73)):
        look.add(rows[first:end])
    assert (look.rows() == coarse_of(rows, 10)).all()
