"""Start, stop, pause, locate and the count-in, on a virtual clock."""

from __future__ import annotations

from itertools import pairwise

import pytest
from virtual_soloist import HOP_S, Stage

from accompanist.conducting.settings import ConductorSettings

QUARTERS = [float(i) for i in range(16)]
EIGHTHS = [i / 2 for i in range(32)]


def times(first: int, count: int, start_s: float, step_s: float = 0.5) -> dict[int, float]:
    return {first + i: start_s + i * step_s for i in range(count)}


def states(stage: Stage) -> list[str]:
    """In their order; that it held a note for a moment is of no interest here."""
    named = [state for _, state in stage.states if state != "holding"]
    return [s for i, s in enumerate(named) if i == 0 or named[i - 1] != s]


def test_a_pause_keeps_the_place_and_nothing_sounds_in_it() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0), 6.0, at={3.6: lambda c: c.pause()})
    assert states(stage) == ["armed", "following", "paused"]
    assert max(stage.sent) == 5.0
    assert stage.direction is not None
    assert stage.direction.quarter == pytest.approx(5.2, abs=0.03)


def test_after_a_pause_it_goes_on_at_once_in_the_tempo_it_had() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0, 0.8), 5.2, at={5.1: lambda c: c.pause()})
    assert stage.direction is not None
    place = stage.direction.quarter
    assert 5.0 < place < 5.2
    stage.play({}, 8.0)
    stage.conductor.resume()
    stage.play({}, 8.6)
    assert states(stage)[-1] == "following"
    # in the 0.8 s a quarter that the soloist had, not in the 0.5 s that are written
    assert stage.sent[5.5] == pytest.approx(8.0 + (5.5 - place) * 0.8, abs=0.02)


def test_after_a_pause_the_follower_is_told_where() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0), 3.7, at={3.6: lambda c: c.pause()})
    assert stage.direction is not None
    place = stage.direction.quarter
    stage.conductor.resume()
    stage.play({}, stage.now_s + HOP_S / 2)
    assert stage.direction.follower_at == place
    assert stage.direction.jumped


def test_the_soloist_is_followed_again_after_a_pause() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0), 6.0, at={3.6: lambda c: c.pause()})
    stage.conductor.resume()
    solo = times(6, 8, 6.45, 0.55)
    stage.play(solo, 10.4)
    late = [stage.sent[q] - solo[int(q)] for q in QUARTERS[9:13]]
    assert max(abs(a) for a in late) < 0.04


def test_nobody_is_listened_to_in_a_pause() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 9, 1.0), 6.0, at={3.1: lambda c: c.pause()})
    assert max(stage.sent) < 5.0
    assert states(stage)[-1] == "paused"


def test_arm_in_a_pause_waits_for_the_soloist_there() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    commands = {3.6: lambda c: c.pause(), 4.0: lambda c: c.arm()}
    stage.play(times(0, 6, 1.0), 6.0, at=commands)
    assert states(stage)[-2:] == ["paused", "armed"]
    stage.play(times(6, 3, 7.0), 8.2)
    assert stage.sent[6.0] == pytest.approx(7.02, abs=2 * HOP_S)


def test_start_in_a_pause_counts_in() -> None:
    settings = ConductorSettings(start="countin", countin_bars=0.5, mode="fixed")
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    commands = {0.1: lambda c: c.start(), 2.1: lambda c: c.pause(), 3.0: lambda c: c.start()}
    stage.play({}, 4.5, at=commands)
    # half a bar from 0.1 s, then 1.0 s played: paused at 2.0, counted in to it, on at 4.0 s
    assert states(stage) == ["armed", "countin", "following", "paused", "countin", "following"]
    assert stage.sent[2.0] == pytest.approx(4.0, abs=2 * HOP_S)


def test_a_pause_while_armed_is_armed_again() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play({0: 1.0}, 1.5, at={0.5: lambda c: c.pause()})
    assert stage.sent == {}
    stage.conductor.resume()
    stage.play({}, 2.5)
    assert states(stage) == ["armed", "paused", "armed"]
    stage.play(times(0, 2, 3.0), 4.0)
    assert stage.sent[0.0] == pytest.approx(3.02, abs=2 * HOP_S)


def test_a_count_in_that_is_paused_is_counted_again() -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    stage.conductor.locate(8.0)
    commands = {
        0.1: lambda c: c.start(),
        1.0: lambda c: c.pause(),
        1.5: lambda c: c.resume(),
    }
    stage.play({}, 3.9, at=commands)
    assert states(stage) == ["armed", "countin", "paused", "countin", "following"]
    assert stage.sent[8.0] == pytest.approx(3.5, abs=2 * HOP_S)


