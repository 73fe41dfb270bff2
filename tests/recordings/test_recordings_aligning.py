"""Bringing two recordings, or a score and a recording, onto one time axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.errors import BadInputError
from accompanist.recordings.aligning.alignment import align_features
from accompanist.recordings.aligning.features import (
    FRAMES_PER_S,
    Features,
    normalised_onsets,
    sound_features,
    unit_rows,
)
from accompanist.recordings.aligning.notes import LEAD_S, score_features, score_onsets_s
from accompanist.recordings.aligning.refining import heard_onsets, refine
from accompanist.recordings.aligning.regions import Coarse, coarse_hop, rough_alignment
from accompanist.recordings.aligning.tempo_curve import even_times
from accompanist.recordings.aligning.warping import Stretch, TimeMap
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import Note, Part, Score, TempoMark

Samples = npt.NDArray[np.float32]
RATE = 22_050
MELODY = (60, 64, 67, 72, 71, 67, 65, 62, 69, 65, 60, 59, 62, 67, 74, 72, 64, 66, 67, 60)
LENGTHS = (1.0, 0.5, 0.5, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 2.0) * 2


def melody(pitches: tuple[int, ...] = MELODY) -> Score:
    """Twenty notes of an even hand, 120 quarters a minute."""
    onsets = np.concatenate(([0.0], np.cumsum(LENGTHS)))
    notes = [Note(float(q), d, p) for q, d, p in zip(onsets[:-1], LENGTHS, pitches, strict=True)]
    return Score("Air", (Part(1, "Violin", tuple(notes)),), (), tempo_marks=(TempoMark(0, 120),))


def performed(score: Score, tempo: Callable[[float], float], lead_s: float) -> dict[float, float]:
    """Times of the places of a score that is played at a varying tempo (quarters a second)."""
    places = sorted({q for n in score.parts[0].notes for q in (n.onset_quarter, n.end_quarter)})
    times, now = {places[0]: lead_s}, lead_s
    for a, b in pairwise(places):
        now += (b - a) / tempo(a)
        times[b] = now
    return times


def notes_at(
    score: Score, times: dict[float, float], up: int = 0
) -> list[tuple[float, float, float]]:
    return [
        (times[n.onset_quarter], times[n.end_quarter], n.pitch + up) for n in score.parts[0].notes
    ]


def swaying(quarter: float) -> float:
    return 1.7 * float(np.exp(0.25 * np.sin(quarter / 2.5)))


def heard(samples: Samples, rate: int = RATE) -> Features:
    return sound_features(ArraySound(samples, rate))


@pytest.fixture(scope="module")
def take(play_tones: Callable[..., Samples]) -> tuple[Score, dict[float, float], Features]:
    score = melody()
    times = performed(score, swaying, 1.3)
    return score, times, heard(play_tones(notes_at(score, times), RATE))


@pytest.mark.parametrize("up", [0, -1])
def test_a_score_is_found_in_a_recording_of_it(
    up: int,
    take: tuple[Score, dict[float, float], Features],
    play_tones: Callable[..., Samples],
) -> None:
    score, times, features = take
    if up:
        features = heard(play_tones(notes_at(score, times, up), RATE))
    onsets_s = score_onsets_s(score)
    found = align_features(score_features(score), features, onsets_s=onsets_s)
    assert (found.transposed, len(found.regions)) == (up, 1)
    assert found.certainty > 2.0
    errors_s = np.abs(
        found.map.second_s(onsets_s) - [times[n.onset_quarter] for n in score.parts[0].notes]
    )
    assert np.median(errors_s) < 0.015
    assert errors_s.max() < 0.05


def test_two_recordings_of_different_tempo_rate_and_tuning(
    take: tuple[Score, dict[float, float], Features], play_tones: Callable[..., Samples]
) -> None:
    score, times, features = take
    slow = performed(score, lambda q: 0.9 + 0.1 * np.cos(q), 0.4)
    other = heard(play_tones(notes_at(score, slow), 44_100, a4_hz=452.0), 44_100)
    found = align_features(features, other)
    places = [n.onset_quarter for n in score.parts[0].notes]
    there_s = found.map.second_s([times[q] + 0.001 for q in places])
    errors_s = np.abs(there_s - [slow[q] for q in places])
    assert np.median(errors_s) < 0.015
    assert errors_s.max() < 0.06
    back_s = found.map.first_s(there_s)
    assert np.nanmax(np.abs(back_s - [times[q] + 0.001 for q in places])) < 1e-6


def test_a_take_that_begins_later_and_ends_earlier_covers_only_that(
    take: tuple[Score, dict[float, float], Features],
) -> None:
    score, times, whole = take
    first, behind = round(times[2.0] * FRAMES_PER_S) - 3, round(times[16.0] * FRAMES_PER_S) - 8
    cut = Features(
        whole.chroma[first:behind],
        whole.onsets[first:behind],
        whole.loudness[first:behind],
        whole.flux[2 * first : 2 * behind],
    )
    onsets_s = score_onsets_s(score)
    found = align_features(score_features(score), cut, onsets_s=onsets_s)
    there_s = found.map.second_s(onsets_s)
    true_s = np.array([times[n.onset_quarter] for n in score.parts[0].notes])
    true_s -= first / FRAMES_PER_S
    inside = (true_s > 0.0) & (true_s < cut.duration_s)
    assert np.isnan(there_s[(true_s < -0.6) | (true_s > cut.duration_s + 0.6)]).all()
    assert np.nanmax(np.abs(there_s - true_s)[inside]) < 0.1
    assert np.count_nonzero(~np.isnan(there_s[inside])) >= np.count_nonzero(inside) - 1


def test_what_cannot_be_aligned_is_refused(
    take: tuple[Score, dict[float, float], Features], play_tones: Callable[..., Samples]
) -> None:
    score, _, features = take
    drawn = score_features(score)
    other = melody(tuple(np.random.default_rng(7).permutation(np.arange(55, 75)).tolist()))
    another = performed(other, lambda q: 2.0, 0.5)
    with pytest.raises(BadInputError, match=r"x\.wav: it does not sound like Air"):
        align_features(
            drawn,
            heard(play_tones(notes_at(other, another), RATE)),
            first_name="Air",
            second_name="x.wav",
        )
    with pytest.raises(BadInputError, match="silent"):
        align_features(drawn, heard(np.zeros(5 * RATE, dtype=np.float32)))
    with pytest.raises(BadInputError, match=r"1\.0 s of sound are too short"):
        align_features(drawn, heard(play_tones([(0.0, 0.5, 60)], RATE)))
    noise = 0.1 * np.random.default_rng(1).standard_normal(8 * RATE)
    with pytest.raises(BadInputError, match="does not sound like"):
        align_features(features, heard(noise.astype(np.float32)))


def test_features_do_not_depend_on_the_rate_or_on_where_blocks_end(
    play_tones: Callable[..., Samples],
) -> None:
    """Rows of a long recording are those of a shorter one that begins where a row is."""
    notes = [(0.5 * i, 0.5 * i + 0.4, 57 + (5 * i) % 17) for i in range(50)]
    long = play_tones(notes, 20_000)
    whole = heard(long, 20_000)
    later = heard(long[400 * 300 :], 20_000)  # frame 300; the block ends at 1000
    same = slice(10, 900)
    assert np.allclose(whole.chroma[300:][same], later.chroma[same], atol=2e-3)
    assert len(whole) == -(-len(long) // 400)
    fine = heard(play_tones(notes, 44_100), 44_100)
    near = np.sum(whole.chroma[: len(fine)] * fine.chroma[: len(whole)], axis=1)
    assert np.median(near) > 0.995


def test_onsets_are_heard_where_they_are(play_tones: Callable[..., Samples]) -> None:
    true_s = np.array([0.5, 1.0, 1.31, 2.0, 2.77, 3.4])
    notes = [(t, t + 0.3, p) for t, p in zip(true_s, (69, 74, 72, 81, 64, 76), strict=True)]
    found_s = heard_onsets(heard(play_tones(notes, RATE)))
    nearest = [np.abs(found_s - t).min() for t in true_s]
    assert max(nearest) < 0.03


def test_silence_is_flat_and_has_no_onsets() -> None:
    silent = unit_rows(np.zeros((3, 12), dtype=np.float32))
    assert np.allclose(silent, 12**-0.5)
    assert normalised_onsets(np.zeros((5, 12), dtype=np.float32)).max() == 0.0
    one = np.zeros((20, 12), dtype=np.float32)
    one[4, 7] = 3.0
    decayed = normalised_onsets(one)
    assert decayed[4:8, 7].tolist() == pytest.approx([1.0, 2**-0.5, 3**-0.5, 0.5])
    assert decayed[14, 7] == 0.0


def random_rows(count: int, seed: int) -> npt.NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, 12))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def test_a_passage_left_out_is_a_gap() -> None:
    a, b, c = random_rows(80, 1), random_rows(60, 2), random_rows(70, 3)
    full, short = Coarse(np.vstack((a, b, c)), 10), Coarse(np.vstack((a, c)), 10)
    found = rough_alignment(full, short)
    assert found is not None
    one, two = found.regions
    assert (one.first_start_s, one.first_end_s) == pytest.approx((0.0, 15.8), abs=0.3)
    assert (two.first_start_s, two.first_end_s) == pytest.approx((28.0, 41.8), abs=0.3)
    assert (two.second_start_s, two.second_end_s) == pytest.approx((16.0, 29.8), abs=0.3)
    other_way = rough_alignment(short, full)
    assert other_way is not None
    assert len(other_way.regions) == 2
    assert rough_alignment(Coarse(a, 10), Coarse(np.zeros_like(a), 10)) is None


def test_long_recordings_are_compared_in_coarser_steps() -> None:
    assert coarse_hop(50 * 60, 50 * 60) == 10
    hour = coarse_hop(50 * 3600, 50 * 3600)
    assert (50 * 3600 / hour) ** 2 <= 3e7


rising = st.lists(st.floats(0.01, 3.0), min_size=2, max_size=40).map(
    lambda steps: np.concatenate(([0.0], np.cumsum(steps)))
)


@given(rising, st.data())
@settings(max_examples=60, deadline=None)
def test_a_tempo_curve_rises_within_bounds(
    quarters: npt.NDArray[np.float64], data: st.DataObject
) -> None:
    steps = data.draw(
        st.lists(st.floats(1e-3, 5.0), min_size=len(quarters) - 1, max_size=len(quarters) - 1)
    )
    found_s = np.concatenate(([0.7], 0.7 + np.cumsum(steps)))
    times_s = even_times(quarters, found_s)
    qpm = 60.0 * np.diff(quarters) / np.diff(times_s)
    assert (np.diff(times_s) > 0).all()
    assert qpm.max() <= 480.0 * (1 + 1e-6)
    assert qpm.min() >= 4.0 * (1 - 1e-6)


def test_an_even_tempo_stays_and_a_stray_onset_is_put_right() -> None:
    quarters = np.arange(0.0, 40.0, 0.5)
    found_s = 0.3 + 0.6 * quarters
    assert np.allclose(even_times(quarters, found_s), found_s, atol=1e-9)
    stray = found_s.copy()
    stray[30] += 0.08
    assert abs(even_times(quarters, stray)[30] - found_s[30]) < 0.03
    hold = found_s + np.where(quarters >= 20.0, 2.0, 0.0)
    assert np.abs(even_times(quarters, hold) - hold).max() < 0.03


@given(rising, rising, st.integers(0, 2**31 - 1))
@settings(max_examples=40, deadline=None)
def test_a_refined_map_still_rises(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], seed: int
) -> None:
    count = min(len(x), len(y))
    rng = np.random.default_rng(seed)
    rough = TimeMap((Stretch(x[:count], y[:count]),))
    frames = int(50 * max(x[count - 1], y[count - 1])) + 2
    flux = rng.random((2 * frames, 12)).astype(np.float32)
    noise = replace(score_features(melody()), flux=flux, chroma=flux[::2], onsets=flux[::2])
    onsets_s = np.sort(rng.uniform(0.0, x[count - 1], 12))
    for stretch in refine(noise, noise, rough, onsets_s).stretches:
        assert (np.diff(stretch.first_s) > 0).all()
        assert (np.diff(stretch.second_s) > 0).all()
        assert len(stretch.first_s) >= 2


def test_a_map_knows_nothing_outside() -> None:
    known = TimeMap(
        (
            Stretch(np.array([0.0, 1.0]), np.array([2.0, 4.0])),
            Stretch(np.array([3.0, 4.0]), np.array([5.0, 6.0])),
        )
    )
    there = known.second_s([-0.1, 0.5, 1.0, 2.0, 3.5, 4.1])
    assert np.isnan(there[[0, 3, 5]]).all()
    assert there[[1, 2, 4]].tolist() == [3.0, 4.0, 5.5]
    assert known.first_s([3.0, 5.5]).tolist() == [0.5, 3.5]


def test_the_drawing_of_a_score_begins_before_its_first_note() -> None:
    drawn = score_features(melody())
    lead = round(LEAD_S * FRAMES_PER_S)
    assert np.count_nonzero(drawn.loudness[:lead]) == 0
    assert drawn.loudness[lead] > 0
    assert int(np.argmax(drawn.chroma[lead])) == 60 % 12
