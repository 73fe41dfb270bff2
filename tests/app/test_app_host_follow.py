"""A host goes with the take: what it is told when the state changes, on a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from accompanist.app.hosts.follow import HostFollow, HostSettings, ScoreTimes
from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from bridges.hosts.registry import host_driver
from bridges.hosts.table import HostNews, News, Osc

TIMES = ScoreTimes(
    quarters=(0.0, 8.0, 20.0),
    seconds=(0.0, 4.0, 16.0),
    bars=(0.0, 4.0, 8.0, 12.0, 16.0),
    marks=((0.0, "bar 1"), (8.0, "B")),
)
"""Two bars at 120, then 60."""


def cue(
    state: str,
    time_s: float = 0.0,
    quarter: float = 0.0,
    *,
    jumps: int = 0,
    plays_from: float = 0.0,
    rate: float = 2.0,
    gate: float = float("inf"),
) -> Cue:
    line = Timeline((time_s,), (quarter,), rate, gate)
    return Cue(time_s, line, state, jumps=jumps, plays_from=plays_from)


@dataclass
class Rig:
    """A host and the addresses (with first arguments) of what it was told."""

    follow: HostFollow
    told: list[str] = field(default_factory=list)

    def note(self, messages: tuple[Osc, ...]) -> list[str]:
        said = [" ".join([m.address, *map(str, m.arguments)]) for m in messages]
        self.told += said
        return said

    def take(self, cue_: Cue, now_s: float | None = None) -> list[str]:
        return self.note(self.follow.take(cue_, cue_.time_s if now_s is None else now_s))

    def due(self, now_s: float) -> list[str]:
        return self.note(self.follow.due(now_s))


def rig(name: str = "reaper", **settings: object) -> Rig:
    made = HostSettings(name, **settings)  # type: ignore[arg-type]
    follow = HostFollow(host_driver(name), made)
    follow.load(TIMES)
    return Rig(follow)


def test_it_stands_ready_when_armed_rolls_with_the_soloist_and_stops_with_them() -> None:
    host = rig(markers=False)
    assert host.take(cue("idle")) == []
    assert host.take(cue("armed", 1.0)) == ["/time 0.0"]
    assert host.take(cue("armed", 1.1)) == []
    assert host.take(cue("following", 3.0)) == ["/play 1.0"]
    assert host.take(cue("waiting", 4.0, 2.0)) == []
    assert host.take(cue("following", 5.0, 2.0)) == []
    assert host.take(cue("idle", 6.0)) == ["/stop 1.0"]
    assert host.take(cue("idle", 7.0)) == []


def test_it_rolls_from_arm_on_if_asked() -> None:
    host = rig(markers=False, roll="arm")
    assert host.take(cue("armed", 1.0)) == ["/time 0.0", "/play 1.0"]
    assert host.take(cue("following", 3.0)) == []
    assert host.take(cue("idle", 6.0)) == ["/stop 1.0"]


def test_what_rolls_from_arm_on_is_not_moved_when_the_music_begins_elsewhere() -> None:
    host = rig(markers=False, roll="arm")
    host.take(cue("armed", 1.0, 1.0, plays_from=1.0))
    assert host.told[-1] == "/play 1.0"
    assert host.take(cue("following", 3.0, 1.0, jumps=1, plays_from=1.0)) == []


def test_it_is_left_alone_if_asked() -> None:
    host = rig(markers=False, roll="never")
    for state in ("idle", "armed", "following", "lost", "ended", "armed", "countin", "idle"):
        assert host.take(cue(state)) == []


def test_a_start_without_arm_places_it_too() -> None:
    host = rig(markers=False)
    host.take(cue("idle"))
    began = cue("countin", 2.0, 8.0, jumps=1, plays_from=8.0)
    assert host.take(began) == ["/time 4.0", "/play 1.0"]


def test_it_goes_where_the_music_goes() -> None:
    host = rig(markers=False)
    host.take(cue("armed", 1.0))
    assert host.take(cue("armed", 2.0, 8.0, jumps=1, plays_from=8.0)) == ["/time 4.0"]
    assert host.take(cue("following", 3.0, 8.0, jumps=1, plays_from=8.0)) == ["/play 1.0"]
    assert host.take(cue("following", 4.0, 12.0, jumps=2, plays_from=12.0)) == ["/time 8.0"]
    assert rig(locate=False).take(cue("armed", 1.0)) == []


def test_a_pause_stops_it_and_it_goes_on_from_there() -> None:
    host = rig(markers=False)
    host.take(cue("armed", 1.0))
    host.take(cue("following", 3.0))
    assert host.take(cue("paused", 5.0, 4.0)) == ["/stop 1.0"]
    assert host.take(cue("following", 8.0, 4.0)) == ["/play 1.0"]


def test_the_last_note_rings_before_it_stops() -> None:
    host = rig(markers=False, read_position=False)
    host.take(cue("armed", 1.0))
    host.take(cue("following", 3.0))
    assert host.take(cue("ended", 20.0)) == []
    assert host.due(21.9) == []
    assert host.due(22.0) == ["/stop 1.0"]
    assert host.due(30.0) == []


def test_a_new_piece_stops_it() -> None:
    host = rig(markers=False)
    host.take(cue("armed", 1.0))
    host.take(cue("following", 3.0))
    assert [m.address for m in host.follow.load(TIMES)] == ["/stop"]
    assert host.follow.load(TIMES) == ()


def test_markers_come_when_the_music_passes_them() -> None:
    host = rig("ardour", roll="never")
    assert host.take(cue("armed")) == []
    assert host.take(cue("following", 1.0, 0.0)) == ["/add_marker take 1: bar 1"]
    assert host.take(cue("following", 1.0, 0.0), 4.9) == []
    assert host.take(cue("following", 1.0, 0.0), 5.0) == ["/add_marker take 1: B"]
    assert host.take(cue("following", 6.0, 0.0, jumps=1)) == ["/add_marker take 1: bar 1"]
    host.take(cue("idle", 7.0))
    host.take(cue("armed", 8.0, 8.0, jumps=2, plays_from=8.0))
    began = cue("following", 9.0, 8.0, jumps=2, plays_from=8.0)
    assert host.take(began) == ["/add_marker take 2: B"]


def test_a_marker_at_a_gate_waits_for_it_to_open() -> None:
    host = rig("ardour", roll="never")
    host.take(cue("armed"))
    host.take(cue("following", 1.0, 0.0))
    assert host.take(cue("waiting", 5.0, 8.0, gate=8.0), 9.0) == []
    assert host.take(cue("following", 9.5, 8.0)) == ["/add_marker take 1: B"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("never", []),
        ("stopped", ["/tempo/raw 120.0"]),
        ("perbar", ["/tempo/raw 120.0", "/tempo/raw 96.0", "/tempo/raw 90.0"]),
    ],
)
def test_the_tempo_is_told_by_the_policy(policy: str, expected: list[str]) -> None:
    host = rig(markers=False, roll="never", tempo_policy=policy)
    host.take(cue("armed", 1.0))
    for i, qpm in enumerate((120.0, 96.0, 95.9, 60.0, 90.0)):
        # bars begin at quarters 0, 4, 8 …: the fourth cue is still in the bar of the third
        quarter = (0.0, 4.0, 8.0, 9.0, 12.0)[i]
        host.take(cue("following", 2.0 + i, quarter, rate=qpm / 60.0))
    assert host.told == expected


def test_the_takes_zero_is_read_from_the_hosts_position() -> None:
    host = rig("ardour", markers=False)
    host.follow.driver.decode("/reply", ("end_route_list", 48_000, 0, 0))
    host.take(cue("armed", 1.0))
    assert host.take(cue("following", 2.0))[-1] == "/transport_play"
    for i in range(5):
        now_s = 2.15 + 0.15 * i
        assert host.due(now_s) == ["/transport_frame", "/transport_speed"]
        late_s = 0.004 if i != 2 else 0.05  # one answer is slow: asked between, it is still right
        host.follow.hear(HostNews(News.SECONDS, now_s + late_s / 2 - 1.97), now_s + late_s)
    (zero,) = host.follow.zeros
    assert zero.zero_s == pytest.approx(-1.97, abs=1e-9)
    assert zero.from_s == pytest.approx(2.152, abs=1e-9)


def test_a_jump_begins_a_new_stretch() -> None:
    host = rig(markers=False)
    host.take(cue("armed", 0.0))
    host.take(cue("following", 1.0))
    host.follow.hear(HostNews(News.SECONDS, 1.0), 2.0)
    host.follow.hear(HostNews(News.SECONDS, 2.0), 3.0)
    host.take(cue("following", 3.5, 12.0, jumps=1, plays_from=12.0))
    host.follow.hear(HostNews(News.SECONDS, 8.5), 4.0)
    assert [(z.from_s, z.zero_s) for z in host.follow.zeros] == [(2.0, -1.0), (4.0, 4.5)]
    host.take(cue("idle", 5.0))
    host.follow.hear(HostNews(News.SECONDS, 99.0), 6.0)  # stopped: says nothing of the take
    assert len(host.follow.zeros) == 2


def test_a_locate_that_cannot_be_said_yet_is_made_up_for() -> None:
    host = rig("ardour", markers=False)
    assert host.take(cue("armed", 1.0, 8.0, plays_from=8.0)) == []
    assert host.due(1.05) == []
    host.follow.driver.decode("/reply", ("end_route_list", 48_000, 0, 0))
    assert host.due(1.1) == ["/locate 192000 0"]
    assert host.due(1.15) == []


def test_it_rolls_from_there_and_not_before() -> None:
    host = rig("ardour", markers=False, roll="arm")
    assert host.take(cue("armed", 1.0, 8.0, plays_from=8.0)) == []
    host.follow.driver.decode("/reply", ("end_route_list", 48_000, 0, 0))
    assert host.due(1.1) == ["/locate 192000 0", "/transport_play"]
    assert host.take(cue("idle", 2.0)) == ["/transport_stop"]


def test_a_host_that_tells_nothing_rolls_all_the_same() -> None:
    host = rig("ardour", markers=False, roll="arm")
    assert host.take(cue("armed", 1.0)) == []
    assert host.due(1.9) == []
    assert host.due(2.1) == ["/transport_play"]