def test_resume_without_a_pause_does_nothing() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    stage.play(times(0, 6, 1.0), 3.6, at={2.2: lambda c: c.resume()})
    assert stage.jumps == []
    assert states(stage) == ["armed", "following"]


def test_start_and_arm_after_the_end_are_from_the_top() -> None:
    for name in ("start", "arm"):
        stage = Stage(QUARTERS[:4], EIGHTHS[:8])
        stage.play(times(0, 4, 1.0), 5.2)
        assert states(stage)[-1] == "ended"
        getattr(stage.conductor, name)()
        stage.play({}, 5.22)
        assert stage.direction is not None
        assert stage.direction.quarter == pytest.approx(0.0, abs=0.05)
        assert states(stage)[-1] == ("following" if name == "start" else "armed")


@pytest.mark.parametrize(
    ("mode", "ensemble", "counted_s"),
    [
        ("auto", EIGHTHS, 2.0),  # the ensemble begins alone
        ("auto", EIGHTHS[8:], 0.0),
        ("always", EIGHTHS[8:], 2.0),
        ("never", EIGHTHS, 0.0),
    ],
)
def test_when_it_counts_in(mode: str, ensemble: list[float], counted_s: float) -> None:
    stage = Stage([4.0, 5.0, 6.0, 7.0], ensemble)
    stage.conductor.countin(1.0, mode)
    stage.conductor.locate(ensemble[0])
    stage.play({}, 4.0, at={1.0: lambda c: c.start()})
    assert stage.sent[ensemble[0]] == pytest.approx(1.0 + counted_s, abs=2 * HOP_S)
    assert ("countin" in states(stage)) == (counted_s > 0)
    assert stage.conductor.countin_mode == mode


def test_the_bars_of_the_count_in_can_be_changed() -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    stage.conductor.countin(2.0)
    stage.play({}, 6.0, at={1.0: lambda c: c.start()})
    assert stage.sent[0.0] == pytest.approx(5.0, abs=2 * HOP_S)
    assert stage.conductor.settings.countin_bars == 2.0


def test_what_cannot_be_counted_is_refused() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    with pytest.raises(ValueError, match="count-in"):
        stage.conductor.countin(-1.0)
    with pytest.raises(ValueError, match="sometimes"):
        stage.conductor.countin(1.0, "sometimes")


def test_latency_that_is_told_while_playing_moves_nothing_at_once() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    solo = times(0, 16, 1.0)
    stage.play(solo, 4.0, at={2.6: lambda c: c.latency_out(0.1)})
    assert stage.jumps == []
    assert stage.conductor.settings.latency_out_s == 0.1
    stage.play(solo, 9.0)
    early = [stage.sent[q] - solo[int(q)] for q in QUARTERS[6:15]]
    assert sum(early) / len(early) == pytest.approx(-0.1, abs=0.02)
    steps = [stage.sent[b] - stage.sent[a] for a, b in pairwise(EIGHTHS[2:29])]
    assert min(steps) > 0.14  # the 0.1 s are made up for between two notes of 0.25 s


def test_the_lead_is_that_much_earlier() -> None:
    stage = Stage(QUARTERS, EIGHTHS)
    solo = times(0, 16, 1.0)
    stage.conductor.lead(0.04)
    stage.play(solo, 9.0)
    early = [stage.sent[q] - solo[int(q)] for q in QUARTERS[6:15]]
    assert sum(early) / len(early) == pytest.approx(-0.04, abs=0.012)
    assert stage.conductor.settings.lead_s == 0.04


@pytest.mark.parametrize("seconds", [-0.2, 0.6, float("nan")])
def test_no_lead_of_any_length(seconds: float) -> None:
    with pytest.raises(ValueError, match="lead_s"):
        Stage(QUARTERS, EIGHTHS).conductor.lead(seconds)


@pytest.mark.parametrize("command", ["pause", "stop"])
def test_whoever_leaves_the_count_in_jumps_to_the_place(command: str) -> None:
    settings = ConductorSettings(start="countin", countin_bars=1.0)
    stage = Stage(QUARTERS, EIGHTHS, settings=settings)
    commands = {0.1: lambda c: c.start(), 0.6: lambda c: getattr(c, command)()}
    stage.play({}, 1.0, at=commands)
    assert len(stage.jumps) == 2
    left_s, quarter = stage.jumps[1]
    assert left_s == pytest.approx(0.6, abs=HOP_S)
    assert quarter == 0.0
