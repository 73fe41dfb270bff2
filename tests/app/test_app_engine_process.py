"""The engine's process follows, publishes, records, and comes back when it is killed."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import soundfile

from accompanist.app.engine.link import EngineLink
from accompanist.app.keeping.keep_take import write_kept
from accompanist.app.keeping.ring import TakeRing, journal_seconds
from accompanist.app.processes.board import Board
from accompanist.app.processes.child import Child
from accompanist.app.processes.links import (
    Click,
    Do,
    EngineDied,
    EngineSettings,
    InputOpened,
    InputSettings,
    KeepTake,
    LoadPiece,
    OpenInput,
    PieceLoaded,
    Played,
    Problem,
    Reported,
    TakeKept,
    View,
)
from accompanist.performing.messages import Kind, Message, TimedMessage
from accompanist.score.solo import solo_line
from accompanist.score.tempo import written_tempo
from score_library.catalogue import open_piece

PIECE = "ode-to-joy"
RATE = 22_050
BEFORE_S = 0.4
LENGTH_S = 12.0
PATIENCE_S = 40.0

T = TypeVar("T")


@pytest.fixture(scope="module")
def soloist(
    tmp_path_factory: pytest.TempPathFactory, play_tones: Callable[..., Any]
) -> tuple[Path, np.ndarray, np.ndarray]:
    """Play the first bars of the solo in the written tempo; give true times and positions too."""
    piece = open_piece(PIECE)
    tempo, line = written_tempo(piece.score), solo_line(piece.solo_part)
    notes = [note for event in line.notes for note in event]
    spans = [
        (
            BEFORE_S + float(tempo.to_seconds(note.onset_quarter)),
            BEFORE_S + float(tempo.to_seconds(note.end_quarter)) - 0.03,
            note.pitch,
        )
        for note in notes
    ]
    first_s = min(span[0] for span in spans) - BEFORE_S
    spans = [(a - first_s, b - first_s, p) for a, b, p in spans if b - first_s < LENGTH_S]
    path = tmp_path_factory.mktemp("soloist") / "solo.wav"
    soundfile.write(path, play_tones(spans, RATE), RATE)
    times = BEFORE_S + tempo.to_seconds(line.onsets_quarter) - first_s
    return path, np.asarray(times), np.asarray(line.onsets_quarter)


class Desk:
    """The daemon's side, as a test needs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.link = EngineLink(folder / "board", takes_folder=folder / "takes")
        self.events: list[Any] = []
        self.link.start()
        self.board = Board.open(folder / "board")

    def look(self, wait_s: float = 0.05) -> list[Any]:
        select.select([self.link.fileno()], [], [], wait_s)
        fresh = self.link.events()
        self.events.extend(fresh)
        return fresh

    def wait_for(self, kind: type[T], true: Callable[[T], bool] = lambda event: True) -> T:
        """Wait for an event that comes from now on."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            for event in self.look():
                if isinstance(event, kind) and true(event):
                    return event
        raise AssertionError(f"no such {kind.__name__}; the last: {self.events[-3:]}")

    def run(self, seconds: float) -> list[Any]:
        first, end_s = len(self.events), time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.look()
        return self.events[first:]

    def load(self, piece: str, **settings: Any) -> PieceLoaded:
        self.link.send(LoadPiece(piece, EngineSettings(**settings)))
        return self.wait_for(PieceLoaded)

    def close(self) -> None:
        self.link.close()
        self.board.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    try:
        yield made
    finally:
        made.close()


def listen(desk: Desk, soloist: Path) -> None:
    desk.link.send(OpenInput(InputSettings(from_file=soloist)))
    assert desk.wait_for(InputOpened).sample_rate == RATE


def of_kind(events: list[Any], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


def rows(path: Path) -> list[list[str]]:
    return [row.split(",") for row in path.read_text("utf-8").splitlines()[2:]]


def test_it_follows_publishes_and_records(
    desk: Desk, soloist: tuple[Path, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    path, times, quarters = soloist
    listen(desk, path)
    loaded = desk.load(PIECE)
    assert loaded.piece_id == PIECE
    assert len(loaded.plan.events) > 0
    assert desk.wait_for(View).state == "idle"
    desk.link.send(Do("arm"))
    armed = desk.wait_for(View, lambda view: view.state == "armed")
    began_s = armed.time_s + armed.offset_s  # within a look of the file's beginning
    following = desk.wait_for(View, lambda view: view.state == "following")
    events = desk.run(5.0)

    reports = of_kind(desk.events, Reported)
    assert len(reports) >= 5
    assert [r.quarter for r in reports] == quarters[: len(reports)].tolist()
    heard_s = np.array([r.time_s for r in reports]) + armed.offset_s - began_s
    wrong_s = heard_s - times[: len(reports)]
    assert np.ptp(wrong_s) < 0.1
    assert abs(np.median(wrong_s)) < 0.15
    assert all(len(r.pitches) >= 1 for r in reports)

    views = of_kind(events, View)
    assert 60 <= len(views) <= 400
    assert views[-1].time_s > following.time_s + 4.0
    assert 0.0 < np.median([v.behind_s for v in views]) < 0.1
    assert views[-1].level_db > -40.0

    told = desk.board.read()
    assert told is not None
    cue, offset_s = told
    assert cue.state == "following"
    here = cue.timeline.to_quarter(time.monotonic() - offset_s)
    truth = np.interp(time.monotonic() - began_s, times, quarters)
    assert here == pytest.approx(truth, abs=0.75)

    now_s = views[-1].time_s
    on = TimedMessage(now_s, here, 2, Message(Kind.ON, 1, 60, 80))
    desk.link.send(Played((on,), (0.001,)))
    desk.link.send(Do("stop"))
    desk.wait_for(View, lambda view: view.state == "idle")
    desk.link.send(KeepTake(tmp_path / "kept", audio=False))
    assert desk.wait_for(TakeKept).folder == tmp_path / "kept"
    sent = rows(tmp_path / "kept" / "played.csv")
    assert [row[4] for row in sent] == ["60"]
    begins_s = now_s - float(sent[0][0])
    onsets = rows(tmp_path / "kept" / "onsets.csv")
    assert float(onsets[0][1]) + begins_s == pytest.approx(reports[0].time_s, abs=1e-5)
    assert of_kind(desk.events, Problem) == []


def test_a_killed_engine_loses_less_than_a_second_and_comes_back(
    desk: Desk, soloist: tuple[Path, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    listen(desk, soloist[0])
    desk.load(PIECE)
    desk.link.send(Do("arm"))
    desk.wait_for(View, lambda view: view.state == "following")
    before = of_kind(desk.run(4.0), View)[-1]
    pid = desk.link.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    killed_s = time.monotonic()
    died = desk.wait_for(EngineDied)
    assert time.monotonic() - killed_s < 0.5
    assert "waits for the soloist where the piece was" in died.text

    (journal,) = TakeRing(tmp_path / "takes").journals()
    lasted_s = journal_seconds(journal)
    begun_s = before.time_s - 4.5
    assert lasted_s > before.time_s - 1.0 - 0.2
    assert lasted_s > begun_s
    sound, rate = soundfile.read(journal / "solo.wav")
    assert len(sound) / rate == pytest.approx(lasted_s, abs=0.5)
    write_kept(journal, tmp_path / "kept", audio=False)
    for table in ("trace.csv", "onsets.csv", "played.csv"):
        assert (tmp_path / "kept" / table).read_bytes() == (journal / table).read_bytes()

    desk.wait_for(PieceLoaded)
    armed = desk.wait_for(View, lambda view: view.state == "armed")
    assert armed.quarter == pytest.approx(before.quarter, abs=1.0)
    assert desk.link.pid != pid
    # The take of the engine that has died can be kept by the new one.
    desk.link.send(KeepTake(tmp_path / "again", audio=False))
    assert desk.wait_for(TakeKept).folder == tmp_path / "again"


def test_when_the_daemon_dies_it_leaves_with_the_take_on_disk(
    tmp_path: Path, soloist: tuple[Path, np.ndarray, np.ndarray]
) -> None:
    Board.create(tmp_path / "board").close()
    arguments = (str(tmp_path / "board"), str(tmp_path / "takes"), "60", "50")
    child = Child("accompanist.app.engine.process", *arguments)
    child.send(OpenInput(InputSettings(from_file=soloist[0])))
    child.send(LoadPiece(PIECE, EngineSettings()))
    wait_until(child, lambda event: isinstance(event, PieceLoaded))
    child.send(Do("arm"))
    last: list[float] = []

    def followed(event: object) -> bool:
        if isinstance(event, View):
            last.append(event.time_s)
        return isinstance(event, Reported) and event.quarter > 1.0

    wait_until(child, followed)
    assert child.close(leave_s=10.0) == 0  # hangs up, as a process does that is killed
    (journal,) = TakeRing(tmp_path / "takes").journals()
    assert json.loads((journal / "take.json").read_text("utf-8"))["state"] == "done"
    assert journal_seconds(journal) > 1.0
    assert len(rows(journal / "onsets.csv")) >= 2
    with Board.open(tmp_path / "board") as board:
        told = board.read()
    assert told is not None
    assert told[0].state == "idle"  # whoever reads it is silent


def wait_until(child: Child, true: Callable[[Any], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        answers = [true(event) for event in child.receive(0.1)]
        if any(answers):
            return
    raise AssertionError("it never comes true")


def test_what_cannot_be_done_is_a_line_and_nothing_else_changes(
    desk: Desk, soloist: tuple[Path, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    link = desk.link
    link.send(Do("arm"))
    assert desk.wait_for(Problem).code == 409  # no piece
    link.send(KeepTake())
    assert desk.wait_for(Problem).code == 409  # nothing played
    listen(desk, soloist[0])
    own = tmp_path / "mine.mid"
    own.write_bytes(midi_file())
    loaded = desk.load(str(own))
    for command, code in (
        (LoadPiece("no-such-piece", EngineSettings()), 404),
        (LoadPiece(str(tmp_path / "missing.musicxml"), EngineSettings()), 404),
        (LoadPiece(PIECE, EngineSettings(solo="Bagpipe")), 404),
        (LoadPiece(str(broken_score(tmp_path)), EngineSettings()), 400),
        (LoadPiece(PIECE, EngineSettings(follower="nobody")), 404),
        (Do("hear"), 409),
        (Do("__init__"), 409),
        (Do("locate"), 400),
        (Do("follow", ("upside down",)), 422),
        (OpenInput(InputSettings(from_file=tmp_path / "missing.wav")), 503),
        ("nonsense", 400),
    ):
        link.send(command)
        problem = desk.wait_for(Problem)
        assert problem.code == code, (command, problem)
        assert "\n" not in problem.text
    link.send(Do("arm"))  # the piece is still there, and so is the input
    view = desk.wait_for(View, lambda view: view.state == "armed")
    assert view.advice != "there is no input"
    time.sleep(0.01)
    own.write_bytes(midi_file() + b"\0")
    changed = desk.wait_for(Problem)
    assert changed.code == 409
    assert changed.text.startswith("mine.mid has changed on disk; load it again")
    own.unlink()
    assert "is not there any more" in desk.wait_for(Problem).text
    assert link.pid is not None
    assert loaded.piece_id == "mine"


def test_an_input_of_another_rate_has_the_piece_made_ready_again(
    desk: Desk, soloist: tuple[Path, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    other = tmp_path / "other.wav"
    sound, _ = soundfile.read(soloist[0])
    soundfile.write(other, sound, 16_000)
    listen(desk, soloist[0])
    desk.load(PIECE)
    desk.link.send(OpenInput(InputSettings(from_file=other, gain_db=-6.0)))
    assert desk.wait_for(InputOpened).sample_rate == 16_000
    desk.wait_for(PieceLoaded)
    desk.link.send(Do("arm"))
    desk.wait_for(Reported)
    # A change of gain alone does not interrupt.
    first = of_kind(desk.run(1.0), View)[-1]
    desk.link.send(OpenInput(InputSettings(from_file=other, gain_db=-26.0)))
    later = desk.wait_for(View, lambda view: view.level_db < first.level_db - 10.0)
    assert later.time_s > first.time_s
    assert len(of_kind(desk.events, InputOpened)) == 2


@pytest.mark.parametrize("order", ["arm", "start"])
def test_what_was_ordered_before_the_input_opened_counts_after_it(
    order: str, desk: Desk, tmp_path: Path
) -> None:
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, np.zeros(48_000), 48_000)
    desk.load(PIECE)  # for the usual rate: there is no input yet
    if order == "start":
        desk.link.send(Do("follow", ("fixed",)))
    desk.link.send(Do("tempo_scale", (1.5,)))
    desk.link.send(Do("locate", (8.0,)))
    desk.link.send(Do(order))
    desk.link.send(OpenInput(InputSettings(from_file=quiet)))
    assert desk.wait_for(InputOpened).sample_rate == 48_000
    if order == "arm":
        desk.wait_for(PieceLoaded)
    later = of_kind(desk.run(2.0), View)
    states = {view.state for view in later}
    if order == "arm":
        assert states == {"armed"}
    else:  # nobody is listened to: nothing is interrupted
        assert states <= {"countin", "following"}
        desk.link.send(Do("stop"))
        desk.wait_for(PieceLoaded)
        later = [*of_kind(desk.run(0.5), View), desk.wait_for(View, lambda view: view.time_s > 0)]
        assert {view.state for view in later} == {"idle"}
    assert later[-1].quarter >= 8.0
    assert later[-1].led_qpm == pytest.approx(1.5 * later[-1].base_qpm)
    assert of_kind(desk.events, Problem) == []


def test_a_piece_that_has_ended_without_ears_begins_at_the_top_again(
    desk: Desk, tmp_path: Path
) -> None:
    quiet = tmp_path / "quiet.wav"
    soundfile.write(quiet, np.zeros(48_000), 48_000)
    desk.load(PIECE)
    desk.link.send(Do("follow", ("fixed",)))
    desk.link.send(Do("locate", (open_piece(PIECE).score.end_quarter - 2.0,)))
    desk.link.send(Do("start"))
    desk.link.send(OpenInput(InputSettings(from_file=quiet)))
    desk.wait_for(View, lambda view: view.state == "ended")
    desk.wait_for(PieceLoaded)
    desk.link.send(Do("arm"))
    assert desk.wait_for(View, lambda view: view.state == "armed").quarter < 1.0


def test_it_counts_in_and_leads_where_nobody_plays(desk: Desk) -> None:
    loaded = desk.load(PIECE, transpose=-2, countin_bars=1.0, latency_out_s=0.05)
    written = open_piece(PIECE).score
    moved = [note.pitch for note in loaded.score.parts[0].notes]
    assert moved == [note.pitch - 2 for note in written.parts[0].notes]
    desk.link.send(Do("follow", ("fixed",)))
    desk.link.send(Do("start"))
    desk.wait_for(View, lambda view: view.state == "countin")
    playing = desk.wait_for(View, lambda view: view.state == "following")
    assert playing.advice == "there is no input"
    clicks = [m for click in of_kind(desk.events, Click) for m in click.messages]
    struck_s = [m.time_s for m in clicks if m.message.kind is Kind.ON]
    tempo = written_tempo(written)
    assert len(struck_s) == 4
    np.testing.assert_allclose(np.diff(struck_s), 1.0 / tempo.rate_at(0.0), rtol=0.02)
    later = of_kind(desk.run(1.0), View)[-1]
    went = (later.quarter - playing.quarter) / (later.time_s - playing.time_s)
    assert went == pytest.approx(tempo.rate_at(0.0), rel=0.05)


def test_an_engine_that_dies_of_a_piece_is_not_fed_it_for_ever(tmp_path: Path) -> None:
    module = tmp_path / "dies.py"
    module.write_text(
        "import sys\n"
        "from accompanist.app.processes.child import parent_connection\n"
        "from accompanist.app.processes.links import LoadPiece\n"
        "connection = parent_connection(sys.argv[1])\n"
        "while not isinstance(connection.recv(), LoadPiece):\n"
        "    pass\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        link = EngineLink(tmp_path / "board", module="dies")
        with link:
            link.send(LoadPiece("deadly", EngineSettings()))
            deaths: list[EngineDied] = []
            end_s = time.monotonic() + 20.0
            while len(deaths) < 2 and time.monotonic() < end_s:
                select.select([link.fileno()], [], [], 0.05)
                deaths += of_kind(link.events(), EngineDied)
            assert "started anew" in deaths[0].text
            assert "twice while it loaded deadly" in deaths[1].text
            while link.pid is None:
                link.events()
            time.sleep(0.5)
            assert link.events() == []
            assert link.pid is not None


def test_an_engine_that_says_nothing_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hangs.py").write_text(
        "import sys, time\n"
        "from accompanist.app.processes.child import parent_connection\n"
        "connection = parent_connection(sys.argv[1])\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("accompanist.app.engine.link.SILENT_S", 0.2)
    with EngineLink(tmp_path / "board", module="hangs") as link:
        link.send(LoadPiece(PIECE, EngineSettings()))
        end_s = time.monotonic() + 1.0
        while time.monotonic() < end_s:  # it may be compiling
            select.select([link.fileno()], [], [], 0.05)
            assert link.events() == []
        monkeypatch.setattr("accompanist.app.engine.link.SILENT_LOADING_S", 0.2)
        first = link.pid
        end_s = time.monotonic() + 20.0
        died: list[EngineDied] = []
        while not died and time.monotonic() < end_s:
            select.select([link.fileno()], [], [], 0.05)
            died = of_kind(link.events(), EngineDied)
        assert died[0].text.startswith("the engine does not answer")
        link.events()
        assert link.pid not in (None, first)


def midi_file() -> bytes:
    import io

    import mido

    file = mido.MidiFile()
    for channel, first in ((0, 72), (1, 48)):
        track = mido.MidiTrack()
        file.tracks.append(track)
        track.append(mido.MetaMessage("track_name", name=f"Part {channel + 1}"))
        for i in range(8):
            track.append(mido.Message("note_on", channel=channel, note=first + i, velocity=80))
            track.append(mido.Message("note_off", channel=channel, note=first + i, time=480))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def broken_score(folder: Path) -> Path:
    path = folder / "broken.musicxml"
    path.write_text("<score-partwise><part-list>")
    return path
