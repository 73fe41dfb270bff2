import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from plucked_takes import MELODY, QUARTER_S, RATE, plucked, write_score
from scipy.io import savemat

from accompanist.app.cli import main
from accompanist.app.evaluating.bach10 import matched
from accompanist.app.evaluating.datasets import dataset_takes
from accompanist.errors import BadInputError
from accompanist.score.choose import choose_solo
from accompanist.takes.tables import read_truth
from score_library.load import load_score

PLAYERS = ("violin", "clarinet", "saxphone", "bassoon")
VOICES = [[p - 5 * i for p in MELODY[:12]] for i in range(4)]
BEGINS_S = 0.323


def bach10(folder: Path) -> Path:
    """Write one piece in the manner of Bach10; the bassoon leaves out a note and trills one."""
    piece = folder / "01-Tiny"
    piece.mkdir()
    write_score(piece / "01-Tiny.mid", [(voice, 480) for voice in VOICES])
    cells = np.empty((4, 1), dtype=object)
    rows = []
    for i, player in enumerate(PLAYERS):
        sound = plucked(VOICES[i], QUARTER_S, BEGINS_S)
        soundfile.write(piece / f"01-Tiny-{player}.wav", sound, RATE)
        notes = []
        for j, pitch in enumerate(VOICES[i]):
            start_s = BEGINS_S + QUARTER_S * j
            rows.append(f"{1000 * start_s:.0f}\t{1000 * QUARTER_S * j:.0f}\t{pitch}\t{i + 1}")
            if (player, j) == ("bassoon", 5):
                continue
            frames = np.arange(round((start_s - 0.023) / 0.01) + 1, 1000)[:30]
            pitches = pitch + 0.15 * np.ones(30)
            notes.append(np.vstack((frames, pitches)).astype(float))
        cell = np.empty((len(notes), 1), dtype=object)
        for j, note in enumerate(notes):
            cell[j, 0] = note
        cells[i, 0] = cell
    savemat(piece / "01-Tiny-GTNotes.mat", {"GTNotes": cells})
    (piece / "01-Tiny.txt").write_text("\n".join(rows) + "\n")
    return piece


def musicnet(folder: Path) -> Path:
    """Write one recording in the manner of MusicNet: a melody with a bass, sixteenths from 1."""
    data, labels = folder / "train_data", folder / "train_labels"
    data.mkdir()
    labels.mkdir()
    high, low = plucked(MELODY, QUARTER_S, 0.5), plucked([45] * 20, 2 * QUARTER_S, 0.5)
    soundfile.write(data / "1727.wav", 0.5 * (high + low), RATE)
    rows = ["start_time,end_time,instrument,note,start_beat,end_beat,note_value"]
    for pitches, beats, program in ((MELODY, 1.0, 41), ([45] * 20, 2.0, 43)):
        for j, pitch in enumerate(pitches):
            start = round((0.5 + QUARTER_S * beats * j) * 44_100)
            end = round(start + QUARTER_S * beats * 44_100)
            rows.append(f"{start},{end},{program},{pitch},{beats * j},{beats},Quarter")
    path = labels / "1727.csv"
    path.write_text("\n".join(rows) + "\n")
    (folder / "musicnet_metadata.csv").write_text(
        "id,composer,composition,movement,ensemble,source\n1727,X,Y,Z,Duo,here\n"
    )
    return path


@pytest.mark.parametrize("form", ["mat", "txt"])
def test_bach10_in_either_form(tmp_path: Path, form: str) -> None:
    piece = bach10(tmp_path)
    if form == "txt":
        (piece / "01-Tiny-GTNotes.mat").unlink()
    with dataset_takes("bach10", tmp_path) as takes:
        assert [take.id for take in takes] == [f"01-Tiny-{player}" for player in PLAYERS]
        assert [take.solo for take in takes] == ["1", "2", "3", "4"]
        for take in takes:
            quarter, time_s = read_truth(take.truth)
            part = choose_solo(load_score(take.score), take.solo).part
            left_out = {5.0} if form == "mat" and take.solo == "4" else set()
            assert set(quarter) == {n.onset_quarter for n in part.notes} - left_out
            assert time_s == pytest.approx(BEGINS_S + QUARTER_S * quarter, abs=0.011)
        truth = takes[0].truth
    assert not truth.exists()


