"""What may be followed badly."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from accompanist.score.checks import Finding, Severity, bar_at, check
from accompanist.score.model import Measure, Note, Ornament, Part, Score, TempoMark


def score(solo: Sequence[Note], other: Sequence[Note] = (), *, qpm: float = 60.0) -> Score:
    end = max((n.end_quarter for n in solo), default=4.0)
    measures = tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(int(end // 4) + 1))
    return Score(
        "p",
        (Part(1, "Violin", tuple(solo)), Part(2, "Piano", tuple(other))),
        measures,
        tempo_marks=(TempoMark(0.0, qpm),),
    )


def findings(piece: Score) -> dict[str, Finding]:
    return {finding.what: finding for finding in check(piece, piece.parts[0])}


TUNE = [Note(float(i), 1.0, 70 + i % 3) for i in range(12)]
BASS = [Note(2.0 * i, 2.0, 40) for i in range(6)]


def test_an_easy_piece_has_no_findings() -> None:
    assert check(score(TUNE, BASS), score(TUNE, BASS).parts[0]) == []


@pytest.mark.parametrize(
    ("solo", "other", "qpm", "what", "bar"),
    [
        ([], BASS, 60, "the solo part has no notes", ""),
        (TUNE, [], 60, "there is no accompaniment: the solo is all there is", ""),
        (
            [*TUNE, *(Note(float(i), 1.0, 60) for i in range(4, 12))],
            BASS,
            60,
            "the solo has two or more voices in 67% of its events",
            "2",
        ),
        (
            [*TUNE, Note(12.0, 1.0, 30)],
            BASS,
            60,
            "1 note below A1 or above C8, which microphones hardly hear",
            "4",
        ),
        (TUNE, TUNE[:6], 60, "the accompaniment plays 50% of the solo's notes in unison", "1"),
        (
            [Note(4.0 + i / 8, 0.125, 70 + i % 2) for i in range(8)],
            BASS,
            120,
            "6 or more notes less than 80 ms apart",
            "2",
        ),
        (
            [*TUNE, Note(12.0, 1.0, 70, ornament=Ornament.TREMOLO)],
            BASS,
            60,
            "1 tremolo in the solo, whose strokes are not counted",
            "4",
        ),
        (
            [*TUNE, Note(12.0, 12.0, 70)],
            BASS,
            60,
            "a solo note of 12 s, during which nothing can be heard of the tempo",
            "4",
        ),
        ([*TUNE, Note(40.0, 1.0, 70)], BASS, 60, "the solo rests for 28 s", "4"),
    ],
)
def test_what_is_found_and_where(
    solo: list[Note], other: list[Note], qpm: float, what: str, bar: str
) -> None:
    found = findings(score(solo, other, qpm=qpm))
    assert list(found) == [what]
    assert found[what].bar == bar
    assert found[what].remedy


def test_a_default_tempo_is_a_warning_and_percussion_a_problem_that_comes_first() -> None:
    drums = Part(1, "Drums", tuple(TUNE), percussion=True)
    piece = Score(
        "p",
        (drums, Part(2, "Piano", tuple(BASS))),
        (),
        tempo_marks=(TempoMark(0.0, 100.0, written=False),),
    )
    found = check(piece, drums)
    assert [f.severity for f in found] == [Severity.PROBLEM, Severity.WARNING]
    assert "100 quarters a minute" in found[1].what


def test_chords_of_a_keyboard_are_no_finding() -> None:
    chords = tuple(Note(float(i), 1.0, p) for i in range(8) for p in (60 + i % 2, 64))
    piano = Part(1, "Piano", chords)
    piece = Score("p", (piano, Part(2, "Cello", tuple(BASS))), (), tempo_marks=(TempoMark(0, 60),))
    assert check(piece, piano) == []


def test_a_pitch_repeated_often_is_noted_where_it_begins() -> None:
    again = [Note(12.0 + i, 1.0, 60) for i in range(6)]
    found = findings(score([*TUNE, *again], BASS))["the same pitch 6 times in a row"]
    assert (found.severity, found.bar) == (Severity.NOTE, "4")
    assert findings(score([*TUNE, *again[:5]], BASS)) == {}


def test_the_bar_at_a_position() -> None:
    piece = score(TUNE)
    assert [bar_at(piece, q).printed for q in (-1.0, 0.0, 3.99, 4.0, 99.0)] == [  # type: ignore[union-attr]
        "1", "1", "1", "2", "4",
    ]  # fmt: skip
    assert bar_at(Score("p", (), ()), 0.0) is None
