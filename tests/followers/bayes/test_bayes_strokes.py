"""Learning from repeated notes gone by whether this soloist's strokes can be heard."""

from __future__ import annotations

import numpy as np
import pytest

from accompanist.followers.bayes.segments import make_segments
from accompanist.followers.bayes.strokes import StrokeMemory
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.hearing.bank import FilterBank
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo

HOP_S = 0.01
BANK = FilterBank(44_100)
PITCHES = (60, 64, 64, 67, 67, 67, 72)


def make() -> tuple[StrokeMemory, TemplateRing]:
    part = Part(1, "solo", tuple(Note(float(i), 1.0, p) for i, p in enumerate(PITCHES)))
    score = Score("", (part,), (), tempo_marks=(TempoMark(0.0, 60.0),))
    segments = make_segments(solo_line(part), written_tempo(score), 0.7, 4.0)
    return StrokeMemory(segments, HOP_S), TemplateRing(BANK, segments, 0.0)


def listen(memory: StrokeMemory, hops: int, rise: float = 0.0) -> None:
    for _ in range(hops):
        memory.hear(np.full(len(BANK), rise, dtype=np.float32))


def test_a_clear_stroke_between_two_other_notes_raises_it() -> None:
    memory, ring = make()
    memory.report(1, ring)
    listen(memory, 50)
    listen(memory, 3, rise=2.0)
    listen(memory, 50)
    memory.report(2, ring)
    memory.report(3, ring)
    assert memory.audible == pytest.approx(0.3 + 0.25 * 0.7)


def test_a_repeat_without_a_stroke_lowers_it() -> None:
    memory, ring = make()
    memory.report(1, ring)
    listen(memory, 100)
    memory.report(3, ring)
    assert memory.audible == pytest.approx(0.75 * 0.3)


def test_the_strokes_of_the_notes_around_do_not_count() -> None:
    memory, ring = make()
    memory.report(3, ring)
    listen(memory, 10, rise=2.0)
    listen(memory, 100)
    listen(memory, 7, rise=2.0)
    memory.report(6, ring)
    assert memory.audible == pytest.approx(0.75 * 0.3)


def test_a_jump_leaves_the_row_unjudged() -> None:
    memory, ring = make()
    memory.report(1, ring)
    listen(memory, 100, rise=2.0)
    memory.forget_row()
    memory.report(3, ring)
    assert memory.audible == 0.3


def test_notes_that_do_not_repeat_say_nothing() -> None:
    memory, ring = make()
    memory.report(0, ring)
    listen(memory, 100, rise=2.0)
    memory.report(1, ring)
    assert memory.audible == 0.3
