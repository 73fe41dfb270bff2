"""The ensemble in the soloist's microphone, its notes known: heard, allowed for, not followed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.followers.bayes.bleed import BleedModel
from accompanist.followers.bayes.follower import BayesFollower
from accompanist.followers.protocol import EnsembleNote, Estimate, Heard
from accompanist.hearing.bank import FilterBank
from accompanist.hearing.evidence import Ear
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

RATE, HOP = 22_050, 128
HOP_S = HOP / RATE
BEAT_S = 0.5
DELAY_S = 0.08
SOLO = (72, 74, 76, 77, 79, 77, 76, 74, 72, 71, 69, 71, 72, 76, 74, 72)
OTHERS = (64, 65, 67, 65, 64, 62, 60, 59, 57, 59, 60, 64, 62, 60, 60, 62)
"""The same tune an octave lower, two beats ahead: easily taken for the soloist."""
Array = npt.NDArray[np.float32]
Play = Callable[..., Array]


def scale() -> tuple[Part, Score]:
    part = Part(1, "solo", tuple(Note(float(i), 1.0, p) for i, p in enumerate(SOLO)))
    return part, Score("scale", (part,), (), tempo_marks=(TempoMark(0.0, 60 / BEAT_S),))


def notes(pitches: tuple[int, ...], start_s: float) -> list[tuple[float, float, float]]:
    return [
        (start_s + i * BEAT_S, start_s + (i + 1) * BEAT_S, float(p)) for i, p in enumerate(pitches)
    ]


def told(pitches: tuple[int, ...], start_s: float) -> list[EnsembleNote]:
    out = []
    for start, end, pitch in notes(pitches, start_s):
        out += [EnsembleNote(start, pitch, 90, 2), EnsembleNote(end, pitch, 0, 2)]
    return sorted(out, key=lambda note: (note.time_s, note.velocity))


def followed(sound: Array, known: list[EnsembleNote], sent: Array | None = None) -> list[Estimate]:
    part, score = scale()
    follower = BayesFollower(solo_line(part), written_tempo(score), RATE, HOP, a4_hz=440.0)
    out, waiting = [], list(known)
    for i in range(len(sound) // HOP):
        end_s = (i + 1) * HOP_S
        fresh = [note for note in waiting if note.time_s < end_s]
        if fresh:
            follower.ensemble(fresh)
            waiting = waiting[len(fresh) :]
        if sent is not None:
            follower.ensemble_sound(sent[i * HOP : (i + 1) * HOP])
        out.append(follower.feed(Heard(end_s, sound[i * HOP : (i + 1) * HOP])))
    return out


def at_onsets(estimates: list[Estimate], start_s: float) -> npt.NDArray[np.float64]:
    """Error in beats at the true onset of every solo note."""
    hops = [int((start_s + i * BEAT_S) / HOP_S) for i in range(len(SOLO))]
    return np.array([estimates[h].quarter - i for i, h in enumerate(hops)])


def wrong(estimates: list[Estimate], start_s: float) -> float:
    """Share of notes at which they are not, the soloist half a beat late from the ninth on."""
    onsets = [start_s + (i + 0.5 * (i >= 8)) * BEAT_S for i in range(len(SOLO))]
    said = [estimates[min(int(t / HOP_S) + 12, len(estimates) - 1)].quarter for t in onsets]
    return float(np.mean(np.abs(np.array(said) - np.arange(len(SOLO))) > 0.35))


def padded(sound: Array, length: int, late_s: float = 0.0) -> Array:
    late = round(late_s * RATE)
    out = np.zeros(length, dtype=np.float32)
    out[late : late + len(sound)] = sound[: length - late]
    return out


def test_delay_and_loudness_are_learned(play_tones: Play) -> None:
    bank = FilterBank(RATE)
    model = BleedModel(bank, HOP_S)
    sound = padded(play_tones(notes(OTHERS, 0.0), RATE), 9 * RATE, DELAY_S)
    waiting = told(OTHERS, 0.0)
    magnitudes = np.zeros(len(bank), dtype=np.float32)
    everywhere = np.ones(len(bank), dtype=np.float32)
    heard, expected = [], []
    for i in range(7 * RATE // HOP):
        end_s = (i + 1) * HOP_S
        model.take([n for n in waiting if n.time_s < end_s])
        waiting = [n for n in waiting if n.time_s >= end_s]
        bank.push(sound[i * HOP : (i + 1) * HOP], magnitudes)
        expected.append(model.hear(magnitudes, everywhere, end_s).copy())
        heard.append(magnitudes.copy())
    assert model.delay_s == pytest.approx(DELAY_S, abs=0.02)
    truth, guess = np.array(heard[-400:]), np.array(expected[-400:])
    common = np.minimum(truth, guess).sum() / np.maximum(truth, guess).sum()
    assert common > 0.7
    # Nothing comes back any more (headphones): soon nothing is expected.
    for i in range(3 * RATE // HOP):
        model.hear(np.zeros_like(magnitudes), everywhere, 7.0 + (i + 1) * HOP_S)
    assert model.gain_db < -60 or model.expected.max() < 1e-3


def test_the_soloists_own_bands_teach_nothing() -> None:
    bank = FilterBank(RATE)
    model = BleedModel(bank, HOP_S)
    model.take([EnsembleNote(0.0, 60.0, 100, 1), EnsembleNote(0.0, -1.0, 100, 3)])
    magnitudes = np.full(len(bank), 0.1, dtype=np.float32)
    nowhere = np.zeros(len(bank), dtype=np.float32)
    for i in range(300):
        assert not model.hear(magnitudes, nowhere, (i + 1) * HOP_S).any()
    assert model.gain_db == -np.inf


def test_a_soloist_is_followed_beside_an_ensemble_that_is_louder(play_tones: Play) -> None:
    start_s = 1.0
    length = round((start_s + len(SOLO) * BEAT_S + 0.5) * RATE)
    # The soloist is late on the ensemble by half a beat from the middle on: who follows the
    # ensemble is wrong there.
    late = SOLO[:8]
    first = play_tones(notes(late, start_s), RATE, gain=0.1)
    second = play_tones(notes(SOLO[8:], start_s + 8.5 * BEAT_S), RATE, gain=0.1)
    solo = padded(first, length) + padded(second, length)
    others = padded(play_tones(notes(OTHERS, start_s), RATE, gain=0.25), length, DELAY_S)
    alone = followed(solo, [])
    without = followed(solo + others, [])
    with_model = followed(solo + others, told(OTHERS, start_s))

    assert wrong(alone, start_s) == 0.0
    assert wrong(without, start_s) > 0.3
    assert wrong(with_model, start_s) <= 0.13


def test_to_know_the_sound_is_no_worse_than_to_know_the_notes(play_tones: Play) -> None:
    start_s = 1.0
    length = round((start_s + len(SOLO) * BEAT_S + 0.5) * RATE)
    first = play_tones(notes(SOLO[:8], start_s), RATE, gain=0.1)
    second = play_tones(notes(SOLO[8:], start_s + 8.5 * BEAT_S), RATE, gain=0.1)
    sent = padded(play_tones(notes(OTHERS, start_s), RATE, gain=0.25), length)
    heard = padded(first, length) + padded(second, length) + padded(sent, length, DELAY_S)
    known = told(OTHERS, start_s)
    by_notes = wrong(followed(heard, known), start_s)
    by_sound = wrong(followed(heard, known, sent), start_s)
    assert by_sound <= by_notes
    assert by_sound <= 0.07


def test_what_the_canceller_takes_out_bounds_what_the_notes_may_explain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the sound is known and none of it comes back, its notes take nothing away."""
    part, score = scale()
    line, tempo = solo_line(part), written_tempo(score)
    hop = np.random.default_rng(2).normal(size=HOP).astype(np.float32) * np.float32(0.05)
    monkeypatch.setattr(BleedModel, "hear", lambda _, m, __, ___: 10.0 * m)
    levels = []
    for known in (True, False):
        follower = BayesFollower(line, tempo, RATE, HOP, a4_hz=440.0)
        follower.ensemble(told(OTHERS, 0.0)[:1])
        if known:
            follower.ensemble_sound(np.zeros(HOP, dtype=np.float32))
        levels.append(follower.feed(Heard(HOP_S, hop)).level_db)
    assert levels[0] > levels[1] + 20.0


