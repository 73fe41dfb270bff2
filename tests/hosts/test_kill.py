"""``kill -9`` in the middle of a chord: silence, a clear word, and the music can go on."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import soundfile
from daemon_rig import RunningDaemon, write_piece
from port_checks import notes_wrong
from rig import RATE_HZ, Heard, Jack, MidiRecorder, jack_server, needs, wait_for

pytestmark = needs("jackd", "jackd2")

CHORD = (48, 52, 55)
CHORD_BEATS = 8
QPM = 120.0
SILENT_S = 0.2
SLACK_S = 0.02
"""From reading the frame to the signal's arrival, and a period or two."""
SETTINGS = ("follow.mode=fixed", "countin.mode=never", "clock.enabled=true")


def piece(folder: Path) -> Path:
    return write_piece(
        folder / "chords.mid",
        bars=24,
        tempi=((1, QPM),),
        chord=CHORD,
        chord_beats=CHORD_BEATS,
    )


def wait_quarter(daemon: RunningDaemon, quarter: float, seconds: float = 20.0) -> None:
    def there() -> bool:
        position = daemon.osc.last("/acc/position")
        return position is not None and float(position[1]) >= quarter

    wait_for(f"quarter {quarter}: {daemon.complaints()[-1500:]}", there, seconds)


def begin(daemon: RunningDaemon, folder: Path) -> None:
    """Load, start, and come to the middle of the second chord."""
    daemon.load(piece(folder))
    daemon.do("start")
    daemon.wait_state("following")
    wait_quarter(daemon, CHORD_BEATS + 2.0)


def sounding(heard: Sequence[Heard], frame: int) -> set[int]:
    """Say which pitches are down at a frame."""
    down: set[int] = set()
    for message in heard:
        if message.frame > frame:
            break
        kind = message.data[0] & 0xF0
        if kind == 0x90 and message.data[2]:
            down.add(message.data[1])
        elif kind in (0x80, 0x90):
            down.discard(message.data[1])
    return down


def let_go(heard: Sequence[Heard], killed: int) -> None:
    """The chord was there when it happened, and has been let go 200 ms later."""
    assert sounding(heard, killed) == set(CHORD), "nothing sounded when it was killed"
    late = killed + round((SILENT_S + SLACK_S) * RATE_HZ)
    gone = [m for m in heard if m.frame > killed and m.data[0] & 0xF0 == 0x80]
    first_ms = 1000.0 * (gone[0].frame - killed) / RATE_HZ if gone else None
    in_time = {m.data[1] for m in gone if m.frame <= late}
    assert in_time == set(CHORD), f"still sounding; first note-off after {first_ms} ms"


def check_silence(heard: Sequence[Heard], killed: int) -> None:
    """All of it is silent 200 ms later."""
    let_go(heard, killed)
    assert not sounding(heard, killed + round((SILENT_S + SLACK_S) * RATE_HZ))


def check_notes(heard: Sequence[Heard]) -> None:
    """No rule is broken, but that what is gone may be let go once more by who comes after."""
    twice = re.compile(r"let go while it is up|: 8[0-9a-f]{5} after what it should come before")
    wrong = [text for text in notes_wrong(heard, RATE_HZ) if not twice.search(text)]
    assert wrong == []


def struck_after(heard: Sequence[Heard], frame: int) -> list[int]:
    return [m.frame for m in heard if m.data[0] & 0xF0 == 0x90 and m.data[2] and m.frame > frame]


def journal(daemon: RunningDaemon) -> Path:
    folders = sorted((daemon.home / "state" / "accompanist" / "takes").iterdir())
    assert folders, "no take on disk"
    return folders[-1]


def check_journal(folder: Path, seconds: float) -> None:
    """The take is on disk, whole up to the last second."""
    trace = (folder / "trace.csv").read_text().split("\n")
    rows = [row.split(",") for row in trace[:-1] if row and row[0] not in "#t"]
    assert all(len(row) == 5 for row in rows)
    assert float(rows[-1][0]) >= seconds - 1.0, (rows[-1], seconds)
    sound = soundfile.info(folder / "solo.wav")
    assert sound.duration >= seconds - 1.0, (sound.duration, seconds)
    played = (folder / "played.csv").read_text().split("\n")
    struck = [row for row in played if row.endswith(",on")]
    assert len(struck) == 2 * len(CHORD), played


def listen(jack: Jack, folder: Path) -> MidiRecorder:
    recorder = MidiRecorder(jack, folder / "heard.csv", ("parts",))
    jack.connect("accompanist:parts", f"{recorder.name}:parts")
    return recorder


def play_on(daemon: RunningDaemon) -> None:
    """Start again, whatever it was; some bars, then stop."""
    daemon.wait_state("idle", "armed", "paused", "following", "ended", seconds=40.0)
    if daemon.state() != "following":
        daemon.do("start")
    daemon.wait_state("following", seconds=20.0)
    time.sleep(5.0)
    daemon.do("stop")
    time.sleep(0.7)


