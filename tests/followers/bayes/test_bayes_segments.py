"""Cutting the solo: borders, rests, small gaps, rings, repeated pitches."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.followers.bayes.segments import Segments, make_segments
from accompanist.score.model import Note, Ornament, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo


def cut(*notes: Note, qpm: float = 60.0) -> Segments:
    part = Part(1, "solo", notes)
    score = Score("", (part,), (), tempo_marks=(TempoMark(0.0, qpm),))
    return make_segments(solo_line(part), written_tempo(score), lead_in_s=0.7, tail_s=4.0)


def row(segments: Segments, i: int) -> dict[int, float]:
    entries = range(segments.pointer[i], segments.pointer[i + 1])
    pitches = segments.pitches[segments.pitch_index[list(entries)]]
    return dict(zip(pitches.tolist(), segments.weight[list(entries)].tolist(), strict=True))


def test_borders_events_and_rests() -> None:
    s = cut(Note(0, 1, 60), Note(1, 1, 62), Note(3, 1, 64))
    assert s.start_s.tolist() == pytest.approx([-0.7, 0, 1, 2, 3, 4])
    assert s.duration_s.tolist() == pytest.approx([0.7, 1, 1, 1, 1, 4])
    assert s.event.tolist() == [-1, 0, 1, 1, 2, 2]
    assert s.begins.tolist() == [False, True, True, False, True, False]
    assert s.rest.tolist() == [True, False, False, True, False, True]
    assert s.chord.tolist() == [-1, 1, 2, 2, 4, 4]
    assert s.event_segment.tolist() == [1, 2, 4]
    assert s.stroke_only.tolist() == [False, False, False]


def test_written_seconds_follow_the_tempo() -> None:
    assert cut(Note(0, 1, 60), Note(2, 1, 62), qpm=120).event_s.tolist() == [0.0, 1.0]


def test_small_gaps_are_closed_and_slivers_cut() -> None:
    s = cut(Note(0, 0.95, 60), Note(1, 1.03, 62), Note(2, 1, 64))
    assert s.start_s.tolist() == pytest.approx([-0.7, 0, 1, 2, 3])


def test_released_pitches_ring_on_and_stand_last_in_their_row() -> None:
    s = cut(Note(0, 1, 60), Note(1, 1, 62))
    assert row(s, 1) == {60: 1.0}
    assert row(s, 2) == pytest.approx({62: 1.0, 60: 0.3})
    assert s.ringing[2] - s.pointer[2] == 1


def test_held_pitches_fade_towards_a_floor() -> None:
    s = cut(Note(0, 60, 48), Note(1, 1, 60), Note(50, 1, 62))
    assert row(s, 2)[48] == pytest.approx(np.exp(-0.5))
    late = int(s.event_segment[-1])
    assert row(s, late)[48] == pytest.approx(0.3)


def test_a_repeated_pitch_is_told_by_its_stroke_only() -> None:
    s = cut(Note(0, 1, 60), Note(1, 1, 60), Note(2, 1, 62), Note(4, 1, 62))
    assert s.stroke_only.tolist() == [False, True, False, False]


def test_chords_strike_all_their_pitches() -> None:
    s = cut(Note(0, 1, 60), Note(0.01, 1, 64), Note(1, 1, 62))
    struck = s.new_index[s.new_pointer[0] : s.new_pointer[1]]
    assert s.pitches[struck].tolist() == [60, 64]


def test_a_trill_sounds_its_upper_note_too() -> None:
    s = cut(Note(0, 1, 60, ornament=Ornament.TRILL))
    assert row(s, 1) == pytest.approx({60: 1.0, 62: 0.7})


def test_segments_that_sound_alike_share_a_coarse_look() -> None:
    s = cut(Note(0, 1, 60), Note(1, 1, 62), Note(2, 1, 60), Note(3, 1, 62))
    assert s.unique_of.tolist() == [0, 1, 2, 1, 2, 3]
