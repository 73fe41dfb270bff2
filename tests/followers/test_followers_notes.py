"""The follower of struck keys: slips of every kind, jumps, taps, tempo, and what never happens."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.followers.notes import NotesFollower
from accompanist.followers.protocol import Estimate, FollowerState, Heard, PlayedNote
from accompanist.score.model import Measure, Note, Ornament, Part, Score, TempoMark
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import written_tempo

HOP_S = 256 / 44_100
EMPTY = np.zeros(0, dtype=np.float32)
TUNE = (60, 62, 64, 65, 67, 69, 71, 72, 71, 67, 64, 60, 65, 69, 67, 64, 62, 59, 60, 67)


def solo_of(notes: list[Note]) -> SoloLine:
    return solo_line(Part(number=1, name="Solo", notes=tuple(notes)))


def follower_of(solo: SoloLine, qpm: float = 120.0) -> NotesFollower:
    part = Part(number=1, name="Solo", notes=tuple(n for g in solo.notes for n in g))
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(64))
    marks = (TempoMark(0.0, qpm),)
    score = Score(title="", parts=(part,), measures=measures, tempo_marks=marks)
    return NotesFollower(solo=solo, tempo=written_tempo(score))


def melody(pitches: tuple[int, ...] = TUNE) -> SoloLine:
    return solo_of([Note(float(i), 1.0, pitch) for i, pitch in enumerate(pitches)])


def play(
    follower: NotesFollower, struck: list[tuple[float, int]], until_s: float | None = None
) -> list[Estimate]:
    """Feed (time, pitch) keys on the hop grid."""
    notes = [PlayedNote(t, p, 80) for t, p in sorted(struck)]
    end_s = (struck[-1][0] + 0.2) if until_s is None else until_s
    said, waiting = [], list(notes)
    for k in range(1, int(end_s / HOP_S) + 1):
        now = k * HOP_S
        due = tuple(n for n in waiting if n.time_s < now)
        waiting = waiting[len(due) :]
        said.append(follower.feed(Heard(now, EMPTY, due)))
    return said


def events(said: list[Estimate]) -> list[int]:
    return [report.event for estimate in said for report in estimate.onsets]


def in_time(pitches: tuple[int, ...] | list[int], beat_s: float = 0.5) -> list[tuple[float, int]]:
    return [(0.1 + i * beat_s, pitch) for i, pitch in enumerate(pitches)]


def test_every_event_is_reported_once_when_it_is_struck() -> None:
    said = play(follower_of(melody()), in_time(TUNE))
    assert events(said) == list(range(len(TUNE)))
    reports = [report for estimate in said for report in estimate.onsets]
    assert [r.time_s for r in reports] == pytest.approx([t for t, _ in in_time(TUNE)])
    assert all(0.0 <= r.reported_s - r.time_s <= HOP_S + 1e-9 for r in reports)
    assert not any(estimate.relocated for estimate in said)


def test_it_is_armed_until_the_first_key() -> None:
    said = play(follower_of(melody()), [(0.5, 60)])
    first = next(i for i, estimate in enumerate(said) if estimate.onsets)
    assert {estimate.state for estimate in said[:first]} == {FollowerState.ARMED}
    assert {estimate.quarter for estimate in said[:first]} == {0.0}
    assert said[first].state is FollowerState.FOLLOWING


def test_the_tempo_is_the_players_own() -> None:
    for beat_s in (0.25, 0.4, 0.5, 0.7, 1.0):
        said = play(follower_of(melody()), in_time(TUNE, beat_s))
        at_end = next(e for e in reversed(said) if e.onsets)
        assert at_end.quarters_per_s == pytest.approx(1 / beat_s, rel=0.03)


def test_the_position_goes_on_between_the_keys() -> None:
    said = play(follower_of(melody()), in_time(TUNE[:8]))
    by_time = {round(e.time_s / HOP_S): e for e in said}
    middle = by_time[round((0.1 + 6 * 0.5 + 0.25) / HOP_S)]
    assert middle.quarter == pytest.approx(6.5, abs=0.05)


def test_the_position_waits_before_a_late_key_and_says_so() -> None:
    said = play(follower_of(melody()), in_time(TUNE[:6]), until_s=6.0)
    assert said[-1].quarter == pytest.approx(6.0)
    assert said[-1].quarter < 6.0
    assert said[-1].state is FollowerState.HOLDING


def test_a_wrong_key_is_the_right_event() -> None:
    slipped = list(TUNE)
    slipped[5] = 70  # a semitone beside
    said = play(follower_of(melody()), in_time(slipped))
    assert events(said)[-1] == len(TUNE) - 1
    assert set(range(len(TUNE))) - set(events(said)) <= {5}
    assert not any(estimate.relocated for estimate in said)


def test_a_missed_key_is_passed_over() -> None:
    struck = in_time(TUNE)
    del struck[7]
    said = play(follower_of(melody()), struck)
    assert events(said) == [e for e in range(len(TUNE)) if e != 7]


def test_an_extra_key_moves_nothing() -> None:
    struck = sorted([*in_time(TUNE), (0.1 + 4 * 0.5 + 0.2, 42)])
    said = play(follower_of(melody()), struck)
    assert events(said) == list(range(len(TUNE)))


def test_a_stuttered_key_is_one_event() -> None:
    struck = sorted([*in_time(TUNE), (0.1 + 4 * 0.5 + 0.12, TUNE[4])])
    said = play(follower_of(melody()), struck)
    assert events(said) == list(range(len(TUNE)))


def test_repeated_notes_are_events_of_their_own() -> None:
    pitches = (60, 60, 60, 62, 62, 62, 62, 64)
    said = play(follower_of(melody(pitches)), in_time(pitches))
    assert events(said) == list(range(8))


@pytest.mark.parametrize("order", [(60, 64, 67), (67, 64, 60), (64, 67, 60)])
def test_chords_come_in_any_order(order: tuple[int, ...]) -> None:
    chord = [Note(float(i), 1.0, p) for i in range(6) for p in (60, 64, 67)]
    struck = [(0.1 + 0.5 * i + 0.012 * k, p) for i in range(6) for k, p in enumerate(order)]
    said = play(follower_of(solo_of(chord)), struck)
    assert events(said) == list(range(6))


def test_an_incomplete_chord_is_left_behind() -> None:
    notes = [Note(float(i), 1.0, p + i) for i in range(8) for p in (48, 55, 64)]
    struck = [(0.1 + 0.5 * i + 0.01 * k, p + i) for i in range(8) for k, p in enumerate((48, 64))]
    said = play(follower_of(solo_of(notes)), struck)
    assert events(said) == list(range(8))


def test_a_trill_stays_where_it_is() -> None:
    notes = [Note(float(i), 1.0, p) for i, p in enumerate(TUNE)]
    notes[3] = Note(3.0, 1.0, TUNE[3], ornament=Ornament.TRILL)
    trill = [(1.6 + 0.07 * k, TUNE[3] + 2 * (k % 2)) for k in range(1, 6)]
    said = play(follower_of(solo_of(notes)), sorted([*in_time(TUNE), *trill]))
    assert events(said) == list(range(len(TUNE)))


def test_grace_notes_stay_before_their_main_note() -> None:
    notes = [Note(float(i), 1.0, p) for i, p in enumerate(TUNE)]
    grace = [Note(3.95, 0.05, 68, grace=True)]
    said = play(follower_of(solo_of(notes + grace)), sorted([*in_time(TUNE), (2.04, 68)]))
    assert events(said) == list(range(len(TUNE)))


def test_a_skip_is_found_within_some_notes() -> None:
    rng = random.Random(3)
    pitches = tuple(rng.randrange(55, 80) for _ in range(60))
    struck = in_time([*pitches[:15], *pitches[40:55]])
    said = play(follower_of(melody(pitches)), struck)
    assert events(said)[-1] == 54
    found_s = next(e.time_s for e in said if e.relocated)
    assert found_s < 0.1 + 0.5 * 15 + 4 * 0.5
    assert sum(estimate.relocated for estimate in said) == 1


def test_going_back_is_found_within_some_notes() -> None:
    rng = random.Random(4)
    pitches = tuple(rng.randrange(55, 80) for _ in range(40))
    struck = in_time([*pitches[:30], *pitches[8:28]])
    said = play(follower_of(melody(pitches)), struck)
    assert events(said)[-1] == 27
    assert said[-1].confidence > 0.9


def test_a_restart_of_the_bar_is_followed_at_once() -> None:
    said = play(follower_of(melody()), in_time([*TUNE[:7], *TUNE[3:]]))
    assert events(said) == [*range(7), *range(3, len(TUNE))]


def test_locate_waits_for_the_event_there() -> None:
    follower = follower_of(melody())
    play(follower, in_time(TUNE[:5]))
    follower.locate(12.0)
    assert follower.feed(Heard(10.0, EMPTY)).quarter == 12.0
    assert follower.feed(Heard(20.0, EMPTY)).state is FollowerState.ARMED
    report = follower.feed(Heard(30.0, EMPTY, (PlayedNote(29.999, TUNE[12], 90),))).onsets
    assert [r.event for r in report] == [12]
    follower.locate(None)
    assert follower.feed(Heard(31.0, EMPTY)).quarter == 0.0


def test_taps_take_the_next_event_each() -> None:
    said = play(follower_of(melody()), in_time([-1] * len(TUNE), beat_s=0.42))
    assert events(said) == list(range(len(TUNE)))
    assert said[-1].confidence == 1.0


def test_it_ends() -> None:
    said = play(follower_of(melody()), in_time([*TUNE, -1, -1]), until_s=14.0)
    assert said[-1].state is FollowerState.ENDED
    assert said[-1].quarter == len(TUNE)
    assert events(said) == list(range(len(TUNE)))


def test_a_pause_leaves_the_tempo_alone() -> None:
    struck = in_time(TUNE[:10])
    struck += [(t + 3.0, p) for t, p in in_time(TUNE)[10:13]]
    said = play(follower_of(melody()), struck)
    assert said[-1].quarters_per_s == pytest.approx(2.0, rel=0.03)
    assert events(said) == list(range(13))


def test_another_piece_is_lost_not_refused() -> None:
    rng = random.Random(5)
    said = play(follower_of(melody()), in_time([rng.randrange(20, 50) for _ in range(30)]))
    assert all(np.isfinite(estimate.quarter) for estimate in said)


def test_a_solo_without_notes_waits_for_ever() -> None:
    said = play(follower_of(solo_of([])), [(0.1, 60), (0.2, -1)])
    assert events(said) == []


def test_releases_are_no_strokes() -> None:
    follower = follower_of(melody())
    estimate = follower.feed(Heard(0.1, EMPTY, (PlayedNote(0.05, 60, 0),)))
    assert estimate.state is FollowerState.ARMED
    assert estimate.onsets == ()


def test_a_long_score_is_cheap_enough_to_follow() -> None:
    rng = random.Random(6)
    pitches = tuple(rng.randrange(55, 80) for _ in range(20_000))
    follower = follower_of(melody(pitches))
    follower.locate(15_000.0)
    said = play(follower, in_time(list(pitches[15_000:15_012]), beat_s=0.1))
    assert events(said) == list(range(15_000, 15_012))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 2.0))
def test_a_player_with_slips_is_followed_to_the_end(seed: int, factor: float) -> None:
    rng = random.Random(seed)
    pitches = tuple(rng.randrange(55, 80) for _ in range(60))
    struck: list[tuple[float, int]] = []
    now_s = 0.1
    for i, pitch in enumerate(pitches):
        slip = rng.random() if 3 <= i < 54 else 1.0
        if slip >= 0.04:  # else missed
            struck.append((now_s, pitch + (rng.choice((-1, 1)) if slip < 0.08 else 0)))
        if 0.96 < slip < 1.0:
            struck.append((now_s + 0.2 * factor, rng.randrange(40, 90)))
        now_s += 0.5 * factor * rng.uniform(0.85, 1.18)
    follower = follower_of(melody(pitches))
    said = [follower.feed(Heard(t + 0.003, EMPTY, (PlayedNote(t, p, 80),))) for t, p in struck]
    assert events(said)[-1] == 59
    assert said[-1].confidence > 0.8


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(-1, 127), st.integers(0, 127)), max_size=40)
)
def test_whatever_is_struck_the_position_passes_no_unheard_event(
    struck: list[tuple[float, int, int]],
) -> None:
    keys = [PlayedNote(*key) for key in sorted(struck)]

    def run() -> list[Estimate]:
        follower = follower_of(melody())
        said = []
        for k in range(1, 120):
            due = tuple(n for n in keys if (k - 1) * 0.03 <= n.time_s < k * 0.03)
            said.append(follower.feed(Heard(k * 0.03, EMPTY, due)))
        return said

    said = run()
    assert said == run()
    event = -1
    for estimate in said:
        for report in estimate.onsets:
            event = report.event
            assert report.time_s <= report.reported_s
        assert 0.0 <= estimate.confidence <= 1.0
        if event + 1 < len(TUNE):
            assert estimate.quarter <= event + 1
    for before, after in pairwise(said):
        if not after.relocated and not after.onsets:
            assert after.quarter >= before.quarter


def test_who_may_begin_anywhere_is_found_after_a_few_notes_and_relocated() -> None:
    follower = follower_of(melody())
    follower.locate(None, anywhere=True)
    said = play(follower, in_time(TUNE[11:17]))
    assert events(said)[-3:] == [14, 15, 16]
    assert any(estimate.relocated for estimate in said)


def test_who_may_begin_anywhere_mostly_begins_at_the_beginning() -> None:
    follower = follower_of(melody())
    follower.locate(None, anywhere=True)
    said = play(follower, in_time(TUNE[:6]))
    assert events(said) == [0, 1, 2, 3, 4, 5]
    assert not any(estimate.relocated for estimate in said)
