"""A recording as the orchestra of a soloist at JACK: together, controlled, and after accidents."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from daemon_rig import RunningDaemon
from recording_rig import NOTE_S, Places, write_recording, write_soloist
from rig import RATE_HZ, Child, Jack, MidiRecorder, WavPlayer, jack_server, needs, wait_for

pytestmark = [needs("jackd", "jackd2"), needs("jack_wait", "jack-tools")]

SOLOIST = "accompanist input:solo"
LEFT, RIGHT = "accompanist recording:out_1", "accompanist recording:out_2"
SPEED, BEGIN_S = 1.1, 1.5
TOGETHER_S = 0.1
SETTINGS = ("output.to=none", "input.latency_ms=0", "output.latency_ms=0")
"""What is compared is at our own ports: no microphone and no loudspeaker delays it."""
SETTLED_S = 6.0
"""Take time after which the tempo has been found."""


@dataclass
class Concert:
    """A daemon that accompanies with a recording, a soloist who plays, and what is heard."""

    daemon: RunningDaemon
    recorder: MidiRecorder
    audio: Path
    jack: Jack
    began: int

    def now_s(self) -> float:
        """Seconds since the soloist's file began."""
        return (self.jack.frame() - self.began) / RATE_HZ

    def heard(self) -> tuple[Places, float]:
        """End the recording; give the places, and the time at which the soloist's file began."""
        self.recorder.say("stop")
        first = int(self.recorder.hear("kept"))
        self.recorder.process.wait(10)
        return Places.of(self.audio), (self.began - first) / RATE_HZ

    def wait_second(self, second: float, seconds: float = 30.0) -> None:
        """Wait until the ensemble is at a second of the recording."""

        def there() -> bool:
            position = self.daemon.osc.last("/acc/position")
            return position is not None and float(position[1]) >= second

        wait_for(f"second {second}: {self.daemon.complaints()[-2000:]}", there, seconds)


@contextmanager
def concert(tmp_path: Path, *, alone: bool = False) -> Iterator[Concert]:
    """Have everything ready; unless the ensemble is ``alone`` the soloist has begun."""
    recording = write_recording(tmp_path / "concerto.wav")
    soloist = write_soloist(tmp_path / "solo.wav", SPEED, BEGIN_S)
    audio = tmp_path / "heard.wav"
    with (
        jack_server("recording", tmp_path, period=512) as jack,
        RunningDaemon(jack, tmp_path / "home", *SETTINGS) as daemon,
        MidiRecorder(jack, tmp_path / "midi.csv", (), audio=audio) as recorder,
        WavPlayer(jack, soloist) as player,
    ):
        daemon.load(recording)
        wait_for("ports of the recording", lambda: jack.has(RIGHT), 90.0)
        wait_for(
            "loudspeakers",
            lambda: {"system:playback_1"} == jack.connections(LEFT),
            30.0,
        )
        wait_for("the recording", lambda: "ready to play" in daemon.complaints(), 90.0)
        jack.connect(LEFT, "recorder:audio")
        wait_for("input", lambda: jack.has(SOLOIST), 60.0)
        jack.connect(player.port, SOLOIST)
        if alone:
            yield Concert(daemon, recorder, audio, jack, jack.frame())
            return
        daemon.do("arm")
        daemon.wait_state("armed")
        yield Concert(daemon, recorder, audio, jack, player.go())


def late_s(places: Places, zero_s: float, until_s: float = float("inf")) -> dict[float, float]:
    """How much later than the soloist each place was come to, once the tempo had been found."""
    return {
        second: at_s - zero_s - (BEGIN_S + second / SPEED)
        for second, at_s in places.begins().items()
        if SETTLED_S < at_s - zero_s < until_s
    }


def test_it_follows_and_does_what_it_is_told(tmp_path: Path) -> None:
    with concert(tmp_path) as show:
        daemon = show.daemon
        daemon.wait_state("following")
        show.wait_second(14.0)
        # positions are seconds: the soloist is there, too
        position = float(daemon.osc.last("/acc/position")[1])  # type: ignore[index]
        assert position == pytest.approx((show.now_s() - BEGIN_S) * SPEED, abs=0.5)
        daemon.do("part/2/mute", 1)
        muted_s = show.now_s()
        time.sleep(1.0)
        daemon.do("part/2/mute", 0)
        unmuted_s = show.now_s()
        show.wait_second(20.0)
        daemon.do("stop")
        stopped_s = show.now_s()
        time.sleep(1.5)
        places, zero_s = show.heard()
    late = late_s(places, zero_s, muted_s)
    assert len(late) >= (muted_s - SETTLED_S) * SPEED / NOTE_S - 4
    wrong = {second: late_s for second, late_s in late.items() if abs(late_s) > TOGETHER_S}
    assert len(wrong) <= 1, (wrong, late)
    assert abs(float(np.median(list(late.values())))) < TOGETHER_S / 2
    assert places.silent(zero_s + muted_s + 0.4, zero_s + unmuted_s - 0.1)
    assert not places.silent(zero_s + unmuted_s + 0.4, zero_s + stopped_s - 0.1)
    assert places.silent(zero_s + stopped_s + 0.3, zero_s + stopped_s + 1.4)
    assert places.silent(0.0, zero_s + BEGIN_S - 0.1)


