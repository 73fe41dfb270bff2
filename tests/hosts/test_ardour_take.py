"""A soloist plays, we accompany, Ardour renders and records what it is sent."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from statistics import median
from xml.etree import ElementTree as ET

import mido
import numpy as np
import pytest
import soundfile
from ardour_rig import needs_ardour
from ardour_stage import on_stage, soloist_wav
from rig import RATE_HZ, jack_server, needs, wait_for

pytestmark = [needs("jackd", "jackd2"), needs_ardour]

TAKE_S = 22.0
ATTEMPTS = 3
SUPERCLOCKS = 282_240_000
TICKS = 1920

Note = tuple[float, int, int]
"""Seconds, channel, pitch."""


def seconds(place: str, qpm: float) -> float:
    """Read a place of Ardour's: ``a`` with superclocks or ``b`` with ticks of a quarter."""
    if place.startswith("a"):
        return int(place[1:]) / SUPERCLOCKS
    assert place.startswith("b"), place
    return int(place[1:]) / TICKS * 60.0 / qpm


def recorded(session: Path, xml: str) -> list[Note]:
    """Give the notes of all MIDI regions, in seconds of the session (which has one tempo)."""
    root = ET.fromstring(xml)
    (tempo,) = list(root.iter("Tempo"))
    qpm = float(tempo.get("npm", ""))
    sources = {s.get("id"): s.get("name", "") for s in root.iter("Source")}
    notes: list[Note] = []
    for region in root.findall("Playlists/Playlist[@type='midi']/Region"):
        path = next(
            session.parent.glob(f"interchange/*/midifiles/{sources[region.get('source-0')]}")
        )
        length = region.get("length", "")
        start_s = seconds(length.partition("@")[2], qpm)
        file = mido.MidiFile(path)
        ticks = 0
        for message in mido.merge_tracks(file.tracks):
            ticks += message.time
            if message.type == "note_on" and message.velocity:
                at_s = start_s + ticks / file.ticks_per_beat * 60.0 / qpm
                notes.append((at_s, message.channel + 1, message.note))
    return sorted(notes)


def sent(take: Path) -> list[Note]:
    """Give the notes of ``played.csv``."""
    with (take / "played.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    ons = [r for r in rows if r["kind"] == "on"]
    return sorted((float(r["time"]), int(r["channel"]), int(r["pitch"])) for r in ons)


def perform(folder: Path, wav: Path) -> tuple[Path, str, int]:
    """Let everybody play; give the kept take, Ardour's session as saved, the server's xruns."""
    with (
        jack_server("take", folder, period=512) as jack,
        on_stage(jack, folder, wav, "hosts.ardour.roll=arm") as stage,
    ):
        daemon, ardour = stage.daemon, stage.ardour
        # Ardour's audio track records what Ardour itself renders
        track = next(p for p in jack.ports() if p.endswith("/audio_in 1") and "Trumpet" in p)
        jack.disconnect("system:capture_1", track)
        jack.connect("ardour:Master/audio_out 1", track)
        ardour.osc.send("/rec_enable_toggle")
        time.sleep(0.3)
        daemon.do("arm")
        daemon.wait_state("armed")
        wait_for("rolling Ardour", lambda: ardour.frame() > RATE_HZ // 4, 10.0)
        before = jack.xruns()
        stage.soloist.go()
        stage.soloist.wait(TAKE_S + 10.0)
        xruns = jack.xruns() - before
        daemon.do("stop")
        daemon.wait_state("idle")
        wait_for("stopped Ardour", lambda: ardour.speed() == 0.0, 5.0)
        time.sleep(1.0)
        xml = ardour.save()
        daemon.do("take/save", "evening")
        takes = daemon.home / "takes"
        wait_for("take", lambda: bool(list(takes.glob("[!.]*/take.json"))), 60.0)
        (facts,) = takes.glob("[!.]*/take.json")
    return facts.parent, xml, xruns


def test_ardour_renders_and_records_what_played_csv_lists(tmp_path: Path) -> None:
    wav = soloist_wav(tmp_path, TAKE_S)
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        take, xml, xruns = perform(folder, wav)
        session = folder / "band" / "band.ardour"
        ours, theirs = sent(take), recorded(session, xml)
        assert len(ours) > 40
        # note by note: the same channels and pitches as often
        assert sorted(n[1:] for n in theirs) == sorted(n[1:] for n in ours)
        apart: list[float] = []
        for key in {n[1:] for n in ours}:
            mine = [t for t, *rest in ours if tuple(rest) == key]
            its = [t for t, *rest in theirs if tuple(rest) == key]
            apart += [b - a for a, b in zip(mine, its, strict=True)]
        zero_s = median(apart)
        worst_s = max(abs(a - zero_s) for a in apart)
        said = f"{len(apart)} notes, worst {1e3 * worst_s:.2f} ms, {xruns} xruns"
        if worst_s < 0.010 or not xruns:
            break  # times of a run with xruns say nothing unless they are good all the same
    assert worst_s < 0.010, said

    # what Ardour rendered and recorded sounds from the first note to the last
    files = (folder / "band").glob("interchange/*/audiofiles/*.wav")
    sound, rate = soundfile.read(max(files, key=lambda f: f.stat().st_size), dtype="float32")
    loudness = np.sqrt(np.mean(sound[: len(sound) // rate * rate].reshape(-1, rate) ** 2, axis=1))
    assert (loudness > 1e-3).sum() > 0.6 * TAKE_S, loudness

    # and the take knows where in Ardour it lies
    facts = json.loads((take / "take.json").read_text(encoding="utf-8"))
    (stretch,) = facts["hosts"]["ardour"]
    assert stretch["zero_s"] == pytest.approx(zero_s, abs=0.030)
