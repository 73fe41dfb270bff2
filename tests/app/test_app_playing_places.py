"""Where a human goes in a recording, and how they bring its soloist forward."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accompanist.app.playing.keymap import Action, Command, KeyMap
from accompanist.app.playing.places import find_place
from accompanist.errors import UsageError
from accompanist.score.model import Measure, Part, Score, TempoMark

SCORE = Score(
    title="",
    parts=(Part(1, "Soloist", ()),),
    measures=tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(60)),
    tempo_marks=(TempoMark(0.0, 120.0),),
    recording_s=120.0,
)


def test_places_are_bars_or_minutes_and_seconds() -> None:
    assert find_place(SCORE, "3") == 8.0
    assert find_place(SCORE, "1:01.5") == pytest.approx(123.0)
    assert find_place(SCORE, "0:00") == 0.0


@pytest.mark.parametrize("place", ["2:00", "1:xx", ":", "-1:00", "99"])
def test_what_is_no_place_is_refused_in_a_line(place: str) -> None:
    with pytest.raises(UsageError, match=r"1:23|0:00 to 2:00|no bar"):
        find_place(SCORE, place)


def test_a_score_has_no_minutes() -> None:

    with pytest.raises(UsageError, match="give a bar"):
        find_place(replace(SCORE, recording_s=None), "1:00")


def test_plus_and_minus_are_for_the_soloist_of_a_recording() -> None:
    keys = KeyMap(recording=True)
    assert keys.press("+") == keys.press("=") == Command(Action.SOLO_UP)
    assert keys.press("-") == Command(Action.SOLO_DOWN)
    assert "soloist" in keys.help
    assert KeyMap().press("+") is None
    keys.press("g")
    for key in "1:23":
        assert keys.press(key) is None
    assert keys.press("\r") == Command(Action.GOTO, ("1:23",))
