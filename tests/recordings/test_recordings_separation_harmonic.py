"""The harmonic method on synthetic recordings: a melody over chords, shown by another sound."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.errors import BadInputError
from accompanist.recordings.separation.harmonic import HarmonicMethod
from accompanist.recordings.separation.harmonic_model import Fitting
from accompanist.recordings.separation.methods import SeparationSettings, make_method, separate
from accompanist.recordings.separation.solo_alignment import _least_fit, align_line, listen
from accompanist.recordings.separation.solo_pitch import HOP_S, WINDOW_S, track_pitch
from accompanist.recordings.separation.solo_warping import Rows, quantised, warp
from accompanist.recordings.separation.stft import Frames
from accompanist.recordings.sound import ArraySound

FloatArray = npt.NDArray[np.float32]

RATE = 8000
MELODY = [67, 71, 74, 72, 69, 76, 74, 66, 69, 71, 79, 78, 76, 72, 67, 71]
CHORDS = [(48, 55, 64), (50, 57, 65), (43, 59, 62), (45, 52, 60)]
BEAT_S = 0.5

quick = HarmonicMethod("quick", sizes=(1,), fitting=Fitting(iterations=12))


def tone(pitch: float, length_s: float, slope: float, rate: int = RATE) -> FloatArray:
    """A note of partials that fall off by ``slope``, with a soft beginning and end."""
    time_s = np.arange(round(length_s * rate)) / rate
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    sound = np.zeros(len(time_s))
    for number in range(1, 13):
        if number * hz < 0.45 * rate:
            sound += np.sin(2 * np.pi * number * hz * time_s + number) * number**-slope
    edge = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) / 0.02)
    return (0.1 * sound * edge).astype(np.float32)


def melody(
    pitches: list[int], beat_s: float, slope: float, moved: float = 0.0, rate: int = RATE
) -> FloatArray:
    return np.concatenate([tone(pitch + moved, beat_s, slope, rate) for pitch in pitches])


@cache
def recording() -> tuple[FloatArray, FloatArray]:
    """Solo and accompaniment [each shape=(n,)], the melody once, 8 s."""
    solo = melody(MELODY, BEAT_S, 1.0)
    chords = [np.sum([tone(pitch, 4 * BEAT_S, 1.4) for pitch in chord], axis=0) for chord in CHORDS]
    return solo, np.concatenate(chords).astype(np.float32)


def line(
    stretch: float = 1.15, moved: float = 0.0, rate: int = RATE, pitches: list[int] = MELODY
) -> ArraySound:
    """The melody with another sound, slower, after a silence."""
    sound = melody(pitches, BEAT_S * stretch, 2.0, moved, rate)
    lead = np.zeros(round(0.4 * rate), dtype=np.float32)
    return ArraySound(np.concatenate([lead, sound, lead]), rate)


def taken_out(
    mixture: ArraySound,
    solos: list[ArraySound],
    method: HarmonicMethod = quick,
    settings: SeparationSettings | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Accompaniment and solo [each shape=(n, channels)]."""
    blocks: list[tuple[FloatArray, FloatArray]] = []
    separate(
        mixture,
        list(solos),
        method,
        settings or SeparationSettings(),
        lambda accompaniment, solo: blocks.append((accompaniment, solo)),
    )
    accompaniment, solo = (np.concatenate(part) for part in zip(*blocks, strict=True))
    return accompaniment, solo


def si_sdr(estimate: FloatArray, truth: FloatArray) -> float:
    wanted = (estimate @ truth) / (truth @ truth) * truth
    return float(10 * np.log10(np.sum(wanted**2) / np.sum((estimate - wanted) ** 2)))


def mixed(rate: int = RATE) -> ArraySound:
    solo, accompaniment = recording()
    return ArraySound(solo + accompaniment, rate)


def test_the_solo_is_taken_out() -> None:
    solo, chords = recording()
    accompaniment, heard = taken_out(mixed(), [line()])
    assert accompaniment.shape == (len(solo), 1)
    np.testing.assert_allclose((accompaniment + heard)[:, 0], solo + chords, atol=1e-6)
    before = si_sdr(solo + chords, chords)
    assert si_sdr(accompaniment[:, 0], chords) > before + 8.0
    assert si_sdr(heard[:, 0], solo) > 8.0


