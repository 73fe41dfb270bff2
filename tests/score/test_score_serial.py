"""Scores as plain values and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.score.model import (
    ControlChange,
    Fermata,
    Key,
    Mark,
    Measure,
    Metre,
    Note,
    Ornament,
    OscCue,
    Part,
    Score,
    TempoMark,
    TempoSpan,
)
from accompanist.score.serial import SERIAL_VERSION, score_from_plain, score_to_plain

finite = st.floats(0, 1e4, allow_nan=False)
words = st.text(max_size=12)
notes = st.builds(
    Note,
    onset_quarter=finite,
    duration_quarter=finite,
    pitch=st.integers(0, 127),
    velocity=st.integers(1, 127),
    tied=st.booleans(),
    grace=st.booleans(),
    arpeggio=st.booleans(),
    fermata=st.booleans(),
    ornament=st.sampled_from(Ornament),
    staff=st.integers(1, 3),
)
controls = st.builds(
    ControlChange, finite, st.sampled_from(["cc", "bend", "program"]), st.integers(0, 119),
    st.integers(-8192, 8191),
)  # fmt: skip
parts = st.builds(
    Part,
    number=st.integers(1, 9),
    name=words,
    notes=st.lists(notes, max_size=5).map(tuple),
    instrument=words,
    program=st.integers(0, 127),
    percussion=st.booleans(),
    transposition=st.integers(-24, 24),
    controls=st.lists(controls, max_size=3).map(tuple),
    lyrics=st.booleans(),
)
scores = st.builds(
    Score,
    title=words,
    parts=st.lists(parts, max_size=3).map(tuple),
    measures=st.lists(st.builds(Measure, finite, finite, words), max_size=3).map(tuple),
    composer=words,
    licence=words,
    tempo_marks=st.lists(st.builds(TempoMark, finite, finite, words), max_size=3).map(tuple),
    tempo_spans=st.lists(st.builds(TempoSpan, finite, finite, finite), max_size=3).map(tuple),
    metres=st.just((Metre(0.0, 3, 4),)),
    keys=st.just((Key(0.0, -3, True),)),
    marks=st.lists(st.builds(Mark, finite, words), max_size=3).map(tuple),
    fermatas=st.lists(st.builds(Fermata, finite, finite), max_size=3).map(tuple),
    suggested_solo=st.none() | st.integers(1, 9),
    cues=st.lists(
        st.builds(
            OscCue, finite, words, st.lists(st.integers() | finite | words, max_size=3).map(tuple)
        ),
        max_size=3,
    ).map(tuple),
)


@settings(max_examples=40)
@given(scores)
def test_a_score_comes_back_from_json_as_it_was(score: Score) -> None:
    assert score_from_plain(json.loads(json.dumps(score_to_plain(score)))) == score


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        {},
        {"version": SERIAL_VERSION + 1},
        {"version": SERIAL_VERSION, "parts": 3},
        score_to_plain(Score("t", (Part(1, "P", ()),), ())) | {"parts": [{"number": 1}]},
    ],
)
def test_anything_else_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match="score"):
        score_from_plain(plain)
