"""Ardour's transport goes with the take: it rolls, goes elsewhere and stops as we do."""

from __future__ import annotations

import time
from pathlib import Path
from xml.etree import ElementTree as ET

from ardour_rig import needs_ardour
from ardour_stage import PIECE, on_stage, soloist_wav
from daemon_rig import RunningDaemon
from rig import RATE_HZ, jack_server, needs, wait_for

from accompanist.app.hosts.sessions import host_session
from score_library.catalogue import open_piece

pytestmark = [needs("jackd", "jackd2"), needs_ardour]


def quarter(daemon: RunningDaemon) -> float:
    position = daemon.osc.last("/acc/position")
    return float(position[1]) if position is not None else 0.0


def test_it_rolls_relocates_gets_markers_and_stops(tmp_path: Path) -> None:
    wav = soloist_wav(tmp_path, 20.0)
    piece = open_piece(PIECE)
    marks = {m.text: m for m in host_session(piece.score, piece.solo_part.number).markers}
    with (
        jack_server("transport", tmp_path, period=512) as jack,
        on_stage(jack, tmp_path, wav) as stage,
    ):
        daemon, ardour = stage.daemon, stage.ardour

        def at_s() -> float:
            return ardour.frame() / RATE_HZ

        # armed: it stands where the take will begin, also after a goto, and waits like us
        daemon.do("arm")
        daemon.wait_state("armed")
        daemon.do("goto/mark", "2")
        wait_for("Ardour at mark 2", lambda: abs(at_s() - marks["2"].seconds) < 0.01, 5.0)
        daemon.do("goto/quarter", 0.0)
        wait_for("Ardour at the top", lambda: at_s() < 0.01, 5.0)
        assert ardour.speed() == 0.0
        assert daemon.state() == "armed"

        # the soloist starts: it rolls
        stage.soloist.go()
        daemon.wait_state("following")
        since_s = time.monotonic()
        wait_for("rolling Ardour", lambda: ardour.speed() == 1.0, 3.0)
        wait_for("a second of Ardour", lambda: at_s() > 1.0, 5.0)
        assert at_s() < time.monotonic() - since_s + 1.0
        behind_mark = marks["1"].quarter + 2.0
        wait_for("music behind mark 1", lambda: quarter(daemon) > behind_mark, 15.0)

        # goto: it goes there and rolls on
        daemon.do("goto/mark", "2")
        wait_for("Ardour behind mark 2", lambda: at_s() > marks["2"].seconds, 5.0)
        assert at_s() < marks["2"].seconds + 3.0
        wait_for("rolling Ardour", lambda: ardour.speed() == 1.0, 3.0)

        # stop: both stop, and stay where they are
        daemon.do("stop")
        daemon.wait_state("idle")
        wait_for("stopped Ardour", lambda: ardour.speed() == 0.0, 3.0)
        stands = ardour.frame()
        time.sleep(1.0)
        assert ardour.frame() == stands
        saved = ET.fromstring(ardour.save())

    names = [x.get("name", "") for x in saved.iter("Location")]
    assert "take 1: 1" in names  # put there when the music came by it
    assert set(marks) <= set(names)  # those of the session stand where they stood
