from __future__ import annotations

import pytest

from accompanist.conducting.policy import AntiDrag, wait_s
from accompanist.conducting.settings import ConductorSettings, FollowMode, Start


def test_steady_music_is_played_through_and_uncertain_music_waited_for() -> None:
    waits = [wait_s(sd, 0.025) for sd in (0.005, 0.02, 0.05, 0.1, 0.3)]
    assert waits == sorted(waits)
    assert waits[0] < 0.0005
    assert waits[-1] == pytest.approx(2.8 * 0.75 * 0.3 * 0.38 / 0.02**0.5 / 2.8)


def test_slow_ears_are_waited_for_less() -> None:
    assert wait_s(0.05, 0.06) < wait_s(0.05, 0.02)


def test_many_missed_notes_lower_the_cap() -> None:
    assert wait_s(0.3, 0.02, 0.10) < wait_s(0.3, 0.02, 0.02)


def test_always_being_late_uses_up_the_patience() -> None:
    drag = AntiDrag()
    assert drag.patience == 1.0
    for _ in range(100):
        drag.released(1.05, 1.0)
    assert drag.patience == pytest.approx(0.0, abs=0.01)
    for _ in range(100):
        drag.released(1.0, 1.0)
    assert drag.patience == 1.0


def test_settings_take_words_and_refuse_nonsense() -> None:
    settings = ConductorSettings(mode="wait", start="countin")
    assert settings.mode is FollowMode.WAIT
    assert settings.start is Start.COUNTIN
    with pytest.raises(ValueError, match="nobody"):
        ConductorSettings(policy="nobody")
    with pytest.raises(ValueError, match="negative"):
        ConductorSettings(latency_out_s=-0.1)
