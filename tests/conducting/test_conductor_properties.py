from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st
from virtual_soloist import HOP_S, make_score, make_solo, steady

from accompanist.conducting.conductor import Conductor, Direction
from accompanist.conducting.settings import ConductorSettings
from accompanist.followers.protocol import Estimate, FollowerState, OnsetReport
from accompanist.score.model import Fermata

ONSETS = [0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0, 9.0, 9.25, 9.5, 10.0, 12.0, 13.0, 14.0, 15.0]
ENSEMBLE = [i / 2 for i in range(34)]

numbers = st.one_of(st.floats(-2.0, 20.0), st.just(math.nan), st.just(math.inf))
reports = st.tuples(st.integers(-2, len(ONSETS) + 1), st.floats(-3.0, 0.5))
hops = st.tuples(
    st.integers(1, 60),
    numbers,
    st.sampled_from(list(FollowerState)),
    st.sampled_from([0.0, 0.6, 1.0]),
    st.lists(reports, max_size=2),
    st.booleans(),
)
COMMANDS: dict[str, Callable[[Conductor], None]] = {
    "start": lambda c: c.start(),
    "stop": lambda c: c.stop(),
    "pause": lambda c: c.pause(),
    "resume": lambda c: c.resume(),
    "arm": lambda c: c.arm(),
    "cue": lambda c: c.cue(),
    "hold": lambda c: c.hold(),
    "resync": lambda c: c.resync(),
    "beat": lambda c: c.beat(),
    "lock": lambda c: c.lock(True),
    "unlock": lambda c: c.lock(False),
    "locate": lambda c: c.locate(6.0),
    "loop": lambda c: c.loop(4.0, 8.0),
    "rest loop": lambda c: c.loop(4.5, 7.5),
    "vamp": lambda c: c.vamp(1.0, 3.0),
    "unloop": lambda c: c.loop(None),
    "vamp exit": lambda c: c.vamp_exit(),
    "follow": lambda c: c.follow("follow"),
    "wait": lambda c: c.follow("wait"),
    "fixed": lambda c: c.follow("fixed"),
    "conduct": lambda c: c.follow("conduct"),
    "level 10": lambda c: c.level(10),
    "level 4": lambda c: c.level(4),
    "level 0": lambda c: c.level(0),
    "fade": lambda c: c.lost("fade"),
    "dynamics": lambda c: c.dynamics(0.2),
    "base": lambda c: c.tempo_base(60.0),
    "scale": lambda c: c.tempo_scale(1.5),
    "limits": lambda c: c.tempo_limits(90.0, 110.0),
    "tap": lambda c: c.tempo_tap(),
    "nudge": lambda c: c.tempo_nudge(0.3),
    "nudge back": lambda c: c.tempo_nudge(-0.3),
    "latency": lambda c: c.latency_out(0.08),
    "no latency": lambda c: c.latency_out(0.0),
    "lead": lambda c: c.lead(0.05),
    "behind": lambda c: c.lead(-0.05),
    "countin": lambda c: c.countin(0.5, "auto"),
}
commands = st.sampled_from(sorted(COMMANDS))
scripts = st.lists(st.one_of(hops, commands), max_size=25)
choices = st.builds(
    ConductorSettings,
    policy=st.sampled_from(["predict", "hold", "auto"]),
    start=st.sampled_from(["soloist", "countin"]),
    latency_out_s=st.sampled_from([0.0, 0.013]),
    mode=st.sampled_from(["follow", "fixed", "conduct"]),
    level=st.sampled_from([0.0, 5.0, 10.0]),
)


def run(
    script: list[object], choice: ConductorSettings, recorded: bool = False
) -> list[tuple[float, Direction]]:
    score = make_score(17.0, (Fermata(4.0, 5.0),))
    if recorded:
        score = replace(score, recording_s=17.0 * 0.6)
    conductor = Conductor(score, make_solo(ONSETS), steady(100.0), choice, ENSEMBLE)
    out: list[tuple[float, Direction]] = []
    hop = 0
    for item in script:
        if isinstance(item, str):
            COMMANDS[item](conductor)
            continue
        assert isinstance(item, tuple)
        count, quarter, state, confidence, told, relocated = item
        for i in range(count):
            hop += 1
            now_s = hop * HOP_S
            onsets = (
                tuple(OnsetReport(now_s, now_s + at, 0.0, event) for event, at in told)
                if i == 0
                else ()
            )
            estimate = Estimate(
                now_s, quarter, 2.0, confidence, state, onsets, relocated and i == 0
            )
            out.append((now_s, conductor.hear(estimate)))
    return out


STOOD_AT_A_GATE: list[object] = [
    (6, math.inf, FollowerState.FOLLOWING, 1.0, [], False),
    (49, math.nan, FollowerState.LOST, 0.6, [], True),
    "loop",
    (71, math.inf, FollowerState.FOLLOWING, 0.0, [], False),
    (16, 12.4, FollowerState.FOLLOWING, 1.0, [], True),
    (47, math.inf, FollowerState.FOLLOWING, 0.6, [], False),
    (16, math.nan, FollowerState.ENDED, 0.6, [(0, -1.54), (6, 0.0)], True),
    (5, 0.0, FollowerState.LOST, 0.0, [(0, 0.0)], True),
]
"""A note is taken back while the ensemble waits at its gate: the plan is made anew there."""


def position(direction: Direction, time_s: float) -> float:
    timeline = direction.timeline
    if timeline.gate_quarter == -math.inf:
        return direction.quarter
    return min(timeline.to_quarter(time_s), timeline.gate_quarter)


@example(script=STOOD_AT_A_GATE, choice=ConductorSettings(policy="hold"), recorded=False)
@given(script=scripts, choice=choices, recorded=st.booleans())
@settings(max_examples=100, deadline=None)
def test_time_is_continuous_and_never_runs_backwards(
    script: list[object], choice: ConductorSettings, recorded: bool
) -> None:
    steps = run(script, choice, recorded)
    for (_, before), (now_s, after) in pairwise(steps):
        assert math.isfinite(after.quarter)
        assert abs(position(after, now_s) - after.quarter) < 1e-6
        if not after.jumped:
            assert abs(position(before, now_s) - after.quarter) < 1e-6
            assert after.quarter >= before.quarter - 1e-9


@given(script=scripts, choice=choices, recorded=st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_timeline_is_a_bijection_and_sends_nothing_into_the_past(
    script: list[object], choice: ConductorSettings, recorded: bool
) -> None:
    for now_s, direction in run(script, choice, recorded):
        timeline = direction.timeline
        for ahead in (0.0, 0.1, 1.0, 7.0):
            quarter = timeline.to_quarter(now_s + ahead)
            assert abs(timeline.to_time(quarter) - (now_s + ahead)) < 1e-6
        behind = [q for q in ENSEMBLE if q > direction.quarter + 1e-6]
        assert all(timeline.due_s(q) > now_s - HOP_S for q in behind)


@given(script=scripts, choice=choices, cut=st.integers(0, 25), recorded=st.booleans())
@settings(max_examples=50, deadline=None)
def test_what_is_said_depends_on_nothing_heard_later(
    script: list[object], choice: ConductorSettings, cut: int, recorded: bool
) -> None:
    whole, part = run(script, choice, recorded), run(script[:cut], choice, recorded)
    assert whole[: len(part)] == part
