"""The daemon's loop with processes that pretend: what is begun, told, read again and ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from desk_pieces import FakeLink, Told, cue_at, loaded, view

from accompanist.app.config.file import read_config
from accompanist.app.config.settings import Config, PieceConfig
from accompanist.app.daemon.daemon import Daemon
from accompanist.app.daemon.helpers import DaemonHelpers
from accompanist.app.daemon.notify import Notifier
from accompanist.app.daemon.runtime import Runtime, Urls, read_urls
from accompanist.app.desk.control import ControlDesk
from accompanist.app.desk.protocol import DeskError
from accompanist.app.processes.links import (
    Do,
    EngineDied,
    EngineSettings,
    InputOpened,
    InputSettings,
    KeepTake,
    LoadPiece,
    OpenInput,
    OutputsOpened,
    SetClock,
    SetOutputs,
    Silence,
    TakeKept,
)
from accompanist.errors import AccompanistError
from accompanist.performing.cue import Cue


class FakeProcess(FakeLink):
    """A link whose events are put in by the test; `fileno` wakes the loop as a real one does."""

    def __init__(self, log: list[str], name: str) -> None:
        super().__init__()
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._log, self._name = log, name
        self._events: list[object] = []

    def start(self) -> None:
        self._log.append(f"{self._name} starts")

    def say(self, *events: object) -> None:
        self._events += events
        self._theirs.send(b"x")

    def events(self) -> Sequence[object]:
        with suppress(BlockingIOError):
            self._ours.recv(4096)
        taken, self._events = self._events, []
        return taken

    def fileno(self) -> int:
        return self._ours.fileno()

    def close(self) -> None:
        self._log.append(f"{self._name} closes after {self.sent[-1:]}")
        self._ours.close()
        self._theirs.close()


class FakeVoice:
    def __init__(self, log: list[str]) -> None:
        self._log = log

    async def start(self) -> Urls:
        self._log.append("answers")
        return Urls("127.0.0.1", 7010, "/acc", "http://127.0.0.1:7011/")

    async def stop(self) -> None:
        self._log.append("answers no more")


class FakeNeighbour:
    """One that cannot even open; nobody else suffers."""

    def __init__(self) -> None:
        self.seen: list[Cue] = []

    def open(self) -> None:
        raise OSError("no such thing")

    def look(self, cue: Cue, offset_s: float) -> None:
        self.seen.append(cue)

    def close(self) -> None:
        raise OSError("nor this")


class House:
    """A daemon and all that pretends around it."""

    def __init__(self, tmp_path: Path, config: Config | None = None) -> None:
        self.log: list[str] = []
        self.engine = FakeProcess(self.log, "engine")
        self.performer = FakeProcess(self.log, "performer")
        self.neighbour = FakeNeighbour()
        self.cue: tuple[Cue, float] | None = None
        self.reread: Callable[[], Config] = Config
        self.runtime = Runtime(tmp_path)
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.systemd.bind(str(tmp_path / "notify"))
        self.systemd.settimeout(1.0)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        self.daemon = Daemon(
            config or Config(),
            self.runtime,
            engine=self.engine,
            performer=self.performer,
            read_board=lambda: self.cue,
            voice=lambda desk, healthy, ready: FakeVoice(self.log),
            neighbours=lambda daemon, voice: [self.neighbour],
            reread=lambda: self.reread(),
            notifier=Notifier(environment),
        )
        self.told = Told()
        self.daemon.desk.watch(self.told)

    def play(self, scene: Callable[[House], Awaitable[None]]) -> None:
        """Run the daemon with a scene beside it; the daemon is told to leave at its end."""

        async def both() -> None:
            async def then_leave() -> None:
                try:
                    await asyncio.sleep(0)
                    await scene(self)
                finally:
                    self.daemon.desk.do("quit", ())

            await asyncio.wait_for(asyncio.gather(self.daemon.run(), then_leave()), 20)

        try:
            asyncio.run(both())
        finally:
            self.datagrams_left = self.datagrams()
            self.systemd.close()

    def datagrams(self) -> list[bytes]:
        self.systemd.setblocking(False)
        told = []
        while True:
            try:
                told.append(self.systemd.recv(500))
            except BlockingIOError:
                return told


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that comes by itself; give up after a while."""
    for _ in range(2000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came")


def test_from_start_to_end(tmp_path: Path) -> None:
    house = House(tmp_path, Config(piece=PieceConfig(load="duet")))

    async def scene(house: House) -> None:
        await until(lambda: any(isinstance(c, LoadPiece) for c in house.engine.sent))
        assert house.engine.sent == [
            OpenInput(InputSettings()),
            LoadPiece("duet", EngineSettings()),
        ]
        assert house.performer.sent == [SetClock()]
        assert read_urls(tmp_path) == Urls("127.0.0.1", 7010, "/acc", "http://127.0.0.1:7011/")
        house.performer.say(OutputsOpened((), realtime=False))
        await until(lambda: b"WATCHDOG=1" in seen(house))
        assert b"READY=1" not in seen(house)  # the engine has not said anything yet
        house.engine.say(InputOpened("mic", 44_100, 0.0), loaded(), view("idle"))
        await until(lambda: house.daemon.desk.get("piece/info")[0] == "Duet")
        await until(lambda: b"READY=1" in seen(house))

    told: list[bytes] = []

    def seen(house: House) -> list[bytes]:
        told.extend(house.datagrams())
        return told

    house.play(scene)
    assert house.log[:3] == ["performer starts", "engine starts", "answers"]
    assert house.log[3] == "answers no more"
    assert f"performer closes after {[Silence()]}" in house.log[4:]
    told.extend(house.datagrams_left)
    assert told.count(b"READY=1") == 1
    assert b"STATUS=no piece, loading" in told
    assert told[-1] == b"STOPPING=1"


def test_it_leaves_on_signals(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        folder = tmp_path / number.name
        folder.mkdir()
        house = House(folder)

        async def scene(house: House, number: signal.Signals = number) -> None:
            await until(lambda: "answers" in house.log)
            os.kill(os.getpid(), number)
            await until(lambda: "answers no more" in house.log)

        house.play(scene)
        assert house.performer.sent[-1] == Silence()


def test_armed_as_soon_as_everything_is_there(tmp_path: Path) -> None:
    house = House(tmp_path, Config(piece=PieceConfig(load="duet", arm=True)))

    async def scene(house: House) -> None:
        await until(lambda: any(isinstance(c, LoadPiece) for c in house.engine.sent))
        house.engine.say(loaded())
        await asyncio.sleep(0.15)
        assert Do("arm") not in house.engine.sent  # nobody could be heard
        house.engine.say(InputOpened("mic", 44_100, 0.0))
        await until(lambda: Do("arm") in house.engine.sent)

    house.play(scene)


def test_whoever_asks_for_another_piece_at_once_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, Config(piece=PieceConfig(load="duet")))
    answer = FakeVoice.start

    async def asked_at_once(voice: FakeVoice) -> Urls:
        house.daemon.desk.do("piece/load", ("other",))  # before everything else is up
        return await answer(voice)

    monkeypatch.setattr(FakeVoice, "start", asked_at_once)

    async def scene(house: House) -> None:
        await until(lambda: "answers" in house.log)
        await asyncio.sleep(0.05)

    house.play(scene)
    pieces = [c.piece for c in house.engine.sent if isinstance(c, LoadPiece)]
    assert pieces == ["duet", "other"]


def test_a_piece_without_a_name_is_refused_in_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(tmp_path, Config(piece=PieceConfig(load=" ")))

    async def scene(house: House) -> None:
        await until(lambda: "answers" in house.log)

    house.play(scene)
    assert "piece/load wants the name of a piece or the path of a score" in caplog.messages


def test_the_music_is_told_while_it_goes_on(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def scene(house: House) -> None:
        await until(lambda: "answers" in house.log)
        house.daemon.desk.do("piece/load", ("duet",))
        house.engine.say(InputOpened("mic", 44_100, 0.0), loaded(), view("following"))
        now_s = asyncio.get_running_loop().time()
        house.cue = (cue_at(rate_quarter_s=4.0), now_s)
        await until(lambda: len(house.told.of("beat")) >= 4)

    house.play(scene)
    assert [v[:2] for v in house.told.of("beat")[:4]] == [(0, 4), (1, 1), (1, 2), (1, 3)]
    times = [float(v[3]) for v in house.told.of("beat")[:4]]
    assert times[3] - times[0] == pytest.approx(0.75, abs=0.02)
    assert house.told.of("timemap")
    assert house.neighbour.seen


def test_a_dead_engine_is_silenced_within_the_turn(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def scene(house: House) -> None:
        await until(lambda: "answers" in house.log)
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        house.engine.say(EngineDied("the engine has ended"))
        await until(lambda: Silence() in house.performer.sent)
        assert loop.time() - begun_s < 0.1
        assert house.daemon.desk.get("state") == ("error",)

    house.play(scene)


def test_an_event_that_nobody_understands_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(tmp_path)

    async def scene(house: House) -> None:
        await until(lambda: "answers" in house.log)
        house.daemon.events.on_reported.append(lambda event: 1 / 0)  # type: ignore[arg-type]
        from accompanist.app.processes.links import Reported

        house.engine.say(Reported(0.0, 0.0), InputOpened("mic", 44_100, 0.0))
        await until(lambda: house.daemon.desk.wiring.facts.input is not None)

    house.play(scene)
    assert "a defect of ours" in caplog.text


# ---- settings read again -------------------------------------------------------------------------


def reloaded(tmp_path: Path, *changes: tuple[str, object], state: str = "idle") -> House:
    house = House(tmp_path)

    async def scene(house: House) -> None:
        await until(lambda: "answers" in house.log)
        house.daemon.desk.do("piece/load", ("duet",))
        house.engine.say(InputOpened("mic", 44_100, 0.0), loaded(), view(state))
        await until(lambda: house.daemon.desk.get("state") == (state,))
        house.engine.taken()
        house.performer.taken()
        house.reread = lambda: read_config(Path("/dev/null"), list(changes))
        os.kill(os.getpid(), signal.SIGHUP)
        await until(
            lambda: house.daemon.desk.wiring.config != Config() or house.told.of("error") != []
        )

    house.play(scene)
    return house


def test_what_is_safe_is_taken_over(tmp_path: Path) -> None:
    house = reloaded(tmp_path, ("follow.mode", "wait"), ("output.latency_ms", 20.0))
    assert house.daemon.desk.get("follow/mode") == ("wait",)
    assert ("follow/mode", ("wait",)) in house.told.changes
    assert Do("follow", ("wait",)) in house.engine.sent
    assert Do("latency_out", (0.02,)) in house.engine.sent
    assert house.told.of("error") == []


def test_outputs_are_opened_anew(tmp_path: Path) -> None:
    house = reloaded(tmp_path, ("output.to", ["synth"]))
    opened = [c for c in house.performer.sent if isinstance(c, SetOutputs)]
    assert [(c.outputs.midi, c.outputs.synth) for c in opened] == [(False, True)]


def test_not_while_music_goes_on(tmp_path: Path) -> None:
    house = reloaded(
        tmp_path, ("output.to", ["synth"]), ("clock.offset_ms", 5.0), state="following"
    )
    assert not any(isinstance(c, SetOutputs) for c in house.performer.sent)
    assert house.told.of("error") == [
        ("reload", 409, "output.to can be changed only while nothing plays; stop first")
    ]
    assert SetClock(offset_s=0.005) in house.performer.sent
    assert house.daemon.desk.wiring.config.output.to == ("midi",)  # so that the next time counts


def test_what_wants_a_restart_is_named(tmp_path: Path) -> None:
    house = reloaded(tmp_path, ("osc.port", 7020), ("takes.ring_minutes", 5.0))
    assert house.told.of("error") == [
        (
            "reload",
            409,
            "osc.port, takes.ring_minutes: counts from the next start of the daemon on",
        )
    ]


def test_wrong_settings_change_nothing(tmp_path: Path) -> None:
    house = reloaded(tmp_path, ("osc.prot", 7020))
    assert house.daemon.desk.wiring.config == Config()
    (error,) = house.told.of("error")
    assert error[:2] == ("reload", 422)
    assert "did you mean osc.port?" in str(error[2])


# ---- takes ---------------------------------------------------------------------------------------


def helpers_with_piece(tmp_path: Path, *, piece: bool = True) -> tuple[DaemonHelpers, FakeLink]:
    engine = FakeLink()
    helpers = DaemonHelpers(lambda: None, Config)
    config = read_config(Path("/dev/null"), [("takes.folder", str(tmp_path))])
    helpers.desk = ControlDesk(config, engine, FakeLink(), helpers, lambda: 0.0)
    if piece:
        helpers.desk.wiring.facts.loaded = loaded()
    return helpers, engine


def test_a_take_is_kept_under_its_name(tmp_path: Path) -> None:
    helpers, engine = helpers_with_piece(tmp_path)
    helpers.keep_take("the best one")
    helpers.keep_take("")
    first, second = engine.sent
    assert first == KeepTake(tmp_path / "the best one", rehearse=True)
    assert isinstance(second, KeepTake)
    assert second.folder is not None
    assert second.folder.parent == tmp_path
    assert second.folder.name.startswith("duet-")


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "x" * 200, "a\nb"])
def test_a_name_that_leads_elsewhere(name: str, tmp_path: Path) -> None:
    helpers, engine = helpers_with_piece(tmp_path)
    with pytest.raises(DeskError, match="cannot be the name of a take") as error:
        helpers.keep_take(name)
    assert (error.value.code, engine.sent) == (422, [])


def test_takes_are_not_written_over(tmp_path: Path) -> None:
    helpers, _ = helpers_with_piece(tmp_path)
    (tmp_path / "best").mkdir()
    with pytest.raises(DeskError, match="is there already"):
        helpers.keep_take("best")


def test_without_a_piece_there_is_no_take(tmp_path: Path) -> None:
    helpers, _ = helpers_with_piece(tmp_path, piece=False)
    with pytest.raises(DeskError, match="no piece is loaded"):
        helpers.keep_take("")


def test_only_what_was_kept_can_be_exported(tmp_path: Path) -> None:
    helpers, _ = helpers_with_piece(tmp_path)
    with pytest.raises(DeskError, match="no take has been kept yet"):
        helpers.export_take("smf", "")


def test_an_export_that_fails_is_told(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def scene(house: House) -> None:
        await until(lambda: "answers" in house.log)
        house.engine.say(TakeKept(tmp_path / "no-such-take"))
        await until(lambda: house.daemon.desk.wiring.facts.last_take != "")
        house.daemon.desk.do("take/export", ("smf",))
        await until(lambda: house.told.of("error") != [])

    house.play(scene)
    (error,) = house.told.of("error")
    assert error[:2] == ("take/export", 409)
    assert "no-such-take" in str(error[2])


def test_link_that_is_not_there(tmp_path: Path) -> None:
    helpers, _ = helpers_with_piece(tmp_path)
    helpers.set_link("off")
    with pytest.raises(DeskError, match="no Ableton Link") as error:
        helpers.set_link("lead")
    assert error.value.code == 503


def test_pedals_that_are_switched_off(tmp_path: Path) -> None:
    helpers, _ = helpers_with_piece(tmp_path)
    helpers.forget()
    with pytest.raises(DeskError, match=r"control\.enable"):
        helpers.learn("cue")


def test_a_voice_that_cannot_speak_ends_the_daemon(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def no_port() -> Urls:
        raise AccompanistError("no UDP port is free")

    house.daemon._voice.start = no_port  # type: ignore[method-assign]

    async def scene(house: House) -> None:
        await asyncio.sleep(0)

    with pytest.raises(AccompanistError, match="no UDP port is free"):
        house.play(scene)
    assert any(line.startswith("performer closes") for line in house.log)
