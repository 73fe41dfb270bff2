"""Time map, position and beats out of cues, on a virtual clock."""

from __future__ import annotations

import pytest
from desk_pieces import cue_at, duet

from accompanist.app.desk.places import Places
from accompanist.app.desk.protocol import Values
from accompanist.app.desk.stage import BEAT_AHEAD_S, Moment, Stage
from accompanist.performing.cue import Cue

OFFSET_S = 1000.0
NTP_S = 3_900_000_000.0
"""Monotonic minus take time; NTP time at take time 0."""


def at(take_s: float) -> Moment:
    return Moment(OFFSET_S + take_s, NTP_S + take_s, OFFSET_S)


def stage(latency_out_s: float = 0.0) -> Stage:
    made = Stage(latency_out_s)
    made.load(Places(duet()))
    return made


def told(made: Stage, cue: Cue, take_s: float) -> dict[str, Values]:
    return dict(made.look(cue, at(take_s)))


def numbers(values: Values) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def run(made: Stage, cue: Cue, until_s: float, from_s: float = 0.0) -> list[Values]:
    """Look forty times a second; give the beats."""
    beats = []
    for i in range(round((until_s - from_s) * 40)):
        beats += [v for k, v in made.look(cue, at(from_s + i / 40)) if k == "beat"]
    return beats


def test_where_the_music_sounds() -> None:
    first = told(stage(), cue_at(rate_quarter_s=2.0), 4.5)
    assert numbers(first["timemap"]) == pytest.approx((NTP_S + 4.5, 9.0, 2.0))
    assert first["position"] == (3, 9.0, 1.0)
    assert first["position/mark"] == ("A",)
    assert first["position/page"] == (1,)


def test_what_is_sent_sounds_later() -> None:
    first = told(stage(latency_out_s=0.25), cue_at(rate_quarter_s=2.0), 4.5)
    assert first["position/quarter"] == (8.5,)
    assert first["timemap"][1] == 8.5


def test_a_time_map_that_holds_is_not_told_again() -> None:
    made, cue = stage(), cue_at(rate_quarter_s=2.0)
    assert "timemap" in told(made, cue, 1.0)
    assert all("timemap" not in told(made, cue, 1.0 + i / 40) for i in range(80))
    faster = cue_at(time_s=3.0, quarter=6.0, rate_quarter_s=2.1)
    assert numbers(told(made, faster, 3.0)["timemap"]) == pytest.approx((NTP_S + 3.0, 6.0, 2.1))
    assert made.timemap is not None


def test_only_what_has_changed_is_told() -> None:
    made = stage()
    idle = cue_at(state="idle", gate_quarter=0.0)
    assert "position" in told(made, idle, 1.0)
    assert told(made, idle, 2.0) == {}


def test_at_a_gate_the_music_stands() -> None:
    made = stage()
    waiting = cue_at(state="waiting", gate_quarter=5.0)
    first = told(made, waiting, 4.0)
    assert first["position/quarter"] == (5.0,)
    assert first["timemap"] == (NTP_S + 4.0, 5.0, 0.0)


def test_behind_the_end_the_music_stands() -> None:
    first = told(stage(), cue_at(state="ended"), 60.0)
    assert first["position"] == (8, 33.0, 5.0)
    assert first["timemap"] == (NTP_S + 60.0, 33.0, 0.0)
    assert told(stage(), cue_at(), 60.0)["position/quarter"] == (33.0,)


def test_before_the_beginning_the_music_stands_where_it_will_begin() -> None:
    closed = cue_at(quarter=5.0, state="armed", gate_quarter=float("-inf"))
    first = told(stage(), closed, 4.0)
    assert first["position"] == (2, 5.0, 1.0)
    assert first["timemap"] == (NTP_S + 4.0, 5.0, 0.0)


def test_beats_are_dated_ahead() -> None:
    made = stage()
    beats = run(made, cue_at(rate_quarter_s=2.0), 2.2)
    assert [b[:3] for b in beats] == [
        (0, 4, 120.0), (1, 1, 120.0), (1, 2, 120.0), (1, 3, 120.0), (1, 4, 120.0),
    ]  # fmt: skip
    assert [b[3] for b in beats] == pytest.approx([NTP_S + i * 0.5 for i in range(5)], abs=1e-6)


def test_a_beat_is_told_before_it_sounds() -> None:
    made, cue = stage(latency_out_s=0.05), cue_at(rate_quarter_s=2.0)
    run(made, cue, 0.3)
    for i in range(12, 40):
        beats = [v for k, v in made.look(cue, at(i / 40)) if k == "beat"]
        if beats:
            ahead_s = float(beats[0][3]) - (NTP_S + i / 40)
            assert BEAT_AHEAD_S - 1 / 40 < ahead_s <= BEAT_AHEAD_S + 1e-9
            return
    pytest.fail("no beat")


def test_no_beat_behind_a_gate() -> None:
    made = stage()
    assert len(run(made, cue_at(gate_quarter=2.0), 3.0)) == 2  # quarters 0 and 1
    opened = cue_at(time_s=3.0, quarter=2.0)
    assert [b[:2] for b in run(made, opened, 3.1, from_s=3.0)] == [(1, 2)]


def test_after_a_jump_beats_go_on_from_there() -> None:
    made = stage()
    run(made, cue_at(), 1.1)
    back = cue_at(time_s=1.1, quarter=1.0, jumps=2, plays_from=1.0)
    assert [b[:2] for b in run(made, back, 1.8, from_s=1.1)] == [(1, 1), (1, 2)]


def test_a_count_in_is_counted() -> None:
    made = stage()
    counted = cue_at(quarter=-4.0, state="countin")
    assert [b[:2] for b in run(made, counted, 1.9)] == [(-1, 4), (0, 1), (0, 2), (0, 3)]


def test_nobody_counts_while_nothing_plays() -> None:
    made = stage()
    for state in ("idle", "armed", "paused", "ended"):
        assert run(made, cue_at(state=state), 2.0) == []


def test_after_a_stop_the_same_beat_is_told_again() -> None:
    made = stage()
    assert len(run(made, cue_at(), 0.2)) == 1
    run(made, cue_at(state="idle", gate_quarter=0.3), 0.5, from_s=0.2)
    again = cue_at(time_s=0.5, quarter=0.0, jumps=2)
    assert [b[:2] for b in run(made, again, 0.7, from_s=0.5)] == [(0, 4)]


def test_without_a_piece_nothing_is_told() -> None:
    assert list(Stage().look(cue_at(), at(1.0))) == []
    assert Stage().timemap is None
