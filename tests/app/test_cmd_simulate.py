import json
import os
from pathlib import Path

import mido
import numpy as np
import pytest
from click.testing import CliRunner, Result

from accompanist.app.cli import main
from accompanist.app.commands.simulate import parse_jump, parse_pause
from accompanist.app.simulating import attack_times_s, read_timing, render_simulation
from accompanist.errors import BadInputError, DeviceError, UsageError
from accompanist.simulation.performance import simulate_take
from accompanist.simulation.settings import PRESETS
from accompanist.takes.tables import read_numbers, read_rows, read_truth
from bridges.audio_files import read_audio
from bridges.fluidsynth import find_soundfont
from score_library.load import load_score


def _has_synth() -> bool:
    try:
        find_soundfont()
    except DeviceError:
        return False
    return True


needs_synth = pytest.mark.skipif(
    not _has_synth() and os.environ.get("CI") != "true", reason="no sound font on this machine"
)


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    """Two bars of melody for a violin over a cello."""
    file = mido.MidiFile(ticks_per_beat=480)
    for name, program, pitches, ticks in (
        ("Violin", 40, (69, 71, 72, 74, 76, 74, 72, 71), 480),
        ("Cello", 42, (45, 52, 45, 52), 960),
    ):
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("track_name", name=name, time=0))
        track.append(mido.Message("program_change", program=program, time=0))
        for pitch in pitches:
            track.append(mido.Message("note_on", note=pitch, velocity=80, time=0))
            track.append(mido.Message("note_off", note=pitch, velocity=0, time=ticks))
        file.tracks.append(track)
    path = tmp_path / "piece.mid"
    file.save(path)
    return path


def simulate(piece: Path, out: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["simulate", str(piece), "--out", str(out), *options])


@needs_synth
def test_it_writes_a_take_its_truth_and_all_notes(piece: Path, tmp_path: Path) -> None:
    out = tmp_path / "a" / "take"
    result = simulate(piece, out, "--solo", "Violin", "--rate", "22050", "--lead-in", "0.5")
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in out.iterdir()) == ["performance.csv", "take.wav", "truth.csv"]
    assert [p.name for p in out.parent.iterdir()] == ["take"]
    quarter, time_s = read_truth(out / "truth.csv")
    assert quarter.tolist() == list(range(8))
    assert time_s[0] == 0.5
    notes = read_rows(out / "performance.csv", ("onset", "offset", "pitch", "kind"))
    assert [row["pitch"] for row in notes] == ["69", "71", "72", "74", "76", "74", "72", "71"]
    audio = read_audio(out / "take.wav")
    assert (audio.rate, audio.samples.shape[1]) == (22050, 1)
    assert audio.duration_s > time_s[-1] + 1.0
    assert np.max(np.abs(audio.samples)) == pytest.approx(10 ** (-0.3), abs=1e-3)


@needs_synth
def test_a_seed_makes_the_very_same_files_and_json_tells_of_them(
    piece: Path, tmp_path: Path
) -> None:
    facts = []
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        options = ("--preset", "student", "--seed", seed, "--rate", "8000", "--json")
        result = simulate(piece, tmp_path / name, *options)
        assert result.exit_code == 0, result.output
        facts.append(json.loads(result.stdout))
    first, again, other = (
        [(tmp_path / name / file).read_bytes() for file in ("take.wav", "truth.csv")]
        for name in "abc"
    )
    assert first == again != other
    assert (facts[0]["seed"], facts[0]["preset"], facts[0]["solo"]) == (3, "student", 1)
    assert facts[0]["folder"] == str(tmp_path / "a")


@needs_synth
def test_the_truth_is_the_audible_onset(piece: Path) -> None:
    score = load_score(piece)
    preset = PRESETS["steady"]
    take = simulate_take(score, score.parts[0], preset.player, 1)
    sound = render_simulation(
        score, take, preset.player, preset.room, seed=1, soundfont=find_soundfont()
    )
    first_s = take.truth_time_s[0]
    start = np.abs(sound[: round((first_s + 0.3) * 44_100)])
    audible_s = np.argmax(start > start.max() * 0.1) / 44_100
    assert audible_s == pytest.approx(first_s, abs=0.005)


@needs_synth
def test_attacks_are_measured_for_each_pitch() -> None:
    attacks = attack_times_s(73, (60, 84), 440.0, soundfont=find_soundfont(), sample_rate=22_050)
    assert sorted(attacks) == [60, 84]
    assert all(0.0 <= attack <= 0.05 for attack in attacks.values())


@needs_synth
def test_a_human_s_timing(piece: Path, tmp_path: Path) -> None:
    pitches = (69, 71, 72, 74, 76, 74, 72, 71)
    rows = [f"{q},1,{p},{10 + q * 0.7:.2f},{10.5 + q * 0.7},60,1" for q, p in enumerate(pitches)]
    path = tmp_path / "timing.csv"
    path.write_text("\n".join(["quarter,duration,pitch,onset,offset,velocity,part", *rows]))
    out = tmp_path / "take"
    result = simulate(piece, out, "--solo", "1", "--timing", str(path), "--rate", "8000")
    assert result.exit_code == 0, result.output
    table = read_numbers(out / "truth.csv", ("quarter", "time"))
    assert table[:, 1] == pytest.approx(1.0 + 0.7 * np.arange(8), abs=1e-5)


def test_timing_without_the_part_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "timing.csv"
    path.write_text("quarter,duration,pitch,onset,offset,velocity,part\n0,1,60,0,1,60,2\n")
    with pytest.raises(BadInputError, match="no notes of part 1; parts there: 2"):
        read_timing(path, 1)


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        (("--wrong", "1.5"), 2, "wrong 1.5"),
        (("--jump", "8"), 2, "write FROMBAR:TOBAR"),
        (("--pause", "x"), 2, "write BAR:SECONDS"),
        (("--jump", "77:1"), 2, "bar 77"),
        (("--a4", "415", "--cents", "3"), 2, "leave one of them out"),
        (("--solo", "Tuba"), 2, "Tuba"),
        (("--timing", "nothing.csv"), 3, "nothing.csv"),
        (("--soundfont", "nothing.sf2"), 4, "nothing.sf2"),
    ],
)
@needs_synth
def test_what_cannot_be_is_told_in_one_line(
    piece: Path, tmp_path: Path, options: tuple[str, ...], exit_code: int, words: str
) -> None:
    result = simulate(piece, tmp_path / "take", *options)
    assert result.exit_code == exit_code
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "take").exists()


@pytest.mark.parametrize("text", ["", "3", "3:", ":2", "3:x"])
def test_pauses_misspelt(text: str) -> None:
    with pytest.raises(UsageError):
        parse_pause(text)


@pytest.mark.parametrize("text", ["", "3", "3:", ":2"])
def test_jumps_misspelt(text: str) -> None:
    with pytest.raises(UsageError):
        parse_jump(text)
