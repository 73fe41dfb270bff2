"""A recording in the conductor's time: cues in, samples out, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from accompanist.performing.playback.player import Playback
from accompanist.recordings.sound import ArraySound
from accompanist.recordings.stretching.registry import make_stretcher
from accompanist.score.tempo import WrittenTempo

RATE = 16_000
QUARTER_S = 0.5
"""In the recording; so a timeline of 2 quarters a second plays it as it was recorded."""

FloatArray = npt.NDArray[np.float32]


def tempo(quarter_s: float = QUARTER_S) -> WrittenTempo:
    ends = np.array([0.0, 1.0])
    return WrittenTempo(ends, ends * quarter_s, 1 / quarter_s, 1 / quarter_s)


def tones(seconds: float = 10.0, hz: float = 200.0) -> FloatArray:
    """A chord of low notes: no sample of it is far from the one before."""
    t = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * hz * k * t + k) for k in (1, 1.26, 1.5))
    return np.asarray(0.1 * chord, dtype=np.float32)


def noise(seconds: float = 10.0, channels: int = 2) -> FloatArray:
    shape = (round(seconds * RATE), channels)
    return np.random.default_rng(3).normal(0.0, 0.1, shape).astype(np.float32)


def playback(
    mix: FloatArray,
    accompaniment: FloatArray | None = None,
    *,
    out_rate: int = RATE,
    stretcher: str | None = None,
) -> Playback:
    return Playback(
        ArraySound(mix, RATE),
        None if accompaniment is None else ArraySound(accompaniment, RATE),
        tempo(),
        out_rate=out_rate,
        stretch=make_stretcher(stretcher),
    )


def cue(
    time_s: float,
    place_s: float,
    speed: float = 1.0,
    state: str = "following",
    *,
    gate_s: float = float("inf"),
    jumps: int = 0,
    from_s: float = 0.0,
    silences: int = 0,
    fade: float = 1.0,
) -> Cue:
    """From take time ``time_s`` on at ``place_s`` of the recording, at ``speed``."""
    quarter, gate = place_s / QUARTER_S, gate_s / QUARTER_S
    line = Timeline((time_s,), (quarter,), speed / QUARTER_S, gate)
    return Cue(
        time_s,
        line,
        state,
        jumps=jumps,
        plays_from=from_s / QUARTER_S,
        silences=silences,
        fade=fade,
    )


def played(player: Playback, *cues: Cue, seconds: float, block: int = 160) -> FloatArray:
    for one in cues:
        player.take(one)
    count = round(seconds * RATE)
    parts = [player.render(i / RATE, min(block, count - i)) for i in range(0, count, block)]
    return np.concatenate(parts)


def level(samples: FloatArray, begin_s: float, end_s: float) -> float:
    part = samples[round(begin_s * RATE) : round(end_s * RATE)]
    return float(np.sqrt(np.square(part, dtype=np.float64).mean()))


def steps(samples: FloatArray) -> float:
    """The largest step from one sample to the next."""
    return float(np.abs(np.diff(samples, axis=0, prepend=np.zeros_like(samples[:1]))).max())


def test_as_recorded_it_is_the_recording() -> None:
    mix = noise()
    out = played(playback(mix), cue(0.0, 2.0), seconds=3.0)
    faded = RATE // 50
    assert np.abs(out[faded:] - mix[2 * RATE + faded : 5 * RATE]).max() < 1e-5


def test_before_there_is_a_cue_there_is_silence() -> None:
    player = playback(noise())
    assert not player.render(0.0, 500).any()
    assert player.source_s is None
    assert player.travelled() == ()


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
def test_it_is_at_every_moment_where_it_is_to_be(speed: float) -> None:
    player = playback(tones())
    played(player, cue(0.0, 1.0, speed), seconds=2.0)
    for time_s, place_s in player.travelled():
        assert place_s == pytest.approx(1.0 + speed * time_s, abs=1e-4)


def test_a_changed_tempo_is_heard_within_sixty_milliseconds() -> None:
    player = playback(tones())
    played(player, cue(0.0, 0.0), cue(2.0, 2.0, 1.25), seconds=4.0)
    way = np.array(player.travelled())
    speeds = np.diff(way[:, 1]) / np.diff(way[:, 0])
    first = way[1:][np.abs(speeds - 1.0) > 0.01][0]
    assert 0.0 < first[0] - 2.0 <= 0.060
    wanted = 2.0 + 1.25 * (way[:, 0] - 2.0)
    late = np.abs(way[:, 1] - wanted)[way[:, 0] > 2.2]
    assert late.max() < 0.002
    assert speeds.max() < 1.45


def test_a_click_is_where_the_changed_tempo_puts_it() -> None:
    clicks = np.zeros(8 * RATE, dtype=np.float32)
    clicks[RATE // 10 :: RATE // 10] = 0.5
    out = played(playback(clicks), cue(0.0, 0.0), cue(2.0, 2.0, 1.25), seconds=4.0)[:, 0]
    for place_s in np.arange(2.3, 3.9, 0.1):
        due = round((2.0 + (place_s - 2.0) / 1.25) * RATE)
        part = np.square(out[due - 400 : due + 400].astype(np.float64))
        centre = (part * np.arange(-400, 400)).sum() / part.sum()
        assert abs(centre) < 0.003 * RATE


def test_an_error_of_place_is_made_good_quickly_and_without_a_jump() -> None:
    player = playback(tones())
    played(player, cue(0.0, 0.0), cue(2.0, 2.05), seconds=3.0)
    way = np.array(player.travelled())
    error = np.abs(way[:, 1] - way[:, 0] - 0.05)
    assert error[way[:, 0] > 2.25].max() < 0.003
    assert np.diff(way[:, 1]).max() < 2.5 * np.diff(way[:, 0]).max()


def test_it_holds_at_the_gate_and_goes_on_from_there() -> None:
    mix = tones()
    player = playback(mix)
    out = played(player, cue(0.0, 0.0, gate_s=2.0, state="holding"), cue(4.0, 2.0), seconds=5.0)
    way = np.array(player.travelled())
    assert way[:, 1].max() == pytest.approx(3.0, abs=0.02)
    assert way[way[:, 0] < 4.0, 1].max() <= 2.0 + 1e-3
    assert way[np.searchsorted(way[:, 0], 4.02), 1] == pytest.approx(2.02, abs=0.01)
    for begin_s, end_s in pairwise(np.arange(1.9, 4.6, 0.1)):
        assert level(out, begin_s, end_s) == pytest.approx(level(mix[:, None], 0, 5), rel=0.35)
    assert steps(out) < 1.6 * steps(mix[:, None])


def test_nothing_of_what_stands_behind_the_gate_is_heard_while_it_holds() -> None:
    mix = np.zeros(4 * RATE, dtype=np.float32)
    mix[: 2 * RATE] = tones(2.0) * 0.1
    mix[2 * RATE :] = noise(2.0, 1)[:, 0] * 5.0
    out = played(playback(mix), cue(0.0, 0.0, gate_s=2.0, state="holding"), seconds=4.0)
    assert level(out, 2.1, 4.0) < 2.0 * level(out, 0.1, 1.9)
    assert np.abs(out).max() < 0.15 * np.abs(mix).max()


def test_where_nothing_has_sounded_nothing_is_held() -> None:
    player = playback(tones())
    out = played(
        player,
        cue(0.0, 2.0, gate_s=2.0, jumps=1, from_s=2.0),
        cue(1.0, 2.0, jumps=1, from_s=2.0),
        seconds=2.0,
    )
    assert not out[: RATE - 300].any()
    assert level(out, 1.1, 2.0) > 0.05
    assert player.travelled()[0] == pytest.approx((1.0, 2.0), abs=0.02)


@pytest.mark.parametrize("state", ["idle", "armed", "countin", "waiting", "paused", "ended"])
def test_in_some_states_nothing_sounds_and_it_fades_without_a_click(state: str) -> None:
    mix = tones()
    out = played(playback(mix), cue(0.0, 0.0), cue(1.0, 1.0, state=state, silences=1), seconds=2.0)
    assert level(out, 0.9, 1.0) > 0.05
    assert not out[round(1.045 * RATE) :].any()
    assert steps(out) < 1.6 * steps(mix[:, None])


def test_it_jumps_to_where_it_belongs() -> None:
    mix = tones()
    player = playback(mix)
    out = played(player, cue(0.0, 0.0), cue(1.0, 6.0, jumps=1, from_s=6.0), seconds=2.0)
    way = np.array(player.travelled())
    behind = way[way[:, 0] > 1.05]
    assert behind[:, 1] == pytest.approx(behind[:, 0] + 5.0, abs=0.002)
    assert np.abs(out[round(1.1 * RATE) :, 0] - mix[round(6.1 * RATE) : 7 * RATE]).max() < 1e-4
    assert steps(out) < 1.6 * steps(mix[:, None])


def test_what_is_far_from_its_place_jumps_there_and_what_is_near_does_not() -> None:
    for away_s, jumps in ((0.25, False), (0.5, True), (-0.5, True)):
        player = playback(tones())
        played(player, cue(0.0, 0.0), cue(2.0, 2.0 + away_s), seconds=3.0)
        way = np.array(player.travelled())
        largest = np.abs(np.diff(way[:, 1])).max()
        assert bool(largest > 0.2) is jumps
        assert way[-1, 1] == pytest.approx(way[-1, 0] + away_s, abs=0.005)


def test_what_lies_before_the_place_to_play_from_is_not_played() -> None:
    mix = noise()
    out = played(playback(mix), cue(0.0, 1.0, jumps=1, from_s=2.0), seconds=2.0)
    assert not out[: RATE - 200].any()
    assert np.abs(out[RATE + 400 :] - mix[2 * RATE + 400 : 3 * RATE]).max() < 1e-4


def test_beyond_both_ends_there_is_silence() -> None:
    out = played(playback(noise(1.0)), cue(0.0, -0.5, from_s=-9.0), seconds=2.0)
    assert not out[: round(0.4 * RATE)].any()
    assert not out[round(1.6 * RATE) :].any()
    assert level(out, 0.6, 1.4) == pytest.approx(0.1, rel=0.1)


def test_the_soloist_can_be_brought_in_and_the_level_turned_down() -> None:
    solo, others = tones(hz=300.0), tones(hz=200.0)
    mix = solo + others
    player = playback(mix, others)
    player.take(cue(0.0, 0.0))
    alone = player.render(0.0, RATE)[:, 0]
    assert np.abs(alone[400:] - others[400:RATE]).max() < 1e-5
    player.solo_level = 1.0
    both = player.render(1.0, RATE)[:, 0]
    assert np.abs(both[12_000:] - mix[RATE + 12_000 : 2 * RATE]).max() < 1e-5
    player.solo_level, player.gain = 0.5, 0.5
    half = player.render(2.0, RATE)[:, 0]
    wanted = 0.5 * (others + 0.5 * solo)[2 * RATE + 12_000 : 3 * RATE]
    assert np.abs(half[12_000:] - wanted).max() < 1e-5
    whole = np.concatenate((alone, both, half))[:, None]
    assert steps(whole) < 1.3 * steps(mix[:, None])
    player.solo_level, player.gain = 7.0, -1.0
    assert (player.solo_level, player.gain) == (1.0, 0.0)


def test_it_fades_as_the_cue_says() -> None:
    mix = tones()
    fading = [cue(1.0 + i / 100, 1.0 + i / 100, fade=1.0 - i / 100) for i in range(101)]
    out = played(playback(mix), cue(0.0, 0.0), *fading, seconds=2.5)
    there = mix[:, None]
    assert level(out, 1.45, 1.55) == pytest.approx(0.5 * level(there, 1.45, 1.55), rel=0.05)
    assert not out[round(2.05 * RATE) :].any()
    assert steps(out) < 1.1 * steps(there)


def test_nothing_exceeds_full_scale() -> None:
    player = playback(8.0 * noise(3.0))
    player.gain = 4.0
    out = played(player, cue(0.0, 0.0, 1.1), seconds=2.0)
    assert np.abs(out).max() <= 1.0
    assert level(out, 0.1, 2.0) > 0.2


@pytest.mark.parametrize("block", [1, 37, 4096])
def test_the_block_size_has_no_influence(block: int) -> None:
    cues = (
        cue(0.0, 0.0),
        cue(0.31, 0.31, 1.2),
        cue(0.52, 0.57, 0.9, gate_s=0.8),
        cue(1.1, 0.8),
        cue(1.3, 3.0, jumps=1, from_s=3.0),
        cue(1.5, 3.2, state="paused", jumps=1, from_s=3.0, silences=1),
    )
    seconds = 0.4 if block == 1 else 1.7
    mix = noise(5.0)
    whole = played(playback(mix), *cues, seconds=seconds, block=160)
    assert np.abs(played(playback(mix), *cues, seconds=seconds, block=block) - whole).max() < 1e-5


def test_another_rate_of_the_output_changes_neither_time_nor_pitch() -> None:
    mix = tones()
    player = playback(mix, out_rate=44_100)
    player.take(cue(0.0, 1.0))
    out = player.render(0.0, 44_100)[2000:, 0]
    t = np.arange(44_100 + 2000, 2 * 44_100) / 44_100
    wanted = sum(0.1 * np.sin(2 * np.pi * 200.0 * k * t + k) for k in (1, 1.26, 1.5))
    assert np.abs(out[: len(t)] - wanted).max() < 1e-3


def test_it_has_as_many_channels_as_are_wanted() -> None:
    six = ArraySound(noise(1.0, 6), RATE)
    for wanted, given in ((None, 2), (1, 1), (2, 2)):
        player = Playback(
            six, None, tempo(), out_rate=RATE, stretch=make_stretcher(), channels=wanted
        )
        player.take(cue(0.0, 0.0))
        out = player.render(0.0, 8000)
        assert out.shape == (8000, given)
        mean = six.read(1000, 7000).mean(axis=1)
        assert np.abs(out[1000:, -1] - mean).max() < 1e-5


def test_a_clock_that_drifts_is_followed() -> None:
    """The card takes 48 samples a second more than it says: 3 ms a second."""
    player = playback(tones())
    player.take(cue(0.0, 0.0))
    block, card = 160, RATE * 1.003
    for i in range(400):
        player.render(i * block / card, block)
    way = np.array(player.travelled())
    assert np.abs(way[:, 1] - way[:, 0]).max() < 0.002


def test_a_gap_in_time_is_jumped_over() -> None:
    player = playback(tones())
    player.take(cue(0.0, 0.0))
    player.render(0.0, RATE)
    player.render(3.0, RATE)
    way = np.array(player.travelled())
    assert way[-1] == pytest.approx((way[-1, 0], way[-1, 0]), abs=0.002)
    assert 3.9 < way[-1, 0] < 4.0


def test_another_recording_takes_over_at_the_same_quarter() -> None:
    first, second = tones(hz=200.0), tones(20.0, hz=330.0)
    player = playback(first)
    player.take(cue(0.0, 0.0))
    before = player.render(0.0, 2 * RATE)
    player.change(ArraySound(second, RATE), None, tempo(2 * QUARTER_S))
    after = player.render(2.0, 2 * RATE)
    way = np.array(player.travelled())
    assert way[-1, 1] == pytest.approx(2 * way[-1, 0], abs=0.005)
    assert np.diff(way[-200:, 1]) == pytest.approx(2 * np.diff(way[-200:, 0]), rel=1e-3)
    assert steps(np.concatenate((before, after))) < 1.6 * steps(second[:, None])
    spectrum = np.abs(np.fft.rfft(after[-RATE:, 0] * np.hanning(RATE)))
    assert np.argmax(spectrum[:400]) == pytest.approx(330, abs=1)
    assert spectrum[200] < 0.01 * spectrum[330]
    player.change(ArraySound(noise(), RATE), None, tempo())
    assert player.render(4.0, 100).shape == (100, 1)


def test_back_at_the_recorded_tempo_it_is_the_recording_again() -> None:
    mix = noise()
    out = played(playback(mix), cue(0.0, 0.0), cue(0.5, 0.5, 1.2), cue(1.0, 1.1), seconds=3.0)
    there = mix[round(2.1 * RATE) : round(3.1 * RATE)]
    assert np.abs(out[2 * RATE :] - there).max() < 0.02


def test_sent_far_away_to_a_gate_it_waits_there_and_plays_nothing_of_what_stands_behind() -> None:
    mix = tones()
    mix[5 * RATE :] = 4.0 * noise(5.0, 1)[:, 0]
    player = playback(mix)
    waits = cue(1.0, 5.0, gate_s=5.0, jumps=1, from_s=5.0)
    out = played(player, cue(0.0, 0.0), waits, cue(2.0, 5.0, jumps=1, from_s=5.0), seconds=3.0)
    assert not out[round(1.05 * RATE) : round(1.99 * RATE)].any()
    assert np.abs(out[: 2 * RATE]).max() < 1.2 * np.abs(mix[: 5 * RATE]).max()
    assert level(out, 2.1, 3.0) > 0.2


def test_a_gate_that_moves_on_far_while_it_holds_is_waited_at_there() -> None:
    mix = tones()
    mix[4 * RATE :] = 4.0 * noise(6.0, 1)[:, 0]
    player = playback(mix)
    out = played(
        player, cue(0.0, 0.0, gate_s=1.0), cue(2.0, 4.5, gate_s=4.0), cue(3.0, 4.0), seconds=4.0
    )
    assert level(out, 1.2, 1.9) > 0.05
    assert level(out, 2.1, 2.9) > 0.05
    assert np.abs(out[: 3 * RATE]).max() < 1.5 * np.abs(mix[: 4 * RATE]).max()
    assert level(out, 3.1, 4.0) > 0.2


def test_a_recording_leans_to_the_soloist_without_a_step() -> None:
    leaning = replace(cue(1.0, 1.0), lean_db=3.0)
    plain = played(playback(tones()), cue(0.0, 0.0), seconds=4.0)
    louder = played(playback(tones()), cue(0.0, 0.0), leaning, seconds=4.0)
    assert np.array_equal(louder[: round(0.99 * RATE)], plain[: round(0.99 * RATE)])
    ratio = np.std(louder[3 * RATE :]) / np.std(plain[3 * RATE :])
    assert 20.0 * np.log10(ratio) == pytest.approx(3.0, abs=0.1)
    assert np.abs(np.diff(louder, axis=0)).max() < 1.5 * np.abs(np.diff(plain, axis=0)).max()
