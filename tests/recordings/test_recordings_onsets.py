"""Where sounds begin."""

from __future__ import annotations

import numpy as np
import pytest
from recorded_sounds import note, placed

from accompanist.recordings.onsets import Novelty, NoveltyMeter, pick_onsets


def heard(samples: np.ndarray, rate: int, block: int = 5000) -> Novelty:
    meter = NoveltyMeter(rate)
    for start in range(0, len(samples), block):
        meter.feed(samples[start : start + block])
    return meter.result()


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000])
def test_notes_are_found_where_they_begin(rate: int) -> None:
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.15, 0.6, 20))
    pitches = rng.integers(48, 84, 20)
    sounds = [
        (t, note(440.0 * 2.0 ** ((p - 69) / 12), 0.5, rate))
        for t, p in zip(times, pitches, strict=True)
    ]
    novelty = heard(placed(sounds, times[-1] + 1.0, rate), rate)
    onsets = pick_onsets(novelty.flux, novelty.hop_s)
    assert len(onsets) == len(times)
    assert np.abs(onsets - times).max() < 0.02
    assert abs(np.median(onsets - times)) < 0.006


def test_vibrato_and_a_held_chord_make_no_onsets() -> None:
    rate = 22_050
    t = np.arange(4 * rate) / rate
    phase = 2 * np.pi * 440.0 * t + 1.3 * np.sin(2 * np.pi * 6.0 * t)
    wave = sum((np.sin(h * phase) / h for h in range(1, 6)), np.zeros(len(t)))
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220.0, 277.2, 329.6))
    fade = np.minimum(t / 0.01, 1.0) * np.clip((4.0 - t) / 0.2, 0.0, 1.0)
    sound = (0.1 * fade * (wave + chord)).astype(np.float32)
    novelty = heard(np.concatenate((np.zeros(rate, np.float32), sound)), rate)
    onsets = pick_onsets(novelty.flux, novelty.hop_s)
    assert len(onsets) == 1
    assert onsets[0] == pytest.approx(1.0, abs=0.02)


def test_too_many_are_thinned_out() -> None:
    clicks = [(0.5 + 0.04 * i, note(800.0, 0.06)) for i in range(50)]
    novelty = heard(placed(clicks, 4.0), 22_050)
    onsets = pick_onsets(novelty.flux, novelty.hop_s)
    assert len(onsets) <= 25
    assert np.diff(onsets).min() > 0.08


def test_silence_has_none() -> None:
    novelty = heard(np.zeros(22_050, np.float32), 22_050)
    assert len(pick_onsets(novelty.flux, novelty.hop_s)) == 0
    assert len(pick_onsets(np.zeros(0, np.float32), 0.01)) == 0


def test_blocks_make_no_difference_and_frames_cover_the_recording() -> None:
    noise = np.random.default_rng(2).normal(0.0, 0.1, 30_000).astype(np.float32)
    whole = heard(noise, 22_050, len(noise))
    assert len(whole.flux) * whole.hop_s >= len(noise) / 22_050
    assert len(whole.chroma) * whole.chroma_hop_s >= len(noise) / 22_050
    for block in (100, 221, 4000):
        parts = heard(noise, 22_050, block)
        np.testing.assert_allclose(parts.flux, whole.flux, atol=1e-5)
        np.testing.assert_allclose(parts.bass, whole.bass, atol=1e-5)
        np.testing.assert_allclose(parts.chroma, whole.chroma, atol=1e-5)


def test_chroma_knows_the_pitch_class() -> None:
    rate = 22_050
    tone = np.sin(2 * np.pi * 220.0 * np.arange(2 * rate) / rate).astype(np.float32)
    chroma = heard(0.2 * tone, rate).chroma[5:15]
    assert set(chroma.argmax(axis=1)) == {9}
    np.testing.assert_allclose(np.linalg.norm(chroma, axis=1), 1.0, atol=1e-3)
