"""What the engine knows of earlier takes when it makes a piece ready."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import IO, cast

import mido
import numpy as np
import pytest

from accompanist.app.config.settings import Config, FollowConfig
from accompanist.app.desk.settings import LOAD_KEYS, engine_settings_of, first_values
from accompanist.app.desk.store import Store
from accompanist.app.engine import keeping
from accompanist.app.engine.engine import Engine
from accompanist.app.engine.live import Stage
from accompanist.app.engine.piece import InputFacts, ReadyPiece, make_ready
from accompanist.app.keeping.keeper import TakeKeeper
from accompanist.app.keeping.ring import TakeRing
from accompanist.app.processes.links import (
    EngineSettings,
    KeepTake,
    LoadPiece,
    Problem,
    TakeKept,
    TakeLearned,
)
from accompanist.app.rehearsing.kept import store_of
from accompanist.app.rehearsing.takes import LearnedTake, Stretch
from score_library.load import load_score


@pytest.fixture
def piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixteen quarters of a flute over a cello, of which one take has been learned."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = mido.MidiFile(ticks_per_beat=480)
    for channel, name in enumerate(("Flute", "Cello")):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        track.append(mido.MetaMessage("set_tempo", tempo=500_000))
        for i in range(16):
            pitch = 48 + i % 5 if channel else 72 + i % 7
            track.append(mido.Message("note_on", note=pitch, velocity=80, channel=channel))
            track.append(mido.Message("note_off", note=pitch, time=480, channel=channel))
        file.tracks.append(track)
    file.save(tmp_path / "duet.mid")
    score = load_score(tmp_path / "duet.mid")
    store_of(score.parts[0]).add(a_take("one", 0.1), {"title": "Duet"})
    return tmp_path / "duet.mid"


def a_take(name: str, rubato_s: float) -> LearnedTake:
    quarters = np.arange(16.0)
    stretch = Stretch(quarters, 0.5 * quarters + rubato_s * np.sin(quarters))
    return LearnedTake(name, f"/takes/{name}", True, "reports", "2026-01-01", (stretch,))


@pytest.mark.parametrize("transpose", [0, -2])
def test_a_piece_is_made_ready_with_what_was_learned_of_it(piece: Path, transpose: int) -> None:
    settings = EngineSettings(solo="Flute", transpose=transpose)
    ready = make_ready(LoadPiece(str(piece), settings), InputFacts(keys=True))
    assert ready.rehearsal.facts() == {"own_takes": 1, "takes_by_others": 0}
    facts = ready.journal_facts(InputFacts(keys=True))
    assert facts.input["rehearsal"] == {"own_takes": 1, "takes_by_others": 0}


def test_nothing_is_expected_where_that_is_switched_off_or_another_part_is_played(
    piece: Path,
) -> None:
    settings = EngineSettings(solo="Flute")
    for other in (replace(settings, rehearse=False), replace(settings, solo="Cello")):
        ready = make_ready(LoadPiece(str(piece), other), InputFacts(keys=True))
        assert ready.rehearsal.takes == 0


def test_the_setting_goes_to_the_engine_with_the_next_piece() -> None:
    for wanted in (True, False):
        config = Config(follow=FollowConfig(rehearse=wanted))
        store = Store(first_values(config), lambda: 0.0)
        assert engine_settings_of(config, store, 0.0).rehearse is wanted
    assert "follow.rehearse" in LOAD_KEYS


class Processes:
    """Stands for the processes that are started: what they were called with, and their ends."""

    def __init__(self, codes: list[int]) -> None:
        self.called: list[list[str]] = []
        self._codes = codes

    def __call__(self, arguments: list[str], *, stderr: IO[bytes], **_: object) -> Processes:
        self.called.append(arguments[2:])
        stderr.write(b"accompanist: so it went\n")
        return self

    def poll(self) -> int | None:
        return self._codes.pop(0)


@pytest.mark.parametrize("wished", [True, False])
def test_a_take_is_told_of_when_it_is_kept_and_learned_from_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wished: bool
) -> None:
    processes = Processes([0, 0])
    monkeypatch.setattr("subprocess.Popen", processes)
    keeper = cast(TakeKeeper, SimpleNamespace(newest=lambda: tmp_path / "journal", spared=set()))
    jobs = keeping.Keeping(keeper)
    out = jobs.keep(KeepTake(tmp_path / "take", audio=False, rehearse=wished))
    assert jobs.look() == [TakeKept(out)]
    places = [str(tmp_path / "journal"), str(out)]
    keep = ["accompanist.app.keeping.keep_take", *places, "--no-audio"]
    learn = ["accompanist.app.keeping.learn_kept", *places]
    assert processes.called == ([keep, learn] if wished else [keep])
    assert keeper.spared == ({tmp_path / "journal"} if wished else set())  # it is being read
    assert jobs.look() == ([TakeLearned("so it went")] if wished else [])
    assert (jobs.learned, keeper.spared) == (wished, set())


def test_what_could_not_be_kept_is_not_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = Processes([1])
    monkeypatch.setattr("subprocess.Popen", processes)
    keeper = cast(TakeKeeper, SimpleNamespace(newest=lambda: tmp_path, spared=set()))
    jobs = keeping.Keeping(keeper)
    jobs.keep(KeepTake(tmp_path / "take", rehearse=True))
    (problem,) = jobs.look()
    assert problem == Problem(503, "the take could not be kept: so it went", "take/save")
    assert len(processes.called) == 1


def test_a_piece_is_made_ready_anew_when_a_take_was_learned_and_nobody_plays(
    piece: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = Engine(cast(Stage, SimpleNamespace()), TakeRing(tmp_path / "ring"))
    jobs, podium = engine._keeping, engine._podium
    loaded: list[ReadyPiece] = []

    def go_over(ready: ReadyPiece) -> None:
        podium.ready = ready
        loaded.append(ready)

    def look() -> None:
        """Look until nothing is being read any more."""
        engine.look()
        while (reading := engine._reading) is not None:
            wait([reading], 30.0)
            engine.look()

    monkeypatch.setattr(engine._live, "do", lambda order: order())  # at once, on this thread
    monkeypatch.setattr(podium, "go_over", go_over)
    settings = EngineSettings(solo="Flute")
    podium.input = InputFacts(keys=True)
    engine.obey(LoadPiece(str(piece), settings))
    look()
    assert [ready.rehearsal.takes for ready in loaded] == [1]

    score = load_score(piece)
    podium.state = "following"
    store_of(score.parts[0]).add(a_take("two", 0.2), {"title": "Duet"})
    jobs.learned = True
    look()
    assert (len(loaded), jobs.learned) == (1, True)  # not while somebody plays
    podium.state = "idle"
    look()
    assert [ready.rehearsal.takes for ready in loaded] == [1, 2]
    assert not jobs.learned

    jobs.learned = True
    engine.look()
    podium.state = "armed"  # somebody wants to play while it is being read
    look()
    assert (len(loaded), jobs.learned) == (2, True)

    jobs.learned, podium.state = False, "idle"
    engine.obey(LoadPiece(str(piece), replace(settings, rehearse=False)))
    look()
    jobs.learned = True
    look()
    assert [ready.rehearsal.takes for ready in loaded] == [1, 2, 0]  # nobody wants to know
