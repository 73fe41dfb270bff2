from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accompanist.performing.messages import Kind, Message
from accompanist.performing.tuning import cents_of, tuning_messages


def heard(messages: tuple[Message, ...], channel: int) -> float:
    """Cents that a synthesiser like FluidSynth, which cuts off fractions, makes of it."""
    parameter, values = [127, 127], {}
    for message in messages:
        assert message.kind is Kind.CC
        if message.channel != channel:
            continue
        if message.number in (100, 101):
            parameter[message.number == 100] = message.value
        elif parameter != [127, 127]:
            values[(*parameter, message.number)] = message.value
    assert parameter == [127, 127]
    fine = (values[0, 1, 6] << 7) + values[0, 1, 38]
    return 100.0 * (values[0, 2, 6] - 64) + int((fine - 8192) / 8192.0 * 100.0)


def test_a_little_sharp_is_one_fine_tuning() -> None:
    # 7.85 cents: 8, of which 14 bits make 8192 + 656
    assert tuning_messages([3], 442.0) == tuple(
        Message(Kind.CC, 3, number, value)
        for number, value in (
            (101, 0), (100, 2), (6, 64), (38, 0),
            (101, 0), (100, 1), (6, 69), (38, 16),
            (101, 127), (100, 127),
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("a4_hz", "cents"),
    [(440.0, 0), (442.0, 8), (438.0, -8), (415.0, -101), (392.0, -200), (466.0, 99), (430.0, -40)],
)
def test_what_a_synthesiser_makes_of_it(a4_hz: float, cents: int) -> None:
    assert heard(tuning_messages([1], a4_hz), 1) == cents


@given(st.floats(392.0, 466.0))
def test_it_is_right_to_half_a_cent(a4_hz: float) -> None:
    messages = tuning_messages([1], a4_hz)
    assert abs(heard(messages, 1) - cents_of(a4_hz)) <= 0.5 + 1e-6
    assert all(0 <= m.value <= 127 for m in messages)


def test_every_channel_once_and_no_percussion() -> None:
    messages = tuning_messages([2, 10, 1, 2], 442.0)
    assert [m.channel for m in messages] == [1] * 10 + [2] * 10


@pytest.mark.parametrize("a4_hz", [391.0, 467.0, float("nan")])
def test_no_pitch_beyond_what_is_played(a4_hz: float) -> None:
    with pytest.raises(ValueError, match="392"):
        tuning_messages([1], a4_hz)