def test_the_engine_is_killed(tmp_path: Path) -> None:
    with (
        jack_server("kill", tmp_path) as jack,
        RunningDaemon(jack, tmp_path / "home", *SETTINGS) as daemon,
        listen(jack, tmp_path) as recorder,
    ):
        begin(daemon, tmp_path)
        since_s, victim = time.monotonic(), daemon.engine()
        played_s = (CHORD_BEATS + 2.0) * 60.0 / QPM
        killed = jack.frame()
        os.kill(victim, signal.SIGKILL)
        wait_for("word of it", lambda: bool(daemon.errors(since_s)), 5.0)
        assert any(code == 503 for _, code, _ in daemon.errors(since_s))
        check_journal(journal(daemon), played_s)
        wait_for("another engine", lambda: _other(daemon.engine, victim), 20.0)
        daemon.wait_state("idle", "armed", seconds=40.0)
        again = jack.frame()
        play_on(daemon)
        heard = recorder.stop()
    check_silence(heard, killed)
    assert not [f for f in struck_after(heard, killed) if f < again], "it played without a follower"
    assert struck_after(heard, again), "it does not play again"
    check_notes(heard)


def _other(find: Callable[[], int], than: int) -> bool:
    try:
        return find() != than
    except IndexError:
        return False


def test_the_performer_is_killed_twice_and_the_music_goes_on(tmp_path: Path) -> None:
    with (
        jack_server("kill", tmp_path) as jack,
        RunningDaemon(jack, tmp_path / "home", *SETTINGS) as daemon,
        listen(jack, tmp_path) as recorder,
    ):
        begin(daemon, tmp_path)
        killed, since_s = [], time.monotonic()
        for k in (1, 2):
            wait_quarter(daemon, k * CHORD_BEATS + 2.0)
            wait_for("a spare", lambda: len(daemon.performers()) == 2, 10.0)
            victim = playing(jack, daemon)
            killed.append(jack.frame())
            os.kill(victim, signal.SIGKILL)
            # the same words are not told twice within seconds
            wait_for("word of it", lambda: bool(daemon.errors(since_s)), 5.0)
            assert daemon.state() == "following"
        wait_quarter(daemon, 4 * CHORD_BEATS + 1.0)
        daemon.do("stop")
        time.sleep(0.7)
        heard = recorder.stop()
    # what sounded is let go and goes on, without anybody connecting anything
    let_go(heard, killed[0])
    assert [f for f in struck_after(heard, killed[0]) if f < killed[1]], "it did not go on"
    let_go(heard, killed[1])
    assert struck_after(heard, killed[1]), "it did not go on the second time"
    check_notes(heard)


def playing(jack: Jack, daemon: RunningDaemon) -> int:
    """Give the performer whose ports these are: of the two it has been started first."""
    assert jack.has("accompanist:parts")
    return min(daemon.performers())


def test_the_sound_server_is_killed_and_comes_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(jack_server("kill", tmp_path))
        daemon = stack.enter_context(RunningDaemon(first, tmp_path / "home", *SETTINGS))
        begin(daemon, tmp_path)
        since_s, played_s = time.monotonic(), (CHORD_BEATS + 2.0) * 60.0 / QPM
        os.kill(first.server.pid, signal.SIGKILL)
        first.server.wait(5)
        wait_for("word of it", lambda: bool(daemon.errors(since_s)), 10.0)
        assert all(code == 503 for _, code, _ in daemon.errors(since_s))
        assert daemon.process.poll() is None
        assert daemon.state() in (
            "following",
            "paused",
            "idle",
            "armed",
            "error",
            "lost",
            "holding",
        )
        check_journal(journal(daemon), played_s)
        time.sleep(1.5)
        (tmp_path / "again").mkdir()
        second = stack.enter_context(jack_server("kill", tmp_path / "again"))
        wait_for("our ports", lambda: second.has("accompanist:parts"), 20.0)
        wait_for("our input", lambda: second.has("accompanist input"), 20.0)
        daemon.do("stop")
        time.sleep(0.5)
        with listen(second, tmp_path) as recorder:
            play_on(daemon)
            heard = recorder.stop()
        assert struck_after(heard, 0), (daemon.errors(since_s), daemon.complaints()[-2000:])
        check_notes(heard)


def test_the_daemon_itself_is_killed(tmp_path: Path) -> None:
    with (
        jack_server("kill", tmp_path) as jack,
        RunningDaemon(jack, tmp_path / "home", *SETTINGS) as daemon,
    ):
        with listen(jack, tmp_path) as recorder:
            begin(daemon, tmp_path)
            below = [daemon.engine(), *daemon.performers()]
            killed = jack.frame()
            daemon.process.kill()
            wait_for("end of the others", lambda: not any(map(_runs, below)), 10.0)
            time.sleep(0.3)
            heard = recorder.stop()
        check_silence(heard, killed)
        check_notes(heard)
        check_journal(journal(daemon), (CHORD_BEATS + 2.0) * 60.0 / QPM)
        # nothing that it left behind is in the way of the next one
        with RunningDaemon(jack, tmp_path / "home", *SETTINGS) as fresh:
            fresh.load(piece(tmp_path))
            assert pytest.approx(QPM) == fresh.osc.ask("/acc/tempo/now")[0]  # type: ignore[index]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
