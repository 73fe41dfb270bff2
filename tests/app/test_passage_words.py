"""Passages as a human types them, and where they are in a score."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from accompanist.app.config.settings import Config
from accompanist.app.passages import PassageWords, find_passages, parse_passages
from accompanist.errors import UsageError
from accompanist.score.model import Measure, Passage, Score


def score(*bars: str) -> Score:
    measures = tuple(Measure(4.0 * i, 4.0, bar) for i, bar in enumerate(bars))
    return Score("test", (), measures)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("1-8:3", (PassageWords("1", "8", 3.0),)),
        ("20:0", (PassageWords("20", "20", 0.0),)),
        ("33-:wait", (PassageWords("33", None, mode="wait"),)),
        (" 1 - 2 : 2.5 ,", (PassageWords("1", "2", 2.5),)),
        ("1:2,5:Fixed", (PassageWords("1", "1", 2.0), PassageWords("5", "5", mode="fixed"))),
        ("0:30-1:10:4", (PassageWords("0:30", "1:10", 4.0),)),
    ],
)
def test_words(text: str, words: tuple[PassageWords, ...]) -> None:
    assert parse_passages(text) == words


@pytest.mark.parametrize("text", ["1-8", "1-8:", ":3", "-8:3", "1-8:11", "1-8:nan", "1:loud"])
def test_words_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match=r"--passages .* wants BAR-BAR:LEVEL, as in 1-8:3"):
        parse_passages(text)


def test_every_time_that_the_bars_are_played() -> None:
    found = find_passages(score("1", "2", "1", "2", "3"), parse_passages("2-3:4"))
    assert found == (Passage(4.0, 8.0, 4.0), Passage(12.0, 20.0, 4.0))


def test_to_the_end() -> None:
    found = find_passages(score("1", "2", "3"), parse_passages("2-:wait"))
    assert found == (Passage(4.0, 12.0, None, "wait"),)


def test_a_pickup_and_letters_are_bars_too() -> None:
    assert find_passages(score("0", "1", "1a"), parse_passages("0-1:4"))[0].end_quarter == 8.0
    assert find_passages(score("0", "1", "1a"), parse_passages("1a:4"))[0].start_quarter == 8.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9:3", "there is no bar 9; bars go from 1 to 3"),
        ("1-9:3", "there is no bar 9; bars go from 1 to 3"),
        ("3-1:3", "bar 1 comes before bar 3"),
        ("0:10-0:20:3", "minutes and seconds are for recordings"),
    ],
)
def test_places_that_are_none(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_passages(score("1", "2", "3"), parse_passages(text))


def test_a_stretch_of_a_recording() -> None:
    recorded = Score("test", (), (Measure(0.0, 200.0, "1"),), recording_s=100.0)
    (found,) = find_passages(recorded, parse_passages("0:30-0:40:4"))
    assert found.level == 4.0
    assert found.start_quarter < found.end_quarter
    with pytest.raises(UsageError, match="is no passage"):
        find_passages(recorded, parse_passages("0:40-0:30:4"))


def test_in_the_settings() -> None:
    table = {"piece": "minuet", "from_bar": 1, "to_bar": "8", "level": 3.0}
    (passage,) = Config.model_validate({"passages": [table]}).passages
    assert (passage.from_bar, passage.to_bar, passage.level, passage.mode) == ("1", "8", 3.0, None)
    with pytest.raises(ValidationError, match="wants a level or a mode"):
        Config.model_validate({"passages": [{"piece": "minuet", "from_bar": "1"}]})
    with pytest.raises(ValidationError, match="less than or equal to 10"):
        Config.model_validate({"passages": [{**table, "level": 11.0}]})