@pytest.mark.parametrize(
    "shown",
    [
        line(stretch=1.8),
        line(stretch=0.6),
        line(moved=-12.0),
        line(moved=12.3),
        line(rate=16000),
        line(pitches=MELODY[3:13]),
    ],
    ids=["slow", "quick", "octave below", "octave above, sharp", "other rate", "a part"],
)
def test_the_line_may_be_shown_otherwise(shown: ArraySound) -> None:
    solo, chords = recording()
    accompaniment, _ = taken_out(mixed(), [shown])
    assert si_sdr(accompaniment[:, 0], chords) > si_sdr(solo + chords, chords) + 3.0


@pytest.mark.parametrize(("cents", "semitones"), [(-101, 1), (-55, 1), (45, 0), (0, 0)])
def test_a_soloist_in_another_tuning_is_found(cents: int, semitones: int) -> None:
    """A of 415, of 426 and of 452 Hz, against 440."""
    frames = Frames.lasting(RATE, WINDOW_S, HOP_S)
    listened = listen(mixed(), frames)
    shown = line(moved=cents / 100.0)
    found = align_line(listened, track_pitch(shown))
    assert abs(found.transposed) <= abs(semitones)
    heard = found.line[~np.isnan(found.line)]
    off = np.abs(heard[:, None] - np.array(sorted(set(MELODY)))).min(axis=1)
    assert np.median(off) < 0.12
    straight = align_line(listened, track_pitch(line()))
    assert found.fit > 0.95 * straight.fit


@pytest.mark.parametrize(
    ("transposed", "few", "wanted"),
    [(0, True, 0.8), (0, False, 1.0), (12, True, 1.25), (1, False, 1.12), (1, True, 1.4)],
)
def test_a_few_notes_are_believed_where_they_stand_only(
    transposed: int, few: bool, wanted: float
) -> None:
    assert _least_fit(transposed, few=few) == wanted


