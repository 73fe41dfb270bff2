"""SooperLooper as a host: it gets our tempo, its loops start and pause with us."""

from __future__ import annotations

from pathlib import Path

from daemon_rig import RunningDaemon, write_piece
from looper_rig import Looper, looper_running
from rig import jack_server, needs, wait_for

pytestmark = [
    needs("jackd", "jackd2"),
    needs("sooperlooper", "sooperlooper"),
    needs("gcc", "gcc libjack-jackd2-dev libasound2-dev"),
]

INTERNAL = -3.0
PLAYING, PAUSED = 4.0, 14.0


def loop_state(looper: Looper) -> float:
    answer = looper.osc.ask("/sl/0/get", "state", looper.url, "/state", reply="/state", again=4)
    assert answer is not None
    return float(answer[2])


def record_a_loop(looper: Looper) -> None:
    """Record half a second of silence: a loop all the same."""
    looper.osc.send("/sl/0/hit", "record")
    wait_for("recording", lambda: loop_state(looper) == 2.0, 5.0)
    looper.osc.send("/sl/0/hit", "record")
    wait_for("loop", lambda: loop_state(looper) == PLAYING, 5.0)


def test_it_gets_the_tempo_and_its_loops_go_with_us(tmp_path: Path) -> None:
    piece = write_piece(tmp_path / "loops.mid", bars=8, tempi=((1, 100.0), (3, 130.0)))
    with jack_server("looper", tmp_path) as jack, looper_running(jack, tmp_path) as looper:
        looper.osc.send("/set", "sync_source", INTERNAL)
        settings = (
            "hosts.sooperlooper.enabled=true",
            f"hosts.sooperlooper.port={looper.osc.to_port}",
            "hosts.sooperlooper.tempo_policy=perbar",
            "follow.mode=fixed",
            "countin.mode=never",
        )
        record_a_loop(looper)
        looper.osc.send("/sl/0/hit", "pause_on")
        wait_for("pause", lambda: loop_state(looper) == PAUSED, 5.0)
        with RunningDaemon(jack, tmp_path / "home", *settings) as daemon:
            daemon.load(piece)
            daemon.do("start")
            daemon.wait_state("following")
            wait_for("playing loop", lambda: loop_state(looper) == PLAYING, 5.0)
            wait_for("100 bpm", lambda: abs(looper.get("tempo") - 100.0) < 0.5, 4.0)
            wait_for("130 bpm", lambda: abs(looper.get("tempo") - 130.0) < 0.5, 12.0)
            daemon.do("stop")
            wait_for("paused loop", lambda: loop_state(looper) == PAUSED, 5.0)
            assert daemon.errors() == []
