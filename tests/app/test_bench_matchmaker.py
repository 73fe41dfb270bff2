"""What the comparison with matchmaker does without it: its input, its clock, its answers kept."""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import mido
import numpy as np
import pytest
import soundfile as sf

from accompanist.app.evaluating.manifest import ManifestTake
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.tempo import written_tempo
from accompanist.takes.figures import measure

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


bench = loaded("matchmaker")
worker = loaded("matchmaker_worker")
table = loaded("followers")

WORKER = """
import json, sys
asked = json.loads(open(sys.argv[1]).read())
hops = [0.5 * i for i in range(9)]
json.dump({"perf_time_s": hops, "quarter": hops, "window_s": 0.25}, open(asked["answer"], "w"))
"""


@pytest.fixture
def take(tmp_path: Path) -> ManifestTake:
    notes = mido.MidiFile(type=0, ticks_per_beat=480)
    track = mido.MidiTrack()
    for _ in range(4):
        track.append(mido.Message("note_on", note=60, velocity=64, time=0))
        track.append(mido.Message("note_off", note=60, velocity=0, time=480))
    notes.tracks.append(track)
    notes.save(str(tmp_path / "score.mid"))
    (tmp_path / "truth.csv").write_text("quarter,time\n0,0.5\n1,1.5\n2,2.5\n3,3.5\n")
    (tmp_path / "take.wav").write_bytes(b"")
    return ManifestTake(
        id="one", group="all", score=tmp_path / "score.mid", solo="1",
        audio=tmp_path / "take.wav", truth=tmp_path / "truth.csv", start_quarter=None, row=1,
    )  # fmt: skip


def test_a_position_counts_from_when_its_window_was_heard() -> None:
    times, quarters = bench.traced([0.0, 0.04, 0.08], [1.0, 1.5, 2.0], 0.08)
    assert times == pytest.approx([0.08, 0.12, 0.16])
    assert quarters.tolist() == [1.0, 1.5, 2.0]


def test_the_window_is_two_hops_as_the_stream_counts_them() -> None:
    # The first chunk gives nothing, the second is dated 0 and ends two hops into the take.
    assert worker.heard_hops(SimpleNamespace(input_index=100, _emit_count=99)) == 2


def test_what_is_late_by_its_window_errs_by_it(take: ManifestTake) -> None:
    answer = {
        "perf_time_s": np.arange(0, 4, 0.01).tolist(),
        "quarter": (np.arange(0, 4, 0.01) - 0.5).clip(0.0).tolist(),  # right, as the hop begins
        "window_s": 0.08,
    }
    errors = bench.errors_of(bench.Followed(take, "arzt", answer))
    # At the first onset it stands at the beginning, and so is right.
    assert errors.position_s == pytest.approx([0.0, -0.08, -0.08, -0.08], abs=0.011)
    assert errors.delay_s[1:] == pytest.approx([0.08, 0.08, 0.08], abs=0.011)
    assert not errors.lost


def test_no_answer_is_a_lost_take_with_every_onset_missed(take: ManifestTake) -> None:
    errors = bench.errors_of(bench.Followed(take, "skf", {}, "no answer after 5 s"))
    assert errors.lost
    assert np.isnan(errors.delay_s).all()
    assert np.isinf(errors.position_s).all()


def test_the_solo_is_written_at_the_mean_written_tempo(tmp_path: Path) -> None:
    solo = Part(2, "solo", (Note(0.0, 1.0, 60), Note(1.0, 1.0, 62), Note(1.0, 1.0, 65)))
    other = Part(1, "other", (Note(0.0, 4.0, 40),))
    marks = (TempoMark(0.0, 120.0), TempoMark(1.0, 60.0))
    score = Score("t", (other, solo), (), tempo_marks=marks)
    qpm = bench.write_solo(tmp_path / "solo.mid", solo, written_tempo(score))
    assert qpm == pytest.approx(60 * 2 / 1.5)
    read = mido.MidiFile(str(tmp_path / "solo.mid"))
    struck = [m.note for m in read.tracks[0] if m.type == "note_on" and m.velocity > 0]
    assert struck == [60, 62, 65]
    assert read.length == pytest.approx(1.5, abs=1e-3)


