"""Where the soloist rests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.recordings.rests import solo_rests, with_rests
from accompanist.recordings.sound import ArraySound
from accompanist.score.model import Note, Part, Score, TempoMark

RATE = 8000


def playing(*spans: tuple[float, float], length_s: float, left: float = 1e-4) -> ArraySound:
    """Somebody who plays in the spans only; a little is left of the others."""
    rng = np.random.default_rng(1)
    samples = left * rng.normal(size=round(length_s * RATE))
    for start, end in spans:
        samples[round(start * RATE) : round(end * RATE)] = 0.1
    return ArraySound(samples.astype(np.float32), RATE)


def score(*onsets: float, length_s: float = 30.0) -> Score:
    """Seconds are half quarters: 120 to the minute."""
    ends = [*onsets[1:], length_s]
    notes = tuple(Note(2 * a, 2 * (b - a), 60) for a, b in zip(onsets, ends, strict=True))
    return Score(
        "", (Part(1, "Soloist", notes), Part(2, "Orchestra", ())), (),
        tempo_marks=(TempoMark(0.0, 120.0),), recording_s=length_s,
    )  # fmt: skip


def onsets(of: Score) -> list[float]:
    return [n.onset_quarter / 2 for n in of.parts[0].notes]


def test_rests_are_found_and_breaths_are_not() -> None:
    sound = playing((5.0, 10.0), (11.0, 15.0), (22.5, 30.0), length_s=30.0)
    assert solo_rests(sound) == ((0.0, 5.0), (15.0, 22.5))


@pytest.mark.parametrize(
    "sound", [playing(length_s=0.0), ArraySound(np.zeros(80_000, np.float32), RATE)]
)
def test_nobody_never_rests(sound: ArraySound) -> None:
    assert solo_rests(sound) == ()


def test_nothing_is_expected_of_a_soloist_who_rests() -> None:
    rested = with_rests(score(1.0, 4.9, 8.0, 12.0, 20.1, 25.0), [(5.0, 20.0)])
    assert onsets(rested) == [1.0, 4.9, 20.1, 25.0]
    ends = [n.end_quarter / 2 for n in rested.parts[0].notes]
    assert ends == pytest.approx([4.9, 5.0, 25.0, 30.0])
    assert rested.parts[1] == score(1.0).parts[1]


def test_an_entry_that_nothing_was_found_at_is_an_event() -> None:
    rested = with_rests(score(1.0, 8.0, 25.0), [(5.0, 20.0)])
    assert onsets(rested) == pytest.approx([1.0, 20.1, 25.0])


def test_the_entry_is_what_begins_there_and_not_what_the_others_play_before() -> None:
    """What was taken out begins half a window too early: the entry is behind the rest's end."""
    rested = with_rests(score(1.0, 19.85, 19.98, 20.12, 20.4, 25.0), [(5.0, 20.0)])
    assert onsets(rested) == [1.0, 20.12, 20.4, 25.0]


def test_nothing_of_an_introduction_is_the_soloist_s() -> None:
    assert onsets(with_rests(score(0.01, 0.05, 3.0, 12.1), [(0.0, 12.0)])) == [12.1]


def test_an_introduction_is_a_rest() -> None:
    assert onsets(with_rests(score(0.5, 3.0, 12.0, 14.0), [(0.0, 12.1)])) == [12.0, 14.0]


def test_a_recording_without_its_soloist_stays_as_it_is() -> None:
    before = score(1.0, 2.0)
    assert with_rests(before, [(0.0, 30.0)]) == before
    assert with_rests(before, []) == before


@given(
    st.lists(st.floats(0.0, 29.0), min_size=1, max_size=20, unique=True),
    st.lists(st.floats(0.0, 30.0), max_size=8, unique=True),
)
def test_events_stay_in_order(at: list[float], edges: list[float]) -> None:
    rests = [(a, b) for a, b in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False)]
    apart = [t for i, t in enumerate(sorted(at)) if i == 0 or t - sorted(at)[i - 1] > 0.05]
    notes = with_rests(score(*apart), rests).parts[0].notes
    assert notes
    assert all(n.duration_quarter > 0.0 for n in notes)
    assert all(a.onset_quarter <= b.onset_quarter for a, b in pairwise(notes))
