import csv
import json
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from accompanist.app import rendering
from accompanist.app.cli import main
from accompanist.performing.messages import Kind, Message, TimedMessage
from bridges.fluidsynth import OfflineSynth, find_soundfont

RATE = 22050
PITCHES = (60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65)
ONSETS_S = [0.5 + 0.5 * i + 0.02 * (i % 3) for i in range(len(PITCHES))]
FILES = {
    "accompaniment.mid",
    "accompaniment.wav",
    "mix.wav",
    "onsets.csv",
    "picture.svg",
    "played.csv",
    "take.json",
    "trace.csv",
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with score.mid, take.wav and truth.csv: a scale on the piano, with a bass."""
    folder = tmp_path_factory.mktemp("inputs")
    file = mido.MidiFile(ticks_per_beat=480)
    frame = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)])
    solo = mido.MidiTrack([mido.MetaMessage("track_name", name="Solo")])
    bass = mido.MidiTrack([mido.MetaMessage("track_name", name="Bass")])
    for pitch in PITCHES:
        solo.append(mido.Message("note_on", note=pitch, velocity=90))
        solo.append(mido.Message("note_off", note=pitch, time=480))
    for i in range(len(PITCHES) // 2):
        bass.append(mido.Message("note_on", channel=1, note=36 + i, velocity=70))
        bass.append(mido.Message("note_off", channel=1, note=36 + i, time=960))
    file.tracks.extend([frame, solo, bass])
    file.save(folder / "score.mid")
    messages = []
    for pitch, onset in zip(PITCHES, ONSETS_S, strict=True):
        messages.append(TimedMessage(onset, 0.0, 1, Message(Kind.ON, 1, pitch, 100)))
        messages.append(TimedMessage(onset + 0.45, 0.0, 1, Message(Kind.OFF, 1, pitch)))
    with OfflineSynth(find_soundfont(), RATE) as synth:
        sound = synth.render(messages, ONSETS_S[-1] + 1.0).mean(axis=1)
    soundfile.write(folder / "take.wav", sound, RATE)
    rows = "".join(f"{i}.0,{t}\n" for i, t in enumerate(ONSETS_S))
    (folder / "truth.csv").write_text("quarter,time\n" + rows)
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["render", *map(str, words)], catch_exceptions=False)


def rows_of(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def rendered(inputs: Path) -> Path:
    out = inputs / "rendered"
    result = run(
        inputs / "score.mid",
        inputs / "take.wav",
        *("--solo", "1", "--truth", inputs / "truth.csv", "--out", out),
    )
    assert result.exit_code == 0, result.output
    return out


def test_a_take_folder_has_all_its_files(rendered: Path) -> None:
    assert {p.name for p in rendered.iterdir()} == FILES


def test_the_soloist_was_followed_and_accompanied(rendered: Path) -> None:
    facts = json.loads((rendered / "take.json").read_text())
    assert facts["final_state"] == "ended"
    assert facts["figures"]["position_within_100"] > 0.8
    assert facts["figures"]["asynchrony_within_100"] > 0.7
    assert facts["notes_played"] == len(PITCHES) // 2
    assert set(facts["compute_ms"]) == {"mean", "p50", "p99", "max"}
    assert facts["solo"] == {"part": 1, "name": "Solo"}
    assert facts["xruns"] == 0
    assert facts["hop_s"] == pytest.approx(0.0058, abs=1e-4)


def test_every_hop_has_a_row_and_times_rise(rendered: Path) -> None:
    facts = json.loads((rendered / "take.json").read_text())
    trace = rows_of(rendered / "trace.csv")
    assert len(trace) == facts["hops"]
    times = [float(row["time"]) for row in trace]
    assert times == sorted(times)
    played = [float(row["time"]) for row in rows_of(rendered / "played.csv")]
    assert played == sorted(played)


def test_the_midi_file_sounds_when_the_notes_were_sent(rendered: Path) -> None:
    sent = [float(r["time"]) for r in rows_of(rendered / "played.csv") if r["kind"] == "on"]
    file, now_s, read = mido.MidiFile(rendered / "accompaniment.mid"), 0.0, []
    for message in file:
        now_s += message.time
        if message.type == "note_on":
            read.append(now_s)
    np.testing.assert_allclose(read, sent, atol=0.0005)


def test_the_sound_is_at_the_rate_of_the_take_and_does_not_clip(rendered: Path) -> None:
    for name in ("mix.wav", "accompaniment.wav"):
        samples, rate = soundfile.read(rendered / name)
        assert rate == RATE
        assert samples.shape[1] == 2
        assert 0.05 < np.abs(samples).max() < 0.9


@pytest.mark.parametrize("block", [1, 997, 200_000])
def test_the_block_size_leaves_every_row_as_it_is(
    inputs: Path, rendered: Path, tmp_path: Path, block: int
) -> None:
    words = (inputs / "score.mid", inputs / "take.wav", "--solo", "1", "--no-audio")
    result = run(*words, "--block", str(block), "--out", tmp_path / "take")
    assert result.exit_code == 0
    for name in ("trace.csv", "onsets.csv", "played.csv"):
        assert (tmp_path / "take" / name).read_bytes() == (rendered / name).read_bytes()


def test_a_take_that_is_cut_begins_with_the_same_rows(
    inputs: Path, rendered: Path, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(inputs / "take.wav", dtype="int16")
    soundfile.write(tmp_path / "cut.wav", samples[: 3 * rate], rate)
    words = (inputs / "score.mid", tmp_path / "cut.wav", "--solo", "1", "--no-audio")
    run(*words, "--out", tmp_path / "take")
    for name, column in (("trace.csv", "time"), ("onsets.csv", "reported"), ("played.csv", "time")):
        whole = [r for r in rows_of(rendered / name) if float(r[column]) <= 2.99]
        cut = [r for r in rows_of(tmp_path / "take" / name) if float(r[column]) <= 2.99]
        assert cut == whole


def test_without_sound_there_is_no_sound_and_json_is_take_json(
    inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "take"
    words = (inputs / "score.mid", inputs / "take.wav", "--no-audio", "--json", "--out", out)
    result = run(*words, "--dynamics", "0.25", "--mode", "fixed", "--level", "3")
    facts = json.loads(result.stdout)
    assert facts == json.loads((out / "take.json").read_text())
    assert facts["settings"]["conductor"]["dynamics_depth"] == 0.25
    assert facts["settings"]["conductor"]["mode"] == "fixed"
    assert facts["settings"]["conductor"]["level"] == 3.0
    assert {p.name for p in out.iterdir()} == FILES - {"mix.wav", "accompaniment.wav"}


def test_a_take_is_replaced_and_anything_else_refused(inputs: Path, tmp_path: Path) -> None:
    words = (inputs / "score.mid", inputs / "take.wav", "--no-audio", "--out")
    assert run(*words, tmp_path / "take").exit_code == 0
    assert run(*words, tmp_path / "take").exit_code == 0
    result = run(*words, tmp_path)
    assert result.exit_code == 2
    assert "is not a take" in result.stderr


def take_of(folder: Path, kind: str) -> Path:
    """Write a difficult WAV file."""
    path = folder / f"{kind}.wav"
    noise = np.random.default_rng(1)
    t = np.arange(3 * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 440 * t)
    match kind:
        case "silence":
            soundfile.write(path, np.zeros(3 * RATE), RATE)
        case "noise":
            soundfile.write(path, noise.normal(0, 0.2, 3 * RATE), RATE)
        case "eight-bit":
            soundfile.write(path, tone, RATE, subtype="PCM_U8")
        case "fast":
            soundfile.write(path, tone[: 2 * RATE], 96_000)
        case "six":
            soundfile.write(path, np.stack([tone] * 6, axis=1), RATE)
        case "nan":
            soundfile.write(path, np.where(t > 1, np.nan, tone), RATE, subtype="FLOAT")
        case "clipped":
            soundfile.write(path, np.sign(tone), RATE)
        case "offset":
            soundfile.write(path, tone + 0.6, RATE)
        case "huge":
            soundfile.write(path, tone * 1e9, RATE, subtype="FLOAT")
    return path


@pytest.mark.parametrize(
    "kind",
    ["silence", "noise", "eight-bit", "fast", "six", "nan", "clipped", "offset", "huge"],
)
def test_difficult_sound_has_a_sensible_result(inputs: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "take"
    result = run(inputs / "score.mid", take_of(tmp_path, kind), "--out", out)
    assert result.exit_code == 0, result.output
    assert {p.name for p in out.iterdir()} == FILES
    trace = np.array([[float(r["quarter"]), float(r["qpm"])] for r in rows_of(out / "trace.csv")])
    assert np.isfinite(trace).all()


def test_silence_is_said_to_be_silence(inputs: Path, tmp_path: Path) -> None:
    take = take_of(tmp_path, "silence")
    result = run(inputs / "score.mid", take, "--no-audio", "--out", tmp_path / "take")
    assert "never heard" in result.stdout
    assert rows_of(tmp_path / "take" / "onsets.csv") == []


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("empty.wav", b"", 3), ("text.wav", b"hello" * 99, 3), ("missing.wav", None, 3)],
)
def test_what_is_no_take_is_refused_in_one_line(
    inputs: Path, tmp_path: Path, name: str, content: bytes | None, code: int
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = run(inputs / "score.mid", tmp_path / name, "--out", tmp_path / "take")
    assert result.exit_code == code
    assert len(result.stderr.splitlines()) == 1
    assert name in result.stderr
    assert not (tmp_path / "take").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--solo", "Oboe"], 2),
        (["--solo", "9"], 2),
        (["--follower", "nobody"], 2),
        (["--policy", "nonsense"], 2),
        (["--dynamics", "1.5"], 2),
        (["--level", "11"], 2),
        (["--mode", "conduct"], 2),
        (["--block", "0"], 2),
        (["--soundfont", "/nowhere/no.sf2"], 4),
        (["--truth", "/nowhere/truth.csv"], 3),
    ],
)
def test_words_that_make_no_sense_are_refused_before_the_work(
    inputs: Path, tmp_path: Path, words: list[str], code: int
) -> None:
    out = tmp_path / "take"
    result = run(inputs / "score.mid", inputs / "take.wav", "--out", out, *words)
    assert result.exit_code == code
    assert not out.exists()
    assert not list(tmp_path.iterdir())


def test_an_unknown_piece_is_refused(inputs: Path, tmp_path: Path) -> None:
    result = run("no-such-piece", inputs / "take.wav", "--out", tmp_path / "take")
    assert result.exit_code == 2


def test_a_take_too_short_to_follow_is_refused(inputs: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), RATE)
    result = run(inputs / "score.mid", tmp_path / "a.wav", "--out", tmp_path / "take")
    assert result.exit_code == 3
    assert "too short" in result.stderr


@pytest.mark.parametrize("where", ["run_take", "write_sound", "write_take"])
def test_interrupted_it_leaves_nothing_behind(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rendering, where, interrupted)
    result = run(inputs / "score.mid", inputs / "take.wav", "--out", tmp_path / "take")
    assert result.exit_code == 130
    assert not list(tmp_path.iterdir())


def test_asked_to_end_it_leaves_nothing_behind(inputs: Path, tmp_path: Path) -> None:
    program = (
        "import os, signal\n"
        "from accompanist.app import cli, rendering\n"
        "rendering.run_take = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM)\n"
        "cli.run()\n"
    )
    words = ("render", inputs / "score.mid", inputs / "take.wav", "--no-audio", "--out")
    ended = subprocess.run(
        [sys.executable, "-c", program, *map(str, words), str(tmp_path / "take")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.iterdir())


def test_an_introduction_is_said_to_be_left_out(inputs: Path, tmp_path: Path) -> None:
    file = mido.MidiFile(inputs / "score.mid")
    file.tracks[1][1].time = 1920  # the solo begins a bar later than the bass
    file.save(tmp_path / "late.mid")
    words = (inputs / "take.wav", "--solo", "1", "--no-audio", "--out", tmp_path / "take")
    said = "The introduction (1 bar) is left out: on a recording the ensemble begins"
    assert said in run(tmp_path / "late.mid", *words).stderr
    assert "introduction" not in run(inputs / "score.mid", *words).stderr
    first = next(r for r in rows_of(tmp_path / "take" / "played.csv") if r["kind"] == "on")
    assert first["quarter"] == "0.000000"


def test_an_introduction_that_the_take_begins_with_is_played(inputs: Path, tmp_path: Path) -> None:
    file = mido.MidiFile(inputs / "score.mid")
    file.tracks[1][1].time = 1920
    file.save(tmp_path / "late.mid")
    words = (inputs / "take.wav", "--solo", "1", "--no-audio", "--introduction")
    result = run(tmp_path / "late.mid", *words, "--out", tmp_path / "take")
    assert result.exit_code == 0
    assert "left out" not in result.stderr
    first = next(r for r in rows_of(tmp_path / "take" / "played.csv") if r["kind"] == "on")
    assert float(first["time"]) < 0.05


def test_the_help_has_an_example() -> None:
    assert "accompanist render" in run("--help").output
