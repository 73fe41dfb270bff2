"""The last note of all: nothing behind it can tell whether it has been heard for what it is."""

from virtual_soloist import Stage

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
