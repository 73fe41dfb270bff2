"""A better separation in the background: said how far it is, given up without a trace."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from socket import socketpair

import pytest
from recorded_files import music, recording
from separating_fakes import use_quick_methods

from accompanist.app.pieces import open_any
from accompanist.app.separating import worker
from accompanist.app.separating.background import (
    BackgroundSeparation,
    Done,
    Failed,
    Progressed,
    begin_if_wanted,
    wants_better,
)
from accompanist.app.separating.run import Choice
from accompanist.app.separating.separate import separate_piece, separation_of


@pytest.fixture(autouse=True)
def concerto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    use_quick_methods(monkeypatch)
    recording(tmp_path / "humming.wav", music(2.0, seed=5))
    return recording(tmp_path / "concerto.wav", music(4.0, channels=2))


def connection() -> tuple[Connection, Connection]:
    ours, theirs = socketpair()
    return Connection(ours.detach()), Connection(theirs.detach())


def test_what_was_separated_fast_wants_better(concerto: Path) -> None:
    piece = open_any(str(concerto))
    assert piece.recording is not None
    assert not wants_better(piece.recording)
    assert begin_if_wanted(piece) is None
    choice = Choice(quality="fast", alpha=0.5)
    separate_piece(piece, [concerto.with_name("humming.wav")], choice)
    assert wants_better(piece.recording)

    parent, child = connection()
    with parent, child:
        worker._work(child, str(concerto))
        told = []
        while parent.poll():
            told.append(parent.recv())
    assert told[-1] == Done("harmonic")
    shares = [one.share for one in told[:-1]]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.02)
    assert not wants_better(piece.recording)
    facts = separation_of(piece.recording)
    assert facts is not None
    assert (facts["quality"], facts["alpha"]) == ("full", 0.5)


def test_it_ends_when_nobody_listens_any_more(concerto: Path) -> None:
    piece = open_any(str(concerto))
    assert piece.recording is not None
    choice = Choice(quality="fast")
    separate_piece(piece, [concerto.with_name("humming.wav")], choice)
    parent, child = connection()
    parent.close()
    with child, pytest.raises(KeyboardInterrupt):
        worker._work(child, str(concerto))
    assert wants_better(piece.recording)
    assert not [p for p in piece.recording.folder.iterdir() if p.name.startswith(".")]


def test_given_up_at_once_it_leaves_nothing(concerto: Path) -> None:
    piece = open_any(str(concerto))
    assert piece.recording is not None
    separate_piece(piece, [concerto.with_name("humming.wav")], Choice(quality="fast"))
    before = sorted(piece.recording.folder.rglob("*"))
    background = begin_if_wanted(piece)
    assert background is not None
    background.close()
    assert sorted(piece.recording.folder.rglob("*")) == before


def test_a_process_of_its_own_says_what_is_wrong(tmp_path: Path) -> None:
    with BackgroundSeparation(str(tmp_path / "gone.wav")) as background:
        state = background.poll()
        while isinstance(state, Progressed):
            state = background.poll(10.0)
        assert isinstance(state, Failed)
        assert "gone.wav" in state.reason
        assert background.poll() == state
    background.close()
