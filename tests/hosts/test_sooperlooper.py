"""Our MIDI clock as SooperLooper reads it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
from daemon_rig import RunningDaemon, write_piece
from looper_rig import Looper, looper_running
from rig import Jack, jack_server, needs

pytestmark = [
    needs("jackd", "jackd2"),
    needs("sooperlooper", "sooperlooper"),
    needs("gcc", "gcc libjack-jackd2-dev libasound2-dev"),
]

CHANGE_BAR = 7
CHANGE_QUARTER = 4.0 * (CHANGE_BAR - 1)


def quarter(daemon: RunningDaemon) -> float:
    position = daemon.osc.last("/acc/position")
    return float(position[1]) if position else 0.0


def read_until(
    daemon: RunningDaemon, looper: Looper, until_quarter: float, seconds: float
) -> list[tuple[float, float, float]]:
    """Give (monotonic seconds, quarter, tempo as the looper has it) until a place is reached."""
    out: list[tuple[float, float, float]] = []
    end_s = time.monotonic() + seconds
    while not out or out[-1][1] < until_quarter:
        assert time.monotonic() < end_s, (out[-5:], daemon.complaints()[-2000:])
        out.append((time.monotonic(), quarter(daemon), looper.get("tempo")))
        time.sleep(0.1)
    return out


@dataclass(frozen=True)
class Followed:
    """How the looper went along.

    Attributes
    ----------
    before : list of float
        Tempi read in the second half of what stands before the change.
    xruns : int
        How often the server lost time meanwhile.
    seconds : float
        From the change until the looper is within 2 bpm for good.
    after : list of float
        Tempi read from then on.
    """

    before: list[float]
    xruns: int
    seconds: float
    after: list[float]


def follow(jack: Jack, folder: Path) -> Followed:
    """Play the piece to the looper."""
    tempi = ((1, 100.0), (CHANGE_BAR, 130.0))
    piece = write_piece(folder / "loop.mid", bars=15, tempi=tempi)
    settings = ("clock.enabled=true", "follow.mode=fixed", "countin.mode=never")
    with (
        looper_running(jack, folder) as looper,
        RunningDaemon(jack, folder / "home", *settings) as daemon,
    ):
        daemon.load(piece)
        jack.connect("accompanist:clock", looper.port)
        time.sleep(6.0)  # the clock runs on from before: it bends to the piece's tempo
        daemon.do("start")
        daemon.wait_state("following")
        lost = jack.xruns()
        first = read_until(daemon, looper, CHANGE_QUARTER, 30.0)
        lost = jack.xruns() - lost
        change_s = time.monotonic()
        second = read_until(daemon, looper, CHANGE_QUARTER + 24.0, 30.0)
        daemon.do("stop")
    half = [tempo for _, at, tempo in first if CHANGE_QUARTER / 2 < at < CHANGE_QUARTER - 6.0]
    far = [i for i, (_, _, tempo) in enumerate(second) if abs(tempo - 130.0) > 2.0]
    there = far[-1] + 1 if far else 0
    assert there < len(second), second
    after = [tempo for _, _, tempo in second[there:]]
    return Followed(half, lost, second[there][0] - change_s, after)


def test_the_looper_reads_our_tempo_and_follows_a_change(tmp_path: Path) -> None:
    with jack_server("looper", tmp_path) as jack:
        found = follow(jack, tmp_path)
    assert median(found.before) == pytest.approx(100.0, abs=0.5)
    if not found.xruns:  # else single readings tell of the server
        assert all(abs(tempo - 100.0) <= 0.5 for tempo in found.before), found.before
    assert found.seconds <= 4.0, found
    assert found.after[-1] == pytest.approx(130.0, abs=1.0)
