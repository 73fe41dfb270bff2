import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from plucked_takes import MELODY, QUARTER_S, RATE, plucked, write_score

from accompanist.app.cli import main
from accompanist.app.evaluating.timing import timing_takes
from accompanist.errors import BadInputError

TUNE = MELODY[:20]
HEADER = "quarter,duration,pitch,onset,offset,velocity,part"


def performance(path: Path, seconds: float, seed: int = 0, part: int = 1) -> None:
    """Write a tune with a bass, played with a swing of its own."""
    generator = np.random.default_rng(seed)
    quarters = np.arange(60.0)
    times = seconds * (quarters + 0.25 * np.sin(quarters)) + generator.normal(0, 0.004, 60)
    rows = [HEADER]
    for i, (quarter, time_s) in enumerate(zip(quarters, times, strict=True)):
        rows.append(f"{quarter},1.0,{60 + 7 * i % 12},{time_s:.4f},{time_s + 0.4:.4f},70,{part}")
        if part == 1:
            rows.append(f"{quarter},1.0,40,{time_s + 0.02:.4f},{time_s + 0.4:.4f},60,2")
    path.write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def pianists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pianists")
    for i, seconds in enumerate((0.5, 0.55, 0.48)):
        performance(folder / f"p{i}.csv", seconds, i)
    (folder / "notes.csv").write_text("what,ever\n1,2\n")
    return folder


def evaluate(*options: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["evaluate", *options, "--json"])
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def refused(*options: str) -> str:
    result = CliRunner().invoke(main, ["evaluate", *options])
    assert result.exit_code in (2, 3), result.output
    return result.stderr


def test_rehearsal_helps_where_players_do_alike(pianists: Path) -> None:
    options = (str(pianists), "--dataset", "timing", "--tempo-models", "kalman,rehearsed")
    cold, warm = evaluate(*options), evaluate(*options, "--rehearsal", "2")
    by_model = {g["model"]: g for g in warm["groups"]}
    assert list(by_model) == ["kalman", "rehearsed", "as played"]
    assert by_model["kalman"] == {g["model"]: g for g in cold["groups"]}["kalman"] | {
        "rehearsed": [2, 2]
    }
    errors = {name: by_model[name]["next_onset"] for name in ("kalman", "rehearsed")}
    assert errors["rehearsed"]["mean_abs_ms"] < 0.8 * errors["kalman"]["mean_abs_ms"]
    assert by_model["rehearsed"]["together"]["count"] == 180
    assert by_model["as played"]["together"]["bias_ms"] == pytest.approx(20.0, abs=0.1)
    assert [t["id"] for t in warm["takes"]][:3] == ["p0", "p0", "p1"]


def test_a_primo_is_the_solo_and_its_secondo_the_ensemble(tmp_path: Path) -> None:
    performance(tmp_path / "Duo_Primo_1.csv", 0.5, part=1)
    performance(tmp_path / "Duo_Secondo_1.csv", 0.5, part=2)
    (take,) = timing_takes(tmp_path)
    assert take.name == "Duo_Primo_1"
    assert len(take.solo) == len(take.ensemble_quarters) == 60
    assert take.played_s[10.0] == pytest.approx(float(take.times_s[10]), abs=1e-3)


def test_another_piece_is_no_rehearsal(pianists: Path, tmp_path: Path) -> None:
    performance(tmp_path / "a.csv", 0.5)
    rows = (tmp_path / "a.csv").read_text().replace(",1.0,6", ",1.0,8").replace(",1.0,7", ",1.0,9")
    (tmp_path / "b.csv").write_text(rows)
    assert len({take.piece for take in timing_takes(tmp_path)}) == 2
    assert len({take.piece for take in timing_takes(pianists)}) == 1


def test_files_that_are_damaged_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no performance is there"):
        timing_takes(tmp_path)
    (tmp_path / "a.csv").write_text(f"{HEADER}\n0,1,60,x,1,70,1\n")
    with pytest.raises(BadInputError, match=r"a\.csv: row 1: onset is 'x'"):
        timing_takes(tmp_path)
    (tmp_path / "a.csv").write_text(f"{HEADER}\n0,1,60,0,1,70,2\n")
    with pytest.raises(BadInputError, match="no notes of part 1"):
        timing_takes(tmp_path)


def test_a_manifest_is_heard_by_exact_ears_and_by_a_follower(tmp_path: Path) -> None:
    write_score(tmp_path / "score.mid", [(TUNE, 480), ([45] * 10, 960)])
    soundfile.write(tmp_path / "a.wav", plucked(TUNE, QUARTER_S, 0.5), RATE)
    rows = [f"{q},{0.5 + QUARTER_S * q:.4f}" for q in range(len(TUNE))]
    (tmp_path / "a.csv").write_text("\n".join(["quarter,time", *rows]) + "\n")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("score,solo,audio,truth\nscore.mid,1,a.wav,a.csv\n")
    for ears in ("exact", "follower"):
        answer = evaluate(str(manifest), "--tempo-models", "kalman", "--ears", ears)
        (group,) = answer["groups"]
        assert group["next_onset"]["count"] == len(TUNE) - 1
        assert group["next_onset"]["median_abs_ms"] < 40.0
        assert group["together"]["count"] == 10


def test_the_closed_loop_is_played_and_printed(tmp_path: Path) -> None:
    options = ("--closed-loop", "--soloist", "listening,stubborn", "--minutes", "0.75")
    answer = evaluate(*options, "--runs", "2", "--out", str(tmp_path / "figures"))
    assert [(d["soloist"], d["gain"], d["runs"]) for d in answer["duos"]] == [
        ("listening", 0.25, 2),
        ("stubborn", 0.0, 2),
    ]
    assert len(answer["runs"]) == 4
    assert all(abs(d["drift"]) < 0.03 and d["sd_ms"] < 30.0 for d in answer["duos"])
    assert json.loads((tmp_path / "figures" / "figures.json").read_text()) == answer
    assert (tmp_path / "figures" / "figures.md").read_text().startswith("| soloist | gain |")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--tempo-models", "nope", "x.csv"), "--tempo-models nope: choose from last"),
        (("--closed-loop", "--soloist", "deaf"), "--soloist deaf: choose from listening"),
        (("--closed-loop", "x.csv"), "leave MANIFEST"),
        (("--dataset", "timing", "."), "add --tempo-models"),
        (("--dataset", "timing", ".", "--tempo-models", "last", "--ears", "follower"), "no sound"),
        (("x.csv", "--rehearsal", "2"), "go with --tempo-models"),
        (("x.csv", "--tempo-models", "last", "--scenario", "jump"), "leave them out"),
        (("x.csv", "--tempo-models", "last", "--followers", "bayes"), "with --ears follower"),
        (("x.csv", "--soloist", "adaptive"), "go with --closed-loop"),
    ],
)
def test_what_does_not_go_together_is_refused(
    options: tuple[str, ...], says: str, pianists: Path
) -> None:
    assert says in refused(*(str(pianists) if o == "." else o for o in options))
