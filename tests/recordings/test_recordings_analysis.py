"""Everything that is found out about a recording, at once."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest
from recorded_sounds import RATE, waltz

from accompanist.errors import BadInputError
from accompanist.recordings.analysis import RecordingAnalysis, analyse
from accompanist.recordings.sound import ArraySound

BEATS_S = [2.0 + 0.5 * i for i in range(30)]


def sound(gain: float = 1.0) -> ArraySound:
    """Two seconds of silence, music, a second of silence."""
    music = waltz(BEATS_S, 3, 18.5)
    return ArraySound(np.stack((gain * music, 0.5 * gain * music), axis=1), RATE)


@pytest.fixture(scope="module")
def found() -> RecordingAnalysis:
    return analyse(sound())


def test_what_is_found(found: RecordingAnalysis) -> None:
    assert (found.rate, found.channels, found.duration_s) == (RATE, 2, 18.5)
    assert found.qpm == pytest.approx(120.0, abs=1.0)
    assert (found.beats_a_bar, found.pulse_found) == (3, True)
    assert found.heard_s[0] == pytest.approx(2.0, abs=0.15)
    assert 16.8 < found.heard_s[1] < 18.2
    assert len(found.onsets_s) == len(BEATS_S)
    np.testing.assert_allclose(found.onsets_s, BEATS_S, atol=0.02)
    assert set(found.bars_s) <= set(found.beats_s)
    assert found.beats_s[0] >= 1.4
    assert len(found.momentary_lufs) == 19
    assert found.momentary_lufs[0] == -70.0


def test_loudness_follows_the_gain(found: RecordingAnalysis) -> None:
    softer = analyse(sound(0.1))
    assert softer.loudness_lufs == pytest.approx(found.loudness_lufs - 20.0, abs=0.05)
    assert softer.peak == pytest.approx(0.1 * found.peak, rel=1e-3)
    assert softer.beats_a_bar == found.beats_a_bar
    np.testing.assert_allclose(softer.onsets_s, found.onsets_s, atol=0.01)


def test_it_goes_through_json(found: RecordingAnalysis) -> None:
    plain = json.loads(json.dumps(found.to_plain()))
    assert RecordingAnalysis.from_plain(plain) == found
    wrongs: list[object] = [{**plain, "version": 0}, {"version": plain["version"]}, [], None]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="analysis"):
            RecordingAnalysis.from_plain(wrong)


def test_progress_is_told_and_may_give_up() -> None:
    told: list[float] = []
    analyse(sound(), told.append)
    assert sum(told) == pytest.approx(18.5)

    def give_up(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyse(sound(), give_up)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((5 * RATE, 1), np.float32), "nothing can be heard"),
        (np.ones((RATE, 1), np.float32), "lasts 1.0 s only"),
        (np.zeros((0, 1), np.float32), "lasts 0.0 s only"),
    ],
)
def test_what_nothing_can_be_made_of_is_refused(
    samples: npt.NDArray[np.float32], words: str
) -> None:
    with pytest.raises(BadInputError, match=words):
        analyse(ArraySound(samples, RATE))


@pytest.mark.parametrize(("pause_s", "starts"), [(3.0, (1.0, 67.0)), (1.0, ())])
def test_silence_parts_movements(pause_s: float, starts: tuple[float, ...]) -> None:
    noise = np.random.default_rng(2).normal(0.0, 0.1, 140 * 4000).astype(np.float32)
    for start_s, end_s in ((0.0, 1.0), (64.0, 64.0 + pause_s)):
        noise[round(start_s * 4000) : round(end_s * 4000)] = 0.0
    found = analyse(ArraySound(noise, 4000)).movements_s
    assert found == pytest.approx(starts, abs=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_two_minutes_of_noise_have_no_pulse(seed: int) -> None:
    # In less than a minute chance may look like a pulse: 6 s of noise mostly do.
    noise = np.random.default_rng(seed).normal(0.0, 0.1, (120 * RATE, 1)).astype(np.float32)
    found = analyse(ArraySound(noise, RATE))
    assert not found.pulse_found
    assert found.qpm == pytest.approx(120.0)
