"""A place for compiled code where nothing of the user's can be written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from accompanist.app import compiled


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # monkeypatch puts back, at the end, what the function itself sets
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(tmp_path / prefix))


def access_to(monkeypatch: pytest.MonkeyPatch, *writable: Path) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) in writable)


def test_nothing_is_changed_where_the_sources_can_be_written_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    access_to(monkeypatch, Path(compiled.__file__).parent)
    compiled.find_room_for_compiled()
    assert os.environ["NUMBA_CACHE_DIR"] == ""


def test_nor_where_the_user_has_a_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access_to(monkeypatch, tmp_path)
    compiled.find_room_for_compiled()
    assert os.environ["NUMBA_CACHE_DIR"] == ""


def test_else_there_is_a_folder_of_this_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access_to(monkeypatch)
    compiled.find_room_for_compiled()
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "accompanist-compiled-")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "mine")
    compiled.find_room_for_compiled()
    assert os.environ["NUMBA_CACHE_DIR"] == "mine"
