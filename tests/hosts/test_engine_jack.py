"""The engine outlives its JACK server: the ensemble goes on, and so does following afterwards."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile
from rig import RATE_HZ, WavPlayer, jack_server, needs

from accompanist.app.engine.link import EngineLink
from accompanist.app.processes.links import (
    Do,
    EngineSettings,
    InputOpened,
    InputSettings,
    LoadPiece,
    OpenInput,
    PieceLoaded,
    Problem,
    View,
)

pytestmark = [needs("jackd", "jackd2"), needs("jack_wait", "jack-tools")]

PATIENCE_S = 40.0
INPUT = "accompanist input:solo"

T = TypeVar("T")


def wait_for(link: EngineLink, kind: type[T], true: Callable[[T], bool] = lambda e: True) -> T:
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        select.select([link.fileno()], [], [], 0.05)
        for event in link.events():
            if isinstance(event, kind) and true(event):
                return event
    raise AssertionError(f"no such {kind.__name__}")


def test_the_server_is_killed_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(8 * RATE_HZ) / RATE_HZ)
    soundfile.write(tmp_path / "tone.wav", tone, RATE_HZ)
    with jack_server("engine", tmp_path) as jack:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", jack.environment["JACK_DEFAULT_SERVER"])
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        link = EngineLink(tmp_path / "board", takes_folder=tmp_path / "takes")
        try:
            link.start()
            pid = link.pid
            link.send(OpenInput(InputSettings()))
            opened = wait_for(link, InputOpened)
            assert (opened.name, opened.sample_rate) == ("system", RATE_HZ)
            assert jack.connections(INPUT) == {"system:capture_1"}
            link.send(LoadPiece("londonderry-air", EngineSettings()))
            wait_for(link, PieceLoaded)
            link.send(Do("follow", ("fixed",)))
            link.send(Do("start"))
            with WavPlayer(jack, tmp_path / "tone.wav") as player:
                jack.connect(player.port, INPUT)
                player.go()
                before = wait_for(link, View, lambda view: view.level_db > -10.0)
                assert before.state == "following"
                jack.server.kill()
                jack.server.wait()
            problem = wait_for(link, Problem)
            assert problem.code == 503
            assert "\n" not in problem.text
            alone = wait_for(link, View, lambda view: view.time_s > before.time_s + 3.0)
            assert alone.state == "following"
            assert alone.quarter > before.quarter + 1.0
            assert alone.advice == "there is no input"
        except BaseException:
            link.close()
            raise
    try:
        with jack_server("engine", tmp_path) as jack:
            assert wait_for(link, InputOpened).name == "system"
            with WavPlayer(jack, tmp_path / "tone.wav") as player:
                jack.connect(player.port, INPUT)
                player.go()
                again = wait_for(link, View, lambda view: view.level_db > -10.0)
            assert again.state == "following"
            assert again.quarter > alone.quarter
            passed_s = (again.time_s + again.offset_s) - (alone.time_s + alone.offset_s)
            assert again.time_s - alone.time_s == pytest.approx(passed_s, abs=0.1)
            assert link.pid == pid
    finally:
        link.close()
