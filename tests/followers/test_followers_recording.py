"""Followers of recordings on a synthetic recording: melody and accompaniment, melody live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.followers.protocol import Estimate, Follower, FollowerState, Heard
from accompanist.followers.recording.follower import RecordingFollower
from accompanist.followers.registry import make_follower
from accompanist.recordings.reference import Reference, reference_of
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

Samples = npt.NDArray[np.float32]
PlayTones = Callable[..., Samples]

RATE, HOP = 44_100, 256
NOTE_S = 0.4
MELODY = (64, 67, 71, 69, 66, 62, 64, 73, 71, 68, 64, 69, 76, 74, 72, 65, 67, 60, 63, 70, 68, 75)
BASS = (40, 47, 45, 50, 52, 44, 48, 43, 46, 41, 51)


@dataclass(frozen=True)
class Music:
    """The recording, analysed, and the melody to be played by another instrument."""

    reference: Reference
    play: PlayTones

    def follower(self, name: str = "recording", rate: int = RATE) -> Follower:
        notes = tuple(Note(2 * i * NOTE_S, NOTE_S, p) for i, p in enumerate(MELODY))
        part = Part(1, "solo", notes)
        score = Score("piece", (part,), (), tempo_marks=(TempoMark(0.0, 120.0),))
        return make_follower(
            name, solo=solo_line(part), tempo=written_tempo(score), sample_rate=rate,
            hop=round(HOP * rate / RATE), reference=self.reference,
        )  # fmt: skip

    def melody(self, first: int = 0, speed: float = 1.0, rate: int = RATE) -> Samples:
        length = NOTE_S / speed
        notes = [(0.01 + i * length, (i + 0.95) * length, p) for i, p in enumerate(MELODY[first:])]
        return self.play(notes, rate=rate, gain=0.3, tail_s=0.3)


@pytest.fixture(scope="module")
def music(play_tones: PlayTones) -> Music:
    melody = [(i * NOTE_S, (i + 1) * NOTE_S, p) for i, p in enumerate(MELODY)]
    bass = [(2 * i * NOTE_S, 2 * (i + 1) * NOTE_S, p) for i, p in enumerate(BASS)]
    chords = [(on, off, p + shift) for on, off, p in bass for shift in (12, 16, 19)]
    both = play_tones(melody + bass + chords, rate=RATE, gain=0.1)
    return Music(reference_of(ArraySound(both, RATE)), play_tones)


def feed(follower: Follower, samples: Samples, rate: int = RATE) -> list[Estimate]:
    hop = round(HOP * rate / RATE)
    count = len(samples) // hop
    return [
        follower.feed(Heard((i + 1) * hop / rate, samples[i * hop : (i + 1) * hop]))
        for i in range(count)
    ]


def seconds_at(estimates: list[Estimate], time_s: float) -> float:
    """Believed position in seconds of the recording (quarters are half seconds)."""
    return next(e for e in estimates if e.time_s >= time_s).quarter / 2


@pytest.mark.parametrize("speed", [0.75, 1.0, 1.4])
def test_the_melody_alone_is_followed_at_any_speed(music: Music, speed: float) -> None:
    estimates = feed(music.follower(), music.melody(speed=speed))
    errors = [
        abs(seconds_at(estimates, 0.01 + i * NOTE_S / speed + 0.05) - i * NOTE_S - 0.05 * speed)
        for i in range(4, len(MELODY))
    ]
    assert np.median(errors) < 0.06
    assert max(errors) < 0.4
    assert estimates[-60].quarters_per_s == pytest.approx(2 * speed, rel=0.25)


def test_notes_are_reported_near_their_beginnings(music: Music) -> None:
    told = {o.event: o for e in feed(music.follower(), music.melody()) for o in e.onsets}
    assert len(told) >= 0.8 * len(MELODY)
    late = [o.time_s - 0.01 - e * NOTE_S for e, o in told.items()]
    assert np.median(np.abs(late)) < 0.06


def test_a_recording_of_8_khz_can_be_followed(music: Music, play_tones: PlayTones) -> None:
    melody = [(i * NOTE_S, (i + 1) * NOTE_S, p) for i, p in enumerate(MELODY)]
    low = Music(reference_of(ArraySound(play_tones(melody, rate=8000), 8000)), play_tones)
    estimates = feed(low.follower(), music.melody())
    assert seconds_at(estimates, 6.0) == pytest.approx(6.0, abs=0.15)


def test_a_live_input_of_16_khz_can_be_followed(music: Music) -> None:
    estimates = feed(music.follower(rate=16_000), music.melody(rate=16_000), 16_000)
    assert seconds_at(estimates, 6.0) == pytest.approx(6.0, abs=0.15)


def room(seconds: float, level_db: float = -65.0) -> Samples:
    """A room in which nobody plays."""
    noise = np.random.default_rng(1).normal(0.0, 10.0 ** (level_db / 20.0), round(seconds * RATE))
    return noise.astype(np.float32)


def test_at_an_entry_a_soloist_is_awaited_however_long_the_room_hums(music: Music) -> None:
    follower = music.follower()
    feed(follower, music.melody()[: 3 * RATE])
    follower.locate(2 * 12 * NOTE_S)
    rest = feed(follower, room(15.0))
    assert {e.state for e in rest} == {FollowerState.ARMED}
    after = feed(follower, music.melody(12))
    assert seconds_at(after, 0.3) == pytest.approx(12 * NOTE_S + 0.3, abs=0.3)
    assert seconds_at(after, 1.0) == pytest.approx(12 * NOTE_S + 1.0, abs=0.1)


def test_where_the_soloist_is_known_to_come_in_later_they_are_awaited_there(music: Music) -> None:
    late = Part(1, "solo", tuple(Note(2 * i * NOTE_S, NOTE_S, p) for i, p in enumerate(MELODY))[8:])
    score = Score("piece", (late,), (), tempo_marks=(TempoMark(0.0, 120.0),))
    follower = make_follower(
        "recording", solo=solo_line(late), tempo=written_tempo(score), sample_rate=RATE, hop=HOP,
        reference=music.reference,
    )  # fmt: skip
    assert feed(follower, room(0.5))[-1].quarter == pytest.approx(16 * NOTE_S, abs=0.05)
    follower.locate(0.0)
    assert feed(follower, room(0.5))[-1].quarter == pytest.approx(16 * NOTE_S, abs=0.05)
    assert seconds_at(feed(follower, music.melody(8)), 1.0) == pytest.approx(
        8 * NOTE_S + 1.0, abs=0.12
    )


def test_silence_before_the_first_note_is_waited_out(music: Music) -> None:
    follower = music.follower()
    before = feed(follower, np.zeros(2 * RATE, dtype=np.float32))
    assert {e.state for e in before} == {FollowerState.ARMED}
    assert {e.quarter for e in before} == {before[0].quarter}
    after = feed(follower, music.melody()[: 3 * RATE])
    assert seconds_at(after, after[0].time_s + 2.5) == pytest.approx(2.5, abs=0.2)


def test_after_a_pause_the_soloist_is_found_where_they_go_on(music: Music) -> None:
    follower, melody = music.follower(), music.melody()
    cut = round((10 * NOTE_S + 0.005) * RATE)
    feed(follower, melody[:cut])
    feed(follower, np.zeros(2 * RATE, dtype=np.float32))
    after = feed(follower, melody[cut:])
    assert seconds_at(after, after[0].time_s + 2.5) == pytest.approx(10 * NOTE_S + 2.5, abs=0.2)


def test_who_begins_in_the_middle_is_found(music: Music) -> None:
    first = 9
    estimates = feed(music.follower(), music.melody(first))
    assert seconds_at(estimates, 4.2) == pytest.approx(first * NOTE_S + 4.2, abs=0.2)
    assert any(e.relocated for e in estimates)


def test_who_may_begin_anywhere_is_lost_until_they_are_found(music: Music) -> None:
    first = 9
    follower = music.follower()
    follower.locate(None, anywhere=True)
    estimates = feed(follower, music.melody(first))
    begun = [e for e in estimates if e.state is not FollowerState.ARMED]
    assert begun[0].state is FollowerState.LOST
    found = next(i for i, e in enumerate(estimates) if e.relocated)
    believed = [e for e in estimates[:found] if e.state is FollowerState.FOLLOWING]
    assert len(believed) * HOP / RATE < 0.7  # what begins like the beginning may be it
    assert estimates[found].time_s < 3.0
    assert seconds_at(estimates, 3.5) == pytest.approx(first * NOTE_S + 3.5, abs=0.2)


def test_who_may_begin_anywhere_may_begin_at_the_beginning(music: Music) -> None:
    follower = music.follower()
    follower.locate(None, anywhere=True)
    estimates = feed(follower, music.melody())
    assert not any(e.relocated for e in estimates)
    assert seconds_at(estimates, 4.0) == pytest.approx(4.0, abs=0.15)
    assert estimates[-100].state is FollowerState.FOLLOWING


def test_told_where_it_is_there_at_once(music: Music) -> None:
    follower = music.follower()
    follower.locate(2 * 9 * NOTE_S)
    estimates = feed(follower, music.melody(9))
    assert not any(e.relocated for e in estimates)
    assert seconds_at(estimates, 1.0) == pytest.approx(9 * NOTE_S + 1.0, abs=0.15)
    reported = [o.event for e in estimates for o in e.onsets]
    assert min(reported) >= 9


def test_another_piece_is_not_believed_in(music: Music) -> None:
    right = feed(music.follower(), music.melody())
    wrong = [(i * 0.37, i * 0.37 + 0.35, 96 - (i * 5) % 13) for i in range(16)]
    other = feed(music.follower(), music.play(wrong, rate=RATE, gain=0.3))
    second = [len(right) // 2, len(other) // 2]
    assert np.mean([e.confidence for e in right[second[0] :]]) > 0.8
    assert np.mean([e.confidence for e in other[second[1] :]]) < 0.3
    assert FollowerState.LOST in {e.state for e in other}


def test_a_silent_recording_can_be_played_over(music: Music) -> None:
    silent = Music(Reference(0.01, np.zeros((500, 252), dtype=np.float16)), music.play)
    estimates = feed(silent.follower(), music.melody()[: 3 * RATE])
    assert np.isfinite([e.quarter for e in estimates]).all()


def test_the_plain_model_follows_its_own_recording(music: Music) -> None:
    estimates = feed(music.follower("recording-hmm"), music.melody())
    assert seconds_at(estimates, 6.0) == pytest.approx(6.0, abs=0.4)


def test_the_plain_model_goes_on_in_silence_as_it_is_described(music: Music) -> None:
    estimates = feed(music.follower("recording-hmm"), np.zeros(3 * RATE, dtype=np.float32))
    assert 1.5 < estimates[-1].quarter / 2 < 3.5


@pytest.mark.parametrize("speed", [0.8, 1.1])
def test_nobody_who_goes_on_is_sent_elsewhere(music: Music, speed: float) -> None:
    assert not any(e.relocated for e in feed(music.follower(), music.melody(speed=speed)))


def test_who_skips_is_found_where_they_are_and_that_is_told(music: Music) -> None:
    skipped = np.concatenate((music.melody()[: round(3.2 * RATE)], music.melody(first=14)))
    estimates = feed(music.follower(), skipped)
    assert any(e.relocated for e in estimates if e.time_s > 3.2)
    late = [
        abs(seconds_at(estimates, 3.21 + i * NOTE_S + 0.1) - (14 + i) * NOTE_S - 0.1)
        for i in range(6, len(MELODY) - 14)
    ]
    assert np.median(late) < 0.15


def test_who_begins_at_the_beginning_is_hardly_ever_called_lost(music: Music) -> None:
    follower = music.follower()
    follower.locate(None, anywhere=True)
    estimates = feed(follower, music.melody())
    lost_s = sum(e.state is FollowerState.LOST for e in estimates) * HOP / RATE
    assert lost_s < 0.4


def test_in_another_piece_they_stay_lost(music: Music) -> None:
    wrong = [(i * 0.37, i * 0.37 + 0.35, 96 - (i * 5) % 13) for i in range(40)]
    estimates = feed(music.follower(), music.play(wrong, rate=RATE, gain=0.3))
    late = [e.state for e in estimates if e.time_s > 5.0]
    assert np.mean([state is FollowerState.LOST for state in late]) > 0.8


def test_who_leapt_twice_is_not_lost_where_the_whole_piece_speaks_for_the_place(
    music: Music,
) -> None:
    follower, melody = music.follower(), music.melody()
    middle = len(melody) // 2 // HOP * HOP
    feed(follower, melody[:middle])
    assert isinstance(follower, RecordingFollower)
    for _ in range(2):
        follower._overview.distrust()
    states = {e.state for e in feed(follower, melody[middle:])}
    assert FollowerState.LOST not in states


def test_nothing_began_before_it_was_heard(music: Music) -> None:
    silence = np.zeros(RATE, dtype=np.float32)
    late = np.concatenate((silence, music.melody()[round(0.1 * RATE) :]))
    told = [o for e in feed(music.follower(), late) for o in e.onsets]
    assert told
    assert min(o.time_s for o in told) > 0.96
