"""Link beside the desk: what is led, what is followed."""

from __future__ import annotations

import pytest
from desk_pieces import cue_at, make_desk, view

from accompanist.app.daemon.link import LinkNeighbour
from accompanist.app.desk.protocol import DeskError
from accompanist.app.processes.links import Do
from accompanist.errors import DeviceError
from bridges.link import LinkReading


class FakeSession:
    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.reading: LinkReading | None = None

    def set_mode(self, mode: str) -> None:
        if mode == "lead" and self.reading is None:
            raise DeviceError("not installed")
        self.calls.append(("mode", mode))

    def set_quantum(self, quantum: float) -> None:
        self.calls.append(("quantum", quantum))

    def read(self) -> LinkReading | None:
        return self.reading

    def lead(self, time_s: float, quarter: float, qpm: float, *, bar_quarter: float = 0.0) -> bool:
        self.calls.append(("lead", time_s, quarter, qpm, bar_quarter))
        return True

    def close(self) -> None:
        self.calls.append(("close",))


def reading(qpm: float, peers: int = 1) -> LinkReading:
    return LinkReading(0.0, qpm, 0.0, 0.0, peers)


def test_what_sounds_is_led() -> None:
    desk, events, *_ = make_desk(state="following")
    events.engine(view("following", qpm=121.0))
    desk.set("link/mode", ("lead",))
    desk.set("latency/out", (100.0,))
    session = FakeSession()
    link = LinkNeighbour(desk, session, clock=lambda: 1003.0)
    link.look(cue_at(rate_quarter_s=2.0), offset_s=1000.0)
    assert session.calls == [("quantum", 4.0), ("lead", 1003.0, pytest.approx(5.8), 121.0, 5.0)]


@pytest.mark.parametrize("state", ["idle", "armed", "holding", "waiting", "paused", "ended"])
def test_nothing_is_led_while_the_music_stands(state: str) -> None:
    desk, *_ = make_desk()
    desk.set("link/mode", ("lead",))
    session = FakeSession()
    LinkNeighbour(desk, session, clock=lambda: 1.0).look(cue_at(state=state), 0.0)
    assert session.calls == []


def test_the_sessions_tempo_is_our_base() -> None:
    desk, _, engine, _, _, _ = make_desk(state="following")
    desk.set("link/mode", ("follow",))
    session = FakeSession()
    link = LinkNeighbour(desk, session)
    for now in (None, reading(128.0, peers=0), reading(128.0), reading(128.01), reading(130.0)):
        session.reading = now
        link.look(cue_at(), 0.0)
    assert engine.sent == [Do("tempo_base", (128.0,)), Do("tempo_base", (130.0,))]
    assert desk.get("tempo/base") == (130.0,)


def test_a_tempo_without_a_piece_comes_with_the_piece() -> None:
    desk, *_ = make_desk(piece=False)
    desk.set("link/mode", ("follow",))
    session = FakeSession()
    session.reading = reading(90.0)
    LinkNeighbour(desk, session).look(cue_at(), 0.0)


def test_a_library_that_is_not_there() -> None:
    desk, *_ = make_desk()
    link = LinkNeighbour(desk, FakeSession())
    with pytest.raises(DeskError, match="not installed") as error:
        link.set_mode("lead")
    assert error.value.code == 503
