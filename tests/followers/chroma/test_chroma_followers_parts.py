"""What the followers on chroma share: shares, the expected sound, reports and tempi."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.followers.chroma.ear import SILENCE, ChromaEar
from accompanist.followers.chroma.expected import expected_rows, pitch_chroma, score_segments
from accompanist.followers.chroma.reports import EventReporter, EventTempo, PathTempo
from accompanist.followers.protocol import Heard
from accompanist.hearing.chroma import FoldedChroma
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo, written_tempo

RATE = 44_100
Float32Array = npt.NDArray[np.float32]


def piece(*notes: Note) -> tuple[SoloLine, WrittenTempo]:
    score = Score("t", (Part(1, "solo", notes),), (), tempo_marks=(TempoMark(0.0, 120.0),))
    return solo_line(score.parts[0]), written_tempo(score)


@pytest.fixture(scope="module")
def pitches() -> Float32Array:
    return pitch_chroma(lambda: FoldedChroma(RATE), RATE)


def test_each_pitch_looks_like_itself_and_its_fifth(pitches: Float32Array) -> None:
    assert pitches.shape == (128, 12)
    assert pitches.sum(axis=1) == pytest.approx(np.ones(128), abs=1e-5)
    for pitch in range(52, 100):
        first, second = np.argsort(pitches[pitch])[::-1][:2]
        assert (first, second) == (pitch % 12, (pitch + 7) % 12)


def test_pitches_are_expected_at_the_soloists_tuning() -> None:
    low = pitch_chroma(lambda: FoldedChroma(RATE, 415.0), RATE, 415.0)
    assert low[69].argmax() == 9


def test_segments_are_cut_at_every_on_and_off(pitches: Float32Array) -> None:
    solo, tempo = piece(Note(0.0, 2.0, 60), Note(1.0, 1.0, 64), Note(4.0, 1.0, 67))
    segments = score_segments(solo, tempo, pitches)
    assert segments.start_s.tolist() == [0.0, 0.5, 1.0, 2.0]
    assert segments.end_s.tolist() == [0.5, 1.0, 2.0, 2.5]
    assert segments.event.tolist() == [0, 1, 1, 2]
    assert segments.looks.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert segments.looks[:, :12].argmax(axis=1).tolist()[0] == 0
    assert segments.looks[1, 4] > 0.1  # both sound
    assert segments.looks[2, SILENCE] > segments.looks[1, SILENCE]  # the rest


def test_a_gap_that_is_but_articulation_is_closed(pitches: Float32Array) -> None:
    solo, tempo = piece(Note(0.0, 0.97, 60), Note(1.0, 1.0, 64))
    assert len(score_segments(solo, tempo, pitches)) == 2


def test_rows_render_the_score_at_the_written_tempo(pitches: Float32Array) -> None:
    solo, tempo = piece(Note(2.0, 1.0, 60), Note(3.0, 1.0, 64))
    rows = expected_rows(solo, tempo, pitches, 0.02)
    assert len(rows) == 51
    assert rows[:24, :12].argmax(axis=1).tolist() == [0] * 24
    assert rows[27:50, :12].argmax(axis=1).tolist() == [4] * 23


def test_notes_of_no_length_are_expected_without_harm(pitches: Float32Array) -> None:
    solo, tempo = piece(Note(0.0, 0.0, 60))
    assert np.isfinite(score_segments(solo, tempo, pitches).looks).all()
    assert np.isfinite(expected_rows(solo, tempo, pitches, 0.02)).all()


def test_shares_sum_to_one_and_tell_silence() -> None:
    ear = ChromaEar(FoldedChroma(RATE), RATE)
    t = np.arange(RATE // 2) / RATE
    tone = (0.1 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    rows = ear.hear(Heard(0.5, tone))
    assert rows.sum(axis=1) == pytest.approx(np.ones(25), abs=1e-5)
    assert rows[-1].argmax() == 9
    assert rows[-1, SILENCE] < 0.02
    assert ear.level_db == pytest.approx(-23.0, abs=0.2)
    silent = ear.hear(Heard(1.0, np.zeros(RATE // 2, np.float32)))
    assert silent[-1, SILENCE] > 0.9


def test_the_age_grows_until_the_next_row() -> None:
    ear = ChromaEar(FoldedChroma(RATE), RATE)
    ages = []
    for _ in range(3):
        ear.hear(Heard(0.0, np.zeros(441, np.float32)))
        ages.append(ear.age_s - ear.latency_s)
    assert ages == pytest.approx([0.01, 0.0, 0.01])


def test_events_are_reported_once_and_backdated() -> None:
    solo, tempo = piece(*(Note(float(i), 1.0, 60) for i in range(4)))
    reporter = EventReporter(solo, tempo)
    assert [o.event for o in reporter.report(0.0, 1.0, 1.0, 0.0)] == [0]
    assert reporter.report(0.4, 1.4, 1.0, 0.0) == ()
    late = reporter.report(1.2, 2.0, 2.0, 0.03)
    assert [(o.event, o.quarter) for o in late] == [(1, 1.0), (2, 2.0)]
    assert [o.time_s for o in late] == pytest.approx([1.97 - 0.7 / 2, 1.97 - 0.2 / 2])
    assert reporter.report(0.1, 2.1, 1.0, 0.0) == ()
    assert reporter.event_at(None) == 0
    assert reporter.event_at(1.5) == 2
    assert reporter.event_at(99.0) == 3


def test_what_the_delay_hides_is_gone_on_but_no_event_is_passed_unheard() -> None:
    solo, tempo = piece(*(Note(float(i), 1.0, 60) for i in range(3)))
    reporter = EventReporter(solo, tempo)
    assert reporter.ahead(0.1, 0.04) == pytest.approx(0.14)
    assert reporter.ahead(0.48, 0.04) == 0.5
    assert reporter.ahead(0.5, 0.04) == pytest.approx(0.54)
    assert reporter.ahead(1.3, 0.04) == pytest.approx(1.34)


def test_tempi_are_slopes_and_begin_as_written() -> None:
    path, events = PathTempo(0.02, 2.0), EventTempo()
    assert (path.tempo, events.tempo) == (1.0, 1.0)
    for i in range(100):
        path.add(0.02 * i * 1.5)
    for i in range(8):
        events.add(0.5 * i, 0.4 * i)
    assert path.tempo == pytest.approx(1.5)
    assert events.tempo == pytest.approx(1.25)
    path.clear()
    events.clear()
    assert (path.tempo, events.tempo) == (1.0, 1.0)
