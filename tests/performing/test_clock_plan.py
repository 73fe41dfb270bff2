from __future__ import annotations

import subprocess
import sys

import pytest

from accompanist.performing.clock_plan import clock_plan
from accompanist.score.model import Measure, Metre, Note, Part, Score, TempoMark, TempoSpan
from score_library.catalogue import open_piece


def score(**more: object) -> Score:
    part = Part(1, "flute", (Note(0.0, 8.0, 60),))
    measures = (Measure(0.0, 4.0, "1"), Measure(4.0, 4.0, "2"))
    return Score("piece", (part,), measures, **more)  # type: ignore[arg-type]


def test_a_bare_score_has_quarters_for_beats_and_the_usual_tempo() -> None:
    plan = clock_plan(score())
    assert plan.beats_quarter == ((0.0, 1.0),)
    assert plan.gradual_quarter == ()
    assert plan.end_quarter == 8.0
    assert plan.rate_quarter_s == pytest.approx(100 / 60)


def test_beats_change_with_the_metre() -> None:
    metres = (Metre(0.0, 6, 8), Metre(12.0, 2, 4), Metre(14.0, 4, 4), Metre(18.0, 2, 2))
    assert clock_plan(score(metres=metres)).beats_quarter == ((0.0, 1.5), (12.0, 1.0), (18.0, 2.0))


def test_written_changes_of_tempo_that_touch_are_one() -> None:
    spans = (
        TempoSpan(2.0, 4.0, 0.8),
        TempoSpan(3.0, 5.0, 0.8),
        TempoSpan(6.0, 6.0, 1.0),
        TempoSpan(6.5, 7.0, 1.2),
    )
    assert clock_plan(score(tempo_spans=spans)).gradual_quarter == ((2.0, 5.0), (6.5, 7.0))


def test_the_written_tempo_is_listed_where_it_changes() -> None:
    marks = (TempoMark(0.0, 120.0), TempoMark(2.0, 120.0), TempoMark(4.0, 90.0))
    plan = clock_plan(score(tempo_marks=marks))
    assert plan.rate_quarter_s == 2.0
    (zero, first), (there, second) = plan.written_quarter_s
    assert (zero, there) == (0.0, 4.0)
    assert first == pytest.approx(2.0)
    assert second == pytest.approx(1.5)


def test_a_real_score_has_all_of_it() -> None:
    plan = clock_plan(open_piece("greensleeves").score)
    assert plan.beats_quarter[0][1] == 1.5
    assert plan.gradual_quarter
    assert plan.end_quarter > 90.0


def test_the_line_itself_needs_no_numpy() -> None:
    code = (
        "import sys; import accompanist.performing.clock_line, accompanist.performing.timecode; "
        "sys.exit('numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
