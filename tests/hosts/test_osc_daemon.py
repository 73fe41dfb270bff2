"""The daemon behind its OSC surface: every address, floods while it plays, cues on the beat."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import mido
import pytest
from daemon_rig import RunningDaemon, write_piece
from rig import RATE_HZ, Heard, Jack, MidiRecorder, jack_server, needs, wait_for

from accompanist.app.osc.table import Kind, find, keys
from bridges.osc import decode, encode, encode_bundle

pytestmark = needs("jackd", "jackd2")

PARTS = "accompanist:parts"
BEAT_S = 0.5


@pytest.fixture(scope="module")
def jack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jack]:
    with jack_server("osc", tmp_path_factory.mktemp("jack"), period=1024) as server:
        yield server


def piece_with_cues(path: Path) -> Path:
    """A chord on every beat, 24 bars of 4/4 at 120, cues at the beginning of bars 2 and 3."""
    write_piece(path, 24, chord_beats=1)
    file = mido.MidiFile(path)
    file.tracks.append(
        mido.MidiTrack(
            [
                mido.MetaMessage("text", text="/acc/cue/lights 1", time=4 * 480),
                mido.MetaMessage("marker", text="/lights/blue 0.5 slow", time=4 * 480),
            ]
        )
    )
    file.save(path)
    return path


@contextmanager
def daemon(jack: Jack, folder: Path) -> Iterator[RunningDaemon]:
    with RunningDaemon(jack, folder, "output.to=midi", "countin.bars=0") as running:
        running.load(piece_with_cues(folder / "chords.mid"))
        yield running


def test_every_address_of_the_whole_daemon_answers(jack: Jack, tmp_path: Path) -> None:
    with daemon(jack, tmp_path) as running:
        osc = running.osc
        silent, unrefused, complaints = [], [], []
        for key in keys((2,)):
            found = find(key)
            assert found is not None
            entry, address = found[0], f"/acc/{key}"
            if entry.kind in (Kind.STATE, Kind.READING) or key in ("timemap", "beat", "error"):
                answer = osc.ask(address, reply=address, again=2)
                if answer is None:
                    silent.append(address)
            if entry.kind is Kind.STATE and entry.path != "input/device":
                value = osc.last(address)
                since_s = time.monotonic()
                if value is None or osc.ask(address, *value, again=2) is None:
                    silent.append(f"{address} set")
                complaints += [(address, *e) for e in osc.all("/acc/error", since_s)]
            if not entry.arguments or entry.kind is Kind.SERVER:
                continue
            wrong: tuple[int | float | str, ...] = ("x" if entry.arguments[0].tag != "s" else 1,)
            if entry.kind is Kind.READING or entry.kind is Kind.SIGNAL:
                wrong = (1,)
            refused = osc.ask(address, *wrong, reply="/acc/error")
            if refused is None or refused[:2] != (address, 400):
                unrefused.append((address, refused))
            first = entry.arguments[0]
            if entry.kind in (Kind.STATE, Kind.ACTION) and (
                first.high is not None or first.choices
            ):
                outside = "nonsense" if first.choices else int((first.high or 0) + 1000)
                refused = osc.ask(address, outside, reply="/acc/error")
                if refused is None or refused[:2] != (address, 422):
                    unrefused.append((address, refused))
        assert (silent, unrefused, complaints) == ([], [], [])


def onsets_s(heard: list[Heard]) -> list[float]:
    """When chords were struck, in seconds of the server."""
    frames = sorted({h.frame for h in heard if h.data[0] & 0xF0 == 0x90 and h.data[2] > 0})
    return [frame / RATE_HZ for frame in frames]


def flood(port: int) -> None:
    """100 000 random packets, 10 000 mutated ones, a bundle dated next year."""
    rng = random.Random(3)
    good = [
        encode("/acc/tempo/now"),
        encode("/acc/part/2/gain", (-1.0,)),
        encode("/acc/subscribe", ("*", 20, 9, 30)),
        encode_bundle(time.time() + 1.0, [encode("/acc/follow/level", (10.0,)), encode("/ping")]),
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        to = ("127.0.0.1", port)
        sender.sendto(encode_bundle(time.time() + 3e7, [encode("/acc/stop")]), to)
        for i in range(100_000):
            sender.sendto(rng.randbytes(rng.randrange(1, 120)), to)
            if i % 100 == 0:
                time.sleep(0.005)
        for i in range(10_000):
            packet = bytearray(rng.choice(good))
            for _ in range(rng.randrange(1, 4)):
                packet[rng.randrange(len(packet))] = rng.randrange(256)
            if not packet.startswith(b"/acc/stop"):
                sender.sendto(packet, to)
            if i % 50 == 0:
                time.sleep(0.01)


def test_floods_leave_it_playing_in_time_and_answering(jack: Jack, tmp_path: Path) -> None:
    with daemon(jack, tmp_path) as running:
        osc = running.osc
        assert osc.ask("/acc/follow/mode", "fixed") == ("fixed",)
        with MidiRecorder(jack, tmp_path / "heard.csv") as recorder:
            wait_for("parts port", lambda: jack.has(PARTS), 10)
            jack.connect(jack.port(PARTS), f"{recorder.name}:in")
            xruns = jack.xruns()
            running.do("start")
            wait_for("beat", lambda: osc.last("/acc/beat") is not None, 10)
            flooding = threading.Thread(target=flood, args=(running.osc_port,))
            flooding.start()
            time.sleep(14.0)
            flooding.join()
            state, answer = running.state(), osc.ask("/ping", reply="/pong", again=3)
            heard = recorder.stop()
            xruns = jack.xruns() - xruns
        assert (state, answer) == ("following", ())
        assert "Traceback" not in running.complaints()
    onsets = onsets_s(heard)
    assert len(onsets) >= 24, len(onsets)
    # the first chord is struck at once when start comes, a little after its time
    gaps = [b - a for a, b in pairwise(onsets[1:])]
    worst_s = max(abs(gap - BEAT_S) for gap in gaps)
    if xruns:
        pytest.skip(f"{xruns} xruns: the figures mean nothing ({1e3 * worst_s:.1f} ms)")
    assert worst_s <= 0.003, gaps


def due_of(packet: bytes) -> float:
    tag: int = struct.unpack_from(">Q", packet, 8)[0]
    return tag / 2**32


def test_cues_are_dated_with_the_beat_they_are_written_at(jack: Jack, tmp_path: Path) -> None:
    with daemon(jack, tmp_path) as running:
        osc = running.osc
        assert osc.ask("/acc/follow/mode", "fixed") == ("fixed",)
        running.do("start")
        wait_for("cue", lambda: osc.last("/lights/blue") is not None, 20)
        assert osc.last("/lights/blue") == (0.5, "slow")
        assert osc.last("/acc/cue/lights") == (1,)
        dated: dict[str, float] = {}
        for packet in osc.raw:
            if packet.startswith(b"#bundle\0"):
                for _, message in decode(packet):
                    name = message.address
                    if name == "/acc/beat":
                        name += f"/{message.arguments[0]!r}/{message.arguments[1]!r}"
                    dated.setdefault(name, due_of(packet))
        assert dated["/acc/cue/lights"] == pytest.approx(dated["/acc/beat/2/1"], abs=0.02)
        assert dated["/lights/blue"] == pytest.approx(dated["/acc/beat/3/1"], abs=0.02)