def test_a_killed_player_is_replaced_and_goes_on(tmp_path: Path) -> None:
    with concert(tmp_path) as show:
        daemon = show.daemon
        show.wait_second(8.0)
        wait_for("spare", lambda: len(daemon.recording_players()) == 2, 60.0)
        time.sleep(4.0)
        eldest = daemon.recording_players()[0]
        killed_s = show.now_s()
        os.kill(eldest, signal.SIGKILL)
        # (the server shows the ports of the dead for a while: they say nothing)
        wait_for("other player", lambda: daemon.complaints().count("ready to play") == 2, 10.0)
        wait_for("ports again", lambda: "recorder:audio" in show.jack.connections(LEFT), 10.0)
        show.wait_second(20.0)
        places, zero_s = show.heard()
        assert any("was killed" in str(error) for error in daemon.errors())
        # (within: who is to blame is told as long as they all live)
        after = places.times_s > zero_s + killed_s + 0.1
        sounds = places.times_s[after & ~np.isnan(places.seconds)]
        assert len(sounds), daemon.complaints()
        assert sounds[0] - zero_s - killed_s < 2.0
    late = late_s(places, zero_s)
    again = [value for second, value in late.items() if BEGIN_S + second / SPEED > killed_s + 3.0]
    assert len(again) >= 4
    assert max(map(abs, again)) < TOGETHER_S


def test_nothing_sounds_once_the_engine_is_killed(tmp_path: Path) -> None:
    with concert(tmp_path) as show:
        daemon = show.daemon
        show.wait_second(8.0)
        engine = daemon.engine()
        before_s = show.now_s()
        os.kill(engine, signal.SIGKILL)
        killed_s = show.now_s()
        time.sleep(1.0)
        again_s = show.now_s()
        places, zero_s = show.heard()
    assert not places.silent(zero_s + before_s - 1.0, zero_s + before_s - 0.1)
    assert places.silent(zero_s + killed_s + 0.3, zero_s + again_s)


def test_it_plays_alone_from_where_it_is_sent_holds_and_goes_round(tmp_path: Path) -> None:
    with concert(tmp_path, alone=True) as show:
        daemon = show.daemon
        daemon.do("follow/mode", "fixed")
        daemon.do("countin/mode", "never")
        daemon.do("goto/quarter", 10.0)
        daemon.do("start")
        daemon.wait_state("following")
        show.wait_second(13.0)
        daemon.do("hold", 1)
        daemon.wait_state("holding")
        held_s = show.now_s()
        time.sleep(1.5)
        daemon.do("hold", 0)
        freed_s = show.now_s()
        show.wait_second(16.0)
        daemon.do("goto/quarter", 4.0)
        gone_s = show.now_s()
        time.sleep(2.0)
        daemon.do("stop")
        places, zero_s = show.heard()
    times, seconds = places.times_s - zero_s, places.seconds
    sounding = ~np.isnan(seconds)
    first = seconds[sounding][:20]
    assert np.median(first) in (9.5, 10.0), first
    held = seconds[(times > held_s + 0.3) & (times < freed_s - 0.1)]
    assert not np.isnan(held).any()  # what is held sounds on
    assert np.ptp(held) <= NOTE_S
    after = seconds[(times > freed_s + 1.0) & (times < gone_s - 0.2)]
    assert np.nanmax(after) >= 15.0
    landed = seconds[(times > gone_s + 0.4) & (times < gone_s + 1.4)]
    assert 3.5 <= np.nanmin(landed) <= np.nanmax(landed) <= 5.5


def test_play_in_the_foreground_keeps_what_was_heard(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "concerto.wav")
    soloist = write_soloist(tmp_path / "solo.wav", SPEED, BEGIN_S)
    out, audio = tmp_path / "take", tmp_path / "heard.wav"
    folders = {f"XDG_{n}_HOME": str(tmp_path / n.lower()) for n in ("CACHE", "DATA", "STATE")}
    command = [sys.executable, "-m", "accompanist", "play", str(recording), "--driver", "jack"]
    with (
        jack_server("foreground", tmp_path, period=512) as jack,
        MidiRecorder(jack, tmp_path / "midi.csv", (), audio=audio) as recorder,
        WavPlayer(jack, soloist) as player,
        Child([*command, "--out", str(out)], jack.environment | folders, tmp_path / "log") as play,
    ):

        def said() -> str:
            return (tmp_path / "log").read_text(errors="replace")

        wait_for("armed", lambda: "armed" in said(), 120.0)
        jack.connect(LEFT, "recorder:audio")
        jack.connect(player.port, SOLOIST)
        player.go()
        time.sleep(16.0)
        play.process.send_signal(signal.SIGINT)
        assert play.process.wait(90) in (0, 130), said()
        recorder.stop()
    heard, kept = Places.of(audio), Places.of(out / "accompaniment.wav")
    assert (out / "mix.wav").stat().st_size > 0
    begun, again = heard.begins(), kept.begins()
    both = sorted(set(begun) & set(again))
    assert len(both) >= 12
    apart = np.array([begun[second] - again[second] for second in both[6:]])
    # the same sound, but for where it begins
    assert np.ptp(apart) < 0.08, (both[6:], apart, recorder.missed)
