"""A session for a piece opens in a real Ardour, sounds, and each track hears its part alone."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import mido
import numpy as np
import pytest
import soundfile
from ardour_rig import Ardour, ardour_running, needs_ardour, only_ardour
from daemon_rig import RunningDaemon
from rig import RATE_HZ, Jack, MidiRecorder, MidiSender, jack_server, needs, wait_for

pytestmark = [needs("jackd", "jackd2"), needs_ardour]


@pytest.fixture
def jack(tmp_path: Path) -> Iterator[Jack]:
    with jack_server("session", tmp_path) as server:
        yield server


def write_trio(path: Path) -> None:
    """Write a flute, a cello and drums: four bars, a ritardando, a change of metre."""
    file = mido.MidiFile(ticks_per_beat=480)
    frame = mido.MidiTrack()
    frame.append(mido.MetaMessage("set_tempo", tempo=500_000))
    frame.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    frame.append(mido.MetaMessage("time_signature", numerator=3, denominator=4, time=480 * 8))
    frame.append(mido.MetaMessage("marker", text="B"))
    frame.append(mido.MetaMessage("set_tempo", tempo=750_000))
    file.tracks.append(frame)
    for name, program, channel, pitch in (
        ("Flute", 73, 0, 72),
        ("Cello", 42, 1, 48),
        ("Drums", 0, 9, 38),
    ):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        track.append(mido.Message("program_change", program=program, channel=channel))
        for _ in range(14):
            track.append(mido.Message("note_on", note=pitch, velocity=90, channel=channel))
            track.append(mido.Message("note_off", note=pitch, time=480, channel=channel))
        file.tracks.append(track)
    file.save(path)


def make_session(piece: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "accompanist", "session", str(piece), "--host", "ardour"]
    return subprocess.run(
        [*command, "--solo", "Flute", "--out", str(out), *more],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def write_rows(path: Path, notes: Sequence[tuple[float, float, int, int]]) -> None:
    """Write notes (onset_s, length_s, channel from 1, pitch) for the sender."""
    rows = ["seconds,data"]
    for onset_s, length_s, channel, pitch in notes:
        rows.append(f"{onset_s},{0x90 + channel - 1:02x}{pitch:02x}64")
        rows.append(f"{onset_s + length_s},{0x80 + channel - 1:02x}{pitch:02x}00")
    path.write_text("\n".join(rows) + "\n", encoding="ascii")


def recorded_notes(session: Path) -> dict[str, list[tuple[float, int, int]]]:
    """Notes of the MIDI files that Ardour has recorded: (quarter in the file, channel, pitch)."""
    found = {}
    for path in sorted(session.parent.glob("interchange/*/midifiles/*.mid")):
        file = mido.MidiFile(path)
        notes = []
        at = 0
        for message in mido.merge_tracks(file.tracks):
            at += message.time
            if message.type == "note_on" and message.velocity:
                notes.append((at / file.ticks_per_beat, message.channel + 1, message.note))
        if notes:
            found[path.stem.rsplit("-", 1)[0]] = notes
    return found


def test_it_opens_sounds_and_records_each_part_on_its_track(tmp_path: Path, jack: Jack) -> None:
    piece, out, heard = tmp_path / "trio.mid", tmp_path / "trio", tmp_path / "heard.wav"
    write_trio(piece)
    made = make_session(piece, out)
    assert made.returncode == 0, made.stderr
    rows = tmp_path / "rows.csv"
    write_rows(rows, [(0.2, 0.3, 1, 60), (0.7, 0.3, 10, 38), (1.2, 0.3, 1, 67), (1.7, 0.3, 2, 50)])
    with only_ardour() as port, MidiSender(jack, rows, "accompanist", "parts") as sender:
        assert sender.port == "accompanist:parts"
        with ardour_running(jack, out / "trio.ardour", tmp_path / "home", port) as ardour:
            ins = {"ardour:Cello/midi_in 1", "ardour:Drums/midi_in 1"}
            wait_for("connection", lambda: jack.connections(sender.port) == ins, 10.0)
            assert jack.connections("ardour:Flute/audio_in 1") == {"system:capture_1"}
            with MidiRecorder(jack, tmp_path / "none.csv", audio=heard) as recorder:
                jack.connect("ardour:Master/audio_out 1", "recorder:audio")
                first = roll_and_send(ardour, sender)
                recorder.stop()
                first -= int(recorder.hear("kept"))
            saved = ET.fromstring(ardour.save())

    # what sounded: nothing before the first note, each note of channels 1 and 10, not that of 2
    sound, rate = soundfile.read(heard, dtype="float32")
    level = [
        float(np.abs(sound[first + round(at * rate) : first + round((at + 0.2) * rate)]).max())
        for at in (-0.05, 0.25, 0.75, 1.25, 1.75)
    ]
    assert level[0] < 1e-3
    assert min(level[1:4]) > 1e-2
    # what was recorded: each track its own channel and no other
    notes = recorded_notes(out / "trio.ardour")
    by_track = {name: [(c, p) for _, c, p in found] for name, found in notes.items()}
    assert by_track == {"Take1_Cello": [(1, 60), (1, 67)], "Take1_Drums": [(10, 38)]}
    # what Ardour has understood of the rest
    assert [t.get("quarters") for t in saved.iter("Tempo")] == ["0:0", "8:0"]
    qpm = [float(t.get("npm", "")) for t in saved.iter("Tempo")]
    assert qpm == pytest.approx([120.0, 80.0])
    metres = [(m.get("bbt"), m.get("divisions-per-bar")) for m in saved.iter("Meter")]
    assert metres == [("1|1|0", "4"), ("3|1|0", "3")]
    marks = {x.get("name"): x.get("start") for x in saved.iter("Location")}
    assert marks == {"session": "a0", "bar 1": "b0", "B": f"b{8 * 1920}"}


def roll_and_send(ardour: Ardour, sender: MidiSender) -> int:
    """Record from the start while the sender plays; give the frame of its beginning."""
    ardour.osc.send("/rec_enable_toggle")
    time.sleep(0.2)
    ardour.osc.send("/transport_play")
    wait_for("rolling Ardour", lambda: ardour.frame() > RATE_HZ // 2, 5.0)
    first = sender.go()
    sender.wait(5.0)
    time.sleep(0.3)
    ardour.osc.send("/transport_stop")
    time.sleep(0.7)
    return first


def test_a_daemon_that_comes_later_finds_its_tracks(tmp_path: Path, jack: Jack) -> None:
    piece, out = tmp_path / "trio.mid", tmp_path / "trio"
    write_trio(piece)
    made = make_session(piece, out)
    setting = made.stdout.splitlines()[-1].strip().replace("connect = ", "output.connect=")
    ins = {"ardour:Cello/midi_in 1", "ardour:Drums/midi_in 1"}
    with only_ardour() as port, ardour_running(jack, out / "trio.ardour", tmp_path / "home", port):
        assert not jack.has("accompanist:parts")
        with RunningDaemon(jack, tmp_path / "daemon", setting):
            wait_for("connections", lambda: jack.connections("accompanist:parts") == ins, 20.0)
