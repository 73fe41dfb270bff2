from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from accompanist.errors import DeviceError
from bridges.link import LinkMode, LinkSession

ROOT = Path(__file__).resolve().parent.parent.parent
PEER = Path(__file__).with_name("link_peer.py")
ALONE = "ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo"


class FakeState:
    """A session's timeline with the arithmetic of Link: beat at time, in one straight line."""

    def __init__(self, qpm: float, origin_us: float) -> None:
        self.qpm, self.origin_us = qpm, origin_us
        self.forced = 0

    def tempo(self) -> float:
        return self.qpm

    def beatAtTime(self, at: int, quantum: float) -> float:
        return (at - self.origin_us) * self.qpm / 60e6

    def phaseAtTime(self, at: int, quantum: float) -> float:
        return self.beatAtTime(at, quantum) % quantum

    def setTempo(self, qpm: float, at: int) -> None:
        beat = self.beatAtTime(at, 4.0)
        self.qpm, self.origin_us = qpm, at - beat * 60e6 / qpm

    def forceBeatAtTime(self, beat: float, at: int, quantum: float) -> None:
        self.origin_us = at - beat * 60e6 / self.qpm
        self.forced += 1


class World:
    """A clock and a session that stand still until they are moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, qpm: float = 100.0) -> None:
        self.now_s = 50.0
        self.state = FakeState(qpm, 0.0)
        self.commits: list[tuple[float, float]] = []
        self.enabled_s: float | None = None
        self.peers = 2
        world = self

        class Link:
            def __init__(self, qpm: float) -> None:
                self.offered = qpm
                self._enabled = False

            @property
            def enabled(self) -> bool:
                return self._enabled

            @enabled.setter
            def enabled(self, value: bool) -> None:
                self._enabled = value
                world.enabled_s = world.now_s if value else None

            def clock(self) -> Any:
                return SimpleNamespace(micros=lambda: round((world.now_s + 7.0) * 1e6))

            def numPeers(self) -> int:
                return world.peers

            def captureAppSessionState(self) -> FakeState:
                return world.state

            def commitAppSessionState(self, state: FakeState) -> None:
                world.commits.append((world.now_s, state.qpm))

        monkeypatch.setitem(sys.modules, "link", SimpleNamespace(Link=Link))

    def session(self, mode: str, **more: Any) -> LinkSession:
        return LinkSession(mode, clock=lambda: self.now_s, **more)

    def lead(self, session: LinkSession, seconds: float, qpm: float, quarter: float = 0.0) -> float:
        """Lead for a while, 25 times a second, from a place on; gives the place reached."""
        for _ in range(round(seconds * 25)):
            session.lead(self.now_s, quarter, qpm)
            self.now_s += 0.04
            quarter += 0.04 * qpm / 60.0
        return quarter


def test_it_joins_half_a_second_after_it_was_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    session = world.session("follow")
    session.open()
    while session.read() is None:
        assert not session.joined
        world.now_s += 0.04
    assert world.enabled_s == pytest.approx(50.5, abs=0.05)
    session.close()
    assert not session.joined
    assert session.read() is None


def test_following_reads_and_never_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, qpm=90.0)
    with world.session("follow") as session:
        world.now_s += 1.0
        reading = session.read()
        assert reading is not None
        assert (reading.qpm, reading.peers) == (90.0, 2)
        assert reading.beat == pytest.approx((51.0 + 7.0) * 1.5)
        assert reading.phase == pytest.approx(reading.beat % 4.0)
        world.lead(session, 3.0, 150.0)
    assert world.commits == []


def test_leading_sets_tempo_and_phase_and_then_leaves_them_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch)
    with world.session("lead") as session:
        world.now_s += 1.0
        quarter = world.lead(session, 10.0, 131.0, quarter=17.25)
        assert [qpm for _, qpm in world.commits] == [131.0]
        reading = session.read()
        assert reading is not None
        assert reading.phase == pytest.approx(quarter % 4.0, abs=1e-3)


def test_changes_go_out_five_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    with world.session("lead") as session:
        world.now_s += 1.0
        quarter = 0.0
        for i in range(250):
            session.lead(world.now_s, quarter, 60.0 + i % 50)
            world.now_s += 0.01
            quarter += 0.01 * (60.0 + i % 50) / 60.0
    times = [t for t, _ in world.commits]
    assert 5 < len(times) <= 13
    assert min(b - a for a, b in pairwise(times)) >= 0.2 - 1e-9


def test_a_small_lag_is_made_up_by_tempo_and_a_large_one_by_a_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch)
    with world.session("lead") as session:
        world.now_s += 1.0
        quarter = world.lead(session, 2.0, 120.0)
        assert world.state.forced == 1
        quarter = world.lead(session, 10.0, 120.0, quarter + 0.2)
        assert world.state.forced == 1
        assert all(116.0 < qpm < 124.0 for _, qpm in world.commits)
        reading = session.read()
        assert reading is not None
        assert reading.phase == pytest.approx(quarter % 4.0, abs=0.02)
        world.lead(session, 2.0, 120.0, quarter + 1.0)
        assert world.state.forced == 2


def test_who_meets_others_moves_them_at_once_however_little_they_are_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch)
    world.peers = 0
    with world.session("lead") as session:
        world.now_s += 1.0
        quarter = world.lead(session, 2.0, 120.0)
        # Link goes over to the session that it finds, its tempo and its beats.
        world.peers, world.state = 1, FakeState(70.0, 0.0)
        world.state.forceBeatAtTime((quarter - 0.3) % 4.0, round((world.now_s + 7.0) * 1e6), 4.0)
        quarter = world.lead(session, 0.5, 120.0, quarter)
        reading = session.read()
        assert reading is not None
        assert reading.phase == pytest.approx(quarter % 4.0, abs=1e-3)
        assert reading.qpm == 120.0
        forced = world.state.forced
        world.peers = 3  # more of them: they are in our session already
        world.lead(session, 2.0, 120.0, quarter)
        assert world.state.forced == forced


def test_bar_lines_meet_in_any_metre(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    with world.session("lead", quantum=3.0) as session:
        world.now_s += 1.0
        session.lead(world.now_s, 8.5, 120.0, bar_quarter=7.0)
        reading = session.read()
        assert reading is not None
        assert reading.phase == pytest.approx(1.5)


def test_tempi_that_link_does_not_know_are_kept_within(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch)
    with world.session("lead") as session:
        world.now_s += 1.0
        session.lead(world.now_s, 0.0, 5.0)
        world.now_s += 1.0
        session.lead(world.now_s, 0.0, 5000.0)
    assert [qpm for _, qpm in world.commits] == [20.0, 999.0]


def test_off_it_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "link", None)
    with LinkSession() as session:
        assert session.mode is LinkMode.OFF
        assert session.read() is None
        with pytest.raises(DeviceError, match=r"accompanist\[link\]"):
            session.set_mode("lead")
    monkeypatch.setitem(sys.modules, "link", SimpleNamespace())
    with pytest.raises(DeviceError, match="another package"):
        LinkSession("lead").open()


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="sideways"):
        LinkSession("sideways")


def can_be_alone() -> bool:
    """Whether a network of its own can be had, with the library at hand."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    tried = subprocess.run(
        ["unshare", "-rn", "sh", "-c", ALONE], capture_output=True, timeout=10, check=False
    )
    found = subprocess.run(
        [sys.executable, "-c", "import link; link.Link"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    return tried.returncode == 0 and found.returncode == 0


def test_two_processes_meet_and_the_one_that_leads_is_followed(tmp_path: Path) -> None:
    if not can_be_alone():
        pytest.skip("no network namespace here, or the extra 'link' is not installed")
    peer = f"{sys.executable} {PEER}"
    # One is in its session before the other begins, however long that takes.
    alone = "while [ ! -s follow ] && kill -0 $!; do sleep 0.1; done"
    script = f"{ALONE}; {peer} follow 93 > follow & {alone}; {peer} lead 93 > lead & wait"
    subprocess.run(
        ["unshare", "-rn", "sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=True,
    )
    follow, lead = (
        [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        for name in ("follow", "lead")
    )
    assert follow[0][0] == 70.0, "alone, it goes in its own tempo"
    together = [line for line in follow if line[3] == 1][-15:-3]
    assert len(together) == 12, "they have met"
    for qpm, phase, bar, _, changes in together:
        assert qpm == pytest.approx(93.0, rel=0.035)
        off = (phase - bar + 2.0) % 4.0 - 2.0
        assert abs(off) < 0.05
        assert changes == 0
    assert lead[-1][4] <= 20
