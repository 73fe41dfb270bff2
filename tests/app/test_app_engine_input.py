"""The soloist's input goes on, whatever becomes of its device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.app.engine.feeds import AudioFeed, KeyFeed
from accompanist.app.engine.input import needs_opening
from accompanist.app.engine.lasting_feed import AnyFeed, LastingFeed
from accompanist.app.engine.opener import InputOpener
from accompanist.app.engine.piece import InputFacts
from accompanist.app.processes.links import InputSettings
from accompanist.errors import DeviceError
from accompanist.followers.protocol import PlayedNote
from bridges.audio_ring import Block

RATE, HOP = 8000, 46


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Wire:
    """A microphone that gives what a test puts into it."""

    def __init__(self, clock: Clock, sample_rate: int = RATE) -> None:
        self._clock = clock
        self.sample_rate = sample_rate
        self.name = "wire"
        self.latency_s = 0.0
        self.ended = False
        self.xruns = self.lost_samples = 0
        self.closed = False
        self._waiting: list[Block] = []
        self._count = 0

    def sing(self, samples: npt.NDArray[np.float32]) -> None:
        self._clock.now_s += len(samples) / self.sample_rate
        self._count += len(samples)
        self._waiting.append(Block(samples, self._count, self._clock.now_s))

    def start(self) -> None:
        pass

    def read(self, timeout_s: float) -> Block:
        if self._waiting:
            return self._waiting.pop(0)
        self._clock.now_s += timeout_s
        return Block(np.zeros(0, dtype=np.float32), self._count, float("nan"))

    def close(self) -> None:
        self.closed = True


class Ear:
    """Stands for a session: keeps the samples that it is fed."""

    hop = HOP
    hop_s = HOP / RATE

    def __init__(self) -> None:
        self.heard: list[npt.NDArray[np.float32]] = []

    def feed(self, samples: npt.NDArray[np.float32]) -> Any:
        self.heard.append(np.asarray(samples))
        return iter(())

    @property
    def samples(self) -> npt.NDArray[np.float32]:
        return np.concatenate(self.heard) if self.heard else np.zeros(0, dtype=np.float32)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in ("lasting_feed", "feeds"):
        monkeypatch.setattr(f"accompanist.app.engine.{module}.time", made)
    return made


def ones(count: int) -> npt.NDArray[np.float32]:
    return np.ones(count, dtype=np.float32)


def test_take_time_goes_on_while_there_is_no_device(clock: Clock) -> None:
    lost: list[str] = []
    feed, ear = LastingFeed(lambda gone, why: lost.append(why)), Ear()
    session: Any = ear
    wire = Wire(clock)
    feed.adopt(AudioFeed(wire))
    feed.begin()
    began_s = clock.now_s
    for _ in range(10):
        wire.sing(ones(400))
        assert feed.next(session).offset_s == pytest.approx(began_s)
    wire.ended = True  # pulled out
    for _ in range(60):
        batch = feed.next(session)
        assert batch.offset_s == pytest.approx(began_s)
    assert lost == ["wire: gives no sound any more; is it still connected?"]
    assert feed.advice == "there is no input"
    assert len(ear.samples) == pytest.approx((clock.now_s - began_s) * RATE, abs=100)
    assert ear.samples[:4000].all()
    assert not ear.samples[4000:].any()

    clock.now_s += 0.7  # it comes back, and has to be opened
    again = Wire(clock)
    feed.adopt(AudioFeed(again))
    sung_s = clock.now_s - began_s
    again.sing(ones(400))
    batch = feed.next(session)
    assert batch.offset_s == pytest.approx(began_s, abs=1e-3)
    sounding = np.flatnonzero(ear.samples[4000:]) + 4000
    assert sounding[0] / RATE == pytest.approx(sung_s, abs=1e-3)
    assert len(sounding) == 400
    assert batch.start_s + len(batch.samples) / RATE == pytest.approx(len(ear.samples) / RATE)


def test_what_overlaps_is_not_heard_twice(clock: Clock) -> None:
    feed, ear = LastingFeed(lambda gone, why: None), Ear()
    session: Any = ear
    feed.begin()
    for _ in range(100):
        feed.next(session)  # silence goes by
    before = len(ear.samples)
    wire = Wire(clock)
    feed.adopt(AudioFeed(wire))
    clock.now_s -= 400 / RATE  # its first block began before the silence ended
    wire.sing(ones(400 + 160))
    feed.next(session)
    assert np.count_nonzero(ear.samples) == pytest.approx(160, abs=2)
    assert len(ear.samples) == pytest.approx(before + 160, abs=2)


def test_a_device_of_another_rate_waits_for_its_session(clock: Clock) -> None:
    feed, ear = LastingFeed(lambda gone, why: None), Ear()
    session: Any = ear
    feed.begin()
    wire = Wire(clock, sample_rate=16_000)
    feed.adopt(AudioFeed(wire))
    wire.sing(ones(1600))
    feed.next(session)
    assert not ear.samples.any()
    assert feed.peak_db > -1.0  # but its level is shown


def test_figures_of_lost_devices_count(clock: Clock) -> None:
    feed = LastingFeed(lambda gone, why: None)
    for xruns in (2, 3):
        wire = Wire(clock)
        wire.xruns, wire.lost_samples = xruns, 10 * xruns
        feed.adopt(AudioFeed(wire))
    assert (feed.xruns, feed.lost_samples) == (5, 50)


class Shelf:
    """Devices that are there or not, and what the opener did with them."""

    def __init__(self) -> None:
        self.there: dict[str, bool] = {}
        self.opened: list[str] = []
        self.problems: list[str] = []
        self.feeds: list[AudioFeed] = []
        self.in_use: AnyFeed | None = None
        self.tried = 0
        self.opener = InputOpener(
            opened=self._use,
            closing=self._release,
            problem=lambda code, text: self.problems.append(text),
            opening=self._open,
            checking=self._check,
        )

    def _check(self, settings: InputSettings) -> None:
        if not self.there.get(str(settings.from_file)):
            raise DeviceError(f"no {settings.from_file}")

    def _open(self, settings: InputSettings) -> tuple[AnyFeed, InputFacts]:
        self.tried += 1
        self._check(settings)
        feed = AudioFeed(Wire(Clock()))
        self.feeds.append(feed)
        return feed, InputFacts(str(settings.from_file), RATE)

    def _use(self, feed: AnyFeed, facts: InputFacts) -> None:
        self.in_use = feed
        self.opened.append(facts.name)

    def _release(self) -> AnyFeed | None:
        feed, self.in_use = self.in_use, None
        return feed

    def wish(self, name: str) -> None:
        self.opener.wish(InputSettings(from_file=Path(name)))


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("accompanist.app.engine.opener.AGAIN_S", 0.005)
    made = Shelf()
    made.opener.start()
    yield made
    made.opener.close()


def until(true: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if true():
            return
        pause.wait(0.005)
    raise AssertionError("it never comes true")


def test_a_device_that_comes_later_is_opened_then(shelf: Shelf) -> None:
    shelf.wish("a")
    until(lambda: shelf.tried >= 5)
    assert shelf.problems == ["no a"]  # told once
    shelf.there["a"] = True
    until(lambda: shelf.opened == ["a"])


def test_a_lost_device_is_closed_and_opened_again(shelf: Shelf) -> None:
    shelf.there["a"] = True
    shelf.wish("a")
    until(lambda: shelf.opened == ["a"])
    shelf.there["a"] = False
    gone = shelf.feeds[0]
    shelf.in_use = None  # the hearing thread lets go of it before it tells
    shelf.opener.lost(gone, "a has gone")
    until(lambda: shelf.tried >= 4)
    assert shelf.problems == ["a has gone", "no a"]
    shelf.there["a"] = True
    until(lambda: shelf.opened == ["a", "a"])
    assert shelf.in_use is shelf.feeds[1]


def test_a_wish_for_what_is_not_there_leaves_the_input_as_it_is(shelf: Shelf) -> None:
    shelf.there["a"] = True
    shelf.wish("a")
    until(lambda: shelf.opened == ["a"])
    shelf.wish("b")
    until(lambda: shelf.problems == ["no b"])
    assert shelf.in_use is shelf.feeds[0]
    shelf.there["b"] = True
    shelf.wish("b")
    until(lambda: shelf.opened == ["a", "b"])
    assert shelf.in_use is shelf.feeds[1]


def test_a_driver_that_breaks_does_not_end_the_search(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = shelf.opener._opening

    def breaks(settings: InputSettings) -> tuple[AnyFeed, InputFacts]:
        if shelf.tried < 3:
            shelf.tried += 1
            raise RuntimeError("a driver")
        return opens(settings)

    monkeypatch.setattr(shelf.opener, "_opening", breaks)
    shelf.there["a"] = True
    shelf.wish("a")
    until(lambda: shelf.opened == ["a"])
    assert shelf.problems == ["the input does not open (RuntimeError: a driver)"]


class Keys:
    """A MIDI keyboard that can be pulled out."""

    present = True
    closed = False

    def take(self) -> list[PlayedNote]:
        return []

    def close(self) -> None:
        self.closed = True


def test_a_keyboard_that_is_pulled_out_is_noticed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accompanist.app.engine.opener.LOOK_S", 0.005)
    boards = [Keys(), Keys()]
    left = iter(boards)

    def opens(settings: InputSettings) -> tuple[AnyFeed, InputFacts]:
        return KeyFeed(next(left)), InputFacts("keys", keys=True)

    monkeypatch.setattr(shelf.opener, "_opening", opens)
    shelf.wish("keys")
    until(lambda: shelf.opened == ["keys"])
    boards[0].present = False
    until(lambda: shelf.opened == ["keys", "keys"])
    assert boards[0].closed
    assert not boards[1].closed
    assert shelf.problems == ["the MIDI input has gone; is it still connected?"]


def test_gain_gate_and_a_known_delay_alone_do_not_open_anything_anew() -> None:
    before = InputSettings(device="USB", gain_db=0.0)
    assert not needs_opening(before, InputSettings(device="USB", gain_db=6.0, gate_db=-50.0))
    assert not needs_opening(before, InputSettings(device="USB", latency_s=0.01))
    assert needs_opening(InputSettings(device="USB", latency_s=0.01), before)
    assert needs_opening(before, InputSettings(device="Built-in"))
    assert needs_opening(None, before)


def test_how_long_a_driver_has_not_answered_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    shelf = Shelf()
    shelf.there["a"] = True
    opening = shelf._open

    def stuck(settings: InputSettings) -> tuple[AnyFeed, InputFacts]:
        answers.wait(10.0)
        return opening(settings)

    monkeypatch.setattr(shelf.opener, "_opening", stuck)
    shelf.opener.start()
    assert shelf.opener.busy_s() == 0.0
    shelf.wish("a")
    until(lambda: shelf.opener.busy_s() > 0.02)
    answers.set()
    until(lambda: shelf.opened == ["a"])
    until(lambda: shelf.opener.busy_s() == 0.0)
    shelf.opener.close()
