import json
import multiprocessing
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from accompanist.app.cli import main
from accompanist.app.evaluating.evaluation import (
    ManifestTake,
    TakeResult,
    evaluate_takes,
    read_manifest,
)
from accompanist.app.evaluating.report import as_json, as_markdown, pools, print_tables
from accompanist.errors import BadInputError
from accompanist.followers.registry import DEFAULT_FOLLOWER
from accompanist.takes.figures import TakeErrors

RATE = 22_050
PITCHES = (69, 71, 72, 74, 76, 74, 72, 71, 69, 67, 69, 71)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two takes of a melody of plucked tones at 100 qpm, with a bass that is not heard."""
    folder = tmp_path_factory.mktemp("data")
    file = mido.MidiFile(ticks_per_beat=480)
    for pitches, ticks in ((PITCHES, 480), ((45, 52) * 3, 960)):
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("set_tempo", tempo=600_000, time=0))
        for pitch in pitches:
            track.append(mido.Message("note_on", note=pitch, velocity=80, time=0))
            track.append(mido.Message("note_off", note=pitch, velocity=0, time=ticks))
        file.tracks.append(track)
    file.save(folder / "score.mid")
    time_s = np.arange(round(0.6 * RATE)) / RATE
    for name, start_s in (("a", 0.5), ("b", 1.0)):
        sound = [np.zeros(round(start_s * RATE))]
        for pitch in PITCHES:
            hz = 440.0 * 2 ** ((pitch - 69) / 12)
            partials = [0.7**k * np.sin(2 * np.pi * hz * (k + 1) * time_s) for k in range(6)]
            sound.append(0.2 * np.sum(partials, axis=0) * np.exp(-4 * time_s))
        soundfile.write(folder / f"{name}.wav", np.concatenate(sound), RATE)
        rows = [f"{q},{start_s + 0.6 * q:.3f}" for q in range(len(PITCHES))]
        (folder / f"{name}.csv").write_text("\n".join(["quarter,time", *rows]) + "\n")
    return folder


def manifest(folder: Path, text: str) -> Path:
    path = folder / "manifest.csv"
    path.write_text(text)
    return path


BOTH = """score,solo,audio,truth,id,group
score.mid,1,a.wav,a.csv,first,pluck
score.mid,1,b.wav,b.csv,second,pluck
"""


def evaluate(*options: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["evaluate", *options, "--json"])
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the machine's load decides."""
    timed = ("compute_ms", "compute_mean_ms", "compute_p99_ms", "real_time_factor")
    dropped = (*timed, "peak_memory_mb")
    takes = [{k: v for k, v in t.items() if k not in dropped} for t in answer["takes"]]
    groups = [
        {**g, "figures": {k: v for k, v in g["figures"].items() if k not in dropped}}
        for g in answer["groups"]
    ]
    return {"takes": takes, "groups": groups}


def test_a_clean_melody_is_followed_and_the_jobs_do_not_show(data: Path, tmp_path: Path) -> None:
    path = manifest(data, BOTH)
    one = evaluate(str(path), "--out", str(tmp_path / "figures"))
    two = evaluate(str(path), "--jobs", "2")
    assert without_times(one) == without_times(two)
    group = one["groups"][0]
    assert (group["group"], group["figures"]["takes"]) == ("pluck", 2)
    assert group["figures"]["lost"] == 0.0
    assert group["figures"]["position_within_100"] > 0.8
    assert group["figures"]["asynchrony_notes"] == 12
    assert set(group["confidence_95"]) >= {"position_median_ms", "asynchrony_within_100"}
    assert [take["id"] for take in one["takes"]] == ["first", "second"]
    written = sorted(p.relative_to(tmp_path / "figures").as_posix() for p in tmp_path.rglob("*.*"))
    assert written == [
        "bayes/first/onsets.csv",
        "bayes/first/sent.csv",
        "bayes/first/trace.csv",
        "bayes/second/onsets.csv",
        "bayes/second/sent.csv",
        "bayes/second/trace.csv",
        "figures.json",
        "figures.md",
    ]


def test_manifest_paths_are_its_own_and_columns_optional(data: Path) -> None:
    path = manifest(data, "score,solo,audio,truth,start_quarter\nscore.mid,1,a.wav,a.csv,2.5\n")
    assert read_manifest(path) == [
        ManifestTake(
            id="a",
            group="all",
            score=data / "score.mid",
            solo="1",
            audio=data / "a.wav",
            truth=data / "a.csv",
            start_quarter=2.5,
            row=1,
        )
    ]


