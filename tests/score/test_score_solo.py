"""Solo events out of notes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accompanist.score.model import Note, Part
from accompanist.score.solo import BUCKET_QUARTER, bucket_indices, solo_line


def test_chords_are_one_event_and_grace_notes_none() -> None:
    notes = (
        Note(0.0, 1.0, 60),
        Note(0.01, 1.0, 64),
        Note(0.9, 0.1, 71, grace=True),
        Note(1.0, 2.0, 72),
    )
    line = solo_line(Part(1, "Piano", notes))
    assert line.onsets_quarter.tolist() == [0.0, 1.0]
    assert [[n.pitch for n in event] for event in line.notes] == [[60, 64], [72]]
    assert [n.pitch for n in line.grace] == [71]
    assert (line.end_quarter, len(line)) == (3.0, 2)


def test_a_part_without_notes_has_no_events() -> None:
    line = solo_line(Part(1, "Tacet", ()))
    assert (len(line), line.end_quarter) == (0, 0.0)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 4), max_size=40))
def test_buckets_are_narrow_and_apart(onsets: list[float]) -> None:
    ascending = np.sort(np.array(onsets))
    indices = bucket_indices(ascending)
    firsts = [ascending[indices == b][0] for b in range(int(indices[-1]) + 1 if onsets else 0)]
    assert np.all(np.diff(indices) <= 1)
    assert np.all(np.diff(np.array(firsts)) >= BUCKET_QUARTER)
    for bucket, first in enumerate(firsts):
        assert np.all(ascending[indices == bucket] - first < BUCKET_QUARTER)
