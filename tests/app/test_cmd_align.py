"""``align`` from the outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from click.testing import CliRunner, Result

from accompanist.app.cli import main
from accompanist.takes.tables import read_rows
from bridges.audio_files import write_wav

Samples = npt.NDArray[np.float32]
RATE = 16_000
MELODY = (60, 64, 67, 72, 71, 67, 65, 62, 69, 65, 60, 59, 62, 67, 74, 72, 64, 66, 67, 60)


@pytest.fixture
def air(tmp_path: Path) -> Path:
    """Twenty quarters for a violin."""
    file, track = mido.MidiFile(ticks_per_beat=480), mido.MidiTrack()
    for pitch in MELODY:
        track.append(mido.Message("note_on", note=pitch, velocity=80, time=0))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=480))
    file.tracks.append(track)
    file.save(tmp_path / "air.mid")
    return tmp_path / "air.mid"


def write_takes(folder: Path, play_tones: Callable[..., Samples]) -> tuple[Path, Path]:
    """Two takes: 0.5 s a note from 1.0 s on, and 0.8 s a note from 0.3 s on."""
    for name, lead_s, note_s in (("quick", 1.0, 0.5), ("slow", 0.3, 0.8)):
        notes = [(lead_s + note_s * i, lead_s + note_s * (i + 1), p) for i, p in enumerate(MELODY)]
        write_wav(folder / f"{name}.wav", play_tones(notes, RATE), RATE)
    return folder / "quick.wav", folder / "slow.wav"


def align(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["align", *map(str, words)])


def test_takes_on_the_axis_of_a_score(
    air: Path, tmp_path: Path, play_tones: Callable[..., Samples]
) -> None:
    quick, slow = write_takes(tmp_path, play_tones)
    out = tmp_path / "both.csv"
    result = align(air, quick, slow, "--out", out, "--step", "0.5", "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["position"], facts["rows"]) == ("quarters", 41)
    assert [take["name"] for take in facts["takes"]] == ["quick", "slow"]
    assert [take["gaps"] for take in facts["takes"]] == [[], []]
    assert out.read_text("utf-8").splitlines()[:2] == ["# position: quarters", "quarter,quick,slow"]
    rows = read_rows(out, ("quarter", "quick", "slow"))
    assert [float(row["quarter"]) for row in rows] == [0.5 * i for i in range(41)]
    for name, lead_s, note_s in (("quick", 1.0, 0.5), ("slow", 0.3, 0.8)):
        there = [(float(r["quarter"]), float(r[name])) for r in rows if r[name]]
        assert len(there) >= 38
        times = [time for _, time in there]
        assert times == sorted(set(times))
        errors = [abs(time - lead_s - note_s * q) for q, time in there if q == int(q)]
        assert np.median(errors) < 0.015

    result = align(quick, slow, "--out", tmp_path / "seconds.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].startswith("slow: second ")
    text = (tmp_path / "seconds.csv").read_text("utf-8")
    assert text.startswith("# position: seconds\nquarter,slow\n")


def test_bad_input_is_refused_in_one_line_and_nothing_is_written(
    air: Path, tmp_path: Path, play_tones: Callable[..., Samples]
) -> None:
    out = tmp_path / "out.csv"
    silent, short, noise = (tmp_path / f"{n}.wav" for n in ("silent", "short", "noise"))
    write_wav(silent, np.zeros(4 * RATE), RATE)
    write_wav(short, play_tones([(0.0, 0.3, 60)], RATE), RATE)
    write_wav(noise, 0.1 * np.random.default_rng(0).standard_normal(9 * RATE), RATE)
    for words, code, text in (
        ((air, tmp_path / "gone.wav", "--out", out), 3, "gone.wav"),
        ((air, air, "--out", out), 3, "air.mid"),
        ((air, silent, "--out", out), 3, "silent"),
        ((air, short, "--out", out), 3, "too short"),
        ((air, noise, "--out", out), 3, "does not sound like"),
        (("no-such-piece", silent, "--out", out), 2, "no-such-piece"),
        ((air, silent), 2, "--out"),
        ((air, "--out", out), 2, "TAKE"),
        ((air, silent, "--out", tmp_path), 2, "folder"),
    ):
        result = align(*words)
        assert result.exit_code == code, (words, result.output)
        assert len(result.stderr.strip().splitlines()) == 1
        assert text in result.stderr
        assert not out.exists()


def test_of_a_flac_file_that_breaks_off_the_rest_is_aligned(
    air: Path, tmp_path: Path, play_tones: Callable[..., Samples]
) -> None:
    quick, _ = write_takes(tmp_path, play_tones)
    samples, rate = soundfile.read(quick)
    soundfile.write(tmp_path / "whole.flac", samples, rate)
    content = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(content[: round(0.7 * len(content))])
    out = tmp_path / "cut.csv"
    result = align(air, tmp_path / "cut.flac", "--out", out)
    assert result.exit_code == 0, result.output
    rows = [line.split(",") for line in out.read_text("utf-8").splitlines()[2:]]
    there = np.array([(float(quarter), float(cut)) for quarter, cut in rows if cut])
    assert 8 < there[-1, 0] < 17
    assert np.median(np.abs(there[:, 1] - 1.0 - 0.5 * there[:, 0])) < 0.05
