"""A recording as the orchestra, from end to end: a soloist plays, the recording follows."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from click.testing import CliRunner

from accompanist.app.cli import main
from accompanist.conducting.settings import ConductorSettings

RATE = 22_050
SCALE = (69, 71, 72, 74, 76, 74, 77, 76, 74, 72, 74, 71, 72, 69, 67, 69)
NOTE_S = 0.6
LEAD_S = 0.4
SLOWER = 1.1
PAUSE_AT, PAUSE_S = 9, 3.0
"""The soloist stops before this note, for so long."""

Samples = npt.NDArray[np.float64]


def tone(pitch: int, length_s: float, partials: tuple[float, ...], decay: float) -> Samples:
    time_s = np.arange(round(length_s * RATE)) / RATE
    hz = 440.0 * 2 ** ((pitch - 69) / 12)
    wave = sum(a * np.sin(2 * np.pi * hz * (k + 1) * time_s) for k, a in enumerate(partials))
    edge = np.minimum(1.0, np.minimum(time_s, length_s - time_s) / 0.01)
    return np.asarray(wave * edge * np.exp(-decay * time_s))


def laid(sounds: list[tuple[float, Samples]], length_s: float) -> Samples:
    out = np.zeros(round(length_s * RATE))
    for start_s, sound in sounds:
        first = round(start_s * RATE)
        out[first : first + len(sound)] += sound[: len(out) - first]
    return out


def solo(starts_s: list[float], length_s: float, note_s: float) -> Samples:
    notes = [
        (at, 0.2 * tone(p, note_s, (1.0, 0.6, 0.4, 0.25, 0.15), 3.0))
        for at, p in zip(starts_s, SCALE, strict=True)
    ]
    return laid(notes, length_s)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A recording of soloist and chords, and a take of the solo alone: slower, with a pause."""
    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder / "data"))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        _make(folder)
        yield folder


def _make(folder: Path) -> None:
    noise = np.random.default_rng(0)
    there = [LEAD_S + NOTE_S * i for i in range(len(SCALE))]
    length_s = there[-1] + NOTE_S + 1.0
    chords = [
        (there[i], 0.07 * tone(p, 2 * NOTE_S, (1.0, 0.3), 1.0))
        for i in range(0, len(SCALE), 2)
        for p in (45 + 5 * (i % 4 == 2), 57, 60 + (i % 4 == 2))
    ]
    full = solo(there, length_s, NOTE_S) + laid(chords, length_s)
    left = full + noise.normal(0.0, 1e-4, len(full))
    soundfile.write(folder / "orchestra.wav", np.stack([left, full], axis=1), RATE)
    here = [
        1.0 + SLOWER * NOTE_S * i + (PAUSE_S if i >= PAUSE_AT else 0.0) for i in range(len(SCALE))
    ]
    take_s = here[-1] + NOTE_S + 1.0
    alone = solo(here, take_s, SLOWER * NOTE_S)
    soundfile.write(folder / "take.wav", alone + noise.normal(0.0, 1e-4, len(alone)), RATE)
    rows = [f"{x:.4f},{t:.4f}" for x, t in zip(there, here, strict=True)]
    (folder / "truth.csv").write_text("\n".join(["quarter,time", *rows]) + "\n")
    (folder / "manifest.csv").write_text(
        "score,solo,audio,truth,id\norchestra.wav,,take.wav,truth.csv,mine\n"
    )


def run(*words: str) -> str:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def rendered(files: Path) -> Path:
    out = files / "out"
    run(
        "render", str(files / "orchestra.wav"), str(files / "take.wav"),
        "--out", str(out), "--truth", str(files / "truth.csv"),
    )  # fmt: skip
    return out


def facts(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "take.json").read_text("utf-8"))
    return content


def rows(path: Path) -> list[dict[str, str]]:
    first, *rest = path.read_text("utf-8").splitlines()
    assert first == "# position: seconds"
    return list(csv.DictReader(rest))


def test_the_take_is_whole_and_counts_seconds_of_the_recording(rendered: Path) -> None:
    assert {p.name for p in rendered.iterdir()} >= {
        "trace.csv", "onsets.csv", "played.csv", "accompaniment.mid", "accompaniment.wav",
        "mix.wav", "picture.svg", "take.json",
    }  # fmt: skip
    told = facts(rendered)
    assert told["position_unit"] == "seconds"
    assert told["settings"]["follower"] == "recording"
    assert told["end_quarter"] == pytest.approx(11.0, abs=0.1)
    trace = rows(rendered / "trace.csv")
    assert rows(rendered / "played.csv") == []
    assert rows(rendered / "onsets.csv")
    there, speed = np.array([[float(r["quarter"]), float(r["qpm"])] for r in trace]).T
    assert 9.0 < there.max() <= 11.0
    states = np.array([r["state"] for r in trace])
    assert np.median(speed[states == "following"]) == pytest.approx(60.0 / SLOWER, rel=0.1)
    assert (rendered / "picture.svg").stat().st_size > 5000


def test_soloist_and_recording_are_together(rendered: Path) -> None:
    figures = facts(rendered)["figures"]
    assert figures["lost"] == 0.0
    assert figures["position_median_ms"] < 60.0
    assert figures["asynchrony_notes"] == len(SCALE)
    assert figures["asynchrony_median_ms"] < 80.0
    assert figures["asynchrony_within_100"] >= 0.6


def test_it_waits_while_the_soloist_does(rendered: Path) -> None:
    pause_s = 1.0 + SLOWER * NOTE_S * PAUSE_AT
    trace = rows(rendered / "trace.csv")
    during = {r["state"] for r in trace if pause_s + 2.0 < float(r["time"]) < pause_s + PAUSE_S}
    assert during <= {"holding", "waiting"}


