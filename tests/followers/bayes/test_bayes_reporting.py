"""What is sure enough to be reported: repeated notes, the last one, notes that die away."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from accompanist.followers.bayes.follower import BayesFollower
from accompanist.followers.bayes.grid import FilterSettings, PositionFilter, ScoreGrid
from accompanist.followers.bayes.reporting import Reporting
from accompanist.followers.bayes.segments import make_segments
from accompanist.followers.bayes.templates import TemplateRing
from accompanist.followers.protocol import Heard
from accompanist.hearing.bank import FilterBank
from accompanist.score.model import Note, Part, Score, TempoMark
from accompanist.score.solo import SoloLine, solo_line
from accompanist.score.tempo import WrittenTempo, written_tempo

RATE, HOP = 44_100, 256
PITCHES = (60, 64, 64, 67, 72)
SETTINGS = FilterSettings()
LAST = 4


def written(pitches: tuple[int, ...]) -> tuple[SoloLine, WrittenTempo]:
    part = Part(1, "solo", tuple(Note(float(i), 1.0, p) for i, p in enumerate(pitches)))
    score = Score("", (part,), (), tempo_marks=(TempoMark(0.0, 100.0),))
    return solo_line(part), written_tempo(score)


def believing(event: int, share: float) -> tuple[Reporting, PositionFilter, float]:
    """A filter that gives ``event`` that share of its belief, and where that event stands."""
    segments = make_segments(*written(PITCHES), 0.7, 4.0)
    grid = ScoreGrid(segments, SETTINGS, HOP / RATE)
    fine = PositionFilter(grid, TemplateRing(FilterBank(RATE), segments, 0.0), SETTINGS, HOP / RATE)
    cell = int(grid.event_cell[event])
    fine.row_mass[cell - 1], fine.row_mass[cell] = 1.0 - share, share
    fine.support[4:] = (cell - 1, cell + 1)
    reporting = Reporting(grid, SETTINGS)
    reporting.last_event = event - 1
    return reporting, fine, float(segments.event_s[event])


def test_a_new_pitch_is_reported_where_the_position_is() -> None:
    reporting, fine, at_s = believing(1, 0.5)
    assert reporting.passed(at_s + 1e-6, fine, relocated=False) == range(1, 2)
    assert reporting.last_event == 1


@pytest.mark.parametrize(("share", "told"), [(0.85, False), (0.95, True)])
def test_the_last_note_is_reported_when_it_is_sure(share: float, told: bool) -> None:
    reporting, fine, at_s = believing(LAST, share)
    due = reporting.passed(at_s + 1e-6, fine, relocated=False)
    assert list(due) == ([LAST] if told else [])


def test_what_waits_before_a_doubtful_end_is_reported_meanwhile() -> None:
    reporting, fine, at_s = believing(LAST, 0.6)
    reporting.last_event = LAST - 2
    assert list(reporting.passed(at_s + 1e-6, fine, relocated=False)) == [LAST - 1]


def test_a_report_is_taken_back_only_when_it_has_become_unlikely() -> None:
    reporting, fine, at_s = believing(3, 0.3)
    reporting.last_event = 3
    assert not reporting.passed(at_s - 0.1, fine, relocated=False)
    assert reporting.last_event == 3
    cell = int(fine.grid.event_cell[3])
    fine.row_mass[cell - 1], fine.row_mass[cell] = 0.9, 0.1
    assert not reporting.passed(at_s - 0.1, fine, relocated=False)
    assert reporting.last_event == 2


def test_a_jump_reports_the_one_event_it_lands_on() -> None:
    reporting, fine, at_s = believing(3, 0.2)
    reporting.last_event = -1
    reporting.go_back(at_s + 1e-6)
    assert list(reporting.passed(at_s + 1e-6, fine, relocated=True)) == [3]


def plucked(
    pitches: tuple[int, ...], times_s: list[float], end_s: float
) -> npt.NDArray[np.float32]:
    """Notes that die away like a string's, each until the next; and the hiss of a room."""
    out = np.random.default_rng(1).normal(0.0, 1e-5, round(end_s * RATE))
    for pitch, start, end in zip(pitches, times_s, [*times_s[1:], end_s], strict=True):
        t = np.arange(round((end - start) * RATE)) / RATE
        tone = sum(
            0.7**h * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * h * t) for h in range(1, 7)
        )
        first = round(start * RATE)
        out[first : first + len(t)] += 0.2 * np.exp(-t / 0.55) * tone * np.minimum(t / 0.004, 1.0)
    return out.astype(np.float32)


@pytest.mark.parametrize("held_s", [1.2, 1.6])
def test_the_last_note_of_all_repeats_the_one_before_which_dies_away(held_s: float) -> None:
    tune = (60, 64, 67, 65, 69, 67, 72, 71, 67, 64, 64)
    times = [0.3 + 0.6 * i for i in range(len(tune) - 1)]
    times.append(times[-1] + held_s)
    samples = plucked(tune, times, times[-1] + 1.0)
    follower = BayesFollower(*written(tune), RATE, HOP)
    told: dict[int, list[float]] = {}
    for i in range(len(samples) // HOP):
        heard = Heard((i + 1) * HOP / RATE, samples[i * HOP : (i + 1) * HOP])
        for report in follower.feed(heard).onsets:
            told.setdefault(report.event, []).append(report.reported_s)
    assert [len(told[e]) for e in range(len(tune))] == [1] * len(tune)
    assert 0.0 < told[len(tune) - 1][0] - times[-1] < 0.06