def test_pitches_are_paired_in_order_and_strangers_left_out() -> None:
    assert matched([60, 60, 62], [60, 60, 62]) == [(0, 0), (1, 1), (2, 2)]
    assert matched([60, 62, 64, 65], [60, 64, 65]) == [(0, 0), (2, 1), (3, 2)]
    assert matched([60, 64], [60, 70, 64]) == [(0, 0), (1, 2)]
    assert matched([60], []) == []


def test_musicnet_gives_a_score_a_truth_and_a_group(tmp_path: Path) -> None:
    musicnet(tmp_path)
    with dataset_takes("musicnet", tmp_path) as (take,):
        assert (take.id, take.group) == ("1727", "Duo")
        score = load_score(take.score)
        (part,) = [p for p in score.parts if p.notes]
        assert len(part.notes) == len(MELODY) + 20
        assert sorted({round(n.duration_quarter, 6) for n in part.notes}) == [1.0, 2.0]
        assert part.program in (40, 42)
        quarter, time_s = read_truth(take.truth)
        assert quarter == pytest.approx(np.arange(len(MELODY)))
        assert time_s == pytest.approx(0.5 + QUARTER_S * quarter, abs=1e-4)
        # 150 is played: the nearest half octave about it, so that it has to be found.
        assert score.tempo_marks[0].qpm == pytest.approx(2**7.0, rel=1e-3)


def test_a_data_set_is_followed(tmp_path: Path) -> None:
    musicnet(tmp_path)
    command = ["evaluate", str(tmp_path), "--dataset", "musicnet", "--json"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    (take,) = json.loads(result.stdout)["takes"]
    assert (take["id"], take["onsets"]) == ("1727", len(MELODY))
    assert take["position_within_300"] > 0.8


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("01-Tiny-GTNotes.mat", "no matrix", "not the notes of Bach10"),
        ("01-Tiny.txt", "1 2 3\n", "line 1"),
        ("01-Tiny.txt", "10 0 60 9\n", "line 1"),
        ("01-Tiny.txt", "10 0 60 1\n", "do not fit the score"),
        ("01-Tiny.mid", "no score", "01-Tiny.mid"),
    ],
)
def test_a_damaged_file_of_bach10_is_named(
    tmp_path: Path, file: str, text: str, words: str
) -> None:
    piece = bach10(tmp_path)
    if file.endswith(".txt"):
        (piece / "01-Tiny-GTNotes.mat").unlink()
    (piece / file).write_text(text)
    with pytest.raises(BadInputError, match=words), dataset_takes("bach10", tmp_path):
        pass


def test_what_is_missing_of_bach10_is_told(tmp_path: Path) -> None:
    piece = bach10(tmp_path)
    for name in ("01-Tiny-GTNotes.mat", "01-Tiny.txt"):
        (piece / name).unlink()
    with pytest.raises(BadInputError, match="neither"), dataset_takes("bach10", tmp_path):
        pass
    write_score(piece / "01-Tiny.mid", [(VOICES[0], 480)])
    with pytest.raises(BadInputError, match="four"), dataset_takes("bach10", tmp_path):
        pass
    shutil.rmtree(piece)
    with pytest.raises(BadInputError, match="no piece"), dataset_takes("bach10", tmp_path):
        pass


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("start_beat", "beat"), "no column start_beat"),
        ((",69,", ",169,"), "row 1: a sample, program, pitch or beat"),
        ((",69,", ",x,"), "row 1: note is 'x'"),
    ],
)
def test_damaged_labels_of_musicnet_are_named(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    labels = musicnet(tmp_path)
    labels.write_text(labels.read_text().replace(*change, 1))
    with (
        pytest.raises(BadInputError, match=words) as raised,
        dataset_takes("musicnet", tmp_path),
    ):
        pass
    assert "1727.csv" in str(raised.value)


def test_a_folder_without_a_data_set_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "x"
    with pytest.raises(BadInputError, match="no recording"), dataset_takes("musicnet", tmp_path):
        pass
    with pytest.raises(BadInputError, match="no such folder"), dataset_takes("bach10", missing):
        pass
