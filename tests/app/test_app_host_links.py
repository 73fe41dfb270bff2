"""Hosts over real sockets of this machine: what they get, and what is said of the deaf ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from accompanist.app.hosts.links import HostLinks, HostSettings, score_times
from accompanist.conducting.timeline import Timeline
from accompanist.performing.cue import Cue
from accompanist.score.model import Mark, Measure, Note, Part, Score, TempoMark
from bridges.osc import decode, encode


def score() -> Score:
    notes = tuple(Note(float(q), 1.0, 60) for q in range(16))
    return Score(
        title="Sixteen",
        parts=(Part(1, "Flute", notes), Part(2, "Piano", notes)),
        measures=tuple(Measure(4.0 * i, 4.0, str(i + 1)) for i in range(4)),
        tempo_marks=(TempoMark(0.0, 120.0), TempoMark(8.0, 60.0)),
        marks=(Mark(8.0, "B"),),
    )


def cue(state: str, time_s: float = 0.0, jumps: int = 0, plays_from: float = 0.0) -> Cue:
    return Cue(time_s, Timeline((time_s,), (plays_from,), 2.0), state, jumps, plays_from)


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Host:
    """A UDP socket in place of a host."""

    socket: socket.socket
    sender: tuple[str, int] = ("", 0)
    said: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def read(self) -> list[str]:
        """Take all that has come: addresses and arguments."""
        new = []
        while True:
            try:
                data, self.sender = self.socket.recvfrom(65_536)
            except BlockingIOError:
                break
            for _, message in decode(data):
                new.append(" ".join([message.address, *map(str, message.arguments)]))
        self.said += new
        return new

    def answer(self, packet: bytes) -> None:
        self.socket.sendto(packet, self.sender)


@pytest.fixture
def host() -> Iterator[Host]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        yield Host(made)


def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def settle() -> None:
    """Let the loop take in what has come."""
    for _ in range(20):
        await asyncio.sleep(0)


Problems = list[tuple[int, str]]


def made(problems: Problems, clock: Clock, *settings: HostSettings) -> HostLinks:
    return HostLinks(settings, lambda code, text: problems.append((code, text)), monotonic=clock)


def test_a_hosts_take_from_arm_to_stop(host: Host) -> None:
    clock, problems = Clock(), Problems()

    async def run() -> None:
        settings = HostSettings("ardour", port=host.port, markers=False)
        links = made(problems, clock, settings)
        await links.start()
        links.load(score())
        links.take(cue("idle"), 100.0)
        assert host.read() == []  # it is left alone until something is to be played
        links.take(cue("armed", 0.0, 1, 8.0), 100.0)
        assert host.read() == ["/strip/list"]
        host.answer(
            b"#reply\0\0,shhi\0\0\0end_route_list\0\0\0\0\0\0\0\0\xbb\x80\0\0\0\0\0/z\xb0\0\0\0\0"
        )
        await settle()
        clock.now_s = 100.1
        links.beat()
        assert host.read() == ["/locate 192000 0"]  # 8 quarters at 120, 48 kHz
        links.take(cue("following", 0.2, 1, 8.0), 100.0)
        assert host.read() == []  # it rests after a locate …
        clock.now_s = 100.51
        links.beat()
        assert host.read() == ["/transport_play", "/transport_frame", "/transport_speed"]
        host.answer(encode("/transport_frame", (192_000 + 4_800,), "h"))
        clock.now_s = 100.53
        await settle()
        links.take(cue("idle", 1.0, 1, 8.0), 100.0)
        assert host.read() == ["/transport_stop"]
        (zero,) = links.zeros()["ardour"]
        assert zero["zero_s"] == pytest.approx(4.1 - 0.52, abs=1e-9)  # between question and answer
        await links.close()

    asyncio.run(run())
    assert problems == []


def test_a_host_that_never_answers_is_told_of_once(host: Host) -> None:
    clock, problems = Clock(), Problems()

    async def run() -> None:
        links = made(problems, clock, HostSettings("ardour", port=host.port))
        await links.start()
        links.load(score())
        for take in range(3):
            offset_s = clock.now_s
            links.take(cue("armed", 0.0, take), offset_s)
            links.take(cue("following", 0.1, take), offset_s)
            for _ in range(200):
                clock.now_s += 0.1
                links.take(cue("following", 0.1, take), offset_s)
                links.beat()
                await asyncio.sleep(0)
            links.take(cue("idle", 20.0, take), offset_s)
        await links.close()

    asyncio.run(run())
    assert [code for code, _ in problems] == [503]
    assert problems[0][1].startswith(f"Ardour does not answer at 127.0.0.1:{host.port}")
    assert "Open Sound Control" in problems[0][1]
    assert "/transport_play" in host.read()  # told all the same


@pytest.mark.parametrize("name", ["hydrogen", "reaper", "ableton_live", "bitwig"])
def test_a_port_that_nobody_listens_on_is_told_of_once(name: str) -> None:
    clock, problems = Clock(), Problems()
    port = closed_port()

    async def run() -> None:
        settings = HostSettings(name, port=port, reply_port=closed_port())
        links = made(problems, clock, settings)
        await links.start()
        links.load(score())
        for state in ("armed", "following", "idle", "armed", "following", "idle"):
            links.take(cue(state), 100.0)
            await asyncio.sleep(0.01)  # the refusal comes back through the system
        await links.close()

    asyncio.run(run())
    assert len(problems) == 1
    assert f"is not there at 127.0.0.1:{port}" in problems[0][1]


def test_a_reply_port_that_is_taken_is_a_problem_and_no_more(host: Host) -> None:
    clock, problems = Clock(), Problems()

    async def run() -> None:
        links = made(problems, clock, HostSettings("reaper", port=9, reply_port=host.port))
        await links.start()
        links.load(score())
        links.take(cue("armed"), 100.0)
        await links.close()

    asyncio.run(run())
    assert len(problems) == 1
    assert f"UDP port {host.port}" in problems[0][1]
    assert "hosts.reaper.reply_port" in problems[0][1]


def test_hosts_that_roll_are_stopped_when_we_leave(host: Host) -> None:
    async def run() -> None:
        settings = HostSettings("sooperlooper", port=host.port, read_position=False)
        links = made([], Clock(), settings)
        await links.start()
        links.load(score())
        links.take(cue("following"), 100.0)
        assert host.read()[-1] == "/sl/-1/hit trigger"
        await links.close()
        await links.close()

    asyncio.run(run())
    assert host.read() == ["/sl/-1/hit pause_on"]


def test_no_hosts_cost_nothing() -> None:
    async def run() -> None:
        links = made([], Clock())
        await links.start()
        links.load(score())
        links.take(cue("following"), 100.0)
        assert links.zeros() == {}
        await links.close()

    asyncio.run(run())


def test_what_a_score_says_to_hosts() -> None:
    times = score_times(score())
    assert times.bars == (0.0, 4.0, 8.0, 12.0)
    assert times.marks == ((0.0, "bar 1"), (8.0, "B"))
    assert [times.place(q).seconds for q in (0.0, 4.0, 8.0, 12.0, 16.0)] == [0, 2, 4, 8, 12]
    assert times.place(-3.0).seconds == 0.0