def test_nothing_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"a download was tried: ftp://"):
        worker.local_only("ftp://example.org/MuseScore_General.sf3")
    (tmp_path / "here").write_text("here")
    with worker.local_only((tmp_path / "here").as_uri()) as file:
        assert file.read() == b"here"


def test_an_answer_is_asked_for_once_and_kept(
    take: ManifestTake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "worker.py"
    fake.write_text(WORKER)
    font = tmp_path / "font.sf2"
    monkeypatch.setattr(bench, "_WORKER", fake)
    monkeypatch.setattr(bench, "find_soundfont", lambda _: font)
    followed = bench.follow(take, "arzt", Path(sys.executable), tmp_path / "out", 60.0)
    assert not followed.failure
    with (tmp_path / "out" / "arzt" / "one.csv").open() as table:
        rows = list(csv.reader(table))
    assert rows[:2] == [["time", "quarter"], ["0.2500", "0.0000"]]
    fake.unlink()  # not wanted again
    again = bench.follow(take, "arzt", Path(sys.executable), tmp_path / "out", 60.0)
    assert json.dumps(again.answer) == json.dumps(followed.answer)


def test_a_worker_that_fails_or_hangs_is_told_of(
    take: ManifestTake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "worker.py"
    monkeypatch.setattr(bench, "_WORKER", fake)
    monkeypatch.setattr(bench, "find_soundfont", lambda _: tmp_path / "font.sf2")
    fake.write_text("raise SystemExit('no such method')")
    failed = bench.follow(take, "arzt", Path(sys.executable), tmp_path / "out", 60.0)
    assert failed.failure == "no such method"
    fake.write_text("import time; time.sleep(60)")
    hung = bench.follow(take, "arzt", Path(sys.executable), tmp_path / "out", 0.5)
    assert hung.failure == "no answer after 0.5 s"
    assert not (tmp_path / "out" / "arzt" / "one.json").exists()


def test_a_format_that_it_does_not_take_is_unpacked(tmp_path: Path) -> None:
    tone = 0.3 * np.sin(np.arange(48_000) * 0.05)
    sf.write(str(tmp_path / "take.opus"), tone, 48_000, format="OGG", subtype="OPUS")
    sf.write(str(tmp_path / "take.wav"), tone, 48_000)
    assert bench._readable(tmp_path / "take.wav", tmp_path) == tmp_path / "take.wav"
    (tmp_path / "scratch").mkdir()
    unpacked = bench._readable(tmp_path / "take.opus", tmp_path / "scratch")
    samples, rate = sf.read(str(unpacked))
    assert (unpacked.name, rate, len(samples)) == ("take.wav", 48_000, 48_000)
    assert np.corrcoef(samples, tone)[0, 1] > 0.99


def line(follower: str, take: str) -> Any:
    quarter, time_s = np.array([0.0, 1.0]), np.array([0.5, 1.0])
    errors = measure(
        truth_quarter=quarter,
        truth_time_s=time_s,
        trace_time_s=time_s,
        trace_quarter=quarter,
        reported_s=time_s + 0.01,
        reported_quarter=quarter,
    )
    return table.Line(follower, take, "all", errors, 0.006, 0.2)


def test_what_has_heard_all_takes_stands_in_one_table() -> None:
    own = [line("bayes", take) for take in ("a", "b")]
    theirs = [line("arzt", take) for take in ("a", "b")]
    whole = table.section(own, theirs, "today", [line("bayes-librosa", "a")])
    rows = [row for row in whole.splitlines() if row.startswith("| ")]
    assert [row.split(" | ")[0] for row in rows] == [
        "|", "| ---", "| `bayes`", "| matchmaker, OLTW (Arzt)",
        "|", "| ---", "| `bayes`", "| `bayes-librosa`",
    ]  # fmt: skip
    assert "| 0 · 100/100 · 0 · 0.0 | 0.20 of 6 ms |" in rows[2]
    parted = table.section(own, theirs[:1], "today")
    assert "on the 1 that all of its methods have been through" in parted
    assert "matchmaker, OLTW (Arzt)" not in parted.split("With pymatchmaker")[0]