def test_ids_are_made_unique(data: Path) -> None:
    row = "score.mid,1,a.wav,a.csv\n"
    path = manifest(data, "score,solo,audio,truth\n" + 2 * row)
    assert [take.id for take in read_manifest(path)] == ["a", "a-2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("score,solo,audio\n", "no column truth"),
        ("score,solo,audio,truth\n", "no rows"),
        ("score,solo,audio,truth\nscore.mid,1,a.wav,gone.csv\n", "row 1: truth gone.csv"),
        ("score,solo,audio,truth\nscore.mid,1,,a.csv\n", "row 1: audio is empty"),
        (
            "score,solo,audio,truth,start_quarter\nscore.mid,1,a.wav,a.csv,x\n",
            "row 1: start_quarter 'x'",
        ),
    ],
)
def test_a_broken_manifest_is_told_by_row(data: Path, text: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        read_manifest(manifest(data, text))


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        (("gone.csv",), 3, "gone.csv"),
        (("gone.csv", "--followers", "psychic"), 2, "choose from bayes"),
        (("gone.csv", "--json", "--markdown"), 2, "exclude each other"),
    ],
)
def test_errors_are_one_line(options: tuple[str, ...], exit_code: int, words: str) -> None:
    result = CliRunner().invoke(main, ["evaluate", *options])
    assert result.exit_code == exit_code
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_error_in_a_take_names_its_row(data: Path) -> None:
    rows = BOTH.replace("score.mid,1,b.wav", "score.mid,7,b.wav")
    result = CliRunner().invoke(main, ["evaluate", str(manifest(data, rows))])
    assert result.exit_code == 2
    assert "manifest row 2 (second): there is no part 7" in result.stderr


def result_of(name: str, group: str, error_s: float) -> TakeResult:
    path = Path(name)
    return TakeResult(
        take=ManifestTake(name, group, path, "1", path, path, None, 1),
        follower="bayes",
        errors=TakeErrors(np.full(4, error_s), np.array([0.02, 0.02, 0.02, np.nan])),
        duration_s=10.0,
        hop_s=0.0058,
        compute_ms={"mean": 0.2, "p50": 0.2, "p99": 0.5, "max": 1.0},
        real_time_factor=29.0,
        peak_memory_mb=200.0,
    )


RESULTS = [
    result_of("x", "violin", 0.01),
    result_of("y", "violin", 0.03),
    result_of("z", "piano", 0.2),
]


def test_pools_by_group_and_all() -> None:
    pooled = pools(RESULTS)
    assert [p.group for p in pooled] == ["violin", "piano", "all takes"]
    medians = [p.figures["position_median_ms"] for p in pooled]
    assert medians == pytest.approx([20.0, 200.0, 30.0])
    assert pooled[1].interval == {}
    assert pooled[0].interval["position_median_ms"] == pytest.approx((10.0, 30.0))


def test_the_table_names_takes_groups_and_figures(capsys: pytest.CaptureFixture[str]) -> None:
    print_tables(RESULTS, pools(RESULTS))
    printed = capsys.readouterr().out
    for words in ("violin", "all takes", "position within 100 ms", "[low, high]", "20.0 [10.0"):
        assert words in printed


def test_markdown_and_json() -> None:
    pooled = pools(RESULTS)
    text = as_markdown(RESULTS, pooled)
    assert "| bayes | violin | piano | all takes |" in text
    assert "| position error, median (ms) | 20.0 [10.0, 30.0] | 200.0 |" in text
    assert "| missed (no report within 300 ms) | 25.0 % [25.0, 25.0] | 25.0 % |" in text
    plain = as_json(RESULTS, pooled)
    assert plain["takes"][2]["position_median_ms"] == pytest.approx(200.0)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_an_interrupted_evaluation_leaves_no_worker(data: Path) -> None:
    def interrupt(_: TakeResult) -> None:
        raise KeyboardInterrupt

    takes = read_manifest(manifest(data, BOTH))
    with pytest.raises(KeyboardInterrupt):
        evaluate_takes(takes, [DEFAULT_FOLLOWER], done=interrupt)
    assert multiprocessing.active_children() == []
