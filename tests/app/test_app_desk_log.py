"""What the daemon's log tells of the state."""

from __future__ import annotations

import logging

import pytest
from desk_pieces import make_desk, view


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (("armed", "following", "holding", "waiting", "ended"), ["armed", "following", "ended"]),
        (("armed", "lost", "following", "lost", "following"), ["armed", "lost", "following"]),
        (("armed", "lost", "holding", "idle"), ["armed", "lost", "holding", "idle"]),
        (("following", "lost", "paused", "lost"), ["following", "paused", "lost"]),
    ],
)
def test_whoever_has_been_told_of_as_lost_is_told_of_when_found_again(
    states: tuple[str, ...], told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="accompanist")  # others may have set it
    _, events, *_ = make_desk()
    caplog.clear()
    for state in states:
        events.engine(view(state))
    lines = [record.message for record in caplog.records]
    assert [line.removeprefix("state ") for line in lines if line.startswith("state ")] == told
