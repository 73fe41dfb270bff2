"""Warming up runs the followers' hot loops."""

from __future__ import annotations

import pytest

from accompanist.app import warm
from accompanist.followers.registry import follower_names


@pytest.mark.parametrize("name", follower_names())
@pytest.mark.parametrize("sample_rate", [22_050, 48_000])
def test_every_follower_can_be_warmed(name: str, sample_rate: int) -> None:
    warm.warm_up(name, sample_rate=sample_rate)