def test_what_a_partial_line_does_not_show_stays() -> None:
    solo, _ = recording()
    _, heard = taken_out(mixed(), [line(pitches=MELODY[:8])])
    second = solo[len(solo) * 5 // 8 :]
    assert np.sum(heard[-len(second) :] ** 2) < 0.01 * np.sum(second**2)


def test_a_few_notes_are_not_refused() -> None:
    solo, chords = recording()
    accompaniment, _ = taken_out(mixed(), [line(pitches=MELODY[4:9])])
    assert si_sdr(accompaniment[:, 0], chords) > si_sdr(solo + chords, chords) + 0.5


def test_several_lines_help_one_another() -> None:
    solo, chords = recording()
    two = [line(pitches=MELODY[:9]), line(stretch=0.9, pitches=MELODY[7:])]
    accompaniment, _ = taken_out(mixed(), two)
    assert si_sdr(accompaniment[:, 0], chords) > si_sdr(solo + chords, chords) + 6.0


def test_places_in_stereo_are_kept() -> None:
    solo, chords = recording()
    stereo = np.stack([0.9 * solo + chords, 0.2 * solo + 0.7 * chords], axis=1)
    accompaniment, heard = taken_out(ArraySound(stereo, RATE), [line()])
    assert accompaniment.shape == stereo.shape
    levels = np.sqrt(np.sum(heard**2, axis=0))
    assert levels[1] / levels[0] == pytest.approx(0.2 / 0.9, abs=0.25)
    assert si_sdr(accompaniment[:, 0], chords) > 8.0


def test_the_same_seed_gives_the_same_samples() -> None:
    first, _ = taken_out(mixed(), [line()], settings=SeparationSettings(seed=4))
    again, _ = taken_out(mixed(), [line()], settings=SeparationSettings(seed=4))
    np.testing.assert_array_equal(first, again)


def test_alpha_says_how_much_is_taken_out() -> None:
    left = []
    for alpha in (0.0, 0.3, 4.0):
        _, heard = taken_out(mixed(), [line()], settings=SeparationSettings(alpha=alpha))
        left.append(float(np.sum(heard**2)))
    assert left[0] == 0.0
    assert left == sorted(left)


def test_short_blocks_do_nearly_as_well() -> None:
    solo, chords = recording()
    settings = SeparationSettings(block_s=3.0, overlap_s=0.5)
    accompaniment, _ = taken_out(mixed(), [line()], settings=settings)
    assert si_sdr(accompaniment[:, 0], chords) > si_sdr(solo + chords, chords) + 6.0


def test_blocks_without_a_solo_stay_as_they_are() -> None:
    _, chords = recording()
    solo = np.concatenate([recording()[0], np.zeros_like(chords), np.zeros_like(chords)])
    rest = np.concatenate([chords, chords, np.zeros_like(chords)])
    settings = SeparationSettings(block_s=4.0, overlap_s=0.5)
    method = HarmonicMethod("both", sizes=(1, 2), fitting=Fitting(iterations=8))
    accompaniment, heard = taken_out(ArraySound(solo + rest, RATE), [line()], method, settings)
    assert accompaniment.shape == (len(solo), 1)
    assert np.sum(heard[len(chords) * 5 // 4 :] ** 2) < 0.01 * np.sum(heard**2)


def test_both_windows_give_the_whole_length() -> None:
    method = HarmonicMethod("both", sizes=(1, 2), fitting=Fitting(iterations=10))
    solo, chords = recording()
    accompaniment, _ = taken_out(mixed(), [line()], method)
    assert si_sdr(accompaniment[:, 0], chords) > si_sdr(solo + chords, chords) + 6.0


def test_silence_stays_silent() -> None:
    silent = ArraySound(np.zeros((3 * RATE, 2), dtype=np.float32), RATE)
    accompaniment, heard = taken_out(silent, [line()])
    assert not accompaniment.any()
    assert not heard.any()


def test_another_piece_is_refused() -> None:
    rng = np.random.default_rng(5)
    other = [int(pitch) for pitch in rng.integers(50, 62, 16) + np.tile([0, 13], 8)]
    with pytest.raises(BadInputError, match="does not fit"):
        taken_out(mixed(), [line(pitches=other)])
    with pytest.raises(BadInputError, match="sound 2 of 2"):
        taken_out(mixed(), [line(), line(pitches=other)])


def test_a_line_without_pitch_is_refused() -> None:
    noise = np.random.default_rng(1).normal(0.0, 1e-6, 3 * RATE).astype(np.float32)
    with pytest.raises(BadInputError, match="nothing with a pitch"):
        taken_out(mixed(), [ArraySound(noise, RATE)])


def test_progress_adds_up_and_can_end_the_work() -> None:
    told: list[float] = []
    mixture, method = mixed(), make_method("harmonic-fast")
    separate(mixture, [line()], method, SeparationSettings(), lambda *blocks: None, told.append)
    assert sum(told) == pytest.approx(mixture.length / mixture.rate, rel=1e-6)

    class EnoughError(Exception):
        pass

    for limit in (1, len(told) // 2, len(told) - 1):
        left = [limit]

        def enough(seconds: float, left: list[int] = left) -> None:
            left[0] -= 1
            if not left[0]:
                raise EnoughError

        with pytest.raises(EnoughError):
            separate(mixture, [line()], quick, SeparationSettings(), lambda *blocks: None, enough)


def test_a_line_is_found_where_it_is() -> None:
    listened = listen(mixed(), Frames.lasting(RATE, WINDOW_S, HOP_S))
    alignment = align_line(listened, track_pitch(line(stretch=1.3)))
    line_s = alignment.row * alignment.row_s - 0.4
    recording_s = alignment.frame * listened.hop_s
    sounding = ~np.isnan(alignment.line[alignment.row])
    error_s = np.abs(line_s / 1.3 - recording_s)[sounding]
    assert np.median(error_s) < 0.05
    assert np.quantile(error_s, 0.95) < 0.2


def test_a_pitch_is_tracked() -> None:
    track = track_pitch(line(stretch=1.0))
    for number, pitch in enumerate(MELODY):
        middle = (0.4 + (number + 0.5) * BEAT_S) / track.hop_s
        assert track.pitch[round(middle)] == pytest.approx(pitch, abs=0.15)
    assert np.isnan(track.pitch[: int(0.2 / track.hop_s)]).all()


def test_a_long_path_is_found_within_a_band() -> None:
    rng = np.random.default_rng(2)
    count = 6000  # dense, this would be more cells than are allowed
    kinds = np.repeat(rng.integers(0, 30, count // 20), 20)
    cost = np.full((30, count), 0.5, dtype=np.float32)
    cost[kinds, np.arange(count)] = -0.5
    slow = np.repeat(kinds, rng.choice([1, 1, 1, 2], count))
    rows = Rows(np.arange(len(slow) + 1), slow, np.ones(len(slow), dtype=np.float32))
    path = warp(quantised(cost), rows, 0.05, kinds=30)
    assert np.mean(kinds[path.column] == slow[path.row]) > 0.97
    assert (np.diff(path.row) >= 0).all()
    assert (np.diff(path.column) >= 0).all()
