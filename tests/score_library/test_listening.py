"""``<listening>`` of MusicXML 4.0: how closely the soloist is to be followed."""

from __future__ import annotations

from pathlib import Path

import pytest
from musicxml_text import attributes, document, note, repeat

from accompanist.score.model import Passage
from accompanist.score.serial import score_from_plain, score_to_plain
from score_library.load import read_score

BAR = "".join(note() for _ in range(4))


def listening(*inside: str, offset: float | None = None) -> str:
    own = "" if offset is None else f"<offset>{offset}</offset>"
    return f"<listening>{''.join(inside)}{own}</listening>"


def sync(kind: str, more: str = "") -> str:
    return f'<sync type="{kind}"{more}/>'


def ours(text: str) -> str:
    return f'<other-listening type="accompanist">{text}</other-listening>'


def passages(*measures: str) -> tuple[Passage, ...]:
    bars = [attributes() + measures[0], *measures[1:]]
    return read_score(document(("Flute", bars)), Path("score.musicxml")).passages


@pytest.mark.parametrize(
    ("kind", "level", "mode"),
    [
        ("none", None, "fixed"),
        ("tempo", 3.0, None),
        ("mostly-tempo", 5.0, None),
        ("mostly-event", 8.0, None),
        ("event", 10.0, None),
        ("always-event", None, "wait"),
    ],
)
def test_every_kind_of_sync(kind: str, level: float | None, mode: str | None) -> None:
    assert passages(BAR, listening(sync(kind)) + BAR) == (Passage(4.0, 8.0, level, mode),)


def test_what_holds_goes_on_to_the_next_change() -> None:
    found = passages(listening(sync("tempo")) + BAR, BAR, listening(sync("event")) + BAR)
    assert found == (Passage(0.0, 8.0, 3.0), Passage(8.0, 12.0, 10.0))


def test_levels_of_our_own_win_and_can_be_given_back() -> None:
    both = listening(sync("none"), ours(" 6.5 "))
    found = passages(both + BAR, listening(ours("usual")) + BAR, listening(ours("wait")) + BAR)
    assert found == (Passage(0.0, 4.0, 6.5), Passage(8.0, 12.0, None, "wait"))


@pytest.mark.parametrize("text", ["11", "-1", "loud", "", "nan"])
def test_what_is_no_level_of_ours_says_nothing(text: str) -> None:
    assert passages(listening(ours(text)) + BAR) == ()


def test_a_stranger_says_nothing() -> None:
    strange = '<other-listening type="smart">5</other-listening>'
    assert passages(listening(strange, sync("sometimes")) + BAR) == ()


def test_latency_is_in_milliseconds_and_within_reason() -> None:
    found = passages(listening(sync("event", ' latency="25"')) + BAR)
    assert found == (Passage(0.0, 4.0, 10.0, None, 0.025),)
    found = passages(listening(sync("event", ' latency="9000"')) + BAR)
    assert found[0].latency_s == 0.5


def test_it_begins_where_it_stands_or_at_its_offset() -> None:
    assert passages(note() + listening(sync("tempo")) + note() * 3) == (Passage(1.0, 4.0, 3.0),)
    found = passages(listening(sync("tempo"), offset=8) + BAR)
    assert found == (Passage(2.0, 4.0, 3.0),)
    words = "<direction-type><words>x</words></direction-type><offset>4</offset>"
    direction = f"<direction>{words}{listening(sync('tempo'), offset=8)}</direction>"
    assert passages(direction + BAR) == (Passage(2.0, 4.0, 3.0),)
    direction = f"<direction>{words}{listening(sync('tempo'))}</direction>"
    assert passages(direction + BAR) == (Passage(1.0, 4.0, 3.0),)


def test_over_a_repeat_it_comes_again_and_what_held_before_is_over() -> None:
    found = passages(
        repeat("forward") + BAR, listening(sync("tempo")) + BAR + repeat("backward"), BAR
    )
    # performed 1 2 1 2 3: from bar 2 on, to the end
    assert found == (Passage(4.0, 20.0, 3.0),)
    first = listening(sync("event")) + repeat("forward") + BAR
    found = passages(first, listening(sync("tempo")) + BAR + repeat("backward"))
    assert [(p.start_quarter, p.level) for p in found] == [
        (0.0, 10.0), (4.0, 3.0), (8.0, 10.0), (12.0, 3.0),
    ]  # fmt: skip


def test_the_second_time_only() -> None:
    second = listening(sync("none", ' time-only="2, 3"'))
    found = passages(repeat("forward") + second + BAR + repeat("backward"), BAR)
    assert found == (Passage(4.0, 12.0, None, "fixed"),)


def test_what_is_for_everybody_wins_over_what_is_for_one() -> None:
    found = passages(listening(sync("none", ' player="P1A"'), sync("event")) + BAR)
    assert found == (Passage(0.0, 4.0, 10.0),)


def test_they_are_kept_with_the_score() -> None:
    text = document(("Flute", [attributes() + listening(sync("tempo")) + BAR]))
    score = read_score(text, Path("score.musicxml"))
    assert score_from_plain(score_to_plain(score)) == score
    assert score.passages
