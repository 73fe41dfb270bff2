"""`calibrate` through a JACK server: with a cable of known length, and without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from rig import HERE, PERIOD, RATE_HZ, Child, Jack, finish, jack_server, needs, wait_for

pytestmark = needs("jackd", "jackd2")

DELAY = 1777


def calibrate(jack: Jack, state: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "accompanist", "calibrate", "--json", *options],
        env=jack.environment | {"XDG_STATE_HOME": str(state)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def cable(jack: Jack, cables: list[tuple[tuple[str, str], tuple[str, str]]]) -> None:
    """Connect as soon as the ports are there."""
    end_s = time.monotonic() + 20
    done = 0
    while done < len(cables):
        assert time.monotonic() < end_s, jack.ports()
        source, target = cables[done]
        if jack.has(*source) and jack.has(*target):
            with suppress(AssertionError):  # gone again while looking
                jack.connect(jack.port(*source), jack.port(*target))
                done += 1
                continue
        time.sleep(0.02)


def test_a_known_loop_is_measured_to_the_sample(tmp_path: Path) -> None:
    with (
        jack_server("calibrate", tmp_path) as jack,
        Child(
            [sys.executable, str(HERE / "jack_loop.py"), "loop", str(DELAY)], jack.environment
        ) as loop,
    ):
        loop.hear("ready")
        theirs = "PortAudio"
        cables = [((theirs, "out_0"), ("loop", "in")), (("loop", "out"), (theirs, "in_0"))]
        for _ in range(3):  # a server that loses time in the middle moves what is measured
            measuring = calibrate(jack, tmp_path)
            try:
                cable(jack, cables)
                said, complained = measuring.communicate(timeout=60)
            finally:
                finish(measuring)
            lost = jack.xruns()
            if measuring.returncode == 0 and json.loads(said)["round_trip"]["spread_s"] < 1e-6:
                break
        assert measuring.returncode == 0, (complained, lost)
        facts = json.loads(said)
        trip = facts["round_trip"]
        assert trip["sample_rate"] == RATE_HZ
        assert trip["round_trip_s"] * RATE_HZ == pytest.approx(DELAY + PERIOD, abs=0.05)
        assert trip["spread_s"] * RATE_HZ < 0.05
        assert facts["found"]["heard"] == 5
        kept = json.loads((tmp_path / "accompanist" / "latency.json").read_text())
        assert kept["round_trips"] == [trip]


def test_the_daemon_measures_when_told_and_uses_it(tmp_path: Path) -> None:
    with (
        jack_server("calibrate", tmp_path) as jack,
        Child(
            [sys.executable, str(HERE / "jack_loop.py"), "loop", str(DELAY)], jack.environment
        ) as loop,
        RunningDaemon(jack, tmp_path / "home") as daemon,
    ):
        loop.hear("ready")
        daemon.do("latency/calibrate")
        theirs = "PortAudio"
        cable(jack, [((theirs, "out_0"), ("loop", "in")), (("loop", "out"), (theirs, "in_0"))])

        def both_ms() -> float:
            found = [daemon.osc.ask(f"/acc/latency/{way}") for way in ("in", "out")]
            return sum(float(told[0]) for told in found if told)

        whole_ms = 1000.0 * (DELAY + PERIOD) / RATE_HZ
        wait_for(
            f"{whole_ms:.2f} ms round trip: {daemon.errors()}",
            lambda: abs(both_ms() - whole_ms) < 0.02,
            40.0,
        )
        kept = json.loads((daemon.home / "state" / "accompanist" / "latency.json").read_text())
        assert len(kept["round_trips"]) == 1
        # without the cable it says so, and keeps what it had
        loop.close()
        since_s = time.monotonic()
        daemon.do("latency/calibrate")
        wait_for("a complaint", lambda: bool(daemon.errors(since_s)), 40.0)
        address, code, text = daemon.errors(since_s)[0]
        assert (address, code) == ("/acc/latency/calibrate", 503)
        assert "connect the output with the input" in str(text)
        assert abs(both_ms() - whole_ms) < 0.02


def test_without_a_loop_it_says_how_to_cable(tmp_path: Path) -> None:
    with jack_server("calibrate", tmp_path) as jack:
        measuring = calibrate(jack, tmp_path)
        try:
            said, complained = measuring.communicate(timeout=60)
        finally:
            finish(measuring)
    assert measuring.returncode == 4, (said, complained)
    assert len(complained.strip().split("\n")) == 1
    assert "the input stayed silent; connect the output with the input" in complained
    assert not (tmp_path / "accompanist").exists()


def test_no_device_at_all_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "accompanist", "calibrate", "--input", "no such device"],
        env=os.environ | {"JACK_DEFAULT_SERVER": "none", "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert "no audio input" in done.stderr
