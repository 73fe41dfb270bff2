from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.performing.timecode import TimecodeEvent, TimecodeLine, full_frame, quarter_frame

RATES = st.sampled_from((25, 30))


def spell(events: list[TimecodeEvent]) -> list[tuple[float, int, int, int, int, int]]:
    """Read quarter frames as a receiver does: (time of the first, code of the rate, h, m, s, f)."""
    read, values, first_s = [], [0] * 8, 0.0
    expected = 0
    for event in events:
        status, data = event.data
        assert status == 0xF1
        piece, values[data >> 4] = data >> 4, data & 0x0F
        assert piece == expected
        expected = (expected + 1) % 8
        if piece == 0:
            first_s = event.time_s
        if piece == 7:
            frames, seconds, minutes, hours = (values[i] | values[i + 1] << 4 for i in (0, 2, 4, 6))
            read.append((first_s, hours >> 5, hours & 0x1F, minutes, seconds, frames))
    return read


@given(RATES, st.floats(0.0, 50_000.0), st.floats(0.0, 100.0))
def test_what_is_spelt_is_the_time_at_which_its_first_piece_was_sent(
    fps: int, at_s: float, begin_s: float
) -> None:
    line = TimecodeLine(fps)
    line.roll(begin_s, at_s)
    first, *rest = line.due(begin_s + 3.0)
    assert first.time_s == begin_s
    assert first.data[0] == 0xF0
    read = spell(rest)
    assert len(read) in range(int(3.0 * fps / 2) - 2, int(3.0 * fps / 2) + 2)
    for time_s, code, hours, minutes, seconds, frames in read:
        assert code == {25: 1, 30: 3}[fps]
        spelt_s = 3600 * hours + 60 * minutes + seconds + frames / fps
        assert spelt_s == pytest.approx(time_s - begin_s + at_s, abs=1e-4)
    for a, b in pairwise(rest):
        assert b.time_s - a.time_s == pytest.approx(1 / (4 * fps), abs=1e-9)


def test_after_an_hour_it_has_not_drifted() -> None:
    line = TimecodeLine(30)
    line.roll(1.0)
    line.due(3599.0)
    last = list(line.due(3601.5))
    while last[0].data[1] >> 4:
        last.pop(0)
    for time_s, _, hours, minutes, seconds, frames in spell(last):
        spelt_s = 3600 * hours + 60 * minutes + seconds + frames / 30
        assert time_s - 1.0 == pytest.approx(spelt_s, abs=1e-9)


def test_a_locate_while_standing_is_one_full_frame() -> None:
    line = TimecodeLine(25)
    line.locate(2.0, 3661.28)
    (event,) = line.due(10.0)
    assert event == TimecodeEvent(2.0, bytes.fromhex("f07f7f0101210101 07f7"))
    assert line.next_s == float("inf")


def test_halted_it_is_silent_and_rolls_again_from_anywhere() -> None:
    line = TimecodeLine(30)
    line.roll(0.0)
    line.due(1.0)
    line.halt()
    assert line.due(5.0) == ()
    line.roll(5.0, 60.0)
    events = line.due(6.0)
    assert events[0].data == full_frame(60 * 30)
    assert events[1].data == quarter_frame(60 * 30, 0)


def test_what_lay_before_is_not_made_up_for() -> None:
    line = TimecodeLine(30)
    line.roll(0.0)
    line.due(1.0)
    line.skip(3.0)
    events = line.due(3.5)
    assert events[0] == TimecodeEvent(3.0, full_frame(90))
    assert len(events) <= 61


def test_a_new_origin_changes_nothing_but_the_times() -> None:
    one, two = TimecodeLine(25), TimecodeLine(25)
    for line in (one, two):
        line.roll(10.0)
        line.due(11.0)
    two.shift(-10.0)
    here, there = one.due(12.0), two.due(2.0)
    assert [e.data for e in here] == [e.data for e in there]
    assert [e.time_s - 10.0 for e in here] == pytest.approx([e.time_s for e in there])


def test_a_day_begins_again() -> None:
    assert full_frame(24 * 3600 * 30) == full_frame(0)


def test_other_frame_rates_and_times_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="25 or 30"):
        TimecodeLine(29)
    with pytest.raises(ValueError, match="wants a time"):
        TimecodeLine().roll(float("nan"))
