from pathlib import Path

import numpy as np
import pytest

from accompanist.takes.figures_reliability import Reliability
from accompanist.takes.reliability_picture import draw_reliability


def reliability(share: float) -> Reliability:
    count = np.full(10, 100.0)
    return Reliability(count, count * np.linspace(0.05, 0.95, 10), count * share, 100.0)


def test_a_curve_for_each_follower_and_the_same_file_for_the_same_values(tmp_path: Path) -> None:
    given = {"bayes": reliability(0.5), "hmm": reliability(0.9)}
    for name in ("one.svg", "two.svg"):
        draw_reliability(tmp_path / name, given)
    text = (tmp_path / "one.svg").read_text("utf-8")
    assert text == (tmp_path / "two.svg").read_text("utf-8")
    for words in ("bayes (calibration error 25.0 %)", "hmm (calibration error 41.0 %)"):
        assert words in text


@pytest.mark.parametrize("name", ["nothing.svg", "nothing.png"])
def test_nothing_can_be_drawn_as_well(tmp_path: Path, name: str) -> None:
    draw_reliability(tmp_path / name, {"bayes": Reliability.together(())})
    assert (tmp_path / name).stat().st_size > 1000