def test_the_midi_file_has_the_tempo_in_which_the_recording_was_played(rendered: Path) -> None:
    import mido

    tempi = [
        60e6 / message.tempo
        for message in mido.MidiFile(rendered / "accompaniment.mid").tracks[0]
        if message.type == "set_tempo"
    ]
    assert len(tempi) > 5
    slowest = min(tempi)
    assert slowest < 0.6 * float(np.median(tempi))  # the pause


def test_it_sounds_where_it_plays(rendered: Path) -> None:
    sound, rate = soundfile.read(rendered / "accompaniment.wav", always_2d=True)
    assert rate == RATE
    level = np.sqrt(np.mean(sound**2, axis=1))
    assert np.abs(sound[: round(0.9 * rate)]).max() < 1e-3  # nobody has begun
    assert np.sqrt(np.mean(level[round(1.5 * rate) : round(6.0 * rate)] ** 2)) > 0.005
    mix, _ = soundfile.read(rendered / "mix.wav", always_2d=True)
    assert np.isfinite(mix).all()
    assert np.abs(mix).max() <= 0.9


def test_the_tables_do_not_depend_on_the_block(files: Path, rendered: Path) -> None:
    out = files / "blocks"
    run(
        "render", str(files / "orchestra.wav"), str(files / "take.wav"),
        "--out", str(out), "--block", "777", "--no-audio",
    )  # fmt: skip
    assert not (out / "mix.wav").exists()
    for name in ("trace.csv", "onsets.csv", "played.csv"):
        assert (out / name).read_bytes() == (rendered / name).read_bytes()


def test_a_manifest_may_name_a_recording(files: Path, rendered: Path) -> None:
    answer = json.loads(run("evaluate", str(files / "manifest.csv"), "--json"))
    (take,) = answer["takes"]
    assert take["follower"] == "recording"
    figures = facts(rendered)["figures"]
    for key in ("position_median_ms", "asynchrony_median_ms", "missed"):
        assert take[key] == pytest.approx(figures[key], abs=0.01)


@pytest.mark.parametrize("follower", ["bayes", "notes", "nobody"])
def test_a_follower_of_notes_is_refused(files: Path, follower: str) -> None:
    result = CliRunner().invoke(
        main,
        ["render", str(files / "orchestra.wav"), str(files / "take.wav"), "--out",
         str(files / "refused"), "--follower", follower],
    )  # fmt: skip
    assert result.exit_code == 2
    assert follower in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (files / "refused").exists()


def test_a_score_is_not_followed_as_a_recording(files: Path) -> None:
    result = CliRunner().invoke(
        main,
        ["render", "amazing-grace", str(files / "take.wav"), "--out", str(files / "refused"),
         "--no-audio", "--follower", "recording"],
    )  # fmt: skip
    assert result.exit_code == 2
    assert "is a score" in result.stderr


def test_another_stretcher_changes_the_sound_and_nothing_else(files: Path, rendered: Path) -> None:
    out = files / "vocoder"
    run(
        "render", str(files / "orchestra.wav"), str(files / "take.wav"), "--out", str(out),
        "--truth", str(files / "truth.csv"), "--stretcher", "phase-vocoder",
    )  # fmt: skip
    assert (out / "trace.csv").read_bytes() == (rendered / "trace.csv").read_bytes()
    ours, usual = (soundfile.read(f / "accompaniment.wav")[0][:, 0] for f in (out, rendered))
    assert np.abs(ours - usual).max() > 0.02
    assert np.std(ours) == pytest.approx(np.std(usual), rel=0.2)


@pytest.mark.parametrize("command", ["render", "play"])
@pytest.mark.parametrize("name", ["phase-vocoder", "rubber"])
def test_a_stretcher_is_refused_where_it_means_nothing_or_is_not_known(
    files: Path, command: str, name: str
) -> None:
    out = files / "refused"
    words = {
        "render": ("render", "amazing-grace", str(files / "take.wav")),
        "play": ("play", "amazing-grace", "--silent", "--from-file", str(files / "take.wav")),
    }
    result = CliRunner().invoke(main, [*words[command], "--out", str(out), "--stretcher", name])
    assert result.exit_code == 2
    said = "phase-gradient, phase-vocoder, plain-vocoder" if name == "rubber" else "is a score"
    assert said in result.stderr
    assert not out.exists()


def test_whoever_starts_in_the_middle_is_told_in_seconds(files: Path) -> None:
    from accompanist.app.offline import OfflineSettings, run_take
    from accompanist.app.pieces import open_any, reference_of
    from accompanist.score.outer import OuterAxis
    from bridges.audio_files import read_audio

    piece = open_any(str(files / "orchestra.wav"))
    audio = read_audio(files / "take.wav")
    start = round((1.0 + SLOWER * NOTE_S * 4 - 0.2) * audio.rate)
    axis = OuterAxis(piece.score)
    there_s = LEAD_S + NOTE_S * 4
    take = run_take(
        piece.score,
        piece.solo_part,
        audio.samples[start : start + 3 * audio.rate],
        audio.rate,
        OfflineSettings("recording", ConductorSettings()),
        start_quarter=float(axis.quarter(there_s)),
        reference=reference_of(piece),
    )
    said = axis.outer(take.record.quarters)
    assert said[5] == pytest.approx(there_s, abs=0.05)
    assert said[-1] == pytest.approx(there_s + (3.0 - 0.2) / SLOWER, abs=0.3)
