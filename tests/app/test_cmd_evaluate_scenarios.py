import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from plucked_takes import write_takes

from accompanist.app.cli import main
from accompanist.app.evaluating.evaluation import LeftOut
from accompanist.app.evaluating.manifest import ManifestTake
from accompanist.app.evaluating.scenario_figures import ALL, scenario_figures
from accompanist.app.evaluating.scenario_report import (
    as_scenario_json,
    as_scenario_markdown,
    print_scenarios,
)
from accompanist.app.evaluating.trial import TakeResult
from accompanist.takes.figures import TakeErrors
from accompanist.takes.figures_reliability import Reliability
from accompanist.takes.figures_scenarios import Outcome


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_takes(tmp_path_factory.mktemp("takes"))


def run(*options: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["evaluate", *options, "--json"])
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_scenarios_are_made_measured_and_written(manifest: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures"
    answer = run(
        str(manifest), "--scenario", "level-40db,start-anywhere,silence", "--out", str(out)
    )
    takes = {(t["id"], t["scenario"]): t for t in answer["takes"]}
    assert set(takes) == {
        *((name, scenario) for name in ("long", "short") for scenario in ("clean", "level-40db")),
        *((name, "silence") for name in ("long", "short")),
        ("long", "start-anywhere"),
    }
    assert [(o["id"], o["scenario"]) for o in answer["left_out"]] == [("short", "start-anywhere")]
    soft = takes["long", "level-40db"]
    assert soft["position_within_100"] > 0.8
    assert abs(soft["loss_points"]) < 10
    assert soft["start_within"] == 1.0
    assert "position_within_100" not in takes["long", "silence"]
    groups = {(s["scenario"], s["group"]) for s in answer["scenarios"]}
    assert groups >= {("clean", "longs"), ("clean", "shorts"), ("clean", ALL)}
    (believed,) = answer["reliability"]
    assert sum(believed["instants"]) > 100
    assert (out / "bayes" / "level-40db" / "long" / "trace.csv").is_file()
    assert "| level-40db |" in (out / "figures.md").read_text("utf-8")
    assert "right within a beat" in (out / "reliability.svg").read_text("utf-8")
    assert json.loads((out / "figures.json").read_text("utf-8"))["left_out"] == answer["left_out"]


def test_the_list_of_scenarios_needs_no_manifest() -> None:
    result = CliRunner().invoke(main, ["evaluate", "--list-scenarios"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("clean ")
    assert any(line.startswith("bleed+6db ") for line in lines)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "no MANIFEST"),
        (("{manifest}", "--scenario", "fire"), "no scenario 'fire'"),
        (("{manifest}", "--seconds", "20"), "--seconds goes with --scenario"),
    ],
)
def test_errors_are_one_line(manifest: Path, options: tuple[str, ...], words: str) -> None:
    given = [option.format(manifest=manifest) for option in options]
    result = CliRunner().invoke(main, ["evaluate", *given])
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def result_of(
    name: str, group: str, scenario: str, errors_s: list[float], **outcome: Any
) -> TakeResult:
    path = Path(name)
    believed = Reliability(np.full(10, 5.0), np.full(10, 2.5), np.full(10, 2.0), 1.0)
    return TakeResult(
        take=ManifestTake(name, group, path, "1", path, path, None, 1),
        follower="bayes",
        errors=TakeErrors(np.array(errors_s), np.full(len(errors_s), 0.02)),
        duration_s=10.0,
        hop_s=0.0058,
        compute_ms={"mean": 0.2, "p50": 0.2, "p99": 0.5, "max": 1.0},
        real_time_factor=29.0,
        peak_memory_mb=200.0,
        scenario=scenario,
        origin=np.arange(len(errors_s)),
        outcome=Outcome(playing_s=3600.0, believed=believed, **outcome),
    )


RESULTS = [
    result_of("x", "violin", "clean", [0.0, 0.0, 0.2, 0.0]),
    result_of("y", "piano", "clean", [0.0, 0.0]),
    result_of("x", "violin", "go-back", [0.0, 0.3, 0.3], back_s=(0.5,), false_jumps=3),
    result_of("y", "piano", "go-back", [0.0, 0.0], back_s=(float("inf"),)),
]
OUT = [LeftOut(RESULTS[1].take, None, "go-back", "the take is too short")]


def test_the_loss_is_counted_on_the_same_onsets() -> None:
    figures = {(p.scenario, p.group): p.figures for p in scenario_figures(RESULTS)}
    # Of three onsets two were right in the clean take, and one is now.
    assert figures["go-back", "violin"]["loss_points"] == pytest.approx(100 / 3)
    assert figures["go-back", "piano"]["loss_points"] == 0.0
    assert figures["go-back", ALL]["loss_points"] == pytest.approx(100 * (4 / 5 - 3 / 5))
    assert figures["go-back", ALL]["back_never"] == 0.5
    assert figures["go-back", ALL]["false_jumps_per_h"] == 1.5
    assert figures["clean", ALL]["loss_points"] == 0.0


def test_tables_name_scenarios_groups_and_what_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_scenarios(RESULTS, OUT)
    printed = capsys.readouterr().out
    markdown = as_scenario_markdown(RESULTS, OUT)
    for text in (printed, markdown):
        for words in ("go-back", "violin", "33.3 (+33.3)", "never", "0.50", "2 (−1)"):
            assert words in text
        assert "left out of go-back: y: the take is too short" in text
        assert "expected calibration error 0.100" in text
    plain = as_scenario_json(RESULTS, OUT)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