def test_an_ensemble_that_plays_on_alone_is_not_followed(play_tones: Play) -> None:
    start_s, played = 0.5, 10
    length = round((start_s + len(SOLO) * BEAT_S + 1.0) * RATE)
    solo = padded(play_tones(notes(SOLO[:played], start_s), RATE), length)
    others = padded(play_tones(notes(OTHERS, start_s), RATE), length, DELAY_S)
    assert followed(solo + others, [])[-1].quarter > played + 3.0
    assert followed(solo + others, told(OTHERS, start_s))[-1].quarter <= played + 1.0


def test_an_ear_that_is_told_of_nobody_hears_as_ever() -> None:
    rng = np.random.default_rng(1)
    one, other = Ear(FilterBank(RATE), HOP_S), Ear(FilterBank(RATE), HOP_S)
    nobody = np.zeros(len(one.bank), dtype=np.float32)
    for _ in range(50):
        samples = rng.normal(size=HOP).astype(np.float32)
        one.hear(samples)
        other.push(samples)
        other.weigh(nobody)
        assert np.array_equal(one.spectrum, other.spectrum)
        assert np.array_equal(one.rise, other.rise)
        assert one.presence == other.presence


def test_strokes_of_the_others_are_not_the_soloists(play_tones: Play) -> None:
    bank = FilterBank(RATE)
    ear, innocent = Ear(bank, HOP_S), Ear(FilterBank(RATE), HOP_S)
    truth = FilterBank(RATE)
    sound = play_tones([(0.3, 0.8, 60.0)], RATE)
    theirs = np.zeros(len(bank), dtype=np.float32)
    risen, deceived = 0.0, 0.0
    for i in range(round(0.6 * RATE) // HOP):
        hop = sound[i * HOP : (i + 1) * HOP]
        truth.push(hop, theirs)
        ear.push(hop)
        ear.weigh(0.8 * theirs)
        innocent.hear(hop)
        risen = max(risen, float(ear.rise.sum()))
        deceived = max(deceived, float(innocent.rise.sum()))
    assert deceived > 100.0
    assert risen < 0.35 * deceived
