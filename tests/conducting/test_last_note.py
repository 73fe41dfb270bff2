"""The last note of all: nothing behind it can tell whether it has been heard for what it is."""

from virtual_soloist import HOP_S, Stage

from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport

QUARTERS = [float(q) for q in range(16)] + [18.0]
LAST = len(QUARTERS) - 1


def test_a_last_note_reported_far_too_early_waits_for_its_time() -> None:
    stage = Stage(QUARTERS, [*QUARTERS], qpm=60.0, end_quarter=20.0)
    stage.play({i: 1.0 + i for i in range(16)}, 16.2)
    # The soloist holds the note at 15 until 19.0; the follower takes its end for the last one.
    while stage.now_s < 20.0:
        stage.hop += 1
        now_s = stage.now_s
        told: tuple[OnsetReport, ...] = ()
        if 16.6 <= now_s < 16.605:
            told = (OnsetReport(now_s, 16.55, QUARTERS[LAST], LAST),)
        quarter = 15.0 + (now_s - 16.0) if now_s < 16.6 else 18.0
        state = FollowerState.FOLLOWING if now_s < 16.6 else FollowerState.ENDED
        stage.hear(Estimate(now_s, quarter, 1.0, 0.9, state, told, False, -20.0))
    # It is expected at 19.0; before, it came a second after the false report, at 17.6.
    assert 18.8 < stage.sent[18.0] < 19.3


def leap(stage: Stage, until_s: float, reports: dict[float, int]) -> None:
    """Let the follower leap to the note at 4, and report others there at some times."""
    leapt_s = stage.now_s
    while stage.now_s < until_s:
        stage.hop += 1
        now_s = stage.now_s
        told = tuple(
            OnsetReport(now_s, now_s - 0.02, QUARTERS[event], event)
            for time_s, event in reports.items()
            if now_s - HOP_S < time_s <= now_s
        )
        relocated = now_s - leapt_s < 1.5 * HOP_S
        state = FollowerState.FOLLOWING
        stage.hear(Estimate(now_s, 4.0 + now_s - leapt_s, 1.0, 0.7, state, told, relocated, -40.0))


def test_a_leap_out_of_the_last_note_s_decay_is_not_followed() -> None:
    stage = Stage(QUARTERS, [*QUARTERS], qpm=60.0, end_quarter=20.0)
    stage.play({i: 1.0 + q for i, q in enumerate(QUARTERS)}, 20.0)
    leap(stage, 22.5, {20.004: 4})
    assert stage.jumps == []


def test_who_begins_elsewhere_behind_the_last_note_is_followed_from_the_second_note_on() -> None:
    stage = Stage(QUARTERS, [*QUARTERS], qpm=60.0, end_quarter=24.0)
    stage.play({i: 1.0 + q for i, q in enumerate(QUARTERS)}, 20.0)
    leap(stage, 22.5, {20.004: 4, 21.01: 5})
    ((jumped_s, _),) = stage.jumps
    assert 21.0 < jumped_s < 21.1
    assert stage.sent[6.0] > 21.5
